"""What stands in front of the pods: Service, Ingress, the upstream's policy and the gateway nodes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator

from simsticky.kic.policy import violations
from simsticky.kong.healthchecks import COUNTER_LIMITS
from simsticky.scenario.fields import (
    CookiePath,
    Duration,
    Line,
    Name,
    Section,
    Switch,
    Token,
    UrlPath,
    Version,
    Whole,
)
from simsticky.scenario.problems import Problem, again, details


class Service(Section):
    """The Service that selects the pods."""

    name: Name = "app"
    """Name."""
    publish_not_ready_addresses: Switch = False
    """Endpoints count as ready whatever the pods' readiness, also while terminating."""


class Ingress(Section):
    """The route to the Service."""

    path: UrlPath = "/"
    """Path prefix that the route matches."""
    strip_path: Switch = False
    """Whether the prefix is cut from the path the pods see; cookie paths refer to what clients see."""


class HashOn(Section):
    """What a request is hashed on."""

    input: Literal["ip", "consumer", "path", "none"] | None = None
    """The client's address, its consumer, the request's path, or nothing."""
    header: Token | None = None
    """The value of this header."""
    cookie: Token | None = None
    """The value of this cookie, which Kong sets where a request brings none."""
    cookie_path: CookiePath | None = None
    """Path attribute of that cookie."""
    query_arg: Line | None = None
    """The value of this query argument."""
    uri_capture: Line | None = None
    """What this named group of the route's path matched."""


class HashOnFallback(Section):
    """What a request is hashed on if the first input is missing."""

    input: Literal["ip", "consumer", "path", "none"] | None = None
    """The client's address, its consumer, the request's path, or nothing."""
    header: Token | None = None
    """The value of this header."""
    query_arg: Line | None = None
    """The value of this query argument."""
    uri_capture: Line | None = None
    """What this named group of the route's path matched."""


class StickySessions(Section):
    """The cookie that names a session's target."""

    cookie: Token
    """Name of the cookie; at least one character."""
    cookie_path: CookiePath = "/"
    """Its Path attribute."""


_Statuses = tuple[Annotated[Whole, Field(ge=100, le=599)], ...]
_Counter = Annotated[Whole, Field(ge=COUNTER_LIMITS[0], le=COUNTER_LIMITS[1])]
_CheckType = Literal["http", "https", "tcp", "grpc", "grpcs"]


class Healthy(Section):
    """What makes a target healthy."""

    http_statuses: _Statuses | None = None
    """Statuses that count as a success."""
    interval: Annotated[Whole, Field(ge=0, le=65535)] | None = None
    """Seconds between active probes of healthy targets; 0 is off."""
    successes: _Counter | None = None
    """Successes in a row that make a target healthy again; 0 for never."""


class Unhealthy(Section):
    """What makes a target unhealthy."""

    http_statuses: _Statuses | None = None
    """Statuses that count as a failure."""
    http_failures: _Counter | None = None
    """Failures by status that make a target unhealthy; 0 for never."""
    tcp_failures: _Counter | None = None
    """Failed connections that make a target unhealthy; 0 for never."""
    timeouts: _Counter | None = None
    """Timeouts that make a target unhealthy; 0 for never."""
    interval: Annotated[Whole, Field(ge=0, le=65535)] | None = None
    """Seconds between active probes of unhealthy targets; 0 is off."""


class ActiveCheck(Section):
    """Probes that the gateway sends by itself."""

    type: _CheckType | None = None
    """What a probe is: a request, a TCP connection, or a gRPC call."""
    concurrency: Annotated[Whole, Field(ge=1)] | None = None
    """Targets probed at a time."""
    http_path: UrlPath | None = None
    """Path that probes request."""
    https_sni: Line | None = None
    """Name that probes over TLS ask for."""
    https_verify_certificate: Switch | None = None
    """Whether such a probe checks the certificate."""
    timeout: Annotated[Whole, Field(ge=0)] | None = None
    """Seconds until a probe has failed."""
    headers: dict[Token, tuple[Line, ...]] | None = None
    """Headers that probes carry."""
    healthy: Healthy | None = None
    """What makes a target healthy again."""
    unhealthy: Unhealthy | None = None
    """What makes a target unhealthy."""


class PassiveCheck(Section):
    """Verdicts from the traffic itself."""

    type: _CheckType | None = None
    """Which statuses and failures count: those of HTTP, or of connections alone."""
    healthy: Healthy | None = None
    """What makes a target healthy again."""
    unhealthy: Unhealthy | None = None
    """What makes a target unhealthy."""


class Healthchecks(Section):
    """Kong's health checks of an upstream."""

    active: ActiveCheck | None = None
    """Probes that the gateway sends by itself."""
    passive: PassiveCheck | None = None
    """Verdicts from the traffic itself."""
    threshold: Annotated[Whole, Field(ge=0, le=100)] | None = None
    """Percent of the targets' weight that must be available; below, the upstream answers 503 at once."""


class Upstream(Section):
    """The upstream's policy: the spec of a KongUpstreamPolicy, configuration.konghq.com/v1beta1."""

    algorithm: Literal["round-robin", "consistent-hashing", "least-connections", "latency", "sticky-sessions"] = (
        "round-robin"
    )
    """How a target is picked."""
    slots: Annotated[Whole, Field(ge=10, le=65536)] = 10000
    """Size of the hash ring."""
    hash_on: HashOn | None = None
    hash_on_fallback: HashOnFallback | None = None
    sticky_sessions: StickySessions | None = None
    healthchecks: Healthchecks | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _policy_rules(cls, value: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        # The rules look at what was written, so that they speak up beside wrong types and unknown fields.
        written = value if isinstance(value, Mapping) else {}
        broken = details(Problem(*found) for found in violations(written))
        try:
            upstream = read(value)
        except ValidationError as error:
            raise ValidationError.from_exception_data("Upstream", broken + again(error)) from None
        if broken:
            raise ValidationError.from_exception_data("Upstream", broken)
        return upstream


MOST_NODES = 4096
"""As many as the code of a recorded request can tell apart (``recording/record.py``)."""


class Gateway(Section):
    """Kong's nodes, and the choices where sticky-sessions' closed source leaves the behaviour unknown."""

    version: Version | None = None
    """Version of Kong, if known, for example "3.11"; what it does not know is refused."""
    nodes: Annotated[Whole, Field(ge=1, le=MOST_NODES)] = 1
    """Kong nodes, each with its own configuration and push delay."""
    workers: Annotated[Whole, Field(ge=1, le=1000)] = 1
    """Worker processes per node, each with its own balancer."""
    front_balancer: Literal["perRequest", "perConnection"] = "perConnection"
    """Whether a session keeps its node and worker (one connection) or meets any at each request."""
    retries: Annotated[Whole, Field(ge=0, le=32767)] = 5
    """Further attempts after a refused or timed out connection."""
    attempts_per_target: Annotated[Whole, Field(ge=1, le=32768)] = 1
    """Attempts on one target, as long as no connection to it comes about, before another is picked; Kong's nginx goes
    on at once. HAProxy's ``retries 3`` with ``option redispatch`` makes 3, without it 4."""
    retry_delay: Duration = 0.0
    """Wait before a further attempt on a target that has refused the one before; HAProxy waits 1s."""
    slow_start: Duration = 0.0
    """Time over which the weight of a newly listed target grows from nothing to its own; HAProxy's slowstart."""
    hash_method: Literal["ring", "modulo"] = "ring"
    """How consistent-hashing finds the target of a key: on Kong's ring, or by its hash modulo the number of targets, as
    nginx's ``hash`` and ``ip_hash`` and HAProxy's map-based hash do."""
    connection: Literal["refused", "blackhole"] = "refused"
    """What a connection to the address of a pod that is gone meets: a refusal at once, or nothing until
    ``connectTimeout``."""
    connect_timeout: Annotated[Duration, Field(gt=0)] = 60.0
    write_timeout: Annotated[Duration, Field(gt=0)] = 60.0
    read_timeout: Annotated[Duration, Field(gt=0)] = 60.0
    sync: Literal["full", "incremental"] = "full"
    """What a push rebuilds: every balancer (without a database, and in hybrid mode), or that of the upstream it changes
    (incremental sync of Kong Enterprise 3.10 and later, off by default; with a database)."""
    threshold_comparison: Literal["gt", "ge"] | None = None
    """Whether the available share must exceed ``healthchecks.threshold`` (gt) or reach it (ge); if left out, ge where
    ``version`` is 3.13 or later, gt otherwise."""
    sticky_new_pick: Literal["round_robin", "in_order", "random", "least_connections"] = "round_robin"
    """How a session without a usable cookie gets its target. ``in_order`` is a wheel in the order in which
    the pods were created, the first one first, that nobody shuffles: other proxies in an experiment do so, not Kong."""
    sticky_on_unhealthy: Literal["rebind", "follow"] = "rebind"
    """Whether a session leaves a target that Kong's health check calls unhealthy."""
    sticky_on_weight_zero: Literal["follow", "rebind"] = "follow"
    """Whether a session stays with a target that drains."""
    sticky_when_total_weight_zero: Literal["503", "serve_bound"] = "503"
    """What bound sessions get when all targets drain."""
    sticky_retry: Literal["next_by_new_pick", "same_target"] = "next_by_new_pick"
    """Where the next attempt goes when the bound target refuses."""
    cookie_on_retry: Literal["rebind_cookie", "keep_cookie"] = "rebind_cookie"
    """Whether a retry that reached another target also moves the cookie."""
    sticky_set_cookie: Literal["when_missing_or_changed", "always"] = "when_missing_or_changed"
    """When a response carries Set-Cookie."""
    sticky_cookie_on_error_response: Switch = True
    """Whether a proxied 502 or 504 carries Set-Cookie too."""
    sticky_identity: Literal["by_address", "by_target_id"] = "by_address"
    """What the cookie names: the target's address, or the id of its entity."""
