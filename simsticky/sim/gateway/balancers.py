"""The balancers of Kong's workers: the scenario's algorithm, or one's own, with the draws of its rebuild."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simsticky.kong.algorithms.consistent_hashing import ConsistentHashing, SparseRing
from simsticky.kong.algorithms.hash_modulo import HashModulo
from simsticky.kong.algorithms.latency import Latency
from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.algorithms.sticky_sessions import StickyOptions, StickySessions
from simsticky.kong.balancer import Algorithm, AlgorithmFactory, Balancer
from simsticky.kong.upstream import Target
from simsticky.scenario.model import Scenario
from simsticky.scenario.upstream_settings import checks, threshold_comparison
from simsticky.sim.gateway.addresses import Addresses
from simsticky.sim.gateway.affinity import AFFINITY, COOKIE, NONE
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.gateway.own_algorithm import OwnAlgorithm
from simsticky.sim.streams import Purpose, Streams
from simsticky.sim.world import World

_DRAWS_PER_SHUFFLE = 1 << 20
"""Room for the draws of one wheel's shuffle, so that the next rebuild has draws of its own."""
_DRAWS_AT_ONCE = 1 << 12
_FEW_DRAWS = 16
"""Fewer than so many are made one by one, which is faster then."""


class Balancers:
    """Makes balancers.

    Args:
        addresses: Knows how many requests are in flight at an address.
        make_algorithm: Makes the algorithm of each new balancer instead of the scenario's; None for those.
    """

    def __init__(self, world: World, addresses: Addresses, make_algorithm: AlgorithmFactory | None) -> None:
        scenario, settings = world.scenario, world.scenario.gateway
        self._streams = world.streams
        self._cells = world.columns.cells
        self._in_flight = addresses.in_flight
        self._make_algorithm = make_algorithm
        self._policy = scenario.upstream
        self._by_cookie = AFFINITY.get(self._policy.algorithm, NONE) == COOKIE
        self._by_modulo = settings.hash_method == "modulo"
        self._threshold, self._comparison = checks(scenario).threshold, threshold_comparison(scenario)
        self._options = sticky_options(scenario)

    @property
    def open_if_available(self) -> bool:
        """Whether a balancer that has weight, and all of whose targets are available, names peers."""
        return self._make_algorithm is None and self._threshold < 100

    def make(self, worker: Worker, targets: tuple[Target, ...]) -> Balancer:
        """Make a worker's next balancer."""
        return Balancer(targets, self._algorithm(worker), self._threshold, self._comparison)

    def of_the_past(self, targets: tuple[Target, ...]) -> Balancer:
        """Return a balancer that leads cookies and keys as a worker's did, and makes no picks."""
        if self._make_algorithm is not None:
            algorithm: Algorithm = OwnAlgorithm(self._make_algorithm(lambda upto: upto))
        elif self._by_cookie:
            algorithm = StickySessions(replace(self._options, new_pick="random"))
        else:
            algorithm = HashModulo() if self._by_modulo else SparseRing(self._policy.slots)
        return Balancer(targets, algorithm, self._threshold, self._comparison)

    def _algorithm(self, worker: Worker) -> Algorithm:
        """Make a fresh algorithm for a worker; every rebuild has draws of its own."""
        streams, rebuild = self._streams, worker.rebuilds
        draw = Shuffle(streams, worker.index, rebuild * _DRAWS_PER_SHUFFLE)

        def as_pairs(addresses: Sequence[str]) -> Sequence[str]:
            order = streams.generator(Purpose.CANDIDATE_ORDER, worker.index, rebuild).permutation(len(addresses))
            return [addresses[index] for index in order]

        if self._make_algorithm is not None:
            return OwnAlgorithm(self._make_algorithm(draw))
        match self._policy.algorithm:
            case "sticky-sessions":
                return StickySessions(self._options, draw=draw, in_flight=self._in_flight, cells=self._cells)
            case "consistent-hashing":
                if self._by_modulo:
                    return HashModulo(self._cells)
                return ConsistentHashing(self._policy.slots, self._cells)
            case "least-connections":
                return LeastConnections(self._cells)
            case "latency":
                return Latency(worker, as_pairs, self._cells)
            case _:
                return RoundRobin(draw, self._cells)


class Shuffle:
    """The draws of one balancer: called with a number, it returns an integer from 1 to that, uniformly.

    A shuffle asks for each number from its length down to 2: many draws are made at once.

    Args:
        streams: The replication's luck.
        worker: Number of the worker.
        first: Number of the first draw.
    """

    __slots__ = ("_drawn", "_next", "_streams", "_worker")

    def __init__(self, streams: Streams, worker: int, first: int) -> None:
        self._streams = streams
        self._worker = worker
        self._next = first
        self._drawn: list[float] = []  # the next one last

    def __call__(self, upto: int) -> int:
        """Return an integer from 1 to ``upto``."""
        if not self._drawn:
            self._draw(max(1, min(upto - 1, _DRAWS_AT_ONCE)))
        return 1 + int(self._drawn.pop() * upto)

    def _draw(self, number: int) -> None:
        entity, first, self._next = self._worker, self._next, self._next + number
        if number < _FEW_DRAWS:
            drawn = [self._streams.uniform(Purpose.SHUFFLE, entity, at) for at in range(first, self._next)]
        else:
            ordinals = np.arange(first, self._next, dtype=np.int64)
            drawn = self._streams.uniforms(Purpose.SHUFFLE, np.array(entity, np.int64), ordinals).tolist()
        self._drawn = drawn[::-1]


def sticky_options(scenario: Scenario) -> StickyOptions:
    """Return how a scenario settles the open points of sticky-sessions."""
    settings = scenario.gateway
    return StickyOptions(
        new_pick=settings.sticky_new_pick,
        on_unhealthy=settings.sticky_on_unhealthy,
        on_weight_zero=settings.sticky_on_weight_zero,
        when_total_weight_zero=settings.sticky_when_total_weight_zero,
        retry=settings.sticky_retry,
        cookie_on_retry=settings.cookie_on_retry,
        set_cookie=settings.sticky_set_cookie,
        cookie_on_error_response=settings.sticky_cookie_on_error_response,
        identity=settings.sticky_identity,
    )
