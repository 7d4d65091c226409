"""Changes of the loads of containers: something that leaves one for another, comes from nowhere, or goes for good.

One change of two containers, and not one of each, because most often both are known at once, and what is done for each
change is what measuring load costs.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Containers = npt.NDArray[np.int32]

NOWHERE = -1
"""Stands for a container where something comes from nowhere, or goes for good."""


class Changes(NamedTuple):
    """Times in seconds, and the indices of the containers whose load is one less, and one more, from then on."""

    times: Floats
    origins: Containers
    targets: Containers

    def part(self, which: slice) -> "Changes":
        """Return some of them."""
        return Changes(self.times[which], self.origins[which], self.targets[which])

    def in_order(self) -> "Changes":
        """Return them by time, those of one time as they are."""
        order = np.argsort(self.times, kind="stable")  # which is fast where much is in order
        return Changes(self.times.take(order), self.origins.take(order), self.targets.take(order))


NO_CHANGES = Changes(np.empty(0), np.empty(0, np.int32), np.empty(0, np.int32))


def changes(times: Floats, origins: Floats, targets: Floats) -> Changes:
    """Return changes of numbers that may all be floats."""
    return Changes(times, origins.astype(np.int32), targets.astype(np.int32))


def joined(parts: Iterable[Changes]) -> Changes:
    """Return some changes as one."""
    several = [part for part in parts if len(part.times)]
    if len(several) < 2:
        return several[0] if several else NO_CHANGES
    return Changes(*map(np.concatenate, zip(*several, strict=True)))


def of_each(moves: Changes) -> npt.NDArray[np.float64]:
    """Return the changes of each container by itself.

    Returns:
        Shape (n, 3), by time, container and direction: time, container, and -1 for what leaves it, 1 for what comes.
    """
    sides = []
    for containers, delta in ((moves.origins, -1.0), (moves.targets, 1.0)):
        there = np.flatnonzero(containers != NOWHERE)
        sides.append(np.stack([moves.times[there], containers[there], np.full(len(there), delta)], axis=1))
    each = np.concatenate(sides)
    return each[np.lexsort(each.T[::-1])]
