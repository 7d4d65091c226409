"""Does the model match a log? Its sessions are replayed through its rollouts, and what broke stands beside what does.

Every figure is counted in the log and in each replication by one function (:mod:`simsticky.logs.figures`), and told
with an interval that holds one further run with 95 % probability if the model is right
(:mod:`simsticky.stats.prediction`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from simsticky.errors import InputError
from simsticky.logs.backtest_answer import LEVEL, Backtest, Row, Timelines
from simsticky.logs.figures import CURVE_POINTS, Figure, Frame, Moment, ages_of, count, curve, figures_of
from simsticky.logs.replay import Replay, replay_of, scenario_of
from simsticky.logs.requests import LogRead
from simsticky.logs.watched import Watched, first_signs, moves_of, of_result
from simsticky.stats.prediction import Range, fewest_runs, joint_probability, prediction_range
from simsticky.study.case import Case, Simulate
from simsticky.study.runner import Runner

if TYPE_CHECKING:
    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario

Floats = npt.NDArray[np.float64]

Running = Callable[[str, int, Simulate], AbstractContextManager[Runner]]

REPLICATIONS = 79
"""As many as a wide interval wants: its ends are then the second of each side, not one lucky run."""
_SHOWN_WITHIN_S = 600.0
"""So long after its beginning an operation has shown."""
_PILOTS = 9
"""Runs that tell how long after its beginning an operation first shows."""


@dataclass(frozen=True, eq=False)
class Watching:
    """A ``simulate`` whose summary is what an access log would show; it goes to worker processes as it is.

    An operation whose beginning nobody stated is begun so that it first shows when the log's does, in each replication
    by its own luck: it is run once to see how much later or earlier it shows, and once more from the moment that
    mends this. So what a run has of its own until then is no part of the prediction, as it is none of the log's.

    Attributes:
        bound: Of each session whether it is one that stays where it is.
        end_s: When the log ends.
        signs_s: When each operation first shows in the log; nan where its beginning was stated.
        frame: What is counted; None asks how long after its beginning each operation first shows.
    """

    bound: npt.NDArray[np.bool_]
    end_s: float
    signs_s: tuple[float, ...]
    frame: Frame | None

    def __call__(self, scenario: Scenario, *, seed: int, replication: int) -> Result:
        """Run one replication."""
        if self.frame is None:
            result = self._simulated(self._until_shown(scenario), seed, replication)
            lags = self._lags(result, scenario)
            return replace(result, summary={f"lag_{at}": lag for at, lag in enumerate(lags)})
        result = self.run(scenario, seed, replication)
        seen = of_result(result, self.bound, self.end_s)
        points = enumerate(curve(moves_of(seen), self.frame).tolist())
        return replace(result, summary={**count(seen, self.frame), **{f"curve_{at}": value for at, value in points}})

    def run(self, scenario: Scenario, seed: int, replication: int) -> Result:
        """Run one replication with its operations placed."""
        if not np.isnan(self.signs_s).all():
            first = self._simulated(self._until_shown(scenario), seed, replication)
            for number, (lag, sign_s) in enumerate(zip(self._lags(first, scenario), self.signs_s, strict=True)):
                if lag is not None and sign_s == sign_s:
                    scenario = scenario.evolve({f"timeline.{number}.at": max(0.0, sign_s - lag)})
        return self._simulated(scenario, seed, replication)

    def _until_shown(self, scenario: Scenario) -> Scenario:
        """Return the scenario with an end soon after the last operation shows."""
        last_s = max(entry.at_s for entry in scenario.timeline)
        shown_s = float(np.nanmax([last_s, *self.signs_s])) + _SHOWN_WITHIN_S
        return scenario.evolve({"run.until": min(shown_s, self.end_s + 1.0)})

    def _lags(self, result: Result, scenario: Scenario) -> list[float | None]:
        starts_s = [entry.at_s for entry in scenario.timeline]
        signs_s = first_signs(of_result(result, self.bound, self.end_s))
        return [None if np.isnan(sign) else sign - start for sign, start in zip(signs_s, starts_s, strict=True)]

    def _simulated(self, scenario: Scenario, seed: int, replication: int) -> Result:
        from simsticky.simulate import simulate

        return simulate(scenario, seed, replication)


def backtest(
    scenario: Scenario,
    log: LogRead,
    *,
    reps: int = REPLICATIONS,
    seed: int | None = None,
    running: Running | None = None,
    **execution: Any,
) -> Backtest:
    """Replay a log's sessions through its rollouts and compare what is predicted with what was observed.

    Args:
        scenario: What is to be tested; its traffic and timeline give way to the log's.
        log: The log.
        reps: Replications, at least 39: of fewer no 95 % interval for one run can be told.
        seed: Seed; the scenario's by default.
        running: What gives a runner, where progress is to be shown: it is handed what is done, in a word, how many
            runs that takes, and what runs one.
        execution: How to run otherwise, as for :class:`~simsticky.study.runner.Runner`.

    Raises:
        InputError: The log cannot be compared with a prediction, and why; or the scenario cannot be replayed.
        Interrupted: On Ctrl-C.
        ValueError: There are too few replications.
    """
    if reps < fewest_runs(LEVEL):
        raise ValueError(f"{reps} replications tell no 95 % interval for one run: at least {fewest_runs(LEVEL)}")
    replay = replay_of(log)
    seed = scenario.run.seed if seed is None else seed
    running = running or (lambda task, total, simulate: Runner(simulate=simulate, **execution))
    with _trace_file(replay) as trace:
        signs_s = _signs_of(replay)
        at_s, errors_s = _placed(scenario, replay, trace, signs_s, seed, running)
        replayed, changes = scenario_of(scenario, replay, trace, at_s)
        frame = _frame(replay, replayed, signs_s, at_s, errors_s)
        watching = Watching(replay.bound, replay.end_s, _unstated(replay, signs_s), frame)
        with running("backtest", reps, watching) as runner:
            (runs,) = runner.run([Case(replayed, seed, range(reps))])
        first = of_result(watching.run(replayed, seed, 0), replay.bound, replay.end_s)
    figures = figures_of(frame)
    observed = count(replay.log, frame)
    columns = {figure.key: _numbers(runs.column(figure.key)) for figure in figures}
    added, told = _background(replay, frame, reps, seed)
    columns["failed"] = columns["failed"] + added
    rows = tuple(
        Row(figure, observed[figure.key], _told(prediction_range(columns[figure.key].tolist(), LEVEL), figure, replay),
            float(columns[figure.key].mean()))
        for figure in figures
    )  # fmt: skip
    probability = joint_probability(
        [row.observed for row in rows],
        np.column_stack([columns[figure.key] for figure in figures]).tolist(),
        [_resolution(figure, replay) for figure in figures],
    )
    placing = _placing(replay, at_s, signs_s, errors_s)
    key = log.sessions.key
    return Backtest(
        scenario=replayed, replications=reps, seed=seed, rows=rows, probability=probability,
        alive=_alive(replay.log, frame),
        key={"key": str(key), "quality": key.quality, "evidence": key.evidence}, format=log.format,
        sessions=int(replay.bound.sum()), requests=len(replay.trace),
        notes=(*log.notes, *replay.notes, *changes, *placing, *told, *_ground_truth(replay)),
        timelines=_timelines(log, replay, frame, first, runs.column),
    )  # fmt: skip


@contextmanager
def _trace_file(replay: Replay) -> Iterator[Path]:
    """Write the trace for as long as it is needed: only times are in it."""
    with TemporaryDirectory(prefix="simsticky-") as directory:
        path = Path(directory) / "trace.csv"
        replay.trace.to_csv(path, index=False)
        yield path


def _signs_of(replay: Replay) -> list[float]:
    """Return when each rollout first shows in the log, by the rule that holds for replications, too."""
    starts_s = [rollout.started_s - replay.begins_s for rollout in replay.rollouts]
    signs_s = first_signs(replay.log)
    return [start if np.isnan(sign) else sign for start, sign in zip(starts_s, signs_s, strict=True)]


def _placed(
    scenario: Scenario,
    replay: Replay,
    trace: Path,
    signs_s: Sequence[float],
    seed: int,
    running: Running,
) -> tuple[list[float], list[float]]:
    """Return when each operation is begun so that the model first shows it when the log does, and how sure that is.

    What was stated is taken as stated. Pilots of their own luck tell the lag of the others.

    Raises:
        InputError: The model takes longer than the log has from its beginning: it begins in mid-rollout.
    """
    stated = [rollout.source == "events" for rollout in replay.rollouts]
    starts_s = [rollout.started_s - replay.begins_s for rollout in replay.rollouts]
    if all(stated):
        return starts_s, [0.0] * len(starts_s)
    guesses_s = [start if known else sign for start, known, sign in zip(starts_s, stated, signs_s, strict=True)]
    guessed, _ = scenario_of(scenario, replay, trace, guesses_s)
    watching = Watching(replay.bound, replay.end_s, _unstated(replay, signs_s), None)
    with running("pilots", _PILOTS, watching) as runner:
        (pilots,) = runner.run([Case(guessed, seed, range(_FAR, _FAR + _PILOTS))])
    at_s, errors_s = [], []
    for number, (guess, known, rollout) in enumerate(zip(guesses_s, stated, replay.rollouts, strict=True)):
        lags = [lag for lag in pilots.column(f"lag_{number}") if lag is not None]
        lag = float(np.median(lags)) if lags and not known else 0.0
        if guess - lag < 0.0:
            raise InputError.of(
                f"the log begins in mid-rollout: its {rollout.kind} first shows {guess:.1f} s after the log begins, and"
                f" in the model it takes {lag:.1f} s until it shows",
                hint="give a log that begins earlier",
            )
        at_s.append(guess - lag)
        errors_s.append(float(np.std(lags, ddof=1)) if len(lags) > 1 and not known else 0.0)
    return at_s, errors_s


_FAR = 1_000_000_000
"""Number of the first pilot: no prediction shares its luck."""


def _frame(
    replay: Replay, replayed: Scenario, signs_s: Sequence[float], at_s: Sequence[float], errors_s: Sequence[float]
) -> Frame:
    """Return what both sides are counted by.

    What happens is put down to an operation from when it may have begun: two standard deviations sooner than it is
    placed, and never later than it shows. Of whole seconds, what happens in one may be told as of its beginning.
    """
    early_s = replay.log.tick_s if replay.log.tick_s >= 1.0 else 0.0
    begins_s = [
        max(0.0, min(at - 2.0 * error, sign) - early_s) for at, sign, error in zip(at_s, signs_s, errors_s, strict=True)
    ]
    moments = tuple(
        Moment(entry.label, begin, sign, len(rollout.old), len(rollout.new))
        for entry, begin, sign, rollout in zip(replayed.timeline, begins_s, signs_s, replay.rollouts, strict=True)
    )
    ages = ages_of(replay.log)
    pods = np.bincount(np.fromiter(ages.values(), np.int64), minlength=len(moments) + 1)
    return Frame(moments, replay.end_s, tuple(pods.tolist()))


def _unstated(replay: Replay, signs_s: Sequence[float]) -> tuple[float, ...]:
    """Return the first signs of the operations whose beginning nobody stated, nan for the others."""
    return tuple(
        np.nan if rollout.source == "events" else sign for rollout, sign in zip(replay.rollouts, signs_s, strict=True)
    )


def _numbers(column: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in column], np.float64)


def _background(replay: Replay, frame: Frame, reps: int, seed: int) -> tuple[Floats, list[str]]:
    """Return failures that are not of rollouts, drawn for each run from the share that failed before the first one.

    The model has no other reason for a request to fail. What a share of a sample tells of a further one is a
    beta-binomial number.
    """
    before = replay.log.sent_s < frame.moments[0].begins_s
    failed = int((replay.log.failed & before).sum())
    if not failed:
        return np.zeros(reps), []
    luck = np.random.default_rng([seed, 1])
    shares = luck.beta(failed + 0.5, int(before.sum()) - failed + 0.5, reps)
    drawn = luck.binomial(int((~before).sum()), shares)
    told = (
        f"{failed} of {int(before.sum())} requests failed before the first operation: the same share is added to the"
        " prediction"
    )
    return drawn.astype(np.float64), [told]


def _told(found: Range, figure: Figure, replay: Replay) -> Range:
    """Return an interval of times widened by what the log's clock does not tell."""
    if figure.unit != "s":
        return found
    return Range(found.low - replay.log.tick_s, found.high + replay.log.tick_s, found.median)


def _resolution(figure: Figure, replay: Replay) -> float:
    return 0.5 if figure.unit == "count" else replay.log.tick_s


def _alive(seen: Watched, frame: Frame) -> int:
    """Return how many sessions have an answer before and a request after an operation begins; each once."""
    alive: set[int] = set()
    known = seen.session >= 0
    for moment in frame.moments:
        before = np.unique(seen.session[known & (seen.pod >= 0) & (seen.sent_s < moment.begins_s)])
        after = np.unique(seen.session[known & (seen.sent_s >= moment.begins_s)])
        alive |= set(np.intersect1d(before, after).tolist())
    return len(alive)


def _placing(replay: Replay, at_s: Sequence[float], signs_s: Sequence[float], errors_s: Sequence[float]) -> list[str]:
    return [
        f"the {rollout.kind} that first shows {sign:.1f} s into the log is begun so that each run first shows it"
        f" then, about {sign - at:.1f} s before (± {error:.1f} s)"
        for rollout, at, sign, error in zip(replay.rollouts, at_s, signs_s, errors_s, strict=True)
        if rollout.source != "events"
    ]


def _ground_truth(replay: Replay) -> list[str]:
    if replay.down is None:
        return []
    moved = len(np.unique(moves_of(replay.log).session))
    return [f"of {replay.down} sessions the gateway itself says that their server was down; {moved} moved"]


def _timelines(log: LogRead, replay: Replay, frame: Frame, first: Watched, column: Any) -> Timelines:
    points = np.column_stack([_numbers(column(f"curve_{at}")) for at in range(CURVE_POINTS)])
    ranges = [prediction_range(values.tolist(), LEVEL) for values in points.T]
    return Timelines(
        frame=frame,
        zero=log.requests.epoch + timedelta(seconds=replay.begins_s),
        observed=replay.log,
        replication=first,
        at_s=frame.curve_s(),
        broken=curve(moves_of(replay.log), frame),
        low=np.array([one.low for one in ranges]),
        high=np.array([one.high for one in ranges]),
        median=np.array([one.median for one in ranges]),
    )
