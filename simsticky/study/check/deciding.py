"""``check``: whether a scenario meets its thresholds, or became worse than its baseline, look by look until certain.

Without a baseline every threshold is told by the first look that can tell it. With one, what counts is what became
worse (rules Q10 and Q14): the guards and the thresholds together, each look anew, as in ``compare``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Unpack

from simsticky.errors import InputError
from simsticky.results.absence import Absence
from simsticky.scenario.thresholds import Threshold
from simsticky.stats.intervals import LEVEL
from simsticky.study.better import MARGINS, Against, Standing, against, excludes_zero, wants_less
from simsticky.study.case import Case
from simsticky.study.check.answer import Check, Judged, Told, unchanged
from simsticky.study.clock import Clock, stops
from simsticky.study.compare import Comparison, compare_sides
from simsticky.study.looks import Look, plan
from simsticky.study.pairs import Pair, first_of
from simsticky.study.precision import MOST
from simsticky.study.replicate import Study
from simsticky.study.runner import Execution, Runner
from simsticky.study.sides import Side
from simsticky.study.store import Replication, Replications
from simsticky.study.thresholds import absence_of, breaks_by_operations
from simsticky.study.verdicts import Mark, checked_thresholds

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario
    from simsticky.study.check.baseline import Baseline
    from simsticky.study.check.budget import Budget
    from simsticky.study.thresholds import Verdict

VerdictAt = Callable[[str, Threshold, Look], "Verdict"]
"""Returns what the replications of a look say about a metric's threshold."""


def check(
    scenario: Scenario,
    baseline: Baseline | None = None,
    *,
    seed: int | None = None,
    most: int = MOST,
    max_time: float | None = None,
    budget: Budget | None = None,
    metrics: Mapping[str, Metric] | None = None,
    runner: Runner | None = None,
    **execution: Unpack[Execution],
) -> Check:
    """Check a scenario against its thresholds, or against what was there before.

    Looked at after 10, 20, 40, … replications until all is certain; each verdict is wrong in at most 2.5 % of such
    checks (:mod:`simsticky.study.looks`). Nothing is simulated where nothing that the model reads differs from the
    baseline.

    Args:
        scenario: What is there now.
        baseline: What was there before.
        seed: Seed of all; that of a stored baseline, else the scenario's, by default.
        most: At most this many replications.
        max_time: Seconds after which nothing more is run; what is open then stays so, and may be told the next time.
        budget: How many broken sessions there may be, to say how often that allows a deploy.
        metrics: The metrics there are; all by default.
        runner: What runs the replications, where there is one already.
        execution: Otherwise how to run, as for :class:`~simsticky.study.runner.Runner`.

    Raises:
        InputError: There is nothing to check, or a threshold names no metric.
        Interrupted: On Ctrl-C.
        SimstickyError: A worker was lost, the disk is full, or a replication failed.
    """
    if metrics is None:
        from simsticky.results.metrics import METRICS

        metrics = METRICS
    bounds = checked_thresholds(scenario, metrics)
    if not bounds and baseline is None and budget is None:
        raise InputError.of(
            "there is nothing to check: no threshold and no baseline",
            hint="give --threshold 'broken_sessions < 1%' or --baseline git:main, or thresholds in the scenario",
        )
    if same := unchanged(scenario, baseline, seed):
        return same
    seed = _seed(scenario, baseline, seed)
    with ExitStack() as own:
        runner = own.enter_context(Runner(**execution)) if runner is None else runner
        runs = _Runs(runner, scenario, baseline, seed, metrics, Clock(max_time))
        if baseline is None:
            found = _of_thresholds(runs, bounds, most if bounds else min(most, scenario.run.replications))
        else:
            found = _against_baseline(runs, baseline, bounds, most)
    return found if budget is None else replace(found, deploys=budget.deploys(found.study, found.level))


def look_by_look(most: int, run: Callable[[int], bool], ask: Callable[[Look], bool]) -> tuple[Look | None, bool]:
    """Run and ask, look after look, until there is nothing left to ask.

    Args:
        most: At most this many replications.
        run: Runs up to so many replications; says whether the time was enough.
        ask: Asks what is open at a look; says whether all is told.

    Returns:
        The last look that was had, None without any; and whether the time was over before all was told.
    """
    last = None
    for look in plan(most):
        if not run(look.n):
            return last, True
        last = look
        if ask(look):
            break
    return last, False


@dataclass
class Thresholds:
    """Thresholds, each told by the first look that can tell it.

    Attributes:
        bounds: The thresholds by metric.
        verdict_at: What a look's replications say.
        told: What was said of each at the last look that it was open, or that told it.
    """

    bounds: Mapping[str, Threshold]
    verdict_at: VerdictAt
    told: dict[str, Told] = field(default_factory=dict)

    def ask(self, look: Look) -> bool:
        """Ask of those that are open; return whether all are told."""
        for name, bound in self.bounds.items():
            if name not in self.told or self.told[name].mark is Mark.OPEN:
                self.told[name] = Told(self.verdict_at(name, bound, look), look.n, look.level)
        return all(told.mark is not Mark.OPEN for told in self.told.values())


def _of_thresholds(runs: _Runs, bounds: Mapping[str, Threshold], most: int) -> Check:
    thresholds = Thresholds(bounds, lambda name, bound, look: runs.study.verdict(name, bound, look.level))

    def ask(look: Look) -> bool:
        # Without a threshold there is a budget to answer, from as many replications as the scenario asks for.
        return bool(bounds) and (thresholds.ask(look) or _is_futile(runs.study, thresholds.told))

    runs.begin(most)
    look, late = look_by_look(most, runs.reach, ask)
    level = LEVEL if look is None else look.level
    if look is None:
        thresholds.told = {name: _untold(runs.study, name, bound) for name, bound in bounds.items()}
    return Check(runs.study.scenario, runs.seed, runs.study, tuple(thresholds.told.values()), None, most, level, late)


def _untold(study: Study, name: str, bound: Threshold) -> Told:
    """What is said of a threshold before the first look: nothing, whatever the figures are."""
    found = replace(study.verdict(name, bound), mark=Mark.OPEN, reason="the time was over before the first look")
    return Told(found, study.n, LEVEL)


def _is_futile(study: Study, told: Mapping[str, Told]) -> bool:
    """Whether all that is open is about operations that have done nothing to anybody, in any replication so far.

    That ends a check early, as open as it is; so it makes no verdict wrong.
    """
    open_ones = [study.metrics[name] for name, one in told.items() if one.mark is Mark.OPEN]
    nothing = absence_of(study.replications.column, study.scenario) is Absence.NOTHING_MEASURED
    return nothing and all(breaks_by_operations(metric) for metric in open_ones)


def _against_baseline(runs: _Runs, baseline: Baseline, bounds: Mapping[str, Threshold], most: int) -> Check:
    bounds = {**bounds, **baseline.bounds(runs.metrics)}
    most = baseline.most(most)
    found = Judged(Against(Standing.UNCERTAIN))

    def ask(look: Look) -> bool:
        nonlocal found
        found = judge_pair(runs.pair(look), runs.metrics, bounds)
        return found.mark is not Mark.OPEN

    runs.begin(most)
    look, late = look_by_look(most, runs.reach, ask)
    level = LEVEL if look is None else look.level
    told = tuple(Told(runs.study.verdict(name, bound, level), runs.study.n, level) for name, bound in bounds.items())
    comparison = _comparison(runs, baseline, level)
    return Check(
        runs.study.scenario, runs.seed, runs.study, told, comparison, most, level, late, baseline.name,
        mark=Mark.OPEN if look is None else found.mark, standing=found,
    )  # fmt: skip


def judge_pair(pair: Pair, metrics: Mapping[str, Metric], bounds: Mapping[str, Threshold]) -> Judged:
    """Return what the replications of a setting and of its baseline say about a regression.

    Beside rule Q10 a threshold must not have been crossed (rule Q14): that is open while the setting may miss it, may
    have come nearer to it or beyond, and the baseline does not certainly miss it as well.
    """
    known = {name: bound for name, bound in bounds.items() if name in metrics}
    crossing = tuple(
        name
        for name, bound in known.items()
        if name not in MARGINS
        and pair.mark(metrics[name], bound) is not Mark.PASS
        and not _is_no_worse(pair, metrics[name], bound)
        and pair.mark(metrics[name], bound, of_reference=True) is not Mark.FAIL
    )
    return Judged(against(pair, metrics, known), crossing)


def _is_no_worse(pair: Pair, metric: Metric, bound: Threshold) -> bool:
    """Whether a difference is certainly none, or on the good side."""
    interval = pair.difference(metric).interval
    if interval.low == interval.high == 0:
        return True
    return excludes_zero(interval, down=wants_less(bound))


def _comparison(runs: _Runs, baseline: Baseline, level: float) -> Comparison:
    name = runs.study.scenario.name if baseline.now is None else baseline.now
    before = replace(runs.before, warnings=())
    before = replace(before, resolved=baseline.shown(before.resolved))
    metrics = {known: metric for known, metric in runs.metrics.items() if known in before.definitions}
    return compare_sides([before, Side.of_study(name, runs.study)], metrics, {name: level})


def _seed(scenario: Scenario, baseline: Baseline | None, seed: int | None) -> int:
    stored = None if baseline is None else baseline.side
    if stored is None:
        return scenario.run.seed if seed is None else seed
    if seed is not None and seed != stored.seed:
        message = f"{stored.name} was run with seed {stored.seed}, and replications of another seed are not paired"
        raise InputError.of(message, file="--seed", hint="leave --seed out")
    return stored.seed


class _Runs:
    """The replications of a scenario, and of its baseline where that is not stored."""

    def __init__(
        self,
        runner: Runner,
        scenario: Scenario,
        baseline: Baseline | None,
        seed: int,
        metrics: Mapping[str, Metric],
        clock: Clock,
    ) -> None:
        self.seed = seed
        self.metrics = metrics
        self._runner = runner
        self._clock = clock
        self._baseline = baseline
        before = None if baseline is None else baseline.scenario
        self._scenarios = [scenario] if before is None else [scenario, before]
        self._found = [Replications() for _ in self._scenarios]

    @property
    def study(self) -> Study:
        """The scenario's replications so far."""
        return Study(self._scenarios[0], self.seed, self._found[0], self.metrics)

    @property
    def before(self) -> Side:
        """The baseline's replications so far; all of a stored one."""
        assert self._baseline is not None  # asked only where there is one
        if self._baseline.side is not None:
            return self._baseline.side
        study = Study(self._scenarios[1], self.seed, self._found[1], self.metrics)
        return Side.of_study(self._baseline.name, study)

    def begin(self, most: int) -> None:
        """Open the study's directory, if there is one."""
        self._runner.begin(self._scenarios, self.seed, most=most)

    def reach(self, n: int) -> bool:
        """Run up to so many replications of each; return whether the time was enough.

        Nothing is kept of a look that was not reached, but of the first: without it there would be no figure at all.
        """
        done = len(self._found[0])
        fresh: list[list[Replication]] = [[] for _ in self._scenarios]
        for stop in stops(done, n, timed=self._clock.most_s is not None):
            numbers = range(done + len(fresh[0]), stop)
            cases = [Case(scenario, self.seed, numbers) for scenario in self._scenarios]
            for kept, more in zip(fresh, self._runner.run(cases), strict=True):
                kept.extend(more)
            if stop < n and self._clock.is_over():
                break
        in_time = done + len(fresh[0]) == n
        if in_time or not done:
            for found, more_of in zip(self._found, fresh, strict=True):
                found.extend(more_of)
        return in_time

    def pair(self, look: Look) -> Pair:
        """Return the baseline and the scenario as a look sees them."""
        study, before = self.study, self.before
        same = look.n if list(before.digests[: look.n]) == study.digests[: look.n] else 0
        setting = first_of(study.replications, look.n)
        return Pair(before.first(look.n), setting, True, look.level, same, (before.scenario, study.scenario))
