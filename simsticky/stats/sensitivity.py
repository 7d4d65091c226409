"""Which input matters: first-order and total Sobol indices from the outputs of a Saltelli design.

The design has two independent samples A and B of n points each, and for every input i the points of A with input i
taken from B (AB_i): n (k + 2) points for k inputs. NumPy and SciPy are imported inside the functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simsticky.stats.intervals import LEVEL, Interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

_RESAMPLES = 999
_AT_ONCE = 50
_SEED = 60


@dataclass(frozen=True, slots=True)
class SobolIndex:
    """How much of an output's variance an input brings about.

    Attributes:
        first: Share of the variance that is gone, on average, once the input is known: what it does alone.
        total: Share that is left, on average, while only the input is unknown: what it does with all others.
    """

    first: Interval
    total: Interval


def saltelli(samples: int, dimensions: int, seed: int) -> Numbers:
    """Return the points of a Saltelli design in the unit cube, shape ``(samples * (dimensions + 2), dimensions)``.

    First A, then B, then AB_0, AB_1 and so on. A and B are the halves of a scrambled Sobol sequence of twice the
    dimensions (Saltelli et al. 2010, Computer Physics Communications 181).

    Args:
        samples: Points of A; a power of 2, so that the sequence is balanced.
        dimensions: Number of inputs.
        seed: Seed of the scrambling.
    """
    import numpy as np

    both = sobol_points(samples, 2 * dimensions, seed)
    a, b = both[:, :dimensions], both[:, dimensions:]
    mixed = []
    for dimension in range(dimensions):
        part = a.copy()
        part[:, dimension] = b[:, dimension]
        mixed.append(part)
    return np.concatenate([a, b, *mixed])


def sobol_points(samples: int, dimensions: int, seed: int) -> Numbers:
    """Return a scrambled Sobol sequence in the unit cube, shape ``(samples, dimensions)``."""
    import numpy as np
    from scipy.stats import qmc

    points = qmc.Sobol(dimensions, scramble=True, seed=_generator(seed)).random(samples)
    return np.asarray(points, np.float64)


def latin_hypercube(samples: int, dimensions: int, seed: int) -> Numbers:
    """Return a Latin hypercube in the unit cube, shape ``(samples, dimensions)``: one point in each of ``samples``
    slices of every input.
    """
    import numpy as np
    from scipy.stats import qmc

    points = qmc.LatinHypercube(dimensions, seed=_generator(seed)).random(samples)
    return np.asarray(points, np.float64)


def sobol_indices(outputs: Numbers, dimensions: int, level: float = LEVEL) -> list[SobolIndex]:
    """Return the Sobol indices of each input.

    First order after Saltelli et al. 2010, total after Jansen 1999, both by SciPy; intervals by a percentile bootstrap
    over the n base points. An output that does not vary over A and B has no indices.

    Args:
        outputs: The outputs at the points of :func:`saltelli`, in that order.
        dimensions: Number of inputs.
        level: Confidence level in (0, 1).

    Raises:
        ValueError: The number of outputs is not that of a design, or that of its base points is no power of 2.
    """
    import numpy as np

    samples, rest = divmod(len(outputs), dimensions + 2)
    if rest or samples < 2:
        raise ValueError(f"{len(outputs)} outputs are no Saltelli design of {dimensions} inputs")
    parts = outputs.reshape(dimensions + 2, samples)
    if np.ptp(parts[:2]) == 0:
        nothing = Interval(None, None, None, level, "none", samples)
        return [SobolIndex(nothing, nothing)] * dimensions
    picks = _generator(_SEED).integers(0, samples, (_RESAMPLES, samples))
    # SciPy's own bootstrap draws from a generator that nobody can seed. Resamples in which nothing varies say nothing.
    varying = [pick for pick in picks if np.ptp(parts[:2, pick]) > 0]
    (first, total), *again = _indices(parts, [np.arange(samples), *varying])
    ends = np.quantile(again, [(1 - level) / 2, (1 + level) / 2], axis=0)

    def interval(value: Numbers, end: Numbers, at: int) -> Interval:
        return Interval(float(value[at]), float(end[0, at]), float(end[1, at]), level, "bootstrap", samples)

    return [SobolIndex(interval(first, ends[:, 0], at), interval(total, ends[:, 1], at)) for at in range(dimensions)]


def _indices(parts: Numbers, picks: Sequence[npt.NDArray[np.int64]]) -> Numbers:
    """Return the first-order and the total indices of resamples, shape ``(resamples, 2, dimensions)``.

    Several at a time, as the outputs of one model: it is quicker, and SciPy 1.17 fails at one output of one input.
    """
    import numpy as np
    from scipy.stats import sobol_indices as indices_of

    found = []
    for block in np.array_split(np.array(picks), -(-len(picks) // _AT_ONCE)):
        a, b, *mixed = parts[:, block]
        outputs: Mapping[Literal["f_A", "f_B", "f_AB"], Numbers] = {"f_A": a, "f_B": b, "f_AB": np.array(mixed)}
        orders = indices_of(func=outputs, n=parts.shape[1])
        shape = (len(block), len(mixed))
        found.append(np.stack([orders.first_order.reshape(shape), orders.total_order.reshape(shape)], axis=1))
    return np.concatenate(found)


def _generator(seed: int) -> np.random.Generator:
    import numpy as np

    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_SEED,)))
