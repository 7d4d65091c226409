"""Every pod's life is a legal path, whatever fails: random scenarios with crashes, probes, sidecars and cold starts."""

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import operations, scenarios

from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate

_SLOW = settings(max_examples=settings().max_examples // 3, suppress_health_check=[HealthCheck.too_slow])

_SIGTERM = st.sampled_from(
    [
        "exit",
        "finishInFlight",
        "ignore",
        {"listener": "keep", "exit": {"after": 2}},
        {"listener": "close", "exit": {"after": 30}},
    ]
)
_SIDECARS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["native", "plain"]),
            "proxy": st.booleans(),
            "onSigterm": _SIGTERM,
            "preStop": st.sampled_from([None, 3, {"fails": True}, {"waitUntil": "noRequests", "atMost": 5}]),
        }
    ),
    max_size=3,
)
_PROBE = st.none() | st.fixed_dictionaries(
    {
        "periodSeconds": st.integers(1, 4),
        "failureThreshold": st.integers(1, 3),
        "initialDelaySeconds": st.integers(0, 6),
    },
    optional={"terminationGracePeriodSeconds": st.integers(1, 12)},
)


@st.composite
def failing(draw: st.DrawFn) -> Mapping[str, Any]:
    """Return a scenario in which containers also end by themselves, or are restarted."""
    kinds = ("rollout", "scale", "deletePod", "crash")
    scenario: dict[str, Any] = draw(scenarios(operations(kinds)))
    crash = {"every": draw(st.sampled_from([1.0, 7.0, {"kind": "exponential", "mean": 20}]))}
    scenario["app"] |= {
        "crash": draw(st.sampled_from([None, crash, {**crash, "versions": "new"}])),
        "oom": draw(st.sampled_from([None, None, {"sessions": 2}, {"sessions": 10}])),
        "warmUp": draw(st.sampled_from([None, {"duration": 9, "slowdown": 4}])),
    }
    scenario["deployment"] |= {
        "livenessProbe": draw(_PROBE),
        "startupProbe": draw(_PROBE),
        "sidecars": draw(_SIDECARS),
        "imagePullPolicy": draw(st.sampled_from(["IfNotPresent", "Always", "Never"])),
    }
    scenario["traffic"]["clientRate"] = draw(st.sampled_from([None, {"kind": "gamma", "mean": 1, "cv": 1.5}]))
    return scenario


@_SLOW
@given(failing())
def test_every_life_is_a_legal_path(scenario: Mapping[str, Any]) -> None:
    """A container's states are in legal order, with back-off, no start after a deletion, and one outcome."""
    result = simulate(Scenario.model_validate(scenario), verify=True)
    recording = result.recording
    assert [pod.restarts for pod in recording.pods] == list(result.pods["restarts"])
    load = result.load
    assert (load["sessions"] >= 0).all()
    assert (load["in_flight"] >= 0).all()


@_SLOW
@given(failing())
def test_failures_by_themselves_are_nobodys_fault(scenario: Mapping[str, Any]) -> None:
    """Without operations nothing is caused by one, however much crashes."""
    scenario = {**scenario, "timeline": []}
    result = simulate(Scenario.model_validate(scenario), verify=True)
    assert result.summary["breaks"] == 0
    assert result.summary["broken_sessions"] is None
