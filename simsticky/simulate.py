"""``simulate``: one replication, from the scenario to its result.

Nothing heavy is imported before it is called, so that ``import simsticky`` is quick.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from simsticky.engines import Choice
    from simsticky.kong.balancer import AlgorithmFactory
    from simsticky.recording.record import Recording
    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.reading.given import Given
    from simsticky.sim.simulation import Simulation


def simulate(
    scenario: Given,
    seed: int | None = None,
    replication: int = 0,
    *,
    verify: bool = False,
    algorithm: AlgorithmFactory | None = None,
    engine: Choice | None = None,
) -> Result:
    """Simulate a scenario once.

    The same scenario, seed and replication give the same result, whatever is recorded and wherever it runs.

    Args:
        scenario: What to simulate: a scenario, the path of its file, its text, or a mapping of what the file says.
        seed: Seed of the study, at least 0; the scenario's ``run.seed`` by default.
        replication: Number of the replication, at least 0; each has random numbers of its own.
        verify: Whether to check the model's invariants on what was recorded.
        algorithm: Makes the algorithm of each balancer instead of the scenario's: a subclass of
            ``simsticky.kong.balancer.Algorithm``, or anything that returns one, given a source of uniform integers
            1..n. It is handed each request's key, cookie and number; what clients bring follows from the scenario's
            upstream. The scenario's digest does not know of it.
        engine: What runs the data plane: ``interpreted`` by Python, ``compiled`` by Numba (the extra ``fast``), or
            ``auto``, the default: compiled where Numba is there and the work repays it. The result is the same.

    Raises:
        EngineError: The compiled engine was asked for, and is not to be had.
        InputError: The scenario's file is not there or something in it is wrong; or the run would take more memory
            than this machine has.
        InvariantError: The model contradicted itself; only with ``verify``.
        ValueError: ``seed`` or ``replication`` is negative; or ``verify`` is asked for an algorithm of one's own: the
            invariants are those of the scenario's.
    """
    from simsticky import progress
    from simsticky.engines import engine_for
    from simsticky.results.result import Result
    from simsticky.scenario.reading.given import scenario_of
    from simsticky.sim.simulation import Simulation
    from simsticky.workload.effort import effort_of, refuse_too_much

    scenario = scenario_of(scenario)
    if seed is None:
        seed = scenario.run.seed
    if seed < 0 or replication < 0:
        raise ValueError(f"seed and replication are at least 0, not {seed} and {replication}")
    if verify and algorithm is not None:
        raise ValueError("the invariants are those of the scenario's algorithm, not of one's own")
    effort = effort_of(scenario)
    refuse_too_much(scenario, effort)
    if algorithm is not None and engine is None:
        engine = "interpreted"  # it is plain Python, which is asked each time
    runs_by = engine_for(engine, scenario, lambda: effort.seconds)
    simulation = Simulation(
        scenario,
        seed,
        replication,
        make_algorithm=algorithm,
        engine=runs_by,
        paired=_wants_floor(scenario),
    )
    recording = simulation.run(progress.on_time(effort.end_s))
    if verify:
        from simsticky.audit import verify as check

        check(recording, scenario)
    floor = _without_operations(simulation, scenario, seed, replication, recording.window_s, algorithm)
    return Result.of(scenario, seed, replication, recording, floor)


def prepare() -> None:
    """Import all that a simulation needs: for processes that do nothing but simulate."""
    import simsticky.results.result
    import simsticky.scenario.reading.given
    import simsticky.sim.simulation
    import simsticky.workload.effort  # noqa: F401


def _wants_floor(scenario: Scenario) -> bool:
    return bool(scenario.run.skew_floor and scenario.timeline)


def _without_operations(
    simulation: Simulation,
    scenario: Scenario,
    seed: int,
    replication: int,
    window_s: tuple[float, float] | None,
    algorithm: AlgorithmFactory | None,
) -> Recording | None:
    """Run the same sessions with the same luck and no operation: the floor of the load skew over the same window.

    None where the scenario wants no floor or there is no window to measure it over.
    """
    if not _wants_floor(scenario) or window_s is None or window_s[0] >= window_s[1]:
        return None
    from simsticky.recording.record import Recording
    from simsticky.sim.simulation import Simulation

    skew = simulation.paired_skew(window_s[1])
    if skew is not None:
        return Recording(level="summary", settle_s=scenario.run.settle, skew=skew, window_s=window_s)

    run = scenario.run.model_copy(update={"record": "summary"})
    without = scenario.model_copy(update={"run": run})
    return Simulation(without, seed, replication, window_s, algorithm, simulation.engine).run()
