"""The clock, and the behaviour of SimPy that it relies on."""

from collections.abc import Callable, Generator
from heapq import heappop
from typing import Any

import pytest
import simpy

from simsticky.sim.clock import Clock, Phase, Wait, call_at, call_on_completion


def test_simpy_queue_holds_time_priority_number_event() -> None:
    """Protects the clock from another layout of SimPy's queue."""
    env = simpy.Environment()
    timeout = env.timeout(3.0)
    assert heappop(env._queue) == (3.0, simpy.events.NORMAL, 0, timeout)
    assert next(env._eid) == 1


def test_simpy_urgent_comes_before_every_phase() -> None:
    """Protects process starts: they happen before anything else at their instant."""
    assert simpy.events.URGENT == 0
    assert sorted(Phase)[0] == 1


def _run_until(clock: Clock, end_s: float) -> None:
    end = clock.event()
    call_at(clock, end_s, Phase.SEND, end.succeed)
    clock.run(end)


class Row:
    """Sends at given times, as the plane would make them, each strictly before the time that it is asked for."""

    def __init__(self, clock: Clock, times_s: list[float], send: Callable[[float], None]) -> None:
        self._clock, self._times_s, self._send = clock, times_s, send
        self.asked: list[float] = []
        clock.sends = self

    @property
    def next_s(self) -> float:
        """When the next is due."""
        return self._times_s[0] if self._times_s else float("inf")

    def advance(self, until_s: float) -> None:
        """Make one of them, as a plane that has been stopped does."""
        self.asked.append(until_s)
        assert self.next_s < until_s
        now_s = self._times_s.pop(0)
        self._clock.be_at(now_s)
        self._send(now_s)


def test_sends_are_made_between_events_and_set_the_time() -> None:
    """Protects the clock of the plane: all sends before an event are made before it, at their own times."""
    clock, seen = Clock(), list[tuple[float, float]]()
    Row(clock, [1.0, 3.0, 5.0, 7.0, 21.0], lambda now_s: seen.append((now_s, clock.now)))
    _run_until(clock, 20.0)
    assert seen == [(1.0, 1.0), (3.0, 3.0), (5.0, 5.0), (7.0, 7.0)]
    assert clock.now == 20.0
    idle = Clock()
    _run_until(idle, 20.0)
    assert clock.scheduled == idle.scheduled, "a send is no event of SimPy's"


def test_until_is_never_stale() -> None:
    """Protects sends from coming after what they have caused: the next is asked for up to the new event only."""
    clock, seen = Clock(), list[str]()

    def send(now_s: float) -> None:
        seen.append(f"send {now_s}")
        if now_s == 1.0:
            call_at(clock, 0.5, Phase.STATUS, lambda: seen.append("caused"))

    row = Row(clock, [1.0, 2.0], send)
    _run_until(clock, 9.0)
    assert seen == ["send 1.0", "caused", "send 2.0"]
    assert row.asked == [9.0, 9.0]
    assert clock.now == 9.0


def test_events_of_an_instant_come_before_its_sends() -> None:
    """Protects the last phase (rule T1): also those that a send of this instant has just caused, before the next."""
    clock, seen = Clock(), list[str]()

    def send(_: float) -> None:
        seen.append("send")
        call_at(clock, 0.0, Phase.STATUS, lambda: seen.append("status"))

    Row(clock, [1.0, 1.0], send)
    call_at(clock, 1.0, Phase.OPERATION, lambda: seen.append("operation"))
    _run_until(clock, 2.0)
    assert seen == ["operation", "send", "status", "send", "status"]


def test_nothing_is_scheduled_on_the_past() -> None:
    """Protects the clock, which never goes back."""
    clock = Clock()
    _run_until(clock, 2.0)
    with pytest.raises(ValueError, match=r"1\.0 is before now, 2\.0"):
        clock.schedule_on(clock.event(), Phase.STATUS, 1.0)


def test_completion_comes_before_everything_of_its_instant() -> None:
    """Protects the ends of connections, which are known beforehand."""
    clock, seen = Clock(), list[str]()
    call_at(clock, 1.0, Phase.CONTAINER, lambda: seen.append("container"))
    call_on_completion(clock, 1.0, lambda: seen.append("completion"))
    Row(clock, [1.0], lambda _: seen.append("send"))
    _run_until(clock, 3.0)
    assert seen == ["completion", "container", "send"]


def test_what_a_send_schedules_has_its_phase_behind_it() -> None:
    """Protects whoever asks whether the rest of an instant has happened: during a send, all of it has."""
    clock, seen = Clock(), list[bool]()
    Row(clock, [1.0], lambda _: seen.append(clock.has_passed(Phase.OPERATION)))
    call_at(clock, 1.0, Phase.STATUS, lambda: seen.append(clock.has_passed(Phase.OPERATION)))
    _run_until(clock, 2.0)
    assert seen == [False, True]


def test_run_that_can_never_end_says_so() -> None:
    """Protects from a silent stop."""
    clock = Clock()
    with pytest.raises(RuntimeError, match="No scheduled events left"):
        clock.run(clock.event())


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
