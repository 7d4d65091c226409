"""Time: the order of events at one instant, and the two ways of waiting that the model uses.

SimPy orders its queue by ``(time, priority, sequence number)``. The model uses the priority as the *phase* of an
instant (rule T1 of docs/model.md), so that simultaneous events happen in an order a person can reason about.

The hot path re-arms one :class:`Tick` per live session instead of building a ``Timeout`` for every request. Ticks are
in the last phase and have a queue of their own (docs/decisions/0003). That touches ``Environment._queue`` and
``Environment._eid``; ``tests/unit/test_clock.py`` pins the behaviour of SimPy it relies on, and ``pyproject.toml``
pins the major version.
"""

from collections.abc import Callable
from enum import IntEnum
from heapq import heapify, heappop, heappush, heapreplace
from typing import Any

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


class Tick:
    """A re-armable event: when its time comes, its session's loop goes on.

    Attributes:
        resume: Called with the time. Where it returns a later time, the tick comes again then; None where the loop has
            armed a tick itself, or waits for nothing.
    """

    __slots__ = ("resume",)
    resume: Callable[[float], float | None]

    def disarm(self) -> "Tick":
        """Empty a pending tick, which stays in its queue and does nothing there; return another in its place."""
        other = Tick()
        other.resume, self.resume = self.resume, _nothing
        return other


def _nothing(_: float) -> None:
    """What an empty tick does."""


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


_FIRST = (-INFINITY,)
"""The rank of what has been scheduled: before what only would have been, in the same phase."""


class _Stop(Exception):  # noqa: N818  # a signal, not an error
    """The awaited event has been processed."""


class Clock(simpy.Environment):
    """SimPy's environment with a second queue beside its own: that of the ticks, in the phase of sends.

    ``run`` is SimPy's own with ``step`` written out, and with ticks after the events of the same instant: a call less
    per event, a smaller entry for each, and a tick that comes again takes its old place in its queue in one operation
    (docs/decisions/0003). ``step`` and ``peek`` do not know ticks.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ticks: list[tuple[float, int, Tick]] = []
        self._armed = self._scheduled = 0
        self._next_event_s = INFINITY
        self._in_event = True
        self._reached_s, self._reached = 0.0, 0

    def count_events(self) -> int:
        """Return how many events both queues have been given."""
        return self._armed + self._scheduled

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
        self._scheduled += 1
        heappush(self._queue, entry)  # type: ignore[misc]  # anything orders them
        self._next_event_s = self._queue[0][0]
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

    def arm(self, tick: Tick, at_s: float) -> None:
        """Let a tick come at ``at_s``.

        Raises:
            ValueError: That is in the past.
        """
        if at_s < self._now:
            raise ValueError(f"{at_s} is before now, {self._now}")
        self._armed += 1
        heappush(self._ticks, (at_s, self._armed, tick))

    def arm_completion(self, tick: Tick, at_s: float) -> None:
        """Let a tick come at ``at_s`` before everything else of that instant."""
        self._scheduled += 1
        heappush(self._queue, (at_s, Phase.COMPLETION, self.place(), tick))  # type: ignore[misc]  # for an Event
        self._next_event_s = self._queue[0][0]

    def run(self, until: Event) -> None:  # type: ignore[override]  # of what SimPy takes, an event is all we need
        """Run until an event has been processed.

        An event that fails and that nobody defused ends the run with its exception, as in SimPy.

        Raises:
            RuntimeError: There is nothing left to wait for.
        """

        def stop(_: Event) -> None:
            raise _Stop

        assert until.callbacks is not None
        until.callbacks.append(stop)
        ticks = self._ticks
        end = (INFINITY, 0, Tick())  # so that there always is a tick to look at
        ticks.append(end)
        self._in_event = False
        try:
            while True:
                now_s, _, tick = ticks[0]
                if self._next_event_s <= now_s:
                    self._process_event()
                    continue
                self._now = now_s
                # A step of its own: Python calls what it has read from a slot faster than a method.
                resume = tick.resume
                again_s = resume(now_s)
                if again_s is None:
                    heappop(ticks)
                else:
                    self._armed = number = self._armed + 1
                    heapreplace(ticks, (again_s, number, tick))
        except _Stop:
            return
        finally:
            ticks.remove(end)
            heapify(ticks)

    def _process_event(self) -> None:
        """Do with the next event what ``Environment.step`` does."""
        event: Any
        queue = self._queue
        if not queue:
            raise RuntimeError("nothing is left to wait for")
        self._now, phase, _, event = heappop(queue)
        self._next_event_s = queue[0][0] if queue else INFINITY
        self._in_event = True
        self._reach(phase)
        if type(event) is Tick:
            again_s = event.resume(self._now)
            if again_s is not None:
                self.arm(event, again_s)
            self._in_event = False
            return
        callbacks, event.callbacks = event.callbacks, None
        for callback in callbacks:
            callback(event)
        self._in_event = False
        if not event._ok and not hasattr(event, "_defused"):
            raise event._value
