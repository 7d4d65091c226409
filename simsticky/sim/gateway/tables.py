"""The tables that a node has had: which change led a session away from where its state is (docs/model.md, rule B4)."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from simsticky.kic.translation import Changed, in_order, put_in
from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target

_VIEWS_KEPT = 1_024
"""How many tables of the past are kept ready: a session that a change has led away asks for all since then."""

View = Callable[[str], str | None]
"""Returns the address that a cookie, or a key, leads to."""


class Table:
    """A table of targets, kept as what has changed since the one before it.

    A push of many changes brings as many tables, one after the other, and nobody ever reads most of them.

    Args:
        targets: All of it; None where that is to be put together when somebody asks.
        before: The table before.
        changed: What has changed since then.

    Attributes:
        total_weight: The sum of all weights.
    """

    __slots__ = ("_before", "_by_address", "_changed", "_targets", "total_weight")

    def __init__(
        self, targets: tuple[Target, ...] | None, before: "Table | None" = None, changed: Changed | None = None
    ) -> None:
        self._targets = targets
        self._before = before
        self._changed = changed or {}
        self._by_address: dict[str, Target] | None = None
        self.total_weight = sum(target.weight for target in targets or ())
        if before is not None:
            self.total_weight = before.total_weight + sum(map(_gained, self._changed.values()))

    @property
    def targets(self) -> tuple[Target, ...]:
        """All targets, in the order in which KIC sends them."""
        if self._targets is not None:
            return self._targets
        since, table = [], self
        while table._targets is None and table._before is not None:
            since.append(table._changed)
            table = table._before
        found = {target.address: target for target in table._targets or ()}
        for changed in reversed(since):
            put_in(found, changed)
        return in_order(found)

    def target_at(self, address: str) -> Target | None:
        """Return the target with an address, None if there is none."""
        table = self
        while table._targets is None and table._before is not None:
            if address in table._changed:
                return table._changed[address][1]
            table = table._before
        if table._by_address is None:
            table._by_address = {target.address: target for target in table._targets or ()}
        return table._by_address.get(address)

    def keep(self, targets: tuple[Target, ...]) -> None:
        """Keep all of it at hand, as it has been put together elsewhere."""
        self._targets = targets


def _gained(change: tuple[Target | None, Target | None]) -> int:
    before, after = (0 if target is None else target.weight for target in change)
    return after - before


class Step(NamedTuple):
    """One change of the table on its way to the nodes; a push may carry several.

    Attributes:
        table: The table from then on.
        changed: What it has changed.
        operation: Number of the operation behind the change, 0 if none.
    """

    table: Table
    changed: Changed
    operation: int


class Led(NamedTuple):
    """What a node led requests by, from one moment on.

    Attributes:
        at_s: Since when, in seconds of simulated time.
        operation: Number of the operation behind the change, 0 if none.
        table: The table.
        unavailable: Addresses that a health check had taken out.
        changed: In what its table differs from that of the one before; None where nobody has said so.
    """

    at_s: float
    operation: int
    table: Table
    unavailable: frozenset[str]
    changed: Changed | None = None

    @property
    def is_told_alone(self) -> bool:
        """Whether all targets are available, so that what leads to one can be told without the others."""
        return not self.unavailable and self.table.total_weight > 0


class History:
    """The tables that a node has had.

    Attributes:
        led: All of them, the latest last.
    """

    def __init__(self) -> None:
        self.led: list[Led] = []
        self._of_all: list[int] = []
        self._of_address: dict[str, list[int]] = {}

    def note(self, led: Led) -> None:
        """Note what the node leads requests by from now on, if that is not what it does already."""
        latest = self.led[-1] if self.led else None
        if latest is not None and latest.table is led.table and latest.unavailable == led.unavailable:
            return
        place = len(self.led)
        if latest is None or led.changed is None or not (latest.is_told_alone and led.is_told_alone):
            self._of_all.append(place)
        for address in led.changed or ():
            self._of_address.setdefault(address, []).append(place)
        self.led.append(led)

    def since(self, place: int, address: str) -> int:
        """Return the first place since which all tables, as far as a place, lead to an address the same."""
        found = 0
        for places in (self._of_all, self._of_address.get(address, ())):
            at = bisect_right(places, place)
            found = max(found, places[at - 1] if at else 0)
        return found


class Tables:
    """Reads the tables of the past.

    Args:
        make: Makes a balancer of targets, as the gateway's workers have it.
        named: Returns targets as the workers have them.
        by_cookie: Whether requests are led by cookies; otherwise by keys.
        open_if_available: Whether a target may be had, whatever the others are, as long as none of them is unavailable
            and one of them has weight.
    """

    def __init__(
        self,
        make: Callable[[tuple[Target, ...]], Balancer],
        named: Callable[[tuple[Target, ...]], tuple[Target, ...]],
        *,
        by_cookie: bool,
        open_if_available: bool,
    ) -> None:
        self._make = make
        self._named = named
        self._by_cookie = by_cookie
        self._alone = by_cookie and open_if_available
        self._views: dict[tuple[int, frozenset[str]], tuple[Table, View]] = {}
        self._lone = lru_cache(_VIEWS_KEPT)(self._followed_alone)

    def led_away(self, history: History, brought: str, address: str) -> Led | None:
        """Return the change since which what a request brings has not led to an address.

        None where it leads there now, or where no table of the history ever did.
        """
        later: Led | None = None
        place = len(history.led) - 1
        while place >= 0:
            if self._leads(history.led[place], brought, address):
                return later
            if self._alone:
                place = history.since(place, address)
            later = history.led[place]
            place -= 1
        return None

    def _leads(self, led: Led, brought: str, address: str) -> bool:
        """Return whether what a request brings led to an address."""
        if not (self._alone and led.is_told_alone):
            return self._view(led)(brought) == address
        target = led.table.target_at(address)
        if target is None:
            return False
        return self._lone(self._named((target,))).get(brought) == address

    def _followed_alone(self, targets: tuple[Target, ...]) -> Mapping[str, str]:
        """Return what leads to a target, whatever the others are; it is asked for each request that is led away."""
        return self._make(targets).algorithm.followable(balancer_healthy=True)

    def _view(self, led: Led) -> View:
        """Return what reads a table; it is known by which object it is, for its content would be hashed each time."""
        key = id(led.table), led.unavailable
        found = self._views.get(key)
        if found is None:
            if len(self._views) >= _VIEWS_KEPT:
                del self._views[next(iter(self._views))]
            # The table is kept with it: as long as it is, no other has its identity.
            found = self._views[key] = led.table, self._build(self._named(led.table.targets), led.unavailable)
        return found[1]

    def _build(self, targets: tuple[Target, ...], unavailable: frozenset[str]) -> View:
        balancer = self._make(targets)
        for address in sorted(unavailable):
            balancer.set_address_status(address, False)
        if self._by_cookie:
            return balancer.followable().get

        def peer_of(key: str) -> str | None:
            try:
                return balancer.get_peer(Handle(key))
            except NoPeerError:
                return None

        return peer_of
