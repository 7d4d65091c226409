"""The bars of causes are the counts of breaks."""

import pytest

from simsticky import plots


def test_bars_of_causes_are_the_counts(rolled):
    """The bars of one replication are its summary, the commonest first; mechanisms and origins each add up."""
    ax = plots.break_causes(rolled)
    names = [label.get_text().replace(" ", "_") for label in ax.get_yticklabels()]
    for part, container in zip(("mechanism", "origin"), ax.containers, strict=True):
        widths = [bar.get_width() for bar in container]
        assert sum(widths) == rolled.summary["breaks"]
        assert widths == sorted(widths, reverse=True)
        assert widths == [rolled.summary[f"{part}.{name}"] for name in names[: len(widths)]]
        names = names[len(widths) :]


def test_bars_of_a_study_are_its_estimates(sweep):
    """The bars of a study are the means per replication, with their intervals."""
    study = sweep.studies[2]
    ax = plots.break_causes(study)
    widths = sorted(bar.get_width() for container in ax.containers for bar in container)
    names = [name for name in study.metrics if name.startswith(("mechanism.", "origin."))]
    seen = sorted(v for n in names if (v := study.estimate(n).interval.estimate) and n != "origin.background")
    assert widths == pytest.approx(seen)
