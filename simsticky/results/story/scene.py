"""What a sentence of the story needs to know: names, times, and what came before."""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np

from simsticky.recording.events import EventRecord
from simsticky.recording.pods import PodRecord
from simsticky.recording.record import OperationRecord, Recording
from simsticky.results.harm import requests_cut
from simsticky.results.story.lines import Line
from simsticky.results.story.words import counted, short_names
from simsticky.scenario.model import Scenario

_ROLLOUTS = ("rollout", "rollback")
_LONG_STORY_S = 6000.0
"""From 100 minutes on the clock shows hours, so that its column keeps its width."""


class Scene:
    """One recording, seen by those who tell of it.

    Attributes:
        recording: What the replication left behind.
        scenario: What was simulated.
        sizes: Size of each ReplicaSet so far.
        listens_since: When each pod began to listen, of those told so far.
        refused_since: When the first eviction of a pod was refused.
    """

    def __init__(self, recording: Recording, scenario: Scenario) -> None:
        self.recording = recording
        self.scenario = scenario
        self.sizes = Counter(pod.replica_set for pod in recording.pods if pod.created_s < 0.0)
        self.listens_since: dict[str, float] = {}
        self.refused_since: dict[str, float] = {}
        self._zero_s = min((operation.start_s for operation in recording.operations), default=0.0)
        last_s = max((event.at_s for event in recording.events), default=0.0)
        self._in_hours = last_s - self._zero_s >= _LONG_STORY_S
        self._number = {pod.pod: index for index, pod in enumerate(recording.pods)}
        self._names = short_names([pod.pod for pod in recording.pods])
        self._operations = _names_of_operations(recording.operations)
        self._replaced_by = _replaced(recording.operations)
        self._cut = requests_cut(recording)
        self._pushes = _pushes(recording.events)

    # Times ------------------------------------------------------------------------------------------------------

    def line(self, at_s: float, actor: str, sentence: str) -> str:
        """Return a line: time since the first operation, absolute time, who, and what."""
        return str(Line(self.clock(at_s), at_s, actor, sentence))

    def clock(self, at_s: float) -> str:
        """Return a time as minutes and seconds since the first operation; with hours in a long story."""
        tenths = round((at_s - self._zero_s) * 10)
        minutes, tenths_left = divmod(abs(tenths), 600)
        big = f"{minutes // 60}:{minutes % 60:02d}" if self._in_hours else f"{minutes:02d}"
        return f"{'-' if tenths < 0 else '+'}{big}:{tenths_left // 10:02d}.{tenths_left % 10}"

    # Who --------------------------------------------------------------------------------------------------------

    def pod(self, event: EventRecord) -> str:
        """Return the short name of the pod that an event is about."""
        return self.short(event.subject)

    def short(self, name: str) -> str:
        """Return the short name of a pod; any other name as it is."""
        return self._names.get(name, name)

    def number(self, event: EventRecord) -> int:
        """Return the index of the pod that an event is about."""
        return self._number[event.subject]

    def record(self, event: EventRecord) -> PodRecord:
        """Return the record of the pod that an event is about."""
        return self.recording.pods[self.number(event)]

    def cause(self, event: EventRecord) -> OperationRecord:
        """Return the operation behind an event."""
        return self.recording.operations[event.cause - 1]

    def operation(self, record: OperationRecord) -> str:
        """Return what an operation is called; those of the same label are numbered."""
        return self._operations[record.number]

    def replaces(self, record: OperationRecord) -> OperationRecord | None:
        """Return the rollout under way that this one takes the place of."""
        return next((old for old in self.recording.operations if self.replaced_by(old) is record), None)

    def replaced_by(self, record: OperationRecord) -> OperationRecord | None:
        """Return the rollout that has taken the place of this one before it was done."""
        return self._replaced_by.get(record.number)

    def nodes_of(self, push: EventRecord) -> list[EventRecord]:
        """Return when each node came to use what was pushed, in order of time."""
        return self._pushes.get(id(push), [])

    def came_with_a_push(self, used: EventRecord) -> bool:
        """Whether a node got its configuration by a push to all, and not alone."""
        return any(used is node for nodes in self._pushes.values() for node in nodes)

    # How many ---------------------------------------------------------------------------------------------------

    def on(self, event: EventRecord) -> str:
        """Say how many sessions live on a pod at an event; nothing where that was not recorded."""
        return self.on_pod(self.number(event), event.at_s)

    def on_pod(self, number: int, at_s: float) -> str:
        """Say how many sessions live on a pod, given by its index, at a time."""
        moves = self.recording.residence
        if not len(moves):
            return ""
        own = [
            index
            for index, life in enumerate(self.recording.lives)
            if life.pod == number and life.started_s <= at_s and not life.dead_s < at_s
        ]
        sessions = moves[np.isin(moves[:, 1], own) & (moves[:, 0] <= at_s), 2].sum()
        return f", {counted(int(sessions), 'session')} on it"

    def cut(self, event: EventRecord) -> str:
        """Say how many requests were cut on a pod at an event."""
        cut = self._cut[self.number(event), event.at_s]
        return f", {counted(cut, 'request')} in flight cut" if cut else ""


def _names_of_operations(operations: list[OperationRecord]) -> dict[int, str]:
    often = Counter(operation.label for operation in operations)
    met: Counter[str] = Counter()
    names = {}
    for operation in sorted(operations, key=lambda operation: (operation.start_s, operation.number)):
        met[operation.label] += 1
        which = f" #{met[operation.label]}" if often[operation.label] > 1 else ""
        names[operation.number] = operation.label + which
    return names


def _replaced(operations: list[OperationRecord]) -> dict[int, OperationRecord]:
    """Return for each rollout that was not done, or stuck, when the next of its Deployment began, that next one."""
    of_target: defaultdict[str, list[OperationRecord]] = defaultdict(list)
    for operation in sorted(operations, key=lambda operation: (operation.start_s, operation.number)):
        if operation.kind in _ROLLOUTS and operation.target:
            of_target[operation.target].append(operation)
    return {
        old.number: new
        for rollouts in of_target.values()
        for old, new in pairwise(rollouts)
        if not old.done_s <= new.start_s
    }


def _pushes(events: list[EventRecord]) -> dict[int, list[EventRecord]]:
    """Return for each push, by identity of its event, when the nodes came to use it, in order of time.

    A node's event belongs to the latest push before it that says the same; one that belongs to none is a node's that
    came back and got its configuration alone.
    """
    pushes: list[EventRecord] = []
    of_push: defaultdict[int, list[EventRecord]] = defaultdict(list)
    for event in events:
        if event.kind == "pushing":
            pushes.append(event)
        elif event.kind == "pushed":
            for push in reversed(pushes):
                nodes = of_push[id(push)]
                if push.data == event.data and event.actor not in [node.actor for node in nodes]:
                    nodes.append(event)
                    break
    return of_push
