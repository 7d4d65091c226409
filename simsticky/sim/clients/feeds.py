"""What sessions send, as draws in the plane: the demands, the thinks, and the workers (rules W2 and G2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simsticky.scenario.model import Scenario
from simsticky.sim.gateway.front import FrontBalancer
from simsticky.sim.plane.columns import Columns
from simsticky.sim.streams import Purpose, Streams
from simsticky.workload.closed import REQUESTS_PER_CHUNK
from simsticky.workload.generate import Workload

_CHUNK = 64
"""Requests whose way to a state outside the pods is drawn together."""


class Feeds:
    """Gives sessions their draws, and the front balancer's choice of workers."""

    def __init__(
        self, columns: Columns, workload: Workload, front: FrontBalancer, streams: Streams, scenario: Scenario
    ) -> None:
        app = scenario.app
        self._workload = workload
        self._columns = columns
        self._front = front
        self._workers = len(front.workers)
        self._scenario = scenario
        self._streams = streams
        self._one_worker = front.one_worker
        # State outside the pods: each request pays the way there.
        external = app.state == "external" and not app.external_latency.is_zero
        self._way = app.external_latency if external else None
        # Sessions with several tabs get their draws twice: whole, and dealt out when they begin.
        self._deals = scenario.traffic.tabs > 1 and not workload.endless

    def beside(self, columns: Columns) -> Feeds:
        """Return what feeds the same sessions in other columns."""
        return Feeds(columns, self._workload, self._front, self._streams, self._scenario)

    def add(self, sessions: Any, offset: Any, service: Any, think: Any) -> int:
        """Keep the requests of sessions, flat; return the place of the first draw.

        Args:
            sessions: Their numbers; sequences or arrays, as all that follow.
            offset: Bounds of each in the flat columns, one more than sessions.
            service: Demand of each request, in seconds.
            think: Gap after each, in seconds.
        """
        demands = service
        if self._way is not None and not self._deals:
            demands = []
            for number, begin, end in zip(sessions, offset, offset[1:], strict=False):
                demands += self._with_way(int(number), 0, service[begin:end])
        via = None if self._one_worker else self._via(sessions, offset)
        return self._columns.add_draws(demands, think, via)

    def deal(self, session: int, service: Sequence[float], think: Sequence[float]) -> int:
        """Keep the requests of one tab of a session; return the place of the first draw."""
        demands = service if self._way is None else self._with_way(session, 0, service)
        via = None if self._one_worker else self._via([session], [0, len(service)])
        return self._columns.add_draws(demands, think, via)

    def add_endless(self, client: int, sent: int, latest: int) -> tuple[int, int]:
        """Keep the next requests of a client that never stops.

        Args:
            client: Its number.
            sent: How many it has sent.
            latest: The draw of its latest request, which stays before those that are added.

        Returns:
            Where they begin and end.
        """
        columns = self._columns
        think, service = self._workload.more_requests(client, sent // REQUESTS_PER_CHUNK)
        demands: Sequence[float] = service
        if self._way is not None:
            demands = self._with_way(client, sent, service)
        via = None
        if not self._one_worker:
            via = self._workers_of(np.full(len(service), client), np.arange(sent, sent + len(service)))
        before = columns.demands.cells[latest], columns.gaps.cells[latest]
        if via is not None:
            via = [columns.via.cells[latest], *via]
        first = columns.add_draws([before[0], *demands], [before[1], *think], via)
        return first + 1, first + 1 + len(think)

    def _via(self, sessions: Sequence[int], offset: Sequence[int]) -> list[int]:
        counts = np.diff(np.asarray(offset))
        ordinals = np.arange(offset[-1]) - np.repeat(np.asarray(offset[:-1]), counts)
        return self._workers_of(np.repeat(np.asarray(sessions), counts), ordinals)

    def _workers_of(self, sessions: np.ndarray, ordinals: np.ndarray) -> list[int]:
        draws = self._streams.uniforms(Purpose.WORKER, sessions, ordinals)
        workers: list[int] = (draws * self._workers).astype(np.int64).tolist()
        return workers

    def _with_way(self, session: int, sent: int, service: Sequence[float]) -> list[float]:
        """Return the demands of consecutive requests of a session that has sent so many, with the way to its state."""
        assert self._way is not None
        demands: list[float] = []
        for begin in range(0, len(service), _CHUNK):
            part = np.array(service[begin : begin + _CHUNK])
            generator = self._streams.generator(Purpose.EXTERNAL_STATE, session, sent + begin)
            demands += (part + self._way.sample(generator, len(part))).tolist()
        return demands
