"""Predict a run of a real proxy from its own access log, on replications whose pods hold the same sessions.

Which third of the sessions is on the pod that goes is worth 5 to 7 broken sessions (``prediction``). A proxy deals
sessions out in one order and a model in another, so only the replications count in which most sessions that began
before the operation are on a pod that goes in the same turn as in the log; no outcome has a say in that.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from live.bench import PODS
from prediction import REPLICATIONS, experiment
from stored import Run

import simsticky as ss
from simsticky.logs.figures import Frame, Moment, count
from simsticky.logs.replay import Replay, replay_of, scenario_of
from simsticky.logs.requests import LogRead
from simsticky.logs.watched import Watched, of_result

MOST_TRIED = 150
ALIKE = 0.8
"""Share of the sessions before the operation that are to be on a pod that goes in the same turn."""


def bench(made: Run) -> ss.Scenario:
    """Return the bench as a scenario; its traffic is not used, the log has its own."""
    of = experiment(made.config)
    return of.evolve({"timeline.0.pod": PODS}) if made.config["action"] == "scale" else of


def predicted(made: Run, log: LogRead, scratch: Path) -> dict[str, float]:
    """Return each figure's mean over the replications that are alike.

    Raises:
        AssertionError: There are too few of them.
    """
    replay = replay_of(log)
    trace = scratch / "trace.csv"
    replay.trace.to_csv(trace, index=False)
    at_s = replay.rollouts[0].started_s - replay.begins_s
    scenario, _ = scenario_of(bench(made), replay, trace, [at_s])
    frame = Frame((Moment("", at_s, at_s, len(replay.log.leaving[0]), 0),), replay.end_s, (PODS,))
    runs = [count(seen, frame) for seen in islice(alike(scenario, replay, at_s), REPLICATIONS)]
    assert len(runs) == REPLICATIONS, f"{len(runs)} of {MOST_TRIED} replications deal the sessions as the proxy did"
    return {figure: float(np.mean([run[figure] for run in runs])) for figure in runs[0]}


def alike(scenario: ss.Scenario, replay: Replay, at_s: float) -> Iterator[Watched]:
    """Yield what the access logs of the replications show whose pods hold the same sessions as the log's."""
    wanted = turns(replay.log, at_s)
    soon = scenario.evolve({"run.until": at_s + PODS * 2.0})
    for replication in range(MOST_TRIED):
        start = of_result(ss.simulate(soon, replication=replication), replay.bound, replay.end_s)
        # Which sessions the log calls what is their order there; a trace has the same.
        if np.mean(turns(start, at_s) == wanted) >= ALIKE:
            yield of_result(ss.simulate(scenario, replication=replication), replay.bound, replay.end_s)


def turns(seen: Watched, at_s: float) -> npt.NDArray[np.int64]:
    """Return of each session that began before a moment, by its beginning, in which turn its first pod goes; -1 never.

    The turn of a pod is the order of the last sessions that began there.
    """
    known = (seen.session >= 0) & (seen.pod >= 0)
    _, first = np.unique(seen.session[known], return_index=True)
    pod, sent_s = seen.pod[known][first], seen.sent_s[known][first]
    last_s = {one: sent_s[pod == one].max() for one in seen.leaving[0]}
    turn = {one: number for number, one in enumerate(sorted(last_s, key=lambda one: last_s[one]))}
    before = np.argsort(sent_s, kind="stable")[: int((sent_s < at_s).sum())]
    return np.array([turn.get(one, -1) for one in pod[before].tolist()], np.int64)
