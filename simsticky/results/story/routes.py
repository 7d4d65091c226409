"""What is told of the way to the pods: by endpoint slices, the ingress controller and the Kong nodes."""

from simsticky.kong.upstream import DEFAULT_WEIGHT
from simsticky.recording.events import EndpointState, EventRecord, Push, TargetChange
from simsticky.results.story import details
from simsticky.results.story.scene import Scene

_NAMED_NODES = 4
"""Kong nodes up to which a line gives the moment of each."""


def wrote(scene: Scene, event: EventRecord) -> str:
    """An endpoint changes; of the changes only *terminating* is told, the push that follows names the others."""
    return f"lists {scene.pod(event)} as terminating" if event.of(EndpointState).terminating else ""


def left(scene: Scene, event: EventRecord) -> str:
    """An endpoint leaves its slice."""
    return f"drops {scene.pod(event)}"


def stale(scene: Scene, event: EventRecord) -> str:
    """A pass of the controller fails."""
    return f"has not seen its own last write yet: {details.stale(event)}"


def switched(scene: Scene, event: EventRecord) -> str:
    """A Service selects other pods."""
    return f"the Service selects the pods of {event.subject}: {details.switched(event)}"


def pushing(scene: Scene, event: EventRecord) -> str:
    """The ingress controller pushes; when each node uses it is told at once."""
    changes = [_change(scene, change) for change in event.of(Push).changes] or ["the same as before"]
    used = scene.nodes_of(event)
    if len(used) > _NAMED_NODES:
        first, last = used[0], used[-1]
        when = f"; on {len(used)} nodes from {scene.clock(first.at_s)} to {scene.clock(last.at_s)}"
    elif used:
        when = "; on " + ", ".join(f"{node.actor} at {scene.clock(node.at_s)}" for node in used)
    else:
        when = ""
    return f"pushes {details.counted_targets(event)}: {', '.join(changes)}{when}"


def pushed(scene: Scene, event: EventRecord) -> str:
    """A node uses what was pushed; told of one that was configured alone, the others are named with their push."""
    return "" if scene.came_with_a_push(event) else f"is back, with {details.counted_targets(event)}"


def _change(scene: Scene, change: TargetChange) -> str:
    """Say one change of the targets; a weight of 0 is what drain support is about."""
    short = scene.short(change.pod)
    if change.after is None:
        return f"{short} removed"
    if change.before is None:
        return f"{short} added" + ("" if change.after == DEFAULT_WEIGHT else f" with weight {change.after}")
    return f"{short} weight {change.before} to {change.after}"


def stopped(scene: Scene, event: EventRecord) -> str:
    """A node takes no more requests."""
    return "takes no more requests"


def unhealthy(scene: Scene, event: EventRecord) -> str:
    """A node's health checks take a pod out."""
    return f"takes {scene.pod(event)} out, {details.checked(event)}"


def healthy(scene: Scene, event: EventRecord) -> str:
    """A node's health checks have a pod back."""
    return f"has {scene.pod(event)} back, {details.checked(event)}"


SENTENCES = {
    "wrote": wrote,
    "left": left,
    "stale": stale,
    "switched": switched,
    "pushing": pushing,
    "pushed": pushed,
    "stopped": stopped,
    "unhealthy": unhealthy,
    "healthy": healthy,
}
