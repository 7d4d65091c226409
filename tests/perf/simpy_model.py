"""The second yardstick: the same requests as one would write them with SimPy, a process a client, a resource a pod.

Only what every such model has: clients that come, stick to a pod, wait for a slot, are served and think; one row a
request. No gateway, no probe, no operation, nothing that fails.
"""

from collections.abc import Iterator
from itertools import cycle, pairwise
from time import process_time

import simpy


def simpy_model(
    start_s: list[float], offset: list[int], think_s: list[float], service_s: list[float], pods: int, slots: int
) -> float:
    """Serve all requests; return the CPU seconds it took."""
    begun = process_time()
    env = simpy.Environment()
    resources = [simpy.Resource(env, slots) for _ in range(pods)]
    rows: list[tuple[int, float, float, float]] = []

    def client(number: int, pod: simpy.Resource, first: int, last: int) -> Iterator[simpy.Event]:
        for request in range(first, last):
            sent_s = env.now
            with pod.request() as slot:
                yield slot
                started_s = env.now
                yield env.timeout(service_s[request])
            rows.append((number, sent_s, started_s, env.now))
            yield env.timeout(think_s[request])

    def arrivals() -> Iterator[simpy.Event]:
        bounds = zip(start_s, pairwise(offset), cycle(resources), strict=False)
        for number, (begins_s, (first, last), pod) in enumerate(bounds):
            yield env.timeout(begins_s - env.now)
            env.process(client(number, pod, first, last))

    env.process(arrivals())
    env.run()
    assert len(rows) == len(think_s)
    return process_time() - begun
