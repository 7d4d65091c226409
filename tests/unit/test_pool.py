"""Running many tasks: same results and order wherever they run, and an end that says how far it came."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from simsticky.errors import InputError, SimstickyError
from simsticky.study.pool import Interrupted, available_cpus, run_ordered, workers


def square(number):
    """A task that finishes out of order."""
    time.sleep(0.002 * (number % 3 == 0))
    return number * number


def fail_at_3(number):
    """A task with bad input."""
    if number == 3:
        raise InputError.of("three", path="run.seed")
    return number


def interrupt_at_3(number):
    """Ctrl-C arrives in this process."""
    if number == 3:
        raise KeyboardInterrupt
    return number


def die_at_3(number):
    """A worker the kernel kills."""
    if number == 3:
        os._exit(9)
    return number


class RecordingExecutor(Executor):
    """Runs at once and remembers how many tasks were open at most."""

    def __init__(self):
        self.open = self.most = 0

    def submit(self, fn, /, *args, **kwargs):
        self.open += 1
        self.most = max(self.most, self.open)
        future = Future()
        future.add_done_callback(self.close)
        future.set_result(fn(*args))
        return future

    def close(self, future):
        self.open -= 1


def test_results_are_in_order_wherever_they_run():
    """The order of results is the order of tasks, not of finishing."""
    expected = [square(number) for number in range(20)]
    assert run_ordered(range(20), square) == expected
    with ThreadPoolExecutor(4) as threads:
        assert run_ordered(range(20), square, executor=threads) == expected
        assert threads.submit(square, 2).result() == 4, "a given executor is left open"
    assert run_ordered(range(20), square, jobs=2) == expected


def test_work_in_flight_is_bounded():
    """A study of a million runs does not put a million tasks in a queue."""
    waiting = []

    class Slow(RecordingExecutor):
        def submit(self, fn, /, *args, **kwargs):
            waiting.append(args)
            self.most = max(self.most, len(waiting))
            future = Future()
            future.set_result(fn(*args))
            return future

    executor = Slow()
    run_ordered(range(50), square, executor=executor, window=4, on_done=lambda index: waiting.pop())
    assert executor.most <= 4


def test_every_finished_task_is_told():
    """Progress sees each task once."""
    seen = []
    run_ordered(range(7), square, on_done=seen.append)
    assert seen == list(range(7))
    seen.clear()
    with ThreadPoolExecutor(2) as threads:
        run_ordered(range(7), square, executor=threads, on_done=seen.append)
    assert sorted(seen) == list(range(7))


def test_nothing_to_do():
    """No tasks, no results, no processes."""
    assert run_ordered([], square, jobs=4) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failing_task_ends_the_work_with_its_own_error(jobs):
    """An error of the input keeps its diagnostics across process borders."""
    with pytest.raises(InputError) as caught:
        run_ordered(range(6), fail_at_3, jobs=jobs)
    assert caught.value.diagnostics[0].path == "run.seed"


def test_ctrl_c_says_how_much_was_finished():
    """The number of finished tasks survives Ctrl-C."""
    with pytest.raises(Interrupted, match="3 of 6 tasks were finished") as caught:
        run_ordered(range(6), interrupt_at_3)
    assert (caught.value.finished, caught.value.total) == (3, 6)


def test_ctrl_c_cancels_what_is_waiting():
    """On Ctrl-C nothing that has not begun is begun."""
    begun = []

    def begin(number):
        begun.append(number)
        time.sleep(0.01)
        return number

    def stop(index):
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as thread, pytest.raises(Interrupted):
        run_ordered(range(40), begin, executor=thread, window=40, on_done=stop)
    assert len(begun) < 10


def test_interrupted_is_not_an_ordinary_error():
    """A loop that catches simsticky's errors still ends on Ctrl-C."""
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert not issubclass(Interrupted, Exception)


def test_a_dead_worker_is_an_error_in_words():
    """A killed worker is told as such, not as a hang or a stack of futures."""
    with pytest.raises(SimstickyError, match="a worker process died"):
        run_ordered(range(6), die_at_3, jobs=2)


def test_available_cpus():
    """There is at least one."""
    assert available_cpus() >= 1


CTRL_C = """
import sys, time
sys.path.insert(0, {here!r})
from simsticky.study.pool import Interrupted, run_ordered
from test_pool import nap

def told(index):
    print("done", index, flush=True)

if __name__ == "__main__":
    try:
        run_ordered(range(40), nap, jobs=2, on_done=told)
    except Interrupted as stop:
        print("interrupted:", stop, flush=True)
        sys.exit(130)
"""


def nap(number):
    """The first tasks are short, the others much longer than a test may wait."""
    time.sleep(0.01 if number < 4 else 60)
    return number


@pytest.mark.slow
def test_ctrl_c_ends_the_workers_too(tmp_path):
    """Ctrl-C in a terminal reaches the workers as well: no traceback of theirs, no waiting, none left behind."""
    script = tmp_path / "study.py"
    script.write_text(CTRL_C.format(here=str(Path(__file__).parent)))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        for _ in range(4):
            assert process.stdout.readline().startswith("done")
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")
    assert out == "interrupted: 4 of 40 tasks were finished\n"
    # The fork server notices by itself, a moment later, that its parent has gone.
    deadline = time.monotonic() + 20
    while is_alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(process.pid)


def is_alive(group):
    """Whether a process group has a process left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_thread_that_feeds_a_broken_pool_is_silent(capsys):
    """A pipe that closes under it when a worker is killed puts no traceback beside our words; others are heard."""
    heard = []

    def write_to_a_closed_pipe():
        raise OSError(errno.EBADF, "Bad file descriptor")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("threading.excepthook", lambda told: heard.append(told.thread.name))
        with workers(2):
            for name in ("QueueFeederThread", "another"):
                thread = threading.Thread(target=write_to_a_closed_pipe, name=name)
                thread.start()
                thread.join()
    assert heard == ["another"]
    assert capsys.readouterr().err == ""


def test_ctrl_c_waits_while_a_worker_is_started(monkeypatch):
    """It comes once the worker is known, also where a thread of NumPy's took the signal."""
    known = []
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(*_):
        press = threading.Thread(target=signal.raise_signal, args=[signal.SIGINT])
        press.start()
        press.join()
        time.sleep(0.01)
        known.append("a worker")

    monkeypatch.setattr(ProcessPoolExecutor, "submit", start)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(run_ordered([1, 2], square, jobs=2))
    finally:
        signal.signal(signal.SIGINT, usual)
    assert known == ["a worker"]
