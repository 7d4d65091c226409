"""The yardstick of the speed gate: the least that a Python event loop with two events a request can do.

Nothing is recorded, no function is called per event but the heap's own, no pod has a queue. The requests are the ones
the model serves, drawn before and handed in as plain lists.
"""

from heapq import heapify, heappop, heappush, heapreplace
from itertools import pairwise
from time import process_time

_END = -1.0
_ARRIVAL = -2.0


def prepare(offset: list[int], think_s: list[float], service_s: list[float]) -> tuple[list[float], list[int]]:
    """Lay the requests out for :func:`bare_loop`.

    Returns:
        The gaps from each event to the session's next: service, think, service, …, and :data:`_END` after the last
        service of a session; a last entry stands for the arrivals. And the position of each session's first event.
    """
    gaps: list[float] = []
    first = []
    for begin, end in pairwise(offset):
        first.append(len(gaps))
        for request in range(begin, end):
            gaps += (service_s[request], think_s[request])
        gaps[-1] = _END
    return [*gaps, _ARRIVAL], first


def bare_loop(start_s: list[float], gaps: list[float], first: list[int]) -> float:
    """Serve all requests; return the CPU seconds it took. An entry of the heap is (time, position in ``gaps``)."""
    begun = process_time()
    arrivals = iter(zip(start_s, first, strict=True))
    arriving = len(gaps) - 1
    start, position = next(arrivals)
    heap = [(start, arriving)]
    while heap:
        now, event = heap[0]
        gap = gaps[event]
        if gap >= 0.0:
            heapreplace(heap, (now + gap, event + 1))
        elif gap == _END:
            heappop(heap)
        else:
            begins = position
            start, position = next(arrivals, (-1.0, -1))
            if position >= 0:
                heapreplace(heap, (start, arriving))
            else:
                heappop(heap)
            heappush(heap, (now, begins))
    return process_time() - begun


def micro_loop(live: int, steps: list[float]) -> float:
    """Do nothing but ``heapreplace`` on a heap of ``live`` pairs, once per step; return the CPU seconds it took."""
    heap = [(step, number) for number, step in enumerate(steps[:live])]
    heapify(heap)
    begun = process_time()
    for step in steps:
        now, event = heap[0]
        heapreplace(heap, (now + step, event))
    return process_time() - begun
