import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsticky.kubernetes.probe import (
    ProbeSpec,
    ProbeWorker,
    becomes_ready_at_s,
    first_tick_s,
    next_tick_s,
    restart_grace_s,
    tick_s,
)


def test_ready_until_three_failures_in_a_row() -> None:
    """One success makes ready, only failureThreshold failures in a row unready; a success starts over."""
    worker = ProbeWorker(ProbeSpec())
    assert not worker.passed
    assert worker.on_result("success")
    assert worker.passed
    assert [worker.on_result("failure") for _ in range(2)] == [False, False]
    assert not worker.on_result("success")
    assert [worker.on_result("failure") for _ in range(3)] == [False, False, True]
    assert not worker.passed


def test_an_error_is_thrown_away() -> None:
    """A probe that could not be made neither counts nor interrupts a run."""
    worker = ProbeWorker(ProbeSpec(success_threshold=2))
    assert not worker.on_result("success")
    assert not worker.on_result("error")
    assert worker.on_result("success")


def test_startup_probe_waits_for_the_next_container() -> None:
    """A startup probe that fails its threshold holds still until its container is replaced."""
    worker = ProbeWorker(ProbeSpec(failure_threshold=1), "startup")
    assert worker.outcome == "unknown"
    assert worker.on_result("failure")
    assert worker.on_hold
    assert not worker.on_result("success")
    assert worker.on_new_container()
    assert worker.on_result("success")


def test_a_new_container_starts_unready() -> None:
    """Readiness does not survive a restart of the container."""
    worker = ProbeWorker(ProbeSpec())
    worker.on_result("success")
    assert worker.on_new_container()
    assert not worker.passed


@pytest.mark.parametrize(
    ("delay_s", "first_look_s", "first_s"),
    [(0, 0.7, 0.7), (10, 0.7, 10.7), (11, 0.7, 20.7), (10, 10.0, 10.0), (1, 0.999, 10.999)],
)
def test_initial_delay_ends_on_a_tick(delay_s: int, first_look_s: float, first_s: float) -> None:
    """The delay is compared with whole elapsed seconds at each tick, so it is rounded up to one."""
    assert first_tick_s(ProbeSpec(initial_delay_s=delay_s), first_look_s) == pytest.approx(first_s)


@given(
    first_look_s=st.floats(0, 5),
    period_s=st.integers(1, 60),
    tick=st.integers(0, 5000),
    part=st.floats(0, 0.999),
)
def test_next_tick_is_the_next_one(first_look_s: float, period_s: int, tick: int, part: float) -> None:
    """From a tick or between two, the next tick is the one after it: none is met twice or left out."""
    spec = ProbeSpec(period_s=period_s)
    after_s = tick_s(first_look_s, period_s, tick) + part * period_s
    assert next_tick_s(spec, first_look_s, after_s) == tick_s(first_look_s, period_s, tick + 1)


def test_success_threshold_delays_readiness() -> None:
    """Two successes are needed: readiness comes one period later."""
    spec = ProbeSpec(period_s=5, success_threshold=2)
    assert becomes_ready_at_s(spec, 0.5, 3.0) == 10.5


def test_a_probe_may_bring_its_own_grace() -> None:
    """A failed liveness probe's own terminationGracePeriodSeconds wins over the pod's."""
    assert restart_grace_s(ProbeSpec(termination_grace_s=5), 60) == 5
    assert restart_grace_s(ProbeSpec(), 60) == 60


def test_liveness_fails_once_and_waits_for_the_next_container() -> None:
    """Three failures in a row, not three in all, stop a container; the probe then rests until the next one runs."""
    worker = ProbeWorker(ProbeSpec(), "liveness")
    assert worker.passed
    assert not any(worker.on_result(result) for result in ("failure", "failure", "success", "failure", "failure"))
    assert not worker.on_hold
    assert worker.on_result("failure")
    assert worker.on_hold
    assert not worker.on_result("failure")
    assert worker.on_new_container()
    assert (worker.passed, worker.on_hold) == (True, False)


def test_readiness_never_stops_a_container() -> None:
    """A readiness probe that fails for ever is never on hold: it goes on, and the container stays."""
    worker = ProbeWorker(ProbeSpec(failure_threshold=1))
    for _ in range(10):
        worker.on_result("failure")
    assert not worker.on_hold
    assert worker.on_result("success")


def test_a_new_container_has_all_its_failures_before_it() -> None:
    """The failures that ended a container do not count against the next: liveness needs three again."""
    worker = ProbeWorker(ProbeSpec(), "liveness")
    assert [worker.on_result("failure") for _ in range(3)] == [False, False, True]
    assert worker.on_new_container()
    assert [worker.on_result("failure") for _ in range(3)] == [False, False, True]
