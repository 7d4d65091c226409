"""Figures draw what the frames say, in words that can be read."""

import numpy as np
import pytest
from figure_text import unreadable
from matplotlib import pyplot as plt
from small_scenario import small
from sweeps import HandMadeSweep, hand_made

import simsticky as ss
from simsticky import plots
from simsticky.report.captions import of_decay
from simsticky.report.plots.skew import skew_over_time
from simsticky.report.pod_lives import pod_lives, window
from simsticky.report.sweep_table import knee, settings

NAMES = ("timeline", "sessions_on_old_pods", "load_skew", "survival", "break_causes")


@pytest.fixture(scope="module", autouse=True)
def _without_a_screen():
    """Draw without a window system, and leave no figure open."""
    before = plt.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


@pytest.fixture(autouse=True)
def _closed():
    """Close what a test drew."""
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def rolled():
    """A rolling update of three pods."""
    return ss.simulate(small())


@pytest.fixture(scope="module")
def sweep():
    """PreStop against drain support."""
    return hand_made()


def line(ax, gid):
    """The only line with a gid."""
    (found,) = [one for one in ax.lines if one.get_gid() == gid]
    return found


def load_at(result, pod, times):
    """The sessions on a pod at some moments, read from the frame the slow way."""
    rows = result.load[result.load["pod"] == pod]
    return [rows.loc[rows["time_s"] <= at_s, "sessions"].iloc[-1] for at_s in times]


def test_a_pod_s_line_is_its_load(rolled):
    """Every corner of a pod's line in the timeline is the number of sessions that the load frame has then."""
    ax = plots.timeline(rolled)
    for lane, pod in enumerate(rolled.pods["pod"]):
        times, heights = line(ax, pod).get_data()
        bottom = lane + 0.86
        drawn = (bottom - np.asarray(heights)) * ax.sessions_per_lane
        assert len(times) > 10
        assert drawn == pytest.approx(load_at(rolled, pod, times), abs=1e-9)


def test_marks_are_the_moments_of_the_pods(rolled):
    """Each mark of the timeline stands at the time that the pods frame or the first push names."""
    ax = plots.timeline(rolled)
    drawn = {gid: sorted(m.get_xdata()[0] for m in ax.lines if m.get_gid() == gid) for gid in ("deleted", "SIGTERM")}
    assert drawn["deleted"] == sorted(rolled.pods["deleted_s"].dropna())
    assert drawn["SIGTERM"] == sorted(rolled.pods["sigterm_s"].dropna())
    zero = sorted(m.get_xdata()[0] for m in ax.lines if m.get_gid() == "weight 0")
    pushes = rolled.events[(rolled.events["kind"] == "pushed") & rolled.events["detail"].str.contains("->0")]
    assert set(zero) <= set(pushes["at_s"])
    assert len(zero) == 3


def test_strips_are_the_phases_of_the_pods(rolled):
    """Each pod's strip changes its filling at the moments that the pods frame names."""
    ax = plots.timeline(rolled)
    left, right = ax.get_xlim()
    strips = {one.get_gid(): one.get_paths()[0].get_extents().intervalx for one in ax.collections if one.get_gid()}
    for row in rolled.pods.itertuples():
        ends = [row.created_s, row.ready_s]
        ends += [row.deleted_s, row.sigterm_s, row.dead_s, row.removed_s] if row.deleted_by else [right]
        ends = np.clip(ends, left, right)
        for phase, start, end in zip(
            ("starting", "ready", "draining", "stopping", "dead"), ends, ends[1:], strict=False
        ):
            drawn = strips.get(f"{row.pod} {phase}")
            assert (drawn is None) if end <= start else list(drawn) == pytest.approx([start, end])


def test_upright_lines_are_the_operation_s_moments(rolled):
    """When it starts, when the rollout is done, when the last old pod is gone: the two ends are told apart."""
    ax = plots.timeline(rolled)
    (row,) = rolled.operations.to_dict("records")
    assert line(ax, "operation starts").get_xdata() == [row["start_s"]] * 2
    assert line(ax, "rollout done").get_xdata() == [row["rollout_done_s"]] * 2
    assert line(ax, "last old pod gone").get_xdata() == [row["last_old_pod_gone_s"]] * 2
    assert row["rollout_done_s"] < row["last_old_pod_gone_s"]


def test_ticks_are_the_failed_requests():
    """Each request that failed by an operation's doing is one tick, at the time it was sent."""
    result = ss.simulate(small(deployment__strategy={"type": "Recreate"}))
    requests = result.requests[result.requests["operation"] > 0]
    failed = requests[~requests["outcome"].isin(["answered", "unfinished"])]
    assert len(failed) > 10
    assert list(line(plots.timeline(result), "failed requests").get_xdata()[::3]) == list(failed["sent_s"])


def test_ticks_are_the_breaks_by_mechanism(rolled):
    """Each break that an operation caused is one tick, in the row of its mechanism."""
    ax = plots.timeline(rolled)
    caused = rolled.requests[(rolled.requests["broke"] != "") & (rolled.requests["operation"] > 0)]
    assert len(caused) > 10
    for mechanism, rows in caused.groupby("mechanism", observed=True):
        assert list(line(ax, f"broken: {mechanism}").get_xdata()[::3]) == list(rows["sent_s"])


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
        for place, pre_stop in enumerate(("0s", "5s", "20s", "1m")):
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
    assert line(ax, "knee").get_xydata().tolist() == [[place, share[place]]]


def test_the_trade_off_can_hold_the_other_settings(sweep):
    """With another setting held there is one line, and the title says where it is held."""
    ax = plots.trade_off(sweep, at={"kic.enableDrainSupport": False}, setting="deployment.preStop")
    assert len([one for one in ax.lines if one.get_gid() == "metric"]) == 1
    assert "enableDrainSupport false" in ax.get_title(loc="left")
    with pytest.raises(ValueError, match=r"app\.startup was not swept"):
        plots.trade_off(sweep, setting="app.startup")


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


def test_a_setting_that_follows_is_no_setting_of_its_own(sweep):
    """What another setting tells, and what never changes, gives no line and no slider; of two that tell each other the
    first stays.
    """
    points = tuple({"a": 1, **point, "grace": f"{point['deployment.preStop']}+"} for point in sweep.points)
    followed = HandMadeSweep(points, sweep.scenarios, sweep.studies)
    assert [one.path for one in settings(followed)] == ["deployment.preStop", "kic.enableDrainSupport"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"deployment__replicas": 12, "deployment__maxSurge": 12},
        {"kic__enableDrainSupport": False},
        {"deployment__preStop": "0s", "app__onSigterm": "ignore", "deployment__terminationGracePeriodSeconds": 4},
        {"deployment__replicas": 1},
        {"traffic__sessions__rate": "0.0001/s"},
    ],
    ids=["drained", "many pods", "drain off", "killed", "one pod", "no sessions"],
)
def test_no_text_is_cut_or_overlaps(name, changes):
    """At the default size every text of a figure is inside it and on no other text."""
    assert unreadable(getattr(plots, name)(ss.simulate(small(**changes)))) == []


@pytest.mark.parametrize("name", ["trade_off", "tornado"])
def test_no_text_of_a_sweep_is_cut_or_overlaps(name, sweep):
    """The same for figures of a sweep."""
    assert unreadable(getattr(plots, name)(sweep)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_run_without_operations_has_figures_too(name):
    """Nothing deleted, nothing broken: the figure says so, or shows the load."""
    result = ss.simulate(small(timeline=[], run__until="2m"))
    assert unreadable(getattr(plots, name)(result)) == []


def test_fifty_pods_can_be_read():
    """With 50 pods the names shrink before any is left out, and the rows of breaks keep theirs."""
    result = ss.simulate(small(deployment__replicas=50, traffic__sessions__rate="1/s"))
    ax = plots.timeline(result)
    assert unreadable(ax) == []
    labels = [label.get_text() for label in ax.get_yticklabels()]
    caused = result.requests[(result.requests["broke"] != "") & (result.requests["operation"] > 0)]
    counts = caused["mechanism"].value_counts()
    rows = {f"broken: {mechanism} ({count})" for mechanism, count in counts.items() if count}
    assert rows <= set(labels)
    assert len(labels) == len(result.pods) + len(rows) == 100 + len(rows)


def test_what_comes_at_one_moment_is_seen():
    """Without a preStop hook a pod is deleted and gets SIGTERM at once: neither mark covers the other."""
    result = ss.simulate(small(deployment__preStop="0s"))
    ax = plots.timeline(result)
    places = {gid: [m.get_xydata()[0] for m in ax.lines if m.get_gid() == gid] for gid in ("deleted", "SIGTERM")}
    for deleted, sigterm in zip(*(sorted(map(tuple, found)) for found in places.values()), strict=True):
        assert deleted[0] == pytest.approx(sigterm[0], abs=0.1)
        assert deleted[1] < sigterm[1]


def test_where_nothing_breaks_survival_is_watched_to_the_last_session():
    """After a scale-up the axis covers the lives of the sessions that met it, and not one second."""
    result = ss.simulate(small(timeline=[{"at": "1m", "scale": "app", "replicas": 4}]))
    ax = plots.survival(result)
    times, share = line(ax, "operation 1").get_data()
    assert set(share) == {1.0}
    assert ax.get_xlim()[1] >= times[-1] > 30


def test_text_of_others_stays_text():
    """Markup, formulas and lengths in names are drawn as text, cut to a label's length, and break no layout."""
    name = "a" * 40
    result = ss.simulate(small(deployment__name=name, timeline__0__rollout=name))
    assert unreadable(plots.timeline(result)) == []
    assert plots.timeline(result).get_xlabel().startswith("time since rollout aaaaa")


@pytest.mark.parametrize("text", ["$x^2$", "<script>alert(1)</script>", "\x00\n\t", '"' * 5000, "\\frac{"])
def test_a_name_is_a_label(text):
    """Nothing in a name is read as a formula or a control character, and 5,000 characters become a short label."""
    from simsticky.report.plots.style import LONGEST_LABEL, plain

    assert len(plain(text)) <= LONGEST_LABEL
    assert plain(text).isprintable()
    sweep = hand_made(name="small")
    points = tuple({text: point["deployment.preStop"]} for point in sweep.points[::2])
    odd = HandMadeSweep(points, sweep.scenarios[::2], sweep.studies[::2])
    ax = plots.trade_off(odd)
    assert unreadable(ax) == []


def test_figures_draw_on_given_axes(rolled):
    """With ``ax=`` a figure of one's own is drawn on, and comes back."""
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


def test_after_a_scale_up_the_window_shows_how_the_load_evens_out():
    """Where no pod was deleted the figure goes on well after the new pod is ready."""
    result = ss.simulate(small(timeline=[{"at": "1m", "scale": "app", "replicas": 4}]))
    ready_s = result.pods["ready_s"].max()
    start_s, end_s = window(result)
    assert start_s < 60 < ready_s < end_s
    assert end_s - ready_s >= 5 * (ready_s - 60)


CRASHING = {"every": {"kind": "exponential", "mean": "90s"}, "versions": "new"}


@pytest.mark.parametrize(
    "scenario",
    [
        small([{"at": "1m", "readinessFlap": "app", "for": "40s"}], deployment__readinessProbe__failureThreshold=20),
        small(app__crash=CRASHING, run__until="15m"),
    ],
    ids=["a probe fails for a while", "a new version crashes"],
)
def test_the_window_shows_what_breaks_and_fails_late(scenario):
    """At least half of the requests that an operation broke or failed are in the picture, however late they are."""
    result = ss.simulate(scenario)
    requests = result.requests[result.requests["operation"] > 0]
    failed = ~requests["outcome"].isin(["answered", "unfinished"])
    sent = requests.loc[(requests["broke"] != "") | failed, "sent_s"]
    assert len(sent) > 10
    assert (sent < window(result)[1]).mean() >= 0.5


def test_deleted_pods_without_sessions_are_told_so():
    """The words under an empty figure speak of no curve that is not there."""
    result = ss.simulate(small(traffic__sessions={"kind": "piecewise", "steps": [{"from": "0s", "rate": "0/s"}]}))
    assert of_decay(result).text == "No session was on a deleted pod."


def test_the_settings_of_the_caller_stay(rolled):
    """Drawing changes no setting of matplotlib for what is drawn after it."""
    before = dict(plt.rcParams)
    plots.timeline(rolled)
    assert dict(plt.rcParams) == before


def test_nothing_is_told_by_colour_alone(rolled, sweep):
    """Phases that meet differ in hatching, lines in dashes or markers: a grey print still reads."""
    from simsticky.report.plots.style import LINES
    from simsticky.report.plots.timeline import PHASE_LOOKS

    hatches = [hatch for _, hatch, _ in PHASE_LOOKS.values()]
    assert len(set(hatches)) >= len(hatches) - 1  # a dead container has no sessions: no height
    assert len({dashes for _, dashes, _ in LINES}) == len({marker for _, _, marker in LINES}) == len(LINES)


def test_pods_have_their_phases_in_order(rolled):
    """Each pod's phases follow each other without a gap, and end with the moments of the pods frame."""
    for life, row in zip(pod_lives(rolled), rolled.pods.itertuples(), strict=True):
        edges = [edge for phase in life.phases for edge in phase[1:]]
        assert edges[1:-1:2] == edges[2::2]
        assert edges[0] == row.created_s
        if row.deleted_by:
            assert edges[-1] == row.removed_s
            assert row.deleted_s in edges


def test_the_window_covers_the_operation(rolled):
    """A figure begins before the operation and ends after the last old pod is gone."""
    start_s, end_s = window(rolled)
    row = rolled.operations.iloc[0]
    assert start_s < row["start_s"] < row["last_old_pod_gone_s"] < end_s


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
