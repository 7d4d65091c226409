"""Whatever the delays: the gateway only ever sees a state that the pods really had, and never an older one again."""

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import any_delays, operations, scenarios

from simsticky.audit.evidence import Evidence
from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate

_SLOW = settings(max_examples=settings().max_examples // 6, suppress_health_check=[HealthCheck.too_slow])
_KINDS = ("rollout", "scale", "deletePod", "readinessFlap", "gatewayRestart", "configPush", "crash")


@st.composite
def _delayed(draw: st.DrawFn, timeline: st.SearchStrategy[list[dict[str, Any]]]) -> dict[str, Any]:
    """Return a scenario with a law of its own for each delay."""
    scenario: dict[str, Any] = draw(scenarios(timeline))
    kubernetes, kic = draw(any_delays())
    scenario["kubernetes"] = {k: v for k, v in scenario["kubernetes"].items() if k != "delays"} | kubernetes
    scenario["kic"] = {k: v for k, v in scenario["kic"].items() if k != "delays"} | kic
    return scenario


@st.composite
def _switched(draw: st.DrawFn) -> dict[str, Any]:
    """Return a scenario in which the Service, or the route, goes to another Deployment and perhaps back."""
    scenario = draw(_delayed(st.just([])))
    scenario["companions"] = [{"name": "green", "replicas": draw(st.integers(0, 3))}]
    by_selector, at = draw(st.booleans()), st.sampled_from([20.0, 21.0, 30.0, 31.0, 45.0])
    entries: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(["app", "green"]))
        if by_selector:
            entries.append({"at": draw(at), "switchService": "app", "to": name})
        else:
            entries.append({"at": draw(at), "canary": "app", "weights": {name: 10, "green": draw(st.integers(0, 5))}})
    entries.append({"at": draw(at), "rollout": draw(st.sampled_from(["app", "green"]))})
    scenario["timeline"] = entries
    return scenario


def _run(scenario: Mapping[str, Any]) -> Result:
    return simulate(Scenario.model_validate(scenario), verify=True)


@_SLOW
@given(_delayed(operations(_KINDS)))
def test_every_table_is_of_one_moment(scenario: Mapping[str, Any]) -> None:
    """A Service is one queue key, so that no endpoint's change overtakes another's, with any delays (rule E2)."""
    _run(scenario)


@_SLOW
@given(_switched())
def test_so_it_is_when_the_route_goes_elsewhere(scenario: Mapping[str, Any]) -> None:
    """Blue-green is one Service whose selector changes, a canary a key for each Service (rules E3 and E4)."""
    _run(scenario)


@_SLOW
@given(_delayed(operations(("rollout",))))
def test_a_gateway_is_never_without_a_ready_pod_that_is_there(scenario: Mapping[str, Any]) -> None:
    """With maxUnavailable 0 some pod is ready at every moment, so every table has a target for new sessions."""
    scenario["deployment"].update({"maxSurge": 1, "maxUnavailable": 0})
    scenario["deployment"].pop("strategy", None)
    result = _run(scenario)
    assume("unready" not in set(result.events["kind"]))
    evidence = Evidence(result.recording, Scenario.model_validate(scenario))
    for _, tables in evidence.tables.values():
        assert all(any(weight > 0 for weight in table.values()) for table in tables)
