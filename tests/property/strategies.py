"""Random small scenarios: a few pods, a minute or two of light traffic, up to three operations.

They are plain mappings as in a scenario file, so that a failing one can be kept as one.
"""

from typing import Any

from hypothesis import strategies as st

Mapping = dict[str, Any]

_SECONDS = st.integers(0, 12).map(float) | st.sampled_from([0.5, 1.5, 2.25, 5.5])
_DELAYS = st.sampled_from(
    [
        {"delays": "0s"},
        {},
        {"delays": {"kind": "uniform", "low": 0, "high": 2}},
        {"delays": {"kind": "exponential", "mean": 0.3}},
        {"delays": "250ms"},
    ]
)
_ON_SIGTERM = st.sampled_from(
    [
        "exit",
        "finishInFlight",
        "ignore",
        {"listener": "close", "exit": {"after": 3}},
        {"listener": "keep", "exit": {"after": 4}},
        {"listener": "keep", "exit": "whenIdle"},
        {"listener": "close", "exit": "never"},
        {"listener": "close", "exit": "whenIdle", "connections": "close"},
        {"listener": "keep", "exit": {"after": 6}, "connections": {"closeOver": 4}},
    ]
)
_PRE_STOP = st.none() | st.one_of(
    _SECONDS,
    st.just({"fails": True}),
    st.builds(
        lambda until, at_most: {"waitUntil": until, "atMost": at_most},
        st.sampled_from(["noRequests", "noSessions"]),
        st.integers(1, 12),
    ),
)
_STICKY = {
    "algorithm": "sticky-sessions",
    "hashOn": {"input": "none"},
    "stickySessions": {"cookie": "session_id"},
}
_HASH_ON: list[Mapping] = [
    {"hashOn": {"input": "ip"}},
    {"hashOn": {"input": "path"}},
    {"hashOn": {"input": "consumer"}, "hashOnFallback": {"input": "ip"}},
    {"hashOn": {"header": "X-User"}, "hashOnFallback": {"input": "path"}},
    {"hashOn": {"queryArg": "user"}, "hashOnFallback": {"header": "X-User"}},
    {"hashOn": {"uriCapture": "tenant"}},
    {"hashOn": {"cookie": "session_id", "cookiePath": "/"}},
    {"hashOn": {"cookie": "session_id", "cookiePath": "/shop"}},
]
_UPSTREAM_OF = {
    "sticky-sessions": st.just(_STICKY),
    "consistent-hashing": st.sampled_from([{"algorithm": "consistent-hashing", **on} for on in _HASH_ON]),
    **{name: st.just({"algorithm": name}) for name in ("round-robin", "least-connections", "latency")},
}
_SERVICE = st.sampled_from(
    [0.125, 0.5, 2.0, {"kind": "exponential", "mean": 0.3}, {"kind": "uniform", "low": 0, "high": 6}]
)


_KUBERNETES_DELAYS = (
    "apiWrite",
    "scheduler",
    "imagePull",
    "containerStart",
    "statusUpdate",
    "endpointUpdate",
    "sliceWatch",
    "kubeletNotice",
    "podRemoval",
)
_LAWS = st.sampled_from(
    [
        "0s",
        "10ms",
        "1s",
        "7s",
        {"kind": "uniform", "low": 0, "high": 20},
        {"kind": "exponential", "mean": 3},
        {"kind": "lognormal", "median": 0.3, "sigma": 2},
    ]
)


@st.composite
def any_delays(draw: st.DrawFn) -> tuple[Mapping, Mapping]:
    """Return a law of its own for each delay of Kubernetes, and of the ingress controller."""
    kubernetes = {name: draw(_LAWS) for name in _KUBERNETES_DELAYS}
    return kubernetes, {name: draw(_LAWS) for name in ("watchDelay", "pushDelay")}


@st.composite
def operations(
    draw: st.DrawFn,
    kinds: tuple[str, ...] = ("rollout", "scale", "deletePod", "readinessFlap", "gatewayRestart", "configPush"),
    most: int = 3,
) -> list[Mapping]:
    """Return up to ``most`` entries of a timeline between 20 s and 60 s, some of them at the same time.

    Gateway operations are done to the first node, which is there always.
    """
    entries = []
    for _ in range(draw(st.integers(0, most))):
        kind = draw(st.sampled_from(kinds))
        target = "kong-1" if kind in ("gatewayRestart", "configPush") else "app"
        entry: Mapping = {"at": draw(st.sampled_from([20.0, 21.0, 25.5, 30.0, 40.0, 60.0])), kind: target}
        if kind == "readinessFlap":
            entry |= {"for": draw(st.sampled_from([2.0, 15.0])), "seenByGateway": draw(st.booleans())}
        elif kind == "gatewayRestart":
            entry["downtime"] = draw(st.sampled_from([0.5, 5.0, 20.0]))
        elif kind == "configPush":
            entry["configPush"] = draw(st.sampled_from(["kong-1", "all"]))
        elif kind == "scale":
            entry["replicas"] = draw(st.integers(0, 5))
        elif kind in ("deletePod", "crash"):
            entry["count"] = draw(st.integers(1, 2))
            if kind == "deletePod":
                entry["force"] = draw(st.integers(0, 3)) == 0
        elif draw(st.booleans()):
            entry |= draw(st.sampled_from([{"neverReady": True}, {"startup": "1s"}, {"startup": "20s"}]))
        entries.append(entry)
    return entries


@st.composite
def deployments(draw: st.DrawFn) -> Mapping:
    """Return a Deployment of 1 to 5 replicas with any bounds, hook, grace period and probe."""
    surge = draw(st.sampled_from([0, 1, 2, "25%", "50%"]))
    unavailable = draw(st.sampled_from([0, 1, 2, "25%"] if surge != 0 else [1, 2]))
    deployment: Mapping = {
        "name": "app",
        "replicas": draw(st.integers(1, 5)),
        "maxSurge": surge,
        "maxUnavailable": unavailable,
        "minReadySeconds": draw(st.sampled_from([0, 0, 4])),
        "progressDeadlineSeconds": 30,
        "grace": draw(st.integers(1, 20)),
        "preStop": draw(_PRE_STOP),
    }
    if draw(st.booleans()):
        period = draw(st.integers(1, 4))
        threshold = draw(st.integers(1, 2))
        deployment["readinessProbe"] = {"periodSeconds": period, "failureThreshold": threshold}
    if draw(st.integers(0, 9)) == 0:
        deployment["strategy"] = {"type": "Recreate"}
        del deployment["maxSurge"], deployment["maxUnavailable"]
    return deployment


_MANY_SIDED: list[Mapping] = [
    {},
    {},
    {"tabs": 3},
    {"paths": [{"path": "/shop", "share": 0.5}, {"path": "/shop/cart", "share": 0.5}]},
    {"paths": [{"path": "/shop", "share": 0.75}, {"path": "/", "share": 0.25}], "tabs": 2},
    {"otherUpstream": {"share": 0.3}},
    {"otherUpstream": {"share": 0.3, "sharesTargets": True}, "tabs": 2},
    {"otherUpstream": {"share": 0.3, "cookiePath": "/shop"}, "path": "/shop/cart"},
]
"""What clients do beyond one request after another on one path: tabs, paths, another upstream's cookie."""
_CONNECTIONS = st.builds(
    lambda connect, jitter, backoff, attempts: {
        "kind": "long-lived",
        "connect": connect,
        "reconnect": {"jitter": jitter, "backoff": backoff, "max": 4.0, "maxAttempts": attempts},
    },
    st.sampled_from([None, 0.25, {"kind": "exponential", "mean": 1.5}]),
    st.sampled_from(["full", "equal", "none"]),
    st.sampled_from([0.25, 2.0]),
    st.sampled_from(["unlimited", 1, 3]),
)
_IDENTIFIERS = st.sampled_from(
    [{}, {"ip": {"values": 3}, "consumer": {"present": 0.5}}, {"header": {"values": 2, "present": 0.7}}]
)


@st.composite
def traffics(draw: st.DrawFn, *, keep: float | None = None, plain: bool = False) -> Mapping:
    """Return light traffic of short sessions, open or closed; ``plain``: each a single cookie and request at a time."""
    open_arrivals = st.builds(lambda rate: {"kind": "poisson", "rate": rate}, st.sampled_from([0.5, 1, 3]))
    closed = st.builds(
        lambda population: {"kind": "closed", "population": population, "pause": 0.5}, st.integers(1, 12)
    )
    action = draw(st.sampled_from(["continue", "retry", "abandon"]))
    several: Mapping = {}
    if draw(st.booleans()):
        several["idempotent"] = draw(st.sampled_from([0.5, 1.0]))
    if not plain:
        several |= draw(st.sampled_from(_MANY_SIDED))
        several["identifiers"] = draw(_IDENTIFIERS)
    if not plain and draw(st.integers(0, 2)) == 0:
        several["connections"] = draw(_CONNECTIONS)
        several.pop("tabs", None)
        action = "continue"
    cookies: Mapping = {"keep": draw(st.sampled_from([1.0, 0.6, 0.0])) if keep is None else keep}
    if not plain:
        cookies["clear"] = draw(st.sampled_from([0.0, 0.0, 0.0, 0.2]))
    return several | {
        "sessions": draw(open_arrivals | closed),
        "requests": {"kind": "geometric", "mean": draw(st.integers(1, 8))},
        "think": draw(st.sampled_from([0.5, 3.0, {"kind": "exponential", "mean": 4}])),
        "service": draw(_SERVICE),
        "cookies": cookies,
        "onFailure": {"action": action, "backoff": 1, "maxAttempts": draw(st.integers(1, 4))},
    }


@st.composite
def gateways(draw: st.DrawFn) -> Mapping:
    """Return one to three nodes with one or two workers and any of the open points of sticky-sessions."""
    return {
        "nodes": draw(st.integers(1, 3)),
        "workers": draw(st.integers(1, 2)),
        "frontBalancer": draw(st.sampled_from(["perRequest", "perConnection"])),
        "retries": draw(st.sampled_from([0, 1, 5])),
        "attemptsPerTarget": draw(st.sampled_from([1, 1, 2, 3])),
        "retryDelay": draw(st.sampled_from([0.0, 0.0, 1.0, 7.0])),
        "slowStart": draw(st.sampled_from([0.0, 0.0, 10.0])),
        "hashMethod": draw(st.sampled_from(["ring", "ring", "modulo"])),
        "sync": draw(st.sampled_from(["full", "full", "incremental"])),
        "readTimeout": draw(st.sampled_from([1.0, 5.0, 60.0])),
        "connectTimeout": draw(st.sampled_from([0.5, 3.0])),
        "connection": draw(st.sampled_from(["refused", "refused", "blackhole"])),
        "stickyOnUnhealthy": draw(st.sampled_from(["rebind", "follow"])),
        "stickySetCookie": draw(st.sampled_from(["when_missing_or_changed", "always"])),
        "stickyIdentity": draw(st.sampled_from(["by_address", "by_target_id"])),
        "stickyNewPick": draw(st.sampled_from(["round_robin", "in_order", "random", "least_connections"])),
        "stickyOnWeightZero": draw(st.sampled_from(["follow", "follow", "rebind"])),
        "thresholdComparison": draw(st.sampled_from(["gt", "ge"])),
        "stickyWhenTotalWeightZero": draw(st.sampled_from(["503", "serve_bound"])),
        "stickyRetry": draw(st.sampled_from(["next_by_new_pick", "same_target"])),
        "cookieOnRetry": draw(st.sampled_from(["rebind_cookie", "keep_cookie"])),
        "stickyCookieOnErrorResponse": draw(st.booleans()),
    }


@st.composite
def health_checks(draw: st.DrawFn) -> Mapping:
    """Return active and passive health checks of any limits, with intervals that fall into a short run."""
    limits = st.sampled_from([0, 1, 3])
    checks: Mapping = {"threshold": draw(st.sampled_from([0, 0, 50]))}
    if draw(st.booleans()):
        checks["active"] = {
            "timeout": 1,
            "concurrency": draw(st.sampled_from([1, 10])),
            "healthy": {"interval": draw(st.sampled_from([0, 2, 5])), "successes": draw(limits)},
            "unhealthy": {
                "interval": draw(st.sampled_from([0, 1, 5])),
                "tcpFailures": draw(limits),
                "timeouts": draw(limits),
                "httpFailures": draw(limits),
            },
        }
    if draw(st.booleans()):
        checks["passive"] = {
            "healthy": {"successes": draw(limits)},
            "unhealthy": {"tcpFailures": draw(limits), "timeouts": draw(limits), "httpFailures": draw(limits)},
        }
    return checks


@st.composite
def scenarios(
    draw: st.DrawFn,
    timeline: st.SearchStrategy[list[Mapping]] | None = None,
    *,
    sticky: bool | None = None,
    keep: float | None = None,
    plain: bool = False,
) -> Mapping:
    """Return a whole scenario.

    Args:
        draw: Hypothesis' own.
        timeline: Its operations; any by default.
        sticky: Whether the upstream follows a cookie; any algorithm by default.
        keep: Share of clients with a cookie jar.
        plain: Whether clients bring their one latest cookie always and no health check interferes.
    """
    if sticky is None:
        algorithm = draw(st.sampled_from(["sticky-sessions", *_UPSTREAM_OF]))
    else:
        algorithm = "sticky-sessions" if sticky else "round-robin"
    upstream = draw(_UPSTREAM_OF[algorithm])
    if not plain and draw(st.booleans()):
        upstream = upstream | {"healthchecks": draw(health_checks())}
    deployment = draw(deployments())
    entries = draw(operations() if timeline is None else timeline)
    if any("readinessFlap" in entry for entry in entries):
        deployment.setdefault("readinessProbe", {"periodSeconds": 1, "failureThreshold": 1})
    return {
        "schema": "simsticky/1",
        "run": {
            "until": draw(st.sampled_from(["drained", 90.0])),
            "horizon": 150.0,
            "settle": draw(st.sampled_from([0.0, 10.0])),
            "start": draw(st.sampled_from(["equilibrium", "empty"])),
            "seed": draw(st.integers(0, 2**31 - 1)),
            "skewFloor": False,
        },
        "traffic": draw(traffics(keep=keep, plain=plain)),
        "app": {
            "startup": draw(st.sampled_from([0.0, 2.0, 6.0])),
            "concurrency": draw(st.sampled_from([1, 2, 16])),
            "onSigterm": draw(_ON_SIGTERM),
            "sessionTimeout": draw(st.sampled_from([1800.0, 1800.0, 5.0])),
            "state": draw(st.sampled_from(["pod", "pod", "pod", "external"])),
        },
        "deployment": deployment,
        "upstream": upstream,
        "gateway": draw(gateways()),
        "kic": {
            "enableDrainSupport": draw(st.booleans()),
            "proxySyncSeconds": draw(st.sampled_from([0.0, 1.0, 3.0])),
            "configChurn": draw(st.sampled_from([0.0, 0.0, 0.2])),
            **draw(_DELAYS),
        },
        "kubernetes": {
            "nodes": draw(st.integers(1, 3)),
            "podAddresses": draw(st.sampled_from(["unique", "unique", "reuse"])),
            **draw(_DELAYS),
        },
        "timeline": entries,
    }


@st.composite
def scale_downs(draw: st.DrawFn) -> Mapping:
    """Return a scenario in which one pod of several goes and nothing else happens, for comparisons of two runs.

    The clients behave (they go on after a failure), the survivors answer in time, and state does not expire.
    """
    scenario = draw(scenarios(st.just([]), sticky=True, plain=True))
    replicas = draw(st.integers(2, 5))
    scenario["deployment"] |= {"replicas": replicas, "minReadySeconds": 0, "preStop": None}
    scenario["deployment"].pop("readinessProbe", None)
    scenario["timeline"] = [{"at": 20.0, "scale": "app", "replicas": replicas - 1}]
    scenario["run"] |= {"until": "drained", "horizon": 1000.0}
    scenario["traffic"] |= {
        "onFailure": {"action": draw(st.sampled_from(["continue", "retry"])), "backoff": 1},
        "sessions": {"kind": "poisson", "rate": draw(st.sampled_from([0.5, 1, 3]))},
        "service": draw(st.sampled_from([0.125, 0.5, {"kind": "exponential", "mean": 0.3}])),
        "requests": {"kind": "geometric", "mean": draw(st.integers(2, 12))},
    }
    scenario["app"] |= {"concurrency": 16, "sessionTimeout": 3600.0, "state": "pod"}
    scenario["gateway"] |= {"retries": 5, "readTimeout": 60.0, "stickyRetry": "next_by_new_pick"}
    scenario["gateway"] |= {"cookieOnRetry": "rebind_cookie", "connection": "refused"}
    scenario["gateway"] |= {"attemptsPerTarget": 1, "retryDelay": 0.0, "slowStart": 0.0}
    scenario["kic"]["configChurn"] = 0.0
    scenario["kubernetes"]["podAddresses"] = "unique"
    return scenario
