"""Kong's round-robin: a shuffled wheel and a pointer.

Source: Kong 3.10 ``kong/runloop/balancer/round_robin.lua``. The upstream's ``slots`` plays no part. The only
randomness is the shuffle, made anew at every build and every change of health.
"""

from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from math import gcd

from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.cells import Cells
from simsticky.kong.picks import WHEEL_ENTRY, WHEEL_HEAD, WHEEL_NUMBER, wheel_next
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
        cells: Where the wheel is kept; cells of its own, if not given.

    Attributes:
        first_cell: Where it is in the cells.
    """

    __slots__ = ("__weakref__", "_beside", "_cells", "_draw", "_room", "_wheel", "first_cell")

    def __init__(self, draw: Draw, cells: Cells | None = None) -> None:
        self._draw = draw
        self._cells = Cells() if cells is None else cells
        self._wheel: list[str] = []
        self._beside = 1  # the pointer, where it is at none of the wheel's entries
        self._room = 0
        self._lay_out((), frozenset())

    def _lay_out(self, wheel: Sequence[str], unavailable: AbstractSet[str]) -> None:
        """Have a wheel in the cells, its pointer where nobody is."""
        room = WHEEL_HEAD + WHEEL_ENTRY * (1 + len(wheel))
        if room > self._room:
            self._room, self.first_cell = room, self._cells.table(self, room)
        self._wheel = list(wheel)
        tables, numbers = self._cells.tables, self._cells.numbers
        nobody, *entries = self._entries()
        around = list(zip(entries, wheel, strict=True))
        ahead = next((entry for entry, address in around if address not in unavailable), nobody)
        for entry, address in reversed(around):  # the last one leads to the first again
            tables[entry], tables[entry + WHEEL_NUMBER] = ahead, numbers[address]
            ahead = ahead if address in unavailable else entry
        tables[nobody], tables[nobody + WHEEL_NUMBER] = ahead, -1
        tables[self.first_cell] = nobody

    def _entries(self) -> range:
        """Return the cells of nobody's entry and of the wheel's."""
        first = self.first_cell + WHEEL_HEAD
        return range(first, first + WHEEL_ENTRY * (1 + len(self._wheel)), WHEEL_ENTRY)

    @property
    def wheel(self) -> tuple[str, ...]:
        """The addresses on the wheel in order, unavailable ones included."""
        return tuple(self._wheel)

    @property
    def pointer(self) -> int:
        """1-based position of the latest look, which is the 0-based position of the next one; 1 before the first."""
        return self._entries().index(self._cells.tables[self.first_cell]) or self._beside

    @pointer.setter
    def pointer(self, position: int) -> None:
        entries = self._entries()
        self._beside = position
        self._cells.tables[self.first_cell] = entries[position if position < len(entries) else 0]

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Build and shuffle the wheel; the pointer stays. Without any weight the old wheel stays as well."""
        wheel = unshuffled_wheel(targets)
        if not wheel:
            return
        shuffle(wheel, self._draw)
        pointer = self.pointer
        self._lay_out(wheel, unavailable)
        self.pointer = pointer

    def pick(self, handle: Handle | None = None) -> str:
        """Return the next available entry. The handle plays no part.

        Raises:
            NoPeerError: A whole turn finds none.
        """
        number = wheel_next(self._cells.tables, self.first_cell)
        if number < 0:
            raise NoPeerError(Refusal.NO_PEERS)
        return self._cells.numbers.names[number]

    def pick_other_than(self, exclude: Collection[str]) -> str | None:
        """Return the next available entry not excluded; None, and the pointer unmoved, if there is none."""
        tables, pointer = self._cells.tables, self.pointer
        for _ in self._wheel:
            number = wheel_next(tables, self.first_cell)
            if number < 0:
                return None
            address = self._cells.numbers.names[number]
            if address not in exclude:
                return address
        self.pointer = pointer
        return None
