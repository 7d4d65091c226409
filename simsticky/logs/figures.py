"""The figures of a backtest: counted in a log and in each replication by the same function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsticky.logs.watched import Moves, Watched, first_signs, moves_of

Floats = npt.NDArray[np.float64]

CURVE_POINTS = 60
"""Moments at which the broken sessions so far are counted, for a picture."""
_EACH_POD = 4
"""Pods of one age that are told of one by one; of more only the busiest, the middle one and the quietest."""


@dataclass(frozen=True)
class Moment:
    """An operation as both sides know it.

    Attributes:
        label: What it is, for people: ``rollout web``.
        begins_s: From when on what happens is put down to it.
        sign_s: When it first shows in the log.
        pods_went: How many pods went with it in the log.
        pods_came: How many came.
    """

    label: str
    begins_s: float
    sign_s: float
    pods_went: int
    pods_came: int


@dataclass(frozen=True)
class Frame:
    """What both sides are counted by; it comes from the log.

    Attributes:
        moments: The operations, in order of time; at least one.
        end_s: When the log ends.
        ages: Pods of each age in the log: those before the first operation, then those that came after each.
    """

    moments: tuple[Moment, ...]
    end_s: float
    ages: tuple[int, ...]

    def curve_s(self) -> Floats:
        """Return the moments of the curve, the last one the end."""
        points: Floats = np.linspace(self.moments[0].begins_s, self.end_s, CURVE_POINTS + 1)[1:]
        return points


@dataclass(frozen=True)
class Figure:
    """One figure of a backtest.

    Attributes:
        key: Its name in JSON.
        label: Its name for people.
        unit: ``count`` or ``s``.
        definition: What is counted, of both sides.
    """

    key: str
    label: str
    unit: str
    definition: str


def figures_of(frame: Frame) -> tuple[Figure, ...]:
    """Return which figures there are, in the order in which they are shown."""
    several = len(frame.moments) > 1
    found = [
        Figure("broken", "broken sessions", "count", "sessions that an answer by another pod than the one before"
               " befell, from the first operation on"),
        *(
            Figure(f"broken_{number}", f"  of {_numbered(number, moment, several)}", "count",
                   "those from its beginning to the next operation")
            for number, moment in enumerate(frame.moments, start=1)
            if several
        ),
        Figure("moves", "moves", "count", "answers by another pod than the one before"),
        Figure("moved_before", "moved before", "count", "sessions that moved before the first operation"),
        Figure("failed", "failed requests", "count", "answers 502, 503, 504 or none, from the first operation on"),
    ]  # fmt: skip
    for number, moment in enumerate(frame.moments, start=1):
        of = f", {_numbered(number, moment, several)}" if several else ""
        if moment.pods_went:
            found.append(Figure(f"tail_{number}", f"old pods answer for{of}", "s",
                                "from its first sign to the last answer by a pod that goes"))  # fmt: skip
        if moment.pods_came > 1:
            found.append(Figure(f"pace_{number}", f"new pods come within{of}", "s",
                                "from the first new pod's first answer to the last one's"))  # fmt: skip
    return (*found, *_load_figures(frame))


def _numbered(number: int, moment: Moment, several: bool) -> str:
    return f"{number}. {moment.label}" if several else moment.label


def _load_figures(frame: Frame) -> list[Figure]:
    found = []
    for age, pods in enumerate(frame.ages):
        whose = "old" if age == 0 else "new" if len(frame.moments) == 1 else f"{age}. new"
        for place in _places(pods):
            rank = "" if pods == 1 else f" {place + 1} of {pods}"
            found.append(Figure(f"load_{age}_{place + 1}", f"requests, {whose} pod{rank}", "count",
                                "what it answered; pods of one age are ranked, the busiest first"))  # fmt: skip
    return found


def _places(pods: int) -> list[int]:
    return list(range(pods)) if pods <= _EACH_POD else [0, pods // 2, pods - 1]


def count(seen: Watched, frame: Frame) -> dict[str, float]:
    """Return each figure of a run, by key, in the order of :func:`figures_of`."""
    moves = moves_of(seen)
    begins = [moment.begins_s for moment in frame.moments]
    after = moves.at_s >= begins[0]
    values: dict[str, float] = {
        "broken": len(np.unique(moves.session[after])),
        "moves": int(after.sum()),
        "moved_before": len(np.unique(moves.session[~after])),
        "failed": int((seen.failed & (seen.sent_s >= begins[0])).sum()),
    }
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], np.inf], strict=True), start=1):
        inside = (moves.at_s >= begin) & (moves.at_s < end)
        values[f"broken_{number}"] = len(np.unique(moves.session[inside]))
    values |= _of_pods(seen, frame)
    return {figure.key: float(values[figure.key]) for figure in figures_of(frame)}


def curve(moves: Moves, frame: Frame) -> Floats:
    """Return how many sessions have been broken by each moment of :meth:`Frame.curve_s`."""
    after = moves.at_s >= frame.moments[0].begins_s
    _, at = np.unique(moves.session[after], return_index=True)
    first_s = np.sort(moves.at_s[after][at])
    return np.searchsorted(first_s, frame.curve_s(), side="right").astype(np.float64)


def ages_of(seen: Watched) -> dict[int, int]:
    """Return of each pod that answered with which operation it came; 0 for one that was there before."""
    came = {pod: number for number, pods in enumerate(seen.coming, start=1) for pod in pods}
    return {pod: came.get(pod, 0) for pod in np.unique(seen.pod[seen.pod >= 0]).tolist()}


def _of_pods(seen: Watched, frame: Frame) -> dict[str, float]:
    ages = ages_of(seen)
    first_s = {pod: float(seen.sent_s[seen.pod == pod][0]) for pod in ages}
    answers: Mapping[int, int] = {pod: int((seen.pod == pod).sum()) for pod in ages}
    values: dict[str, float] = {}
    signs_s = first_signs(seen)
    for number, (sign_s, leaving) in enumerate(zip(signs_s, seen.leaving, strict=True), start=1):
        last = seen.ended_s[np.isin(seen.pod, leaving)]
        values[f"tail_{number}"] = max(0.0, float(np.nanmax(last)) - sign_s) if len(last) and sign_s == sign_s else 0.0
        came = [first_s[pod] for pod, age in ages.items() if age == number]
        values[f"pace_{number}"] = max(came) - min(came) if came else 0.0
    for age, pods in enumerate(frame.ages):
        ranked = sorted((answers[pod] for pod, of in ages.items() if of == age), reverse=True)
        for place in _places(pods):
            values[f"load_{age}_{place + 1}"] = ranked[place] if place < len(ranked) else 0
    return values
