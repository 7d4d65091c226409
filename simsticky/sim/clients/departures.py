"""The end of sessions: a client lets go of its session at its last send, and takes that back if the request is cut."""

from collections.abc import Callable

from simsticky.sim.plane.session import Session
from simsticky.sim.plane.sessions import Sessions

Successor = Callable[[float], Session | None]
"""Called with the time from which on a client of a closed population may begin again; returns its next session."""


PAUSE_AFTER_FAILURE_S = 1.0
"""A client of a closed population waits at least this long after a failure that ended its session, or that came at once
where it never stops and thinks 0 s (rule C4)."""


class Departures:
    """Lets sessions go, and says when none sends any more.

    Args:
        sessions: The live sessions.
        on_idle: Called when no session sends any more after :meth:`close`.

    Attributes:
        open: Whether sessions may begin.
    """

    def __init__(self, sessions: Sessions, on_idle: Callable[[], None]) -> None:
        self._sessions = sessions
        self._on_idle = on_idle
        self.open = True

    def close(self) -> None:
        """Let no more sessions begin; a second time it does nothing."""
        if not self.open:
            return
        self.open = False
        if not self._sessions.sending:
            self._on_idle()

    def leave(
        self, session: Session, now_s: float, ended_s: float, sent: int, on_end: Successor | None, after_s: float
    ) -> None:
        """Let a session go that has sent its last request: the last of its tabs, if it has several.

        Args:
            session: The session.
            now_s: When it sent that request.
            ended_s: When that will be answered, unless it is cut.
            sent: How many requests it has sent, or its tab.
            on_end: Begins the client's next session, if there is to be one.
            after_s: The time from which on it may begin.
        """
        tabs = session.tabs
        if tabs is not None:
            tabs.left -= 1
            tabs.sent = sent = tabs.sent + sent
            tabs.ended_s = ended_s = max(tabs.ended_s, ended_s)
            if tabs.left:
                return
            after_s = max(after_s, ended_s)
        self._sessions.leave(session, now_s, ended_s, sent)
        if on_end is not None:
            session.successor = on_end(after_s)
        if not self.open and not self._sessions.sending:
            self._on_idle()

    def recall(self, session: Session, sent: int) -> None:
        """Take back :meth:`leave`: the last request was cut, so the client is not done at the time foreseen."""
        if session.tabs is not None:
            session.tabs.left += 1
            session.tabs.sent -= sent
            if session.tabs.left > 1:
                return
        self._sessions.recall(session)
        if session.successor is not None:
            session.successor.withdrawn = True
