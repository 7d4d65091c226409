"""Run many independent tasks: in this process, over processes, or over any ``concurrent.futures.Executor``.

Results come in the order of the tasks, whatever finishes first, so what is computed from them cannot depend
on the number of workers. At most ``window`` tasks are in flight.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from simsticky.errors import SimstickyError

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

# An executor of unknown width (a cluster): enough in flight to keep it busy, few enough to stop quickly.
_WINDOW_OF_A_FOREIGN_EXECUTOR = 64


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with how far the work had come.

    A ``KeyboardInterrupt``, not a ``SimstickyError``: an ``except SimstickyError`` around a loop must not
    swallow Ctrl-C.

    Attributes:
        finished: Tasks that were finished.
        total: Tasks there were.
        noun: What a task is, in the plural.
    """

    def __init__(self, finished: int, total: int, noun: str = "tasks") -> None:
        super().__init__(finished, total, noun)
        self.finished = finished
        self.total = total
        self.noun = noun

    def __str__(self) -> str:
        return f"{self.finished} of {self.total} {self.noun} were finished"


def available_cpus() -> int:
    """CPUs this process may use, which in a container or under ``taskset`` are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def run_ordered(
    tasks: Sequence[Task],
    fn: Callable[[Task], Outcome],
    *,
    jobs: int = 1,
    executor: Executor | None = None,
    window: int | None = None,
    on_done: Callable[[int], None] | None = None,
) -> list[Outcome]:
    """``[fn(task) for task in tasks]``, spread over workers.

    Args:
        tasks: The tasks. With workers, ``fn``, tasks and outcomes must be picklable.
        fn: What to do with each.
        jobs: Worker processes to start; 1 works in this process. Ignored when ``executor`` is given.
        executor: Any executor; it is used and left open.
        window: Tasks in flight at most; by default twice the number of workers.
        on_done: Called with the index of each finished task, in the order in which they finish.

    Raises:
        Interrupted: On Ctrl-C; the tasks not yet started are cancelled, own workers are stopped.
        SimstickyError: A worker process died.
        Exception: The first exception of a task; the remaining tasks are cancelled.
    """
    done = on_done or _ignore
    if executor is not None:
        return _run_on(executor, tasks, fn, window or _WINDOW_OF_A_FOREIGN_EXECUTOR, done)
    if jobs <= 1 or len(tasks) <= 1:
        return _run_here(tasks, fn, done)
    with _worker_processes(min(jobs, len(tasks))) as pool:
        return _run_on(pool, tasks, fn, window or 2 * jobs, done)


def _ignore(index: int) -> None:
    """Nobody wants to know the progress."""


def _run_here(tasks: Sequence[Task], fn: Callable[[Task], Outcome], on_done: Callable[[int], None]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        for index, task in enumerate(tasks):
            outcomes.append(fn(task))
            on_done(index)
    except KeyboardInterrupt:
        raise Interrupted(len(outcomes), len(tasks)) from None
    return outcomes


def _run_on(
    executor: Executor,
    tasks: Sequence[Task],
    fn: Callable[[Task], Outcome],
    window: int,
    on_done: Callable[[int], None],
) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}
    in_flight: dict[Future[Outcome], int] = {}
    waiting = iter(enumerate(tasks))
    try:
        while True:
            for index, task in waiting:
                in_flight[executor.submit(fn, task)] = index
                if len(in_flight) >= window:
                    break
            if not in_flight:
                return [outcomes[index] for index in range(len(tasks))]
            finished, _ = wait(in_flight, return_when=FIRST_COMPLETED)
            # In task order, so that of several failures seen at once the same one is reported each time.
            for future in sorted(finished, key=in_flight.__getitem__):
                index = in_flight.pop(future)
                outcomes[index] = future.result()
                on_done(index)
    except KeyboardInterrupt:
        raise Interrupted(len(outcomes), len(tasks)) from None
    except BrokenExecutor as error:
        raise SimstickyError(
            f"a worker process died after {len(outcomes)} of {len(tasks)} tasks: it was killed or ran out of"
            " memory (fewer jobs need less memory)"
        ) from error
    finally:
        for future in in_flight:
            future.cancel()


@contextmanager
def _worker_processes(jobs: int) -> Iterator[Executor]:
    """A process pool that an exception ends at once, without waiting for the tasks that are running.

    Workers are not forked from this process: a thread that draws a progress bar may hold a lock at that
    moment.
    """
    if "forkserver" in multiprocessing.get_all_start_methods():
        context: multiprocessing.context.BaseContext = multiprocessing.get_context("forkserver")
        # Imported once by the fork server, not once a worker.
        context.set_forkserver_preload(["simsticky.sim.simulation", "simsticky.results.result"])
    else:
        context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_leave_interrupts_to_the_parent)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in set(multiprocessing.active_children()) - before:
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True)


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches every process of the terminal; only the parent answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
