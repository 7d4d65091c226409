"""A hash of the request rows of a recording that depends on which rows there are, and on no order or grouping.

Each row is mixed into 64 bits, in a way that is not linear, and these are added up. So it can be kept by a recorder
that gets to know rows in whatever order, and kept in parts. Two recordings of one hash hold the same rows, each as
often (but for chance: one in 2**64 for two rows, one in 2**128 for two sums). It is no defence against somebody who
looks for rows of equal hash.
"""

from hashlib import sha256

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

_FACTORS = np.array(
    [
        0x9E3779B97F4A7C15,
        0xBF58476D1CE4E5B9,
        0x94D049BB133111EB,
        0xD6E8FEB86659FD93,
        0xA0761D6478BD642F,
        0xE7037ED1A0B428DB,
        0x8EBC6AF09C88C6E3,
        0x589965CC75374CC3,
    ],
    dtype=np.uint64,
)[:, np.newaxis]
"""Odd numbers of 64 bits without a pattern, one for each column."""

_SECOND_LANE = np.uint64(0x1D8E4E27C47D124F)
_LANE = (1 << 64) - 1

_AT_ONCE = 16_384
"""Rows mixed at once: few enough for a processor's cache."""

_SHIFT = np.uint64(33)
_MIX = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


class RowHash:
    """Takes rows of float64 numbers, in any order and in any parts.

    Args:
        width: Numbers in a row, at most eight.
    """

    def __init__(self, width: int) -> None:
        self._first = self._second = self._rows = 0
        self._factors = _FACTORS[:width]
        # Kept, because memory that the system hands out afresh costs more than what is computed in it.
        self._copy = np.empty((width, _AT_ONCE))
        self._shifted = np.empty((width, _AT_ONCE), np.uint64)
        self._mixed = np.empty(_AT_ONCE, np.uint64)

    def add(self, columns: npt.NDArray[np.float64]) -> None:
        """Add rows, given as their columns: shape (width, rows). Any NaN is one NaN, and -0.0 is 0.0."""
        for begin in range(0, columns.shape[1], _AT_ONCE):
            self._add(columns[:, begin : begin + _AT_ONCE])
        self._rows += columns.shape[1]

    def hexdigest(self) -> str:
        """Return the hash of the rows so far and their number, 64 hexadecimal digits."""
        state = b"".join(part.to_bytes(8, "little") for part in (self._first, self._second, self._rows))
        return sha256(state).hexdigest()

    def _add(self, columns: npt.NDArray[np.float64]) -> None:
        rows = columns.shape[1]
        copy, shifted, mixed = self._copy[:, :rows], self._shifted[:, :rows], self._mixed[:rows]
        np.add(columns, 0.0, out=copy)  # which makes 0.0 of -0.0
        if np.isnan(copy.max(initial=0.0)):  # which it is where one of them is
            copy[copy != copy] = np.nan
        words = copy.view(np.uint64)
        # A short number has only high bits, which the factor would move out.
        np.bitwise_xor(words, np.right_shift(words, 29, out=shifted), out=words)
        np.multiply(words, self._factors, out=words)
        np.bitwise_xor(words, np.right_shift(words, 32, out=shifted), out=words)
        np.add.reduce(words, axis=0, out=mixed)
        _avalanche(mixed, shifted[0])
        self._first = self._first + int(np.add.reduce(mixed)) & _LANE
        np.bitwise_xor(mixed, _SECOND_LANE, out=mixed)
        _avalanche(mixed, shifted[0])
        self._second = self._second + int(np.add.reduce(mixed)) & _LANE


def _avalanche(words: Words, scratch: Words) -> None:
    """Let every bit depend on every bit, in place: the finaliser of MurmurHash3."""
    np.bitwise_xor(words, np.right_shift(words, _SHIFT, out=scratch), out=words)
    for factor in _MIX:
        np.multiply(words, factor, out=words)
        np.bitwise_xor(words, np.right_shift(words, _SHIFT, out=scratch), out=words)
