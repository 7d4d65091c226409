"""Kong's latency algorithm: an exponentially weighted moving average (EWMA) of each target's response times.

Source: Kong 3.10 ``kong/runloop/balancer/latency.lua``, as the code does it. Its documentation says that weights play
no part; the code divides by them. Its constant of two candidates, "the power of two choices", is without effect: all
are compared. Nothing is known of a response before it is logged, so after every rebuild of the balancer all requests
go to one target until its first response, then to the next.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from math import exp, inf, nan

from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.upstream import Target

DECAY_S = 10.0
"""Time after which an average has lost all but 1/e of its past."""

Order = Callable[[Sequence[str]], Sequence[str]]
"""Returns the addresses in the order in which Lua's ``pairs()`` would visit them.

Kong keys that table by objects, so that the order follows memory addresses: it differs between workers and settles
all ties, above all the first picks after a rebuild."""


def as_listed(addresses: Sequence[str]) -> Sequence[str]:
    """Return the addresses as they come: list order, a newcomer last."""
    return addresses


def round_trip_s(connect_s: float | None, response_s: float | None) -> float:
    """Return the time that Kong averages, in seconds: nginx's connect time plus its response time.

    Args:
        connect_s: ``$upstream_connect_time``; None where that is no number. After a retry nginx lists the times of
            all attempts ("0.100, 0.200"), and Kong counts 0.
        response_s: ``$upstream_response_time``, likewise.
    """
    return (connect_s or 0.0) + (response_s or 0.0)


class Latency(Algorithm):
    """The averages and the pick of the lowest score.

    A score is ``ewma * exp(-(now - last touched) / 10 s) / weight``; the strictly lowest of all candidates wins, the
    first of equals. With weight 0 it is not a number while the average is 0, and infinite afterwards: such a target
    wins every comparison if it is the first candidate and has not answered since the rebuild, otherwise none.

    Args:
        clock: Returns the time in seconds.
        order: The order of the candidates; called at every change of the set of averages.

    Attributes:
        address_count: Available targets at the latest rebuild that found any.
    """

    __slots__ = ("_available", "_candidates", "_clock", "_ewma", "_order", "_touched", "_weights", "address_count")

    def __init__(self, clock: Callable[[], float], order: Order = as_listed) -> None:
        self._clock = clock
        self._order = order
        self._weights: dict[str, int] = {}
        self._ewma: dict[str, float] = {}
        self._touched: dict[str, float] = {}
        self._candidates: tuple[str, ...] = ()
        self._available: frozenset[str] = frozenset()
        self.address_count = 0

    @property
    def candidates(self) -> tuple[str, ...]:
        """The addresses that have an average, in the order of ``pairs()``."""
        return self._candidates

    @property
    def ewma(self) -> dict[str, float]:
        """The averages in seconds by address, as of the time they were last touched."""
        return dict(self._ewma)

    @property
    def last_touched(self) -> dict[str, float]:
        """When each average was last touched, in seconds."""
        return dict(self._touched)

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Drop the averages of unavailable targets and give newcomers a slow start.

        A newcomer begins with the sum of the averages of the available targets, divided by their number, itself
        included (``calculate_slow_start_ewma``).
        """
        self._weights = {target.address: target.weight for target in targets}
        available = [address for address in self._weights if address not in unavailable]
        self._available = frozenset(available)
        for address in [address for address in self._ewma if address not in self._available]:
            del self._ewma[address], self._touched[address]
        if available:
            self.address_count = len(available)
            slow_start = sum(self._ewma.get(address, 0.0) for address in available) / len(available)
            for address in available:
                if address not in self._ewma:
                    self._ewma[address], self._touched[address] = slow_start, self._clock()
        self._arrange()

    def _arrange(self) -> None:
        self._candidates = tuple(self._order(tuple(self._ewma)))
        if len(self._candidates) != len(self._ewma) or set(self._candidates) != self._ewma.keys():
            raise ValueError("the order must hold each address exactly once")

    def pick(self, handle: Handle | None = None) -> str:
        """Return the candidate with the lowest score.

        A retry passes over the targets the request has failed on; the only target there is gets every retry.

        Raises:
            NoPeerError: There is no candidate, or every one has failed; or the pick fell on an address that is
                unavailable (see ``feedback``).
        """
        candidates = self._candidates
        if not candidates:
            raise NoPeerError(Refusal.NO_PEERS)
        if self.address_count <= 1:
            peer = candidates[0]
        elif handle is not None and handle.failed:
            left = [address for address in candidates if address not in handle.failed]
            if not left:
                raise NoPeerError(Refusal.NO_PEERS)
            peer = self._lowest(left)
        else:
            peer = self._lowest(candidates)
        if peer not in self._available:
            raise NoPeerError(Refusal.ADDRESS_UNAVAILABLE)
        return peer

    def _lowest(self, candidates: Sequence[str]) -> str:
        ewma, touched, weights, now_s = self._ewma, self._touched, self._weights, self._clock()
        best = candidates[0]
        lowest = None
        for address in candidates:
            age_s = now_s - touched[address]
            score = ewma[address] * exp(-age_s / DECAY_S) if age_s > 0 else ewma[address]
            weight = weights[address]
            if weight:
                score /= weight
            else:
                score = inf if score > 0 else nan
            # Any comparison with NaN is false, in Lua as here.
            if lowest is None or score < lowest:
                best, lowest = address, score
        return best

    def feedback(self, address: str, rtt_s: float) -> float | None:
        """Average a response time in and return the new average, in seconds.

        Kong does not look whether the address still has an average: the response of a request that was in flight
        when its target turned unhealthy brings the entry back until the next rebuild, its past forgotten. A pick
        that falls on it fails.

        Raises:
            KeyError: The address is not listed.
        """
        now_s = self._clock()
        if address in self._ewma:
            weight = exp(-max(now_s - self._touched[address], 0.0) / DECAY_S)
            self._ewma[address] = self._ewma[address] * weight + rtt_s * (1.0 - weight)
            self._touched[address] = now_s
        else:
            if address not in self._weights:
                raise KeyError(address)
            # Kong takes such an average as last touched in 1970, which leaves nothing of it.
            self._ewma[address], self._touched[address] = rtt_s, now_s
            self._arrange()
        return self._ewma[address]
