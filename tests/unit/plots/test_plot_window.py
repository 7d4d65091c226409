"""What of a run a figure shows: its window, and the phases of its pods."""

import pytest
from small_scenario import small

import simsticky as ss
from simsticky.report.pod_lives import pod_lives, window


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
