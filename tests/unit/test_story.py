"""The story of a replication, as a person reads it."""

import re

import pytest
from small_scenario import small

from simsticky.recording.record import Kind
from simsticky.results.harm import harm_by_container
from simsticky.results.story import short_names
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
        rf"\d+ sessions have broken with {pod} since \+00:1\d\.\d \(lost: .*\):"
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
    assert re.search(r"have broken with \w+ since \+00:0\d\.\d .*target_removed", said(lines, "clients")[0])


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
    """The harm of all containers adds up to the summary, and a session breaks with a pod that was deleted."""
    result = simulate(small(traffic__cookies={"keep": 0.9}))
    harm = harm_by_container(result.recording)
    pod_of = {key: result.recording.pods[result.recording.containers[key[0]]] for key in harm}
    by_kind = {
        kind: sum(of.breaks[key] for of in harm.values() for key in of.breaks if key[0] is kind) for kind in Kind
    }
    assert by_kind[Kind.LOST] == result.summary["lost"] > 0
    assert by_kind[Kind.STALE] == result.summary["stale"]
    assert all(pod_of[key].deleted_by == key[1] == 1 for key in harm)
    assert all(pod_of[key].deleted_s <= of.first_s <= of.last_s for key, of in harm.items())
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
        "restart kong-1",
        "restart kong-1: its downtime is over, it waits for its configuration",
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


def test_the_story_goes_forward_only():
    """What broke is told when the last session has, so that no line speaks of a time to come."""
    lines = told(timeline=[{"at": "30s", "rollout": "app"}])
    times = [float(match.group(1)) for line in lines if (match := re.match(r"[+-]\d\d:\d\d\.\d +([\d.]+)s ", line))]
    assert times == sorted(times)
    assert len(said(lines, "clients")) == 3


def test_what_a_crash_breaks_is_told_though_no_pod_goes():
    """A container that crashes takes its sessions with it; nobody deletes the pod, and the story tells all the same."""
    lines = told(timeline=[{"at": "30s", "crash": "app"}])
    crashes = [text for text in said(lines, "app") if "crashes" in text]
    pod = re.search(r"container of (\w+) crashes, \d+ sessions on it", crashes[0]).group(1)
    assert re.match(rf"\d+ sessions have broken with {pod} since ", said(lines, "clients")[0])
    assert any(text.startswith(f"restarts the container of {pod}") for text in said(lines, "kubelet"))


def test_a_drain_tells_of_refusals_and_is_done_by_people():
    """The budget's refusal, how long it lasted, and one end of the drain, which no Deployment speaks of."""
    lines = told(
        timeline=[{"at": "30s", "drainNode": "node-1"}, {"at": "200s", "uncordon": "node-1"}],
        kubernetes__nodes=1,
        deployment__disruptionBudget={"maxUnavailable": 1},
        deployment__replicas=2,
        run__until="4m",
    )
    people = said(lines, "operator")
    assert people[:2] == ["drain node-1", "cordons node-1: it takes no more pods"]
    assert sum("may not evict" in text and "429" in text for text in people) == 1
    assert re.search(r"evicts \w+, \d+ sessions? on it, after \d+ s of refusals", "\n".join(people))
    assert not said(lines, "deployment")
    assert sum("uncordon" in text for text in people) == 1


def test_a_superseded_rollout_is_never_complete():
    """A second rollout takes the place of the first; the two are told apart by number, and one is complete."""
    timeline = [{"at": "30s", "rollout": "app"}, {"at": "37s", "rollout": "app"}]
    lines = told(timeline=timeline)
    assert said(lines, "operator")[:2] == ["rollout app #1", "rollout app #2, in the midst of rollout app #1"]
    complete = [text for text in said(lines, "deployment") if "complete" in text]
    assert len(complete) == 1
    assert complete[0].startswith("rollout app #2 is complete")


def test_a_new_replica_set_without_room_is_created_and_not_scaled():
    """A rollover with a full house gives the newest ReplicaSet no pod at first; that is no scaling down to 0."""
    timeline = [{"at": "30s", "rollout": "app"}, {"at": "32s", "rollout": "app"}]
    said_by = said(told(timeline=timeline), "deployment")
    assert any(re.fullmatch(r"creates ReplicaSet \w+ with 0 pods for now", text) for text in said_by)
    assert not any("from 0 to 0" in text for text in said_by)


def test_a_stateful_set_speaks_for_itself():
    """Its pods keep a word in their names, and neither a ReplicaSet nor a Deployment has a part in the story."""
    lines = told(deployment__kind="StatefulSet")
    assert lines[0] == "revision 1, StatefulSet app: pods app-0, app-1, app-2"
    assert said(lines, "statefulset")[:2] == ["deletes app-2, " + lines_on(lines, "app-2"), "creates app-2.2"]
    assert not said(lines, "replicaset")
    assert not said(lines, "deployment")


def lines_on(lines, pod):
    """Return how many sessions a line says are on a pod."""
    return re.search(rf"deletes {pod}, (\d+ sessions? on it)", "\n".join(lines)).group(1)


def test_a_spot_node_is_drained_by_its_handler_and_takes_the_rest_with_it():
    """The notice is the cloud's, the eviction the handler's, and the machine's end says what it cut."""
    lines = told(timeline=[{"at": "30s", "spot": "node-1", "notice": "5s"}], deployment__preStop="20s")
    assert said(lines, "cloud")[0] == "spot end of node-1 in 5s"
    assert said(lines, "handler")[0] == "cordons node-1: it takes no more pods"
    assert re.match(r"evicts \w+, \d+ sessions? on it", said(lines, "handler")[1])
    assert re.match(r"is off, whatever ran there is dead; \w+, \d+ sessions? on it", said(lines, "node-1")[0])
    assert any(text.endswith(" is gone") for text in said(lines, "podgc"))


def test_a_long_story_counts_hours():
    """From 100 minutes on minutes would need more room than their column has."""
    timeline = [{"at": "30s", "readinessFlap": "app", "for": "3s", "every": "1h", "times": 3}]
    lines = told(timeline=timeline, run__until="3h", run__horizon="4h", traffic__sessions__rate=0.01)
    assert any(line.startswith("+2:00:00.0 ") for line in lines)
    assert not any(line.startswith("+120:") for line in lines)


def test_operations_without_harm_share_a_line():
    """Twenty zeros say less than one sentence."""
    timeline = [{"at": "30s", "scale": "app", "replicas": 4}, {"at": "60s", "configPush": "all"}]
    last = told(timeline=timeline)[-1]
    assert last == "scale app to 4; push to all nodes: no session exposed, none broken, no failed request."


def test_short_names_are_more_than_numbers():
    """A StatefulSet's pod called "2" is a riddle; generated ends stay as short as they are."""
    assert short_names(["shop-0", "shop-1", "shop-1.2"]) == {n: n for n in ("shop-0", "shop-1", "shop-1.2")}
    assert short_names(["a-b-x2", "a-b-24"]) == {"a-b-x2": "x2", "a-b-24": "24"}


def test_the_autoscaler_gives_its_reason():
    """A scale that no person asked for says what the controller saw."""
    lines = told(
        timeline=[],
        run__until="5m",
        autoscaler={"minReplicas": 1, "maxReplicas": 6, "targetUtilization": 50},
        app__concurrency=1,
        traffic__service={"kind": "exponential", "mean": "300ms"},
    )
    first = said(lines, "hpa")[0]
    assert re.fullmatch(r"hpa scale 3 to \d: utilisation \d+ %, target 50 %, proposed \d+", first)
