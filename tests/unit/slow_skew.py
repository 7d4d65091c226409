"""Load skew computed the slow and obvious way, one step of constant loads after the other."""

from collections.abc import Iterable, Sequence
from math import sqrt

MISSING = -1.0


def known(figures: dict[str, float | None]) -> dict[str, float]:
    """Return figures with a number for missing ones, so that they can be compared."""
    return {name: MISSING if figure is None else figure for name, figure in figures.items()}


def slow_figures(steps: Iterable[tuple[Sequence[float], float]]) -> dict[str, float]:
    """Return the figures of steps, missing ones as -1; a step is the loads of a set's pods and how long they lasted."""
    steps = [(loads, seconds) for loads, seconds in steps if sum(loads) > 0 and seconds > 0]

    def over(integrand: Sequence[float]) -> float:
        return sum(value * seconds for value, (_, seconds) in zip(integrand, steps, strict=True))

    loads = [loads for loads, _ in steps]
    names = ("max_to_mean", "min_to_mean", "cv", "jain", "gini", "peak", "time_above_1_2_s", "time_above_1_5_s")
    if not steps:
        return dict.fromkeys(names, MISSING)
    mean = over([sum(x) / len(x) for x in loads])
    ratio = [max(x) / (sum(x) / len(x)) for x in loads]
    figures = (
        over([max(x) for x in loads]) / mean,
        over([min(x) for x in loads]) / mean,
        over([sqrt(sum((a - sum(x) / len(x)) ** 2 for a in x) / len(x)) for x in loads]) / mean,
        over([sum(x) ** 2 for x in loads]) / over([len(x) * sum(a * a for a in x) for x in loads]),
        over([sum(abs(a - b) for a in x for b in x) / (2 * len(x) ** 2) for x in loads]) / mean,
        max(ratio),
        over([float(r > 1.2 + 1e-12) for r in ratio]),
        over([float(r > 1.5 + 1e-12) for r in ratio]),
    )
    return dict(zip(names, figures, strict=True))
