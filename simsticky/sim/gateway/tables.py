"""The tables that a node has had: which change led a session away from where its state is (docs/model.md, rule B4)."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target

_VIEWS_KEPT = 32
"""How many tables of the past are kept ready: sessions that a change has led away ask for the same few."""


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
        self._view = lru_cache(maxsize=_VIEWS_KEPT)(self._build)

    def led_away(self, history: Sequence[Led], brought: str, address: str) -> Led | None:
        """Return the change since which what a request brings has not led to an address.

        None where it leads there now, or where no table of the history ever did.
        """
        first: Led | None = None
        for led in reversed(history):
            if self._view(led.targets, led.unavailable)(brought) == address:
                return first
            first = led
        return None

    def _build(self, targets: tuple[Target, ...], unavailable: frozenset[str]) -> Callable[[str], str | None]:
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
