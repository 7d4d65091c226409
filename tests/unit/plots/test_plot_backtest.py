"""The pictures of a backtest show what was observed and predicted, and nothing of them is cut."""

from functools import cache

import numpy as np
import pytest
from figure_text import unreadable
from logs_of_runs import log_of
from small_scenario import small

import simsticky as ss
from simsticky.logs.backtest import backtest
from simsticky.logs.backtest_answer import Backtest
from simsticky.logs.watched import moves_of
from simsticky.report.plots import backtest as plots
from simsticky.stats.prediction import fewest_runs


@cache
def found() -> Backtest:
    """Return the backtest of the small scenario's own log."""
    result = ss.simulate(small(run__until="90s", run__start="empty", run__settle="0s"))
    return backtest(small(), log_of(result, 80.0, ("rollout",)), reps=fewest_runs())


@pytest.mark.slow
def test_the_curves_are_those_of_the_log_and_of_the_model() -> None:
    """The log's ends at the figure of the table, the band at the ends of its interval."""
    ax = plots.broken_over_time(found())
    line = next(line for line in ax.lines if line.get_gid() == "observed")
    assert line.get_ydata()[0] == 0
    assert line.get_ydata()[-1] == found().rows[0].observed
    (band,) = [each for each in ax.collections if each.get_gid() == "predicted"]
    corners = band.get_paths()[0].vertices
    last = corners[np.isclose(corners[:, 0], corners[:, 0].max()), 1]
    assert {last.min(), last.max()} == {found().rows[0].predicted.low, found().rows[0].predicted.high}
    assert unreadable(ax) == []


@pytest.mark.slow
def test_every_move_is_a_tick_below_the_pod_that_answered() -> None:
    """In the log and in the replication that stands beside it."""
    for draw, seen in (
        (plots.observed_pods, found().timelines.observed),
        (plots.predicted_pods, found().timelines.replication),
    ):
        ax = draw(found())
        ticks = [line for line in ax.lines if str(line.get_gid()).startswith("moves ")]
        times = np.concatenate([line.get_xdata()[::3] for line in ticks])
        assert sorted(times) == sorted(moves_of(seen).at_s)
        assert len(ax.get_yticklabels()) == len(np.unique(seen.pod[seen.pod >= 0]))
        assert unreadable(ax) == []
