"""What holds in every run, over random small scenarios; see ``simsticky/audit`` for the list.

Whatever a run records is checked from the outside. A failing draw is shrunk by hypothesis; keep it as a file in
``tests/property/examples``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from availability import assert_enough_available
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import operations, scenarios

from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.sim.simulation import Simulation
from simsticky.simulate import simulate

_SLOW = settings(max_examples=settings().max_examples // 3, suppress_health_check=[HealthCheck.too_slow])
"""A run takes longer than what hypothesis is made for, so there are fewer."""


def _run(scenario: Mapping[str, Any]) -> Result:
    return simulate(Scenario.model_validate(scenario), verify=True)


@settings(_SLOW, max_examples=settings().max_examples * 2)
@given(scenarios())
def test_every_run_keeps_the_invariants(scenario: Mapping[str, Any]) -> None:
    """Outcomes (rule R1), slots, queues, lives of pods, stickiness, weight 0 and counts hold in any run.

    This is the one test of everything at once, so it has more examples than the others.
    """
    _run(scenario)


@_SLOW
@given(scenarios(operations(("rollout",)), sticky=True, keep=1.0))
def test_every_rollout_keeps_the_invariants(scenario: Mapping[str, Any]) -> None:
    """The same holds for sticky sessions under rollouts, with examples of their own."""
    _run(scenario)


@_SLOW
@given(scenarios(operations(("rollout",))))
def test_rollout_keeps_enough_pods_available(scenario: Mapping[str, Any]) -> None:
    """Where no pod fails by itself, available >= replicas - maxUnavailable all the time.

    A rollover, one rollout on top of another, counts only without minReadySeconds: its pods that are ready but not yet
    available are to go first, yet a ReplicaSet chooses victims by readiness and may take an available one.
    """
    scenario["app"]["concurrency"] = 1000  # no probe ever fails in a queue
    deployment = scenario["deployment"]
    assume("strategy" not in deployment)
    assume(len(scenario["timeline"]) <= 1 or deployment["minReadySeconds"] == 0)
    assert_enough_available(scenario, _run(scenario))


@_SLOW
@given(scenarios(st.just([]), sticky=True, keep=1.0, plain=True))
def test_without_operations_and_with_jars_nothing_breaks(scenario: Mapping[str, Any]) -> None:
    """Without an operation, with a jar for every client, state that stays and answers in time, nothing breaks."""
    scenario["app"] |= {"concurrency": 1000, "sessionTimeout": 3600.0}
    scenario["gateway"]["readTimeout"] = 60.0  # what is too late is sent to another pod, and breaks there
    result = _run(scenario)
    assert result.summary["breaks"] == result.summary["breaks_background"] == 0
    assert result.summary["failed.bad_gateway_502"] == result.summary["failed.no_target_503"] == 0


@_SLOW
@given(scenarios(st.just([])))
def test_without_operations_nothing_is_caused(scenario: Mapping[str, Any]) -> None:
    """Breaks without an operation are background, whatever the algorithm and the clients."""
    result = _run(scenario)
    assert result.summary["breaks"] == 0
    assert result.summary["broken_sessions"] is None
    assert len(result.operations) == 0


@_SLOW
@given(scenarios())
def test_same_seed_gives_the_same_run(scenario: Mapping[str, Any]) -> None:
    """The digest repeats, and what is recorded does not change it."""
    full = _run(scenario)
    scenario["run"]["record"] = "summary"
    less = _run(scenario)
    assert less.digest == full.digest
    assert dict(less.summary) == dict(full.summary)


@_SLOW
@given(scenarios())
def test_frames_agree_with_each_other(scenario: Mapping[str, Any]) -> None:
    """Sessions, requests, operations and summary tell of the same breaks and failures."""
    result = _run(scenario)
    requests, sessions, done = result.requests, result.sessions, result.operations
    broke = requests["broke"] != ""
    caused = broke & (requests["operation"] > 0)
    assert int(caused.sum()) == result.summary["breaks"]
    # What a request that is open at the run's end was going to do to its session is in the session's row already.
    open_at_end = int((requests["outcome"] == "unfinished").sum())
    assert 0 <= int(sessions["breaks"].sum()) - int(caused.sum()) <= open_at_end
    assert 0 <= int(sessions["breaks_background"].sum()) - int((broke & ~caused).sum()) <= open_at_end
    assert int(done["breaks"].sum()) == result.summary["breaks"]
    assert set(requests["session"]) <= set(sessions["session"])
    load = result.load
    assert (load["sessions"] >= 0).all()
    assert (load["in_flight"] >= 0).all()
    assert np.isfinite(load["time_s"]).all()


@_SLOW
@given(scenarios(), st.sampled_from(["least-connections", "latency"]))
def test_every_connection_is_counted_down_again(scenario: Mapping[str, Any], algorithm: str) -> None:
    """Whatever is retried, cut, pushed or restarted, each pick is released once, in the end.

    A count below 0 raises by itself. What waits for a further attempt when the run ends has not been released, nor has
    a connection that is being opened.
    """
    scenario["upstream"] = {"algorithm": algorithm}
    scenario["traffic"]["idempotent"] = 0.0
    scenario["gateway"]["connection"] = "refused"
    simulation = Simulation(Scenario.model_validate(scenario), 1, 0)
    recording = simulation.run()
    still_open = recording.counts.get("requests_unfinished", 0)
    held = simulation._scenario.traffic.connections.long_lived
    for session in simulation._sessions.alive(recording.end_s):
        if session.connection is not None:
            session.connection.log(recording.end_s)
    ends = simulation._world.columns.queues.open_ends()
    logged = sum(end.at_s > recording.end_s for end in ends)
    for worker in simulation._gateway.workers:
        worker.log_until(1e300)
        assert list(simulation._world.columns.queues.open_ends()) == []
        if isinstance(worker.balancer.algorithm, LeastConnections):
            left = sum(worker.balancer.algorithm.connections.values())
            assert left <= (still_open if held else 0) or scenario["run"]["settle"] > 0
    assert logged <= still_open or scenario["run"]["settle"] > 0
