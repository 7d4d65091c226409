"""Pods against Kubernetes' own cases: who is deleted first, endpoints, termination, probes, restarts, defaults."""

import inspect
import json
import random
import re
from dataclasses import fields
from typing import Any

import pytest
from conformance_tables import OWN_TABLES, section

from simsticky.kubernetes import autoscaler, disruption, endpointslice, node, pod, probe, replicaset
from simsticky.kubernetes.autoscaler import AutoscalerSpec, Behavior
from simsticky.kubernetes.deployment_spec import DeploymentSpec, Strategy
from simsticky.kubernetes.endpointslice import PodView, conditions, pod_changes, should_be_in_slice
from simsticky.kubernetes.pod import CrashLoopBackOff, termination_timeline
from simsticky.kubernetes.probe import ProbeSpec, ProbeWorker
from simsticky.kubernetes.replica_calculator import Calculator
from simsticky.kubernetes.replicaset import PodRank, compare_for_deletion, deletion_order, log_bucket
from simsticky.kubernetes.statefulset import StatefulSetSpec, resolved_max_unavailable
from simsticky.scenario.autoscaler import Autoscaler
from simsticky.scenario.cluster import Kic, Kubernetes
from simsticky.scenario.deployment import Deployment
from simsticky.sim.evictions import Evictions

Case = dict[str, Any]
NOW_S = 100_000_000.0


def pod_rank(row: Case, rank: int = 0, uid: str = "") -> PodRank:
    def ago(age_s: float | None) -> float | None:
        return None if age_s is None else NOW_S - age_s

    return PodRank(
        uid=uid,
        node=row["node"],
        phase=row["phase"],
        ready=row["ready"],
        deletion_cost=row.get("deletion_cost"),
        rank=rank,
        ready_since_s=ago(row.get("ready_age_s")),
        max_restarts=max(row.get("restarts") or [], default=row.get("max_container_restarts") or 0),
        created_s=ago(row.get("age_s")),
    )


@pytest.mark.table("kubernetes", "pod_deletion_order", "equal_pairs")
def test_equal_pods(case: Case, table: Case) -> None:
    """Pods that no rule tells apart are equal, also two ages in one bucket without UIDs."""
    ranks = case.get("ranks") or [0, 0]
    a, b = (pod_rank(table["pods"][name], rank) for name, rank in zip(case["pods"], ranks, strict=True))
    assert compare_for_deletion(a, b, NOW_S) == 0 == compare_for_deletion(b, a, NOW_S)


@pytest.mark.table("kubernetes", "pod_deletion_order", "ordered_pairs")
def test_ordered_pods(case: Case, table: Case) -> None:
    """The first pod of the pair is deleted first, in whatever order they are given (rule K6)."""
    first, second = (pod_rank(table["pods"][row["pod"]], row.get("rank") or 0) for row in case["order"])
    gate = case.get("pod_deletion_cost_enabled", True)
    for given in ([first, second], [second, first]):
        assert deletion_order(given, NOW_S, pod_deletion_cost=gate) == [first, second]


@pytest.mark.table("kubernetes", "pod_deletion_order", "full_order_without_ranks")
def test_full_order_without_ranks(case: Case) -> None:
    """With the gates off and no ranks the older order comes out of any permutation."""
    expected = [pod_rank(row) for row in case["pods_in_expected_order"]]
    shuffle = random.Random(1).shuffle
    for _ in range(20):
        given = list(expected)
        shuffle(given)
        ordered = deletion_order(given, NOW_S, pod_deletion_cost=False, logarithmic_scale_down=False)
        assert ordered == expected


@pytest.mark.table("kubernetes", "DERIVED_supplement", "deletion_order_pairs.cases")
def test_supplement_deletion_order(case: Case) -> None:
    """Deletion cost is stronger than the crowding of nodes, which decides when costs are equal."""
    an_hour_ago = NOW_S - 3600
    pods = [
        PodRank(
            node="node",
            ready=True,
            ready_since_s=an_hour_ago,
            created_s=an_hour_ago,
            deletion_cost=row.get("deletion_cost"),
            rank=row.get("rank") or 0,
        )
        for row in case["order"]
    ]
    assert deletion_order(reversed(pods), NOW_S) == pods


@pytest.mark.table("kubernetes", "DERIVED_log_buckets", "bucket_lower_edge_s")
def test_log_bucket_edges(case: tuple[str, float]) -> None:
    """A bucket of age begins at its edge, which the table gives to as many decimals as it writes."""
    bucket, edge_s = int(case[0]), case[1]
    last_decimal_s = 10.0 ** -len(str(edge_s).partition(".")[2])
    assert log_bucket(edge_s + last_decimal_s) == bucket
    assert log_bucket(edge_s - last_decimal_s) == bucket - 1


@pytest.mark.table("kubernetes", "DERIVED_log_buckets", "pairs")
def test_log_bucket_pairs(case: Case) -> None:
    """Two ages in one bucket are equal and the UID decides; in two buckets the younger pod goes first.

    Times that are exactly equal leave it to the rules after them, which find nothing here.
    """
    a_s, b_s = case["age_a_s"], case["age_b_s"]
    assert (log_bucket(a_s) == log_bucket(b_s)) is case["same_bucket"]
    for uid_a, uid_b in (("1", "2"), ("2", "1")):
        a = PodRank(uid=uid_a, node="n", ready=True, ready_since_s=NOW_S - a_s)
        b = PodRank(uid=uid_b, node="n", ready=True, ready_since_s=NOW_S - b_s)
        a_first = uid_a < uid_b if case["same_bucket"] else a_s < b_s
        expected = 0 if a_s == b_s else -1 if a_first else 1
        assert compare_for_deletion(a, b, NOW_S) == expected


def expected_conditions(case: Case) -> endpointslice.Conditions:
    return endpointslice.Conditions(case["expect_ready"], case["expect_serving"], case["expect_terminating"])


@pytest.mark.table("kubernetes", "endpointslice_conditions", "pod_to_endpoint.cases")
def test_pod_to_endpoint(case: Case) -> None:
    """ready, serving and terminating of an endpoint; its zone, hostname and address are not modelled."""
    got = conditions(
        ready_condition=bool(case["pod_ready_condition"]),
        has_deletion_timestamp=case["pod_has_deletion_timestamp"],
        publish_not_ready_addresses=case["service_publish_not_ready"],
    )
    assert got == expected_conditions(case)


@pytest.mark.table("kubernetes", "endpointslice_conditions", "should_pod_be_in_endpoints.cases")
def test_should_pod_be_in_endpoints(case: Case) -> None:
    """A pod has an endpoint from its IP to its terminal phase, whatever its restart policy."""
    got = should_be_in_slice(
        case["phase"],
        has_ip=any(case.get("pod_ips") or ()),
        has_deletion_timestamp=case["pod_has_deletion_timestamp"],
        include_terminating=case["include_terminating"],
    )
    assert got is case["expect_in_slice"]


@pytest.mark.table("kubernetes", "endpointslice_conditions", "DERIVED_truth_table.cases")
def test_endpoint_truth_table(case: Case) -> None:
    """Phase, IP, readiness, deletion and publishNotReadyAddresses together decide the endpoint (rule E1)."""
    in_slice = should_be_in_slice(
        case["phase"],
        has_ip=case["pod_has_ip"],
        has_deletion_timestamp=case["pod_has_deletion_timestamp"],
    )
    assert in_slice is case["expect_in_slice"]
    if in_slice:
        test_pod_to_endpoint(case)


BEFORE = PodView(ips=("10.0.0.1", "fd00::1"), ready=True, labels={"app": "a"})


def changed_pod(change: str) -> tuple[PodView, PodView]:
    """Return a pod before and after the change that the table names.

    A ``PodView`` holds all that the controller compares: a change of anything else leaves it as it is, and a row
    that expects more of words not known here fails.
    """
    view = {field.name: getattr(BEFORE, field.name) for field in fields(PodView)}
    words = change.lower()
    before = dict(view)
    if re.search(r"(\b|pod)ips?\b|ipv[46]", words):
        added, removed = re.search(r"add|gain|set", words), re.search(r"remov|delet|lost", words)
        if "secondary" in words or "ipv6" in words:
            before["ips"] = ("10.0.0.1",) if added else ("10.0.0.1", "fd00::1")
            view["ips"] = ("10.0.0.1",) if removed else ("10.0.0.1", "fd00::2")
        else:
            before["ips"] = () if added else ("10.0.0.1",)
            view["ips"] = () if removed else ("10.0.0.2",)
    elif "ready" in words or "readiness" in words:
        view["ready"] = False
    elif re.search(r"delet|terminat", words) and "label" not in words:
        view["deletion_timestamp_s"] = 30.0
        if "already" in words or "terminating" in words:
            before["deletion_timestamp_s"] = 30.0
    elif "label" in words:
        if re.search(r"remov|delet", words):
            view["labels"] = {}
        elif "add" in words:
            view["labels"] = {"app": "a", "tier": "b"}
        else:
            view["labels"] = {"app": "b"}
    elif "hostname" in words:
        view["hostname"] = "other"
    elif "subdomain" in words:
        view["subdomain"] = "other"
    return PodView(**before), PodView(**view)


@pytest.mark.table("kubernetes", "endpointslice_conditions", "pod_update_triggers_sync.cases")
def test_pod_update_triggers_sync(case: Case) -> None:
    """Only IPs, readiness, deletion and labels of a pod concern its endpoints."""
    views = changed_pod(case["change"])
    changes = pod_changes(*views)
    assert changes.pod is case["expect_pod_changed"]
    assert changes.labels is case["expect_labels_changed"]
    assert endpointslice.pod_change_triggers_sync(*views) is (changes.pod or changes.labels)


@pytest.mark.table("kubernetes", "DERIVED_termination_timeline", "cases")
def test_termination_timeline(case: Case) -> None:
    """preStop, SIGTERM, exit or SIGKILL fall where the kubelet's whole-second arithmetic puts them."""
    timeline = termination_timeline(
        case["termination_grace_s"], case.get("pre_stop_s"), case.get("app_exit_after_sigterm_s")
    )
    assert timeline.sigterm_at_s == pytest.approx(case["expect_sigterm_at_s"])
    assert timeline.stop_timeout_s == case["expect_stop_timeout_s"]
    assert timeline.container_dead_at_s == pytest.approx(case["expect_container_dead_at_s"])
    assert timeline.sigkill is case["expect_sigkill"]


@pytest.mark.table("kubernetes", "DERIVED_readiness_timing", "becomes_ready")
def test_becomes_ready(case: Case) -> None:
    """Readiness appears on a tick at or after the initial delay; the worker, tick by tick, agrees."""
    spec = ProbeSpec(
        initial_delay_s=case["initial_delay_s"],
        period_s=case["period_s"],
        success_threshold=case["success_threshold"],
    )
    first_look_s, app_ready_s = case["first_look_s"], case["app_ready_s"]
    expected = pytest.approx(case["expect_ready_at_s"])
    assert probe.becomes_ready_at_s(spec, first_look_s, app_ready_s) == expected
    worker = ProbeWorker(spec)
    at_s = probe.first_tick_s(spec, first_look_s)
    while not worker.on_result("success" if at_s >= app_ready_s else "failure"):
        at_s = probe.next_tick_s(spec, first_look_s, at_s)
    assert at_s == expected


@pytest.mark.table("kubernetes", "DERIVED_readiness_timing", "becomes_unready")
def test_becomes_unready(case: Case) -> None:
    """Readiness ends with the last of failureThreshold failures in a row; the worker agrees."""
    spec = ProbeSpec(period_s=case["period_s"], failure_threshold=case["failure_threshold"])
    last_s = case["last_successful_probe_s"]
    expected = pytest.approx(case["expect_unready_at_s"])
    assert probe.becomes_unready_at_s(spec, last_s, case["fails_from_s"]) == expected
    worker = ProbeWorker(spec)
    assert worker.on_result("success")
    at_s = probe.next_tick_s(spec, last_s, last_s)
    while not worker.on_result("failure" if at_s >= case["fails_from_s"] else "success"):
        at_s = probe.next_tick_s(spec, last_s, at_s)
    assert at_s == expected


@pytest.mark.table("kubernetes", "DERIVED_crashloop", "expect_wait_before_restart_s")
def test_crash_loop_back_off(case: float, request: pytest.FixtureRequest) -> None:
    """A container that exits at once waits ever longer before each restart, counted from its finish."""
    restart = request.node.callspec.indices["case"]
    entry, now_s = CrashLoopBackOff(), 0.0
    for _ in range(restart):
        finished_s = now_s
        now_s += entry.wait_s(finished_s)
        entry = entry.restarted(finished_s, now_s)
    assert entry.wait_s(now_s) == case


DEPLOYMENT = DeploymentSpec()
WRITTEN = Deployment()
STATEFUL_SET = StatefulSetSpec()
PROBE = ProbeSpec()
CLUSTER = Kubernetes()
KIC = Kic()
HPA = Autoscaler(max_replicas=1)
DRAIN = inspect.signature(Evictions.drain).parameters


def rules(direction: autoscaler.ScalingRules) -> Case:
    """Return scaling rules as the table writes them."""
    policies = [{"type": one.type, "value": one.value, "period_s": one.period_s} for one in direction.policies]
    return {"stabilization_s": direction.stabilization_s, "select": direction.select, "policies": policies}


CONSTANTS: dict[str, dict[str, object]] = {
    "deployment": {
        "replicas": DEPLOYMENT.replicas,
        "strategy": Strategy().kind,
        "max_surge": Strategy().max_surge,
        "max_unavailable": Strategy().max_unavailable,
        "progress_deadline_s": DEPLOYMENT.progress_deadline_seconds,
        "revision_history_limit": WRITTEN.revision_history_limit,
        "min_ready_s": WRITTEN.min_ready_seconds,
        "paused": DEPLOYMENT.paused,
    },
    "statefulset": {
        "pod_management": STATEFUL_SET.pod_management,
        "update_strategy": STATEFUL_SET.update_strategy,
        "partition": STATEFUL_SET.partition,
        "max_unavailable": resolved_max_unavailable(STATEFUL_SET),
    },
    "pod": {
        "termination_grace_period_s": pod.DEFAULT_TERMINATION_GRACE_PERIOD_S,
    },
    "probe": {field.name: getattr(PROBE, field.name) for field in fields(ProbeSpec)},
    "kubelet": {
        "minimum_container_stop_grace_s": pod.MINIMUM_CONTAINER_STOP_GRACE_S,
        # What happened to a container is seen at the next look, anywhere within its period.
        "pleg_relist_period_s": getattr(CLUSTER.status_update, "high", None),
        "crashloop_initial_s": pod.CRASH_LOOP_INITIAL_S,
        "crashloop_max_s": pod.CRASH_LOOP_MAX_S,
        "crashloop_reset_after_s": pod.CRASH_LOOP_RESET_AFTER_S,
        "sync_backoff_period_s": pod.CrashLoopBackOff().restarted(0.0, 0.0).back_off_s,
        "pod_worker_retry_jitter_factor": pod.POD_WORKER_RETRY_JITTER_FACTOR,
        "shutdown_grace_period_s": node.SHUTDOWN_GRACE_PERIOD_S,
        "shutdown_grace_period_critical_s": node.SHUTDOWN_GRACE_PERIOD_CRITICAL_S,
        "node_lease_renew_s": node.NODE_LEASE_RENEW_S,
    },
    "endpointslice_controller": {
        "retry_backoff_base_s": endpointslice.RETRY_BACKOFF_BASE_S,
        "retry_backoff_max_s": endpointslice.RETRY_BACKOFF_MAX_S,
        "max_retries": endpointslice.MAX_RETRIES,
    },
    "replicaset_controller": {
        "burst_replicas": replicaset.BURST_REPLICAS,
        "slow_start_initial_batch": replicaset.SLOW_START_INITIAL_BATCH,
        "min_ready_requeue_extra_s": replicaset.MIN_READY_REQUEUE_EXTRA_S,
    },
    "kube_controller_manager": {
        "node_monitor_period_s": node.NODE_MONITOR_PERIOD_S,
        "node_monitor_grace_s": node.NODE_MONITOR_GRACE_S,
    },
    "hpa": {
        "sync_period_s": HPA.sync_period,
        "tolerance": HPA.tolerance,
        "downscale_stabilization_s": AutoscalerSpec(1).downscale_stabilization_s,
        "cpu_initialization_period_s": Calculator().cpu_initialization_period_s,
        "initial_readiness_delay_s": Calculator().initial_readiness_delay_s,
        "min_replicas": HPA.min_replicas,
        "default_cpu_target_pct": HPA.target_utilization,
        "no_behavior_scale_up_limit": (
            f"max({autoscaler.SCALE_UP_LIMIT_FACTOR:g}*current, {autoscaler.SCALE_UP_LIMIT_MINIMUM:g})"
        ),
        "behavior_scale_up": rules(Behavior().scale_up),
        "behavior_scale_down": rules(Behavior().scale_down),
    },
    "disruption": {
        "deletion_timeout_s": disruption.DELETION_TIMEOUT_S,
        "drain_retry_after_429_s": disruption.DRAIN_RETRY_AFTER_429_S,
        # kubectl's -1 is the pod's own grace, here None.
        "drain_grace_period": -1 if DRAIN["grace_s"].default is None else DRAIN["grace_s"].default,
        "drain_timeout_s": DRAIN["give_up_s"].default,
    },
    "cluster_autoscaler": {
        "max_graceful_termination_s": node.AUTOSCALER_MAX_GRACEFUL_TERMINATION_S,
        "max_pod_eviction_time_s": node.AUTOSCALER_MAX_POD_EVICTION_S,
    },
    "kic": {
        "proxy_sync_s": KIC.proxy_sync_seconds,
        "enable_drain_support": KIC.enable_drain_support,
    },
}


NOT_MODELLED = {
    r"daemonset\..*": "DaemonSets are not modelled: their pods are on every node and behind no route here",
    r"argo_rollouts\..*": "Argo Rollouts is not modelled",
    r"cluster_autoscaler\..*": "which node is taken away, and when, is said by the timeline",
    r".*\.concurrent_\w*syncs": "a sync takes no time, so there is no queue for workers to share",
    r".*_(qps|burst)": "the limits of the clients are not modelled: a delay law covers them",
    r"pod\.restart_policy": "the pods of a Deployment restart always, the API allows nothing else",
    r"kubelet\.housekeeping_period_s": "clean-up of pods that are over concerns no traffic",
    r"kubelet\.sync_frequency_s": "the resync only repeats what a change has done already",
    r"kubelet\.status_sync_period_s": "one status write per change of a pod, its delay a law of the scenario",
    r"kubelet\.serialize_image_pulls": "a node pulls one image after the other, and there is no setting to change it",
    r"kubelet\.node_lease_duration_s": "the node controller counts its own grace period, not the lease's duration",
    r"kubelet\.node_status_update_s": "the node controller goes by renewals of the lease",
    r"kubelet\.volume_gone_poll_s": "part of the time until the pod object is removed, a law of the scenario",
    r"endpointslice_controller\.max_endpoints_per_slice": "the slices of a Service are read as one list",
    r"endpointslice_controller\.endpoint_updates_batch_period_s": "the default: a change of a pod is synced at once",
    r"endpointslice_controller\.slice_change_min_sync_delay_s": "nobody else changes the slices",
    r"disruption\.drain_wait_poll_s": "the end of a drain is seen at once",
}
"""Why a number has no counterpart in the code: the first pattern that is the whole ``part.name`` says it."""


def why_not_modelled(part: str, name: str) -> str | None:
    """Return the reason, ``None`` for a number nobody has thought of."""
    return next((why for pattern, why in NOT_MODELLED.items() if re.fullmatch(pattern, f"{part}.{name}")), None)


@pytest.mark.table("kubernetes", "defaults", "*")
def test_default(case: tuple[str, str, object]) -> None:
    """A default number in the code is Kubernetes' own."""
    part, name, value = case
    if name not in CONSTANTS.get(part, {}):
        pytest.skip(f"{part}.{name}: {why_not_modelled(part, name) or 'the code has no such number'}")
    assert CONSTANTS[part][name] == value


def test_every_default_is_compared_or_named() -> None:
    """Each number of our own table has its counterpart or its reason, and each of those is needed."""
    table = json.loads((OWN_TABLES / "kubernetes" / "defaults.json").read_text(encoding="utf-8"))
    numbers = {(part, name) for part, name, _ in section(table, "*") or []}
    compared = {(part, name) for part, constants in CONSTANTS.items() for name in constants}
    assert compared <= numbers | {("probe", "termination_grace_s")}  # the field a liveness probe may add
    left = numbers - compared
    assert all(why_not_modelled(*number) for number in left)
    assert all(any(re.fullmatch(pattern, ".".join(number)) for number in left) for pattern in NOT_MODELLED)
