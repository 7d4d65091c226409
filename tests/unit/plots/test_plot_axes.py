"""Figures on axes of one's own, beside others, with the settings of the caller."""

import pytest
from figure_data import NAMES
from figure_text import unreadable
from matplotlib import pyplot as plt

from simsticky import plots
from simsticky.report.picture import align


def test_figures_draw_on_given_axes(rolled):
    """With ``ax=`` a figure of one's own is drawn on, and comes back."""
    plt.close("all")  # whatever others have left open
    for name in NAMES:
        figure, ax = plt.subplots()
        assert getattr(plots, name)(rolled, ax=ax) is ax
        assert plt.get_fignums() == [figure.number]
        plt.close(figure)


def test_figures_beside_each_other_do_not_overlap(rolled):
    """On axes of one's own, in a figure that lays itself out, legends keep clear of labels and of other axes."""
    figure, axes = plt.subplots(2, 1, figsize=(7.2, 8), layout="constrained")
    plots.break_causes(rolled, ax=axes[0])
    plots.load_skew(rolled, ax=axes[1])
    assert unreadable(axes[0]) == []
    assert len(figure.axes) == 2


def test_the_settings_of_the_caller_stay(rolled):
    """Drawing changes no setting of matplotlib for what is drawn after it."""
    before = dict(plt.rcParams)
    plots.timeline(rolled)
    assert dict(plt.rcParams) == before


def test_figures_over_time_share_their_axis(rolled):
    """Timeline, skew and incidence show the same span of time, drawn from the same left to the same right edge."""
    axes = [plots.timeline(rolled), plots.load_skew(rolled), plots.cumulative_incidence(rolled)]
    zero_s = rolled.operations["start_s"].iloc[0]
    spans = [ax.get_xlim() for ax in axes[:2]] + [tuple(at_s + zero_s for at_s in axes[2].get_xlim())]
    assert spans[0] == pytest.approx(spans[1])
    assert spans[0] == pytest.approx(spans[2])
    align(axes)
    edges = [(round(ax.get_position().x0, 6), round(ax.get_position().x1, 6)) for ax in axes]
    assert len(set(edges)) == 1
    assert all(unreadable(ax) == [] for ax in axes)
