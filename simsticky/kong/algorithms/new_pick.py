"""How sticky-sessions finds a target for a session that has none: four rules; an option chooses one.

Kong documents only that the picks go round; its source is closed. Each rule serves available targets of
weight above 0, passes over the excluded ones, and answers None when nobody is left.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from itertools import accumulate
from typing import Protocol

from simsticky.kong.algorithms.round_robin import Draw, RoundRobin
from simsticky.kong.cells import Cells
from simsticky.kong.upstream import Target


class NewPick(Protocol):
    """A rule for new picks (rule S3)."""

    __slots__ = ()

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Take in the targets, in list order, and the addresses that are unavailable."""

    def pick(self, u: float, exclude: Collection[str]) -> str | None:
        """Return an address outside ``exclude``, or None. ``u`` is a uniform draw in [0, 1)."""


class PickByRoundRobin(NewPick):
    """The next entry of a round-robin wheel of this worker.

    Args:
        draw: Source of the wheel's shuffle.
        cells: Where the wheel is kept; cells of its own, if not given.
    """

    __slots__ = ("wheel",)

    def __init__(self, draw: Draw, cells: Cells | None = None) -> None:
        self.wheel = RoundRobin(draw, cells)

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Rebuild the wheel in place."""
        self.wheel.rebuild(targets, unavailable)

    def pick(self, u: float, exclude: Collection[str]) -> str | None:
        """Return the next entry; ``u`` plays no part."""
        return self.wheel.pick_other_than(exclude)


class PickInOrder(PickByRoundRobin):
    """The targets in list order, the first one first: a wheel that nobody shuffles.

    Kong does not do this; HAProxy's ``roundrobin`` and nginx do. It serves to mirror an experiment with one of them.
    """

    __slots__ = ()

    def __init__(self, cells: Cells | None = None) -> None:
        super().__init__(draw=_stay, cells=cells)
        # The pointer moves before each look: from before the first entry, to the first.
        self.wheel.pointer = 0


def _stay(position: int) -> int:
    """Draw, for each entry of a wheel, the place where it is already."""
    return position


class PickAtRandom(NewPick):
    """A target drawn in proportion to its weight: the weights, cumulated in list order, inverted at ``u``."""

    __slots__ = ("_bounds", "_candidates")

    def __init__(self) -> None:
        self._candidates: list[Target] = []
        self._bounds: list[int] = []

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Cumulate the weights of those that can be picked."""
        self._candidates = _pickable(targets, unavailable)
        self._bounds = list(accumulate(target.weight for target in self._candidates))

    def pick(self, u: float, exclude: Collection[str]) -> str | None:
        """Return the target at ``u``, among those not excluded."""
        candidates, bounds = self._candidates, self._bounds
        if exclude:
            candidates = [target for target in candidates if target.address not in exclude]
            bounds = list(accumulate(target.weight for target in candidates))
        if not candidates:
            return None
        return candidates[bisect_right(bounds, u * bounds[-1])].address


class PickByLeastConnections(NewPick):
    """The target with the smallest (connections + 1) / weight; the first in list order among equals.

    The value is that of Kong's least-connections algorithm; its heap's way with ties is not claimed here.

    Args:
        in_flight: Requests in flight per address as this worker sees them; for a mapping pass its
            ``get``-like method, such as ``counts.__getitem__``.
    """

    __slots__ = ("_candidates", "_in_flight")

    def __init__(self, in_flight: Callable[[str], int]) -> None:
        self._in_flight = in_flight
        self._candidates: list[Target] = []

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Note those that can be picked."""
        self._candidates = _pickable(targets, unavailable)

    def pick(self, u: float, exclude: Collection[str]) -> str | None:
        """Return the least loaded target not excluded; ``u`` plays no part."""
        in_flight = self._in_flight
        best = min(
            (target for target in self._candidates if target.address not in exclude),
            key=lambda target: (in_flight(target.address) + 1) / target.weight,
            default=None,
        )
        return None if best is None else best.address


def _pickable(targets: Sequence[Target], unavailable: AbstractSet[str]) -> list[Target]:
    return [target for target in targets if target.weight > 0 and target.address not in unavailable]
