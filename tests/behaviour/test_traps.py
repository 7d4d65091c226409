"""What other simulators were seen to get wrong, each as a test."""

from pathlib import Path

from stories import rollout, scale_to, tell

_ONE_SLOT = {"deployment": {"replicas": 1}, "app": {"concurrency": 1}}


def test_response_time_includes_service_and_queue(tmp_path: Path) -> None:
    """50 ms of service never take 0 ms (rule R2)."""
    story = tell(tmp_path, [[10.0], [10.0], [10.0]], _ONE_SLOT, service_s=0.5)
    spans = [(row.started_s, row.ended_s) for session in range(3) for row in story.requests(session)]
    assert spans == [(10.0, 10.5), (10.5, 11.0), (11.0, 11.5)]
    assert story.summary["latency_p50_s"] == 1.0


def test_slow_answer_times_out_on_time(tmp_path: Path) -> None:
    """A server that queues does not answer in time: the timeout comes when it is due."""
    story = tell(tmp_path, [[10.0]], _ONE_SLOT, {"gateway": {"readTimeout": "10ms"}}, service_s=0.05)
    assert story.outcomes(0) == ["timed_out"]


def test_probes_take_no_slot_of_the_traffic_and_are_no_requests(tmp_path: Path) -> None:
    """With one slot and a probe a second nobody waits, and nothing more is counted.

    See rule P4.
    """
    probe = {"deployment": {"readinessProbe": {"periodSeconds": 1}}}
    story = tell(tmp_path, [[10.0 + 0.5 * k for k in range(100)]], _ONE_SLOT, probe)
    assert story.summary["requests_sent"] == 100
    assert all(row.started_s == row.sent_s for row in story.requests(0))


def test_probes_feel_the_queue(tmp_path: Path) -> None:
    """Three that fail in the queue take it out.

    See rule P4.
    """
    probe = {"deployment": {"readinessProbe": {"periodSeconds": 10}, "replicas": 1}, "app": {"concurrency": 1}}
    story = tell(tmp_path, [[10.0]], probe, service_s=60.0)
    out_s, back_s = story.when("unready"), story.when("ready")
    # One of three ticks 10 s apart falls into each 10 s; the third failure makes it unready.
    assert 30.0 < out_s <= 40.0
    assert 70.0 <= back_s <= 80.0


def test_healthy_rollout_ends_complete(tmp_path: Path) -> None:
    """The rollout ends with three healthy new pods and no old one, and is complete."""
    story = tell(tmp_path, [[1.0]], rollout(), {"deployment": {"readinessProbe": {"periodSeconds": 5}}})
    assert [pod.revision for pod in story.left] == [2, 2, 2]
    assert story.when("complete") == story.operation.rollout_done_s
    assert story.operation.stuck == ""


def test_scale_from_three_to_two_removes_one_pod(tmp_path: Path) -> None:
    """A scale-down removes pods that no scaler has made."""
    story = tell(tmp_path, [[1.0]], scale_to(2))
    assert len(story.pods) == 3
    assert story.removed.removed_s == 130.0


def test_rollout_whose_new_pods_never_get_ready_is_reported_stuck(tmp_path: Path) -> None:
    """Past the progress deadline the operation says that it is stuck, and why."""
    deployment = {"deployment": {"readinessProbe": {"periodSeconds": 1}, "progressDeadlineSeconds": 60}}
    story = tell(tmp_path, [[1.0], [300.0]], rollout(neverReady=True), deployment)
    assert 160.0 < story.when("stuck") <= 162.0
    assert "1 of 3 pods are of the new version" in story.operation.stuck
    assert "3 of 4 pods are available" in story.operation.stuck
    assert any("stuck" in warning for warning in story.result.warnings)
    # Information only: the old pods serve on.
    assert story.outcomes(1) == ["answered"]


def test_new_pod_gets_no_traffic_before_its_first_probe(tmp_path: Path) -> None:
    """A new pod takes no traffic before it was probed."""
    deployment = {"deployment": {"readinessProbe": {"periodSeconds": 7}}}
    clients = [[101.0 + i / 2] for i in range(40)]
    story = tell(tmp_path, clients, scale_to(4), deployment)
    new = story.pods[-1]
    assert (new.created_s, new.ready_s) == (100.0, 107.0)
    sends = [row.sent_s for session in range(40) for row in story.requests(session) if row.pod == new.pod]
    assert min(sends) >= 107.0
