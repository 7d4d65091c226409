"""How a pod is deleted, how the kubelet ends its containers, and when it starts a crashed one again.

The clock of a termination starts when the kubelet starts killing, not at the deletion timestamp.

Source: Kubernetes, registry/core/pod/strategy.go:CheckGracefulDelete,
kubelet/pod_workers.go:calculateEffectiveGracePeriod, kuberuntime/kuberuntime_container.go
(``killContainer``, ``executePreStopHook``), kuberuntime_manager.go:doBackOff and client-go
flowcontrol/backoff.go.
"""

import math
from dataclasses import dataclass, replace

DEFAULT_TERMINATION_GRACE_PERIOD_S = 30
MINIMUM_CONTAINER_STOP_GRACE_S = 2

CRASH_LOOP_INITIAL_S = 10.0
CRASH_LOOP_MAX_S = 300.0
CRASH_LOOP_RESET_AFTER_S = 2 * CRASH_LOOP_MAX_S
POD_WORKER_RETRY_JITTER_FACTOR = 0.5


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a delete request does to a pod object.

    ``grace_s`` is written as ``deletionGracePeriodSeconds``; ``gone``: the object and its endpoint go at once,
    without waiting for the kubelet, which still gives running containers 2 s.
    """

    grace_s: int
    gone: bool

    @property
    def kubelet_grace_s(self) -> int:
        """What the kubelet works with, at least 1: after a forced deletion too a hook gets 1 s, SIGTERM 2 s."""
        return max(self.grace_s, 1)


def delete_request(
    spec_grace_s: int = DEFAULT_TERMINATION_GRACE_PERIOD_S,
    requested_s: int | None = None,
    *,
    phase: str = "Running",
    scheduled: bool = True,
    earlier_s: int | None = None,
) -> Deletion:
    """Return what the API server makes of a delete request.

    Args:
        spec_grace_s: ``terminationGracePeriodSeconds`` of the pod.
        requested_s: ``gracePeriodSeconds`` of the request; 0 is a forced deletion, a negative number counts as
            1, ``None`` is the pod's own.
        phase: The pod's phase; a terminal one goes at once.
        scheduled: Whether it has a node; one without goes at once.
        earlier_s: The grace of an earlier request; a later one can only shorten it.

    Source: registry/core/pod/strategy.go:CheckGracefulDelete, rest/delete.go:BeforeDelete.
    """
    grace_s = spec_grace_s if requested_s is None else requested_s
    grace_s = 1 if grace_s < 0 else grace_s
    if not scheduled or phase in ("Succeeded", "Failed"):
        grace_s = 0
    if earlier_s is not None:
        grace_s = min(grace_s, earlier_s)
    return Deletion(grace_s, grace_s == 0)


@dataclass(frozen=True, slots=True)
class TerminationTimeline:
    """When what happens to a container that is stopped; seconds since the kubelet started killing it.

    ``stop_timeout_s`` is the time between SIGTERM and SIGKILL in whole seconds; ``sigkill`` is whether it
    came to that.
    """

    sigterm_at_s: float
    stop_timeout_s: int
    container_dead_at_s: float
    sigkill: bool


def effective_grace_s(
    spec_grace_s: int | None,
    *,
    deletion_grace_s: int | None = None,
    override_s: int | None = None,
    current_s: int = 0,
) -> int:
    """Return the grace period the kubelet works with, at least 1 second.

    Args:
        spec_grace_s: ``terminationGracePeriodSeconds`` of the pod.
        deletion_grace_s: ``deletionGracePeriodSeconds``, from the delete request; ``None`` before one.
        override_s: What an eviction or a node shutdown grants.
        current_s: What an earlier request has set, 0 for none: the period only ever gets shorter.

    A request for 0 counts: the pod's own period stands only where nobody has asked for another.

    Source: pod_workers.go:calculateEffectiveGracePeriod.
    """
    grace_s = current_s
    requests_s = [request_s for request_s in (deletion_grace_s, override_s) if request_s is not None]
    for request_s in requests_s:
        if grace_s == 0 or request_s < grace_s:
            grace_s = request_s
    if not requests_s and grace_s == 0 and spec_grace_s is not None:
        grace_s = spec_grace_s
    return max(grace_s, 1)


def pre_stop_wait_s(grace_s: int, pre_stop_s: float | None) -> float:
    """Return how long the kubelet waits for the preStop hook: the hook, at most the grace period.

    The hook runs *inside* the grace period. ``None`` is no hook; a hook that fails at once takes 0 s.
    """
    return min(pre_stop_s, float(grace_s)) if pre_stop_s is not None else 0.0


def stop_timeout_s(grace_s: int, hook_elapsed_s: float) -> int:
    """Return the seconds from SIGTERM to SIGKILL: what the hook has left of the grace period, at least 2 (rule D3).

    The time of the hook is cut to whole seconds before it is subtracted.
    """
    return max(grace_s - math.floor(hook_elapsed_s), MINIMUM_CONTAINER_STOP_GRACE_S)


def termination_timeline(
    grace_s: int, pre_stop_s: float | None, app_exit_after_sigterm_s: float | None
) -> TerminationTimeline:
    """Return the end of a container that is stopped (rule D2).

    Args:
        grace_s: The effective grace period (:func:`effective_grace_s`).
        pre_stop_s: How long the preStop hook would run; ``None`` for no hook, 0 for one that fails at once.
        app_exit_after_sigterm_s: When the process exits by itself after SIGTERM; ``None`` for never. An exit
            at the very end of the grace period is an exit, not a kill.
    """
    sigterm_at_s = pre_stop_wait_s(grace_s, pre_stop_s)
    timeout_s = stop_timeout_s(grace_s, sigterm_at_s)
    killed = app_exit_after_sigterm_s is None or app_exit_after_sigterm_s > timeout_s
    lasts_s = timeout_s if app_exit_after_sigterm_s is None or killed else app_exit_after_sigterm_s
    return TerminationTimeline(sigterm_at_s, timeout_s, sigterm_at_s + lasts_s, killed)


@dataclass(frozen=True, slots=True)
class CrashLoopBackOff:
    """The back-off of one container: present wait and when it was last renewed; a fresh one has none (rule P8).

    The first restart does not wait; then 10, 20, 40, … 300 s, counted from the moment the container finished.
    The entry is forgotten when more than 600 s lie between its renewal and the next finish. ``max_s`` is the node's own
    longest wait (KubeletConfiguration ``crashLoopBackOff.maxContainerRestartPeriod``, KEP-4603); one below 10 s is the
    first wait, too.
    """

    back_off_s: float = 0.0
    renewed_at_s: float = -math.inf
    max_s: float = CRASH_LOOP_MAX_S

    def wait_s(self, finished_at_s: float) -> float:
        """Return how long after ``finished_at_s`` the container may start again."""
        return 0.0 if self._expired(finished_at_s) else self.back_off_s

    def retry_in_s(self, finished_at_s: float, jitter: float) -> float:
        """Return the wait with the pod worker's jitter on top, which is why restarts come late.

        Args:
            finished_at_s: When the container finished.
            jitter: A number in [0, 1): the worker looks again after 1 to 1.5 times the back-off.
        """
        return self.wait_s(finished_at_s) * (1.0 + POD_WORKER_RETRY_JITTER_FACTOR * jitter)

    def restarted(self, finished_at_s: float, now_s: float) -> "CrashLoopBackOff":
        """Return the entry after a restart at ``now_s`` of a container that finished at ``finished_at_s``."""
        if self._expired(finished_at_s):
            return replace(self, back_off_s=min(CRASH_LOOP_INITIAL_S, self.max_s), renewed_at_s=now_s)
        return replace(self, back_off_s=min(2 * self.back_off_s, self.max_s), renewed_at_s=now_s)

    def _expired(self, finished_at_s: float) -> bool:
        return finished_at_s - self.renewed_at_s > CRASH_LOOP_RESET_AFTER_S
