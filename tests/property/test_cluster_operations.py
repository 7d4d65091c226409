"""What holds whatever is done to the cluster: random operations, node failures and budgets on random Deployments."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from availability import assert_enough_available
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import scenarios

from simsticky.kubernetes.disruption import BudgetPod, DisruptionBudget, sync
from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate

_SLOW = settings(max_examples=settings().max_examples // 3, suppress_health_check=[HealthCheck.too_slow])
_TIMES = st.sampled_from([20.0, 21.0, 25.5, 30.0, 40.0, 60.0])
_ON_APP = ("rollout", "rollback", "pause", "resume", "scale", "deletePod", "crash")
_ON_NODES = ("drainNode", "uncordon", "shutdownNode", "nodeLoss", "spot")


@st.composite
def _operation(draw: st.DrawFn, verbs: tuple[str, ...], nodes: int) -> dict[str, Any]:
    verb = draw(st.sampled_from(verbs))
    target = f"node-{draw(st.integers(1, nodes))}" if verb in _ON_NODES else "app"
    entry: dict[str, Any] = {"at": draw(_TIMES), verb: target}
    if verb == "scale":
        entry["replicas"] = draw(st.integers(0, 5))
    elif verb == "rollout" and draw(st.booleans()):
        entry["neverReady"] = True
    elif verb == "deletePod":
        entry["force"] = draw(st.booleans())
    elif verb == "shutdownNode":
        entry |= {"gracePeriod": draw(st.integers(1, 15)), "criticalGracePeriod": draw(st.integers(0, 5))}
    elif verb == "nodeLoss":
        entry["objectGone"] = draw(st.integers(20, 60))
    elif verb == "spot":
        entry["notice"] = draw(st.integers(0, 20))
    return entry


@st.composite
def _worlds(draw: st.DrawFn, verbs: tuple[str, ...], *, budget: bool = False) -> dict[str, Any]:
    """Return a scenario of up to four of these operations on one to three nodes."""
    scenario: dict[str, Any] = draw(scenarios(st.just([])))
    nodes = draw(st.integers(1, 3))
    scenario["kubernetes"] |= {"nodes": nodes, "nodeMonitorGrace": 10.0, "unreachableToleration": 15.0}
    scenario["timeline"] = draw(st.lists(_operation(verbs, nodes), max_size=4))
    if budget:
        bound = draw(st.sampled_from(["minAvailable", "maxUnavailable"]))
        value = draw(st.sampled_from([0, 1, 2, "34%", "50%"]))
        scenario["deployment"]["disruptionBudget"] = {bound: value}
    return scenario


def _run(scenario: Mapping[str, Any]) -> Result:
    return simulate(Scenario.model_validate(scenario), verify=True)


@_SLOW
@given(_worlds((*_ON_APP, *_ON_NODES), budget=True))
def test_every_run_keeps_the_invariants(scenario: Mapping[str, Any]) -> None:
    """Lives of pods and containers, surge, outcomes and counts hold, whatever is done to the cluster."""
    _run(scenario)


@_SLOW
@given(_worlds(_ON_APP, budget=False))
def test_stateful_sets_keep_the_invariants(scenario: Mapping[str, Any]) -> None:
    """A StatefulSet has one pod of an ordinal at a time, and no more pods than ordinals asked for."""
    scenario["deployment"]["kind"] = "StatefulSet"  # type: ignore[index]
    result = _run(scenario)
    pods = result.pods.assign(ordinal=[str(name).rpartition("-")[2].partition(".")[0] for name in result.pods["pod"]])
    for _, same in pods.groupby("ordinal"):
        lives = same.sort_values("created_s")
        assert (lives["created_s"].to_numpy()[1:] >= lives["removed_s"].to_numpy()[:-1]).all()


@_SLOW
@given(_worlds(("drainNode", "uncordon"), budget=True))
def test_evictions_never_pass_a_budget(scenario: Mapping[str, Any]) -> None:
    """An eviction of a ready pod is granted only while the budget allows a disruption."""
    scenario["app"]["concurrency"] = 1000  # no probe fails in a queue: readiness begins once and ends with the pod
    result = _run(scenario)
    stated, replicas = scenario["deployment"]["disruptionBudget"], scenario["deployment"]["replicas"]
    budget = DisruptionBudget(stated.get("minAvailable"), stated.get("maxUnavailable"))
    there = {pod.pod: BudgetPod(pod.pod) for pod in result.pods.itertuples(index=False) if pod.created_s < 0}
    # In the order of events: with delays of 0 a replacement may be ready before the next eviction of the same instant.
    for event in result.events.itertuples(index=False):
        name = str(event.subject)
        if event.kind == "created":
            there[name] = BudgetPod(name, ready=False)
        elif event.kind == "ready":
            there[name] = replace(there[name], ready=True)
        elif event.kind == "deleted":
            there[name] = replace(there[name], terminating=True)
        elif event.kind == "removed":
            del there[name]
        elif event.kind == "evicted" and there[name].ready:
            assert sync(budget, list(there.values()), replicas, {}, event.at_s).disruptions_allowed >= 1


@_SLOW
@given(_worlds(("rollout", "rollback")))
def test_rollouts_end_or_say_why_not(scenario: Mapping[str, Any]) -> None:
    """Each rollout is complete, reported stuck with its reason, or cut off by the end."""
    scenario["run"] |= {"until": "drained", "horizon": 400.0}
    scenario["app"] |= {"concurrency": 1000, "startup": 2.0}
    result = _run(scenario)
    for operation in result.operations.itertuples(index=False):
        assert operation.rollout_done_s >= operation.start_s or operation.stuck


@_SLOW
@given(_worlds(("rollout", "rollback", "pause", "resume")))
def test_rollbacks_and_pauses_keep_enough_pods_available(scenario: Mapping[str, Any]) -> None:
    """Living pods are re-adopted meanwhile."""
    assume("strategy" not in scenario["deployment"])
    scenario["app"]["concurrency"] = 1000  # no probe ever fails in a queue
    scenario["deployment"]["minReadySeconds"] = 0  # else a rollover may take an available pod, as upstream does
    assert_enough_available(scenario, _run(scenario))
