"""Time: the order of events at one instant, and the two ways of waiting that the model uses.

SimPy orders its queue by ``(time, priority, sequence number)``. The model uses the priority as the *phase* of an
instant (rule T1 of docs/model.md), so that simultaneous events happen in an order a person can reason about.

Sends are the last phase. They have a queue of their own, in the plane (``sim/plane``): before each event of SimPy's the
clock lets the plane make all sends that come before it. That touches ``Environment._queue`` and ``Environment._eid``;
``tests/unit/test_clock.py`` pins the behaviour of SimPy it relies on, and ``pyproject.toml`` pins the major version.
"""

from collections.abc import Callable
from enum import IntEnum
from heapq import heappush
from typing import Any, Protocol

import simpy
from simpy.core import SimTime
from simpy.events import NORMAL, Event, EventPriority

INFINITY = float("inf")


class Phase(IntEnum):
    """What happens first at one instant; SimPy's own urgent events (0) start processes before all of it."""

    COMPLETION = 1
    CONTAINER = 2
    STATUS = 3
    CONTROLLER = 4
    PUSH = 5
    OPERATION = 6
    SEND = 7


class Wait(Event):
    """A point in time at a phase, to be yielded by a process: ``yield Wait(env, 3.0, Phase.STATUS)``."""

    def __init__(self, env: simpy.Environment, delay_s: float, phase: Phase) -> None:
        """Schedule the event ``delay_s`` seconds from now.

        Raises:
            ValueError: ``delay_s`` is negative.
        """
        if delay_s < 0:
            raise ValueError(f"negative delay {delay_s}")
        super().__init__(env)
        self._ok = True
        self._value = None
        env.schedule(self, EventPriority(phase), delay_s)


def call_at(env: simpy.Environment, delay_s: float, phase: Phase, action: Callable[[], None]) -> None:
    """Call ``action`` once, ``delay_s`` seconds from now, at a phase of that instant."""
    wait = Wait(env, delay_s, phase)
    assert wait.callbacks is not None
    wait.callbacks.append(lambda _: action())


Place = tuple[Any, ...]
"""Orders what happens at one phase of one instant: when it was scheduled, and what else came first then."""


def place_of(since_s: float, phase: Phase, rank: tuple[float, ...]) -> Place:
    """Return the place of what would have been scheduled at a phase of ``since_s``, ranked among its like."""
    return since_s, phase, rank


def call_on(clock: "Clock", at_s: float, phase: Phase, action: Callable[[], None], place: Place) -> None:
    """Call ``action`` once at a phase of ``at_s``, as if it had been scheduled at another time than now.

    What waits step by step for one moment after the other need not be called at those where nothing happens, and yet
    takes its place at the next as if it had been.

    Args:
        clock: The clock.
        at_s: When, to the last bit: now and a delay may add up to another time.
        phase: The phase of that instant.
        action: What to call.
        place: From :func:`place_of`, or kept from :meth:`Clock.place`.

    Raises:
        ValueError: ``at_s`` is in the past.
    """
    event = Event(clock)
    event._ok, event._value = True, None
    assert event.callbacks is not None
    event.callbacks.append(lambda _: action())
    clock.schedule_on(event, phase, at_s, place)


def call_on_completion(clock: "Clock", at_s: float, action: Callable[[], None]) -> None:
    """Call ``action`` once before all else of a moment."""
    call_on(clock, at_s, Phase.COMPLETION, action, clock.place())


_FIRST = (-INFINITY,)
"""The rank of what has been scheduled: before what only would have been, in the same phase."""


class Sends(Protocol):
    """Who makes the sends."""

    @property
    def next_s(self) -> float:
        """When the next send is due; inf if none is."""

    def advance(self, until_s: float) -> None:
        """Make sends strictly before a time, until all are made or an event has been scheduled."""


class NoSends:
    """Nobody sends anything."""

    next_s = INFINITY

    def advance(self, until_s: float) -> None:
        """Make no sends."""


class Clock(simpy.Environment):
    """SimPy's environment, which lets sends be made between its events.

    Attributes:
        sends: Who makes them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sends: Sends = NoSends()
        self.scheduled = 0
        self._in_event = True
        self._reached_s, self._reached = 0.0, 0

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: SimTime = 0) -> None:
        """Put an event into SimPy's queue, as SimPy does."""
        self.schedule_on(event, priority, self._now + delay)

    def schedule_on(self, event: Event, priority: int, at_s: float, place: Place | None = None) -> None:
        """Put an event into SimPy's queue, in order of time and priority, then of place: that of now, if none is given.

        Raises:
            ValueError: ``at_s`` is in the past.
        """
        if at_s < self._now:
            raise ValueError(f"{at_s} is before now, {self._now}")
        entry = at_s, priority, self.place() if place is None else (*place, next(self._eid)), event
        self.scheduled += 1
        heappush(self._queue, entry)  # type: ignore[misc]  # anything orders them
        if not self._in_event:
            self._reach(Phase.SEND)

    def has_passed(self, phase: Phase) -> bool:
        """Return whether all that was to happen at ``phase`` of this instant has happened."""
        return not self._in_event or self._reached > phase

    def _reach(self, phase: int) -> None:
        """Note how far this instant has come; what an event does in an earlier phase of it does not turn it back."""
        self._reached = max(phase, self._reached) if self._reached_s == self._now else phase
        self._reached_s = self._now

    def place(self) -> Place:
        """Return the place of what is scheduled now; no two are equal."""
        reached = self._reached if self._reached_s == self._now and self._in_event else Phase.SEND
        return self._now, reached, _FIRST, next(self._eid)

    def be_at(self, now_s: float) -> None:
        """Let it be the time of a send."""
        self._now = now_s

    def step(self) -> None:
        """Make all sends before the next event, then process that event.

        Raises:
            simpy.core.EmptySchedule: Nothing is left to wait for.
        """
        self._in_event = False
        sends, queue = self.sends, self._queue
        until_s = queue[0][0] if queue else INFINITY
        while sends.next_s < until_s:
            sends.advance(until_s)
            until_s = queue[0][0] if queue else INFINITY
        self._in_event = True
        if queue:
            self._now = self._queue[0][0]
            self._reach(self._queue[0][1])
        super().step()
        self._in_event = False
