"""The plane between SimPy's events: makes the sends up to a time, and has whoever it stops for do their part."""

from collections.abc import Callable

from simsticky.sim.clock import Clock
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import (
    ENOUGH,
    GO_ON,
    LIVE,
    PICKED,
    SENT_AT,
    STATE,
    STOP_FULL,
    STOP_IDLE,
    STOP_LAST,
    STOP_SUCCESSOR,
    STOP_TIME,
    TURN_OF,
)
from simsticky.sim.plane.rules import slow_turn

_AFTER_SEND = (STOP_SUCCESSOR, STOP_IDLE, STOP_LAST)
"""Stops that come after a send; all others come before the next."""


class Plane:
    """The data plane of one run.

    Args:
        clock: The clock, which is set to the time of whatever is served.
        columns: The plane's state.
        serve: Does what the plane has stopped for: the reason, the place of the session, and the time.

    Attributes:
        on_time: Is told the time now and then, in seconds; nobody by default.
    """

    def __init__(self, clock: Clock, columns: Columns, serve: Callable[[int, int, float], None]) -> None:
        self._clock = clock
        self._columns = columns
        self._serve = serve
        self._queues = columns.queues
        self.on_time: Callable[[float], None] | None = None

    @property
    def next_s(self) -> float:
        """When the next send is due; inf if none is."""
        return self._queues.next_s

    def advance(self, until_s: float) -> None:
        """Make sends strictly before a time, until all are made or an event has been scheduled."""
        clock, columns, queues, rows = self._clock, self._columns, self._queues, self._columns.rows
        ints, own, rules = columns.ints, columns.own.cells, columns.rules.cells
        scheduled, until_s = clock.scheduled, float(until_s)
        while clock.scheduled == scheduled:
            now_s, place = queues.next_send()
            stop = GO_ON
            if now_s < until_s and ints[STATE][place] == LIVE and rows.written < rules[ENOUGH]:
                # What is irregular for sure is not worth the way into the loop, which reads much before its first send.
                stop, own[PICKED] = slow_turn(place, ints, rules), -1
            if stop == GO_ON:
                stop = columns.advance(until_s)
                if stop == STOP_TIME:
                    return
                place = own[TURN_OF]
                # Full after a session has left: the next send may be due after what happens next.
                now_s = columns.floats[SENT_AT][place] if stop in _AFTER_SEND else min(queues.next_s, until_s)
            clock.be_at(now_s)
            self._serve(stop, place, now_s)
            if stop == STOP_FULL and self.on_time is not None:
                self.on_time(now_s)
