"""Replications as they are handed to workers: some of one case at a time, the scenario pickled once."""

from __future__ import annotations

import pickle
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeAlias

from simsticky.study.store import Replication

if TYPE_CHECKING:
    from simsticky.engines import Choice
    from simsticky.scenario.model import Scenario
    from simsticky.study.case import Case, Simulate


@dataclass(frozen=True, slots=True)
class Chunk:
    """Replications of one case for one worker.

    Attributes:
        case: The case.
        replications: Which of its replications.
        begun: Whether a worker has begun this replication already, it being the only one.
    """

    case: Case
    replications: tuple[int, ...]
    begun: bool = False


class Chunks(Sequence[Chunk]):
    """What is to be simulated, chunk by chunk; a chunk is made when it is asked for, so that many need no memory.

    Args:
        cases: The cases.
        missing: Of each the numbers of the replications that are wanted.
        size: At most this many replications in a chunk.
        begun: Of each how many of the first ones have been begun; these are chunks of their own.
    """

    def __init__(
        self, cases: Sequence[Case], missing: Sequence[Sequence[int]], size: int, begun: Sequence[int]
    ) -> None:
        self._cases = cases
        self._missing = missing
        self._size = size
        self._begun = begun
        parts = (k - (len(numbers) - k) // -size for numbers, k in zip(missing, begun, strict=True))
        self._before = list(accumulate(parts, initial=0))

    def __len__(self) -> int:
        return self._before[-1]

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(index)
        place = bisect_right(self._before, index) - 1
        part, begun, numbers = index - self._before[place], self._begun[place], self._missing[place]
        if part < begun:
            return Chunk(self._cases[place], (numbers[part],), begun=True)
        first = begun + (part - begun) * self._size
        return Chunk(self._cases[place], tuple(numbers[first : first + self._size]))


Message: TypeAlias = "tuple[Simulate, Choice, bytes, int, tuple[int, ...]]"
"""A chunk as it is sent."""


class Post:
    """Makes messages of chunks; the scenario of several is pickled once."""

    def __init__(self, simulate: Simulate, engine: Choice) -> None:
        self._simulate = simulate
        self._engine: Choice = engine
        self._last: tuple[Scenario, bytes] | None = None

    def message(self, chunk: Chunk) -> Message:
        """Return a chunk as it is sent."""
        scenario = chunk.case.scenario
        if self._last is None or self._last[0] is not scenario:
            self._last = scenario, pickle.dumps(scenario)
        return self._simulate, self._engine, self._last[1], chunk.case.seed, chunk.replications


def run_here(simulate: Simulate, engine: Choice, chunk: Chunk) -> list[Replication]:
    """Simulate a chunk in this process."""
    return _simulated(simulate, engine, chunk.case.scenario, chunk.case.seed, chunk.replications)


def run_sent(message: Message) -> list[Replication]:
    """Simulate a chunk that was sent to this process."""
    simulate, engine, pickled, seed, replications = message
    return _simulated(simulate, engine, _scenario(pickled), seed, replications)


@lru_cache(maxsize=4)
def _scenario(pickled: bytes) -> Scenario:
    scenario: Scenario = pickle.loads(pickled)
    return scenario


def _simulated(
    simulate: Simulate, engine: Choice, scenario: Scenario, seed: int, replications: Iterable[int]
) -> list[Replication]:
    from simsticky.engines import using

    with using(engine):
        return [Replication.of(simulate(scenario, seed=seed, replication=replication)) for replication in replications]
