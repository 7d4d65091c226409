"""The story of a replication, as a person reads it."""

import re

import pytest
from small_scenario import small

from simsticky.results.harm import harm_by_pod
from simsticky.sim.recording import Kind
from simsticky.simulate import simulate


def told(**changes):
    return simulate(small(**changes)).story()


def said(lines, actor):
    """Return what an actor's lines say, without their times."""
    pattern = re.compile(rf"^[+-]\d\d:\d\d\.\d +[\d.]+s  {actor} +")
    return [pattern.sub("", line) for line in lines if pattern.match(line)]


def test_a_scale_down_with_drain_support_reads_as_it_happens():
    """Delete, weight 0 at the next sync, preStop, SIGTERM, exit, gone, and what broke: the account of an SRE."""
    lines = told(timeline=[{"at": "30s", "scale": "app", "replicas": 2}])
    pod = re.search(r"deletes (\w+),", "\n".join(lines)).group(1)
    assert said(lines, "operator")[0] == "scale app to 2"
    assert said(lines, "deployment")[0].endswith("from 3 to 2")
    assert re.fullmatch(rf"deletes {pod}, \d+ sessions on it", said(lines, "replicaset")[0])
    assert said(lines, "endpointslice") == [f"lists {pod} as terminating", f"drops {pod}"]
    pushes = said(lines, "kic")
    assert re.fullmatch(rf"pushes 3 targets: {pod} weight 100 to 0; on kong-1 at \+00:0[0-3]\.\d", pushes[0])
    assert f"{pod} removed" in pushes[1]
    assert said(lines, "kubelet") == [
        f"runs preStop of {pod}: sleep 10s (grace period 30s)",
        f"SIGTERM to {pod}: it takes no more connections, SIGKILL would follow in 20 s",
        f"{pod} is gone",
    ]
    assert re.fullmatch(
        rf"\d+ sessions break with {pod}, \+00:1\d\.\d to \+\d\d:\d\d\.\d \(lost: .*\):"
        r" sessions \d+, \d+, \d+ and \d+ more",
        said(lines, "clients")[0],
    )
    assert re.fullmatch(
        r"scale app to 2: \d+ of \d+ exposed sessions broken, \d+ breaks in all, 0 failed requests\.", lines[-1]
    )


def test_without_drain_support_the_target_is_removed_at_once():
    """With drain support off the first push takes the pod away, and its sessions break long before it ends."""
    lines = told(timeline=[{"at": "30s", "scale": "app", "replicas": 2}], kic__enableDrainSupport=False)
    assert " removed; on kong-1" in said(lines, "kic")[0]
    assert re.search(r"break with \w+, \+00:0\d\.\d .*target_removed", said(lines, "clients")[0])


def test_a_rollout_names_its_pods_and_tells_of_each():
    """The first lines say which pods are old and new; each old pod has one line of what broke with it."""
    lines = told()
    assert lines[0].startswith("revision 1, ReplicaSet app-")
    assert lines[1].startswith("revision 2, ReplicaSet app-")
    assert len(said(lines, "clients")) == 3
    assert any(text.startswith("rollout app is complete after") for text in said(lines, "deployment"))
    assert sum("is ready, listening since" in text for text in said(lines, "kubelet")) == 3


def test_a_killed_pod_says_how_many_requests_it_cut():
    """SIGKILL is the moment at which users see errors; the line counts them."""
    lines = told(app__onSigterm="ignore", traffic__service={"kind": "exponential", "mean": "2s"}, gateway__nodes=6)
    assert any(re.search(r"SIGKILL to \w+: .*, \d+ requests? in flight cut", line) for line in lines)
    assert any(re.search(r"on 6 nodes from \+", line) for line in lines)
    assert re.search(r"\d+ failed requests? \(\d+ reset", lines[-1])


def test_a_pod_that_is_ready_before_it_listens_is_told_so():
    """Without a readiness probe traffic comes before the application listens; the story shows both moments."""
    lines = told(deployment__readinessProbe=None)
    assert any(text.endswith("begins to listen") for text in said(lines, "app"))


def test_a_stuck_rollout_says_why():
    """A rollout that does not go on says so, in its own line and in the last one."""
    never = {"at": "30s", "rollout": "app", "neverReady": True}
    lines = told(timeline=[never], deployment__progressDeadlineSeconds=60, kubernetes__apiWrite="10ms")
    assert any("ProgressDeadlineExceeded" in text for text in said(lines, "deployment"))
    assert "stuck" in lines[-1]


def test_pods_deleted_by_hand_are_deleted_by_the_operator():
    """The ReplicaSet only replaces them."""
    lines = told(timeline=[{"at": "30s", "deletePod": "app", "count": 2}])
    assert sum(text.startswith("deletes ") for text in said(lines, "operator")) == 2
    assert sum(text.startswith("creates ") for text in said(lines, "replicaset")) == 2


@pytest.mark.parametrize("level", ["sessions", "summary"])
def test_with_less_recorded_the_story_is_the_same_but_for_what_broke(level):
    """The control plane's events are kept at every level; who broke when is known from requests only."""
    whole, less = told(), told(run__record=level)
    assert said(whole, "clients")
    assert not said(less, "clients")
    assert said(less, "kic") == said(whole, "kic")
    assert less[-1].startswith("rollout app: ")


def test_a_run_without_operation_says_so():
    """A reader of an empty story should not look for the missing lines."""
    assert told(timeline=[], run__until="20s")[-1] == "No operation."


def test_every_caused_break_belongs_to_one_pod():
    """The harm of all pods adds up to the summary, and a session breaks with a pod that was deleted."""
    result = simulate(small(traffic__cookies={"keep": 0.9}))
    harm = harm_by_pod(result.recording)
    by_kind = {
        kind: sum(of.breaks[key] for of in harm.values() for key in of.breaks if key[0] is kind) for kind in Kind
    }
    assert by_kind[Kind.LOST] == result.summary["lost"] > 0
    assert by_kind[Kind.STALE] == result.summary["stale"]
    assert all(result.recording.pods[pod].deleted_by == 1 for pod in harm)
    assert all(result.recording.pods[pod].deleted_s <= of.first_s <= of.last_s for pod, of in harm.items())
    assert all(len(set(of.sessions)) == len(of.sessions) for of in harm.values())


def test_a_verdict_of_the_health_checks_names_its_node_and_its_reason():
    """Each node takes a pod out and has it back on its own; the line says what it found."""
    healthy, unhealthy = {"interval": 2, "successes": 1}, {"interval": 2, "httpFailures": 2}
    checks = {"active": {"healthy": healthy, "unhealthy": unhealthy}}
    flap = {"at": "31s", "readinessFlap": "app", "for": "10s", "seenByGateway": True}
    lines = told(timeline=[flap], upstream__healthchecks=checks, deployment__readinessProbe__failureThreshold=30)
    out, back = said(lines, "kong-1")
    assert re.fullmatch(r"takes (\w+) out, a probe got 503", out)
    assert re.fullmatch(r"has (\w+) back, a probe got 200", back)


def test_a_nodes_restart_and_a_push_to_one_node_are_told_of_that_node_alone():
    """A push that only one node gets names that node, later pushes name all, and a node that comes back says so."""
    timeline = [
        {"at": "30s", "configPush": "kong-2"},
        {"at": "40s", "gatewayRestart": "kong-1", "downtime": "10s"},
        {"at": "60s", "readinessFlap": "app", "for": "20s"},
    ]
    # Two nodes first: the timeline names the second.
    scenario = small(gateway__nodes=2).evolve({"timeline": timeline})
    lines = simulate(scenario).story()
    unrelated, off, on = said(lines, "kic")
    assert re.fullmatch(r"pushes 3 targets: the same as before; on kong-2 at \S+", unrelated)
    assert all("kong-1 at" in push and "kong-2 at" in push for push in (off, on))
    assert said(lines, "kong-1") == ["takes no more requests", "is back, with 3 targets"]
    assert said(lines, "operator")[1:] == [
        "push to kong-2 is over",
        "restart kong-1",
        "restart kong-1 is over",
        "flap pod of app for 20s",
        "flap pod of app for 20s is over",
    ]


def test_lost_connections_are_told_and_when_the_last_client_is_back():
    """Clients that are cut off and come back have lines of their own, with how they wait."""
    lines = told(traffic__connections={"kind": "long-lived", "reconnect": {"jitter": "none"}}, app__onSigterm="exit")
    cut = [text for text in said(lines, "clients") if "cut" in text and "again after" in text]
    assert len(cut) == 3
    assert re.fullmatch(r"\d+ connections to \w+ are cut; they connect again after 1s, up to 30s, no jitter", cut[0])
    back = [text for text in said(lines, "clients") if "connected again: " in text]
    assert re.search(r"those cut off from \w+ are connected again: \d+ of \d+, the last one after \d+\.\d s", back[0])
    closing = {"listener": "close", "exit": "whenIdle", "connections": {"closeOver": "5s"}}
    lines = told(traffic__connections="long-lived", app__onSigterm=closing)
    assert any(re.fullmatch(r"\w+ closes its \d+ connections over 5 s", text) for text in said(lines, "app"))
