"""The load skew over time is the summary's."""

import numpy as np
import pytest
from figure_data import line
from small_scenario import small

import simsticky as ss
from simsticky import plots
from simsticky.report.captions import of_skew
from simsticky.report.plots.skew import skew_over_time


@pytest.mark.parametrize("drain", [True, False])
@pytest.mark.parametrize("surge", [1, 3])
def test_the_skew_line_averages_to_the_summary(drain, surge):
    """The ratio of time averages of the drawn loads is the summary's max/mean and min/mean, and their peak its peak."""
    result = ss.simulate(small(kic__enableDrainSupport=drain, deployment__maxSurge=surge, gateway__nodes=3))
    start_s, end_s = result.recording.window_s
    times, most, least, mean = skew_over_time(result)
    edges = np.unique(np.concatenate([[start_s, end_s], times[(times > start_s) & (times < end_s)]]))
    place = np.searchsorted(times, edges[:-1], side="right") - 1
    seconds = np.diff(edges)
    of = "load_skew.sessions.serving"
    averages = {name: np.nansum(values[place] * seconds) for name, values in (("most", most), ("mean", mean))}
    assert averages["most"] / averages["mean"] == pytest.approx(result.summary[f"{of}.max_to_mean"], rel=1e-9)
    fewest = np.nansum(least[place] * seconds)
    assert fewest / averages["mean"] == pytest.approx(result.summary[f"{of}.min_to_mean"], rel=1e-9)
    assert np.nanmax(most[place] / np.where(mean > 0, mean, np.nan)[place]) == pytest.approx(
        result.summary[f"{of}.peak"]
    )


def test_the_skew_figure_draws_these_ratios(rolled):
    """The two lines are fullest and emptiest pod over the mean."""
    ax = plots.load_skew(rolled)
    times, most, least, mean = skew_over_time(rolled)
    assert list(line(ax, "max/mean").get_xdata()) == list(times)
    assert line(ax, "max/mean").get_ydata() == pytest.approx(most / mean, nan_ok=True)
    assert line(ax, "min/mean").get_ydata() == pytest.approx(least / mean, nan_ok=True)


CRASHING = {"every": {"kind": "exponential", "mean": "40s"}, "versions": "new"}


@pytest.mark.parametrize("changes", [{}, {"app__crash": CRASHING, "run__until": "5m"}], ids=["rolled", "crashing"])
def test_the_caption_tells_the_summary_s_peak(changes):
    """The worst moment is one of the operation's window, also where pods crash and open again, and not of the run's
    end, when a few sessions are left.
    """
    result = ss.simulate(small(**changes))
    peak = result.summary["load_skew.sessions.serving.peak"]
    assert f"the fullest serving pod had {peak:.2f} times the mean" in of_skew(result).text


def test_the_end_of_a_run_is_not_its_worst_moment():
    """What the last sessions of a run do is in the picture and beside the point."""
    result = ss.simulate(small([{"at": "30s", "rollout": "app"}], app__crash=CRASHING, run__until="5m"))
    times, most, _, mean = skew_over_time(result)
    late = times > result.operations["last_old_pod_gone_s"].max()
    peak = result.summary["load_skew.sessions.serving.peak"]
    assert np.nanmax((most / mean)[late & (mean > 0)]) > peak
    assert f"had {peak:.2f} times" in of_skew(result).text
