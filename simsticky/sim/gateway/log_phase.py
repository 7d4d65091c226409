"""Kong's log phase: what ends is told to the balancer that picked its target (rules G11 and G12).

The requests that are still to be logged wait in the plane's queue of ends, those of all workers together, and are
looked at before each pick: no event is needed for an end that nobody waits for.
"""

from typing import Protocol, cast

from simsticky.kong.algorithms.latency import Latency
from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.balancer import Balancer
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import OWN, PICKS
from simsticky.sim.plane.queue_views import End
from simsticky.sim.world import World


class Teller(Protocol):
    """A worker, as far as the log phase knows it.

    Attributes:
        index: Its number.
        now_s: The time as its balancer sees it.
    """

    index: int
    now_s: float

    def tell(self, balancer: Balancer, address: str, response_s: float) -> None:
        """Tell a balancer of the end of a request it has picked for."""


class LogPhase:
    """Numbers the balancers, and logs what ends.

    Attributes:
        workers: The workers, by number.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._columns: Columns = world.columns
        self._queues = world.columns.queues
        self._keeps_s = world.scenario.gateway.read_timeout
        self._balancers: dict[int, Balancer] = {}
        self._numbers: dict[Balancer, int] = {}
        self._replaced_s: dict[int, float] = {}
        self._made = 0
        self.workers: list[Teller] = []

    # Balancers ----------------------------------------------------------------------------------------------------

    def number(self, balancer: Balancer, instead_of: int) -> int:
        """Return the number of a new balancer, which replaces another.

        That one is known for as long as a request that it has picked for may be in flight, or is to be logged: its
        cells are used again once nobody knows it.
        """
        now_s = self._world.now_s
        old = [old for old, at_s in self._replaced_s.items() if at_s + self._keeps_s < now_s]
        awaited = {end.balancer for end in self._queues.open_ends()} if old else set()
        for number in old:
            if number not in awaited:
                del self._replaced_s[number], self._numbers[self._balancers.pop(number)]
        if instead_of in self._balancers:
            self._replaced_s[instead_of] = now_s
        return self._known_as(balancer)

    def _known_as(self, balancer: Balancer) -> int:
        """Return the number of a balancer from now on."""
        self._made += 1
        self._balancers[self._made], self._numbers[balancer] = balancer, self._made
        return self._made

    def balancer(self, number: int) -> Balancer | None:
        """Return the balancer with a number, None where it is not known any more."""
        return self._balancers.get(number)

    def was_replaced(self, number: int, after_s: float) -> bool:
        """Return whether a balancer is known that was replaced later than at a time."""
        return self._replaced_s.get(number, -1.0) > after_s

    def balancer_of(self, session: int, request: int) -> Balancer | None:
        """Return the balancer of an open request's first attempt; None where it is not known."""
        for end in self._queues.open_ends():
            if (end.session, end.request) == (session, request):
                return self._balancers.get(end.balancer)
        return None

    # Logging ------------------------------------------------------------------------------------------------------

    def until(self, now_s: float) -> None:
        """Log the requests that have ended by ``now_s``, each at its time: release, then average the time in."""
        columns, run, queues = self._columns, self._columns.run, self._queues
        picks = columns.rules.cells[PICKS]
        if picks == OWN:
            while run.first_end(queues.ends)[0] <= now_s:
                self._log_first()
            return
        state = columns.state
        while run.log_ends(state.ends, now_s, picks, state.workers, state.links, state.scores) <= now_s:
            self._log_first()

    def _log_first(self) -> None:
        """Log the next end by the balancer's own methods."""
        ends = self._queues.ends
        at_s, _, _, number, which, target, took_s = self._columns.run.first_end(ends)
        self._columns.run.drop_end(ends)
        balancer, worker = self._balancers.get(which), self.workers[number]
        worker.now_s = at_s
        if balancer is not None:
            worker.tell(balancer, self._address(balancer, target), took_s)

    def _address(self, balancer: Balancer, target: int) -> str:
        columns = self._columns
        if columns.rules.cells[PICKS] == OWN:
            return columns.cells.numbers.names[target]
        return _logging(balancer).address_of(target)

    def opened(
        self, worker: Teller, session: int, request: int, balancer: Balancer, at: tuple[float, str, float]
    ) -> None:
        """Note a request that will be logged at its end, to the balancer of its first attempt.

        Args:
            worker: Who carries it.
            session: Its session's number.
            request: Its own.
            balancer: The balancer.
            at: Its end; the address of its latest attempt; the response time that Kong averages, 0 after a retry, where
                Kong reads a list of times as no number.
        """
        ended_s, address, took_s = at
        target = self._target_of(balancer, address)
        number = self._numbers.get(balancer)
        if number is None:
            # It was replaced long ago, and has picked for a request that has been tried again and again.
            number = self._known_as(balancer)
            self._replaced_s[number] = self._world.now_s
        end = End(ended_s, session, request, worker.index, number, target, took_s)
        self._queues.put_end(end)

    def _target_of(self, balancer: Balancer, address: str) -> int:
        """Return by which number a balancer knows an address."""
        columns = self._columns
        if columns.rules.cells[PICKS] == OWN:
            return columns.cells.numbers[address]
        return _logging(balancer).target_of(address)

    def forget(self, session: int, request: int) -> None:
        """Drop an open request, which goes on elsewhere: its retry releases the address."""
        ends = self._queues.open_ends()
        self._queues.set_ends([end for end in ends if (end.session, end.request) != (session, request)])

    def cut_short(self, session: int, request: int, now_s: float) -> None:
        """Let an open request end now, and take only so long."""

        def ended(end: End) -> End:
            if (end.session, end.request) != (session, request):
                return end
            return end._replace(at_s=now_s, took_s=max(0.0, end.took_s - (end.at_s - now_s)))

        self._queues.set_ends([ended(end) for end in self._queues.open_ends()])


def _logging(balancer: Balancer) -> LeastConnections | Latency:
    """Return the algorithm of a balancer that logs: no other of Kong's does."""
    return cast("LeastConnections | Latency", balancer.algorithm)
