"""Running settings look by look until it is certain how each stands against a named reference.

Rule Q8: a look takes replications 0 to n − 1 of the reference and of every setting that is still open, whatever else
may be finished by then: so the answer is the same for any number of workers. What is certain is not run any further.
Workers that would wait at a look go on with the next one's replications, which are kept until that look wants them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simsticky.stats.intervals import LEVEL
from simsticky.study.better import Standing, against
from simsticky.study.case import Case
from simsticky.study.looks import plan
from simsticky.study.pairs import pair_of
from simsticky.study.replicate import Study
from simsticky.study.runner import Runner
from simsticky.study.store import Replications

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario


def until_certain(
    runner: Runner, scenarios: Mapping[str, Scenario], seed: int, most: int, metrics: Mapping[str, Metric]
) -> tuple[dict[str, Replications], dict[str, float]]:
    """Return the replications of each scenario, and the level of the look at which each one's standing was read.

    Args:
        runner: What runs them.
        scenarios: What to run, by name; the first is the reference.
        seed: Seed of all.
        most: At most this many replications.
        metrics: The metrics that can be spoken of.
    """
    reference, *open_ones = scenarios
    found = {name: Replications() for name in scenarios}
    levels: dict[str, float] = {}
    looks = plan(most)
    for look, later in zip(looks, [*looks[1:], looks[-1]], strict=True):
        names = [reference, *open_ones]
        cases = [Case(scenarios[name], seed, range(len(found[name]), look.n)) for name in names]
        # Should all of them stay open; those that do not were begun for nothing, by workers that had nothing to do.
        ahead = [Case(scenarios[name], seed, range(look.n, later.n)) for name in names]
        runner.expect(sum(len(case.replications) for case in (*cases, *ahead)))
        for name, more in zip(names, runner.run(cases, ahead), strict=True):
            found[name].extend(more)
        levels |= dict.fromkeys(open_ones, look.level)
        studies = {name: Study(scenarios[name], seed, found[name], metrics) for name in names}
        open_ones = [
            name
            for name in open_ones
            if standing_of(studies[reference], studies[name], look.level) is Standing.UNCERTAIN
        ]
        if not open_ones:
            break
    return found, levels


def standing_of(reference: Study, study: Study, level: float = LEVEL) -> Standing:
    """Return how a study stands against that of its reference, by the replications that both have.

    Both have one seed; the thresholds are those of both, the reference's first.
    """
    n = min(reference.n, study.n)
    bounds = {**study.scenario.parsed_thresholds, **reference.scenario.parsed_thresholds}
    pair = pair_of(reference, study, n, level)
    return against(pair, reference.metrics, bounds).standing
