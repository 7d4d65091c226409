"""A scenario written as JSON and read back is the same scenario, whatever it says."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scenarios

from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import load

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))

_SHARES = st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 1.0])
_IDENTIFIERS = st.fixed_dictionaries({}, optional={"values": st.none() | st.integers(1, 9), "present": _SHARES})
_PATHS = st.sampled_from(
    [
        {},
        {"path": "/shop"},
        {"paths": []},
        {"paths": [{"path": "/shop/", "share": 0.8}, {"path": "/", "share": 0.2}]},
        {"paths": [{"path": f"/{i}", "share": 0.1} for i in range(10)]},
    ]
)
_TRAFFIC = st.builds(
    lambda given, paths: {**given, **paths},
    st.fixed_dictionaries(
        {},
        optional={
            "tabs": st.integers(1, 5),
            "idempotent": _SHARES,
            "cookies": st.fixed_dictionaries({}, optional={"keep": _SHARES, "clear": _SHARES}),
            "otherUpstream": st.none()
            | st.fixed_dictionaries(
                {"share": _SHARES},
                optional={"cookiePath": st.sampled_from(["/", "/shop"]), "sharesTargets": st.booleans()},
            ),
            "identifiers": st.fixed_dictionaries(
                {},
                optional={
                    "ip": st.fixed_dictionaries({}, optional={"values": st.none() | st.integers(1, 9)}),
                    **dict.fromkeys(("consumer", "header", "queryArg", "uriCapture"), _IDENTIFIERS),
                },
            ),
        },
    ),
    _PATHS,
)
_GATEWAY = st.fixed_dictionaries(
    {},
    optional={
        "connection": st.sampled_from(["refused", "blackhole"]),
        "stickyIdentity": st.sampled_from(["by_address", "by_target_id"]),
        "version": st.sampled_from([None, "3.11", "v3.12.0.1"]),
    },
)
_COUNTERS = st.fixed_dictionaries({}, optional={"httpFailures": st.integers(0, 254), "timeouts": st.integers(0, 254)})
_UPSTREAM = st.sampled_from(
    [
        {"algorithm": "least-connections"},
        {"algorithm": "latency"},
        {
            "algorithm": "consistent-hashing",
            "slots": 2000,
            "hashOn": {"header": "x"},
            "hashOnFallback": {"input": "ip"},
        },
        {"algorithm": "consistent-hashing", "hashOn": {"cookie": "c", "cookiePath": "/shop"}},
        {"algorithm": "sticky-sessions", "hashOn": {"input": "none"}, "stickySessions": {"cookie": "c"}},
    ]
)
_HEALTHCHECKS = st.builds(
    lambda active, passive, threshold: {
        "active": {"type": "http", "healthy": {"interval": 5}, "unhealthy": {"interval": 3, **active}},
        "passive": {"unhealthy": passive},
        "threshold": threshold,
    },
    _COUNTERS,
    _COUNTERS,
    st.integers(0, 100),
)
_OPERATIONS = st.lists(
    st.one_of(
        st.builds(lambda at: {"at": at, "rollout": "app", "startup": "7s"}, st.integers(20, 60)),
        st.builds(lambda at, wanted: {"at": at, "scale": "app", "replicas": wanted}, st.just("1m"), st.integers(0, 4)),
        st.builds(lambda count: {"at": 30, "deletePod": "app", "count": count}, st.integers(1, 3)),
        st.builds(
            lambda length, seen: {"at": 40, "readinessFlap": "app", "for": length, "seenByGateway": seen},
            st.sampled_from(["20s", 0.5]),
            st.booleans(),
        ),
        st.just({"at": 50, "gatewayRestart": "kong-1", "downtime": "5s"}),
        st.builds(lambda node: {"at": 55, "configPush": node}, st.sampled_from(["all", "kong-1"])),
    ),
    max_size=3,
)


def _assert_comes_back(scenario: Scenario) -> None:
    written = scenario.to_json_dict()
    assert Scenario.model_validate(json.loads(json.dumps(written, allow_nan=False))) == scenario
    again = Scenario.model_validate(written)
    assert again.to_json_dict() == written
    assert again.digest() == scenario.digest()
    assert scenario.evolve({}) == scenario


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_scenario_comes_back_from_json(path: Path) -> None:
    """Every shipped one reads back as itself."""
    _assert_comes_back(load(path))


@given(scenarios())
def test_a_random_scenario_comes_back_from_json(written: dict[str, Any]) -> None:
    """What the model's property tests run can be kept as JSON and run again."""
    _assert_comes_back(Scenario.model_validate(written))


@settings(max_examples=200)
@given(_TRAFFIC, _GATEWAY, _UPSTREAM, _HEALTHCHECKS, _OPERATIONS, st.sampled_from([0, "6/h", "1/min"]))
def test_every_way_to_write_kongs_part_comes_back_from_json(
    traffic: dict[str, Any],
    gateway: dict[str, Any],
    upstream: dict[str, Any],
    healthchecks: dict[str, Any],
    timeline: list[dict[str, Any]],
    churn: Any,
) -> None:
    """No default, short form or exclusive choice is lost or doubled on the way."""
    _assert_comes_back(
        Scenario.model_validate(
            {
                "traffic": traffic,
                "gateway": gateway,
                "upstream": {**upstream, "healthchecks": healthchecks},
                "deployment": {"replicas": 2, "readinessProbe": {"periodSeconds": 3}},
                "kic": {"configChurn": churn, "version": "3.5.0"},
                "timeline": timeline,
            }
        )
    )
