"""Settings side by side: replication 0 of each side of a comparison, simulated once more with its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simsticky.report.render.html import Live
from simsticky.report.replay import MOST_SIDES, side_by_side, without
from simsticky.simulate import simulate

if TYPE_CHECKING:
    from simsticky.results.result import Result
    from simsticky.study.compare import Comparison
    from simsticky.study.sides import Side


def replayed(comparison: Comparison) -> Live:
    """Return the replay of a comparison's sides, or why there is none.

    What is shown is what was compared: a side whose replication 0 cannot be had again to the digest is not.
    """
    runs = []
    for side in comparison.sides[:MOST_SIDES]:
        run = _again(side)
        if run is None:
            return without(
                f"A replay simulates replication 0 of each side once more, and {side.name} does not give what was"
                " compared: its files are not there any more, or another version wrote it. Compare the scenario files"
                " themselves."
            )
        runs.append((side.name, run))
    return side_by_side(runs, left_out=[side.name for side in comparison.sides[MOST_SIDES:]])


def _again(side: Side) -> Result | None:
    """Return replication 0 of a side with its requests; None where it is not the one that was compared."""
    if side.scenario is None:
        return None
    run = simulate(side.scenario.evolve({"run.record": "requests"}), seed=side.seed)
    return run if run.digest == side.digests[0] else None
