"""Hashing modulo the number of targets: what other proxies than Kong do with a key that they hash without a ring.

So nginx's ``hash`` without ``consistent`` and its ``ip_hash``, and HAProxy's ``hash-type map-based``: a key's target is
its hash modulo the total weight, so that a further target moves nearly every key (from n to n + 1 all but one in
n + 1). Which hash they take makes no difference here; this is Kong's own.

Source: nginx ``ngx_http_upstream_hash_module.c`` (a key that leads to a target which cannot be had is hashed again with
the number of the try before it, at most 20 times, then the targets take turns).
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from math import gcd

from xxhash import xxh32_intdigest

from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.cells import Cells
from simsticky.kong.picks import RING_HEAD
from simsticky.kong.upstream import Target

MOST_REHASHES = 20


class HashModulo(Algorithm):
    """The map (rule G18): each target in list order as often as its weight, in lowest terms, says; at 0 never.

    Args:
        cells: Where the map is kept; cells of its own, if not given.

    Attributes:
        first_cell: Where it is in the cells.
    """

    __slots__ = ("__weakref__", "_cells", "_map", "_unavailable", "first_cell")

    def __init__(self, cells: Cells | None = None) -> None:
        self._cells = Cells() if cells is None else cells
        self._map: list[str] = []
        self._unavailable: AbstractSet[str] = frozenset()
        self._lay_out()

    def _lay_out(self) -> None:
        """Have the map in the cells as well; what is unavailable is nobody there."""
        self.first_cell = self._cells.table(self, RING_HEAD + max(1, len(self._map)))
        tables, first, numbers = self._cells.tables, self.first_cell, self._cells.numbers
        tables[first], tables[first + RING_HEAD] = max(1, len(self._map)), -1
        for at, address in enumerate(self._map, first + RING_HEAD):
            tables[at] = -1 if address in self._unavailable else numbers[address]

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Build the map; a target that a health check has taken out stays on it and is passed over."""
        divisor = gcd(*(target.weight for target in targets)) or 1
        self._map = [target.address for target in targets for _ in range(target.weight // divisor)]
        self._unavailable = frozenset(unavailable)
        self._lay_out()

    def pick(self, handle: Handle | None = None) -> str:
        """Return the address that the handle's key leads to, of those available and not tried in vain.

        Raises:
            NoPeerError: There is none.
        """
        key = "" if handle is None or handle.key is None else handle.key
        tried = () if handle is None else handle.failed
        for again in range(MOST_REHASHES + 1):
            if not self._map:
                break
            address = self._map[xxh32_intdigest(f"{again or ''}{key}".encode()) % len(self._map)]
            if address not in self._unavailable and address not in tried:
                return address
        left = [address for address in self._map if address not in self._unavailable]
        if not left:
            raise NoPeerError(Refusal.NO_PEERS)
        return next((address for address in left if address not in tried), left[0])
