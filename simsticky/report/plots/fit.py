"""How well a law fits a log: the measured distribution with its band, and the law's beside it; starts over time."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter
from scipy import stats

from simsticky.logs.cells import survival
from simsticky.logs.fitted import Fit
from simsticky.logs.heavy import Mixture
from simsticky.logs.laws import Fitted, quantile
from simsticky.report.plots.style import BLUE, INK, LINES, QUIET, SKY, axes_for, legend_below, styled
from simsticky.scenario.traffic import Diurnal, Piecewise, Poisson
from simsticky.units import format_duration
from simsticky.workload.arrivals import rate_profile

Floats = npt.NDArray[np.float64]
Sf = Callable[[Floats], Floats]

_POINTS = 400


@styled
def law_beside_data(
    fitted: Fitted, what: str, unit: str, ax: Axes | None = None, *, mixture: tuple[str, Mixture] | None = None
) -> Axes:
    """Draw the share of values above x, measured and by the law, both axes logarithmic: a straight line is Pareto's.

    The band is where the measured curve is in 95 of 100 logs if the law is true (Massart's, of the whole curve).

    Args:
        fitted: The law and what it was fitted to.
        what: The quantity, with its article left out.
        unit: ``seconds`` or ``count``.
        ax: Where to draw; a new figure by default.
        mixture: Drawn in its place, with its name: thinks of all clients together.

    Returns:
        The axes; the lines have the gids ``measured`` and ``law``.
    """
    ax = axes_for(ax)
    ends, left = survival(fitted.cells)
    shown = left > 0
    ends, left = ends[shown], left[shown]
    low, high = _span(fitted, ends)
    ax.fill_between(
        ends, np.maximum(left - fitted.band, 1e-9), np.minimum(left + fitted.band, 1.0),
        step="post", color=SKY, alpha=0.3, lw=0, label="95 % band", gid="band",
    )  # fmt: skip
    ax.step(ends, left, where="post", color=INK, lw=1.2, label="measured", gid="measured")
    grid = np.exp(np.linspace(np.log(low), np.log(high), _POINTS))
    name, frozen = (fitted.chosen.kind, fitted.chosen.frozen) if mixture is None else mixture
    _law(ax, grid, _sf(fitted, frozen)(grid), name, 0)
    others = [one for one in fitted.candidates if one is not fitted.chosen]
    if others and mixture is None:
        rival = fitted.nearest if fitted.is_poor else others[0]
        _law(ax, grid, _sf(fitted, rival.frozen)(grid), f"{rival.kind}, not chosen", 1)
    least = max(float(left.min(initial=1.0)), 1e-7)
    ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(least / 1.5, 1.3))
    ax.set_xlabel(f"{what} ({'time' if unit == 'seconds' else 'number'})")
    ax.set_ylabel("share above")
    ax.xaxis.set_major_formatter(FuncFormatter(_seconds if unit == "seconds" else lambda x, _: f"{x:g}"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g} %"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_title(f"{what[0].upper()}{what[1:]}: {name}")
    legend_below(ax, columns=2)
    return ax


def _span(fitted: Fitted, ends: Floats) -> tuple[float, float]:
    """Return the ends of the axis: what all but a thousandth of the values exceed, and beyond the largest."""
    least = quantile(fitted.cells, 0.001) or 1e-5
    return max(least, 1e-5) / 1.2, float(ends.max(initial=least)) * 1.6


def _sf(fitted: Fitted, frozen: object) -> Sf:
    """Return a law's share above x, among the values that could be seen."""
    beyond = fitted.cells.beyond
    if not np.isfinite(beyond):
        return lambda at: np.asarray(frozen.sf(at), np.float64)  # type: ignore[attr-defined]
    above = float(np.asarray(frozen.sf(np.array([beyond])))[0])  # type: ignore[attr-defined]

    def within(at: Floats) -> Floats:
        share = np.asarray(frozen.sf(at), np.float64)  # type: ignore[attr-defined]
        return np.maximum(share - above, 0.0) / max(1.0 - above, 1e-12)

    return within


def _law(ax: Axes, grid: Floats, share: Floats, name: str, number: int) -> None:
    colour, dashes, _ = LINES[number + 1]
    ax.plot(
        grid,
        np.maximum(share, 1e-12),
        color=colour,
        ls=dashes,
        lw=1.4,
        label=name,
        gid="law" if not number else "rival",
    )


def _seconds(seconds: float, _: object) -> str:
    return format_duration(float(f"{seconds:.3g}"))


@styled
def starts_over_time(found: Fit, ax: Axes | None = None) -> Axes:
    """Draw how many sessions started a second over the log, and the rate that was fitted.

    The band is where the numbers of a Poisson process of that rate are in 95 of 100 stretches.

    Args:
        found: A fit.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes; the lines have the gids ``measured`` and ``law``.
    """
    ax = axes_for(ax)
    of = found.arrivals
    profile = rate_profile(of.law)
    rate = np.diff([profile.cumulate(float(at)) for at in of.edges_s]) / of.bin_s
    unit, unit_s = _unit(float(np.max(np.concatenate([of.counts / of.bin_s, rate]))))
    mean = rate * of.bin_s
    low, high = (stats.poisson.ppf(share, mean) / of.bin_s * unit_s for share in (0.025, 0.975))
    edges = of.edges_s
    ax.stairs(high, edges, baseline=low, fill=True, color=SKY, alpha=0.3, lw=0, label="95 % of stretches", gid="band")
    ax.stairs(of.counts / of.bin_s * unit_s, edges, color=INK, lw=0.9, label="measured", gid="measured")
    if isinstance(of.law, Diurnal):
        middle = (edges[1:] + edges[:-1]) / 2
        ax.plot(middle, rate * unit_s, color=BLUE, lw=1.6, ls="--", label=of.law.kind, gid="law")
    else:
        ax.stairs(rate * unit_s, edges, color=BLUE, lw=1.6, ls="--", baseline=None, label=of.law.kind, gid="law")
    ax.set_xlim(float(edges[0]), float(edges[-1]))
    ax.set_ylim(0, None)
    _clock_axis(ax, found)
    ax.set_ylabel(f"sessions that start per {unit}")
    ax.set_title(f"Starts of sessions: {_words(of.law)}")
    ax.spines["left"].set_color(QUIET)
    legend_below(ax, columns=3)
    return ax


def _unit(most_per_s: float) -> tuple[str, float]:
    return next(
        ((unit, size) for unit, size in (("second", 1.0), ("minute", 60.0)) if most_per_s * size >= 1), ("hour", 3600.0)
    )


def _words(law: Poisson | Piecewise | Diurnal) -> str:
    if isinstance(law, Piecewise):
        return f"{len(law.steps)} steps"
    return "a constant rate" if isinstance(law, Poisson) else "day and night"


def _clock_axis(ax: Axes, found: Fit) -> None:
    """Write the time of day, in UTC, below moments of the log."""
    began = found.source.began
    midnight = (began - began.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    low, high = ax.get_xlim()
    span = high - low
    steps = (60, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
    step = next((step for step in steps if span / step <= 8), 86400 * max(1, round(span / 86400 / 8)))
    first = -(-(low + midnight) // step)
    ticks = [step * n - midnight for n in range(int(first), int((high + midnight) // step) + 1)]
    ax.set_xticks(ticks or [low])

    def at(seconds: float, _: object) -> str:
        minutes = round((seconds + midnight) / 60)
        return f"{minutes // 60 % 24}:{minutes % 60:02d}"

    ax.xaxis.set_major_formatter(FuncFormatter(at))
    ax.set_xlabel("time of day (UTC)")
