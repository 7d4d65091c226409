"""Overload: probes wait in the queue, so that pods become unready one after the other, and take the rest with them."""

from pathlib import Path
from typing import Any

from stories import tell

PROBE = {"periodSeconds": 2, "timeoutSeconds": 1, "failureThreshold": 2}
BUSY: dict[str, Any] = {
    "app": {"concurrency": 1, "startup": "2m"},
    "deployment": {"readinessProbe": PROBE, "preStop": None},
    "upstream": {"algorithm": "round-robin", "hashOn": None, "stickySessions": None},
    "timeline": [{"at": 100.0, "deletePod": "app", "force": True}],
    "run": {"until": "200s"},
}


def _arrivals(each_s: float) -> list[list[float]]:
    return [[at_s * each_s + 80.0] for at_s in range(int(100.0 / each_s))]


def test_loss_of_one_pod_takes_the_others_out_one_after_the_other(tmp_path: Path) -> None:
    """At 83 % load two pods of three are overloaded, each that falls loads the last one more."""
    story = tell(tmp_path, _arrivals(0.25), BUSY, service_s=0.625)
    unready = story.all_times("unready")
    assert not [at_s for at_s in unready if at_s < 100.0]
    # Two pods take 4 requests of 0.625 s a second, so each queue grows by 0.25 s a second: it passes the probe's second
    # within 4 s, and two failures in a row take at most another 4 s.
    (second, third), survivors = unready[:2], [pod.pod for pod in story.left[:2]]
    assert 102.0 < second <= 108.0
    assert second <= third <= second + 2 * 2.0
    assert {event.subject for event in story.events if event.kind == "unready"} == set(survivors)
    outcomes = [story.outcomes(session) for session in range(len(_arrivals(0.25)))]
    in_the_hole = [outcome for (sent_s,), outcome in zip(_arrivals(0.25), outcomes, strict=True) if sent_s > third]
    assert in_the_hole[0] == ["no_target"]
    # With no load the queues run empty; the pods come back, and fall again: it does not heal by itself.
    assert len(story.all_times("ready")) >= 2
    assert len(unready) >= 4
    assert story.summary["failed.no_target_503"] > 20


def test_same_load_without_a_loss_is_carried(tmp_path: Path) -> None:
    """Three pods carry that load for ever, no probe fails."""
    story = tell(tmp_path, _arrivals(0.25), BUSY, {"timeline": []}, service_s=0.625)
    assert not story.all_times("unready")
    assert story.summary["requests_failed"] == 0


def test_patient_probe_stops_the_cascade(tmp_path: Path) -> None:
    """With a timeout above the wait nobody is taken out; clients wait instead of failing."""
    patient = {"deployment": {"readinessProbe": {**PROBE, "timeoutSeconds": 60}}}
    story = tell(tmp_path, _arrivals(0.25), BUSY, patient, service_s=0.625)
    assert not story.all_times("unready")
    assert story.summary["failed.no_target_503"] == 0
