"""Where replications come from: simulated by workers, or found in the directory of a study that was interrupted.

Every verb (replicate, compare, sweep, recommend) runs through one :class:`Runner`, so each can be spread over
processes or a cluster, stopped, and gone on with.
"""

from __future__ import annotations

import math
import warnings
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict

from simsticky.errors import InputError, SimstickyError
from simsticky.results.provenance import library_versions
from simsticky.study.case import Case, Simulate, simulate_numbers
from simsticky.study.chosen_engine import ChosenEngine
from simsticky.study.chunks import Chunk, Chunks, Post, run_here, run_sent
from simsticky.study.journal import Journal, RunKey
from simsticky.study.pool import (
    Interrupted,
    LostWorkerError,
    Workers,
    available_cpus,
    in_futures,
    in_order,
    workers,
)
from simsticky.study.progress import progress_of
from simsticky.study.store import Replication, Replications
from simsticky.version import __version__
from simsticky.workload.effort import effort_of, refuse_too_much

if TYPE_CHECKING:
    from simsticky.engines import Choice
    from simsticky.scenario.model import Scenario

MOST_REPLICATIONS = 10_000_000
"""In one study: their numbers alone fill gigabytes."""

# Chunks a worker gets: enough that the last one to finish does not keep the others waiting for long.
_CHUNKS_PER_WORKER = 16
# Seconds of work under which it takes longer to start workers: they and their server import all that they need.
_WORTH_WORKERS_S = 1.0
# A chunk is what progress moves by, and what is lost when a study is stopped.
_LARGEST_CHUNK = 50


class Execution(TypedDict, total=False):
    """How a study runs; no part of its numbers. The arguments of :class:`Runner`."""

    jobs: int
    executor: Executor | None
    scheduler: str | None
    directory: Path | str | None
    progress: bool | None
    on_progress: Callable[[int, int], None] | None
    on_note: Callable[[str], None] | None
    on_estimate: Callable[[float], None] | None
    simulate: Simulate | None
    options: Mapping[str, Any] | None
    small_here: bool
    engine: Choice
    on_compile: Callable[[], None] | None


class Runner:
    """Runs replications; a context manager that starts its workers once and ends them.

    Attributes:
        finished: Replications that are finished, found ones included.
        found: Of these, the ones that were found in the directory.
    """

    # What has been begun ahead waits in ``_ahead`` until a later run wants it.

    def __init__(
        self,
        *,
        jobs: int = 1,
        executor: Executor | None = None,
        scheduler: str | None = None,
        directory: Path | str | None = None,
        progress: bool | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        on_note: Callable[[str], None] | None = None,
        on_estimate: Callable[[float], None] | None = None,
        simulate: Simulate | None = None,
        options: Mapping[str, Any] | None = None,
        small_here: bool = False,
        engine: Choice = "auto",
        on_compile: Callable[[], None] | None = None,
    ) -> None:
        """Say how to run; nothing starts before it is entered.

        Args:
            jobs: Worker processes; 1 runs in this process.
            executor: Any ``concurrent.futures.Executor`` instead of own processes; it is left open.
            scheduler: Address of a Dask scheduler instead, for example ``tcp://10.0.0.5:8786``.
            directory: Where finished replications are kept, and those of an interrupted study found.
            progress: Whether to show a bar; by default in notebooks, and nowhere else.
            on_progress: Called with (replications finished, replications known to be wanted so far), in place of a
                bar.
            on_note: Called with what a person should know: a damaged record was dropped. A warning by default.
            on_estimate: Called before replications are simulated with about how many seconds they will take.
            simulate: What runs one replication, picklable when there are workers; ``simsticky.simulate`` by
                default.
            options: What else the numbers depend on, as plain JSON types: it is noted in the directory.
            engine: What runs the data plane, as for ``simsticky.simulate``; it is in no result.
            on_compile: Called before it is compiled, which is done once on a machine.
            small_here: Run in this process, whatever ``jobs`` says, what takes less than to start workers.
        """
        self.finished = 0
        self.found = 0
        self._where = (jobs, executor, scheduler)
        self._directory = directory
        bar = progress_of(progress) if on_progress is None else None
        self._told: Callable[[int, int], None] | None = on_progress if bar is None else bar
        self._note = on_note or _warn
        self._estimated = on_estimate
        self._simulate = simulate if simulate is not None else simulate_numbers
        self._options = dict(options or {})
        self._resources = ExitStack()
        if bar is not None:
            self._resources.callback(bar.close)
        self._workers: Workers | None = None
        self._journal: Journal | None = None
        self._counted = 0
        self._wanted = 0
        self._expected = 0
        self._small_here_s = _WORTH_WORKERS_S if small_here else 0.0
        self._engine = ChosenEngine(engine, on_compile, self._note)
        self._ahead: dict[RunKey, Future[list[Replication]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return self._resources.__exit__(kind, error, traceback)

    @property
    def engine(self) -> Choice | None:
        """What runs the data plane; None before anything had to be simulated."""
        return self._engine.name

    def begin(self, scenarios: Sequence[Scenario], seed: int, **options: Any) -> None:
        """Open the directory, if there is one, for a study of these scenarios.

        Args:
            scenarios: What the study is asked about: one, several to compare, the base of a sweep.
            seed: Its seed.
            options: What else the numbers depend on, as plain JSON types.

        Raises:
            InputError: The directory is another study's, or another run works in it.
            SimstickyError: It cannot be written.
        """
        if self._directory is None or self._journal is not None:
            return
        identity = {
            "simsticky": __version__,
            "libraries": library_versions(),
            "scenario": [scenario.digest() for scenario in scenarios],
            "seed": seed,
            **self._options,
            **options,
        }
        self._journal = self._resources.enter_context(Journal(self._directory, identity))
        self._counted = len(self._journal)
        if damaged := self._journal.damaged:
            records = "1 damaged record was" if damaged == 1 else f"{damaged} damaged records were"
            self._note(f"{records} dropped from {self._directory}; what is missing is simulated again")

    def expect(self, more: int) -> None:
        """Say how many replications will be wanted besides those that were run, as far as anybody can tell.

        Progress is told against it until :meth:`run` wants more.
        """
        self._expected = self._wanted + more

    def run(self, cases: Sequence[Case], ahead: Iterable[Case] = ()) -> list[Replications]:
        """Return the replications of each case, in order; nothing that is already there is simulated again.

        Args:
            cases: What is wanted.
            ahead: What may be wanted next, the most likely first: workers that would wait for the last of the cases
                begin with it. It is no part of the answer, nor of what is counted, until it is wanted.

        Raises:
            InputError: They are more than this machine can do.
            Interrupted: On Ctrl-C, with how many replications are finished and what became of them.
            SimstickyError: A worker or the cluster was lost, the disk is full, or a replication failed.
        """
        missing = [self._missing(case) for case in cases]
        seconds = self._size_up(cases, missing)
        self._wanted += sum(len(case.replications) for case in cases)
        there = sum(len(case.replications) for case in cases) - sum(map(len, missing))
        self.found += there
        self._tell(there)
        try:
            fresh = self._fresh(cases, missing, ahead, seconds)
            return [
                Replications(self._in_order(case, lacking, fresh)) for case, lacking in zip(cases, missing, strict=True)
            ]
        except KeyboardInterrupt:
            # One may have come to the disk just before it was to be counted.
            self.finished += 0 if self._journal is None else len(self._journal) - self._counted
            raise Interrupted(self.finished, self._wanted, "replications", self._kept()) from None
        except LostWorkerError:
            raise LostWorkerError(self.finished, self._wanted, "replications", self._kept()) from None
        except InputError:
            raise
        except SimstickyError as error:
            if self._journal is None or not self.finished:
                raise
            raise type(error)(f"{error}; {self._kept()}") from error

    def _size_up(self, cases: Sequence[Case], missing: Sequence[Sequence[int]]) -> float:
        """Refuse what this machine cannot do, and return how long the rest would take one processor, interpreted.

        Endless where nobody can tell.
        """
        wanted = sum(len(case.replications) for case in cases)
        if wanted > MOST_REPLICATIONS:
            text = f"{wanted} replications in all, and {MOST_REPLICATIONS} are the most"
            raise InputError.of(text, hint="take fewer replications, or fewer points")
        jobs, executor, scheduler = self._where
        here = executor is None and scheduler is None
        seconds, known = 0.0, True
        for case, lacking in zip(cases, missing, strict=True):
            if not hasattr(case.scenario, "traffic") or case.scenario.traffic.trace is not None:
                known = False  # a stand-in for a scenario says nothing of its traffic, a trace not how long it is
            if lacking and hasattr(case.scenario, "traffic"):
                effort = effort_of(case.scenario)
                refuse_too_much(case.scenario, effort, min(jobs, len(lacking)) if here else 1)
                seconds += len(lacking) * effort.seconds
        return seconds if known else math.inf

    def _missing(self, case: Case) -> Sequence[int]:
        journal = self._journal
        if journal is None:
            return case.replications
        return array("q", (number for number in case.replications if _key(case, number) not in journal))

    def _in_order(self, case: Case, missing: Sequence[int], fresh: Iterator[Replication]) -> Iterator[Replication]:
        lacking = iter(missing)
        wanted = next(lacking, None)
        for number in case.replications:
            if number == wanted or self._journal is None:
                wanted = next(lacking, None)
                yield next(fresh)
            else:
                yield self._journal.get(_key(case, number))

    def _start(self, seconds: float) -> Workers:
        if self._workers is None:
            jobs, executor, scheduler = self._where
            self._small_here_s -= seconds
            if executor is None and scheduler is None and self._small_here_s > 0:
                return Workers()
            self._workers = self._resources.enter_context(workers(jobs, executor, scheduler))
        return self._workers

    def _fresh(
        self, cases: Sequence[Case], missing: Sequence[Sequence[int]], ahead: Iterable[Case], seconds: float
    ) -> Iterator[Replication]:
        if not any(map(len, missing)):
            return
        first = next(case.scenario for case, lacking in zip(cases, missing, strict=True) if lacking)
        where = self._ready(first, seconds)
        size = max(1, min(sum(map(len, missing)) // (where.width * _CHUNKS_PER_WORKER), _LARGEST_CHUNK))
        if self._journal is not None or where.executor is None:
            size = 1  # what is finished is on disk at once; here there is nothing to send
        begun = [self._begun(case, lacking) for case, lacking in zip(cases, missing, strict=True)]
        chunks = Chunks(cases, missing, size, begun)

        def keep(index: int, replications: Sequence[Replication]) -> None:
            chunk = chunks[index]
            if self._journal is not None:
                for number, replication in zip(chunk.replications, replications, strict=True):
                    self._journal.add(_key(chunk.case, number), replication)
                self._counted = len(self._journal)
            self._tell(len(replications))

        if where.executor is None:
            done = in_order(chunks, partial(run_here, self._simulate, self.engine or "auto"), where, on_done=keep)
        else:
            done = in_futures(len(chunks), *self._submitting(where.executor, chunks, ahead), where, on_done=keep)
        for replications in done:
            yield from replications

    def _ready(self, scenario: Scenario, seconds: float) -> Workers:
        """Return what simulates, with its engine compiled before there are workers, and tell how long it will take."""
        engine = self._engine.choose(scenario, seconds, self._workers_for(seconds))
        jobs, executor, scheduler = self._where
        if self._estimated is not None and executor is None and scheduler is None and math.isfinite(seconds):
            from simsticky.engines import seconds_with

            self._estimated(seconds_with(engine, scenario, seconds) / min(jobs, available_cpus()))
        return self._start(seconds)

    def _workers_for(self, seconds: float) -> int:
        """Return how many processes beside this one will simulate what takes so long; 0 where this one does."""
        jobs, executor, scheduler = self._where
        if executor is not None or scheduler is not None:
            return max(2, jobs)
        if self._workers is None and self._small_here_s > seconds:
            return 0
        return jobs if jobs > 1 else 0

    def _begun(self, case: Case, lacking: Sequence[int]) -> int:
        """Return how many of the first replications have been begun ahead."""
        return next((at for at, number in enumerate(lacking) if _key(case, number) not in self._ahead), len(lacking))

    def _submitting(
        self, executor: Executor, chunks: Chunks, ahead: Iterable[Case]
    ) -> tuple[Callable[[int], Future[list[Replication]]], Callable[[], Future[list[Replication]] | None]]:
        """Return what begins a chunk, and what begins one replication ahead, None where there is none to begin."""
        post = Post(self._simulate, self.engine or "auto")
        wishes = ((case, number) for case in ahead for number in self._missing(case))

        def submit(index: int) -> Future[list[Replication]]:
            chunk: Chunk = chunks[index]
            if chunk.begun:
                begun = self._ahead.pop(_key(chunk.case, chunk.replications[0]), None)
                if begun is not None:
                    return begun
            return executor.submit(run_sent, post.message(chunk))

        def begin_ahead() -> Future[list[Replication]] | None:
            for case, number in wishes:
                key = _key(case, number)
                if key not in self._ahead:
                    self._ahead[key] = executor.submit(run_sent, post.message(Chunk(case, (number,))))
                    return self._ahead[key]
            return None

        return submit, begin_ahead

    def _tell(self, more: int) -> None:
        self.finished += more
        if self._told is not None and more:
            self._told(self.finished, max(self._wanted, self._expected))

    def _kept(self) -> str:
        if self._journal is None:
            return ""
        return f"{len(self._journal)} are kept in {self._journal.directory}, and the same command goes on from there"


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)


def _key(case: Case, replication: int) -> RunKey:
    return case.scenario.digest(), case.seed, replication
