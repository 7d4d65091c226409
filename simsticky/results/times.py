"""Times until something, of one replication: what has not come when the run ends is said, never left out (rule M1)."""

from collections.abc import Callable, Sequence

import numpy as np

from simsticky.recording.failure_windows import WINDOW_S
from simsticky.recording.record import ConnectionTotals, OperationRecord, Recording
from simsticky.scenario.entries import AUTOSCALER
from simsticky.scenario.operations import TIMED
from simsticky.stats.incidence import Waits, mean_of_waits, quantile_of_waits
from simsticky.stats.recovery import last_excess

Value = float | int | None
_IN_STEPS = ("rollout", "rollback", "resume", "drainNode")
"""Kinds of operations that delete pods one after the other."""
NOT_YET = "not_yet."
"""Prefix of the key that holds how long a run was watched in which a time until something had not come, in seconds."""


def done_after_s(operation: OperationRecord) -> float | None:
    """Return the time from an operation's start until its rollout was done, in seconds; None if it never was."""
    return _duration(operation.start_s, operation.done_s)


def gone_after_s(operation: OperationRecord) -> float | None:
    """Return the time from an operation's start until its last old pod was gone, in seconds; None if none went."""
    return _duration(operation.start_s, operation.last_old_pod_gone_s)


def times(recording: Recording) -> dict[str, Value]:
    """Return every time until something, with a key ``not_yet.NAME`` for each that had not come."""
    found: dict[str, Value] = {}
    waited_for = [operation for operation in recording.operations if operation.kind not in TIMED]
    asked_for = [operation for operation in waited_for if operation.entry != AUTOSCALER]
    _of_operations(recording, asked_for or waited_for, found, "rollout_done_s", done_after_s, _goes_on)
    _of_operations(recording, recording.operations, found, "last_old_pod_gone_s", gone_after_s, _is_dying)
    if recording.window_s is not None and recording.operations:
        start_s = min(operation.start_s for operation in recording.operations)
        watched_s = recording.end_s - start_s
        _until(found, "recovery_s", _recovered_after_s(recording, start_s), watched_s)
        even_s = recording.even_again_s
        _until(found, "even_again_s", None if even_s != even_s else max(0.0, even_s - start_s), watched_s)
    return found | _without_connection(recording.connections)


def waits_of(totals: ConnectionTotals) -> Waits:
    """Return the times without a connection of one replication, by how they have ended."""
    kinds = (totals.gaps, totals.given_up, totals.open_gaps)
    counts = np.array([kind.counts for kind in kinds], np.float64)
    bins = np.flatnonzero(counts.sum(axis=0))
    return Waits(kinds[0].merged(*kinds[1:]).means(bins), *counts[:, bins])


def _until(found: dict[str, Value], name: str, seconds: float | None, watched_s: float) -> None:
    found[name] = seconds
    if seconds is None:
        found[NOT_YET + name] = watched_s


def _of_operations(
    recording: Recording,
    operations: Sequence[OperationRecord],
    found: dict[str, Value],
    name: str,
    after_s: Callable[[OperationRecord], float | None],
    not_yet: Callable[[Recording, OperationRecord], bool],
) -> None:
    """Of several operations the longest counts; where one has not come there, the run has not."""
    waiting = [operation for operation in operations if not_yet(recording, operation)]
    if waiting:
        found[name] = None
        found[NOT_YET + name] = max(recording.end_s - operation.start_s for operation in waiting)
        return
    known = (after_s(operation) for operation in operations)
    found[name] = max((seconds for seconds in known if seconds is not None), default=None)


def _goes_on(recording: Recording, operation: OperationRecord) -> bool:
    """Whether an operation had begun and was not done when the run ended: it was stuck, or under way."""
    begun = operation.start_s < recording.end_s or operation.stuck is not None
    return begun and operation.done_s != operation.done_s and operation.kind not in TIMED


def _is_dying(recording: Recording, operation: OperationRecord) -> bool:
    """Whether a pod that an operation has deleted was still there when the run ended, or more were to be deleted."""
    if operation.kind in _IN_STEPS and not operation.stuck and _goes_on(recording, operation):
        return True
    return any(pod.deleted_by == operation.number and pod.removed_s != pod.removed_s for pod in recording.pods)


def _recovered_after_s(recording: Recording, start_s: float) -> float | None:
    """Return when failures were back to the rate before the first operation, in seconds after its start; None if not.

    The end of the last window of ten seconds with more failed requests than that rate explains; where there were none
    before, the last failed request.
    """
    failures = recording.failures
    known_s = min(recording.end_s, failures.open_from_s) - start_s
    windows = max(1, int(known_s / WINDOW_S))
    rate = failures.before / failures.before_s if failures.before_s else 0.0
    last = last_excess(failures.counts, windows, rate * WINDOW_S)
    if last is None:
        return 0.0
    if last >= windows - 1:
        return None
    return failures.last_s - start_s if not failures.before else (last + 1) * WINDOW_S


def _without_connection(totals: ConnectionTotals) -> dict[str, Value]:
    waits = waits_of(totals)
    p95, mean = quantile_of_waits([waits], 0.95), mean_of_waits([waits])
    return {
        "disconnected_mean_s": mean.seconds,
        "disconnected_p95_s": p95.seconds,
        "disconnected_longest_s": totals.longest_gap_s if waits.total else None,
    }


def _duration(start_s: float, end_s: float) -> float | None:
    return None if end_s != end_s else float(end_s - start_s)
