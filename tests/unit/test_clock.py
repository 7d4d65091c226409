"""The clock, and the behaviour of SimPy that it relies on."""

import inspect
import re
from collections.abc import Generator
from functools import partial
from heapq import heappop
from typing import Any

import pytest
import simpy
from simpy.core import Environment

from simsticky.sim.clock import Clock, Phase, Tick, Wait, call_at


def test_simpy_queue_holds_time_priority_number_event() -> None:
    """SimPy's queue has the layout that the clock relies on."""
    env = simpy.Environment()
    timeout = env.timeout(3.0)
    assert heappop(env._queue) == (3.0, simpy.events.NORMAL, 0, timeout)
    assert next(env._eid) == 1


def test_simpy_step_reads_no_other_attribute_of_an_event() -> None:
    """A new SimPy may ask an event for more; the source names what it touches."""
    touched = set(re.findall(r"\bevent\.(\w+)", inspect.getsource(Environment.step)))
    assert touched <= {"callbacks", "_ok", "_defused", "_value"}


def test_simpy_urgent_comes_before_every_phase() -> None:
    """Processes start before anything else at their instant."""
    assert simpy.events.URGENT == 0
    assert sorted(Phase)[0] == 1


def _run_until(clock: Clock, end_s: float) -> None:
    end = clock.event()
    call_at(clock, end_s, Phase.SEND, end.succeed)
    clock.run(end)


def test_tick_comes_again_when_it_says() -> None:
    """One re-armed object makes many events."""
    clock, times = Clock(), list[tuple[float, float]]()
    tick = Tick()

    def again(now_s: float) -> float | None:
        times.append((now_s, clock.now))
        return now_s + 2.0 if len(times) < 4 else None

    tick.resume = again
    clock.arm(tick, 1.0)
    _run_until(clock, 20.0)
    assert times == [(1.0, 1.0), (3.0, 3.0), (5.0, 5.0), (7.0, 7.0)]
    assert clock.now == 20.0
    # Four ticks, the end's Wait and the end.
    assert clock.count_events() == 6


def test_ticks_of_one_instant_come_in_the_order_they_were_armed_in() -> None:
    """Ticks of one instant come in the order they were armed in (rule T1), also those that one of them arms."""
    clock, seen = Clock(), list[tuple[str, float]]()
    ticks = {name: Tick() for name in ("first", "second", "third")}

    def resume(name: str, now_s: float) -> float | None:
        seen.append((name, now_s))
        if name == "first" and now_s == 1.0:
            clock.arm(ticks["third"], 1.0)
            return 3.0
        return None

    for name, tick in ticks.items():
        tick.resume = partial(resume, name)
    clock.arm(ticks["first"], 1.0)
    clock.arm(ticks["second"], 1.0)
    _run_until(clock, 9.0)
    assert seen == [("first", 1.0), ("second", 1.0), ("third", 1.0), ("first", 3.0)]


def test_tick_is_not_armed_for_the_past() -> None:
    """The clock never goes back."""
    clock = Clock()
    _run_until(clock, 2.0)
    with pytest.raises(ValueError, match=r"1\.0 is before now, 2\.0"):
        clock.arm(Tick(), 1.0)


def test_events_of_an_instant_come_before_its_ticks() -> None:
    """Events of this instant come before the next tick, also those that a tick has just caused."""
    clock, seen = Clock(), list[str]()
    ticks = [Tick() for _ in range(2)]

    def resume(_: float) -> None:
        seen.append("tick")
        call_at(clock, 0.0, Phase.STATUS, lambda: seen.append("status"))

    for tick in ticks:
        tick.resume = resume
        clock.arm(tick, 1.0)
    call_at(clock, 1.0, Phase.OPERATION, lambda: seen.append("operation"))
    _run_until(clock, 2.0)
    assert seen == ["operation", "tick", "status", "tick", "status"]


def test_tick_armed_as_a_completion_comes_before_everything_of_its_instant() -> None:
    """A tick that ends a connection stands among SimPy's events, and may come again as a send."""
    clock, seen = Clock(), list[tuple[str, float]]()
    tick = Tick()

    def resume(now_s: float) -> float | None:
        seen.append(("tick", now_s))
        return 2.0 if now_s == 1.0 else None

    tick.resume = resume
    for at_s in (1.0, 2.0):
        call_at(clock, at_s, Phase.CONTAINER, lambda: seen.append(("container", float(clock.now))))
    clock.arm_completion(tick, 1.0)
    _run_until(clock, 3.0)
    assert seen == [("tick", 1.0), ("container", 1.0), ("container", 2.0), ("tick", 2.0)]


def test_disarmed_tick_does_nothing_and_another_takes_its_place() -> None:
    """A disarmed tick stays in the queue, empty, and the one in its place resumes the same."""
    clock, seen = Clock(), list[float]()
    tick = Tick()
    tick.resume = seen.append
    clock.arm(tick, 1.0)
    clock.arm(tick.disarm(), 2.0)
    _run_until(clock, 3.0)
    assert seen == [2.0]


def test_run_that_can_never_end_says_so() -> None:
    """SimPy raises a RuntimeError as well."""
    clock = Clock()
    with pytest.raises(RuntimeError, match="nothing is left to wait for"):
        clock.run(clock.event())


def test_call_at_calls_once_at_its_phase() -> None:
    """call_at calls once, also with a delay of 0 during the same instant."""
    env, seen = simpy.Environment(), list[tuple[float, str]]()

    def operation() -> None:
        seen.append((env.now, "operation"))
        call_at(env, 0.0, Phase.STATUS, lambda: seen.append((env.now, "status")))

    call_at(env, 4.0, Phase.SEND, lambda: seen.append((env.now, "send")))
    call_at(env, 4.0, Phase.OPERATION, operation)
    env.run()
    assert seen == [(4.0, "operation"), (4.0, "status"), (4.0, "send")]


def test_wait_is_yielded_by_a_process_and_ordered_by_phase() -> None:
    """Of two that wait for the same moment the earlier phase goes on first."""
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
    """Nothing can be scheduled before now."""
    with pytest.raises(ValueError, match="negative delay -1"):
        Wait(simpy.Environment(), -1.0, Phase.PUSH)
