"""``recommend``: the cheapest setting that keeps the thresholds and is not worse than today, and what it hangs on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from simsticky.errors import InputError
from simsticky.manifests.patches import patches
from simsticky.scenario.reading.given import scenario_of
from simsticky.stats.intervals import LEVEL
from simsticky.study.better import MARGINS
from simsticky.study.case import simulate_numbers
from simsticky.study.clock import Clock
from simsticky.study.otherwise import DRAIN, is_drain_stated
from simsticky.study.recommend.answer import Between, Crossing, Option, Priced, Recommendation, Status
from simsticky.study.recommend.costs import WithPodTime, cheapest, checked_order
from simsticky.study.recommend.knobs import Knob, SearchSpace
from simsticky.study.recommend.reasons import closest, limits_on, reason_for_none, reason_for_open
from simsticky.study.recommend.refinement import gap
from simsticky.study.recommend.search import Line, crossing, race, search_line
from simsticky.study.recommend.session_length import flip
from simsticky.study.recommend.trials import Criterion, Guard, Limit, OutOfTimeError, Trials
from simsticky.study.runner import Execution, Runner
from simsticky.study.verdicts import checked_thresholds, with_thresholds
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.reading.given import Given

DEFAULT_VARY: Mapping[str, Any] = {"deployment.preStop": "0s..1h", "deployment.grace": "preStop + 30s"}
"""What is varied unless asked otherwise."""

_MOST_SETTINGS = 500

_Turned = tuple[int, ...]
"""A setting: for each knob the index of its value."""

_TODAY = "today"

# Settings as often as a first look takes: of each line, and for today and what the answer hangs on.
_FORESEEN_OF_A_LINE, _FORESEEN_BESIDES = 9, 14

_PRICED_WITHIN = 0.1
"""By what part of a setting its price for another threshold may be too much: it is an outlook, not what is picked."""

Answer = TypeVar("Answer")


def recommend(
    scenario: Given,
    thresholds: str | Sequence[str] | None = None,
    vary: Mapping[str, Any] | None = None,
    n: int | None = None,
    seed: int | None = None,
    *,
    cost: Sequence[str] = (),
    max_time: float | None = None,
    metrics: Mapping[str, Metric] | None = None,
    runner: Runner | None = None,
    **execution: Unpack[Execution],
) -> Recommendation:
    """Find the cheapest setting that keeps the thresholds with 95 % confidence, and is not worse than today (rule Q12).

    Ranges are searched by bisection; if a tried point contradicts monotonicity, sampled values are raced instead. The
    longest range is the one that is searched, for every combination of the other values. All settings run on common
    random numbers and are looked at after 10, 20, 40, … replications, at most ``n``; what is certain is not run any
    further. If neither the scenario nor a manifest says whether drain support is on, the answer is given for off, and
    for on in :attr:`Recommendation.otherwise`.

    Args:
        scenario: What is there today: a scenario, the path of its file, or a mapping of what the file says.
        thresholds: ``"broken_sessions < 1%"``, or several; the scenario's own by default.
        vary: What may be turned, by dotted path, as :mod:`simsticky.study.settings` has it: a range ``"0s..30m"`` or
            ``("0s", "30m")``, a list of values, or a value or expression that all settings get (``"preStop + 30s"``).
            :data:`DEFAULT_VARY` by default.
        n: At most this many replications of a setting; by default the scenario's ``run.replications``.
        seed: Seed; the scenario's ``run.seed`` by default.
        cost: Costs that come first, of :data:`simsticky.study.recommend.costs.ORDER`.
        max_time: Seconds after which nothing more is tried: what is open then is not certain, and may be something
            else the next time.
        metrics: The metrics there are; all by default.
        runner: What runs the replications, where there is one already; its ``simulate`` is a
            :class:`~simsticky.study.recommend.costs.WithPodTime`.
        execution: Otherwise how to run, as for :class:`~simsticky.study.runner.Runner`.

    Raises:
        InputError: A threshold, a path or a value is wrong, there is nothing to vary or no operation, or ``n`` is
            below 2.
        Interrupted: On Ctrl-C.
        SimstickyError: A worker was lost, the disk is full, or a replication failed.
    """
    if metrics is None:
        from simsticky.results.metrics import METRICS

        metrics = METRICS
    scenario = scenario_of(scenario)
    n = scenario.run.replications if n is None else n
    seed = scenario.run.seed if seed is None else seed
    order = checked_order(cost)
    scenario = with_thresholds(scenario, thresholds)
    limits = _limits(scenario, metrics, n)
    space = SearchSpace.of(scenario, DEFAULT_VARY if vary is None else vary)
    lean = _lean(scenario, limits)
    how: Execution = {**execution, "simulate": WithPodTime(execution.get("simulate") or simulate_numbers)}
    with ExitStack() as own:
        runner = own.enter_context(Runner(**how)) if runner is None else runner
        runner.begin([lean], seed, replications=n, vary={knob.path: knob.text for knob in space.knobs})
        asked = _Asked(space, limits, metrics, n, seed, order, Clock(max_time))
        answer = _Search(scenario, lean, asked, runner).answer()
        if not _drain_is_unknown(scenario, space):
            return answer
        on = {DRAIN: True}
        otherwise = _Search(scenario.evolve(on), lean.evolve(on), asked, runner).answer()
        return replace(answer, drain=False, otherwise=replace(otherwise, drain=True))


def _limits(scenario: Scenario, metrics: Mapping[str, Metric], n: int) -> list[Limit]:
    """Return what is to be kept, or say why nothing can be recommended."""
    if n < 2:
        hint = "two make an interval, 30 a good one"
        raise InputError.of("a recommendation needs two replications or more", path="replications", hint=hint)
    if not scenario.timeline:
        raise InputError.of("a recommendation is about an operation, and the timeline has none", path="timeline")
    limits = [Limit(metrics[name], bound) for name, bound in checked_thresholds(scenario, metrics).items()]
    if not limits:
        hint = "for example broken_sessions < 1%"
        raise InputError.of("there is no threshold to keep", file="--threshold", hint=hint)
    return limits


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a search."""

    space: SearchSpace
    limits: Sequence[Limit]
    metrics: Mapping[str, Metric]
    n: int
    seed: int
    order: tuple[str, ...]
    clock: Clock


class _Search:
    """One search, from today's setting to the answer."""

    def __init__(self, scenario: Scenario, lean: Scenario, asked: _Asked, runner: Runner) -> None:
        self._scenario = scenario
        self._lean = lean
        self._asked = asked
        self._space = asked.space
        self._limits = tuple(asked.limits)
        self._order = asked.order
        bounded = {limit.metric.name for limit in self._limits if limit.wants_less}
        self._guards = [Guard(asked.metrics[name]) for name in MARGINS if name in asked.metrics and name not in bounded]
        self._runner = runner
        self._trials = Trials(runner, asked.seed, asked.n, _TODAY, self._scenario_of)
        self._axis = _axis(self._space.knobs)
        self._lines = self._all_lines()
        self._looks = self._trials.looks(self._ways)
        self._monotone: bool | None = None
        self._is_late = False

    @property
    def _ways(self) -> int:
        """In how many ways the search can go wrong: its lines, or the settings that it races."""
        return len(self._lines) or math.prod(len(knob.values) for knob in self._space.knobs)

    def answer(self) -> Recommendation:
        """Search, and say what it came to."""
        trials = self._trials
        self._runner.expect(self._foreseen())
        trials.screen([])
        if self._asked.clock.most_s is not None:
            trials.is_over = self._asked.clock.is_over
        untold: tuple[list[_Turned], bool] = ([], True)
        picks, is_open = self._in_time(lambda: self._picks(self._limits), untold)
        is_cut_short = self._is_late
        pick = cheapest(picks, [trials.costs(key) for key in picks], self._order) if picks else None
        status: Status = "found" if pick is not None else "not certain" if is_open else "none"
        nearest, reason = (None, "") if pick is not None else self._why_none(certain=not is_open, late=is_cut_short)
        stricter = looser = None
        if pick is not None:
            stricter = self._in_time(lambda: self._price(pick, harder=True), None)
            looser = self._in_time(lambda: self._price(pick, harder=False), None)
        nowhere: tuple[Crossing, ...] = ()  # found last: the settings tried for the prices lie about it
        crossings = self._in_time(lambda: self._crossings(pick), nowhere)
        return Recommendation(
            scenario=self._scenario,
            thresholds={limit.metric.name: limit.threshold.text for limit in self._limits},
            varied={**{knob.path: knob.text for knob in self._space.knobs}, **_texts(self._space.follows)},
            status=status,
            seed=self._asked.seed,
            n=trials.n,
            level=1 - (1 - LEVEL) / self._ways,
            looks=self._looks,
            today=self._option(_TODAY),
            pick=None if pick is None else self._option(pick),
            closest=None if nearest is None else self._option(nearest),
            reason=reason,
            stricter=stricter,
            looser=looser,
            crossings=crossings,
            flip=None if pick is None else self._in_time(lambda: flip(trials, pick, self._limits), None),
            gap=self._in_time(lambda: self._gap(pick), None),
            limited=limits_on(trials, self._tried, self._space, pick),
            patches=() if pick is None else patches(self._lean, trials.scenario(pick), self._paths),
            monotone=self._monotone,
            order=self._order,
            tried=tuple(self._option(key) for key in sorted(self._tried)),
            simulations=trials.simulations,
            warnings=self._warnings([_TODAY] if pick is None else [_TODAY, pick]),
        )

    def _foreseen(self) -> int:
        """About how many simulations it will take, for the progress line."""
        first = self._looks[0].n
        if not self._lines:
            return first * self._ways
        return first * (_FORESEEN_OF_A_LINE * len(self._lines) + _FORESEEN_BESIDES)

    def _in_time(self, do: Callable[[], Answer], otherwise: Answer) -> Answer:
        """Return what something comes to, or what to say instead where the time is over before it is done."""
        try:
            return do()
        except OutOfTimeError:
            self._is_late = True
            return otherwise

    @property
    def _tried(self) -> list[_Turned]:
        return [key for key in self._trials.keys if isinstance(key, tuple)]

    @property
    def _criteria(self) -> list[Criterion]:
        return [*self._limits, *self._guards]

    def _why_none(self, *, certain: bool, late: bool) -> tuple[_Turned | None, str]:
        """Return the setting that comes closest, and why it is not the pick."""
        if late:
            took = format_duration(self._asked.clock.most_s or 0.0)
            return self._closest(), (
                f"stopped after {took} (--max-time) with the verdict open; such a result may differ from run to run"
            )
        if not certain:
            return reason_for_open(self._trials, self._tried, self._criteria, self._looks)
        return self._closest(), reason_for_none(self._trials, self._tried, self._space, self._axis, self._criteria)

    def _closest(self) -> _Turned | None:
        return closest(self._trials, self._tried, self._criteria) if self._tried else None

    def _scenario_of(self, key: Hashable) -> Scenario:
        if key == _TODAY:
            return self._lean
        assert isinstance(key, tuple)
        return self._space.scenario(self._lean, self._turned(key))

    def _turned(self, key: _Turned) -> dict[str, Any]:
        return {knob.path: knob.values[index] for knob, index in zip(self._space.knobs, key, strict=True)}

    def _all_lines(self) -> list[Line]:
        """Every line along the axis, one for each combination of the other values; without an axis none."""
        knobs, axis = self._space.knobs, self._axis
        others = [range(len(knob.values)) if place != axis else range(1) for place, knob in enumerate(knobs)]
        combinations = math.prod(map(len, others))
        if combinations > _MOST_SETTINGS:
            raise InputError.of(
                f"{combinations} combinations of values are more than the {_MOST_SETTINGS} that can be searched",
                file="--vary",
                hint="list fewer values, or give a range a larger step: 1..20/5",
            )
        if axis is None:
            return []
        along, numbers = range(len(knobs[axis].values)), knobs[axis].numbers
        return [
            Line(tuple((*fixed[:axis], place, *fixed[axis + 1 :]) for place in along), numbers)
            for fixed in product(*others)
        ]

    def _picks(
        self, limits: Sequence[Limit], lines: Sequence[Line] | None = None, within: float = 0.0
    ) -> tuple[list[_Turned], bool]:
        """Return the cheapest setting of each line that keeps the limits, and whether one could not be told."""
        trials, picks, is_open = self._trials, [], False
        criteria: list[Criterion] = [*limits, *self._guards]
        if self._axis is None:
            keys = list(product(*(range(len(knob.values)) for knob in self._space.knobs)))
            found = race(trials, keys, criteria, self._order)
            return [key for key in found.met if isinstance(key, tuple)], found.is_open
        for line in self._lines if lines is None else lines:
            found = search_line(trials, line, criteria, self._ways, self._order, within)
            picks += [key for key in found.met if isinstance(key, tuple)]
            is_open = is_open or found.is_open
            if lines is None:
                self._monotone = bool(found.monotone) and self._monotone is not False
        return picks, is_open

    def _line_of(self, key: _Turned | None) -> Line | None:
        """The line that a setting lies on; without one the only line there is."""
        if key is None:
            return self._lines[0] if len(self._lines) == 1 else None
        return next((line for line in self._lines if key in line.keys), None)

    def _price(self, pick: _Turned, harder: bool) -> Priced:
        """Price the first limit one step stricter or looser, all but the pick's range being as in the pick."""
        first, *others = self._limits
        threshold = first.stepped(harder=harder)
        changed = Limit(first.metric, threshold)
        line = self._line_of(pick)
        picks, _ = self._picks([changed, *others], None if line is None else [line], _PRICED_WITHIN)
        if not picks:
            return Priced(f"{first.metric.name} {threshold.text}", None)
        key = cheapest(picks, [self._trials.costs(key) for key in picks], self._order)
        return Priced(f"{first.metric.name} {threshold.text}", self._option(key, [changed, *others]))

    def _gap(self, pick: _Turned | None) -> Between | None:
        line, axis = self._line_of(pick), self._axis
        if line is None or axis is None or not self._monotone:
            return None
        found = gap(self._trials, line, pick, self._criteria, self._looks)
        if found is None:
            return None
        ends = [None if key is None else self._settings(key) for key in (found.failing, found.passing)]
        return Between(ends[0], ends[1], found.between, found.replications)

    def _crossings(self, pick: _Turned | None) -> tuple[Crossing, ...]:
        line, axis = self._line_of(pick), self._axis
        if line is None or axis is None:
            return ()
        knob = self._space.knobs[axis]
        found = [(limit, crossing(self._trials, line, limit)) for limit in self._limits]
        return tuple(Crossing(knob.path, at, limit.metric.name) for limit, at in found if at is not None)

    @property
    def _paths(self) -> list[str]:
        return [*(knob.path for knob in self._space.knobs), *self._space.follows]

    def _settings(self, key: Hashable) -> dict[str, Any]:
        of = self._trials.scenario(key)
        return {path: self._space.value_in(of, path) for path in self._paths}

    def _option(self, key: Hashable, limits: Sequence[Limit] | None = None) -> Option:
        trials, limits = self._trials, self._limits if limits is None else limits
        told = {limit.metric.name: trials.told_at(key, self._looks, limit) for limit in limits}
        standing = None
        if key != _TODAY:
            bounds = {limit.metric.name: limit.threshold for limit in limits}
            standing = trials.against(key, self._looks, self._asked.metrics, bounds).standing
        return Option(
            settings=self._settings(key),
            estimates={name: trials.estimate(key, self._asked.metrics[name], look) for name, look in told.items()},
            mark=trials.mark(key, self._looks, limits),
            costs=trials.costs(key),
            replications=trials.replications(key),
            standing=standing,
        )

    def _warnings(self, keys: Sequence[Hashable]) -> tuple[str, ...]:
        texts: dict[str, None] = {}
        for key in keys:
            own = self._trials.scenario(key).warnings
            runs = self._trials.replications(key)
            for text, count in self._trials.warnings(key).items():
                often = "" if text in own else f" (in {count} of {runs} replications)"
                texts[f"{'today' if key == _TODAY else 'pick'}: {text}{often}"] = None
        if self._is_late:
            took = format_duration(self._asked.clock.most_s or 0.0)
            texts[f"stopped after {took} (--max-time): what was not tried may differ from run to run"] = None
        return tuple(texts)


def _lean(scenario: Scenario, limits: Sequence[Limit]) -> Scenario:
    """The scenario without the paired runs for the skew's floor, unless a limit is about the excess over it."""
    if any(limit.metric.name.startswith("load_skew_excess") for limit in limits):
        return scenario
    return scenario.evolve({"run.skewFloor": False})


def _drain_is_unknown(scenario: Scenario, space: SearchSpace) -> bool:
    """Whether nothing says if drain support is on, scenario or manifest, nor does the search turn it (rule Q13)."""
    turned = {*(knob.path for knob in space.knobs), *space.follows}
    return not is_drain_stated(scenario) and DRAIN not in turned


def _axis(knobs: Sequence[Knob]) -> int | None:
    """The longest range, along which is bisected."""
    ranges = [place for place, knob in enumerate(knobs) if knob.is_range]
    return max(ranges, key=lambda place: len(knobs[place].values), default=None)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {path: value if isinstance(value, str) else json.dumps(value) for path, value in values.items()}
