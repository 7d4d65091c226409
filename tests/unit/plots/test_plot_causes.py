"""The bars of causes are the counts of breaks, each break in one of them."""

import pytest

from simsticky import plots


def bars(ax):
    """The name and the width of each bar."""
    (container,) = ax.containers
    names = [label.get_text().replace(" ", "_") for label in ax.get_yticklabels()]
    return dict(zip(names, (bar.get_width() for bar in container), strict=True))


@pytest.mark.parametrize("part", ["origin", "mechanism"])
def test_bars_of_causes_are_the_counts(rolled, part):
    """The bars of one replication are its summary, the commonest first, and no break is drawn twice."""
    drawn = bars(plots.break_causes(rolled, by=part))
    assert sum(drawn.values()) == rolled.summary["breaks"] > 10
    assert list(drawn.values()) == sorted(drawn.values(), reverse=True)
    assert drawn == {name: rolled.summary[f"{part}.{name}"] for name in drawn}


def test_bars_of_a_study_are_its_estimates(sweep):
    """The bars of a study are the means per replication, with their intervals; what is background has none."""
    study = sweep.studies[2]
    drawn = bars(plots.break_causes(study))
    names = [name for name in study.metrics if name.startswith("origin.") and name != "origin.background"]
    seen = {name: study.estimate(name).interval.estimate for name in names}
    assert drawn == pytest.approx({name.removeprefix("origin."): value for name, value in seen.items() if value})


def test_a_cause_has_one_colour(rolled):
    """A cause has the colour in its bar that its ticks have in the timeline beside it."""
    from matplotlib.colors import to_hex

    (container,) = plots.break_causes(rolled).containers
    ticks = {one.get_gid(): one.get_color() for one in plots.timeline(rolled).lines if one.get_gid()}
    for name, bar in zip(bars(plots.break_causes(rolled)), container, strict=True):
        assert to_hex(bar.get_facecolor()) == ticks[f"broken: {name.replace('_', ' ')}"]
