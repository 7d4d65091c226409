"""The pods of a replication as lanes of a figure: a pod each, or groups of pods with one story where there are many."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsticky.report.pod_lives import PHASES, Phase, PodLife

Floats = npt.NDArray[np.float64]

MOST_LANES = 12
"""Pods that a figure shows one by one, and lanes that it has at the most."""

_Story = tuple[int, bool, int]
"""What the pods of a group share: their revision, whether they were there before the run, who deleted them."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane of a figure.

    Attributes:
        label: The pod's short name, or what the pods of the group have in common.
        lives: The pods; several in a group, in the order in which they went, then in which they came.
    """

    label: str
    lives: tuple[PodLife, ...]

    @property
    def is_group(self) -> bool:
        """Whether it stands for more than one pod."""
        return len(self.lives) > 1

    def at(self, times: Floats) -> Floats:
        """Return the sessions on it at some moments, per pod of the group: so lanes have one scale."""
        total: Floats = np.sum([life.at(times) for life in self.lives], axis=0)
        return total / len(self.lives)

    def by_phase(self, times: Floats) -> dict[Phase, Floats]:
        """Return the same, apart by the phase of the pods that the sessions are on; phases without a session left out.

        The sum of all is :meth:`at`.
        """
        parts: dict[Phase, Floats] = {}
        for life in self.lives:
            sessions = life.at(times) / len(self.lives)
            for phase, start, end in life.phases:
                inside = np.where((times >= start) & (times < end), sessions, 0.0)
                parts[phase] = parts.get(phase, np.zeros(len(times))) + inside
        return {phase: parts[phase] for phase in PHASES if phase in parts and parts[phase].any()}

    def fullest(self) -> float:
        """Return the most sessions that it has, per pod of the group."""
        if not self.is_group:
            return float(self.lives[0].sessions.max(initial=0.0))
        times = np.unique(np.concatenate([life.times for life in self.lives]))
        return float(self.at(times).max(initial=0.0))


def lanes(lives: Sequence[PodLife], most: int = MOST_LANES) -> list[Lane]:
    """Return the lanes of some pods, by creation: a pod each if they are few, else a group for each story.

    Pods of one revision that one operation deleted are a group, and so are those of one revision that stay. Where there
    are more groups than lanes, those that were gone first are folded into one.

    Args:
        lives: The pods.
        most: Lanes at the most.
    """
    if len(lives) <= most:
        return [Lane(life.short, (life,)) for life in lives]
    groups: dict[_Story, list[PodLife]] = {}
    for life in lives:
        groups.setdefault((life.revision, life.phases[0][1] < 0, life.deleted_by), []).append(life)
    apart = sorted(groups.items(), key=lambda group: max(map(_gone_s, group[1])))
    folded = apart[: len(apart) - most + 1] if len(apart) > most else []
    kept = dict(apart[len(folded) :])
    found = [Lane(label, _in_order(kept[story])) for story, label in _labels(kept).items()]
    if folded:
        old = [life for _, group in folded for life in group]
        found.append(Lane(f"{len(old)} earlier pods", _in_order(old)))
    return sorted(found, key=lambda lane: min(life.phases[0][1] for life in lane.lives))


def _in_order(group: Sequence[PodLife]) -> tuple[PodLife, ...]:
    return tuple(sorted(group, key=lambda life: (_deleted_s(life), life.phases[0][1], life.pod)))


def _deleted_s(life: PodLife) -> float:
    return dict(life.marks).get("deleted", math.inf)


def _gone_s(life: PodLife) -> float:
    return life.phases[-1][2]


def _labels(groups: dict[_Story, list[PodLife]]) -> dict[_Story, str]:
    """Return what each group is called; a single pod keeps its name, and no two groups have one name."""
    words = {story: _words(story) for story in groups}
    labels = {}
    for story, group in groups.items():
        revision, _, deleted_by = story
        alike = [other for other in groups if words[other] == words[story]]
        more = ""
        if len({other[0] for other in alike}) > 1:
            more += f", rev. {revision}"
        if len({other[2] for other in alike if other[0] == revision}) > 1:
            more += f", op. {deleted_by}"
        labels[story] = group[0].short if len(group) == 1 else f"{len(group)} {words[story]}{more}"
    return labels


def _words(story: _Story) -> str:
    _, is_old, deleted_by = story
    if is_old:
        return "old pods" if deleted_by else "pods that stay"
    return "later pods" if deleted_by else "new pods"


def marks_of(lane: Lane) -> dict[str, tuple[float, float]]:
    """Return when the first and the last pod of a lane met each mark, by mark."""
    found: dict[str, list[float]] = {}
    for life in lane.lives:
        for mark, at_s in life.marks:
            found.setdefault(mark, []).append(at_s)
    return {mark: (min(times), max(times)) for mark, times in found.items()}
