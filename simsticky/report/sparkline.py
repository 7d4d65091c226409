"""Sessions per pod as one line each: ``5x4jr ▇▇▇▇▇▆▅    148``, read from a recording without pandas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simsticky.results.story import short_names

if TYPE_CHECKING:
    from simsticky.recording.pods import PodRecord
    from simsticky.recording.record import Recording

LEVELS = "▁▂▃▄▅▆▇█"
"""From no session to the fullest pod's."""
ABSENT = " "
"""The pod's container does not run."""

_SHARE_BEFORE, _SHARE_AFTER = 0.1, 0.25
"""How much is shown before the first operation and after the last old pod is gone, in parts of the time between."""


@dataclass(frozen=True, slots=True)
class Spark:
    """One pod's sessions at equally spaced moments.

    Attributes:
        pod: The end of its name that tells it apart.
        sessions: Sessions whose state is on it; NaN while its container does not run.
        most: The most between the first and the last of them.
    """

    pod: str
    sessions: tuple[float, ...]
    most: int


@dataclass(frozen=True, slots=True)
class Sparks:
    """The pods of one replication.

    Attributes:
        start_s: The first moment, in seconds since the first operation.
        end_s: The last moment.
        pods: The pods that lived in between, by creation.
    """

    start_s: float
    end_s: float
    pods: tuple[Spark, ...]

    def line(self, spark: Spark) -> str:
        """Return a pod's sessions as a character a moment; the highest stands for the most sessions of any pod."""
        most = max((other.most for other in self.pods), default=0) or 1
        return "".join(
            ABSENT if n != n else LEVELS[min(len(LEVELS) - 1, int(n / most * len(LEVELS)))] for n in spark.sessions
        )


def sparks(recording: Recording, moments: int) -> Sparks:
    """Return the sessions on each pod from shortly before the first operation until shortly after the last old pod.

    Args:
        recording: The replication, sessions recorded.
        moments: How many moments to show, at least 2.
    """
    start_s, end_s, zero_s = _span(recording)
    times = np.linspace(start_s, end_s, moments)
    names = short_names(list(dict.fromkeys(pod.pod for pod in recording.pods)))
    changes = recording.residence
    found = []
    for index, pod in enumerate(recording.pods):
        running = _running(pod, times)
        if not running.any():
            continue
        own = [container for container, of in enumerate(recording.containers) if of == index]
        rows = changes[np.isin(changes[:, 1], own)]
        order = np.argsort(rows[:, 0], kind="stable")
        total = np.concatenate([[0.0], np.cumsum(rows[order, 2])])
        hosted = total[np.searchsorted(rows[order, 0], times, side="right")]
        sessions = np.where(running, hosted, np.nan)
        # Between the moments too: a number must not depend on how wide the terminal is.
        shown = (rows[order, 0] > start_s) & (rows[order, 0] <= end_s)
        most = max(int(np.nanmax(sessions)), int(total[1:][shown].max(initial=0)))
        found.append(Spark(names[pod.pod], tuple(sessions.tolist()), most))
    return Sparks(start_s - zero_s, end_s - zero_s, tuple(found))


def _running(pod: PodRecord, times: Sequence[float] | np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.bool_]:
    moments = np.asarray(times)
    # A comparison with NaN (it never started, it never died) is false.
    return (moments >= pod.started_s) & ~(moments >= pod.dead_s)


def _span(recording: Recording) -> tuple[float, float, float]:
    """Return first and last moment and the zero of the clock, in seconds of simulated time."""
    if not recording.operations:
        return min(recording.settle_s, recording.end_s), recording.end_s, 0.0
    zero_s = min(operation.start_s for operation in recording.operations)
    ends = [time for one in recording.operations for time in (one.done_s, one.last_old_pod_gone_s) if time == time]
    length_s = max([*ends, zero_s + 60.0]) - zero_s
    return max(0.0, zero_s - _SHARE_BEFORE * length_s), zero_s + (1 + _SHARE_AFTER) * length_s, zero_s
