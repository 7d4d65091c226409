"""When sessions break: the cumulative incidence, with natural ends competing."""

import numpy as np
import pytest
from figure_data import line
from small_scenario import small

import simsticky as ss
from simsticky import plots


def test_the_curve_counts_the_sessions_of_the_frame(rolled):
    """The sessions alive at the start and those of them that break are those of the operations frame, and the curve
    rises only at their breaks.
    """
    ax = plots.cumulative_incidence(rolled)
    row = rolled.operations.iloc[0]
    label = ax.figure.legends[0].get_texts()[0].get_text()
    assert label == f"rollout app: {row['broken_alive']} of {row['alive']} break"
    times, share = line(ax, "operation 1").get_data()
    rises = times[1:][np.diff(share) > 1e-12]
    caused = rolled.requests[(rolled.requests["operation"] == 1) & (rolled.requests["broke"] != "")]
    firsts = caused.groupby("session")["sent_s"].min() - row["start_s"]
    assert set(np.round(rises, 9)) <= set(np.round(firsts, 9))
    assert len(rises) > 10


@pytest.mark.parametrize("until", ["drained", "70s"])
def test_the_curve_ends_at_broken_of_alive(until):
    """Exactly, whether the run follows all sessions to their end or stops among them."""
    result = ss.simulate(small(run__until=until, timeline=[{"at": "30s", "rollout": "app"}]))
    row = result.operations.iloc[0]
    assert 0 < row["broken_alive"] < row["alive"]
    _, share = line(plots.cumulative_incidence(result), "operation 1").get_data()
    assert share[-1] == row["broken_alive"] / row["alive"]


def test_where_nothing_breaks_the_axis_reaches_to_the_last_session():
    """After a scale-up the axis covers the lives of the sessions that met it, and not one second."""
    result = ss.simulate(small(timeline=[{"at": "1m", "scale": "app", "replicas": 4}]))
    ax = plots.cumulative_incidence(result)
    times, share = line(ax, "operation 1").get_data()
    assert set(share) == {0.0}
    assert ax.get_xlim()[1] >= times[-1] > 30
