"""Goes through the events of a recording and turns them into lines."""

from collections.abc import Callable, Iterator
from heapq import merge

from simsticky.recording.events import EventRecord
from simsticky.recording.record import Recording
from simsticky.results.story import operations, pods, routes
from simsticky.results.story.details import detail
from simsticky.results.story.scene import Scene
from simsticky.results.story.toll import cast, outcome, tolls
from simsticky.scenario.model import Scenario

SENTENCES: dict[str, Callable[[Scene, EventRecord], str]] = {
    **operations.SENTENCES,
    **pods.SENTENCES,
    **routes.SENTENCES,
}


def story(recording: Recording, scenario: Scenario) -> list[str]:
    """Return the story as lines: time since the first operation (minutes, seconds), absolute time, who, and what.

    What broke with a pod is told when the last session has, and only where requests were recorded.
    """
    scene = Scene(recording, scenario)
    # At one instant what happened comes before what it came to.
    told = merge(_events(scene), sorted(_tolls(scene)), key=lambda line: line[0])
    return [*cast(scene), *(line for _, line in told), *outcome(scene)]


def _events(scene: Scene) -> Iterator[tuple[float, str]]:
    for event in scene.recording.events:
        sentence = SENTENCES.get(event.kind, _as_recorded)(scene, event)
        if sentence:
            yield event.at_s, scene.line(event.at_s, event.actor, sentence)


def _tolls(scene: Scene) -> Iterator[tuple[float, str]]:
    for at_s, sentence in tolls(scene):
        yield at_s, scene.line(at_s, "clients", sentence)


def _as_recorded(scene: Scene, event: EventRecord) -> str:
    """Tell an event of a kind without a sentence of its own."""
    return " ".join(part for part in (event.kind, event.subject, detail(scene.recording, event)) if part)
