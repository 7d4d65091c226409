"""The policy as Kong reads it: what is set overrides Kong's defaults, field by field."""

from pathlib import Path

import pytest

from simsticky.errors import InputError
from simsticky.kong.algorithms.consistent_hashing import HashInput
from simsticky.kong.algorithms.consistent_hashing import HashOn as KongHashOn
from simsticky.kong.healthchecks import (
    ACTIVE_HEALTHY_STATUSES,
    ACTIVE_UNHEALTHY_STATUSES,
    PASSIVE_UNHEALTHY_STATUSES,
    HealthChecks,
)
from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import load, loads
from simsticky.scenario.upstream_settings import checks, hash_on

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def upstream(**section):
    return Scenario.model_validate({"upstream": section})


def test_no_policy_means_kongs_defaults():
    """Without health checks and hashOn everything is off, as Kong has it."""
    assert checks(upstream()) == HealthChecks()
    assert not checks(upstream()).enabled
    assert checks(upstream(healthchecks={})) == HealthChecks()
    assert hash_on(upstream()) == KongHashOn()


def test_only_what_is_set_overrides():
    """A stated interval leaves the statuses, the timeout and the concurrency at Kong's."""
    found = checks(
        upstream(
            healthchecks={
                "active": {"httpPath": "/healthz", "healthy": {"interval": 5, "successes": 2}},
                "passive": {"unhealthy": {"tcpFailures": 3}},
                "threshold": 40,
            }
        )
    )
    active, passive = found.active, found.passive
    assert (active.type, active.timeout_s, active.concurrency, active.http_path) == ("http", 1, 10, "/healthz")
    assert (active.healthy.interval_s, active.healthy.successes) == (5, 2)
    assert active.healthy.http_statuses == ACTIVE_HEALTHY_STATUSES
    assert active.unhealthy.http_statuses == ACTIVE_UNHEALTHY_STATUSES
    assert (active.unhealthy.interval_s, active.unhealthy.timeouts) == (0, 0)
    assert (passive.unhealthy.tcp_failures, passive.unhealthy.http_failures) == (3, 0)
    assert passive.unhealthy.http_statuses == PASSIVE_UNHEALTHY_STATUSES
    assert (found.threshold, found.enabled) == (40, True)


def test_every_field_arrives():
    """All fields of the policy that Kong decides by reach its settings."""
    unhealthy = {"httpStatuses": [500], "httpFailures": 1, "tcpFailures": 2, "timeouts": 254}
    found = checks(
        upstream(
            healthchecks={
                "active": {
                    "type": "tcp",
                    "timeout": 3,
                    "concurrency": 4,
                    "healthy": {"httpStatuses": [200, 204], "interval": 6, "successes": 7},
                    "unhealthy": {**unhealthy, "interval": 8},
                },
                "passive": {"healthy": {"httpStatuses": [201], "successes": 9}, "unhealthy": unhealthy},
            }
        )
    )
    active, passive = found.active, found.passive
    assert (active.type, active.timeout_s, active.concurrency) == ("tcp", 3, 4)
    assert (active.healthy.http_statuses, active.healthy.interval_s, active.healthy.successes) == ({200, 204}, 6, 7)
    for rule, interval_s in ((active.unhealthy, 8), (passive.unhealthy, 0)):
        assert (rule.http_statuses, rule.interval_s) == ({500}, interval_s)
        assert (rule.http_failures, rule.tcp_failures, rule.timeouts) == (1, 2, 254)
    assert (passive.healthy.http_statuses, passive.healthy.successes) == ({201}, 9)


def test_the_examples_policy():
    """The shipped manifest's checks, 5 s apart, two successes and three failures, are what the model gets."""
    found = checks(load(SCENARIOS / "rolling.yaml")).active
    assert (found.http_path, found.healthy.interval_s, found.healthy.successes) == ("/healthz", 5, 2)
    assert (found.unhealthy.interval_s, found.unhealthy.http_failures, found.probes) == (5, 3, True)


@pytest.mark.parametrize(
    ("written", "kind", "name"),
    [
        ({"input": "ip"}, "ip", ""),
        ({"input": "consumer"}, "consumer", ""),
        ({"input": "path"}, "path", ""),
        ({"input": "none"}, "none", ""),
        ({"header": "x-user"}, "header", "x-user"),
        ({"queryArg": "user"}, "query_arg", "user"),
        ({"uriCapture": "id"}, "uri_capture", "id"),
    ],
)
def test_each_hash_input_has_kongs_name(written, kind, name):
    """The policy's fields become Kong's hash_on, and its hash_fallback where they stand there."""
    found = hash_on(upstream(algorithm="consistent-hashing", hashOn=written))
    assert (found.input, found.fallback) == (HashInput(kind, name), HashInput())
    found = hash_on(upstream(algorithm="consistent-hashing", hashOn={"header": "x"}, hashOnFallback=written))
    assert (found.input, found.fallback) == (HashInput("header", "x"), HashInput(kind, name))


def test_a_hashed_cookie_keeps_its_path():
    """Name and path of the generated cookie come from the policy."""
    found = hash_on(upstream(algorithm="consistent-hashing", hashOn={"cookie": "c", "cookiePath": "/shop"}))
    assert (found.input, found.cookie_path) == (HashInput("cookie", "c"), "/shop")


@pytest.mark.parametrize("counter", ["successes", "httpFailures", "tcpFailures", "timeouts"])
def test_a_counter_of_255_is_refused(counter):
    """Kong's schema lets 255 through and its checker fails on it; 254 is the largest that works."""
    rule = "healthy" if counter == "successes" else "unhealthy"
    text = f"schema: simsticky/1\nupstream:\n  healthchecks:\n    active:\n      {rule}:\n        {counter}: 255\n"
    with pytest.raises(InputError) as caught:
        loads(text, "s.yaml")
    path = f"upstream.healthchecks.active.{rule}.{counter}"
    column = 9 + len(counter) + 2
    assert str(caught.value) == f"s.yaml:6:{column}: {path}: must be at most 254, got 255"
    assert loads(text.replace("255", "254"))


@pytest.mark.parametrize(
    ("healthchecks", "warning"),
    [
        (
            {"active": {"type": "tcp", "healthy": {"interval": 5}}},
            "upstream.healthchecks.active: Kong does not run probes of type tcp for HTTP services",
        ),
        (
            {"active": {"healthy": {"interval": 10, "successes": 3}, "unhealthy": {"interval": 10, "timeouts": 3}}},
            "upstream.healthchecks.active: httpFailures and tcpFailures are 0: neither error answers nor refused"
            " connections mark a target unhealthy",
        ),
        (
            {"threshold": 100},
            "upstream.healthchecks.threshold: no share exceeds 100 percent, so that every request gets 503",
        ),
        (
            {"passive": {"unhealthy": {"httpFailures": 3}}},
            "upstream.healthchecks.passive: nothing brings an unhealthy target back, it takes active probes of"
            " unhealthy ones",
        ),
    ],
)
def test_checks_that_do_less_than_they_seem_to_are_worth_a_look(healthchecks, warning):
    """Kong accepts each of these, and none does what its author wants: the warning says what is missing."""
    assert upstream(healthchecks=healthchecks).warnings == (warning,)


def test_checks_that_work_need_no_second_look():
    """Probes both ways with counters for failures and successes draw no warning, with passive checks beside them."""
    active = {"healthy": {"interval": 5, "successes": 2}, "unhealthy": {"interval": 5, "httpFailures": 3}}
    passive = {"unhealthy": {"tcpFailures": 2}}
    assert upstream(healthchecks={"active": active}).warnings == ()
    assert upstream(healthchecks={"active": active, "passive": passive}).warnings == ()
