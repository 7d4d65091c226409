"""The upstream's policy as Kong reads it: what the policy leaves out takes Kong's own default.

Source: KIC 3.5 ``kongupstreampolicy`` translation (only fields that are set override Kong's defaults) and the defaults
of Kong 3.10 ``kong/db/schema/entities/upstreams.lua``, which :mod:`simsticky.kong.healthchecks` states.
"""

from dataclasses import replace
from typing import Any, Literal

from simsticky.kong.algorithms import consistent_hashing
from simsticky.kong.algorithms.consistent_hashing import HashInput, Input
from simsticky.kong.healthchecks import ActiveChecks, HealthChecks, HealthyRule, PassiveChecks, UnhealthyRule
from simsticky.scenario.fields import release_of, version_of
from simsticky.scenario.gateway import HashOn, HashOnFallback, Healthy, Unhealthy
from simsticky.scenario.sections import Sections
from simsticky.scenario.versions import REACHES_SINCE, THRESHOLD_SINCE

_NAMED: tuple[Input, ...] = ("header", "cookie", "query_arg", "uri_capture")


def threshold_comparison(scenario: Sections) -> Literal["gt", "ge"]:
    """Return how the available share is compared with the threshold (rule G5)."""
    gateway = scenario.gateway
    if gateway.threshold_comparison is not None:
        return gateway.threshold_comparison
    release = None if gateway.version is None else version_of(gateway.version)
    return "ge" if release is not None and release >= REACHES_SINCE else "gt"


def checks(scenario: Sections) -> HealthChecks:
    """Return the upstream's health checks; all off where the policy has none."""
    written = scenario.upstream.healthchecks
    if written is None:
        return HealthChecks()
    active, passive = ActiveChecks(), PassiveChecks()
    if (given := written.active) is not None:
        active = replace(
            active,
            **_given(type=given.type, timeout_s=given.timeout, concurrency=given.concurrency),
            **_given(http_path=given.http_path),
            healthy=_healthy(active.healthy, given.healthy),
            unhealthy=_unhealthy(active.unhealthy, given.unhealthy),
        )
    if written.passive is not None:
        passive = replace(
            passive,
            healthy=_healthy(passive.healthy, written.passive.healthy),
            unhealthy=_unhealthy(passive.unhealthy, written.passive.unhealthy),
        )
    threshold = written.threshold if passes_threshold(scenario) else None
    return replace(HealthChecks(active, passive), **_given(threshold=threshold))


def passes_threshold(scenario: Sections) -> bool:
    """Return whether the controller tells Kong the threshold; older ones drop it, so that it is Kong's default."""
    release = () if scenario.kic.version is None else release_of(scenario.kic.version)
    return not release or release >= THRESHOLD_SINCE[: len(release)]


def hash_on(scenario: Sections) -> consistent_hashing.HashOn:
    """Return what the upstream hashes requests by; nothing where the policy says nothing."""
    written = scenario.upstream
    main = consistent_hashing.HashOn(_input(written.hash_on), _input(written.hash_on_fallback))
    path = written.hash_on.cookie_path if written.hash_on is not None else None
    return replace(main, **_given(cookie_path=path))


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _healthy(rule: HealthyRule, written: Healthy | None) -> HealthyRule:
    if written is None:
        return rule
    statuses = None if written.http_statuses is None else frozenset(written.http_statuses)
    given = _given(http_statuses=statuses, interval_s=written.interval, successes=written.successes)
    return replace(rule, **given)


def _unhealthy(rule: UnhealthyRule, written: Unhealthy | None) -> UnhealthyRule:
    if written is None:
        return rule
    statuses = None if written.http_statuses is None else frozenset(written.http_statuses)
    given = _given(http_statuses=statuses, interval_s=written.interval, http_failures=written.http_failures)
    return replace(rule, **given, **_given(tcp_failures=written.tcp_failures, timeouts=written.timeouts))


def _input(written: HashOn | HashOnFallback | None) -> HashInput:
    if written is None:
        return HashInput()
    for kind in _NAMED:
        if name := getattr(written, kind, None):
            return HashInput(kind, name)
    return HashInput(written.input or "none")
