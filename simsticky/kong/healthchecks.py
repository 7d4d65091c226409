"""The settings of an upstream's health checks, with Kong's own defaults and limits. By default every check is off.

Source: Kong 3.10 ``kong/db/schema/entities/upstreams.lua``.
"""

from dataclasses import dataclass
from typing import Final, Literal

from simsticky.kong.upstream import DEFAULT_THRESHOLD

INTERVAL_LIMITS_S: Final = (0, 65_535)
COUNTER_LIMITS: Final = (0, 254)
"""Kong's schema allows 255, which makes its checker fail; Enterprise limits it to 254 as well."""

ACTIVE_HEALTHY_STATUSES: Final = frozenset({200, 302})
ACTIVE_UNHEALTHY_STATUSES: Final = frozenset({404, 429, *range(500, 506)})
PASSIVE_HEALTHY_STATUSES: Final = frozenset({*range(200, 209), 226, *range(300, 309)})
PASSIVE_UNHEALTHY_STATUSES: Final = frozenset({429, 500, 503})


def _check(name: str, value: float, limits: tuple[float, float]) -> None:
    lowest, highest = limits
    if not lowest <= value <= highest:
        raise ValueError(f"{name} {value} is not in {lowest}..{highest}")


@dataclass(frozen=True, slots=True)
class HealthyRule:
    """What makes a target healthy.

    Attributes:
        interval_s: Seconds between probes of targets that are up; 0 for no probes. Active checks only.
        successes: Successes until a target is healthy; 0 to count none.
        http_statuses: What counts as a success.

    Raises:
        ValueError: A number is out of range.
    """

    http_statuses: frozenset[int]
    interval_s: float = 0.0
    successes: int = 0

    def __post_init__(self) -> None:
        _check("interval", self.interval_s, INTERVAL_LIMITS_S)
        _check("successes", self.successes, COUNTER_LIMITS)


@dataclass(frozen=True, slots=True)
class UnhealthyRule:
    """What makes a target unhealthy. Every limit of 0 counts nothing of its kind.

    Attributes:
        interval_s: Seconds between probes of targets that are down; 0 for no probes. Active checks only.
        http_statuses: What counts as an HTTP failure.
        http_failures: HTTP failures until a target is unhealthy.
        tcp_failures: The same for failed connections.
        timeouts: The same for timeouts.

    Raises:
        ValueError: A number is out of range.
    """

    http_statuses: frozenset[int]
    interval_s: float = 0.0
    http_failures: int = 0
    tcp_failures: int = 0
    timeouts: int = 0

    def __post_init__(self) -> None:
        _check("interval", self.interval_s, INTERVAL_LIMITS_S)
        for name in ("http_failures", "tcp_failures", "timeouts"):
            _check(name, getattr(self, name), COUNTER_LIMITS)


@dataclass(frozen=True, slots=True)
class ActiveChecks:
    """Probes that Kong sends by itself.

    Attributes:
        type: How a probe looks. Behind HTTP routes Kong does not run ``tcp`` probes at all
            (``healthcheckers.lua:create_healthchecker``).
        timeout_s: Seconds for each step of a probe.
        concurrency: Probes of a round at the same time.
        http_path: What an HTTP probe asks for.
        healthy: What makes a target healthy.
        unhealthy: What makes it unhealthy.
    """

    type: Literal["http", "https", "tcp", "grpc", "grpcs"] = "http"
    timeout_s: float = 1.0
    concurrency: int = 10
    http_path: str = "/"
    healthy: HealthyRule = HealthyRule(ACTIVE_HEALTHY_STATUSES)
    unhealthy: UnhealthyRule = UnhealthyRule(ACTIVE_UNHEALTHY_STATUSES)

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise ValueError(f"concurrency {self.concurrency} is not positive")

    @property
    def probes(self) -> bool:
        """Whether Kong sends any probe."""
        return self.type != "tcp" and (self.healthy.interval_s > 0 or self.unhealthy.interval_s > 0)


@dataclass(frozen=True, slots=True)
class PassiveChecks:
    """What Kong learns from the clients' requests.

    Attributes:
        healthy: What makes a target healthy.
        unhealthy: What makes it unhealthy.
    """

    healthy: HealthyRule = HealthyRule(PASSIVE_HEALTHY_STATUSES)
    unhealthy: UnhealthyRule = UnhealthyRule(PASSIVE_UNHEALTHY_STATUSES)


@dataclass(frozen=True, slots=True)
class HealthChecks:
    """All of an upstream's ``healthchecks``.

    Attributes:
        active: The probes.
        passive: The observation of requests.
        threshold: For the balancer, in percent: the share of the weight that must be exceeded by what is available.
    """

    active: ActiveChecks = ActiveChecks()
    passive: PassiveChecks = PassiveChecks()
    threshold: float = DEFAULT_THRESHOLD

    @property
    def enabled(self) -> bool:
        """Whether Kong makes a checker: an interval of probes or a limit of passive failures is set.

        ``passive.healthy.successes`` alone does not (``healthcheckers.lua:is_upstream_using_healthcheck``).
        """
        passive = self.passive.unhealthy
        return bool(
            self.active.healthy.interval_s
            or self.active.unhealthy.interval_s
            or passive.tcp_failures
            or passive.timeouts
            or passive.http_failures
        )
