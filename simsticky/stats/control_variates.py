"""A mean with less variance, by way of a second number whose mean is known."""

from __future__ import annotations

import math

from simsticky.stats.intervals import LEVEL, Interval, Values


def controlled_mean(values: Values, controls: Values, expected: float, level: float = LEVEL) -> Interval:
    """Return the mean of the values, corrected for what is known to be luck in the controls.

    Regression on the control: ``mean(y) - b (mean(c) - expected)`` with ``b`` by least squares, its variance that of
    the residuals, Student's t with n - 2 degrees of freedom (Lavenberg and Welch 1981). Exact for jointly normal
    pairs; else ``b`` being estimated leaves a bias of order 1/n, small against the interval from ten replications on.

    Args:
        values: One number a replication; None or NaN where it is missing.
        controls: The control of each replication.
        expected: The control's mean, known exactly.
        level: Confidence level in (0, 1).

    Returns:
        Of kind ``none`` where fewer than four pairs are known, or the control never varies.
    """
    pairs = [
        (float(y), float(c))
        for y, c in zip(values, controls, strict=True)
        if y is not None and c is not None and not math.isnan(y) and not math.isnan(c)
    ]
    n, left_out = len(pairs), len(values) - len(pairs)
    if n < 4:
        return Interval(None, None, None, level, "none", n, left_out)
    mean_y, mean_c = (math.fsum(pair[at] for pair in pairs) / n for at in (0, 1))
    squares = math.fsum((c - mean_c) ** 2 for _, c in pairs)
    if squares == 0:
        return Interval(None, None, None, level, "none", n, left_out)
    slope = math.fsum((y - mean_y) * (c - mean_c) for y, c in pairs) / squares
    estimate = mean_y - slope * (mean_c - expected)
    residuals = math.fsum((y - mean_y - slope * (c - mean_c)) ** 2 for y, c in pairs) / (n - 2)
    variance = residuals * (1 / n + (mean_c - expected) ** 2 / squares)

    from scipy.special import stdtrit

    half = float(stdtrit(n - 2, 0.5 + level / 2)) * math.sqrt(variance)
    return Interval(estimate, estimate - half, estimate + half, level, "regression t", n, left_out)
