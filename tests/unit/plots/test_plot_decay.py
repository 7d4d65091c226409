"""The sessions on old pods, beside the closed form where there is one."""

import numpy as np
import pytest
from figure_data import line, load_at
from small_scenario import small

import simsticky as ss
from simsticky import plots
from simsticky.report.captions import of_decay


def test_the_decay_is_the_sessions_on_deleted_pods(rolled):
    """The decay curve is the sum over deleted pods of their sessions, each at the same time since its own deletion."""
    times, drawn = line(plots.sessions_on_old_pods(rolled), "simulated").get_data()
    pods = rolled.pods[rolled.pods["deleted_by"] > 0]
    for at_s, value in list(zip(times, drawn, strict=True))[:: max(1, len(times) // 25)]:
        # A float sum of two times may fall just before the change that made it.
        now = [load_at(rolled, row.pod, [row.deleted_s + at_s + 1e-9])[0] for row in pods.itertuples()]
        assert value == sum(now)


def test_the_closed_form_is_that_of_memoryless_sessions(rolled):
    """Geometric requests with exponential think times leave e^(-t/L), L = requests * (think + service)."""
    times, drawn = line(plots.sessions_on_old_pods(rolled), "closed form").get_data()
    simulated = line(plots.sessions_on_old_pods(rolled), "simulated").get_ydata()
    assert drawn == pytest.approx(simulated[0] * np.exp(-times / (10 * (3.0 + 0.05))))


def test_without_a_closed_form_the_figure_says_why():
    """A constant number of requests has no closed form here: no curve is drawn, and the legend gives the reason."""
    ax = plots.sessions_on_old_pods(ss.simulate(small(traffic__requests=10)))
    assert not [one for one in ax.lines if one.get_gid() == "closed form"]
    texts = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert "no closed form: the number of requests is not geometric" in texts


def test_deleted_pods_without_sessions_are_told_so():
    """The words under an empty figure speak of no curve that is not there."""
    result = ss.simulate(small(traffic__sessions={"kind": "piecewise", "steps": [{"from": "0s", "rate": "0/s"}]}))
    assert of_decay(result).text == "No session was on a deleted pod."
