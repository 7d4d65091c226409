"""What is told of pods: by the controllers that want them, and by those that run them."""

from simsticky.recording.events import Connections, EventRecord, SidecarSigterm, Sigterm, Size
from simsticky.results.story import details
from simsticky.results.story.scene import Scene
from simsticky.results.story.words import counted, last_part
from simsticky.units import format_duration

_FROM_PROBE = "its readiness probe fails"


# Controllers ----------------------------------------------------------------------------------------------------


def sized(scene: Scene, event: EventRecord) -> str:
    """A ReplicaSet gets a size; a new one may get none at first, where the room is used up."""
    before, after = scene.sizes[event.subject], event.of(Size).replicas
    scene.sizes[event.subject] = after
    if before == after:
        return f"creates ReplicaSet {last_part(event.subject)} with {after} pods for now"
    direction = "up" if after > before else "down"
    return f"scales {direction} ReplicaSet {last_part(event.subject)} from {before} to {after}"


def created(scene: Scene, event: EventRecord) -> str:
    """A pod object is created."""
    return f"creates {scene.pod(event)}"


def deleted(scene: Scene, event: EventRecord) -> str:
    """A pod is deleted; an eviction is a deletion that the budget has let through."""
    evicts = event.cause and scene.cause(event).kind in ("drainNode", "spot") and event.actor != "podgc"
    what = f"{'evicts' if evicts else 'deletes'} {scene.pod(event)}{scene.on(event)}"
    if event.subject in scene.refused_since:
        what += f", after {event.at_s - scene.refused_since[event.subject]:.0f} s of refusals"
    return what + (": it is gone at once" if _gone_at_once(scene, event) else "")


def _gone_at_once(scene: Scene, event: EventRecord) -> bool:
    record = scene.record(event)
    return record.removed_s == record.deleted_s


def removed(scene: Scene, event: EventRecord) -> str:
    """A pod object is gone; left out where its deletion said so."""
    return "" if _gone_at_once(scene, event) else f"{scene.pod(event)} is gone"


def unschedulable(scene: Scene, event: EventRecord) -> str:
    """No node takes a pod."""
    return f"{scene.pod(event)} waits: no node takes pods"


# The kubelet and the application --------------------------------------------------------------------------------


def started(scene: Scene, event: EventRecord) -> str:
    """A container runs; a later one of its pod has an empty memory."""
    lives = [life for life in scene.recording.lives if life.pod == scene.number(event)]
    again = any(life.instance > 1 and life.started_s == event.at_s for life in lives)
    verb = "restarts the container" if again else "starts the container"
    return f"{verb} of {scene.pod(event)} on {scene.record(event).node}"


def listening(scene: Scene, event: EventRecord) -> str:
    """The application listens.

    A probe would wait for it, so that "ready" says enough; without one requests may have been refused until now.
    """
    scene.listens_since[event.subject] = event.at_s
    return "" if scene.scenario.deployment.readiness_probe else f"{scene.pod(event)} begins to listen"


def ready(scene: Scene, event: EventRecord) -> str:
    """A pod is ready."""
    since_s = scene.listens_since.get(event.subject)
    since = f", listening since {scene.clock(since_s)}" if since_s is not None else ""
    return f"{scene.pod(event)} is ready{since}"


def unready(scene: Scene, event: EventRecord) -> str:
    """A pod is not ready any more. Once its container is down, an earlier listener says nothing of a later "ready"."""
    scene.listens_since.pop(event.subject, None)
    return f"{scene.pod(event)} is not ready any more, {details.unready(event) or _FROM_PROBE}"


def prestop(scene: Scene, event: EventRecord) -> str:
    """The preStop hook begins."""
    deployment = scene.scenario.deployment
    hook, grace_s = deployment.pre_stop, deployment.termination_grace_period_seconds
    if hook is None:
        return ""
    what = f"sleep {format_duration(hook.seconds)}"
    if hook.kind == "waitUntil":
        until = {"noRequests": "no requests", "noSessions": "no sessions"}[hook.until or "noRequests"]
        what = f"waiting for {until}, at most {format_duration(hook.at_most_s)}"
    return f"runs preStop of {scene.pod(event)}: {what} (grace period {format_duration(grace_s)})"


def prestop_failed(scene: Scene, event: EventRecord) -> str:
    """The preStop hook fails."""
    return f"{scene.pod(event)}: preStop fails, SIGTERM follows at once"


def probe_failed(scene: Scene, event: EventRecord) -> str:
    """A liveness or startup probe has failed often enough."""
    return f"{scene.pod(event)}: {details.probe_failed(event)}, its container is stopped to be started again"


def crashed(scene: Scene, event: EventRecord) -> str:
    """A container exits by itself."""
    return f"the container of {scene.pod(event)} crashes{scene.on(event)}{scene.cut(event)}"


def oom_killed(scene: Scene, event: EventRecord) -> str:
    """A container had more in memory than it may."""
    return f"the container of {scene.pod(event)} is out of memory and killed{scene.on(event)}{scene.cut(event)}"


def backing_off(scene: Scene, event: EventRecord) -> str:
    """A restart waits."""
    return f"holds {scene.pod(event)} back: {details.backing_off(event)}"


def not_restarted(scene: Scene, event: EventRecord) -> str:
    """A container is not started again, so that its pod is over."""
    return f"lets {scene.pod(event)} be over: {details.not_restarted(event)}"


def sidecar_sigterm(scene: Scene, event: EventRecord) -> str:
    """A sidecar is told to stop."""
    told = event.of(SidecarSigterm)
    return f"SIGTERM to sidecar {told.sidecar} of {scene.pod(event)}: SIGKILL would follow in {told.sigkill_in_s} s"


def sidecar_exited(scene: Scene, event: EventRecord) -> str:
    """A sidecar is over, and with a proxy what was in flight."""
    return f"sidecar {details.sidecar_exited(event)}, in {scene.pod(event)}{scene.cut(event)}"


def sigterm(scene: Scene, event: EventRecord) -> str:
    """A container is told to stop."""
    closes = any(
        life.pod == scene.number(event) and life.listener_closed_s == event.at_s for life in scene.recording.lives
    )
    refuses = "it takes no more connections, " if closes else ""
    return f"SIGTERM to {scene.pod(event)}: {refuses}SIGKILL would follow in {event.of(Sigterm).sigkill_in_s} s"


def sigkill(scene: Scene, event: EventRecord) -> str:
    """A container is killed."""
    return f"SIGKILL to {scene.pod(event)}: the grace period is over{scene.cut(event)}"


def exited(scene: Scene, event: EventRecord) -> str:
    """A container is over; left out where SIGKILL says so."""
    number = scene.number(event)
    if any(life.pod == number and life.sigkill_s == event.at_s for life in scene.recording.lives):
        return ""
    return f"{scene.pod(event)} exits{scene.cut(event)}"


def closes(scene: Scene, event: EventRecord) -> str:
    """The application closes its long-lived connections, at once or over a time."""
    connections = event.of(Connections)
    over = f" over {connections.over_s:g} s" if connections.over_s else ""
    return f"{scene.pod(event)} closes its {counted(connections.held, 'connection')}{over}"


def cut_off(scene: Scene, event: EventRecord) -> str:
    """A container's end cuts its long-lived connections."""
    reconnect, number = scene.scenario.traffic.connections.reconnect, event.of(Connections).held
    jitter = "no jitter" if reconnect.jitter == "none" else f"{reconnect.jitter} jitter"
    wait = f"{format_duration(reconnect.backoff)}, up to {format_duration(reconnect.max)}, {jitter}"
    verb = "is" if number == 1 else "are"
    return f"{counted(number, 'connection')} to {scene.pod(event)} {verb} cut; they connect again after {wait}"


def reconnected(scene: Scene, event: EventRecord) -> str:
    """The last of those that a container has cut off is connected again."""
    return f"those cut off from {scene.pod(event)} are connected again: {details.reconnected(event)}"


def untold(scene: Scene, event: EventRecord) -> str:
    """Nothing: a neighbouring line says it."""
    return ""


SENTENCES = {
    "sized": sized,
    "created": created,
    "deleted": deleted,
    "evicted": untold,
    "removed": removed,
    "scheduled": untold,
    "unschedulable": unschedulable,
    "started": started,
    "listening": listening,
    "ready": ready,
    "unready": unready,
    "prestop": prestop,
    "prestop_failed": prestop_failed,
    "probe_failed": probe_failed,
    "crashed": crashed,
    "not_restarted": not_restarted,
    "oom_killed": oom_killed,
    "backing_off": backing_off,
    "sidecar_sigterm": sidecar_sigterm,
    "sidecar_exited": sidecar_exited,
    "sigterm": sigterm,
    "sigkill": sigkill,
    "exited": exited,
    "closes": closes,
    "cut_off": cut_off,
    "reconnected": reconnected,
}
