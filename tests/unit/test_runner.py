"""One pool for all settings of a study: what idle workers begin ahead is taken when wanted, and else is nothing."""

from concurrent.futures import Future
from contextlib import ExitStack

import pytest
import stub_study
from stub_study import StubScenario

from simsticky.study.pool import Workers
from simsticky.study.runner import Case, Runner


class Settings(StubScenario):
    """A stub of a name of its own, so that two are not the same."""

    def digest(self):
        return self.name


class Bench:
    """An executor whose tasks are finished by hand, the oldest first."""

    def __init__(self):
        self.begun = []
        self.done = 0

    def submit(self, fn, message):
        future = Future()
        self.begun.append((future, fn, message))
        return future

    def finish_one(self):
        future, fn, message = self.begun[self.done]
        self.done += 1
        future.set_result(fn(message))

    @property
    def numbers(self):
        """The replications begun, in order."""
        return [number for _, _, (*_, numbers) in self.begun for number in numbers]


@pytest.fixture
def bench(monkeypatch):
    """A pool of three workers on the bench: one task is finished whenever somebody waits."""
    bench = Bench()
    where = Workers(bench, 3, is_own=True)

    def wait(futures, timeout, return_when):
        bench.finish_one()
        return {future for future in futures if future.done()}, set()

    monkeypatch.setattr("simsticky.study.pool.wait", wait)
    monkeypatch.setattr(Runner, "_start", lambda self, seconds: where)
    return bench


def case(first, last, name="a"):
    """Replications of a setting."""
    return Case(Settings(name), 7, range(first, last))


def simulated(case):
    """What the replications of a case come to."""
    with Runner(simulate=stub_study.simulate) as runner:
        return runner.run([case])[0]


def test_an_idle_worker_begins_what_may_be_wanted_next(bench):
    """Not before all that is wanted is begun, and one for each worker that would wait."""
    with Runner(simulate=stub_study.simulate) as runner:
        (found,) = runner.run([case(0, 5)], [case(5, 20)])
        assert bench.numbers == [0, 1, 2, 3, 4, 5, 6]
        assert (len(found), runner.finished) == (5, 5), "what was begun ahead is no part of the answer"
        (more,) = runner.run([case(5, 8)])
        assert bench.numbers == [0, 1, 2, 3, 4, 5, 6, 7], "and is not simulated again"
        assert (len(more), runner.finished) == (3, 8)
    assert found == simulated(case(0, 5))
    assert more == simulated(case(5, 8))


def test_what_is_not_wanted_changes_nothing(bench):
    """A setting that was begun for nothing is in no answer and in no count."""
    told = []
    with Runner(simulate=stub_study.simulate, on_progress=lambda *numbers: told.append(numbers)) as runner:
        runner.run([case(0, 2)], [case(0, 9, "b")])
        (found,) = runner.run([case(2, 4)])
    assert told == [(1, 2), (2, 2), (3, 4), (4, 4)]
    assert found == simulated(case(2, 4))


def test_an_executor_of_somebody_else_is_left_alone(bench, monkeypatch):
    """Whoever lends an executor may have other work for it: nothing is begun ahead there."""
    monkeypatch.setattr(Runner, "_start", lambda self, seconds: Workers(bench, 3))
    with Runner(simulate=stub_study.simulate) as runner:
        runner.run([case(0, 5)], [case(5, 20)])
    assert bench.numbers == [0, 1, 2, 3, 4]


def test_progress_is_told_against_what_is_expected():
    """The time that is left follows from it; it is corrected where more is wanted."""
    told = []
    with Runner(simulate=stub_study.simulate, on_progress=lambda *numbers: told.append(numbers)) as runner:
        runner.expect(3)
        runner.run([case(0, 2)])
        runner.run([case(2, 4)])
    assert told == [(1, 3), (2, 3), (3, 4), (4, 4)]


def test_worker_processes_end_though_one_still_works_ahead():
    """Nobody waits for what nobody has come to want."""
    with ExitStack() as stack:
        runner = stack.enter_context(Runner(simulate=stub_study.slow_from_2, jobs=2))
        (found,) = runner.run([case(0, 2)], [case(2, 4)])
        assert len(found) == 2
