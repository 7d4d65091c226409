"""The registry of the sessions that are alive."""

from collections.abc import Callable, Iterator

import numpy as np

from simsticky.recording.recorder import Recorder
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.nodes import Node
from simsticky.sim.plane.session import RunOver, Session

_PURGE_AT = 64
"""Leaving sessions at which those that have left are let go: soon enough for their memory to be used again at once."""


class Sessions:
    """The registry of live sessions.

    A session that has sent its last request stays until that request has ended, because a dying container may still
    cut it; such sessions are purged lazily.
    """

    def __init__(self, recorder: Recorder, count: Callable[[Session, float, float, bool], None]) -> None:
        """Start empty; ``count`` takes each session that has ended, see :class:`simsticky.sim.clients.tally.Tally`."""
        self._recorder = recorder
        self._count = count
        self._live: dict[int, Session] = {}
        self._leaving: list[tuple[float, int, float, int, Container | None]] = []
        self.sending = 0

    def __getitem__(self, number: int) -> Session:
        """Return a live session."""
        return self._live[number]

    def admit(self, session: Session) -> None:
        """Add a session that is about to send its first request."""
        self._live[session.id] = session
        self.sending += 1

    def knows(self, session: Session) -> bool:
        """Return whether a session has been admitted and has not left."""
        return self._live.get(session.id) is session

    def leave(self, session: Session, last_sent_s: float, ended_s: float, requests: int) -> None:
        """The session has sent its last request, which ends at ``ended_s`` unless it is cut."""
        self.sending -= 1
        if len(self._leaving) >= _PURGE_AT:
            self.purge(last_sent_s)  # before this session joins them: it is its own loop that is calling
        self._leaving.append((ended_s, session.id, last_sent_s, requests, session.holder))
        if session.holder is not None:
            session.holder.let_go(ended_s)
            self._recorder.residence.extend((ended_s, session.holder.index, -1.0))

    def recall(self, session: Session) -> None:
        """Take back :meth:`leave`: the request that was to be the last has been cut."""
        self.sending += 1
        for entry in self._leaving:
            if entry[1] == session.id:
                self._leaving.remove(entry)
                left = entry[-1]  # not the session's holder: what the cut request did to it has been undone by now
                if left is not None:
                    self._recorder.residence.extend((entry[0], left.index, 1.0))
                return

    @property
    def last_end_s(self) -> float:
        """When the last of the requests of leaving sessions ends; 0 if there is none."""
        return max((entry[0] for entry in self._leaving), default=0.0)

    def purge(self, now_s: float) -> None:
        """Let the sessions go whose last request has ended."""
        leaving, self._leaving = self._leaving, []
        for entry in leaving:
            ended_s, number, last_sent_s, requests, _ = entry
            if ended_s > now_s:
                self._leaving.append(entry)
            else:
                self._finish(self._live.pop(number), last_sent_s, ended_s, requests, unfinished=False)

    def connected(self, now_s: float, node: Node) -> list[Session]:
        """Return the sessions whose connection goes through a node of the gateway."""
        alive = self.alive(now_s)
        return [session for session in alive if session.connection and session.connection.worker.node is node]

    def alive(self, now_s: float) -> Iterator[Session]:
        """Iterate over the sessions with a request still open or still to come."""
        self.purge(now_s)
        yield from self._live.values()

    def close(self, now_s: float) -> None:
        """End the run: all sessions that are not over report themselves through :class:`RunOver`."""
        self.purge(now_s)
        self._leaving.clear()
        for session in list(self._live.values()):
            for loop in [session.loop] if session.tabs is None else session.tabs.loops:
                loop.throw(RunOver())

    def report(self, session: Session, last_sent_s: float, ended_s: float, requests: int) -> None:
        """Record a session that is not over when the run is; ``ended_s`` is NaN where it would send again."""
        if session.tabs is not None:
            reports = session.tabs.reports
            reports.append((last_sent_s, ended_s, requests))
            if len(reports) < len(session.tabs.loops):
                return
            last_sent_s, requests = max(entry[0] for entry in reports), sum(entry[2] for entry in reports)
            # NaN, if any tab would send again.
            ended_s = float(np.max([entry[1] for entry in reports]))
        if requests or session.holder is not None:
            self._finish(session, last_sent_s, ended_s, requests, unfinished=True)

    def _finish(self, session: Session, last_sent_s: float, ended_s: float, requests: int, *, unfinished: bool) -> None:
        """Count a session that will send no more, and record it."""
        if not unfinished:
            # The loop refers to itself; its end lets go of the session at once, without the garbage collector.
            for loop in (session.loop,) if session.tabs is None else session.tabs.loops:
                next(loop, None)
        self._count(session, last_sent_s, ended_s, unfinished)
        self._recorder.session(
            (
                session.id,
                session.started_s,
                ended_s,
                requests,
                session.failed,
                session.breaks_caused,
                session.breaks_background,
                session.jar,
                session.first_container,
                session.holder.index if session.holder is not None else -1,
                unfinished,
            )
        )
