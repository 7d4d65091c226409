"""The end of sessions: a client lets go of its session at its last send, and takes that back if the request is cut."""

from collections.abc import Callable

from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import COMING, ENDED, GONE, OPEN, SENT_AT, STATE
from simsticky.sim.sessions.registry import Sessions
from simsticky.sim.sessions.session import Session

PAUSE_AFTER_FAILURE_S = 1.0
"""A client of a closed population waits at least this long after a failure that ended its session, or that came at once
where it never stops and thinks 0 s (rule C4)."""


class Departures:
    """Lets sessions go, and says when none sends any more.

    Args:
        sessions: The live sessions.
        on_idle: Called when no session sends any more after :meth:`close`.

    Attributes:
        succeed: Begins a client's next session from a time on, by the place of the one before, and returns its place;
            None where sessions do not follow one another.
    """

    def __init__(self, columns: Columns, sessions: Sessions, on_idle: Callable[[], None]) -> None:
        self._columns = columns
        self._sessions = sessions
        self._on_idle = on_idle
        self._successors: dict[int, int] = {}
        self.succeed: Callable[[int, float], int | None] | None = None

    @property
    def open(self) -> bool:
        """Whether sessions may begin."""
        return bool(self._columns.own.cells[OPEN])

    def close(self) -> None:
        """Let no more sessions begin; a second time it does nothing."""
        if not self.open:
            return
        self._columns.own.cells[OPEN] = 0
        if not self._sessions.sending:
            self._on_idle()

    def leave(self, session: Session, place: int, after_s: float) -> None:
        """Let a session go that has sent its last request: the last of its tabs, if it has several.

        Args:
            session: The session.
            place: The place of the tab.
            after_s: The time from which on the client's next session may begin.
        """
        columns, tabs = self._columns, session.tabs
        if tabs is not None:
            tabs.left -= 1
            if tabs.left:
                return
            self.gather_tabs(session)
        ended_s = columns.floats[ENDED][session.place]
        after_s = max(after_s, ended_s)
        if session.holder is not None:
            session.holder.let_go(ended_s)
        columns.run.leave(session.place, ended_s, columns.state)
        self.left(session.place, after_s)

    def left(self, place: int, after_s: float) -> None:
        """Go on where a session has been let go of."""
        if self.succeed is not None:
            self._successors.pop(place, None)
            successor = self.succeed(place, after_s)
            if successor is not None:
                self._successors[place] = successor
        if not self.open and not self._sessions.sending:
            self._on_idle()

    def gather_tabs(self, session: Session) -> None:
        """Let the place of a session have the latest sending and end of all its tabs."""
        floats, place, tabs = self._columns.floats, session.place, session.tabs
        assert tabs is not None
        self.part_tabs(session)
        tabs.own_s = floats[SENT_AT][place], floats[ENDED][place]
        for field in (SENT_AT, ENDED):
            floats[field][place] = max(floats[field][each] for each in tabs.places)

    def part_tabs(self, session: Session) -> None:
        """Let the place of a session have its own tab's latest sending and end again."""
        floats, place, tabs = self._columns.floats, session.place, session.tabs
        if tabs is not None and tabs.own_s is not None:
            floats[SENT_AT][place], floats[ENDED][place] = tabs.own_s
            tabs.own_s = None

    def recall(self, session: Session, place: int) -> None:
        """Take back :meth:`leave`, if it was the session's last request, or its tab's, that is being cut."""
        if session.tabs is not None:
            session.tabs.left += 1
        if self._sessions.is_leaving(session.place):
            self._sessions.recall(session.place)
            self.part_tabs(session)
            successor = self._successors.pop(session.place, None)
            states = self._columns.ints[STATE]
            if successor is not None and states[successor] == COMING:
                states[successor] = GONE
