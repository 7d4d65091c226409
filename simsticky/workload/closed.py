"""A closed population: so many clients, each with one session after the other, or with one that never ends.

Columns are keyed by the client and drawn for several of its sessions (or requests) at a time; only the latest
such batch of each client is kept, so memory depends on the population and not on the length of the run.
"""

from dataclasses import dataclass

import numpy as np

from simsticky.scenario.distributions import Law
from simsticky.workload.client_rates import ClientRates
from simsticky.workload.columns import SessionBlock
from simsticky.workload.components import Component, Generators
from simsticky.workload.equilibrium import residual_gap
from simsticky.workload.shapes import CountedSessions, Floats, Integers, SessionShape, session_bounds

REQUESTS_PER_CHUNK = 512
"""Requests of an endless session that are drawn together."""

_REQUESTS_PER_BATCH = 512
_MOST_SESSIONS_PER_BATCH = 32


@dataclass(frozen=True, slots=True)
class _Batch:
    """Consecutive sessions of one client."""

    number: int
    bounds: Integers
    think_s: Floats
    service_s: Floats
    pause_s: Floats


class Population:
    """The clients of a closed workload."""

    def __init__(
        self,
        size: int,
        shape: SessionShape | None,
        think: Law,
        service: Law,
        pause: Law,
        keep_cookies: float,
        streams: Generators,
        rates: ClientRates | None = None,
    ) -> None:
        """Take the laws.

        Args:
            size: Number of clients.
            shape: What their sessions look like; None for one endless session each.
            think: Gaps of an endless session, in seconds; also what clients are in at time 0.
            service: Service demand of a request, in seconds.
            pause: Time between a client's sessions, in seconds.
            keep_cookies: Share of clients that keep cookies.
            streams: The generators of the replication.
            rates: How fast each client is, in all its sessions; None if they are all alike.
        """
        self.size = size
        self._rate = np.ones(size)
        if rates is not None:
            self._rate = rates.draw(size, streams.generator(Component.CLOSED_CLIENT_RATE))
        self._shape = shape
        self._think = think
        self._service = service
        self._pause = pause
        self._streams = streams
        self._has_jar = (streams.generator(Component.CLIENT_JAR).random(size) < keep_cookies).tolist()
        fitting = _REQUESTS_PER_BATCH / shape.mean_requests if shape is not None else 1.0
        self._sessions_per_batch = int(min(max(fitting, 1.0), _MOST_SESSIONS_PER_BATCH))
        self._latest: dict[int, _Batch] = {}

    def session(self, client: int, ordinal: int) -> SessionBlock:
        """Return a client's session; ``start_s[0]`` is the pause before it (rule W8).

        Before its first session (ordinal 0) a client is in the middle of a think time, so that the clients do
        not start in step. Of an endless session the first 512 requests come, without an end.

        Args:
            client: 0 .. size − 1.
            ordinal: Number of the client's session, from 0; always 0 for endless sessions.
        """
        if self._shape is None:
            think, service = self.more_requests(client, 0)
            bounds, pause = [0, len(think)], 0.0
        else:
            number, index = divmod(ordinal, self._sessions_per_batch)
            batch = self._latest.get(client)
            if batch is None or batch.number != number:
                batch = self._latest[client] = self._draw(self._shape, client, number)
            begin, end = int(batch.bounds[index]), int(batch.bounds[index + 1])
            think, service = batch.think_s[begin:end].tolist(), batch.service_s[begin:end].tolist()
            bounds, pause = [0, end - begin], float(batch.pause_s[index])
        if ordinal == 0:
            pause = residual_gap(self._think, self._streams.generator(Component.CLIENT_STAGGER, client))
            pause /= float(self._rate[client])
        return SessionBlock(
            first_session=ordinal * self.size + client,
            start_s=[pause],
            offset=bounds,
            think_s=think,
            service_s=service,
            has_jar=[self._has_jar[client]],
            request_before=[0],
        )

    def more_requests(self, client: int, chunk: int) -> tuple[list[float], list[float]]:
        """Return the chunk-th 512 requests of an endless session.

        Returns:
            ``think_s`` and ``service_s`` of requests 512·chunk … 512·chunk + 511.
        """
        think = self._think.sample(self._streams.generator(Component.CLIENT_THINK, client, chunk), REQUESTS_PER_CHUNK)
        think /= self._rate[client]
        service = self._service.sample(
            self._streams.generator(Component.CLIENT_SERVICE, client, chunk), REQUESTS_PER_CHUNK
        )
        return think.tolist(), service.tolist()

    def _draw(self, shape: SessionShape, client: int, number: int) -> _Batch:
        streams, size = self._streams, self._sessions_per_batch
        think_rng = streams.generator(Component.CLIENT_THINK, client, number)
        if isinstance(shape, CountedSessions):
            counts = shape.draw_counts(size, streams.generator(Component.CLIENT_REQUESTS, client, number))
            think = shape.draw_think(counts, think_rng) / self._rate[client]
        else:
            rng = streams.generator(Component.CLIENT_DURATION, client, number)
            counts, think = shape.fill(shape.duration.sample(rng, size), think_rng, np.full(size, self._rate[client]))
        service_rng = streams.generator(Component.CLIENT_SERVICE, client, number)
        pause_rng = streams.generator(Component.CLIENT_PAUSE, client, number)
        return _Batch(
            number,
            session_bounds(counts),
            think,
            self._service.sample(service_rng, int(counts.sum())),
            np.zeros(size) if self._pause.is_zero else self._pause.sample(pause_rng, size),
        )
