"""Kong's round-robin: a shuffled wheel and a pointer.

Source: Kong 3.10 ``kong/runloop/balancer/round_robin.lua``. The upstream's ``slots`` plays no part. The only
randomness is the shuffle, made anew at every build and every change of health.
"""

from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from math import gcd

from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.upstream import Target

Draw = Callable[[int], int]
"""``draw(i)`` returns an integer in 1..i, uniformly: Lua's ``math.random(i)``."""


def unshuffled_wheel(targets: Sequence[Target]) -> list[str]:
    """Return the wheel in list order: each address repeated weight / gcd of all weights times.

    Targets of weight 0 have no entry; without any weight the wheel is empty.
    """
    divisor = gcd(*(target.weight for target in targets))
    if divisor == 0:
        return []
    return [target.address for target in targets for _ in range(target.weight // divisor)]


def shuffle(wheel: list[str], draw: Draw) -> None:
    """Shuffle in place by Fisher and Yates: for i = n, ..., 2 swap entry i and entry ``draw(i)``, 1-based."""
    for i in range(len(wheel), 1, -1):
        j = draw(i)
        wheel[i - 1], wheel[j - 1] = wheel[j - 1], wheel[i - 1]


class RoundRobin(Algorithm):
    """The wheel and its pointer (rule G4).

    The pointer advances before each look, so the first pick is the second entry; entries of unavailable
    targets are passed over. A rebuild in place keeps the pointer; a recreated balancer has a new wheel with
    the pointer at 1. A retry is simply the next pick and may meet the same target again.

    Args:
        draw: Source of the shuffle, called for i = n, ..., 2 at every rebuild.

    Attributes:
        pointer: 1-based position of the latest look; 1 before the first.
    """

    __slots__ = ("_draw", "_peers", "_wheel", "pointer")

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._wheel: list[str] = []
        # The wheel with unavailable entries blanked out; never empty, which spares each pick a test.
        self._peers: list[str | None] = [None]
        self.pointer = 1

    @property
    def wheel(self) -> tuple[str, ...]:
        """The addresses on the wheel in order, unavailable ones included."""
        return tuple(self._wheel)

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Build and shuffle the wheel; the pointer stays. Without any weight the old wheel stays as well."""
        wheel = unshuffled_wheel(targets)
        if not wheel:
            return
        shuffle(wheel, self._draw)
        self._wheel = wheel
        self._peers = [None if address in unavailable else address for address in wheel]

    def pick(self, handle: Handle | None = None) -> str:
        """Return the next available entry. The handle plays no part.

        Raises:
            NoPeerError: A whole turn finds none.
        """
        # The 1-based position of the latest look is the 0-based position of the next one.
        peers = self._peers
        position = self.pointer
        if position >= len(peers):
            position = 0
        peer = peers[position]
        if peer is not None:
            self.pointer = position + 1
            return peer
        peer = self.pick_other_than(())
        if peer is None:
            raise NoPeerError(Refusal.NO_PEERS)
        return peer

    def pick_other_than(self, exclude: Collection[str]) -> str | None:
        """Return the next available entry not excluded; None, and the pointer unmoved, if there is none."""
        peers = self._peers
        position = self.pointer
        for _ in peers:
            if position >= len(peers):
                position = 0
            peer = peers[position]
            position += 1
            if peer is not None and peer not in exclude:
                self.pointer = position
                return peer
        return None
