"""What became of the sessions, counted as each of them ends (docs/model.md, rules B6 to B9 and B14)."""

from collections import Counter
from collections.abc import Callable, Mapping
from math import isnan

import numpy as np

from simsticky.recording.record import Harmed
from simsticky.sim.sessions.registry import Ended
from simsticky.sim.sessions.session import Session
from simsticky.sim.world import World

_Operations = frozenset[int]


class Tally:
    """Counts sessions for the operations that they were exposed to, alive at, or born under.

    Args:
        is_sticky: Whether something binds a session, with a jar or without, to the pod with its state.
        guards_timeline: Whether ``broken_any_cause`` is about the sessions alive at the start of an operation; without
            a timeline it is about those that begin after ``run.settle`` and end in the run.
    """

    def __init__(self, world: World, is_sticky: Callable[[bool], bool], *, guards_timeline: bool) -> None:
        self._recorder = world.recorder
        self._settle_s = world.settle_s
        self._operations = world.recorder.recording.operations
        self._guards_timeline = guards_timeline
        self._is_sticky = is_sticky
        self._alive: Counter[tuple[_Operations, _Operations]] = Counter()
        self.seen = self.broken_in_background = self.bound = 0

    def count(self, ended: Ended, known: Mapping[int, Session], unfinished: bool) -> None:
        """Count sessions that send no more.

        Args:
            ended: What they were. What happens at the very instant of a session's last request comes before that (rule
                T1).
            known: What is known of some beyond that, by where they are among them.
            unfinished: Whether they were not over when the run ended.
        """
        sticky = np.where(ended.has_jar, self._is_sticky(True), self._is_sticky(False))
        self.bound += int(np.count_nonzero((ended.last >= 0) & sticky))
        seen = ended.sent_s >= self._settle_s
        self.seen += int(np.count_nonzero(seen))
        self.broken_in_background += int(np.count_nonzero(seen & (ended.background > 0)))
        for at, session in known.items():
            last_sent_s = float(ended.sent_s[at])
            if session.exposures:
                self._count_exposed(session, last_sent_s, censored=unfinished and isnan(ended.ended_s[at]))
            if session.alive_at:
                self._count_alive(session, last_sent_s)
        for born in np.flatnonzero(ended.born).tolist():
            operation, broke = int(ended.born[born]), known.get(born)
            record = self._operations[operation - 1]
            record.born_on_terminating += 1
            record.born_broken += broke is not None and operation in broke.broken_by
        self._guard(ended, known, unfinished=unfinished)

    def close(self) -> None:
        """Sum up at the end of the run, when it is known which operations have exposed anybody (rule B7)."""
        recording = self._recorder.recording
        exposing = {record.number for record in self._operations if record.exposed}
        of_entry = {record.number: record.entry for record in self._operations}
        for (alive, broken), times in self._alive.items():
            alive_at, broken_by = alive & exposing, broken & exposing
            if alive_at:
                recording.union.alive += times
                recording.union.broken_alive += times * bool(broken_by)
            for key in {of_entry[number] for number in alive_at}:
                harmed = recording.entries[key]
                harmed.alive += times
                harmed.broken_alive += times * any(of_entry[number] == key for number in broken_by)
        count = self._recorder.count
        count("sessions_seen", self.seen)
        count("background_broken_sessions_count", self.broken_in_background)
        count("sticky_bound_sessions", self.bound)

    def _count_exposed(self, session: Session, last_sent_s: float, *, censored: bool) -> None:
        recording, harmed_by = self._recorder.recording, session.harmed_by
        counted = [exposure for exposure in session.exposures if last_sent_s >= exposure.at_s]
        exposed_to = {exposure.operation for exposure in counted}
        for operation in exposed_to:
            record = self._operations[operation - 1]
            record.exposed += 1
            record.broken += operation in harmed_by
        for key in {self._operations[operation - 1].entry for operation in exposed_to}:
            mine = {operation for operation in exposed_to if self._operations[operation - 1].entry == key}
            _add(recording.entries[key], broken=bool(mine & harmed_by))
        if exposed_to:
            _add(recording.union, broken=bool(exposed_to & harmed_by))
            self._recorder.exposed(session.id, counted)
        if censored and not exposed_to:
            self._recorder.count("censored_sessions_count")
        if censored:
            for operation in {exposure.operation for exposure in session.exposures} - exposed_to:
                self._operations[operation - 1].censored += 1

    def _count_alive(self, session: Session, last_sent_s: float) -> None:
        alive = frozenset(operation for operation, at_s in session.alive_at if last_sent_s >= at_s)
        for operation in alive:
            record = self._operations[operation - 1]
            record.alive += 1
            record.broken_alive += operation in session.broken_by
        if alive:
            self._alive[alive, alive & session.broken_by] += 1

    def _guard(self, ended: Ended, known: Mapping[int, Session], *, unfinished: bool) -> None:
        """Count sessions for ``broken_any_cause``, whatever has broken them (rule B14)."""
        since_s = ended.started_s
        if self._guards_timeline:
            alive = {at: session.alive_at[0][1] for at, session in known.items() if session.alive_at}
            if unfinished:
                self._recorder.count("any_cause_left_out", len(alive))
                return
            since_s = np.full(len(ended.number), np.inf)
            since_s[list(alive)] = list(alive.values())
            chosen = ended.sent_s >= since_s
        else:
            chosen = since_s >= (np.inf if unfinished else self._settle_s)
        broken = (ended.broke_s >= since_s) | (ended.answered_s < since_s)
        self._recorder.count("any_cause_sessions", int(np.count_nonzero(chosen)))
        self._recorder.count("broken_any_cause_sessions", int(np.count_nonzero(chosen & broken)))


def _add(harmed: Harmed, *, broken: bool) -> None:
    harmed.exposed += 1
    harmed.broken += broken
