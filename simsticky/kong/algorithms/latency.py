"""Kong's latency algorithm: an exponentially weighted moving average (EWMA) of each target's response times.

Source: Kong 3.10 ``kong/runloop/balancer/latency.lua``, as the code does it. Its documentation says that weights play
no part; the code divides by them. Its constant of two candidates, "the power of two choices", is without effect: all
are compared. Nothing is known of a response before it is logged, so after every rebuild of the balancer all requests
go to one target until its first response, then to the next.
"""

from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.cells import Cells
from simsticky.kong.picks import (
    ADDRESS,
    AVAILABLE,
    COUNT,
    HAS_MOVED,
    IS_AVAILABLE,
    LEADER,
    LEADS_UNTIL_S,
    MOVED,
    NEVER_S,
    OF,
    RECORD,
    TARGET,
    TOUCHED_S,
    UNAVAILABLE,
    WEIGHT,
    latency_feedback,
    latency_key,
    latency_pick,
    latency_score,
)
from simsticky.kong.upstream import Target


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


class Latency(Algorithm):
    """The averages and the pick of the lowest score.

    A score is ``ewma * exp(-(now - last touched) / 10 s) / weight``; the strictly lowest of all candidates wins, the
    first of equals. With weight 0 it is not a number while the average is 0, and infinite afterwards: such a target
    wins every comparison if it is the first candidate and has not answered since the rebuild, otherwise none.

    All scores fade alike, so that keys which do not (``kong/picks.py:latency_key``) rank them without computing any.
    Where two keys are too close to tell, and at the ends of the numbers' range, the scores themselves are compared as
    Kong does.

    Args:
        clock: Whoever knows the time.
        order: The order of the candidates; called at every change of the set of averages.
        cells: Where the averages are kept; cells of its own, if not given.

    Attributes:
        first_cell: Where they are in the cells.
    """

    __slots__ = ("__weakref__", "_by_age", "_cells", "_clock", "_known", "_order", "_targets", "first_cell")

    def __init__(self, clock: Clock, order: Order = as_listed, cells: Cells | None = None) -> None:
        self._clock = clock
        self._order = order
        self._cells = Cells() if cells is None else cells
        self._targets: tuple[Target, ...] = ()
        self._known: dict[str, int] = {}
        self._by_age: list[str] = []  # the addresses that have an average, in the order in which they got it
        self.first_cell = self._cells.records(self, RECORD)
        self._cells.links[self.first_cell + AVAILABLE] = 0
        self._lay_out(())

    @property
    def address_count(self) -> int:
        """Available targets at the latest rebuild that found any."""
        return self._cells.links[self.first_cell + AVAILABLE]

    def _records(self) -> range:
        """Return the records: of a target and a place each."""
        first = self.first_cell + RECORD
        return range(first, first + RECORD * len(self._targets), RECORD)

    def _with_average(self) -> list[int]:
        """Return the targets that have an average, in the order of ``pairs()``."""
        links = self._cells.links
        return [links[place] for place in self._records()[: links[self.first_cell + COUNT]]]

    def address_of(self, target: int) -> str:
        """Return the address of a target."""
        return self._targets[(target - self.first_cell) // RECORD - 1].address

    @property
    def candidates(self) -> tuple[str, ...]:
        """The addresses that have an average, in the order of ``pairs()``."""
        return tuple(map(self.address_of, self._with_average()))

    @property
    def ewma(self) -> dict[str, float]:
        """The averages in seconds by address, as of the time they were last touched."""
        return {self.address_of(t): self._cells.scores[t] for t in self._with_average()}

    @property
    def last_touched(self) -> dict[str, float]:
        """When each average was last touched, in seconds."""
        return {self.address_of(t): self._cells.scores[t + TOUCHED_S] for t in self._with_average()}

    def target_of(self, address: str) -> int:
        """Return the target at an address, by its first cell.

        Raises:
            KeyError: It is not listed.
        """
        return self._known[address]

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Drop the averages of unavailable targets and give newcomers a slow start.

        A newcomer begins with the sum of the averages of the available targets, divided by their number, itself
        included (``calculate_slow_start_ewma``).
        """
        ewma, touched, before = self.ewma, self.last_touched, self._by_age
        listed = {target.address: target for target in targets}
        available = [address for address in listed if address not in unavailable]
        kept = [address for address in before if address in available]
        total_s = sum(ewma[address] for address in available if address in ewma)
        count = len(available) or self.address_count
        self._lay_out(tuple(listed.values()))
        links, scores = self._cells.links, self._cells.scores
        links[self.first_cell + AVAILABLE] = count
        for address in (*kept, *(address for address in available if address not in kept)):
            t = self._known[address]
            links[t + IS_AVAILABLE] = 1
            scores[t] = ewma[address] if address in ewma else total_s / len(available)
            scores[t + TOUCHED_S] = touched[address] if address in ewma else self._clock.now_s
        self._arrange([self._known[a] for a in (*kept, *(a for a in available if a not in kept))])

    def _lay_out(self, targets: tuple[Target, ...]) -> None:
        """Have room for these targets, none of them with an average."""
        if len(targets) != len(self._targets):
            count = self.address_count
            self.first_cell = self._cells.records(self, RECORD * (len(targets) + 1))
            self._cells.links[self.first_cell + AVAILABLE] = count
        self._targets = targets
        self._known = {target.address: record + TARGET for target, record in zip(targets, self._records(), strict=True)}
        links, scores = self._cells.links, self._cells.scores
        for target in targets:
            t = self._known[target.address]
            links[t + ADDRESS], links[t + OF] = self._cells.numbers[target.address], self.first_cell
            links[t], links[t + IS_AVAILABLE] = -1, 0
            scores[t + WEIGHT] = float(target.weight)
        self._arrange([])

    def _arrange(self, with_average: Sequence[int]) -> None:
        """Have these targets as candidates, in the order of ``pairs()``."""
        addresses = tuple(map(self.address_of, with_average))
        ordered = tuple(self._order(addresses)) if addresses else ()
        if len(ordered) != len(addresses) or set(ordered) != set(addresses):
            raise ValueError("the order must hold each address exactly once")
        self._by_age = list(addresses)
        links, scores, averages = self._cells.links, self._cells.scores, self.first_cell
        links[averages + COUNT] = len(ordered)
        links[averages + LEADER], links[averages + MOVED] = -1, 0
        scores[averages + LEADS_UNTIL_S] = NEVER_S
        targets = [self._known[address] for address in ordered]
        for place, t in zip(self._records(), targets, strict=False):
            links[place], links[t], links[t + HAS_MOVED] = t, place, 0
        for t in targets:
            scores[links[t]] = latency_key(links, scores, t)

    def pick(self, handle: Handle | None = None) -> str:
        """Return the candidate with the lowest score (rule G12).

        A retry passes over the targets the request has failed on; the only target there is gets every retry.

        Raises:
            NoPeerError: There is no candidate, or every one has failed; or the pick fell on an address that is
                unavailable (see ``feedback``).
        """
        now_s = self._clock.now_s
        if handle is not None and handle.failed and self.address_count > 1:
            target = self._pick_other_than(handle.failed, now_s)
        else:
            target = latency_pick(self._cells.links, self._cells.scores, self.first_cell, now_s)
        if target < 0:
            raise NoPeerError(Refusal.ADDRESS_UNAVAILABLE if target == UNAVAILABLE else Refusal.NO_PEERS)
        return self.address_of(target)

    def _pick_other_than(self, failed: Collection[str], now_s: float) -> int:
        """Return the candidate with the lowest score among those that a request has not failed on; -1 for none."""
        best, lowest, known = -1, 0.0, True
        for t in self._with_average():
            if self.address_of(t) in failed:
                continue
            is_number, score = latency_score(self._cells.scores, t, now_s)
            if best < 0 or (known and is_number and score < lowest):
                best, lowest, known = t, score, is_number
        if best >= 0 and not self._cells.links[best + IS_AVAILABLE]:
            return UNAVAILABLE
        return best

    def feedback(self, address: str, rtt_s: float) -> float | None:
        """Average a response time in and return the new average, in seconds.

        Kong does not look whether the address still has an average: the response of a request that was in flight
        when its target turned unhealthy brings the entry back until the next rebuild, its past forgotten. A pick
        that falls on it fails.

        Raises:
            KeyError: The address is not listed.
        """
        now_s, t, scores = self._clock.now_s, self._known[address], self._cells.scores
        if not latency_feedback(self._cells.links, scores, t, rtt_s, now_s):
            # Kong takes such an average as last touched in 1970, which leaves nothing of it.
            scores[t], scores[t + TOUCHED_S] = rtt_s, now_s
            self._arrange([self._known[a] for a in (*self._by_age, address)])
        return scores[t]
