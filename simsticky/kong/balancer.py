"""The balancer of one upstream in one Kong worker: totals, health gate and the algorithm behind it.

Source: Kong 3.10 ``kong/runloop/balancer/balancers.lua``. Every change of targets or upstream builds a
brand-new balancer (``create_balancer``) with a new algorithm: nothing of the old state survives. A change
of health rebuilds the algorithm in place.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from operator import ge, gt
from typing import Literal, Protocol

from simsticky.kong.upstream import DEFAULT_THRESHOLD, THRESHOLD_LIMITS, Target


class Refusal(StrEnum):
    """Why a balancer names no peer; the values are Kong's own error texts.

    The first two end as status 503. The last, which only the latency algorithm's bookkeeping leads to, is none
    of the errors that ``runloop/balancer/init.lua:execute`` expects and ends as 500.
    """

    UNHEALTHY = "Balancer is unhealthy"
    NO_PEERS = "No peers are available"
    ADDRESS_UNAVAILABLE = "Address is marked as unavailable"


class NoPeerError(Exception):
    """A balancer could name no peer.

    Attributes:
        refusal: Which of the reasons it was.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(slots=True)
class Handle:
    """What one request carries from its first pick to its retries.

    Attributes:
        key: What the request brings to be told apart: the target its sticky cookie names, or the value to hash.
            None without one.
        u: A uniform draw in [0, 1) for picks that are random.
        failed: Addresses this request has tried without success, in order. Round-robin and consistent-hashing do
            not look at it; least-connections forgets them when every target has failed.
        address: The address of the latest pick, the one to release in the end; None before the first.
        retry_count: Picks after the first.
        cookie: Value of the upstream's own cookie, the sticky one or the hashed one, as the request brought it; None
            without one. Kong's algorithms go by ``key``.
        number: Number of the request in its session, from 1; 0 where nobody asks. Only algorithms of one's own do.
    """

    key: str | None = None
    u: float = 0.0
    failed: Collection[str] = ()
    address: str | None = None
    retry_count: int = 0
    cookie: str | None = None
    number: int = 0


class Algorithm(Protocol):
    """How a balancer chooses among its targets. The algorithms inherit from this class."""

    __slots__ = ()

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Take in the targets, in list order; called at the build and after every change of health.

        Args:
            targets: Every target of the upstream, weight 0 included.
            unavailable: Addresses a health check has taken out.
        """

    def pick(self, handle: Handle | None = None) -> str:
        """Return the address for a request's next attempt.

        Args:
            handle: The request's handle. The model's own algorithms get None for a first try that brings nothing;
                an algorithm handed to ``simulate`` gets a handle for each request.

        Raises:
            NoPeerError: No target can take the request.
        """
        ...

    def release(self, address: str) -> None:
        """Take note that a request picked for ``address`` is over. Only least-connections counts them."""
        return

    def feedback(self, address: str, rtt_s: float) -> float | None:
        """Take note of how long ``address`` took to answer. Only latency does.

        Args:
            address: Where the latest attempt went.
            rtt_s: Seconds to connect and to respond.

        Returns:
            What the algorithm holds of the address now, in seconds; None if it takes no note.
        """
        return None

    def followable(self, balancer_healthy: bool) -> Mapping[str, str]:
        """Return what a cookie may follow: cookie identity to address. Empty unless the algorithm is sticky.

        Args:
            balancer_healthy: Whether the balancer passes its health gate.
        """
        return {}


AlgorithmFactory = Callable[[Callable[[int], int]], Algorithm]
"""Makes a balancer's algorithm, given a source of uniform integers 1..n."""


class Balancer:
    """One upstream's balancer in one worker.

    It is healthy when ``(total_weight - unavailable_weight) / total_weight * 100 > threshold``: strictly
    greater, and never without weight (Kong 3.10 ``balancers.lua:updateStatus``). Targets of weight 0 do not
    count. Enterprise from 3.13 on is taken to be healthy at equality, too, as Kong's documentation has it.

    Args:
        targets: The upstream's targets in list order; addresses are unique.
        algorithm: A fresh algorithm; the balancer rebuilds it at once.
        threshold: ``healthchecks.threshold``, in percent, 0 to 100.
        comparison: ``gt``: the share must be greater, so that with 100 no balancer is ever healthy. ``ge``: it is
            enough if the share, above 0, reaches the threshold.

    Attributes:
        targets: The targets.
        algorithm: The algorithm.
        threshold: The threshold in percent.
        total_weight: Sum of all weights.
        unavailable_weight: Sum of the weights of unavailable targets.
        healthy: Whether the balancer names peers at all.
        next_peer: Call it for the address of a first try that brings nothing. It is the algorithm's own
            ``pick``, so that round-robin costs one call a request; raises NoPeerError. A change of status
            replaces it, so look it up for each request.
        release: Call it with the address of a request's latest pick by this very balancer when the request is
            over. Kong does so once a request, in the log phase (``handle:release``), on the balancer of the
            request's first attempt, which a push since then may have replaced. A retry releases the failed
            address by itself. It is the algorithm's own ``release``.
        feedback: Call it with an address and the seconds it took to answer, in the log phase after the release.
            It returns what the algorithm holds of the address now, in seconds; None if no note was taken, as
            always while the balancer is unhealthy (Kong 3.10 ``balancers.lua:afterBalance``). Look it up for
            each request.

    Raises:
        ValueError: An address is listed twice or the threshold is out of range.
        RingCapacityError: A consistent-hashing ring has no room for the targets.
    """

    __slots__ = (
        "_reached",
        "_unavailable",
        "_weights",
        "algorithm",
        "feedback",
        "healthy",
        "next_peer",
        "release",
        "targets",
        "threshold",
        "total_weight",
        "unavailable_weight",
    )

    def __init__(
        self,
        targets: Sequence[Target],
        algorithm: Algorithm,
        threshold: float = DEFAULT_THRESHOLD,
        comparison: Literal["gt", "ge"] = "gt",
    ) -> None:
        lowest, highest = THRESHOLD_LIMITS
        if not lowest <= threshold <= highest:
            raise ValueError(f"threshold {threshold} is not in {lowest}..{highest}")
        self.targets = tuple(targets)
        self.algorithm = algorithm
        self.threshold = threshold
        self._reached = gt if comparison == "gt" else ge
        self._weights = {target.address: target.weight for target in self.targets}
        if len(self._weights) != len(self.targets):
            raise ValueError("two targets of an upstream have the same address")
        self._unavailable: set[str] = set()
        self.total_weight = sum(self._weights.values())
        self.unavailable_weight = 0
        self.healthy = False
        self.next_peer: Callable[[], str] = self._refuse
        self.release: Callable[[str], None] = algorithm.release
        self.feedback: Callable[[str, float], float | None] = self._ignore
        self._update_status()

    def _update_status(self) -> None:
        """Say whether the balancer is healthy, and let the algorithm take in the targets anew (rule G5)."""
        total = self.total_weight
        available = total - self.unavailable_weight
        self.healthy = available > 0 and self._reached(available / total * 100, self.threshold)
        self.next_peer = self.algorithm.pick if self.healthy else self._refuse
        self.feedback = self.algorithm.feedback if self.healthy else self._ignore
        self.algorithm.rebuild(self.targets, self._unavailable)

    def reweigh(self, targets: Sequence[Target]) -> None:
        """Take in other weights of the same targets, in place: what the algorithm remembers stays.

        Kong has nothing like it, a push builds a new balancer; other proxies let a new target's weight grow.
        """
        self.targets = tuple(targets)
        self._weights = {target.address: target.weight for target in self.targets}
        self.total_weight = sum(self._weights.values())
        self.unavailable_weight = sum(self._weights[address] for address in self._unavailable)
        self._update_status()

    def _refuse(self) -> str:
        raise NoPeerError(Refusal.UNHEALTHY)

    @staticmethod
    def _ignore(address: str, rtt_s: float) -> None:
        return None

    def lists(self, address: str) -> bool:
        """Return whether an address is one of the targets'."""
        return address in self._weights

    @property
    def unavailable(self) -> frozenset[str]:
        """The listed addresses that a health check has taken out."""
        return frozenset(self._unavailable)

    def is_available(self, address: str) -> bool:
        """Return whether an address is listed and not taken out by a health check."""
        return address in self._weights and address not in self._unavailable

    def set_address_status(self, address: str, available: bool) -> bool:
        """Apply a verdict of the health checker and return whether it changed anything.

        A verdict that is already in force does nothing, in particular it shuffles nothing; any other
        updates the totals and rebuilds the algorithm in place (Kong 3.10
        ``balancers.lua:setAddressStatus``).

        Raises:
            KeyError: The address is not listed.
        """
        weight = self._weights[address]
        if available is (address not in self._unavailable):
            return False
        if available:
            self._unavailable.remove(address)
            self.unavailable_weight -= weight
        else:
            self._unavailable.add(address)
            self.unavailable_weight += weight
        self._update_status()
        return True

    def get_peer(self, handle: Handle) -> str:
        """Return the address for a request's next attempt and note it in the handle (rule G14).

        A handle that has an address already is a retry: that address failed. The health gate comes before any
        algorithm, and a retry refused there leaves the handle as it is; only a cookie the algorithm lets through may
        pass it (Kong 3.10 ``balancers.lua:getPeer``).

        Raises:
            NoPeerError: The balancer is unhealthy or has no peer.
        """
        if not self.healthy and handle.key not in self.followable():
            raise NoPeerError(Refusal.UNHEALTHY)
        if handle.address is not None:
            handle.retry_count += 1
            handle.failed = (*handle.failed, handle.address)
        handle.address = self.algorithm.pick(handle)
        return handle.address

    def new_pick(self, u: float = 0.0, exclude: Collection[str] = frozenset()) -> str:
        """Return the address for a request without a cookie to follow.

        Args:
            u: A uniform draw in [0, 1), for picks that are random.
            exclude: Addresses this request has tried in vain. Sticky sessions pass them over as long as
                another target is left; round-robin proper does not remember them.

        Raises:
            NoPeerError: The balancer is unhealthy or has no peer.
        """
        return self.get_peer(Handle(None, u, exclude))

    def followable(self) -> Mapping[str, str]:
        """Return the targets a cookie may follow now: cookie identity to address, in list order.

        With the default identity both are the address. Read it again after a change of status. Empty when the
        health gate is closed, and for algorithms that are not sticky.
        """
        return self.algorithm.followable(self.healthy)
