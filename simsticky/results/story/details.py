"""What each kind of event says in words, one place a kind: column ``detail`` of the frame, and parts of the story."""

from collections.abc import Callable, Mapping

from simsticky.kong.healthchecker import Failure
from simsticky.kong.upstream import DEFAULT_WEIGHT
from simsticky.kubernetes.disruption import DRAIN_RETRY_AFTER_429_S
from simsticky.recording.events import (
    BackOff,
    CanaryPause,
    CanaryWaits,
    CheckResult,
    Connections,
    Deleted,
    DeploymentPaused,
    EndpointState,
    EventRecord,
    EvictionRefused,
    Exit,
    Hook,
    NoProgress,
    Over,
    Placement,
    PodNames,
    Probe,
    Push,
    Reconnection,
    Refusal,
    Revision,
    SidecarExit,
    SidecarSigterm,
    Sigterm,
    Size,
    StaleCache,
    StatefulSetWaits,
    Stuck,
    Switch,
    TargetChange,
    Unready,
    Utilization,
)
from simsticky.recording.record import Recording
from simsticky.results.story.words import counted


def detail(recording: Recording, event: EventRecord) -> str:
    """Return what an event says beside its subject; empty where its kind says all."""
    words = DETAILS.get(event.kind)
    if words is None:
        return _begins(recording, event) if event.cause else ""
    return words if isinstance(words, str) else words(event)


def subject(event: EventRecord) -> str:
    """Return whom an event happened to; of a push, how many targets it has."""
    return f"{event.data.targets} targets" if isinstance(event.data, Push) else event.subject


# Operations -----------------------------------------------------------------------------------------------------


def _begins(recording: Recording, event: EventRecord) -> str:
    return recording.operations[event.cause - 1].label + why_it_scales(event)


def why_it_scales(event: EventRecord) -> str:
    """Say what made the autoscaler begin an operation; nothing of any other operation."""
    if event.data is None:
        return ""
    saw = event.of(Utilization)
    if saw.proposed is None:
        return ": there are no samples"
    return f": utilisation {saw.seen} %, target {saw.target} %, proposed {saw.proposed}"


def over(event: EventRecord) -> str:
    """Say why an operation is over."""
    return "its time is up" if event.of(Over).time_is_up else "its last old pod is gone"


def stuck(event: EventRecord) -> str:
    """Say why an operation makes no headway; a Deployment says it by a condition with a reason."""
    why = event.data
    assert isinstance(why, Stuck)
    reason = "ProgressDeadlineExceeded: " if isinstance(why, NoProgress) else ""
    return reason + why_stuck(why)


def why_stuck(why: Stuck | None) -> str:
    """Say why an operation is stuck; empty where it is not."""
    match why:
        case None:
            return ""
        case NoProgress():
            return _no_progress(why)
        case DeploymentPaused():
            return "the Deployment is paused"
        case CanaryWaits(step):
            return f"the canary pauses at step {step} until somebody resumes it"
        case StatefulSetWaits(None):
            return "it makes no progress"
        case StatefulSetWaits(ordinal, until):
            return f"it waits for pod {ordinal} to be {until}"
        case EvictionRefused(pod, gave_up, refusal):
            return f"{'gave up evicting' if gave_up else 'cannot evict'} {pod}: {_reason(refusal)}"


def _no_progress(why: NoProgress) -> str:
    waits = (
        (why.no_node, "waiting for a node"),
        (why.down, "with its container down"),
        (why.unready, "not ready yet"),
    )
    return (
        f"{why.updated} of {why.wanted} pods are of the new version, "
        f"{why.available} of {why.replicas} pods are available"
        + "".join(f"; {number} new, {how}" for number, how in waits if number)
    )


def refused(event: EventRecord) -> str:
    """Say how the Eviction API answers, and when it is asked again."""
    refusal = event.of(Refusal)
    return f"{refusal.code}, {_reason(refusal)}; again every {DRAIN_RETRY_AFTER_429_S:g} s"


def _reason(refusal: Refusal) -> str:
    return {
        "NotObserved": "the budget is still being processed",
        "TooManyUnconfirmed": "too many evictions are not confirmed yet",
        "SeveralBudgets": "more than one PodDisruptionBudget covers the pod",
    }.get(
        refusal.reason,
        f"the budget needs {refusal.desired_healthy} healthy pods and has {refusal.current_healthy}",
    )


def no_such_pod(event: EventRecord) -> str:
    """Name the pods that an operation could have meant."""
    return f"the pods there are: {', '.join(event.of(PodNames).pods) or 'none'}"


def _pauses(event: EventRecord) -> str:
    pause = event.of(CanaryPause)
    length = "without end" if pause.for_s is None else f"for {pause.for_s:g} s"
    return f"step {pause.step} of {pause.steps}: pauses {length}"


# Pods and containers --------------------------------------------------------------------------------------------


def unready(event: EventRecord) -> str:
    """Say what has made a pod unready; empty where its readiness probe has."""
    if event.data is None:
        return ""
    words = {"container_down": "its container is down", "node_not_ready": "its node is not ready"}
    return words[event.of(Unready).why]


def probe_failed(event: EventRecord) -> str:
    """Say which probe has failed."""
    return f"its {event.of(Probe).probe} probe has failed"


def not_restarted(event: EventRecord) -> str:
    """Say how a container has exited that is not started again."""
    return f"its container has exited with {event.of(Exit).code} and is not restarted"


def backing_off(event: EventRecord) -> str:
    """Say when a container is started again."""
    return f"CrashLoopBackOff, it starts again {event.of(BackOff).restart_after_s:.1f} s after its end"


def sidecar_exited(event: EventRecord) -> str:
    """Say how a sidecar has ended."""
    end = event.of(SidecarExit)
    return f"{end.sidecar} {'is killed' if end.killed else 'exits'}"


def reconnected(event: EventRecord) -> str:
    """Say how many of those cut off are connected again, and how long it took."""
    back = event.of(Reconnection)
    return f"{back.again} of {back.sessions}, the last one after {back.longest_s:.1f} s"


def _closes(event: EventRecord) -> str:
    connections = event.of(Connections)
    return f"{connections.held}{f', over {connections.over_s:g} s' if connections.over_s else ''}"


def _sidecar_sigterm(event: EventRecord) -> str:
    told = event.of(SidecarSigterm)
    return f"{told.sidecar}: SIGKILL follows in {told.sigkill_in_s} s"


_DELETED = {
    "graceful": "gets its deletion timestamp",
    "at_once": "is gone at once: no kubelet has anything to end",
    "forced": "is deleted by force: the object is gone at once",
}


# The way to the pods --------------------------------------------------------------------------------------------


def counted_targets(event: EventRecord) -> str:
    """Say how many targets a push has."""
    return counted(event.of(Push).targets, "target")


def changes(event: EventRecord) -> str:
    """Say what a push changes; empty where that is nothing."""
    return ", ".join(map(_change, event.of(Push).changes))


def _change(change: TargetChange) -> str:
    match change:
        case TargetChange(pod, _, None):
            return f"-{pod}"
        case TargetChange(pod, None, after):
            return f"+{pod}" if after == DEFAULT_WEIGHT else f"+{pod} weight {after}"
        case TargetChange(pod, before, after):
            return f"{pod} weight {before}->{after}"


def stale(event: EventRecord) -> str:
    """Say how much waits for the next try, and for how long."""
    cache = event.of(StaleCache)
    waiting = f"{counted(cache.changes, 'change')} of endpoints {'waits' if cache.changes == 1 else 'wait'}"
    return f"{waiting} {cache.retry_in_s:g} s"


def switched(event: EventRecord) -> str:
    """Say how many endpoints leave and come."""
    switch = event.of(Switch)
    return f"{switch.left} endpoints leave at once, {switch.come} come"


def checked(event: EventRecord) -> str:
    """Say what a health check, or a request, has found."""
    result = event.of(CheckResult)
    how = "probe" if result.active else "request"
    found = {Failure.TCP.value: "found no connection", Failure.TIMEOUT.value: "timed out"}
    return f"a {how} {found.get(str(result.found), f'got {result.found}')}"


def _wrote(event: EventRecord) -> str:
    state = event.of(EndpointState)
    return f"ready={str(state.ready).lower()} terminating={str(state.terminating).lower()}"


DETAILS: Mapping[str, str | Callable[[EventRecord], str]] = {
    # Operations; the beginning of one has its verb as kind, and its label as words.
    "over": over,
    "complete": "the rollout is complete",
    "stuck": stuck,
    "pauses": _pauses,
    "no_history": "there is no earlier version",
    "no_such_pod": no_such_pod,
    "cordoned": "takes no more pods",
    "evicted": "the eviction is granted",
    "refused": refused,
    "powered_off": "the machine is off",
    "node_gone": "the node object is gone",
    # Pods and containers
    "sized": lambda event: f"to {event.of(Size).replicas}",
    "created": lambda event: f"for revision {event.of(Revision).revision}",
    "deleted": lambda event: _DELETED[event.of(Deleted).how],
    "removed": "the pod object is gone",
    "scheduled": lambda event: f"on {event.of(Placement).node}",
    "unschedulable": "no node takes pods",
    "started": "its container runs, the application is starting",
    "listening": "",
    "ready": "",
    "unready": unready,
    "prestop": lambda event: f"{event.of(Hook).kind} begins",
    "prestop_failed": "FailedPreStopHook",
    "probe_failed": probe_failed,
    "crashed": "the container exits by itself",
    "oom_killed": "out of memory",
    "not_restarted": not_restarted,
    "backing_off": backing_off,
    "sidecar_sigterm": _sidecar_sigterm,
    "sidecar_exited": sidecar_exited,
    "sigterm": lambda event: f"SIGKILL follows in {event.of(Sigterm).sigkill_in_s} s",
    "sigkill": "the grace period is over",
    "exited": "the container is dead",
    "closes": _closes,
    "cut_off": lambda event: str(event.of(Connections).held),
    "reconnected": reconnected,
    # The way to the pods
    "wrote": _wrote,
    "left": "left the slice",
    "stale": stale,
    "switched": switched,
    "pushing": changes,
    "pushed": changes,
    "stopped": "takes no more requests",
    "unhealthy": checked,
    "healthy": checked,
}
