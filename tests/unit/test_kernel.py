"""The kernel module, and the behaviour of SimPy that it relies on."""

import inspect
import re
from collections.abc import Generator
from heapq import heappop
from typing import Any

import pytest
import simpy
from simpy.core import Environment

from simsticky.sim.kernel import Phase, Tick, Wait, arm, call_at, disarm


def test_simpy_queue_holds_time_priority_number_event() -> None:
    """Protects the re-armed tick from another layout of SimPy's queue."""
    env = simpy.Environment()
    timeout = env.timeout(3.0)
    assert heappop(env._queue) == (3.0, simpy.events.NORMAL, 0, timeout)
    assert next(env._eid) == 1


def test_simpy_step_needs_only_callbacks_and_ok() -> None:
    """Protects Tick: SimPy takes the callbacks, calls each with the event, and asks for `_ok`, nothing else."""

    class Bare:
        __slots__ = ("callbacks",)
        _ok = True

    env, seen = simpy.Environment(), list[Any]()
    bare = Bare()
    bare.callbacks = (seen.append, seen.append)
    env._queue.append((1.5, 7, next(env._eid), bare))
    env.step()
    assert env.now == 1.5
    assert seen == [bare, bare]
    assert bare.callbacks is None


def test_simpy_step_reads_no_other_attribute_of_an_event() -> None:
    """Protects against a new SimPy that asks an event for more: the source of step names what it touches."""
    touched = set(re.findall(r"\bevent\.(\w+)", inspect.getsource(Environment.step)))
    # The last two only of an event that failed, which a tick never does.
    assert touched <= {"callbacks", "_ok", "_defused", "_value"}


def test_simpy_urgent_comes_before_every_phase() -> None:
    """Protects process starts: they happen before anything else at their instant."""
    assert simpy.events.URGENT == 0
    assert sorted(Phase)[0] == 1


def test_tick_runs_again_and_again() -> None:
    """Protects the re-arming: one object, many events, in the phase of sends."""
    env, times = simpy.Environment(), list[float]()
    tick = Tick()

    def again(event: Any) -> None:
        assert event is tick
        times.append(env.now)
        if len(times) < 4:
            arm(env, tick, env.now + 2.0, (again,))

    arm(env, tick, 1.0, (again,))
    assert env._queue[0][:2] == (1.0, Phase.SEND)
    env.run()
    assert times == [1.0, 3.0, 5.0, 7.0]
    assert next(env._eid) == 4


def test_disarmed_tick_does_nothing_and_costs_nothing() -> None:
    """Protects cancellation: the event stays in the queue, empty, and another may be armed in its place."""
    env, seen = simpy.Environment(), list[float]()
    tick, other = Tick(), Tick()
    arm(env, tick, 1.0, (lambda _: seen.append(env.now),))
    disarm(tick)
    arm(env, other, 2.0, (lambda _: seen.append(env.now),))
    env.run()
    assert seen == [2.0]


def test_call_at_calls_once_at_its_phase() -> None:
    """Protects call_at, also with a delay of 0 during the same instant."""
    env, seen = simpy.Environment(), list[tuple[float, str]]()

    def operation() -> None:
        seen.append((env.now, "operation"))
        call_at(env, 0.0, Phase.STATUS, lambda: seen.append((env.now, "status")))

    call_at(env, 4.0, Phase.SEND, lambda: seen.append((env.now, "send")))
    call_at(env, 4.0, Phase.OPERATION, operation)
    env.run()
    assert seen == [(4.0, "operation"), (4.0, "status"), (4.0, "send")]


def test_wait_is_yielded_by_a_process_and_ordered_by_phase() -> None:
    """Protects processes: of two that wait for the same moment the earlier phase goes on first."""
    env, seen = simpy.Environment(), list[str]()

    def process(name: str, phase: Phase) -> Generator[Wait, Any, None]:
        yield Wait(env, 1.0, phase)
        yield Wait(env, 1.0, phase)
        seen.append(f"{name} {env.now}")

    env.process(process("push", Phase.PUSH))
    env.process(process("container", Phase.CONTAINER))
    env.run()
    assert seen == ["container 2.0", "push 2.0"]


def test_wait_refuses_the_past() -> None:
    """Protects the clock: nothing can be scheduled before now."""
    with pytest.raises(ValueError, match="negative delay -1"):
        Wait(simpy.Environment(), -1.0, Phase.PUSH)
