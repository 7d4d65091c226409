"""Time: the order of events at one instant, and the two ways of waiting that the model uses.

SimPy orders its queue by ``(time, priority, sequence number)``. The model uses the priority as the *phase* of an
instant (rule T1 of docs/model.md), so that simultaneous events happen in an order a person can reason about.

The hot path re-arms one :class:`Tick` per live session instead of building a ``Timeout`` for every request. That
touches ``Environment._queue`` and ``Environment._eid``; ``tests/unit/test_kernel.py`` pins the behaviour of SimPy
it relies on, and ``pyproject.toml`` pins the major version.
"""

from collections.abc import Callable
from enum import IntEnum
from heapq import heapify, heappop, heappush, heapreplace
from typing import Any

import simpy
from simpy.events import Event, EventPriority


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
    """A re-armable event, for :func:`run` only: when its time comes, its session's loop goes on.

    Attributes:
        resume: Called with the time. Where it returns a later time, the tick comes again then, in the phase of sends;
            None where the loop has armed a tick itself, or waits for nothing.
    """

    __slots__ = ("resume",)
    resume: Callable[[float], float | None]


def arm(env: simpy.Environment, tick: Tick, at_s: float, phase: Phase = Phase.SEND) -> None:
    """Put ``tick`` into the queue at ``at_s``, in the phase of sends or another."""
    heappush(env._queue, (at_s, phase, next(env._eid), tick))  # type: ignore[misc]  # stands for an Event


def disarm(tick: Tick) -> Tick:
    """Empty a pending tick: it stays in the queue and does nothing when its time comes; return another in its place."""
    other = Tick()
    other.resume, tick.resume = tick.resume, _nothing
    return other


def _nothing(_: float) -> None:
    """What an empty tick does."""


def call_at(env: simpy.Environment, delay_s: float, phase: Phase, action: Callable[[], None]) -> None:
    """Call ``action`` once, ``delay_s`` seconds from now, at a phase of that instant."""
    wait = Wait(env, delay_s, phase)
    assert wait.callbacks is not None
    wait.callbacks.append(lambda _: action())


class _Stop(Exception):  # noqa: N818  # a signal, not an error
    """The awaited event has been processed."""


def run(env: simpy.Environment, until: Event) -> None:
    """Run the clock until an event has been processed.

    This is ``Environment.run`` with ``Environment.step`` written out, and with ticks beside events: a call less per
    event, and a tick that comes again takes its old place in the queue in one operation (docs/decisions/0003).
    An event that fails and that nobody defused ends the run with its exception, as in SimPy.
    """

    def stop(_: Event) -> None:
        raise _Stop

    assert until.callbacks is not None
    until.callbacks.append(stop)
    clock: Any = env
    queue, next_id, send_phase = clock._queue, clock._eid.__next__, int(Phase.SEND)
    try:
        while True:
            entry = queue[0]
            now_s, _, _, event = entry
            clock._now = now_s
            if type(event) is Tick:
                again_s = event.resume(now_s)
                if queue[0] is not entry:
                    # What the tick has put into an earlier phase of this instant stands before it.
                    queue.remove(entry)
                    heapify(queue)
                    if again_s is not None:
                        heappush(queue, (again_s, send_phase, next_id(), event))
                elif again_s is None:
                    heappop(queue)
                else:
                    heapreplace(queue, (again_s, send_phase, next_id(), event))
                continue
            heappop(queue)
            callbacks, event.callbacks = event.callbacks, None
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value
    except _Stop:
        return
