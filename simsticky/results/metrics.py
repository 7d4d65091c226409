"""The metrics: their names, units and definitions, and how each is read from a recording.

A metric is written down once, here: the table, the JSON output, thresholds and ``simsticky explain`` all read
:data:`METRICS`. The words are those of docs/model.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from simsticky.recording.record import Mechanism, Origin, Recording
from simsticky.results.times import NOT_YET, times

Unit = Literal["share", "count", "seconds", "ratio"]
Value = float | int | None
"""A number of the summary; None where there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What a number of the summary means.

    Attributes:
        name: Its key in the summary.
        unit: ``share`` (0 to 1), ``count``, ``seconds`` or ``ratio``.
        definition: One or two sentences for people.
        numerator: For what is counted per something: the key of the count above the line, else None.
        denominator: The key of the count below the line, else None.
        until: Whether it is a time until something that may not have come when a run ends.
        waits: Whether it is about times without a connection, of which a replication has many.
    """

    name: str
    unit: Unit
    definition: str
    numerator: str | None = None
    denominator: str | None = None
    until: bool = False
    waits: bool = False


QUANTITIES = {"sessions": "sessions", "in_flight": "requests in flight", "requests": "requests received"}
POD_SETS = {
    "taking_new": "pods taking new sessions",
    "serving": "all serving pods",
    "terminating": "terminating pods",
}
LATENCY_ORDERS = {"latency_p50_s": 0.50, "latency_p95_s": 0.95, "latency_p99_s": 0.99}

_FIGURES: dict[str, tuple[Unit, str]] = {
    "max_to_mean": ("ratio", "fullest pod over the mean of the pods, as a ratio of time averages"),
    "min_to_mean": ("ratio", "emptiest pod over the mean of the pods, as a ratio of time averages"),
    "cv": ("ratio", "coefficient of variation over the pods, as a ratio of time averages; 0 is even"),
    "jain": ("ratio", "Jain's fairness index over the pods, as a ratio of time averages; 1 is even"),
    "gini": ("ratio", "Gini coefficient over the pods, as a ratio of time averages; 0 is even"),
    "peak": ("ratio", "largest max/mean at any moment"),
    "time_above_1_2_s": ("seconds", "time during which max/mean was above 1.2"),
    "time_above_1_5_s": ("seconds", "time during which max/mean was above 1.5"),
}
EXCESS_FIGURES = ("max_to_mean", "min_to_mean", "cv", "jain", "gini")

_MECHANISMS = {
    Mechanism.TARGET_REMOVED: "the node's upstream no longer listed the pod",
    Mechanism.REFUSED: "the pod refused the connection and another one was tried",
    Mechanism.TIMED_OUT: "the connection timed out and another pod was tried",
    Mechanism.UNHEALTHY: "a health check had marked the pod unhealthy",
    Mechanism.REHASHED: "the hash led to another pod",
    Mechanism.NO_COOKIE: "the request brought no cookie that the upstream follows",
    Mechanism.RESTARTED: "the pod was the same, its container a new one",
    Mechanism.EXPIRED: "the state had outlived app.sessionTimeout",
}
_ORIGINS = {
    Origin.DRAIN_OFF: "without drain support the terminating pod left the upstream",
    Origin.DRAIN_WINDOW_TOO_SHORT: "the pod stopped answering, or left the upstream, before the session was over",
    Origin.RACE: "the pod closed its listener before the node had heard of its termination",
    Origin.KILLED: "the pod was killed at the end of its grace period",
    Origin.CRASH: "the container crashed",
    Origin.BACKGROUND: "no operation was behind it",
    Origin.RETARGETED: "the pod lived on, but an operation made the gateway's nodes send the session elsewhere",
}
_FAILURES = {
    "failed.bad_gateway_502": "Failed requests answered 502: every attempt was refused.",
    "failed.no_target_503": "Failed requests answered 503: the upstream had no target for them.",
    "failed.timeout_504": "Failed requests answered 504: the answer did not come within gateway.readTimeout.",
    "failed.reset": "Failed requests that were in flight on a container when it died.",
}

_BREAK = "A break: an answered request of the session came from a container that does not hold its current state."


def _shares() -> Iterator[Metric]:
    yield Metric(
        "broken_sessions",
        "share",
        "Sessions that broke after an exposure, of all exposed sessions, each once over all operations. Exposed: the"
        " session is bound to the pod with its state, an operation ends that (it deletes, crashes or unroutes the pod,"
        " closes the connection, or has the gateway send the session elsewhere), and the session sends at least one"
        " later request. Missing where nothing binds a session: the gateway is not sticky.",
        "broken_exposed_sessions",
        "exposed_sessions",
    )
    yield Metric(
        "broken_of_alive",
        "share",
        "Sessions alive at the start of an operation that exposes anybody and broken by it, of all sessions alive then"
        " (a request before and a request after), each once over all operations.",
        "broken_alive_sessions",
        "alive_sessions",
    )
    yield Metric(
        "broken_any_cause",
        "share",
        "Sessions that from the start of an operation on were answered at least once without their state, for whatever"
        " cause, or got nothing but failures, of all sessions alive at the start of any operation, each once; without"
        " operations of those that began after run.settle and ended in the run. Run length cannot dilute it: sessions"
        " are followed to their own end, and those still open when the run ends are left out (any_cause_left_out).",
        "broken_any_cause_sessions",
        "any_cause_sessions",
    )
    yield Metric(
        "breaks_per_session",
        "ratio",
        "Breaks caused by operations, per exposed session; a session may break more than once.",
        "breaks",
        "exposed_sessions",
    )
    yield Metric(
        "failed_requests",
        "share",
        "Requests answered 5xx by the gateway, reset or timed out, of all requests sent after run.settle;"
        " unfinished ones are in neither.",
        "requests_failed",
        "requests_sent",
    )
    yield Metric(
        "background_broken_sessions",
        "share",
        "Sessions with at least one break that no operation caused (no cookie jar, an algorithm that is not sticky,"
        " expiry), of all sessions that sent a request after run.settle.",
        "background_broken_sessions_count",
        "sessions_seen",
    )
    yield Metric(
        "censored_sessions",
        "share",
        "Sessions cut off from the pod with their state that had sent no later request, but were not over, when the run"
        " ended, of these and the exposed ones: whether they break is not known.",
        "censored_sessions_count",
        "exposed_or_censored_sessions",
    )


def _counts() -> Iterator[Metric]:
    counts = {
        "breaks": f"{_BREAK} Only those caused by an operation; repeats count.",
        "lost": "Breaks caused by an operation on a container that never held the session's state.",
        "stale": "Breaks caused by an operation on a container that holds an older copy of the session's state.",
        "breaks_background": f"{_BREAK} Only those that no operation caused, after run.settle.",
        "exposed_sessions": "Sessions that an operation has cut off from the pod with their state, or is about to, and"
        " that send at least one later request; each once.",
        "broken_exposed_sessions": "Exposed sessions with at least one break that belongs to an exposure.",
        "alive_sessions": "Sessions alive when an operation starts that exposes anybody: a request before and a request"
        " after; each once.",
        "broken_alive_sessions": "Of these, those broken by an operation at whose start they were alive.",
        "any_cause_sessions": "Sessions alive at the start of any operation and over at the run's end, each once.",
        "broken_any_cause_sessions": "Of these, those answered without their state from then on, or only failed.",
        "any_cause_left_out": "Sessions alive at the start of any operation and still open when the run ended.",
        "sticky_bound_sessions": "Sessions that were ever bound to a pod: by a cookie, a key or an open connection.",
        "born_on_terminating": "Sessions born on a pod between its deletion and a node's push.",
        "born_broken": "Sessions born on a terminating pod that the same operation then broke.",
        "sessions_seen": "Sessions that sent a request after run.settle.",
        "background_broken_sessions_count": "Sessions seen with at least one break that no operation caused.",
        "censored_sessions_count": "Sessions cut off from the pod with their state, with no later request yet when the"
        " run ended.",
        "exposed_or_censored_sessions": "Exposed sessions and censored ones.",
        "requests_sent": "Requests sent after run.settle that have ended.",
        "requests_answered": "Requests answered by a pod, after run.settle.",
        "requests_failed": "Requests answered 5xx by the gateway, reset or timed out, after run.settle.",
        "failed_before_listening": "Failed requests, after run.settle, whose last attempt met a pod that the gateway"
        " listed before its application listened.",
        "requests_unfinished": "Requests still open when the run ended; in no rate.",
        "peak_pods": "Most pods there were at once during an operation, terminating ones included.",
        "operations_stuck": "Operations whose rollout made no progress within progressDeadlineSeconds.",
    }
    for name, definition in (counts | _FAILURES).items():
        yield Metric(name, "count", definition)
    for mechanism, how in _MECHANISMS.items():
        yield Metric(f"mechanism.{mechanism.name.lower()}", "count", f"Breaks caused by an operation where {how}.")
    for origin, why in _ORIGINS.items():
        yield Metric(f"origin.{origin.name.lower()}", "count", f"Breaks where {why}.")
    for mechanism, how in _MECHANISMS.items():
        yield Metric(f"background.{mechanism.name.lower()}", "count", f"Breaks without an operation where {how}.")


def _times() -> Iterator[Metric]:
    yield Metric(
        "rollout_done_s",
        "seconds",
        "From the operation's start until the Deployment controller's status is complete; of several operations the"
        " longest, scales of the autoscaler only where there are no others. Old pods may still be terminating then."
        " Where some replications end before, stuck or under way, the median over all (Kaplan-Meier), or a bound.",
        until=True,
    )
    yield Metric(
        "last_old_pod_gone_s",
        "seconds",
        "From the operation's start until the last pod that it deleted is gone; of several operations the longest."
        " Where one is still there when some replications end, the median over all (Kaplan-Meier), or a bound.",
        until=True,
    )
    yield Metric(
        "recovery_s",
        "seconds",
        "From the first operation's start until failed requests are back to their rate between run.settle and then: the"
        " end of the last 10 s with more than that rate explains (Poisson, 1 in 1000 for the whole run); with none"
        " before, the last failed request. 0 without any.",
        until=True,
    )
    yield Metric(
        "even_again_s",
        "seconds",
        "From the first operation's start until max/mean of the sessions on serving pods, having been above 1.2 times"
        " its time average between run.settle and then, stays below that for 60 s; 0 where it never was above.",
        until=True,
    )
    for name, share in LATENCY_ORDERS.items():
        yield Metric(
            name,
            "seconds",
            f"Response time that {share:.0%} of the answered requests do not exceed: from sending to the answer,"
            " waiting and service included.",
        )


def _connections() -> Iterator[Metric]:
    counts = {
        "connects": "Connects sent after run.settle: requests that are to open a long-lived connection, failures"
        " included.",
        "reconnects": "Connects sent after run.settle by sessions that have lost a connection, failures included.",
        "connections_lost": "Long-lived connections that ended after run.settle while their session was not over: with"
        " their container, or closed by the application or a restarting Kong node.",
        "sessions_given_up": "Sessions that ended after run.settle because traffic.connections.reconnect.maxAttempts"
        " connects in a row had failed.",
        "clients_still_disconnected": "Clients that had lost a connection after run.settle and had none when the run"
        " ended.",
        "peak_connects_in_1s": "Most connects sent within one second, from the first operation's start on; without"
        " operations after run.settle.",
    }
    for name, definition in counts.items():
        yield Metric(name, "count", definition)
    yield Metric(
        "reconnect_storm",
        "ratio",
        "Most connects sent within one second (peak_connects_in_1s), over the mean number a second between run.settle"
        " and the first operation.",
    )
    gap = "from the loss of a long-lived connection after run.settle"
    yield Metric(
        "disconnected_mean_s",
        "seconds",
        f"Mean time {gap} until its session is connected again or gives up; where sessions are still without when the"
        " run ends, a wait counts no longer than all replications have watched one (restricted mean).",
        waits=True,
    )
    yield Metric(
        "disconnected_p95_s",
        "seconds",
        f"Time {gap} after which 95% of these sessions are connected again: a quantile of the cumulative incidence;"
        " sessions that give up never are, those still without when the run ends are counted as long as they were"
        " watched. A bound where fewer come back.",
        waits=True,
    )
    yield Metric(
        "disconnected_longest_s",
        "seconds",
        f"Longest time {gap} without one, that of sessions still without when the run ends included.",
    )


def _load_skew() -> Iterator[Metric]:
    window = "from the operation's start to the last old pod gone"
    for quantity, what in QUANTITIES.items():
        for pods, where in POD_SETS.items():
            of = f"{what} on {where}, {window}"
            for figure, (unit, text) in _FIGURES.items():
                definition = f"{text[0].upper()}{text[1:]}: {of}."
                yield Metric(f"load_skew.{quantity}.{pods}.{figure}", unit, definition)
            for figure in EXCESS_FIGURES:
                name = f"{quantity}.{pods}.{figure}"
                definition = f"load_skew.{name} minus the same in the paired run without the operation."
                yield Metric(f"load_skew_excess.{name}", "ratio", definition)


METRICS: Mapping[str, Metric] = {
    metric.name: metric for group in (_shares, _counts, _times, _connections, _load_skew) for metric in group()
}
"""Every metric by name, in the order of reports."""


def summarise(recording: Recording, floor: Recording | None) -> dict[str, Value]:
    """Return the summary of a recording: every metric of :data:`METRICS`, in that order.

    Args:
        recording: What the replication left behind.
        floor: The paired run without operations, for the excess of load skew; None where there is none.

    Returns:
        Counts as int, everything else as float, None where there is nothing to measure. Behind the metrics comes how
        long the run was watched for each time that had not come (``not_yet.recovery_s``), and the counts of each entry
        of the timeline (``simsticky.scenario.entries``), ``entries.1.exposed_sessions`` and so on.
    """
    found: dict[str, Value] = {**_counted(recording), **_timed(recording), **_skewed(recording, floor)}
    summary: dict[str, Value] = {}
    for name, metric in METRICS.items():
        if metric.numerator is not None and metric.denominator is not None:
            over, below = found.get(metric.numerator) or 0, found.get(metric.denominator) or 0
            summary[name] = over / below if below else None
        else:
            summary[name] = found.get(name, 0 if metric.unit == "count" else None)
    not_yet = {name: value for name, value in found.items() if name.startswith(NOT_YET)}
    return {**summary, **not_yet, **_by_entry(recording)}


def _by_entry(recording: Recording) -> dict[str, int]:
    """Return the counts of each entry of the timeline; they are keys of the summary and no metrics."""
    found = {}
    for key, harmed in recording.entries.items():
        found[f"entries.{key}.exposed_sessions"] = harmed.exposed
        found[f"entries.{key}.broken_exposed_sessions"] = harmed.broken
        found[f"entries.{key}.alive_sessions"] = harmed.alive
        found[f"entries.{key}.broken_alive_sessions"] = harmed.broken_alive
    return found


def _counted(recording: Recording) -> dict[str, int]:
    """Return every count that is not 0 for want of a single case."""
    operations, union = recording.operations, recording.union
    censored = recording.counts.get("censored_sessions_count", 0)
    return {
        **recording.counts,
        "exposed_sessions": union.exposed,
        "broken_exposed_sessions": union.broken,
        "alive_sessions": union.alive,
        "broken_alive_sessions": union.broken_alive,
        "exposed_or_censored_sessions": union.exposed + censored,
        "born_on_terminating": sum(operation.born_on_terminating for operation in operations),
        "born_broken": sum(operation.born_broken for operation in operations),
        "peak_pods": max((operation.peak_pods for operation in operations), default=0) or len(recording.pods),
        "operations_stuck": sum(bool(operation.stuck) for operation in operations),
    }


def _timed(recording: Recording) -> dict[str, Value]:
    latency: dict[str, Value] = {name: recording.latency.quantile(share) for name, share in LATENCY_ORDERS.items()}
    totals = recording.connections
    before_per_s = totals.before / totals.before_s if totals.before_s else 0.0
    storm = totals.peak / before_per_s if before_per_s else None
    return {**times(recording), **latency, "peak_connects_in_1s": totals.peak, "reconnect_storm": storm}


def _skewed(recording: Recording, floor: Recording | None) -> dict[str, Value]:
    """Return the figures of skew, and what they exceed those of the paired run without operations by (rule L4)."""
    found: dict[str, Value] = {}
    for (quantity, pods), totals in recording.skew.items():
        figures = totals.figures()
        below = floor.skew[quantity, pods].figures() if floor is not None and floor.skew else {}
        for figure, value in figures.items():
            found[f"load_skew.{quantity}.{pods}.{figure}"] = _plain(value)
        for figure in EXCESS_FIGURES:
            value, base = figures[figure], below.get(figure)
            excess = None if value is None or base is None else value - base
            found[f"load_skew_excess.{quantity}.{pods}.{figure}"] = _plain(excess)
    return found


def _plain(value: float | None) -> float | None:
    return None if value is None else float(value)
