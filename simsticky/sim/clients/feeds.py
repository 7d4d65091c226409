"""What a session sends, a few requests at a time: their worker, demands and thinks (rules W2 and G2)."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np

from simsticky.scenario.model import Scenario
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.streams import Purpose, Streams
from simsticky.workload.generate import Workload

Chunk = tuple[Worker, list[float], list[float]]
"""A few consecutive requests through one worker: their service demands and the think gaps after them."""

_CHUNK = 64


def one_by_one(feed: Iterable[Chunk]) -> Iterator[tuple[Worker, float, float]]:
    """Yield a session's requests one by one: worker, service demand, and the think after it."""
    for worker, service, think in feed:
        for demand_s, gap_s in zip(service, think, strict=True):
            yield worker, demand_s, gap_s


class Feeds:
    """Gives each session its requests and the front balancer's choice of a worker."""

    def __init__(self, workload: Workload, gateway: Gateway, streams: Streams, scenario: Scenario) -> None:
        app = scenario.app
        self._workload = workload
        self._workers = gateway.workers
        self._streams = streams
        self._one_worker = gateway.front.one_worker
        self.first_worker = gateway.front.worker_of
        # State outside the pods: each request pays the way there.
        self._state_latency = app.external_latency if app.state == "external" else None

    def of(self, session: int, service: list[float], think: list[float], low: int, high: int) -> Iterable[Chunk]:
        """Return a session's requests ``low .. high - 1`` of the flat columns."""
        if self._one_worker and high - low <= _CHUNK:
            demands = self._demands(session, 0, service[low:high])
            return ((self.first_worker(session), demands, think[low:high]),)
        return self._long_feed(session, service, think, low, high)

    def _long_feed(
        self, session: int, service: list[float], think: list[float], low: int, high: int
    ) -> Iterator[Chunk]:
        for first in range(low, high, _CHUNK):
            last = min(first + _CHUNK, high)
            yield from self._chunks(session, first - low, service[first:last], think[first:last])

    def endless(self, client: int) -> Iterator[Chunk]:
        """Yield the requests of a client that never stops."""
        sent = chunk = 0
        while True:
            think, service = self._workload.more_requests(client, chunk)
            for first in range(0, len(think), _CHUNK):
                part = slice(first, first + _CHUNK)
                yield from self._chunks(client, sent, service[part], think[part])
                sent += _CHUNK
            chunk += 1

    def _chunks(self, session: int, first: int, service: list[float], think: list[float]) -> Iterator[Chunk]:
        """Yield consecutive requests, the ``first`` and following of a session, split where the worker changes."""
        demands = self._demands(session, first, service)
        if self._one_worker:
            yield self.first_worker(session), demands, think
            return
        workers = self._workers
        ordinals = np.arange(first, first + len(service))
        draws = self._streams.uniforms(Purpose.WORKER, np.full(len(service), session), ordinals)
        position = 0
        for index, same in groupby((draws * len(workers)).astype(int).tolist()):
            end = position + sum(1 for _ in same)
            yield workers[index], demands[position:end], think[position:end]
            position = end

    def _demands(self, session: int, first: int, service: list[float]) -> list[float]:
        if self._state_latency is None or self._state_latency.is_zero:
            return service
        generator = self._streams.generator(Purpose.EXTERNAL_STATE, session, first)
        demands: list[float] = (np.array(service) + self._state_latency.sample(generator, len(service))).tolist()
        return demands
