"""The timeline draws the lives of the pods, the operation's moments, failures and breaks."""

import numpy as np
import pytest
from figure_data import line, load_at
from figure_text import unreadable
from small_scenario import small

import simsticky as ss
from simsticky import plots


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
