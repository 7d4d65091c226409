"""``recommend``: the cheapest setting that keeps the thresholds with 95 % confidence, and what it hangs on."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Mapping, Sequence
from contextlib import ExitStack
from itertools import product
from typing import TYPE_CHECKING, Any, Unpack

from simsticky.errors import InputError
from simsticky.scenario.thresholds import Threshold
from simsticky.stats.intervals import LEVEL
from simsticky.study.costs import WithPodTime, cheapest, checked_order
from simsticky.study.knobs import Knob, Plan
from simsticky.study.reasons import closest, reason_for_none
from simsticky.study.recommendation import Crossing, Flip, Option, Priced, Recommendation, Status
from simsticky.study.runner import Execution, Runner, simulate_numbers
from simsticky.study.search import Line, crossing, race, search_line
from simsticky.study.session_length import mean_session_s, with_sessions
from simsticky.study.trials import Limit, Trials
from simsticky.study.verdicts import checked_thresholds
from simsticky.units import format_duration, quoted

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario

DEFAULT_VARY: Mapping[str, Any] = {"deployment.preStop": "0s..1h", "deployment.grace": "preStop + 30s"}
"""What is varied unless asked otherwise."""

_ERROR = 1 - LEVEL
_MOST_SETTINGS = 500
_LADDER = (1.0, 2.0, 5.0, 10.0)
_LONGEST_FACTOR = 8.0
_FLIP_ROUNDS = 3

_Turned = tuple[int, ...]
"""A setting: for each knob the index of its value."""

_TODAY = "today"


def recommend(
    scenario: Scenario,
    thresholds: str | Sequence[str] | None = None,
    vary: Mapping[str, Any] | None = None,
    n: int | None = None,
    seed: int | None = None,
    *,
    cost: Sequence[str] = (),
    metrics: Mapping[str, Metric] | None = None,
    runner: Runner | None = None,
    **execution: Unpack[Execution],
) -> Recommendation:
    """Find the cheapest setting that keeps the thresholds with 95 % confidence.

    The longest range is bisected where the metrics go one way along it, for every combination of the other values;
    choices are raced. All settings run on common random numbers; what is clear is put aside after a third of the
    replications, and every setting that is told about has run them all.

    Args:
        scenario: What is there today.
        thresholds: ``"broken_sessions < 1%"``, or several; the scenario's own by default.
        vary: What may be turned, by dotted path: a range ``("0s", "30m")`` or ``"0s..30m"``, a list of values, or a
            value or expression that all settings get (``"preStop + 30s"``). :data:`DEFAULT_VARY` by default.
        n: Replications; the scenario's ``run.replications`` by default.
        seed: Seed; the scenario's ``run.seed`` by default.
        cost: Costs that come first, of :data:`simsticky.study.costs.ORDER`.
        metrics: The metrics there are; all by default.
        runner: What runs the replications, where there is one already; its ``simulate`` is a
            :class:`~simsticky.study.costs.WithPodTime`.
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
    n = scenario.run.replications if n is None else n
    seed = scenario.run.seed if seed is None else seed
    if n < 2:
        hint = "two make an interval, 30 a good one"
        raise InputError.of("a recommendation needs two replications or more", path="replications", hint=hint)
    if not scenario.timeline:
        raise InputError.of("a recommendation is about an operation, and the timeline has none", path="timeline")
    order = checked_order(cost)
    scenario = _with_thresholds(scenario, thresholds)
    limits = [Limit(metrics[name], bound) for name, bound in checked_thresholds(scenario, metrics).items()]
    if not limits:
        hint = "for example broken_sessions < 1%"
        raise InputError.of("there is no threshold to keep", file="--threshold", hint=hint)
    plan = Plan.of(scenario, DEFAULT_VARY if vary is None else vary)
    lean = _lean(scenario, limits)
    how: Execution = {**execution, "simulate": WithPodTime(execution.get("simulate") or simulate_numbers)}
    with ExitStack() as own:
        runner = own.enter_context(Runner(**how)) if runner is None else runner
        runner.begin([lean], seed, replications=n, vary={knob.path: knob.text for knob in plan.knobs})
        return _Search(scenario, lean, plan, limits, n, seed, order, runner).answer()


class _Search:
    """One search, from today's setting to the answer."""

    def __init__(
        self,
        scenario: Scenario,
        lean: Scenario,
        plan: Plan,
        limits: Sequence[Limit],
        n: int,
        seed: int,
        order: tuple[str, ...],
        runner: Runner,
    ) -> None:
        self._scenario = scenario
        self._lean = lean
        self._plan = plan
        self._limits = tuple(limits)
        self._order = order
        self._seed = seed
        self._stretched: dict[Hashable, Scenario] = {}
        self._trials = Trials(runner, seed, n, limits, self._scenario_of)
        self._axis = _axis(plan.knobs)
        self._lines = self._all_lines()
        self._level = 1 - _ERROR / max(1, len(self._lines))
        self._monotone: bool | None = None

    def answer(self) -> Recommendation:
        """Search, and say what it came to."""
        trials = self._trials
        trials.believe([_TODAY])
        picks, is_open = self._picks(self._limits)
        pick: _Turned | None = None
        nearest: _Turned | None = None
        stricter = looser = flip = None
        reason = ""
        if picks:
            pick = cheapest(picks, [trials.costs(key) for key in picks], self._order)
            stricter, looser = (self._price(pick, harder) for harder in (True, False))
            flip = self._flip(pick)
        status: Status = "found" if pick is not None else "inconclusive" if is_open else "none"
        crossings = self._crossings(pick)
        tried = [key for key in trials.keys if isinstance(key, tuple) and key not in self._stretched]
        if pick is None:
            nearest = closest(trials, tried, self._limits)
            trials.believe([nearest])
            reason = reason_for_none(trials, tried, self._plan, self._axis, self._limits, certain=not is_open)
        return Recommendation(
            self._scenario,
            {limit.metric.name: limit.threshold.text for limit in self._limits},
            {**{knob.path: knob.text for knob in self._plan.knobs}, **_texts(self._plan.follows)},
            status,
            self._seed,
            trials.n,
            self._level,
            self._option(_TODAY),
            None if pick is None else self._option(pick),
            None if nearest is None else self._option(nearest),
            reason,
            stricter,
            looser,
            crossings,
            flip,
            self._monotone,
            self._order,
            tuple(self._option(key) for key in sorted(tried)),
            self._warnings([_TODAY] if pick is None else [_TODAY, pick]),
        )

    def _scenario_of(self, key: Hashable) -> Scenario:
        if key == _TODAY:
            return self._lean
        if key in self._stretched:
            return self._stretched[key]
        assert isinstance(key, tuple)
        return self._plan.scenario(self._lean, self._turned(key))

    def _turned(self, key: _Turned) -> dict[str, Any]:
        return {knob.path: knob.values[index] for knob, index in zip(self._plan.knobs, key, strict=True)}

    def _all_lines(self) -> list[Line]:
        """Every line along the axis, one for each combination of the other values; without an axis none."""
        knobs, axis = self._plan.knobs, self._axis
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
        along = range(len(knobs[axis].values))
        return [
            Line(tuple((*fixed[:axis], place, *fixed[axis + 1 :]) for place in along)) for fixed in product(*others)
        ]

    def _picks(self, limits: Sequence[Limit], lines: Sequence[Line] | None = None) -> tuple[list[_Turned], bool]:
        """Return the cheapest setting of each line that keeps the limits, and whether one could not be told."""
        trials, picks, is_open = self._trials, [], False
        if self._axis is None:
            keys = list(product(*(range(len(knob.values)) for knob in self._plan.knobs)))
            found = race(trials, keys, limits, self._order)
            return [key for key in found.met if isinstance(key, tuple)], found.is_open
        for line in self._lines if lines is None else lines:
            found = search_line(trials, line, limits, self._level, self._order)
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
        threshold = _step(first, harder)
        changed = Limit(first.metric, threshold)
        line = self._line_of(pick)
        picks, _ = self._picks([changed, *others], None if line is None else [line])
        if not picks:
            return Priced(f"{first.metric.name} {threshold.text}", None)
        key = cheapest(picks, [self._trials.costs(key) for key in picks], self._order)
        return Priced(f"{first.metric.name} {threshold.text}", self._option(key, [changed, *others]))

    def _crossings(self, pick: _Turned | None) -> tuple[Crossing, ...]:
        line, axis = self._line_of(pick), self._axis
        if line is None or axis is None:
            return ()
        knob = self._plan.knobs[axis]
        found = [(limit, crossing(self._trials, line, knob.numbers, limit)) for limit in self._limits]
        return tuple(Crossing(knob.path, at, limit.metric.name) for limit, at in found if at is not None)

    def _flip(self, pick: _Turned) -> Flip | None:
        """Lengthen the sessions until the pick's estimate misses a limit, then come closer along the logarithm."""
        trials, base = self._trials, self._trials.scenario(pick)
        mean_s = mean_session_s(base)
        if not mean_s:
            return None

        def excess(factor: float) -> float:
            key: Hashable = pick
            if factor != 1.0:
                key = ("sessions", factor)
                self._stretched[key] = with_sessions(base, factor)
                trials.screen([key])
            return max(_log_excess(limit, trials.value(key, limit)) for limit in self._limits)

        low, at_low, factor = 1.0, excess(1.0), 1.25
        while (at_high := excess(factor)) <= 0:
            if factor >= _LONGEST_FACTOR:
                return Flip(mean_s, None, factor * mean_s)
            low, at_low, factor = factor, at_high, min(1.6 * factor, _LONGEST_FACTOR)
        high = longest = factor
        for _ in range(_FLIP_ROUNDS):
            middle = _between(low, at_low, high, at_high)
            at_middle = excess(middle)
            if at_middle <= 0:
                low, at_low = middle, at_middle
            else:
                high, at_high = middle, at_middle
            if high / low < 1.02:
                break
        return Flip(mean_s, _between(low, at_low, high, at_high) * mean_s, longest * mean_s)

    def _option(self, key: Hashable, limits: Sequence[Limit] | None = None) -> Option:
        trials = self._trials
        of = trials.scenario(key)
        paths = [knob.path for knob in self._plan.knobs] + list(self._plan.follows)
        estimates = {limit.metric.name: trials.estimate(key, limit.metric, self._level) for limit in self._limits}
        settings = {path: self._plan.value_in(of, path) for path in paths}
        mark = trials.mark(key, self._level, limits)
        return Option(settings, estimates, mark, trials.costs(key), trials.replications(key))

    def _warnings(self, keys: Sequence[Hashable]) -> tuple[str, ...]:
        texts: dict[str, None] = {}
        for key in keys:
            own = self._trials.scenario(key).warnings
            runs = self._trials.replications(key)
            for text, count in self._trials.warnings(key).items():
                often = "" if text in own else f" (in {count} of {runs} replications)"
                texts[f"{'today' if key == _TODAY else 'pick'}: {text}{often}"] = None
        return tuple(texts)


def _with_thresholds(scenario: Scenario, thresholds: str | Sequence[str] | None) -> Scenario:
    """Return the scenario with these thresholds alone, or with its own if none are given.

    Raises:
        InputError: A text is no threshold.
    """
    if thresholds is None:
        return scenario
    bounds: dict[str, str] = {}
    for text in [thresholds] if isinstance(thresholds, str) else thresholds:
        at = min((text.index(sign) for sign in "<>" if sign in text), default=len(text))
        name, bound = text[:at].strip(), text[at:].strip()
        if not name or not bound:
            hint = "write for example 'broken_sessions < 1%'"
            raise InputError.of(f"{quoted(text)} is no threshold", file="--threshold", hint=hint)
        bounds[name] = bound
    dropped = {f"thresholds.{name}": None for name in scenario.thresholds if name not in bounds}
    return scenario.evolve({**dropped, **{f"thresholds.{name}": b for name, b in bounds.items()}}, source="--threshold")


def _lean(scenario: Scenario, limits: Sequence[Limit]) -> Scenario:
    """The scenario without the paired runs for the skew's floor, unless a limit is about the excess over it."""
    if any(limit.metric.name.startswith("load_skew_excess") for limit in limits):
        return scenario
    return scenario.evolve({"run.skewFloor": False})


def _axis(knobs: Sequence[Knob]) -> int | None:
    """The longest range, along which is bisected."""
    ranges = [place for place, knob in enumerate(knobs) if knob.is_range]
    return max(ranges, key=lambda place: len(knobs[place].values), default=None)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {path: value if isinstance(value, str) else json.dumps(value) for path, value in values.items()}


def _step(limit: Limit, harder: bool) -> Threshold:
    """The threshold one step on along 1, 2, 5, 10: 5 % gets 2 % when stricter, 10 % when looser."""
    value, unit = limit.threshold.value, limit.metric.unit
    power = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    rungs = sorted({rung * scale for rung in _LADDER for scale in (power / 10, power, power * 10)})
    down = harder == limit.wants_less
    near = value * 1e-9
    below, above = [r for r in rungs if r < value - near], [r for r in rungs if r > value + near]
    stepped = max(below) if down else min(above)
    if unit == "share":
        stepped = min(stepped, (1 + value) / 2)
        bound = f"{100 * stepped:.10g}%"
    else:
        bound = format_duration(stepped) if unit == "seconds" else f"{stepped:.10g}"
    return Threshold.parse(f"{limit.threshold.operator} {bound}")


def _log_excess(limit: Limit, value: float | None) -> float:
    """How far a value is on the wrong side on the scale of logarithms, where it has one."""
    if value is None or limit.threshold.value <= 0:
        return limit.excess(value)
    over = math.log(max(value, limit.threshold.value / 1e3) / limit.threshold.value)
    return over if limit.wants_less else -over


def _between(low: float, at_low: float, high: float, at_high: float) -> float:
    """The factor between two at which the excess would be 0, on a straight line over the logarithm of the factor."""
    part = -at_low / (at_high - at_low) if at_high > at_low else 0.5
    return float(low * (high / low) ** min(max(part, 0.0), 1.0))
