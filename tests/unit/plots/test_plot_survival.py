"""The survival of sessions is the product limit of the breaks."""

import numpy as np
import pytest
from figure_data import line
from small_scenario import small

import simsticky as ss
from simsticky import plots


def test_survival_counts_the_sessions_of_the_summary(rolled):
    """The sessions alive at the start and those of them that break are those of the operations frame, and the curve
    falls only at their breaks.
    """
    ax = plots.survival(rolled)
    row = rolled.operations.iloc[0]
    label = ax.figure.legends[0].get_texts()[0].get_text()
    assert label == f"rollout app: {row['broken_alive']} of {row['alive']} break"
    times, share = line(ax, "operation 1").get_data()
    falls = times[1:][np.diff(share) < -1e-12]
    caused = rolled.requests[(rolled.requests["operation"] == 1) & (rolled.requests["broke"] != "")]
    firsts = caused.groupby("session")["sent_s"].min() - row["start_s"]
    assert set(np.round(falls, 9)) <= set(np.round(firsts, 9))
    assert len(falls) > 10


def test_survival_is_the_product_limit(rolled):
    """The curve is the Kaplan-Meier estimate, worked out here from the requests one session at a time."""
    start_s = rolled.operations["start_s"].iloc[0]
    ends = []
    for session, rows in rolled.requests.groupby("session"):
        started_s = rolled.sessions.loc[rolled.sessions["session"] == session, "started_s"].iloc[0]
        if min(started_s, rows["sent_s"].min()) < start_s <= rows["sent_s"].max():
            broken_s = rows.loc[(rows["operation"] == 1) & (rows["broke"] != ""), "sent_s"]
            ends.append((broken_s.min(), True) if len(broken_s) else (rows["sent_s"].max(), False))
    left = {0.0: 1.0}
    for number, (at_s, broken) in enumerate(sorted(ends)):
        whole = len(ends) - number
        left[at_s - start_s] = list(left.values())[-1] * (1 - 1 / whole if broken else 1)
    times, share = line(plots.survival(rolled), "operation 1").get_data()
    assert len(ends) > 30
    assert list(times) == pytest.approx(list(left))
    assert list(share) == pytest.approx(list(left.values()))


def test_where_nothing_breaks_survival_is_watched_to_the_last_session():
    """After a scale-up the axis covers the lives of the sessions that met it, and not one second."""
    result = ss.simulate(small(timeline=[{"at": "1m", "scale": "app", "replicas": 4}]))
    ax = plots.survival(result)
    times, share = line(ax, "operation 1").get_data()
    assert set(share) == {1.0}
    assert ax.get_xlim()[1] >= times[-1] > 30
