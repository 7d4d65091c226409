"""What it came to: which sessions broke with which pod, and the sums of each operation."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from simsticky.recording.record import Kind, Mechanism, OperationRecord
from simsticky.results.harm import Harm, failures_by_operation, harm_by_container
from simsticky.results.story.details import why_stuck
from simsticky.results.story.scene import Scene
from simsticky.results.story.words import counted, some, tally


def tolls(scene: Scene) -> Iterator[tuple[float, str]]:
    """Tell, each at its time, of the sessions that broke with a pod, when the last of them has; and of pods without."""
    recording = scene.recording
    if recording.level != "requests":
        return
    harmed = set()
    for (container, _), harm in harm_by_container(recording).items():
        pod = recording.containers[container]
        harmed.add(pod)
        yield harm.last_s, _toll(scene, scene.short(recording.pods[pod].pod), harm)
    for number, record in enumerate(recording.pods):
        if record.removed_s == record.removed_s and number not in harmed:
            yield record.removed_s, f"no session breaks with {scene.short(record.pod)}"


def _toll(scene: Scene, pod: str, harm: Harm) -> str:
    kinds = []
    for kind in (Kind.LOST, Kind.STALE):
        by_mechanism = Counter({how: number for (of, how), number in harm.breaks.items() if of is kind})
        if by_mechanism:
            kinds.append(f"{kind.name.lower()}: {tally(by_mechanism)}")
    since = f" since {scene.clock(harm.first_s)}" if harm.first_s < harm.last_s else ""
    broke = counted(len(harm.sessions), "session")
    verb = "has" if len(harm.sessions) == 1 else "have"
    return f"{broke} {verb} broken with {pod}{since} ({'; '.join(kinds)}): {some(harm.sessions)}"


def outcome(scene: Scene) -> Iterator[str]:
    """Sum up each operation; those that did no harm share a line."""
    recording = scene.recording
    if not recording.operations:
        yield "No operation."
    failures = failures_by_operation(recording)
    harmless = []
    for operation in recording.operations:
        if _harmless(operation):
            harmless.append(scene.operation(operation))
            continue
        parts = [
            f"{operation.broken} of {counted(operation.exposed, 'exposed session')} broken",
            counted(operation.breaks, "break") + " in all",
            counted(operation.failed, "failed request")
            + (f" ({tally(failures[operation.number])})" if failures.get(operation.number) else ""),
        ]
        if operation.censored:
            parts.append(f"{counted(operation.censored, 'session')} cut off by the end of the run")
        if operation.stuck:
            parts.append(f"stuck: {why_stuck(operation.stuck)}")
        yield f"{scene.operation(operation)}: {', '.join(parts)}."
    if harmless:
        yield f"{'; '.join(harmless)}: no session exposed, none broken, no failed request."
    yield from _background(scene)


def _harmless(operation: OperationRecord) -> bool:
    harm = operation.exposed + operation.breaks + operation.failed + operation.censored
    return harm == 0 and not operation.stuck


def _background(scene: Scene) -> Iterator[str]:
    counts = scene.recording.counts
    if breaks := counts.get("breaks_background", 0):
        how = Counter({kind: counts.get(f"background.{kind.name.lower()}", 0) for kind in Mechanism})
        yield f"Without an operation behind it: {counted(breaks, 'break')} ({tally(+how)})."


def cast(scene: Scene) -> Iterator[str]:
    """Say which pods are of which version."""
    pods_of: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for pod in scene.recording.pods:
        pods_of[pod.revision, pod.replica_set].append(scene.short(pod.pod))
    owner = "StatefulSet" if scene.scenario.deployment.kind == "StatefulSet" else "ReplicaSet"
    for (revision, name), pods in pods_of.items():
        yield f"revision {revision}, {owner} {name}: {'pod' if len(pods) == 1 else 'pods'} {', '.join(pods)}"
