"""Kong's latency algorithm: an exponentially weighted moving average (EWMA) of each target's response times.

Source: Kong 3.10 ``kong/runloop/balancer/latency.lua``, as the code does it. Its documentation says that weights play
no part; the code divides by them. Its constant of two candidates, "the power of two choices", is without effect: all
are compared. Nothing is known of a response before it is logged, so after every rebuild of the balancer all requests
go to one target until its first response, then to the next.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from math import e, exp, exp2, inf, log2, nan
from typing import Any, Protocol

from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.upstream import Target

DECAY_S = 10.0
"""Time after which an average has lost all but 1/e of its past."""

_FADING_S = -DECAY_S
_HALVINGS_PER_S = log2(e) / DECAY_S
_TOO_CLOSE = 1e-9
_TOO_SMALL = 1000.0
"""A key is good to some 1e-12; a number below the -1022nd power of 2 has lost digits."""
_TOO_LARGE_S = 2.0**20
"""Twelve days, for a weight of 1. In its key a larger average may outlive the exponential by which it fades."""


class Clock(Protocol):
    """Whoever knows the time, which never goes back: an attribute, because two looks a request are taken at it."""

    @property
    def now_s(self) -> float:
        """The time in seconds."""


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


class _Average:
    """One target's average.

    Attributes:
        available: Whether the target is; an average may outlive that (see ``Latency.feedback``).
        position: Place among the candidates, from 0.
        moved: Whether it has changed since its key was computed; not kept of the candidate that leads.
    """

    __slots__ = ("address", "available", "ewma_s", "moved", "position", "touched_s", "weight")

    def __init__(self, target: Target, available: bool, ewma_s: float, touched_s: float) -> None:
        self.address = target.address
        self.weight = float(target.weight)
        self.available = available
        self.ewma_s = ewma_s
        self.touched_s = touched_s
        self.position = 0
        self.moved = False

    def score(self, now_s: float) -> float:
        """Return the score as Kong computes it, infinite or NaN for weight 0."""
        age_s = now_s - self.touched_s
        score = self.ewma_s * exp(-age_s / DECAY_S) if age_s > 0 else self.ewma_s
        if self.weight:
            return score / self.weight
        return inf if score > 0 else nan

    def key(self) -> float:
        """Return the binary logarithm of the score at time 0, which ranks scores of all times alike.

        An average of 0 is the lowest. A target of weight 0 never undercuts another, but as the first candidate it may
        be a NaN that none undercuts: there it ranks lowest, which makes the pick compare the scores. So does an average
        that is too large.
        """
        if not self.weight:
            return inf if self.position else -inf
        scaled = self.ewma_s / self.weight
        return log2(scaled) + self.touched_s * _HALVINGS_PER_S if 0.0 < scaled < _TOO_LARGE_S else -inf


class Latency(Algorithm):
    """The averages and the pick of the lowest score.

    A score is ``ewma * exp(-(now - last touched) / 10 s) / weight``; the strictly lowest of all candidates wins, the
    first of equals. With weight 0 it is not a number while the average is 0, and infinite afterwards: such a target
    wins every comparison if it is the first candidate and has not answered since the rebuild, otherwise none.

    All scores fade alike, so that keys which do not (``_Average.key``) rank them without computing any. Where two keys
    are too close to tell, and at the ends of the numbers' range, the scores themselves are compared as Kong does.
    A response is averaged into what has faded, which can only raise a score above what it would have been. So whoever
    leads, does until its own responses raise it to where the second was when it took the lead.

    Args:
        clock: Whoever knows the time.
        order: The order of the candidates; called at every change of the set of averages.

    Attributes:
        address_count: Available targets at the latest rebuild that found any.
    """

    __slots__ = (
        "_averages",
        "_candidates",
        "_clock",
        "_keys",
        "_leader",
        "_leads_until_s",
        "_limit_falls",
        "_limit_s",
        "_moved",
        "_order",
        "_targets",
        "address_count",
    )

    def __init__(self, clock: Clock, order: Order = as_listed) -> None:
        self._clock = clock
        self._order = order
        self._targets: dict[str, Target] = {}
        self._averages: dict[str, _Average] = {}
        self._candidates: list[_Average] = []
        self._keys: list[float] = []
        self._moved: list[_Average] = []
        # The candidate that leads, if one clearly does: until a time at which its score begins to lose digits (in the
        # past, if none does), and while its average is below a limit, which falls with time (seconds a second).
        self._leader: Any = None
        self._leads_until_s = -inf
        self._limit_s = self._limit_falls = 0.0
        self.address_count = 0

    @property
    def candidates(self) -> tuple[str, ...]:
        """The addresses that have an average, in the order of ``pairs()``."""
        return tuple(average.address for average in self._candidates)

    @property
    def ewma(self) -> dict[str, float]:
        """The averages in seconds by address, as of the time they were last touched."""
        return {address: average.ewma_s for address, average in self._averages.items()}

    @property
    def last_touched(self) -> dict[str, float]:
        """When each average was last touched, in seconds."""
        return {address: average.touched_s for address, average in self._averages.items()}

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Drop the averages of unavailable targets and give newcomers a slow start.

        A newcomer begins with the sum of the averages of the available targets, divided by their number, itself
        included (``calculate_slow_start_ewma``).
        """
        self._targets = {target.address: target for target in targets}
        available = [address for address in self._targets if address not in unavailable]
        if available:
            self.address_count = len(available)
        kept = {address: self._averages[address] for address in self._averages if address in available}
        total_s = sum(kept[address].ewma_s for address in available if address in kept)
        self._averages = {}
        for address in (*kept, *(address for address in available if address not in kept)):
            before = kept.get(address)
            ewma_s = before.ewma_s if before else total_s / len(available)
            touched_s = before.touched_s if before else self._clock.now_s
            self._averages[address] = _Average(self._targets[address], True, ewma_s, touched_s)
        self._arrange()

    def _arrange(self) -> None:
        ordered = tuple(self._order(tuple(self._averages)))
        if len(ordered) != len(self._averages) or set(ordered) != self._averages.keys():
            raise ValueError("the order must hold each address exactly once")
        self._candidates = [self._averages[address] for address in ordered]
        for position, average in enumerate(self._candidates):
            average.position, average.moved = position, False
        self._moved.clear()
        self._keys = [average.key() for average in self._candidates]
        self._leader, self._leads_until_s = None, -inf

    def pick(self, handle: Handle | None = None) -> str:
        """Return the candidate with the lowest score (rule G12).

        A retry passes over the targets the request has failed on; the only target there is gets every retry.

        Raises:
            NoPeerError: There is no candidate, or every one has failed; or the pick fell on an address that is
                unavailable (see ``feedback``).
        """
        if self._clock.now_s >= self._leads_until_s or (handle is not None and handle.failed):
            return self._compare(handle)
        address: str = self._leader.address
        return address

    def _compare(self, handle: Handle | None) -> str:
        """Pick among all candidates, and see whether one of them leads clearly."""
        candidates = self._candidates
        if not candidates:
            raise NoPeerError(Refusal.NO_PEERS)
        if self.address_count <= 1:
            peer = candidates[0]
        elif handle is not None and handle.failed:
            left = [average for average in candidates if average.address not in handle.failed]
            if not left:
                raise NoPeerError(Refusal.NO_PEERS)
            peer = self._lowest(left, self._clock.now_s)
        else:
            now_s, keys = self._clock.now_s, self._keys
            if self._leader is not None:
                self._moved.append(self._leader)
            for average in self._moved:
                # ``_Average.key``, written out because every other response leads here.
                average.moved = False
                scaled = average.ewma_s / average.weight if average.weight else 0.0
                plain = 0.0 < scaled < _TOO_LARGE_S
                key = log2(scaled) + average.touched_s * _HALVINGS_PER_S if plain else average.key()
                keys[average.position] = key
            self._moved.clear()
            lowest = min(keys)
            position = keys.index(lowest)
            peer = candidates[position]
            keys[position] = inf
            second = min(keys)
            keys[position] = lowest
            leads_until_s = (lowest + _TOO_SMALL) / _HALVINGS_PER_S
            # Not written the other way round: the difference of two infinities is NaN.
            if not (second - lowest > _TOO_CLOSE and now_s < leads_until_s):
                self._leader, self._leads_until_s = None, -inf
                peer = self._lowest(candidates, now_s)
            elif peer.available:
                self._leader, self._leads_until_s = peer, leads_until_s
                # The second's score times the leader's weight. It fades by exp(-x), which 1 - x never exceeds.
                power = second - now_s * _HALVINGS_PER_S - _TOO_CLOSE
                limit_s = peer.weight * exp2(power) if power < _TOO_SMALL else 0.0
                self._limit_falls = falls = limit_s / DECAY_S
                self._limit_s = limit_s + falls * now_s
        if not peer.available:
            raise NoPeerError(Refusal.ADDRESS_UNAVAILABLE)
        return peer.address

    @staticmethod
    def _lowest(candidates: Sequence[_Average], now_s: float) -> _Average:
        best = candidates[0]
        lowest = best.score(now_s)
        for average in candidates:
            score = average.score(now_s)
            # Any comparison with NaN is false, in Lua as here.
            if score < lowest:
                best, lowest = average, score
        return best

    def feedback(self, address: str, rtt_s: float) -> float | None:
        """Average a response time in and return the new average, in seconds.

        Kong does not look whether the address still has an average: the response of a request that was in flight
        when its target turned unhealthy brings the entry back until the next rebuild, its past forgotten. A pick
        that falls on it fails.

        Raises:
            KeyError: The address is not listed.
        """
        now_s = self._clock.now_s
        try:
            average = self._averages[address]
        except KeyError:
            # Kong takes such an average as last touched in 1970, which leaves nothing of it.
            self._averages[address] = _Average(self._targets[address], False, rtt_s, now_s)
            self._arrange()
            return rtt_s
        ewma_s, age_s = average.ewma_s, now_s - average.touched_s
        average.touched_s = now_s
        if age_s > 0.0:
            kept = exp(age_s / _FADING_S)
            average.ewma_s = ewma_s = ewma_s * kept + rtt_s * (1.0 - kept)
        if average is self._leader:
            if not ewma_s < self._limit_s - self._limit_falls * now_s:
                self._leads_until_s = -inf
        elif not average.moved:
            average.moved = True
            self._moved.append(average)
        return ewma_s
