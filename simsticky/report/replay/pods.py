"""What each pod is at each moment: its phases as the figures have them, and that it is gone.

A name that a StatefulSet gives again is one place with several lives.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from simsticky.report import pod_lives as lives
from simsticky.report.pod_lives import PodLife, pod_lives

if TYPE_CHECKING:
    from simsticky.report.frames import Frames

_GONE: Final = "gone"
PHASES: Final = (*lives.PHASES, _GONE)
"""Those of a pod that is there, and ``gone``: the pod object is removed."""

NAMES: Final = {
    "starting": "starting",
    "ready": "ready",
    "unready": "not ready",
    "down": "container down",
    "draining": "preStop",
    "stopping": "SIGTERM",
    "dead": "dead",
    _GONE: "gone",
}
"""What a pod in a phase is called beside its name; few letters, for many pods."""


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
    of_name: dict[str, list[PodLife]] = defaultdict(list)
    for life in pod_lives(run):
        of_name[life.pod].append(life)
    deaths = _deaths(run)
    return [
        Pod(
            name,
            mine[-1].short,
            mine[-1].revision,
            tuple(change for life in mine for change in _changes(life)),
            tuple(mark for life in mine for mark in life.marks),
            tuple(sorted(deaths[name])),
        )
        for name, mine in of_name.items()
    ]


def _changes(life: PodLife) -> list[tuple[str, float]]:
    """Return since when it was in each phase, and when it was gone."""
    changes: list[tuple[str, float]] = [(phase, start_s) for phase, start_s, _ in life.phases]
    last_s = life.phases[-1][2] if life.phases else math.inf
    return [*changes, (_GONE, last_s)] if last_s < math.inf else changes


def _deaths(run: Frames) -> dict[str, set[float]]:
    """Return when containers died, by pod; that of a node that is switched off only its pod's row knows."""
    ended = run.events[run.events["kind"].isin(lives.DOWN)]
    found: dict[str, set[float]] = defaultdict(set)
    for pod, at_s in zip(ended["subject"], ended["at_s"], strict=True):
        found[str(pod)].add(float(at_s))
    dead = run.pods[run.pods["dead_s"].notna()]
    for pod, at_s in zip(dead["pod"], dead["dead_s"], strict=True):
        found[str(pod)].add(float(at_s))
    return found
