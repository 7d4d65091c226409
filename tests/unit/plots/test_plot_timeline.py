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


def test_ticks_are_the_breaks_by_cause(rolled):
    """Each break that an operation caused is one tick, in the row of why it broke."""
    ax = plots.timeline(rolled)
    caused = rolled.requests[(rolled.requests["broke"] != "") & (rolled.requests["operation"] > 0)]
    assert len(caused) > 10
    for origin, rows in caused.groupby("origin", observed=True):
        assert list(line(ax, f"broken: {origin.replace('_', ' ')}").get_xdata()[::3]) == list(rows["sent_s"])


def test_fifty_pods_are_two_lanes():
    """Old and new pods are a group each, with the sessions per pod above and each pod's phases below."""
    result = ss.simulate(small(deployment__replicas=50, traffic__sessions__rate="5/s"))
    ax = plots.timeline(result)
    assert unreadable(ax) == []
    assert [label.get_text() for label in ax.get_yticklabels()] == ["50 old pods", "50 new pods"]
    for label, pods in zip(("50 old pods", "50 new pods"), (result.pods[:50], result.pods[50:]), strict=True):
        drawn = line(ax, label)
        floor = max(drawn.get_ydata())
        for at_s, height in list(zip(*drawn.get_data(), strict=True))[::37]:
            there = [pod.pod for pod in pods.itertuples() if pod.started_s <= at_s]
            total = sum(load_at(result, pod, [at_s])[0] for pod in there)
            assert (floor - height) * ax.sessions_per_lane == pytest.approx(total / 50, abs=1e-9)
    old = next(one for one in ax.collections if one.get_gid() == "50 old pods draining")
    spans = sorted(tuple(path.get_extents().intervalx) for path in old.get_paths())
    moments = sorted(zip(result.pods["deleted_s"][:50], result.pods["sigterm_s"][:50], strict=True))
    assert np.array(spans) == pytest.approx(np.array(moments))


CRASHING = {"every": {"kind": "exponential", "mean": "40s"}, "versions": "new"}


def test_a_crashed_pod_is_not_drawn_ready():
    """From a crash until the kubelet calls the pod ready again its strip is down or starting, never ready."""
    result = ss.simulate(small(app__crash=CRASHING, run__until="5m"))
    ax = plots.timeline(result)
    right = ax.get_xlim()[1]
    told = result.events[result.events["kind"].isin(["crashed", "ready"])]
    crashes = told[(told["kind"] == "crashed") & (told["at_s"] < right)]
    assert len(crashes) > 3
    for crash in crashes.itertuples():
        again = told[(told["kind"] == "ready") & (told["subject"] == crash.subject) & (told["at_s"] > crash.at_s)]
        until_s = min(right, again["at_s"].min()) if len(again) else right
        for one in ax.collections:
            if one.get_gid() == f"{crash.subject} ready":
                low, high = one.get_paths()[0].get_extents().intervalx
                assert high <= crash.at_s + 1e-6 or low >= until_s - 1e-6
        # With no delays at all the first restart follows at once.
        names = (f"{crash.subject} down", f"{crash.subject} starting")
        down = [one for one in ax.collections if one.get_gid() in names]
        spans = [tuple(one.get_paths()[0].get_extents().intervalx) for one in down]
        assert any(low == pytest.approx(crash.at_s) for low, _ in spans)
    assert sum(one.get_gid().endswith(" down") for one in ax.collections if one.get_gid()) > 3


def test_what_a_crash_broke_is_in_the_picture():
    """The breaks that no operation but a crash brought about have a row, and its count is that of the frame."""
    result = ss.simulate(small(app__crash=CRASHING, run__until="5m"))
    broken = result.requests[(result.requests["broke"] != "") & (result.requests["origin"] == "crash")]
    assert len(broken) > 10
    texts = [text.get_text() for text in plots.timeline(result).texts]
    assert f"broken: crash ({len(broken)})" in texts


def test_what_comes_at_one_moment_is_seen():
    """Without a preStop hook a pod is deleted and gets SIGTERM at once: neither mark covers the other."""
    result = ss.simulate(small(deployment__preStop="0s"))
    ax = plots.timeline(result)
    places = {gid: [m.get_xydata()[0] for m in ax.lines if m.get_gid() == gid] for gid in ("deleted", "SIGTERM")}
    for deleted, sigterm in zip(*(sorted(map(tuple, found)) for found in places.values()), strict=True):
        assert deleted[0] == pytest.approx(sigterm[0], abs=0.1)
        assert deleted[1] < sigterm[1]
