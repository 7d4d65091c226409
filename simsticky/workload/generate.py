"""The workload of one replication: who arrives, when, and what they ask for.

The same seed and replication give the same sessions, whatever the policies, the horizon, and the order in
which the simulation asks for them. Sessions are drawn in blocks, on demand, so that memory does not grow
with the run.
"""

from collections.abc import Iterator
from functools import cached_property

from simsticky.errors import InputError
from simsticky.scenario.cluster_operations import TrafficChange
from simsticky.scenario.distributions import Law
from simsticky.scenario.model import Closed, Scenario
from simsticky.scenario.traffic import is_inline
from simsticky.workload.arrivals import RateProfile, arrival_times, changed_rate, rate_profile
from simsticky.workload.client_rates import ClientRates
from simsticky.workload.closed import Population
from simsticky.workload.columns import AliveBlock, ArrayBlock, SessionBlock
from simsticky.workload.components import Component, Generators
from simsticky.workload.equilibrium import draw_snapshot
from simsticky.workload.shapes import (
    Booleans,
    CountedSessions,
    Floats,
    Integers,
    SessionShape,
    session_bounds,
    session_shape,
)
from simsticky.workload.trace import INLINE, Trace, read_trace

_FIRST_BLOCK = 64
_LARGEST_BLOCK = 8_192
_SMALLEST_BLOCK = 16
_REQUESTS_PER_BLOCK = 131_072
_AT_A_TIME = 64
"""Sessions of a block that become Python lists at a time: late, so that their numbers are still in the processor's
cache when they are used."""
_MOST_ALIVE = 10_000_000


def block_sizes(mean_requests: float) -> Iterator[int]:
    """Yield the number of sessions of block 0, 1, 2, …: small ones first, for short runs, then doubling.

    Args:
        mean_requests: Mean requests of a session: the longer they are, the fewer go into the largest block.
    """
    largest = _LARGEST_BLOCK
    while largest > _SMALLEST_BLOCK and largest * mean_requests > _REQUESTS_PER_BLOCK:
        largest //= 2
    size = min(_FIRST_BLOCK, largest)
    while True:
        yield size
        size = min(2 * size, largest)


class Workload:
    """The sessions of one replication.

    Attributes:
        population: Number of clients of a closed workload; 0 for open arrivals and for a trace.
        endless: Whether the sessions of a closed workload never end.
        warnings: What the user should know about the trace file.
    """

    def __init__(self, scenario: Scenario, seed: int, replication: int) -> None:
        """Prepare the streams; reads the trace file, if there is one.

        Args:
            scenario: Its ``traffic``, changes of it on the timeline, and ``run.start`` are used.
            seed: At least 0.
            replication: At least 0.

        Raises:
            InputError: The trace file is wrong, or the laws allow no session or no equilibrium.
        """
        traffic = scenario.traffic
        self._streams = Generators(seed, replication)
        self._service: Law = traffic.service
        self._keep_cookies = traffic.cookies.keep
        self._trace: Trace | None = None
        self._shape: SessionShape | None = None
        self._profile: RateProfile | None = None
        self._clients: Population | None = None
        self._in_equilibrium = False
        self.population = 0
        self.endless = False
        self.warnings: tuple[str, ...] = ()

        if traffic.trace is not None:
            self._trace = read_trace(traffic.trace)
            if self._trace.ignored:
                name = INLINE if is_inline(traffic.trace) else traffic.trace
                self.warnings = (f"{name}: columns not used: {', '.join(self._trace.ignored)}",)
            return
        self._shape = session_shape(traffic)
        if isinstance(traffic.sessions, Closed):
            self.population = traffic.sessions.population
            self.endless = self._shape is None
            met_at_zero = traffic.think
            if traffic.session_duration is not None and "think" not in traffic.model_fields_set:
                met_at_zero = traffic.session_duration
            self._clients = Population(
                self.population,
                self._shape,
                met_at_zero,
                self._service,
                traffic.sessions.pause,
                self._keep_cookies,
                self._streams,
                None if traffic.client_rate is None else ClientRates(traffic.client_rate),
            )
            return
        changes = [
            (operation.at_s, operation.traffic.rate_factor)
            for operation in scenario.operations
            if isinstance(operation, TrafficChange)
        ]
        self._profile = changed_rate(rate_profile(traffic.sessions), changes)
        self._in_equilibrium = scenario.run.start == "equilibrium"
        if self._in_equilibrium and self._shape is not None:
            _check_equilibrium(self._shape, self._profile.rate_at(0.0))

    @property
    def rate_at_zero(self) -> float:
        """Sessions per second at time 0; 0 where arrivals are not open."""
        return 0.0 if self._profile is None else self._profile.rate_at(0.0)

    def alive(self) -> AliveBlock | None:
        """Return the sessions alive and idle at time 0, ids from 0 on, the oldest first.

        ``start_s`` is the time of each one's next request, so it is not ascending. None unless arrivals are
        open and the run starts in equilibrium.
        """
        return self._alive

    @cached_property
    def _alive(self) -> AliveBlock | None:
        if not self._in_equilibrium or self._shape is None or self._profile is None:
            return None
        generator_of = self._streams.for_key()
        snapshot = draw_snapshot(self._shape, self._profile.rate_at(0.0), generator_of)
        jar = generator_of(Component.ALIVE_JAR).random(snapshot.counts.size) < self._keep_cookies
        service = self._service.sample(generator_of(Component.ALIVE_SERVICE), snapshot.think_s.size)
        return AliveBlock(
            first_session=0,
            start_s=snapshot.residual_s.tolist(),
            offset=session_bounds(snapshot.counts).tolist(),
            think_s=snapshot.think_s.tolist(),
            service_s=service.tolist(),
            has_jar=jar.tolist(),
            request_before=snapshot.requests_before.tolist(),
            age_s=snapshot.age_s.tolist(),
        )

    def arrivals(self) -> Iterator[SessionBlock]:
        """Yield the sessions that start from time 0 on, in order of start; ids follow those of :meth:`alive`.

        Each call begins anew. Endless for a rate that never stays 0; ends with the trace; empty for a closed
        population.
        """
        for block in self.blocks():
            yield from block.in_parts(_AT_A_TIME)

    def blocks(self) -> Iterator[ArrayBlock]:
        """Yield the same as arrays, as many sessions at a time as are drawn together."""
        if self._trace is not None:
            yield from self._traced(self._trace)
        elif self._profile is not None and self._shape is not None:
            yield from self._arriving(self._profile, self._shape)

    def _arriving(self, profile: RateProfile, shape: SessionShape) -> Iterator[ArrayBlock]:
        alive = self.alive()
        first = 0 if alive is None else len(alive)
        sizes = block_sizes(shape.mean_requests)
        times = arrival_times(profile, self._streams.generator(Component.ARRIVAL), sizes)
        for number, start in enumerate(times):
            generator_of = self._streams.for_key(number)
            counts, think = shape.draw(start.size, generator_of)
            service = self._service.sample(generator_of(Component.SERVICE), think.size)
            yield self._block(first, number, start, counts, think, service)
            first += start.size

    @property
    def states_keys(self) -> bool:
        """Whether a trace says what sessions are hashed by."""
        return self._trace is not None and self._trace.keys is not None

    def key_of(self, session: int) -> str | None:
        """Return what a trace says that a session is hashed by; None where none does."""
        keys = None if self._trace is None else self._trace.keys
        return None if keys is None else keys[session]

    def is_idempotent(self, session: int, request: int) -> bool | None:
        """Return whether a trace says that a request, numbered from 1, may be sent again; None where none does."""
        stated = None if self._trace is None else self._trace.idempotent
        return None if stated is None else bool(stated[self._first_request[session] + request - 1])

    @cached_property
    def _first_request(self) -> Integers:
        assert self._trace is not None
        return session_bounds(self._trace.counts)

    def _traced(self, trace: Trace) -> Iterator[ArrayBlock]:
        bounds = session_bounds(trace.counts)
        sizes = block_sizes(trace.think_s.size / trace.counts.size)
        first = 0
        for number, size in enumerate(sizes):
            end = min(first + size, trace.counts.size)
            flat = slice(int(bounds[first]), int(bounds[end]))
            yield self._block(
                first,
                number,
                trace.start_s[first:end],
                trace.counts[first:end],
                trace.think_s[flat],
                trace.service_s[flat],
                None if trace.keeps_cookies is None else trace.keeps_cookies[first:end],
            )
            first = end
            if first == trace.counts.size:
                return

    def _block(
        self,
        first: int,
        number: int,
        start: Floats,
        counts: Integers,
        think: Floats,
        service: Floats,
        jar: Booleans | None = None,
    ) -> ArrayBlock:
        """Return the sessions of one block of draws; jars are drawn unless they are known (rule W3)."""
        if jar is None:
            jar = self._streams.generator(Component.JAR, number).random(start.size) < self._keep_cookies
        return ArrayBlock(first, start, session_bounds(counts), think, service, jar)

    def client_session(self, client: int, ordinal: int) -> SessionBlock:
        """Return a client's session; ``start_s[0]`` is the pause before it.

        Args:
            client: 0 .. population − 1.
            ordinal: Number of the client's session, from 0; before session 0 the rest of a think time is the
                pause. An endless session is session 0, and comes with its first 512 requests.
        """
        return self._closed.session(client, ordinal)

    def more_requests(self, client: int, chunk: int) -> tuple[list[float], list[float]]:
        """Return think_s and service_s of requests 512·chunk … 512·chunk + 511 of an endless session."""
        return self._closed.more_requests(client, chunk)

    @property
    def _closed(self) -> Population:
        if self._clients is None:
            raise ValueError("the workload has no closed population")
        return self._clients


def _check_equilibrium(shape: SessionShape, rate: float) -> None:
    """Refuse an equilibrium that no memory holds, such as that of a law with an enormous mean.

    Raises:
        InputError: More than 10 million sessions would be alive at time 0.
    """
    path = "traffic.requests" if isinstance(shape, CountedSessions) else "traffic.sessionDuration"
    alive = rate * shape.mean_life_s
    if alive > _MOST_ALIVE:
        message = f"about {alive:.2g} sessions would be alive at the start"
        raise InputError.of(message, path=path, hint="give the law a cap, or lower the rate of sessions")
