"""Kong's sticky-sessions: a cookie that names its target.

Kong Enterprise 3.11 and later; the source is not public. Documented: the cookie brings a session back to
its target as long as that is listed and available, also while it drains (weight 0); when it is gone a new
target is picked and a new cookie set; nothing is kept on the server. What the documentation leaves open is
a field of :class:`StickyOptions`, its default the likeliest reading.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from simsticky.kong.algorithms.new_pick import (
    NewPick,
    PickAtRandom,
    PickByLeastConnections,
    PickByRoundRobin,
    PickInOrder,
)
from simsticky.kong.algorithms.round_robin import Draw
from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.cells import Cells
from simsticky.kong.upstream import Target


@dataclass(frozen=True, slots=True)
class StickyOptions:
    """The open points of sticky-sessions. Every default but that of ``on_weight_zero`` is *assumed*.

    Attributes:
        new_pick: How a session without a usable cookie gets its target. ``round_robin``: Kong's tutorial
            shows cookieless requests going A, B, C, A, B. ``in_order``: a wheel that is not shuffled, to mirror an
            experiment with another proxy.
        on_unhealthy: A bound target that health checks took out. ``rebind``: every open-source algorithm
            refuses such an address. ``follow``: the cookie holds as long as the target is listed.
        on_weight_zero: A bound target that drains. ``follow``: documented. ``rebind``: as if it were not listed.
        when_total_weight_zero: All listed targets drain. ``503``: the health gate of the open-source
            balancer comes before any algorithm. ``serve_bound``: cookies are still followed; new sessions
            get 503.
        retry: The attempt after a bound target failed. ``next_by_new_pick``: by the rule of ``new_pick``,
            passing over the targets this request has failed on while another is left. ``same_target``: the
            bound one again.
        cookie_on_retry: What the cookie names after a retry was answered elsewhere. ``rebind_cookie``: the
            target that answered. ``keep_cookie``: the target of the first attempt.
        set_cookie: ``when_missing_or_changed``: as Kong does for its hashing cookie. ``always``: on every
            response.
        cookie_on_error_response: Whether a 502 or 504 of the gateway carries the cookie, as for the hashing
            cookie.
        identity: What the cookie names. ``by_address``: two upstreams can share a target's cookie only so.
            ``by_target_id``: the id of the target (its address where no id is known).
    """

    new_pick: Literal["round_robin", "in_order", "random", "least_connections"] = "round_robin"
    on_unhealthy: Literal["rebind", "follow"] = "rebind"
    on_weight_zero: Literal["follow", "rebind"] = "follow"
    when_total_weight_zero: Literal["503", "serve_bound"] = "503"
    retry: Literal["next_by_new_pick", "same_target"] = "next_by_new_pick"
    cookie_on_retry: Literal["rebind_cookie", "keep_cookie"] = "rebind_cookie"
    set_cookie: Literal["when_missing_or_changed", "always"] = "when_missing_or_changed"
    cookie_on_error_response: bool = True
    identity: Literal["by_address", "by_target_id"] = "by_address"


class StickySessions(Algorithm):
    """The algorithm: follow the cookie, else pick anew.

    Args:
        options: The open points.
        draw: Source of the wheel's shuffle; needed for ``new_pick="round_robin"``.
        in_flight: Requests in flight per address; needed for ``new_pick="least_connections"``.
        cells: Where the wheel is kept; cells of its own, if not given.

    Raises:
        ValueError: The rule for new picks lacks its source.
    """

    __slots__ = ("_bound", "_new_pick", "_total_weight", "options")

    def __init__(
        self,
        options: StickyOptions | None = None,
        *,
        draw: Draw | None = None,
        in_flight: Callable[[str], int] | None = None,
        cells: Cells | None = None,
    ) -> None:
        self.options = StickyOptions() if options is None else options
        self._new_pick = _new_pick_rule(self.options, draw, in_flight, cells)
        self._bound: dict[str, str] = {}
        self._total_weight = 0

    @property
    def wheel(self) -> int | None:
        """Where the wheel of new picks is in the cells; None where another rule picks."""
        return self._new_pick.wheel.first_cell if isinstance(self._new_pick, PickByRoundRobin) else None

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Take in the targets: ``on_weight_zero`` rules on draining ones, ``on_unhealthy`` on unavailable (rule S7)."""
        by_id = self.options.identity == "by_target_id"
        left = set() if self.options.on_unhealthy == "follow" else set(unavailable)
        if self.options.on_weight_zero == "rebind":
            left |= {target.address for target in targets if not target.weight}
        identities = [(t.target_id if by_id and t.target_id else t.address, t.address) for t in targets]
        self._bound = {identity: address for identity, address in identities if address not in left}
        self._total_weight = sum(target.weight for target in targets)
        self._new_pick.rebuild(targets, unavailable)

    def followable(self, balancer_healthy: bool) -> Mapping[str, str]:
        """Return the cookies that are followed: identity to address, in list order (rules S1 and S6)."""
        serves_bound = self._total_weight == 0 and self.options.when_total_weight_zero == "serve_bound"
        return self._bound if balancer_healthy or serves_bound else {}

    def pick(self, handle: Handle | None = None) -> str:
        """Return the target of the handle's cookie, else a new pick (rules S2 and S3).

        A cookie that names nothing listed (removed, foreign, forged) counts as none. A retry passes over
        the targets the request has failed on, as long as another is left (rule S4).

        Raises:
            NoPeerError: No available target has weight, and the cookie cannot be followed.
        """
        if handle is None:
            return self._pick_anew(0.0, ())
        bound = None if handle.key is None else self._bound.get(handle.key)
        if bound is not None and (handle.address is None or self.options.retry == "same_target"):
            return bound
        return self._pick_anew(handle.u, handle.failed)

    def _pick_anew(self, u: float, exclude: Collection[str]) -> str:
        peer = self._new_pick.pick(u, exclude)
        if peer is None and exclude:
            # Kong's least-connections forgets the failures when every target has failed; so does this.
            peer = self._new_pick.pick(u, ())
        if peer is None:
            raise NoPeerError(Refusal.NO_PEERS)
        return peer


def response_cookie(
    options: StickyOptions, presented: str | None, first: str, last: str, gateway_error: bool = False
) -> str | None:
    """Return the identity the response's Set-Cookie names, or None for a response without Set-Cookie (rule S5).

    A 503 for want of a peer on the first pick never carries one: there is no target to name.

    Args:
        options: The open points.
        presented: Identity the request's cookie named; None without a cookie.
        first: Identity of the target of the first attempt.
        last: Identity of the target of the last attempt.
        gateway_error: Whether the response is the gateway's own 502, 503 on a retry, or 504.
    """
    if gateway_error and not options.cookie_on_error_response:
        return None
    named = last if options.cookie_on_retry == "rebind_cookie" else first
    if options.set_cookie == "always" or named != presented:
        return named
    return None


def _new_pick_rule(
    options: StickyOptions, draw: Draw | None, in_flight: Callable[[str], int] | None, cells: Cells | None
) -> NewPick:
    if options.new_pick == "random":
        return PickAtRandom()
    if options.new_pick == "in_order":
        return PickInOrder(cells)
    if options.new_pick == "least_connections":
        if in_flight is None:
            raise ValueError("new picks by least_connections need in_flight")
        return PickByLeastConnections(in_flight)
    if draw is None:
        raise ValueError("new picks by round_robin need draw")
    return PickByRoundRobin(draw, cells)
