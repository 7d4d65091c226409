"""Time: the order of events at one instant, and the two ways of waiting that the model uses.

SimPy orders its queue by ``(time, priority, sequence number)``. The model uses the priority as the *phase* of an
instant (rule T1 of docs/model.md), so that simultaneous events happen in an order a person can reason about.

The hot path re-arms one :class:`Tick` per live session instead of building a ``Timeout`` for every request. That
touches ``Environment._queue`` and ``Environment._eid``; ``tests/unit/test_kernel.py`` pins the behaviour of SimPy
it relies on, and ``pyproject.toml`` pins the major version.
"""

from collections.abc import Callable, Iterable
from enum import IntEnum
from heapq import heappop, heappush
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
    """A re-armable event: SimPy's step needs no more of an event than ``callbacks`` and ``_ok``."""

    __slots__ = ("callbacks",)
    _ok = True
    callbacks: Iterable[Callable[[Any], Any]] | None

    def __init__(self) -> None:
        """Make a tick that is not armed."""
        self.callbacks = None


def arm(
    env: simpy.Environment,
    tick: Tick,
    at_s: float,
    callbacks: Iterable[Callable[[Any], Any]],
    phase: Phase = Phase.SEND,
) -> None:
    """Put ``tick`` into the queue at ``at_s``, in the phase of sends or another.

    The loop of ``sim/clients.py`` has these two lines inlined; this is the readable form for everyone else.
    """
    tick.callbacks = callbacks
    heappush(env._queue, (at_s, phase, next(env._eid), tick))  # type: ignore[misc]  # a Tick stands for an Event


def disarm(tick: Tick) -> None:
    """Empty a pending tick: it stays in the queue and does nothing when its time comes."""
    tick.callbacks = ()


def call_at(env: simpy.Environment, delay_s: float, phase: Phase, action: Callable[[], None]) -> None:
    """Call ``action`` once, ``delay_s`` seconds from now, at a phase of that instant."""
    wait = Wait(env, delay_s, phase)
    assert wait.callbacks is not None
    wait.callbacks.append(lambda _: action())


class _Stop(Exception):  # noqa: N818  # a signal, not an error
    """The awaited event has been processed."""


def run(env: simpy.Environment, until: Event) -> None:
    """Run the clock until an event has been processed.

    This is ``Environment.run`` with ``Environment.step`` written out: a call less per event (docs/decisions/0003).
    An event that fails and that nobody defused ends the run with its exception, as in SimPy.
    """

    def stop(_: Event) -> None:
        raise _Stop

    assert until.callbacks is not None
    until.callbacks.append(stop)
    clock: Any = env
    queue = clock._queue
    try:
        while True:
            clock._now, _, _, event = heappop(queue)
            callbacks, event.callbacks = event.callbacks, None
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value
    except _Stop:
        return
