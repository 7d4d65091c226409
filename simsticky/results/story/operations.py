"""What is told of the operations: by people, by machines that act for them, and by the cloud."""

from simsticky.recording.events import EventRecord
from simsticky.results.story import details
from simsticky.results.story.scene import Scene
from simsticky.results.story.words import counted, rounded
from simsticky.results.times import done_after_s, gone_after_s
from simsticky.scenario.operations import VERBS


def begins(scene: Scene, event: EventRecord) -> str:
    """An operation begins, and what it comes upon."""
    record = scene.cause(event)
    old = scene.replaces(record)
    upon = f", in the midst of {scene.operation(old)}" if old is not None and not old.stuck else ""
    return scene.operation(record) + details.why_it_scales(event) + upon


def over(scene: Scene, event: EventRecord) -> str:
    """An operation is over; left out where its beginning or its completion says so already."""
    record = scene.cause(event)
    name, gone_s = scene.operation(record), gone_after_s(record)
    if record.kind == "gatewayRestart":
        return f"{name}: its downtime is over, it waits for its configuration"
    if gone_s is not None:
        return f"{name} is over, its last old pod gone after {rounded(gone_s)}"
    if record.stuck:
        return f"{name} does not go on"
    return "" if event.at_s in (record.start_s, record.done_s) else f"{name} is over"


def complete(scene: Scene, event: EventRecord) -> str:
    """A rollout or a scaling is complete; one that another has taken the place of never is."""
    record = scene.cause(event)
    if scene.replaced_by(record) is not None:
        return ""
    done_s = done_after_s(record)
    ending = sum(pod.deleted_s <= event.at_s and not pod.removed_s <= event.at_s for pod in scene.recording.pods)
    still = f"; {counted(ending, 'pod')} still terminating" if ending else ""
    after = f" after {rounded(done_s)}" if done_s is not None else ""
    return f"{scene.operation(record)} is complete{after}{still}"


def stuck(scene: Scene, event: EventRecord) -> str:
    """An operation makes no headway."""
    return f"{scene.operation(scene.cause(event)) if event.cause else event.subject} is stuck, {details.stuck(event)}"


def no_history(scene: Scene, event: EventRecord) -> str:
    """There is nothing to roll back to."""
    return "cannot go back: there is no earlier version"


def no_such_pod(scene: Scene, event: EventRecord) -> str:
    """An operation names a pod that is not there."""
    return f"finds no pod {event.subject}: {details.no_such_pod(event)}"


def cordoned(scene: Scene, event: EventRecord) -> str:
    """A node takes no more pods."""
    return f"cordons {event.subject}: it takes no more pods"


def refused(scene: Scene, event: EventRecord) -> str:
    """The budget refuses an eviction; it is told once."""
    scene.refused_since[event.subject] = event.at_s
    return f"may not evict {scene.pod(event)}: {details.refused(event)}"


def powered_off(scene: Scene, event: EventRecord) -> str:
    """A machine is off, and what ran there with it."""
    lives = scene.recording.lives
    dead = [life.pod for life in lives if life.ended == "powered_off" and life.dead_s == event.at_s]
    pods = scene.recording.pods
    what = [f"{scene.short(pods[n].pod)}{scene.on_pod(n, event.at_s)}" for n in dead]
    return "is off, whatever ran there is dead" + "".join(f"; {pod}" for pod in what)


def node_gone(scene: Scene, event: EventRecord) -> str:
    """A node object is removed."""
    return f"removes the node object {event.subject}, and with it what is left of its pods"


SENTENCES = {
    **dict.fromkeys(VERBS, begins),
    "hpa": begins,
    "over": over,
    "complete": complete,
    "stuck": stuck,
    "no_history": no_history,
    "no_such_pod": no_such_pod,
    "cordoned": cordoned,
    "refused": refused,
    "powered_off": powered_off,
    "node_gone": node_gone,
}
