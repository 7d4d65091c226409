"""The figures of a fit: what is drawn is what was measured and fitted, and no text lies on another."""

from functools import cache

import numpy as np
import pytest
from figure_text import unreadable
from logs.quiet_runs import quiet_run, read_of

from simsticky.logs.cells import survival
from simsticky.logs.fit import fit
from simsticky.report.fit import page, rows
from simsticky.report.plots.fit import law_beside_data, starts_over_time

HEAVY = {
    "sessions": {
        "kind": "piecewise",
        "steps": [{"from": "0s", "rate": "40/min"}, {"from": "8m", "rate": "130/min"}],
    },
    "requests": {"kind": "pareto", "alpha": 1.8, "minimum": 3},
    "think": {"kind": "exponential", "mean": "5s"},
    "clientRate": {"kind": "gamma", "mean": 1, "cv": 0.8},
}


@cache
def found():
    """Return a fit with steps, a heavy tail, heavy users and cut sessions."""
    return fit(read_of(quiet_run(HEAVY, until="16m")))


def drawn(ax, gid):
    """Return the data of a line."""
    (line,) = [line for line in ax.lines if line.get_gid() == gid]
    return line.get_xdata(), line.get_ydata()


def test_the_measured_curve_is_the_products_limit():
    """Protects the figure from drawing something else than the data."""
    fitted = found().shape.requests
    x, y = drawn(law_beside_data(fitted, "requests of a session", "count"), "measured")
    ends, left = survival(fitted.cells)
    assert np.array_equal(x, ends[left > 0])
    assert np.array_equal(y, left[left > 0])


def test_the_law_is_the_one_that_the_profile_states():
    """Protects the figure from flattering: the curve is the scenario's law, above its minimum."""
    fitted = found().shape.requests
    assert fitted.chosen.kind == "pareto"
    x, y = drawn(law_beside_data(fitted, "requests of a session", "count"), "law")
    law = fitted.chosen.law
    assert y[-1] == pytest.approx((law.minimum / x[-1]) ** law.alpha, rel=1e-6)


def test_thinks_with_heavy_users_are_drawn_all_clients_together():
    """Protects the comparison: the law of one client is not what the log shows."""
    fit_, mixture = found(), found().heavy.marginal
    assert mixture is not None
    x, y = drawn(law_beside_data(fit_.shape.think, "think", "seconds", mixture=("mixed", mixture)), "law")
    beyond = fit_.shape.think.cells.beyond
    above = mixture.sf(np.array([beyond]))[0]
    middle = len(x) // 2
    assert y[middle] == pytest.approx((mixture.sf(x[middle : middle + 1])[0] - above) / (1 - above), rel=1e-6)


def test_starts_are_the_counts_and_the_steps():
    """Protects the timeline: sessions a second in each stretch, and the fitted rate."""
    ax = starts_over_time(found())
    stairs = {patch.get_gid(): patch.get_data() for patch in ax.patches if patch.get_gid()}
    arrivals = found().arrivals
    scale = 60 if "minute" in ax.get_ylabel() else 1
    assert np.allclose(stairs["measured"].values, arrivals.counts / arrivals.bin_s * scale)
    assert np.allclose(
        stairs["law"].values[[0, -1]], [arrivals.law.steps[0].rate * scale, arrivals.law.steps[-1].rate * scale]
    )
    assert ax.get_xticklabels()[0].get_text().startswith("8:")


@pytest.mark.parametrize("number", range(5))
def test_every_text_of_a_figure_can_be_read(number):
    """No text is cut or lies on another."""
    fit_ = found()
    figures = [
        lambda: starts_over_time(fit_),
        lambda: law_beside_data(fit_.shape.requests, "requests of a session", "count"),
        lambda: law_beside_data(fit_.shape.think, "think", "seconds"),
        lambda: law_beside_data(fit_.service, "service", "seconds"),
        lambda: law_beside_data(
            fit_.shape.think, "think", "seconds", mixture=("lognormal with heavy users", fit_.heavy.marginal)
        ),
    ]
    assert unreadable(figures[number]()) == []


@pytest.mark.slow
def test_the_page_has_every_row_and_the_same_bytes_each_time():
    """Protects the page: all that the terminal says, and nothing that changes by itself."""
    text = page(found())
    assert text == page(found())
    for row in rows(found()):
        assert row.label in text
    assert text.count("<figure>") == 4
