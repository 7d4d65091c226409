"""Values as a log gives them: rounded, cut off where watching ended, and too many to look at one by one.

All become cells: an interval that holds the value, and how many values it stands for. A value that was watched for
``x`` and went on is the cell from ``x`` to infinity; a count is half a unit to each side; a time that was written in
milliseconds is half a millisecond to each side. One likelihood then serves all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_FINE = 0.01
"""Exact values are gathered in cells of a hundredth of their size: a law's scatter is ten times that at the least where
it matters, and what a likelihood loses is of the order of the square of the ratio."""
_STEPS = (1.0, 0.1, 0.01, 1e-3)
_MOSTLY = 0.999
_LEAST_CELLS = 20
"""Of fewer different values the largest is no cap."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Grouped values of one quantity.

    Attributes:
        low: Length k, lower end of each cell, at least 0, ascending.
        high: Length k, upper end; infinite where only a lower bound is known.
        weight: Length k, how many values each cell stands for.
        beyond: Values above it could not be seen at all (truncation); infinite where all could be.
    """

    low: Floats
    high: Floats
    weight: Floats
    beyond: float = np.inf

    @property
    def exact(self) -> npt.NDArray[np.bool_]:
        """Length k, whether each cell has an upper end."""
        return np.isfinite(self.high)

    @property
    def seen(self) -> float:
        """How many values were seen whole."""
        return float(self.weight[self.exact].sum())

    @property
    def cut(self) -> float:
        """How many values are only known to be larger than something."""
        return float(self.weight[~self.exact].sum())

    @property
    def middle(self) -> Floats:
        """Length k, the middle of each cell; the lower end where there is no upper one."""
        return np.where(self.exact, (self.low + np.where(self.exact, self.high, 0.0)) / 2, self.low)


def resolution(values: Floats) -> float:
    """Return the step of which nearly all values are multiples: 1, 0.1, 0.01 or 0.001; 0 where there is none."""
    if not values.size:
        return 0.0
    for step in _STEPS:
        parts = values / step
        if np.mean(np.abs(parts - np.rint(parts)) < 1e-3) >= _MOSTLY:
            return step
    return 0.0


def of_times(values: Floats, *, beyond: float = np.inf, longer_than: Floats | None = None) -> Cells:
    """Return cells of times or other continuous values, at least 0.

    Args:
        values: Seen whole.
        beyond: Values above could not be seen.
        longer_than: Of further values, how far they were watched.
    """
    step = resolution(values)
    places, weight = np.unique(_gathered(values, step), return_counts=True)
    half = np.where(places <= 50 * step, step / 2, _FINE * places / 2)
    low, high = np.maximum(places - half, 0.0), places + half
    low[1:] = np.maximum(low[1:], high[:-1])  # neighbours of different rules do not overlap
    high = np.where(high > low, high, low + 1e-9)
    if places.size and not step:
        low[0] = max(low[0], float(values.min()) * (1 - 1e-9))
        high[-1] = min(high[-1], float(values.max()) * (1 + 1e-9))
    return _with_cut(low, high, weight.astype(np.float64), longer_than, beyond)


def _gathered(values: Floats, step: float) -> Floats:
    """Return values moved to the middle of the cell that each falls into."""
    if step:
        values = np.rint(values / step) * step
    coarse = values > 50 * step
    logs = np.floor(np.log(np.where(coarse, values, 1.0)) / _FINE)
    return np.where(coarse, np.exp((logs + 0.5) * _FINE), values)


def of_counts(counts: Integers, more_than: Integers) -> Cells:
    """Return cells of counts, at least 1.

    Args:
        counts: Seen whole.
        more_than: Of further ones, what they are known to exceed.
    """
    places, weight = np.unique(counts.astype(np.float64), return_counts=True)
    low = np.where(places <= 1, 0.0, places - 0.5)  # a law's draws below 1 count as 1
    longer = more_than.astype(np.float64) + 0.5
    return _with_cut(low, places + 0.5, weight.astype(np.float64), longer, np.inf)


def _with_cut(low: Floats, high: Floats, weight: Floats, longer_than: Floats | None, beyond: float) -> Cells:
    if longer_than is None or not longer_than.size:
        return Cells(low, high, weight, beyond)
    places, cut = np.unique(longer_than, return_counts=True)
    low = np.concatenate([low, places])
    high = np.concatenate([high, np.full(places.size, np.inf)])
    weight = np.concatenate([weight, cut.astype(np.float64)])
    order = np.lexsort((high, low))
    return Cells(low[order], high[order], weight[order], beyond)


def without_cap(cells: Cells, *, counts: bool) -> tuple[Cells, float | None]:
    """Return cells in which values at a cap are only known to be as large, and the cap; None where there is none.

    A cap is the largest value that many have at once, such as a timeout: a fifth of a per cent of all, ten at the
    least, and twice as many as in the tenth below it.
    """
    exact = cells.exact
    if cells.cut or not exact.any():
        return cells, None
    low, high, weight = cells.low[exact], cells.high[exact], cells.weight[exact]
    below = (high <= low[-1] * (1 + 1e-9)) & (low >= 0.9 * low[-1])
    many = weight[-1] >= max(10.0, 0.002 * cells.seen) and weight[-1] >= 2 * weight[below].sum()
    if not many or weight.size < _LEAST_CELLS or (counts and low[-1] < _LEAST_CELLS):
        return cells, None
    cap = float((low[-1] + high[-1]) / 2)
    ends = high.copy()
    ends[-1] = np.inf
    return Cells(low, ends, weight, cells.beyond), float(round(cap)) if counts else cap


def survival(cells: Cells) -> tuple[Floats, Floats]:
    """Return the upper ends of the cells seen whole, and the share of all values above each.

    Kaplan and Meier's product limit: what was only watched for some time counts among those at risk until then.
    """
    exact = cells.exact
    low, high, weight = cells.low[exact], cells.high[exact], cells.weight[exact]
    cut_at, cut = cells.low[~exact], cells.weight[~exact]
    order = np.argsort(cut_at, kind="stable")
    gone = np.concatenate([[0.0], np.cumsum(cut[order])])
    before = np.concatenate([[0.0], np.cumsum(weight)[:-1]])
    total = float(cells.weight.sum())
    at_risk = total - before - gone[np.searchsorted(cut_at[order], low + 1e-12, side="right")]
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(at_risk > 0, 1.0 - weight / at_risk, 1.0)
    return high, np.cumprod(np.clip(left, 0.0, 1.0))
