"""The tables that a node has had: which change led a session away from where its state is (docs/model.md, rule B4)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target

_VIEWS_KEPT = 1_024
"""How many tables of the past are kept ready: a session that a change has led away asks for all since then."""

View = Callable[[str], str | None]
"""Returns the address that a cookie, or a key, leads to."""


class Step(NamedTuple):
    """One change of the table on its way to the nodes; a push may carry several.

    Attributes:
        targets: The whole table from then on.
        operation: Number of the operation behind the change, 0 if none.
    """

    targets: tuple[Target, ...]
    operation: int


class Led(NamedTuple):
    """What a node led requests by, from one moment on.

    Attributes:
        at_s: Since when, in seconds of simulated time.
        operation: Number of the operation behind the change, 0 if none.
        targets: The table.
        unavailable: Addresses that a health check had taken out.
    """

    at_s: float
    operation: int
    targets: tuple[Target, ...]
    unavailable: frozenset[str]


class Tables:
    """Reads the tables of the past.

    Args:
        make: Makes a balancer of targets, as the gateway's workers have it.
        by_cookie: Whether requests are led by cookies; otherwise by keys.
    """

    def __init__(self, make: Callable[[tuple[Target, ...]], Balancer], *, by_cookie: bool) -> None:
        self._make = make
        self._by_cookie = by_cookie
        self._views: dict[tuple[int, frozenset[str]], tuple[tuple[Target, ...], View]] = {}

    def led_away(self, history: Sequence[Led], brought: str, address: str) -> Led | None:
        """Return the change since which what a request brings has not led to an address.

        None where it leads there now, or where no table of the history ever did.
        """
        first: Led | None = None
        for led in reversed(history):
            if self._view(led)(brought) == address:
                return first
            first = led
        return None

    def _view(self, led: Led) -> View:
        """Return what reads a table; it is known by which object it is, for its content would be hashed each time."""
        key = id(led.targets), led.unavailable
        found = self._views.get(key)
        if found is None:
            if len(self._views) >= _VIEWS_KEPT:
                del self._views[next(iter(self._views))]
            # The table is kept with it: as long as it is, no other has its identity.
            found = self._views[key] = led.targets, self._build(led.targets, led.unavailable)
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
