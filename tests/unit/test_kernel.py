"""The kernel module, and the behaviour of SimPy that it relies on."""

import inspect
import re
from collections.abc import Generator
from heapq import heappop
from typing import Any

import pytest
import simpy
from simpy.core import Environment

from simsticky.sim.kernel import Phase, Tick, Wait, arm, call_at, disarm, run


def test_simpy_queue_holds_time_priority_number_event() -> None:
    """Protects the re-armed tick from another layout of SimPy's queue."""
    env = simpy.Environment()
    timeout = env.timeout(3.0)
    assert heappop(env._queue) == (3.0, simpy.events.NORMAL, 0, timeout)
    assert next(env._eid) == 1


def test_simpy_step_reads_no_other_attribute_of_an_event() -> None:
    """Protects the step written out: a new SimPy may ask an event for more; the source names what it touches."""
    touched = set(re.findall(r"\bevent\.(\w+)", inspect.getsource(Environment.step)))
    assert touched <= {"callbacks", "_ok", "_defused", "_value"}


def test_simpy_urgent_comes_before_every_phase() -> None:
    """Protects process starts: they happen before anything else at their instant."""
    assert simpy.events.URGENT == 0
    assert sorted(Phase)[0] == 1


def _run_until(env: simpy.Environment, end_s: float) -> None:
    end = env.event()
    call_at(env, end_s, Phase.SEND, end.succeed)
    run(env, end)


def test_tick_comes_again_when_it_says() -> None:
    """Protects the re-arming: one object, many events, in the phase of sends, each with a number of its own."""
    env, times = simpy.Environment(), list[tuple[float, float]]()
    tick = Tick()

    def again(now_s: float) -> float | None:
        times.append((now_s, env.now))
        return now_s + 2.0 if len(times) < 4 else None

    tick.resume = again
    arm(env, tick, 1.0)
    assert env._queue[0][:2] == (1.0, Phase.SEND)
    _run_until(env, 20.0)
    assert times == [(1.0, 1.0), (3.0, 3.0), (5.0, 5.0), (7.0, 7.0)]
    assert env.now == 20.0
    # Four ticks, the end's Wait and the end.
    assert next(env._eid) == 6


@pytest.mark.parametrize("again_s", [None, 3.0])
def test_tick_that_is_overtaken_at_its_own_instant_comes_once(again_s: float | None) -> None:
    """Protects the queue: what a tick puts into an earlier phase of this instant stands before it, and only it goes."""
    env, seen = simpy.Environment(), list[tuple[str, float]]()
    ticks = [Tick() for _ in range(3)]

    def resume(now_s: float) -> float | None:
        seen.append(("tick", now_s))
        if now_s == 3.0:
            return None
        call_at(env, 0.0, Phase.STATUS, lambda: seen.append(("status", float(env.now))))
        return again_s

    ticks[0].resume = resume
    for number, other in enumerate(ticks[1:]):
        other.resume = lambda now_s, name=f"other {number}": seen.append((name, now_s))
    for tick in ticks:
        arm(env, tick, 1.0)
    _run_until(env, 9.0)
    last = [] if again_s is None else [("tick", again_s)]
    assert seen == [("tick", 1.0), ("status", 1.0), ("other 0", 1.0), ("other 1", 1.0), *last]


def test_disarmed_tick_does_nothing_and_another_takes_its_place() -> None:
    """Protects cancellation: the tick stays in the queue, empty, and the one in its place resumes the same."""
    env, seen = simpy.Environment(), list[float]()
    tick = Tick()
    tick.resume = seen.append
    arm(env, tick, 1.0)
    arm(env, disarm(tick), 2.0)
    _run_until(env, 3.0)
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
