"""What each pod is at each moment, as its events say: starting, ready, crashed, terminating, dead.

Other than :mod:`simsticky.report.pod_lives`, this follows the container: a pod that is not ready any more, or whose
container is down, is not drawn as a ready one. A name that a StatefulSet gives again is one place with several lives.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from simsticky.report.pod_lives import pod_lives

if TYPE_CHECKING:
    from simsticky.report.frames import Frames

PHASES: Final = ("starting", "ready", "not ready", "crashed", "draining", "stopping", "dead", "gone")
"""``draining`` is from the deletion on, ``stopping`` from SIGTERM on; ``gone``: the pod object is removed."""

NAMES: Final = {
    "starting": "starting",
    "ready": "ready",
    "not ready": "not ready",
    "crashed": "container down",
    "draining": "preStop",
    "stopping": "SIGTERM",
    "dead": "dead",
    "gone": "gone",
}
"""What a pod in a phase is called beside its name; few letters, for many pods."""

_DOWN = ("crashed", "oom_killed", "exited", "not_restarted")
_DEATHS = ("crashed", "oom_killed", "exited")


class Pod(NamedTuple):
    """One pod.

    Attributes:
        name: Its name.
        short: The end of its name that tells it apart.
        revision: Its template, counted from 1.
        phases: (phase, since when); each lasts until the next.
        marks: (mark, when), as in :data:`simsticky.report.pod_lives.MARKS`.
        deaths: When a container of it died, and with it the state of its sessions.
    """

    name: str
    short: str
    revision: int
    phases: tuple[tuple[str, float], ...]
    marks: tuple[tuple[str, float], ...]
    deaths: tuple[float, ...]


def pods_of(run: Frames) -> list[Pod]:
    """Return the pods of a replication, by creation; times are seconds of simulated time."""
    names = list(dict.fromkeys(run.pods["pod"]))
    told = _told(run)
    lives: dict[str, list[tuple[str, float]]] = defaultdict(list)
    shorts: dict[str, str] = {}
    for life in pod_lives(run):
        lives[life.pod] += life.marks
        shorts[life.pod] = life.short
    revisions = dict(zip(run.pods["pod"], run.pods["revision"], strict=True))
    return [
        Pod(
            str(name),
            shorts[name],
            int(revisions[name]),
            _phases(told[name]),
            tuple(lives[name]),
            tuple(sorted({at_s for at_s, kind in told[name] if kind in _DEATHS})),
        )
        for name in names
    ]


def _told(run: Frames) -> dict[str, list[tuple[float, str]]]:
    """Return (when, what) of each pod in order: its events, and what its row of the table tells beyond them."""
    told: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in run.pods.to_dict("records"):
        if row["created_s"] < 0:
            told[str(row["pod"])].append((-math.inf, "ready" if row["ready_s"] < 0 else "created"))
    columns = (run.events[name] for name in ("at_s", "kind", "subject"))
    for at_s, kind, subject in zip(*columns, strict=True):
        told[str(subject)].append((float(at_s), str(kind)))
    for row in run.pods.to_dict("records"):
        # A node that is switched off tells of itself alone.
        for column, kind in (("dead_s", "exited"), ("removed_s", "removed")):
            if row[column] == row[column]:
                told[str(row["pod"])].append((float(row[column]), kind))
    return defaultdict(list, {name: sorted(events, key=lambda event: event[0]) for name, events in told.items()})


def _phases(told: list[tuple[float, str]]) -> tuple[tuple[str, float], ...]:
    """Go through what is told of a pod, and return its phases."""
    phases: list[tuple[str, float]] = []
    for at_s, kind in told:
        before = phases[-1][0] if phases else "gone"
        after = _after(before, kind)
        if after != before:
            if phases and phases[-1][1] == at_s:
                phases.pop()
            phases.append((after, at_s))
    return tuple(phases)


def _after(phase: str, kind: str) -> str:
    """Return the phase of a pod that was in one when something happened to it."""
    if kind == "created":
        return "starting"
    if kind == "removed" or phase == "gone":
        return "ready" if (kind, phase) == ("ready", "gone") else "gone"
    if phase in ("draining", "stopping", "dead"):
        if kind in _DOWN:
            return "dead"
        return "stopping" if (kind, phase) == ("sigterm", "draining") else phase
    if kind == "deleted":
        return "dead" if phase == "crashed" else "draining"
    if kind in _DOWN:
        return "crashed"
    if kind == "unready":
        return phase if phase == "crashed" else "not ready"
    return {"started": "starting", "ready": "ready"}.get(kind, phase)
