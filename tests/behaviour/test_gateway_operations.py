"""Operations that delete no pod: a readiness flap, the restart of a Kong node, a push for an unrelated object."""

from math import isnan
from pathlib import Path
from typing import Any

from stories import plain, scale_to, tell

_PROBED: dict[str, Any] = {"deployment": {"readinessProbe": {"periodSeconds": 2, "failureThreshold": 3}}}
_CLIENTS = [[1.0 + i, 50.0 + i, 115.0 + i, 140.0 + i, 200.0 + i] for i in range(3)]


def _flap(for_s: float = 20.0, **more: Any) -> dict[str, Any]:
    return {"timeline": [{"at": 100.0, "readinessFlap": "app", "for": for_s, **more}]}


def test_flap_re_homes_the_sessions_of_its_pod_although_drain_support_is_on(tmp_path: Path) -> None:
    """Not ready without terminating leaves the upstream, and sessions break."""
    story = tell(tmp_path, _CLIENTS, _PROBED, _flap())
    pod = story.pods[0].pod
    (session,) = story.at_home_on(pod)
    (off_s,), (on_s,) = story.all_times("unready", pod), story.all_times("ready", pod)
    assert 104.0 < off_s <= 106.0
    assert 120.0 <= on_s < 122.0
    assert story.pushed("-") == off_s
    assert [at_s for at_s, *_ in story.breaks(session)] == [115.0 + session]
    assert {number for number in range(3) if story.breaks(number)} == {session}
    assert story.summary["requests_failed"] == 0


def test_flap_deletes_nothing_and_is_over_with_its_time(tmp_path: Path) -> None:
    """No pod goes, none comes, and no rollout is ever done by it."""
    story = tell(tmp_path, _CLIENTS, _PROBED, _flap())
    assert len(story.left) == len(story.pods) == 3
    assert story.all_times("over") == [120.0]
    assert isnan(story.operation.rollout_done_s)
    assert isnan(story.operation.last_old_pod_gone_s)


def test_flap_shorter_than_the_probes_notice_moves_nobody(tmp_path: Path) -> None:
    """Two failed probes of three are no verdict."""
    story = tell(tmp_path, _CLIENTS, _PROBED, _flap(for_s=3.0))
    assert story.all_times("unready") == []
    assert story.summary["breaks"] == 0


def test_flap_of_several_pods_takes_the_oldest_first(tmp_path: Path) -> None:
    """``count`` takes that many pods, in order of creation, and no other."""
    story = tell(tmp_path, _CLIENTS, _PROBED, _flap(count=2))
    gone = [pod.pod for pod in story.pods if story.all_times("unready", pod.pod)]
    assert gone == [pod.pod for pod in story.pods[:2]]


def test_restarted_node_comes_back_and_cookies_still_name_their_pods(tmp_path: Path) -> None:
    """The state is in the cookie, so no session moves."""
    restart = {"timeline": [{"at": 100.0, "gatewayRestart": "kong-2", "downtime": 20.0}], "gateway": {"nodes": 2}}
    story = tell(tmp_path, _CLIENTS, restart)
    assert story.all_times("stopped") == [100.0]
    assert story.pushed("+", node=2) == 120.0
    assert story.summary["breaks"] == 0
    assert story.summary["requests_failed"] == 0
    assert story.all_times("over") == [120.0]


def test_only_node_that_restarts_leaves_nobody_to_answer(tmp_path: Path) -> None:
    """What is sent while it is away fails, and the sessions keep their pods."""
    restart = {"timeline": [{"at": 100.0, "gatewayRestart": "kong-1", "downtime": 20.0}]}
    story = tell(tmp_path, _CLIENTS, restart)
    assert story.summary["requests_failed"] == 3
    assert story.summary["breaks"] == 0


def test_push_for_an_unrelated_object_reaches_the_named_nodes(tmp_path: Path) -> None:
    """A push without a change of targets is applied by all nodes, or by the one that is named."""
    pushes = [{"at": 100.0, "configPush": "all"}, {"at": 150.0, "configPush": "kong-2"}]
    story = tell(tmp_path, _CLIENTS, {"timeline": pushes, "gateway": {"nodes": 2}})
    applied = [(event.actor, event.at_s) for event in story.events if event.kind == "pushed"]
    assert sorted(applied) == [("kong-1", 100.0), ("kong-2", 100.0), ("kong-2", 150.0)]
    assert story.summary["breaks"] == 0


def test_incremental_sync_leaves_other_upstreams_alone(tmp_path: Path) -> None:
    """A push that changes nothing of this upstream leaves its wheel as it is (rule G3)."""
    clients = [[10.0 + i] for i in range(30)]
    pushes = {"timeline": [{"at": 10.5 + 3 * i, "configPush": "all"} for i in range(9)]}
    incremental = {"gateway": {"sync": "incremental"}}
    untouched = tell(tmp_path, clients, plain("round-robin"))
    story = tell(tmp_path, clients, plain("round-robin"), pushes, incremental)
    assert [row.pod for row in story.result.requests.itertuples()] == [
        row.pod for row in untouched.result.requests.itertuples()
    ]
    grown = tell(tmp_path, clients, plain("round-robin"), scale_to(4, 15.0), incremental)
    assert grown.result.requests["pod"].nunique() == 4


def test_push_makes_round_robin_begin_anew(tmp_path: Path) -> None:
    """The wheel is built anew, with another shuffle and pointer.

    See rule G3.
    """
    clients = [[10.0 + i] for i in range(30)]
    pushes = {"timeline": [{"at": 10.5 + 3 * i, "configPush": "all"} for i in range(9)]}
    quiet = tell(tmp_path, clients, plain("round-robin"))
    turned = [quiet.answered_by(number)[0] for number in range(30)]
    assert turned[:3] * 10 == turned
    pushed = tell(tmp_path, clients, plain("round-robin"), pushes)
    disturbed = [pushed.answered_by(number)[0] for number in range(30)]
    assert disturbed[:3] * 10 != disturbed
