"""The story of one replication: its events as an account that somebody who runs clusters would recognise.

Lines that say the same of several Kong nodes are told as one, and those that only repeat their neighbour are left
out. Pods and ReplicaSets go by the last part of their names; the first lines say which is which.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import numpy as np

from simsticky.results.harm import Harm, failures_by_operation, harm_by_pod
from simsticky.results.metrics import done_after_s, gone_after_s
from simsticky.scenario.model import Scenario
from simsticky.scenario.operations import VERBS
from simsticky.sim.recording import EventRecord, Kind, Mechanism, OperationRecord, Outcome, PodRecord, Recording
from simsticky.units import format_duration

_NAMED_SESSIONS = 3
"""Broken sessions that a line names; the others are counted."""
_NAMED_NODES = 4
"""Kong nodes up to which a line gives the moment of each."""


def story(recording: Recording, scenario: Scenario) -> list[str]:
    """Return the story as lines: time since the first operation (minutes, seconds), absolute time, who, and what.

    What broke with a pod is told when the pod is gone, and only where requests were recorded.
    """
    return list(_Teller(recording, scenario).lines())


class _Teller:
    """Turns events into lines, and remembers what a later line needs of an earlier event."""

    def __init__(self, recording: Recording, scenario: Scenario) -> None:
        self._recording = recording
        self._scenario = scenario
        self._zero_s = min((operation.start_s for operation in recording.operations), default=0.0)
        self._number = {pod.pod: index for index, pod in enumerate(recording.pods)}
        self._names = short_names([pod.pod for pod in recording.pods])
        self._harm = harm_by_pod(recording)
        self._failures = failures_by_operation(recording)
        self._sizes = Counter(pod.replica_set for pod in recording.pods if pod.created_s < 0.0)
        self._listens_since: dict[str, float] = {}
        self._pushed = _pushed(recording.events)

    def lines(self) -> Iterator[str]:
        """Tell who is who, what happened, and what it came to."""
        yield from self._cast()
        for event in self._recording.events:
            sentence = _SENTENCES.get(event.kind, _as_recorded)(self, event)
            if sentence:
                yield self._line(event.at_s, self._actor(event), sentence)
            if event.kind == "removed" and self._recording.level == "requests":
                yield self._line(event.at_s, "clients", self._toll(event))
        yield from self._outcome()

    def _actor(self, event: EventRecord) -> str:
        """Name who did it: pods are not only deleted by their owner."""
        if event.kind == "deleted" and event.cause:
            return _WHO_DELETES.get(self._cause(event).kind, event.actor)
        return event.actor

    def _line(self, at_s: float, actor: str, sentence: str) -> str:
        return f"{self._clock(at_s)} {at_s:8.2f}s  {actor:<13} {sentence}"

    def _clock(self, at_s: float) -> str:
        tenths = round((at_s - self._zero_s) * 10)
        minutes, tenths_left = divmod(abs(tenths), 600)
        return f"{'-' if tenths < 0 else '+'}{minutes:02d}:{tenths_left // 10:02d}.{tenths_left % 10}"

    # First and last lines ---------------------------------------------------------------------------------------

    def _cast(self) -> Iterator[str]:
        pods_of: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
        for pod in self._recording.pods:
            pods_of[pod.revision, pod.replica_set].append(self._names[pod.pod])
        for (revision, name), pods in pods_of.items():
            yield f"revision {revision}, ReplicaSet {name}: {_noun(len(pods), 'pod')} {', '.join(pods)}"

    def _outcome(self) -> Iterator[str]:
        if not self._recording.operations:
            yield "No operation."
        for operation in self._recording.operations:
            parts = [
                f"{operation.broken} of {_counted(operation.exposed, 'exposed session')} broken",
                _counted(operation.breaks, "break") + " in all",
                self._failed(operation),
            ]
            if operation.censored:
                parts.append(f"{_counted(operation.censored, 'session')} cut off by the end of the run")
            if operation.stuck:
                parts.append(f"stuck: {operation.stuck}")
            yield f"{operation.label}: {', '.join(parts)}."

    def _failed(self, operation: OperationRecord) -> str:
        kinds = self._failures.get(operation.number)
        how = f" ({_tally(kinds)})" if kinds else ""
        return _counted(operation.failed, "failed request") + how

    # What a sentence needs --------------------------------------------------------------------------------------

    def _pod(self, event: EventRecord) -> str:
        return self._names.get(event.subject, event.subject)

    def _record(self, event: EventRecord) -> PodRecord:
        return self._recording.pods[self._number[event.subject]]

    def _cause(self, event: EventRecord) -> OperationRecord:
        return self._recording.operations[event.cause - 1]

    def _on(self, event: EventRecord) -> str:
        """Say how many sessions live on a pod at an event; nothing where that was not recorded."""
        moves = self._recording.residence
        if not len(moves):
            return ""
        number = self._number[event.subject]
        own = [
            index
            for index, life in enumerate(self._recording.lives)
            if life.pod == number and life.started_s <= event.at_s and not life.dead_s < event.at_s
        ]
        sessions = moves[np.isin(moves[:, 1], own) & (moves[:, 0] <= event.at_s), 2].sum()
        return f", {_counted(int(sessions), 'session')} on it"

    def _cut(self, event: EventRecord) -> str:
        cut = self._harm.get(self._number[event.subject], Harm()).cut[event.at_s]
        return f", {_counted(cut, 'request')} in flight cut" if cut else ""

    def _toll(self, event: EventRecord) -> str:
        """Say which sessions broke with a pod."""
        harm = self._harm.get(self._number[event.subject])
        if harm is None or not harm.sessions:
            return f"no session breaks with {self._pod(event)}"
        kinds = []
        for kind in (Kind.LOST, Kind.STALE):
            by_mechanism = Counter({how: number for (of, how), number in harm.breaks.items() if of is kind})
            if by_mechanism:
                kinds.append(f"{kind.name.lower()}: {_tally(by_mechanism)}")
        when = self._clock(harm.first_s)
        if self._clock(harm.last_s) != when:
            when += f" to {self._clock(harm.last_s)}"
        broke = _counted(len(harm.sessions), "session")
        verb = "breaks" if len(harm.sessions) == 1 else "break"
        return f"{broke} {verb} with {self._pod(event)}, {when} ({'; '.join(kinds)}): {_some(harm.sessions)}"

    # A sentence for each kind of event --------------------------------------------------------------------------

    def operation(self, event: EventRecord) -> str:
        return event.detail

    def over(self, event: EventRecord) -> str:
        operation = self._cause(event)
        gone_s = gone_after_s(operation)
        gone = f", its last old pod gone after {_rounded(gone_s)}" if gone_s is not None else ""
        return f"{event.subject} {'does not go on' if operation.stuck else 'is over'}{gone}"

    def sized(self, event: EventRecord) -> str:
        before, after = self._sizes[event.subject], int(event.detail.removeprefix("to "))
        self._sizes[event.subject] = after
        direction = "up" if after > before else "down"
        return f"scales {direction} ReplicaSet {_last_part(event.subject)} from {before} to {after}"

    def complete(self, event: EventRecord) -> str:
        done_s = done_after_s(self._cause(event))
        ending = sum(pod.deleted_s <= event.at_s and not pod.removed_s <= event.at_s for pod in self._recording.pods)
        still = f"; {_counted(ending, 'pod')} still terminating" if ending else ""
        after = f" after {_rounded(done_s)}" if done_s is not None else ""
        return f"{event.subject} is complete{after}{still}"

    def stuck(self, event: EventRecord) -> str:
        return f"is stuck, {event.detail}"

    def created(self, event: EventRecord) -> str:
        return f"creates {self._pod(event)}"

    def deleted(self, event: EventRecord) -> str:
        by_eviction = event.cause and self._cause(event).kind in ("drainNode", "spot")
        return f"{'evicts' if by_eviction else 'deletes'} {self._pod(event)}{self._on(event)}"

    def started(self, event: EventRecord) -> str:
        return f"starts the container of {self._pod(event)} on {self._record(event).node}"

    def listening(self, event: EventRecord) -> str:
        self._listens_since[event.subject] = event.at_s
        # A probe would wait for it, so that "ready" says enough; without one requests may have been refused until now.
        return "" if self._scenario.deployment.readiness_probe else f"{self._pod(event)} begins to listen"

    def ready(self, event: EventRecord) -> str:
        if event.subject not in self._listens_since:
            return f"{self._pod(event)} is ready"
        return f"{self._pod(event)} is ready, listening since {self._clock(self._listens_since[event.subject])}"

    def unready(self, event: EventRecord) -> str:
        return f"{self._pod(event)} is not ready any more, {event.detail or 'its readiness probe fails'}"

    def unhealthy(self, event: EventRecord) -> str:
        return f"takes {self._pod(event)} out, {event.detail}"

    def healthy(self, event: EventRecord) -> str:
        return f"has {self._pod(event)} back, {event.detail}"

    def wrote(self, event: EventRecord) -> str:
        return f"lists {self._pod(event)} as terminating" if event.detail.endswith("terminating=true") else ""

    def left(self, event: EventRecord) -> str:
        return f"drops {self._pod(event)}"

    def pushing(self, event: EventRecord) -> str:
        changes = [self._change(part) for part in event.detail.split(", ")]
        used = self._pushed.get(id(event), [])
        if len(used) > _NAMED_NODES:
            first, last = used[0], used[-1]
            when = f"; on {len(used)} nodes from {self._clock(first.at_s)} to {self._clock(last.at_s)}"
        elif used:
            when = "; on " + ", ".join(f"{node.actor} at {self._clock(node.at_s)}" for node in used)
        else:
            when = ""
        return f"pushes {event.subject}: {', '.join(changes)}{when}"

    def pushed(self, event: EventRecord) -> str:
        """Tell of a node that was configured alone; the others are named with their push."""
        with_others = any(event is used for nodes in self._pushed.values() for used in nodes)
        return "" if with_others else f"is back, with {event.subject}"

    def _change(self, part: str) -> str:
        """Say one change of the targets; a weight of 0 is what drain support is about."""
        name, _, weight = part.partition(" weight ")
        short = self._names.get(name.lstrip("+-"), name)
        if weight:
            return f"{short} weight {weight.replace('->', ' to ')}"
        return {"+": f"{short} added", "-": f"{short} removed"}.get(part[:1], "the same as before")

    def prestop(self, event: EventRecord) -> str:
        hook, grace_s = self._scenario.deployment.pre_stop, self._scenario.deployment.termination_grace_period_seconds
        if hook is None:
            return ""
        what = f"sleep {format_duration(hook.seconds)}"
        if hook.kind == "waitUntil":
            until = {"noRequests": "no requests", "noSessions": "no sessions"}[hook.until or "noRequests"]
            what = f"waiting for {until}, at most {format_duration(hook.at_most_s)}"
        return f"runs preStop of {self._pod(event)}: {what} (grace period {format_duration(grace_s)})"

    def prestop_failed(self, event: EventRecord) -> str:
        return f"{self._pod(event)}: preStop fails, SIGTERM follows at once"

    def probe_failed(self, event: EventRecord) -> str:
        return f"{self._pod(event)}: {event.detail}, its container is stopped to be started again"

    def unschedulable(self, event: EventRecord) -> str:
        return f"{self._pod(event)} waits: {event.detail}"

    def crashed(self, event: EventRecord) -> str:
        return f"the container of {self._pod(event)} crashes{self._on(event)}{self._cut(event)}"

    def oom_killed(self, event: EventRecord) -> str:
        return f"the container of {self._pod(event)} is out of memory and killed{self._on(event)}{self._cut(event)}"

    def backing_off(self, event: EventRecord) -> str:
        return f"holds {self._pod(event)} back: {event.detail}"

    def sidecar_sigterm(self, event: EventRecord) -> str:
        name, _, left = event.detail.partition(": SIGKILL follows in ")
        return f"SIGTERM to sidecar {name} of {self._pod(event)}: SIGKILL would follow in {left}"

    def sidecar_exited(self, event: EventRecord) -> str:
        return f"sidecar {event.detail}, in {self._pod(event)}{self._cut(event)}"

    def sigterm(self, event: EventRecord) -> str:
        closes = any(
            life.pod == self._number[event.subject] and life.listener_closed_s == event.at_s
            for life in self._recording.lives
        )
        left = event.detail.removeprefix("SIGKILL follows in ")
        refuses = "it takes no more connections, " if closes else ""
        return f"SIGTERM to {self._pod(event)}: {refuses}SIGKILL would follow in {left}"

    def sigkill(self, event: EventRecord) -> str:
        return f"SIGKILL to {self._pod(event)}: {event.detail}{self._cut(event)}"

    def exited(self, event: EventRecord) -> str:
        number = self._number[event.subject]
        if any(life.pod == number and life.sigkill_s == event.at_s for life in self._recording.lives):
            return ""
        return f"{self._pod(event)} exits{self._cut(event)}"

    def closes(self, event: EventRecord) -> str:
        number, _, over = event.detail.partition(", ")
        return f"{self._pod(event)} closes its {_counted(int(number), 'connection')}" + (f" {over}" if over else "")

    def cut_off(self, event: EventRecord) -> str:
        reconnect, number = self._scenario.traffic.connections.reconnect, int(event.detail)
        jitter = "no jitter" if reconnect.jitter == "none" else f"{reconnect.jitter} jitter"
        wait = f"{format_duration(reconnect.backoff)}, up to {format_duration(reconnect.max)}, {jitter}"
        verb = "is" if number == 1 else "are"
        return f"{_counted(number, 'connection')} to {self._pod(event)} {verb} cut; they connect again after {wait}"

    def reconnected(self, event: EventRecord) -> str:
        return f"those cut off from {self._pod(event)} are connected again: {event.detail}"

    def removed(self, event: EventRecord) -> str:
        return f"{self._pod(event)} is gone"

    def cordoned(self, event: EventRecord) -> str:
        return f"cordons {event.subject}: it takes no more pods"

    def refused(self, event: EventRecord) -> str:
        return f"may not evict {self._pod(event)}: {event.detail}"

    def powered_off(self, event: EventRecord) -> str:
        return f"{event.subject} is off, whatever ran there is dead"

    def node_gone(self, event: EventRecord) -> str:
        return f"{event.subject} is gone, and with it what is left of its pods"

    def switched(self, event: EventRecord) -> str:
        return f"the Service selects the pods of {event.subject}: {event.detail}"

    def stale(self, event: EventRecord) -> str:
        return f"has not seen its own last write yet: {event.detail}"

    def no_history(self, event: EventRecord) -> str:
        return f"cannot go back: {event.detail}"

    def untold(self, event: EventRecord) -> str:
        return ""


_WHO_DELETES = {
    "deletePod": "operator",
    "drainNode": "operator",
    "spot": "operator",
    "nodeLoss": "nodecontroller",
    "shutdownNode": "nodecontroller",
}
"""Who deletes pods on behalf of an operation where it is not their owner."""

_SENTENCES: dict[str, Callable[[_Teller, EventRecord], str]] = {
    **dict.fromkeys(VERBS, _Teller.operation),
    "hpa": _Teller.operation,
    "over": _Teller.over,
    "cordoned": _Teller.cordoned,
    "evicted": _Teller.untold,
    "refused": _Teller.refused,
    "powered_off": _Teller.powered_off,
    "node_gone": _Teller.node_gone,
    "switched": _Teller.switched,
    "stale": _Teller.stale,
    "no_history": _Teller.no_history,
    "sized": _Teller.sized,
    "complete": _Teller.complete,
    "stuck": _Teller.stuck,
    "created": _Teller.created,
    "deleted": _Teller.deleted,
    "scheduled": _Teller.untold,
    "started": _Teller.started,
    "listening": _Teller.listening,
    "ready": _Teller.ready,
    "unready": _Teller.unready,
    "unhealthy": _Teller.unhealthy,
    "healthy": _Teller.healthy,
    "wrote": _Teller.wrote,
    "left": _Teller.left,
    "pushing": _Teller.pushing,
    "pushed": _Teller.pushed,
    "stopped": _Teller.operation,
    "prestop": _Teller.prestop,
    "prestop_failed": _Teller.prestop_failed,
    "sigterm": _Teller.sigterm,
    "sigkill": _Teller.sigkill,
    "probe_failed": _Teller.probe_failed,
    "unschedulable": _Teller.unschedulable,
    "crashed": _Teller.crashed,
    "oom_killed": _Teller.oom_killed,
    "backing_off": _Teller.backing_off,
    "sidecar_sigterm": _Teller.sidecar_sigterm,
    "sidecar_exited": _Teller.sidecar_exited,
    "closes": _Teller.closes,
    "cut_off": _Teller.cut_off,
    "reconnected": _Teller.reconnected,
    "exited": _Teller.exited,
    "removed": _Teller.removed,
}


def _as_recorded(teller: _Teller, event: EventRecord) -> str:
    """Tell an event of a kind without a sentence of its own."""
    return " ".join(part for part in (event.kind, event.subject, event.detail) if part)


def _pushed(events: list[EventRecord]) -> dict[int, list[EventRecord]]:
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
                same = (push.subject, push.detail) == (event.subject, event.detail)
                if same and event.actor not in [node.actor for node in nodes]:
                    nodes.append(event)
                    break
    return of_push


def short_names(names: list[str]) -> dict[str, str]:
    """Return the shortest ends of names, cut at a hyphen, that still tell all of them apart."""
    for parts in range(1, 1 + max((name.count("-") for name in names), default=0)):
        short = ["-".join(name.split("-")[-parts:]) for name in names]
        if len(set(short)) == len(set(names)):
            return dict(zip(names, short, strict=True))
    return {name: name for name in names}


def _last_part(name: str) -> str:
    return name.rpartition("-")[2]


def _noun(number: int, noun: str) -> str:
    return noun if number == 1 else f"{noun}s"


def _counted(number: int, noun: str) -> str:
    return f"{number} {_noun(number, noun)}"


def _rounded(duration_s: float) -> str:
    return format_duration(round(duration_s, 1 if duration_s >= 1.0 else 3))


def _tally(kinds: Counter[Mechanism] | Counter[Outcome]) -> str:
    return ", ".join(f"{number} {kind.name.lower()}" for kind, number in kinds.most_common())


def _some(sessions: list[int]) -> str:
    named = ", ".join(str(number) for number in sessions[:_NAMED_SESSIONS])
    more = len(sessions) - _NAMED_SESSIONS
    return f"{_noun(len(sessions), 'session')} {named}" + (f" and {more} more" if more > 0 else "")
