"""The yardstick of the compiled engine: the least that a compiled event loop with one event a request can do."""

from heapq import heapify
from time import process_time
from typing import Any

import numpy as np
from numba import njit


@njit  # type: ignore[untyped-decorator]
def _replace(times: Any, numbers: Any, at_s: float, number: int) -> None:
    """Replace the first entry of a heap by a later one."""
    at, size = 0, len(times)
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and times[child + 1] < times[child]:
            child += 1
        if times[child] >= at_s:
            break
        times[at], numbers[at] = times[child], numbers[child]
        at = child
    times[at], numbers[at] = at_s, number


@njit  # type: ignore[untyped-decorator]
def _run(times: Any, numbers: Any, steps: Any) -> None:
    for step in steps:
        _replace(times, numbers, times[0] + step, numbers[0])


def compiled_loop(live: int, steps: Any) -> float:
    """Replace the first of so many entries by a later one, once per step; return the CPU seconds a step took."""
    heap = [(float(step), number) for number, step in enumerate(steps[:live])]
    heapify(heap)
    times, numbers = np.array([at_s for at_s, _ in heap]), np.arange(live)
    _run(times.copy(), numbers, steps[:1])
    begun = process_time()
    _run(times, numbers, steps)
    return (process_time() - begun) / len(steps)
