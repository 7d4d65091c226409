"""Which guesses the answer hangs on: each moved to two ends, in runs that take a few seconds or are not made.

Whether they are made follows from the estimate of their effort and never from a clock, so that the same input gives the
same draft.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simsticky.scenario.location import read_documents
from simsticky.scenario.model import Scenario
from simsticky.scenario.replicas import start_replicas
from simsticky.study.draft.sizing import rollout_s
from simsticky.study.draft.values import Value
from simsticky.study.tornado import Bar, tornado
from simsticky.workload.effort import effort_of

if TYPE_CHECKING:
    from simsticky.study.tornado import Tornado

METRIC = "broken_of_alive"
MOST_CPU_S = 5.0
MATTERS = 0.05
"""Points of the metric from which on a guess is named."""

_FEWEST, _MOST = 3, 5
"""Replications: with fewer no interval says anything."""
_SETTLE_S, _AT_S, _AFTER_S = 5.0, 10.0, 50.0
_RUN_S = 0.05
"""What a run takes besides its traffic."""


def hinges(scenario: Scenario, values: Sequence[Value]) -> Tornado | None:
    """Return how far each guess moves the answer, the most first; None where that takes too long.

    Args:
        scenario: The draft.
        values: Its values; guesses with two ends are moved.

    Raises:
        InputError: An end cannot be simulated.
    """
    ranges = ranges_of(values)
    small = _small(scenario)
    points = [small, *(small.evolve({path: end}) for path, ends in ranges.items() for end in ends)]
    different = {point.digest(): point for point in points}
    n = int(MOST_CPU_S / sum(effort_of(point).seconds + _RUN_S for point in different.values()))
    if not ranges or n < _FEWEST:
        return None
    return tornado(small, ranges, METRIC, min(n, _MOST), small.run.seed, jobs=1)


def ranges_of(values: Sequence[Value]) -> dict[str, list[Any]]:
    """Return both ends of each guess, as plain data by dotted path."""
    return {value.name: [_data(end) for end in value.ends] for value in values if value.ends}


def _data(written: str) -> Any:
    return read_documents(written, "a value")[0].data


def _small(scenario: Scenario) -> Scenario:
    """Return the first operation alone and early, watched until most of its breaks have been seen.

    Without an autoscaler: what it does by chance in a short run would hide what the guesses do.
    """
    first: dict[str, Any] = scenario.to_json_dict()["timeline"][0]
    changes: Mapping[str, Any] = {
        "timeline": [{**first, "at": _AT_S}],
        "run.until": _AT_S + rollout_s(scenario) + _AFTER_S,
        "run.settle": _SETTLE_S,
        "run.skewFloor": False,
        "run.record": "summary",
        "thresholds": {},
        "autoscaler": None,
        "deployment.replicas": max(start_replicas(scenario), 1),
    }
    return scenario.evolve(changes)


def that_matter(found: Tornado) -> list[Bar]:
    """Return the guesses that move the answer by some points, for certain."""
    return [bar for bar in found.bars if bar.size >= MATTERS and _is_certain(bar)]


def _is_certain(bar: Bar) -> bool:
    low, high = bar.swing.interval.low, bar.swing.interval.high
    return low is not None and high is not None and (low > 0 or high < 0)


def command(file: str, values: Sequence[Value], *, lenient: bool = False) -> str:
    """Return what finds it out with more replications."""
    vary = " ".join(f"--vary {shlex.quote(f'{v.name}={v.ends[0]},{v.ends[1]}')}" for v in values if v.ends)
    flags = "--lenient --tornado" if lenient else "--tornado"
    return f"simsticky sweep {shlex.quote(file)} {flags} --reps 10 --metric {METRIC} {vary}"
