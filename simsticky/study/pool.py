"""Run many independent tasks: in this process, over processes, or over any ``concurrent.futures.Executor``.

Results come in the order of the tasks, whatever finishes first, so what is computed from them cannot depend
on the number of workers. At most ``window`` tasks are in flight.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any, TypeVar

from simsticky.errors import SimstickyError

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext  # there is none on Windows
    from types import FrameType

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

# An executor of unknown width: enough in flight to keep it busy, few enough to stop quickly.
_WIDTH_OF_A_FOREIGN_EXECUTOR = 32

# Windows that finished tasks may be ahead of the oldest unfinished one: a slow task keeps nobody waiting for long.
_AHEAD = 8

_CHECK_EVERY_S = 2.0


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with how far the work had come.

    A ``KeyboardInterrupt``, not a ``SimstickyError``: an ``except SimstickyError`` around a loop must not
    swallow Ctrl-C.

    Attributes:
        finished: Tasks that were finished.
        total: Tasks there were.
        noun: What a task is, in the plural.
        kept: What became of those that were finished; may be empty.
    """

    def __init__(self, finished: int, total: int, noun: str = "tasks", kept: str = "") -> None:
        super().__init__(finished, total, noun, kept)
        self.finished = finished
        self.total = total
        self.noun = noun
        self.kept = kept

    def __str__(self) -> str:
        text = f"{self.finished} of {self.total} {self.noun} were finished"
        return f"{text}; {self.kept}" if self.kept else text


class LostWorkerError(SimstickyError):
    """A worker died, with how far the work had come.

    Args:
        finished: Tasks that were finished.
        total: Tasks there were.
        noun: What a task is, in the plural.
        kept: What became of those that were finished; may be empty.
    """

    def __init__(self, finished: int, total: int, noun: str = "tasks", kept: str = "") -> None:
        super().__init__(
            f"a worker process died after {finished} of {total} {noun}: it was killed or ran out of memory (fewer jobs"
            f" need less memory){'; ' if kept else ''}{kept}"
        )


def available_cpus() -> int:
    """CPUs this process may use, which in a container or under ``taskset`` are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Workers:
    """Where tasks run.

    Attributes:
        executor: Runs the tasks; None runs them in this process, one after the other.
        width: Tasks that run at the same time, as far as is known.
        check: Called every few seconds while nothing is finished; raises when nothing ever will be.
        is_own: Whether nobody else has work for it, so that a worker without a task of ours is idle.
        ahead: What has been begun, is not finished, and nobody wants yet.
    """

    executor: Executor | None = None
    width: int = 1
    check: Callable[[], None] | None = None
    is_own: bool = False
    ahead: set[Future[Any]] = field(default_factory=set)

    def go_on(self, busy: int, begin_ahead: Callable[[], Future[Any] | None]) -> None:
        """Let each worker that has nothing to do begin something that may be wanted later.

        Args:
            busy: Tasks in flight.
            begin_ahead: Begins something; None where there is nothing.
        """
        self.ahead.difference_update([future for future in self.ahead if future.done()])
        while self.is_own and busy + len(self.ahead) < self.width:
            begun = begin_ahead()
            if begun is None:
                return
            self.ahead.add(begun)


@contextmanager
def workers(jobs: int = 1, executor: Executor | None = None, scheduler: str | None = None) -> Iterator[Workers]:
    """Start or find what runs the tasks, and end what was started.

    Args:
        jobs: Worker processes to start; 1 works in this process. Ignored when one of the others is given.
        executor: Any ``concurrent.futures.Executor``; it is used and left open.
        scheduler: Address of a Dask scheduler, for example ``tcp://10.0.0.5:8786``.

    Raises:
        InputError: The address is none, or the extra ``distributed`` is missing.
        SimstickyError: The scheduler does not answer.
    """
    if executor is not None:
        yield Workers(executor, _WIDTH_OF_A_FOREIGN_EXECUTOR)
    elif scheduler is not None:
        from simsticky.study.scheduler import connected

        with connected(scheduler) as cluster:
            yield Workers(cluster.executor, cluster.width, cluster.check)
    elif jobs <= 1:
        yield Workers()
    else:
        ahead: set[Future[Any]] = set()
        with _worker_processes(jobs, ahead) as pool:
            yield Workers(pool, jobs, is_own=True, ahead=ahead)


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

    def done(index: int, outcome: Outcome) -> None:
        if on_done is not None:
            on_done(index)

    with workers(min(jobs, len(tasks)), executor) as where:
        return list(in_order(tasks, fn, where, window=window, on_done=done))


def in_order(
    tasks: Sequence[Task],
    fn: Callable[[Task], Outcome],
    where: Workers,
    *,
    window: int | None = None,
    on_done: Callable[[int, Outcome], None] | None = None,
) -> Iterator[Outcome]:
    """Yield ``fn(task)`` for each task, in the order of the tasks, as soon as each is there.

    Neither tasks in flight nor outcomes that wait for an earlier one pile up: whoever takes the outcomes one by one
    needs little memory however many there are.

    Args:
        tasks: The tasks. With workers, ``fn``, tasks and outcomes must be picklable.
        fn: What to do with each.
        where: What runs them.
        window: Tasks in flight at most; by default twice the number of workers.
        on_done: Called with index and outcome of each finished task, at once, in the order in which they finish.

    Raises:
        Interrupted: On Ctrl-C; the tasks not yet started are cancelled.
        SimstickyError: A worker died.
        Exception: The first exception of a task; the remaining tasks are cancelled.
    """
    done = on_done or _ignore
    if where.executor is None:
        return _here(tasks, fn, done)
    executor = where.executor
    return in_futures(
        len(tasks), lambda index: executor.submit(fn, tasks[index]), _nothing_more, where, window=window, on_done=done
    )


def _ignore(index: int, outcome: object) -> None:
    """Nobody wants to know the progress."""


def _here(
    tasks: Sequence[Task], fn: Callable[[Task], Outcome], on_done: Callable[[int, Outcome], None]
) -> Iterator[Outcome]:
    finished = 0
    try:
        for index, task in enumerate(tasks):
            outcome = fn(task)
            finished += 1
            on_done(index, outcome)
            yield outcome
    except KeyboardInterrupt:
        raise Interrupted(finished, len(tasks)) from None


def in_futures(
    number: int,
    submit: Callable[[int], Future[Outcome]],
    begin_ahead: Callable[[], Future[Outcome] | None],
    where: Workers,
    *,
    window: int | None = None,
    on_done: Callable[[int, Outcome], None],
) -> Iterator[Outcome]:
    """Yield the outcomes of tasks that somebody else submits, as :func:`in_order` does.

    Args:
        number: How many tasks there are.
        submit: Begins a task, by its index.
        begin_ahead: Begins something that may be wanted later, None where there is nothing; called when all tasks are
            begun and a worker has nothing to do.
        where: What runs them.
        window: Tasks in flight at most; by default twice the number of workers.
        on_done: Called with index and outcome of each finished task, at once, in the order in which they finish.

    Raises:
        Interrupted: On Ctrl-C; the tasks not yet started are cancelled.
        SimstickyError: A worker died.
        Exception: The first exception of a task; the remaining tasks are cancelled.
    """
    window = window or 2 * where.width
    early: dict[int, Outcome] = {}
    in_flight: dict[Future[Outcome], int] = {}
    sent = finished = next_out = 0
    try:
        while next_out < number:
            while sent < number and len(in_flight) < window and sent - next_out < window * _AHEAD:
                future = submit(sent)
                where.ahead.discard(future)
                in_flight[future] = sent
                sent += 1
            if sent == number:
                where.go_on(len(in_flight), begin_ahead)
            every = None if where.check is None else _CHECK_EVERY_S
            ready, _ = wait({*in_flight, *where.ahead}, every, return_when=FIRST_COMPLETED)
            if not ready and where.check is not None:
                where.check()
            where.ahead.difference_update(ready)
            # In task order, so that of several failures seen at once the same one is reported each time.
            for future in sorted(ready & in_flight.keys(), key=in_flight.__getitem__):
                index = in_flight.pop(future)
                early[index] = outcome = future.result()
                finished += 1
                on_done(index, outcome)
            while next_out in early:
                next_out += 1
                yield early.pop(next_out - 1)
    except KeyboardInterrupt:
        raise Interrupted(finished, number) from None
    except Exception as error:
        from simsticky.study.scheduler import is_loss

        if not isinstance(error, BrokenExecutor) and not is_loss(error):
            raise
        if where.check is not None:
            where.check()  # says so when it is not a worker but all of the cluster
        raise LostWorkerError(finished, number) from error
    finally:
        for future in in_flight:
            future.cancel()


def _nothing_more() -> None:
    """Nothing may be wanted later."""


_LOOK_AFTER_PARENT_S = 0.2


@contextmanager
def _worker_processes(jobs: int, ahead: set[Future[Any]]) -> Iterator[Executor]:
    """A process pool that an exception ends at once, without waiting for the tasks that are running.

    So does the end of the work where something is still running that nobody has come to want.

    Workers are not forked from this process: a thread that draws a progress bar may hold a lock at that
    moment.
    """
    context: multiprocessing.context.BaseContext
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        # Imported once by the fork server, not once a worker.
        context.set_forkserver_preload(["simsticky.study.warm"])
        _start_fork_server(context)
    else:
        context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    pool = _OwnWorkers(jobs, mp_context=context, initializer=_begin_as_worker)
    with _silent_feeder():
        in_time = False
        try:
            yield pool
            in_time = all(future.done() for future in ahead)
        finally:
            if not in_time:  # without its workers it has nothing left to wait for
                for worker in set(multiprocessing.active_children()) - before:
                    worker.terminate()
            pool.shutdown(wait=True, cancel_futures=not in_time)


class _OwnWorkers(ProcessPoolExecutor):
    """A pool that is not interrupted while it starts a worker.

    Nobody would have heard of that worker yet: it was not ended with the others, and complained that the pool was gone.
    """

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        """Begin a task, and start a worker for it if there are fewer than there may be."""
        with _uninterrupted():
            return super().submit(*args, **kwargs)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals wait that this process answers.

    To block them would not do: one of NumPy's threads may take a signal, and Python then tells the main thread.
    """
    before: dict[int, Callable[[int, FrameType | None], Any]] = {}
    came: list[int] = []
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGALRM"):
            number = getattr(signal, name, None)
            handler = None if number is None else signal.getsignal(number)
            if number is not None and callable(handler):
                before[number] = handler
                signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came:
            before[number](number, None)


def _start_fork_server(context: ForkServerContext) -> None:
    """Start the server that workers are forked from, deaf to Ctrl-C, and wait until it has imported all they need.

    A Ctrl-C before that would find workers that nobody has heard of yet, and they would complain on their own.
    """
    resource_tracker.ensure_running()  # the fork server starts it too, and would hear again afterwards
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _uninterrupted():
            first = context.Process(target=_nothing)
            first.start()
            first.join()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def _nothing() -> None:
    """What the first process does: it has been forked."""


@contextmanager
def _silent_feeder() -> Iterator[None]:
    """Hear nothing of a pool's feeder thread.

    When a worker has been killed the pool closes the pipe that this thread may be writing to. What has happened is
    told by ``LostWorkerError``; a traceback beside it tells nothing more.
    """
    before = threading.excepthook

    def hear(told: threading.ExceptHookArgs) -> None:
        thread = told.thread
        if thread is None or thread.name != "QueueFeederThread" or not issubclass(told.exc_type, OSError):
            before(told)

    threading.excepthook = hear
    try:
        yield
    finally:
        threading.excepthook = before


def _begin_as_worker() -> None:
    """Ctrl-C reaches every process of the terminal, and only the parent answers it; when it is killed, end too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def look(*_: object) -> None:
        if not parent.is_alive():
            # Nobody is left to tell, and the pool's queue would never end this process.
            os._exit(1)

    if hasattr(signal, "setitimer"):
        # No thread: a simulation of somebody's own may fork, and only a process without one safely does.
        signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, _LOOK_AFTER_PARENT_S, _LOOK_AFTER_PARENT_S)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
