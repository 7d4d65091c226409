"""Kong's health checks in simulated time: what is probed and when, what is counted, and what a verdict does."""

from pathlib import Path
from typing import Any

import pytest
from stories import active, checks, hashed, merged, plain, scale_to, tell, verdicts

GUIDE: dict[str, Any] = {
    "active": {
        "healthy": {"interval": 10, "successes": 3},
        "unhealthy": {"interval": 10, "timeouts": 3},
    }
}
"""The health checks of Kong's guide for sticky sessions: neither tcpFailures nor httpFailures is set."""


def flap(at_s: float = 99.0, for_s: float = 22.0, count: int = 1) -> dict[str, Any]:
    """Return a time in which pods answer the gateway's probes with 503, with their readiness untouched."""
    deployment = {"readinessProbe": {"periodSeconds": 60, "failureThreshold": 10}}
    entry = {"at": at_s, "readinessFlap": "app", "for": for_s, "seenByGateway": True, "count": count}
    return {"timeline": [entry], "deployment": deployment}


_CLIENTS = [[1.0 + i, 50.0 + i, *(101.5 + i + 4.0 * k for k in range(15))] for i in range(3)]


# Active checks --------------------------------------------------------------------------------------------------------


def test_probes_take_a_flapping_pod_out_and_bring_it_back(tmp_path: Path) -> None:
    """Rounds come every 5 s, and the pod is out at the third failure and back at the second success.

    See rules G10 and H2.
    """
    story = tell(tmp_path, _CLIENTS, flap(), checks(**active(5, successes=2, httpFailures=3)))
    pod = story.pods[0].pod
    # The nodes were configured at 0: rounds at 5, 10, … The flap from 99 s to 121 s is met by probes at 100 to 120.
    assert verdicts(story) == [(110.0, "unhealthy", pod), (130.0, "healthy", pod)]
    assert story.when("unhealthy", pod, "a probe got 503") == 110.0


def test_verdict_moves_the_sessions_of_its_pod_alone(tmp_path: Path) -> None:
    """The sessions of the flapping pod break as `unhealthy`, by their first request after the verdict, and no others.

    See rule B10.
    """
    story = tell(tmp_path, _CLIENTS, flap(), checks(**active(5, successes=2, httpFailures=3)))
    (session,) = story.at_home_on(story.pods[0].pod)
    due_s = next(row.sent_s for row in story.requests(session) if row.sent_s >= 110.0)
    assert story.breaks(session) == [(due_s, "lost", "unhealthy", "retargeted")]
    assert [row.operation for row in story.requests(session) if row.broke] == [1]
    assert all(story.breaks(other) == [] for other in range(3) if other != session)


def test_follow_holds_sessions_on_an_unhealthy_pod(tmp_path: Path) -> None:
    """The cookie holds as long as the target is listed; only new sessions go elsewhere.

    See rule S7.
    """
    clients = [*_CLIENTS, *([112.0 + i / 8] for i in range(12))]
    follow = {"gateway": {"stickyOnUnhealthy": "follow"}}
    story = tell(tmp_path, clients, flap(), checks(**active(5, successes=2, httpFailures=3)), follow)
    assert verdicts(story)[0][0] == 110.0
    assert story.summary["breaks"] == 0
    assert all(story.requests(new)[0].pod != story.pods[0].pod for new in range(3, 15))


def test_verdict_meets_the_connections_of_its_moment(tmp_path: Path) -> None:
    """A request that has ended by then weighs nothing in it."""
    story = tell(tmp_path, [[90.0], [112.0]], plain("least-connections"), flap(), checks(**active(5, httpFailures=3)))
    (first,), (second,) = story.requests(0), story.requests(1)
    assert [at_s for at_s, *_ in verdicts(story)] == [110.0, 125.0]
    assert verdicts(story)[0][2] != first.pod
    # Nobody has a connection, so the first of the list is on top of the heap again.
    assert second.pod == first.pod


@pytest.mark.parametrize("algorithm", ["round-robin", "least-connections", "latency"])
def test_unhealthy_pod_gets_no_request(algorithm: str, tmp_path: Path) -> None:
    """No request reaches the pod between the two verdicts, under any algorithm."""
    clients = [[90.0 + i / 2] for i in range(120)]
    story = tell(tmp_path, clients, plain(algorithm), flap(), checks(**active(5, successes=2, httpFailures=3)))
    out, back = verdicts(story)
    on_it = [story.requests(s)[0].sent_s for s in range(120) if story.requests(s)[0].pod == story.pods[0].pod]
    assert [at_s for at_s in on_it if out[0] <= at_s < back[0]] == []
    assert any(at_s < out[0] for at_s in on_it) or algorithm == "least-connections"


def test_verdict_moves_only_the_keys_of_its_pod(tmp_path: Path) -> None:
    """An unhealthy target keeps its points, so that no other key moves."""
    clients = [[1.0 + i / 8, 112.0 + i / 8, 150.0 + i / 8] for i in range(60)]
    story = tell(tmp_path, clients, hashed(input="ip"), flap(), checks(**active(5, successes=2, httpFailures=3)))
    bound = story.at_home_on(story.pods[0].pod)
    assert 0 < len(bound) < 60
    assert [session for session in range(60) if story.answered_by(session)[1] != story.answered_by(session)[0]] == bound
    assert {story.breaks(session)[0][2] for session in bound} == {"unhealthy"}
    # Healthy again, it has its keys back, whose newer state is elsewhere: the old copy is stale.
    assert all(story.breaks(session)[1][1] == "stale" for session in bound)


def test_guides_configuration_never_marks_a_refusing_pod(tmp_path: Path) -> None:
    """Refused connections count only where tcpFailures is set.

    See rule H6.
    """
    gone = {"deployment": {"preStop": None}, "kic": {"pushDelay": "100s"}}
    clients = [[1.0 + i, 101.0 + i, 150.0 + i] for i in range(3)]
    told = [
        verdicts(tell(tmp_path, clients, scale_to(2), gone, {"upstream": {"healthchecks": which}}))
        for which in (GUIDE, merged(GUIDE, {"active": {"unhealthy": {"tcpFailures": 3}}}))
    ]
    assert told[0] == []
    assert [(at_s, what) for at_s, what, _ in told[1]] == [(130.0, "unhealthy")]


def test_probe_of_a_vanished_pod_times_out(tmp_path: Path) -> None:
    """An address that swallows packets is unhealthy after three probes of a second.

    See rule H3.
    """
    gone = {"deployment": {"preStop": None}, "kic": {"pushDelay": "100s"}, "gateway": {"connection": "blackhole"}}
    story = tell(tmp_path, [[1.0], [2.0], [3.0]], scale_to(2), gone, {"upstream": {"healthchecks": GUIDE}})
    assert verdicts(story) == [(131.0, "unhealthy", story.removed.pod)]


def test_frequent_pushes_starve_the_probes(tmp_path: Path) -> None:
    """With a push every 4 s a round of every 5 s never comes."""
    pushes = [{"at": 100.0 + 4 * k, "configPush": "all"} for k in range(12)]
    entry = {"at": 96.0, "readinessFlap": "app", "for": 60.0, "seenByGateway": True}
    deployment = {"readinessProbe": {"periodSeconds": 60, "failureThreshold": 10}}
    settings = {"timeline": [entry, *pushes], "deployment": deployment}
    story = tell(tmp_path, _CLIENTS, settings, checks(**active(5, httpFailures=1)))
    # The round of 100 s comes before the push of that instant; the next one comes 5 s after the last push.
    assert [at_s for at_s, _, _ in verdicts(story)] == [100.0, 149.0 + 10.0]
    undisturbed = tell(tmp_path, _CLIENTS, {**settings, "timeline": [entry]}, checks(**active(5, httpFailures=1)))
    assert [at_s for at_s, _, _ in verdicts(undisturbed)] == [100.0, 160.0]


def test_target_that_joins_with_weight_0_is_not_probed(tmp_path: Path) -> None:
    """A node that comes back while a pod drains never adds that pod to its checker."""
    story = tell(
        tmp_path,
        [[1.0 + i, 150.0 + i] for i in range(3)],
        {
            "timeline": [
                {"at": 100, "scale": "app", "replicas": 2},
                {"at": 101, "gatewayRestart": "kong-1", "downtime": 1},
            ]
        },
        {"deployment": {"preStop": None, "grace": "60s"}, "app": {"onSigterm": "ignore", "startup": "5s"}},
        {"gateway": {"nodes": 2}},
        checks(**active(5, tcpFailures=1, httpFailures=1)),
    )
    assert story.pushed("weight 100->0") == 100.0
    assert verdicts(story, 1) == []


# Passive checks -------------------------------------------------------------------------------------------------------


def test_passive_failures_take_a_refusing_pod_out(tmp_path: Path) -> None:
    """The second refused connection takes the target out, and nothing brings it back."""
    gone = {"deployment": {"preStop": None}, "kic": {"pushDelay": "100s"}}
    clients = [[1.0 + i] for i in range(3)] + [[101.0 + i] for i in range(12)]
    limits = {"passive": {"unhealthy": {"tcpFailures": 2}}}
    story = tell(tmp_path, clients, plain("round-robin"), scale_to(2), gone, checks(**limits))
    refused = [story.requests(s)[0].sent_s for s in range(3, 15) if story.requests(s)[0].attempts == 2]
    assert len(refused) == 2
    assert verdicts(story) == [(refused[1], "unhealthy", story.removed.pod)]
    assert story.when("unhealthy", None, "a request found no connection") == refused[1]


def test_refusal_of_the_last_attempt_counts_as_a_502_and_is_not_in_the_list(tmp_path: Path) -> None:
    """Without retries refused connections never count as TCP failures (rule H4)."""
    gone = {"deployment": {"preStop": None}, "kic": {"pushDelay": "100s"}, "gateway": {"retries": 0}}
    clients = [[1.0 + i] for i in range(3)] + [[101.0 + i] for i in range(12)]
    limits = {"passive": {"unhealthy": {"tcpFailures": 1, "httpFailures": 1}}}
    story = tell(tmp_path, clients, plain("round-robin"), scale_to(2), gone, checks(**limits))
    assert story.summary["failed.bad_gateway_502"] == 4
    assert verdicts(story) == []


def test_request_cut_for_good_is_reported_as_a_502(tmp_path: Path) -> None:
    """A POST whose pod is killed ends by the status 502, which a list may hold."""
    killed = {"deployment": {"preStop": None, "grace": "10s"}, "app": {"onSigterm": "finishInFlight"}}
    limits = {"passive": {"unhealthy": {"httpStatuses": [502], "httpFailures": 1}}}
    late = {"kic": {"pushDelay": "100s"}}
    story = tell(
        tmp_path, [[1.0 + i, 99.0] for i in range(3)], scale_to(2), killed, late, checks(**limits), service_s=40.0
    )
    assert story.removed.sigkill_s == 110.0
    assert verdicts(story) == [(110.0, "unhealthy", story.removed.pod)]
    assert story.when("unhealthy", None, "a request got 502") == 110.0


def test_passive_timeouts_take_a_slow_pod_out(tmp_path: Path) -> None:
    """Passive timeouts count when the timeout is over, and the verdict comes at the second."""
    slow = {"app": {"concurrency": 1}, "gateway": {"readTimeout": "2s"}}
    clients = [[10.0], [11.0], [12.0], [13.5]]
    limits = {"passive": {"unhealthy": {"timeouts": 2}}}
    story = tell(tmp_path, clients, {"deployment": {"replicas": 1}}, slow, checks(**limits), service_s=30.0)
    assert [story.requests(session)[0].status for session in range(4)] == [504, 504, 504, 503]
    assert [(at_s, what) for at_s, what, _ in verdicts(story)] == [(13.0, "unhealthy")]


# Thresholds and nodes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("threshold", "outcome"), [(0, "answered"), (49, "answered"), (50, "no_target")])
def test_threshold_is_exceeded_or_nobody_is_served(threshold: int, outcome: str, tmp_path: Path) -> None:
    """Half of the weight is not more than 50 percent, so the healthy pod is no help."""
    clients = [[1.0], [2.0], [112.0], [113.0]]
    two = {"deployment": {"replicas": 2}}
    story = tell(tmp_path, clients, two, flap(), checks(threshold, **active(5, successes=2, httpFailures=3)))
    assert [at_s for at_s, _, _ in verdicts(story)] == [110.0, 130.0]
    assert story.outcomes(2) == story.outcomes(3) == [outcome]


def test_threshold_100_never_serves_anybody(tmp_path: Path) -> None:
    """100 percent available is not more than 100."""
    story = tell(tmp_path, [[1.0], [2.0]], checks(100, **active(5)))
    assert story.outcomes(0) == story.outcomes(1) == ["no_target"]
    reached = tell(tmp_path, [[1.0], [2.0]], checks(100, **active(5)), {"gateway": {"thresholdComparison": "ge"}})
    assert reached.outcomes(0) == reached.outcomes(1) == ["answered"]
    for version, outcome in (("3.12", "no_target"), ("3.13", "answered"), ("3.14.0.1", "answered")):
        story = tell(tmp_path, [[1.0], [2.0]], checks(100, **active(5)), {"gateway": {"version": version}})
        assert story.outcomes(0) == [outcome]


def test_older_controllers_drop_the_threshold(tmp_path: Path) -> None:
    """The threshold never reached Kong; without a patch number it is its last."""
    for version, outcome in (("3.5.2", "answered"), ("3.5.3", "no_target"), ("3.5", "no_target")):
        story = tell(tmp_path, [[1.0], [2.0]], checks(100, **active(5)), {"kic": {"version": version}})
        assert story.outcomes(0) == [outcome]
        assert any("drops it" in text for text in story.result.warnings) is (outcome == "answered")


def test_each_node_has_a_view_of_its_own(tmp_path: Path) -> None:
    """Only the node whose requests fail takes the target out (rules G1 and H1)."""
    gone = {"deployment": {"preStop": None}, "kic": {"pushDelay": "100s"}, "gateway": {"nodes": 2}}
    clients = [[1.0 + i] for i in range(6)] + [[101.0 + i / 2] for i in range(24)]
    limits = {"passive": {"unhealthy": {"tcpFailures": 3}}}
    story = tell(tmp_path, clients, plain("round-robin"), scale_to(2), gone, checks(**limits))
    for node in (1, 2):
        rows = [story.requests(s)[0] for s in range(6, 30)]
        met = [row.sent_s for row in rows if row.node == f"kong-{node}" and row.attempts == 2]
        assert [at_s for at_s, _, _ in verdicts(story, node)] == met[2:3]
        assert len(met) <= 3
    assert verdicts(story, 1) != verdicts(story, 2)
