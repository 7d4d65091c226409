"""Figures of a sweep: the trade-off with its knee, the tornado, and which settings they show."""

import numpy as np
import pytest
from figure_data import line
from figure_text import unreadable
from small_scenario import small
from sweeps import HandMadeSweep

import simsticky as ss
from simsticky import plots
from simsticky.report.sweep_table import knee, settings


def test_the_trade_off_draws_the_grid(sweep):
    """Each line has the estimates of its points, in the order of the values, and the cost those of its own axis."""
    ax = plots.trade_off(sweep)
    by_point = {tuple(point.values()): study for point, study in zip(sweep.points, sweep.studies, strict=True)}
    lines = [one for one in ax.lines if one.get_gid() == "metric"]
    for drawn, drain in zip(lines, (True, False), strict=True):
        studies = [by_point[pre_stop, drain] for pre_stop in ("0s", "5s", "20s", "1m")]
        assert list(drawn.get_ydata()) == [study.estimate("broken_sessions").interval.estimate for study in studies]
    costs = [one for one in ax.figure.axes[1].lines if one.get_gid() == "cost"]
    assert list(costs[0].get_ydata()) == [
        by_point[pre_stop, True].estimate("last_old_pod_gone_s").interval.estimate
        for pre_stop in ("0s", "5s", "20s", "1m")
    ]
    bands = [one for one in ax.collections if one.get_gid() == "band"]
    for band, drain in zip(bands, (True, False), strict=True):
        for place, pre_stop in ((0, "0s"), (5, "5s"), (20, "20s"), (60, "1m")):
            interval = by_point[pre_stop, drain].estimate("broken_sessions").interval
            at_place = [y for x, y in band.get_paths()[0].vertices if x == place]
            assert [min(at_place), max(at_place)] == pytest.approx([interval.low, interval.high])
    (threshold,) = [one for one in ax.lines if one.get_gid() == "threshold"]
    assert list(threshold.get_ydata()) == [0.1, 0.1]


def test_the_knee_is_a_ring_on_its_point(sweep):
    """The ring stands on the point of the curve that bends most, with preStop in seconds."""
    ax = plots.trade_off(sweep, at={"kic.enableDrainSupport": True})
    share = line(ax, "metric").get_ydata()
    place = knee([0, 5, 20, 60], list(share))
    assert line(ax, "knee").get_xydata().tolist() == [[[0, 5, 20, 60][place], share[place]]]


def test_numbers_stand_at_their_places(sweep):
    """5 s is as far from 0 s as a twelfth of a minute: points, cost and ticks stand at the seconds that they are."""
    ax = plots.trade_off(sweep, setting="deployment.preStop")
    drawn = [one for one in (*ax.lines, *ax.figure.axes[1].lines) if one.get_gid() in ("metric", "cost")]
    assert len(drawn) == 4
    assert all(list(one.get_xdata()) == [0, 5, 20, 60] for one in drawn)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0s", "5s", "20s", "1m"]
    assert list(ax.get_xticks()) == [0, 5, 20, 60]


def test_words_stand_side_by_side(sweep):
    """Values that are no numbers are one beside the other, in their order."""
    ax = plots.trade_off(sweep, setting="kic.enableDrainSupport", at={"deployment.preStop": "5s"})
    assert list(line(ax, "metric").get_xdata()) == [0, 1]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["true", "false"]


def test_values_close_together_leave_out_labels(sweep):
    """Where the values crowd, some have a tick and no label; the first and the last are always named."""
    values = ("0s", "1s", "2s", "1h")
    points = tuple({"deployment.preStop": value} for value in values)
    ax = plots.trade_off(HandMadeSweep(points, sweep.scenarios[:4], sweep.studies[:4]))
    assert unreadable(ax) == []
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0s", "1h"]
    assert sorted([*ax.get_xticks(), *ax.get_xticks(minor=True)]) == [0, 1, 2, 3600]


@pytest.mark.parametrize(
    ("xs", "ys", "place"),
    [
        ([0, 1, 2, 3, 4], [1, 0.2, 0.1, 0.05, 0], 1),
        ([0, 1, 2], [1, 0.5, 0], None),
        ([0, 1], [1, 0], None),
        ([0, 1, 2], [1, 1, 1], None),
        ([0, 10, 20, 100], [0, 0.9, 1.0, 1.0], 1),
    ],
)
def test_the_knee_is_the_point_farthest_from_the_chord(xs, ys, place):
    """A bend is found, and a straight or flat curve has none."""
    assert knee(xs, ys) == place


def test_the_trade_off_can_hold_the_other_settings(sweep):
    """With another setting held there is one line, and the title says where it is held."""
    ax = plots.trade_off(sweep, at={"kic.enableDrainSupport": False}, setting="deployment.preStop")
    assert len([one for one in ax.lines if one.get_gid() == "metric"]) == 1
    assert "enableDrainSupport false" in ax.get_title(loc="left")
    with pytest.raises(ValueError, match=r"app\.startup was not swept"):
        plots.trade_off(sweep, setting="app.startup")


def test_a_setting_that_follows_is_no_setting_of_its_own(sweep):
    """What another setting tells, and what never changes, gives no line and no slider; of two that tell each other the
    first stays.
    """
    points = tuple({"a": 1, **point, "grace": f"{point['deployment.preStop']}+"} for point in sweep.points)
    followed = HandMadeSweep(points, sweep.scenarios, sweep.studies)
    assert [one.path for one in settings(followed)] == ["deployment.preStop", "kic.enableDrainSupport"]


def test_the_tornado_draws_main_effects(sweep):
    """Each bar goes from the lowest to the highest mean over the points with one value of its setting."""
    ax = plots.tornado(sweep)
    means = {}
    for path in ("deployment.preStop", "kic.enableDrainSupport"):
        by_value = {}
        for point, study in zip(sweep.points, sweep.studies, strict=True):
            by_value.setdefault(point[path], []).append(study.estimate("broken_sessions").interval.estimate)
        means[path] = sorted(np.mean(values) for values in by_value.values())
    for place, name in enumerate(label.get_text() for label in ax.get_yticklabels()):
        low, high = (container[place] for container in ax.containers)
        assert low.get_x() + low.get_width() == pytest.approx(means[name][0])
        assert high.get_x() + high.get_width() == pytest.approx(means[name][-1])


def test_a_tornado_draws_its_bars():
    """A tornado's bars go from the metric at one end of the range to the metric at the other."""
    ranges = {"deployment.preStop": ["0s", "20s"], "gateway.nodes": [1, 3]}
    found = ss.tornado(small(run__record="summary", run__skewFloor=False), ranges, n=2)
    ax = plots.tornado(found)
    assert unreadable(ax) == []
    for place, bar in enumerate(found.bars):
        ends = sorted(end.interval.estimate for end in (bar.at_low, bar.at_high))
        low, high = (container[place] for container in ax.containers)
        middle = found.base.estimate("broken_sessions").interval.estimate
        assert low.get_x() + low.get_width() == pytest.approx(min(ends[0], middle))
        assert high.get_x() + high.get_width() == pytest.approx(max(ends[1], middle))
