"""The registry of the sessions that are alive: who they are, and their leaving."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simsticky.recording.changes import NOWHERE
from simsticky.recording.recorder import Recorder
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.nodes import Node
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import (
    BEFORE,
    ENDED,
    HOLDER,
    KNOWN,
    LEAVING,
    LEFT,
    LIVE,
    NUMBER,
    REQUESTS,
    RETIRED,
    SENDING,
    STATE,
    TURN,
)
from simsticky.sim.sessions.session import NO_FAILURE, Session

Floats = npt.NDArray[np.float64]


class Ended(NamedTuple):
    """Sessions that send no more, as columns, in the order in which ``plane/rules.py:put_down`` has them.

    Attributes:
        number: Their numbers.
        started_s: When they began.
        sent_s: When each sent its last request.
        ended_s: When that ended; NaN if the run ended before the session could send another.
        requests: Requests sent in the run, failed: those that failed.
        background: Breaks that nobody is behind.
        first, last: First and last container, -1 for none.
        broke_s, answered_s: When each was last answered without its state, and when at all; -inf for never.
        has_jar: Whether the client keeps cookies.
        born: The operation that had deleted the pod where it began, 0 for none.
    """

    number: Floats
    started_s: Floats
    sent_s: Floats
    ended_s: Floats
    requests: Floats
    failed: Floats
    background: Floats
    first: Floats
    last: Floats
    broke_s: Floats
    answered_s: Floats
    has_jar: Floats
    born: Floats


class Sessions:
    """The registry of live sessions.

    A session that has sent its last request stays until that request has ended, because a dying container may still
    cut it. After that the plane retires it; one of whom more is known than its columns say is purged here, lazily.

    Args:
        columns: The plane's.
        count: Takes sessions that have ended, with what is known of some beyond their columns, by place among them.

    Attributes:
        containers: The containers, by number.
        on_known: Called with a session when somebody asks for it the first time.
    """

    def __init__(
        self,
        columns: Columns,
        recorder: Recorder,
        count: Callable[[Ended, Mapping[int, Session], bool], None],
    ) -> None:
        self.columns = columns
        self.containers: list[Container] = []
        self._recorder = recorder
        self._count = count
        self._known: dict[int, Session] = {}
        self.on_known: Callable[[Session], None] = _nothing
        self._home: dict[int, int] = {}

    # Who is there -------------------------------------------------------------------------------------------------

    @property
    def sending(self) -> int:
        """How many sessions have not sent their last request."""
        number: int = self.columns.own.cells[SENDING]
        return number

    def at(self, place: int) -> Session:
        """Return the session that a place is a session's, or one of its tabs'."""
        place = self._home.get(place, place)
        session = self._known.get(place)
        if session is None:
            session = self._known[place] = Session(place, self.columns, self.containers)
            self.columns.ints[KNOWN][place] = 1
            self.on_known(session)
        return session

    def share(self, place: int, home: int) -> None:
        """Let a place be another tab of a session."""
        self._home[place] = home

    def named(self, numbers: Collection[int]) -> dict[int, Session]:
        """Return the live sessions with some numbers."""
        ints = self.columns.ints
        wanted, number, states = set(numbers), ints[NUMBER], ints[STATE]
        places = (place for place in range(ints.length) if number[place] in wanted)
        found = [place for place in places if states[place] in (LIVE, LEAVING) and place not in self._home]
        return {number[place]: self.at(place) for place in found}

    def alive(self, now_s: float) -> Iterator[Session]:
        """Iterate over the sessions with a request still open or still to come, in the order of their beginning."""
        self.purge(now_s)
        for place in self._present():
            yield self.at(place)

    def _present(self, among: Iterable[int] | None = None) -> list[int]:
        """Return the places of the sessions, or those among some, by the order of their beginning."""
        ints = self.columns.ints
        states, turns = ints[STATE], ints[TURN]
        places = range(ints.length) if among is None else among
        found = [place for place in places if states[place] in (LIVE, LEAVING) and place not in self._home]
        return sorted(found, key=lambda place: turns[place])

    def living_on(self, container: Container, now_s: float) -> list[int]:
        """Return the places of the sessions whose state is on a container."""
        self.purge(now_s)
        ints, index = self.columns.ints, container.index
        holders = ints[HOLDER]
        # First those few, for each pod of a large rollout asks.
        return self._present([place for place in range(ints.length) if holders[place] == index])

    def connected(self, now_s: float, node: Node) -> list[Session]:
        """Return the sessions whose connection goes through a node of the gateway."""
        alive = self.alive(now_s)
        return [session for session in alive if session.connection and session.connection.worker.node is node]

    # Leaving ------------------------------------------------------------------------------------------------------

    def _leaving(self) -> list[int]:
        own = self.columns.own.cells
        return list(self.columns.leaving.cells[: own[LEFT]])

    @property
    def last_end_s(self) -> float:
        """When the last of the requests of leaving sessions ends; 0 if there is none."""
        ended = self.columns.floats[ENDED]
        return max((ended[place] for place in self._leaving()), default=0.0)

    def _set_leaving(self, places: Sequence[int]) -> None:
        for at, place in enumerate(places):
            self.columns.leaving.cells[at] = place
        self.columns.own.cells[LEFT] = len(places)

    def is_leaving(self, place: int) -> bool:
        """Return whether a session has sent its last request."""
        state: int = self.columns.ints[STATE][place]
        return state == LEAVING

    def recall(self, place: int) -> None:
        """Take back that a session has left: the request that was to be the last is being cut."""
        columns = self.columns
        self._set_leaving([other for other in self._leaving() if other != place])
        columns.ints[STATE][place] = LIVE
        columns.own.cells[SENDING] += 1
        holder = columns.ints[HOLDER][place]
        if holder >= 0:
            self._recorder.moved(columns.floats[ENDED][place], NOWHERE, holder)

    def purge(self, now_s: float) -> None:
        """Let the sessions go whose last request has ended."""
        columns = self.columns
        own = columns.own.cells
        if not own[LEFT] and not own[RETIRED]:
            return
        columns.have_retired(own[LEFT])
        known = columns.run.retire_all(float(now_s), columns.state)
        if not known and not own[RETIRED]:
            return
        places = self._leaving()[:known]
        self._finish(places, unfinished=False)
        for place in places:
            self._let_go(place)
        columns.run.vacate_first(known, columns.state)

    def _let_go(self, place: int) -> None:
        """Forget what is known of a session, and let the places of its other tabs be nobody's."""
        known = self._known.pop(place)
        others = [] if known.tabs is None else known.tabs.places[1:]
        for other in others:
            del self._home[other]
            self.columns.run.vacate(other, self.columns.state)

    def close(self, now_s: float, is_over: Callable[[int], bool]) -> None:
        """End the run: count the sessions that are not over.

        Args:
            now_s: When that is.
            is_over: Says of a place whether its session has sent its last request; takes back what that did, if it has
                not been answered.
        """
        self.purge(now_s)
        present = self._present()
        done = {place: is_over(place) for place in present}
        columns = self.columns
        ints, ended = columns.ints, columns.floats[ENDED]
        for place, over in done.items():
            if not over:
                ended[place] = np.nan
        sent = [p for p in present if self._requests(p) or ints[HOLDER][p] >= 0]
        if sent:
            self._set_leaving(sent)
            columns.have_retired(len(sent))
            self._finish(sent, unfinished=True)

    def _requests(self, place: int) -> int:
        requests, known = self.columns.ints[REQUESTS], self._known.get(place)
        if known is not None and known.tabs is not None:
            tabs = known.tabs
            step, first = len(tabs.places), tabs.first_request
            return sum((requests[each] - first - tab) // step + 1 for tab, each in enumerate(tabs.places))
        sent: int = requests[place] - self.columns.ints[BEFORE][place]
        return sent

    def _answered_s(self, session: Session) -> float:
        """Return when a session that has ended was last answered."""
        if session.client is not None:
            return session.answered_s  # whoever holds a connection says what was a message
        ended, tabs = self.columns.floats[ENDED], session.tabs
        ends = {place: ended[place] for place in ([session.place] if tabs is None else tabs.places)}
        if tabs is not None and tabs.own_s is not None:
            ends[session.place] = tabs.own_s[1]
        answered = [at_s for place, at_s in ends.items() if session.failing.get(place, NO_FAILURE).ended_s != at_s]
        answered_s: float = max([session.answered_s, *answered])
        return answered_s

    def _finish(self, places: Sequence[int], *, unfinished: bool) -> None:
        """Count sessions that will send no more, and record them: those put down, and the first that have left.

        Args:
            places: Of these first ones.
            unfinished: Whether they were not over when the run ended.
        """
        columns = self.columns
        first = columns.own.cells[RETIRED]
        columns.run.put_down_first(len(places), columns.state)
        ended = Ended(*columns.take_retired())
        known = {first + at: self._known[place] for at, place in enumerate(places) if place in self._known}
        caused = np.zeros(len(ended.number))
        for at, session in known.items():
            caused[at] = session.breaks_caused
            ended.answered_s[at] = self._answered_s(session)
            if session.tabs is not None:
                ended.requests[at] = self._requests(session.place)
        self._count(ended, known, unfinished)
        row = (
            ended.number,
            ended.started_s,
            ended.ended_s,
            ended.requests,
            ended.failed,
            caused,
            ended.background,
            ended.has_jar,
            ended.first,
            ended.last,
            np.full(len(ended.number), float(unfinished)),
        )
        self._recorder.sessions(np.column_stack(row))


def _nothing(_: Session) -> None:
    """Nobody wants to know."""
