"""The clock, pods, containers, and how many pods there may be."""

from itertools import pairwise

import numpy as np

from simsticky.audit.evidence import INFINITY, Evidence, container_life, is_of, known, life
from simsticky.errors import InvariantError
from simsticky.kubernetes.pod import MINIMUM_CONTAINER_STOP_GRACE_S, CrashLoopBackOff
from simsticky.recording.pods import ContainerRecord, PodRecord
from simsticky.recording.record import CODE, CONTAINER, ENDED, SENT, Outcome, unpack_columns
from simsticky.scenario.replicas import start_replicas


def clock(evidence: Evidence) -> None:
    """Events and requests come in order of time."""
    before_s = -INFINITY
    for event in evidence.recording.events:
        if event.at_s < before_s:
            raise InvariantError(f"the clock never runs back: {event.subject} {event.kind} at {event.at_s} s")
        before_s = event.at_s
    for block in evidence.recording.request_blocks:
        # What is sent again is written down when its last attempt is made, and what waits in vain when it ends.
        fields = unpack_columns(block[:, CODE])
        in_vain = (block[:, CONTAINER] < 0) | (fields["outcome"] == Outcome.TIMED_OUT)
        at_once = block[(fields["attempts"] == 1) & ~(in_vain & (block[:, ENDED] != block[:, SENT]))]
        if (np.diff(at_once[:, SENT]) < 0).any():
            row = int(np.argmax(np.diff(at_once[:, SENT]) < 0))
            raise InvariantError(f"the clock never runs back: a request is sent before {at_once[row, SENT]} s")


_IN_ORDER = (
    ("created_s", "scheduled_s", "started_s", "ready_s"),
    ("created_s", "deleted_s", "removed_s"),
    ("deleted_s", "prestop_end_s", "sigterm_s", "sigkill_s", "dead_s"),
    ("deleted_s", "listener_closed_s", "dead_s"),
    ("started_s", "deleted_s"),
)
_CONTAINER_IN_ORDER = (
    ("due_s", "started_s", "listening_s", "listener_closed_s", "cut_s", "dead_s"),
    ("started_s", "sigterm_s", "sigkill_s", "dead_s"),
)
_ENDS = {
    "": (False, None),
    "stopped": (True, True),
    "liveness": (True, True),
    "startup": (True, True),
    "crashed": (True, None),
    "oom_killed": (True, None),
    "powered_off": (True, None),
}
"""For each way of ending: whether the container is dead, and whether it had its SIGTERM (None: it may have had)."""


_TAKES_MACHINES = ("shutdownNode", "nodeLoss", "spot")
"""Operations under which a container may be over before its pod is deleted, or without that."""


def _pods_live_in_order(evidence: Evidence) -> None:
    machines_go = any(record.kind in _TAKES_MACHINES for record in evidence.recording.operations)
    ends_by_itself = evidence.scenario.deployment.restart_policy != "Always"
    for pod in evidence.recording.pods:
        # A node that ends a pod does not wait for its deletion, which may come in between or afterwards.
        over = not known(pod.sigterm_s) and pod.dead_s <= pod.deleted_s and ends_by_itself
        ended_by_node = (machines_go or over) and any(end_s <= pod.deleted_s for end_s in (pod.sigterm_s, pod.dead_s))
        for order in _IN_ORDER:
            names = order[1:] if ended_by_node and "dead_s" in order else order
            times = [getattr(pod, name) for name in names if known(getattr(pod, name))]
            if times != sorted(times):
                raise InvariantError(f"a pod lives in legal order, {', '.join(order)}: {life(pod)}")
        if known(pod.deleted_s) != bool(pod.deleted_by) and not over:
            raise InvariantError(f"a pod is deleted by an operation: {life(pod)}")


def _containers_live_in_order(evidence: Evidence) -> None:
    """Each container lives a legal life, and a pod's containers one after the other with the back-off between them."""
    for index, containers in evidence.instances.items():
        pod = evidence.recording.pods[index]
        for number, container in enumerate(containers, start=1):
            _lives_legally(pod, container)
            if container.instance != number or container.started_s > pod.deleted_s:
                raise InvariantError(
                    f"a pod starts one container after the other until it is deleted: "
                    f"{container_life(pod, container)}; {life(pod)}"
                )
        back_off = CrashLoopBackOff(max_s=evidence.scenario.kubernetes.max_container_restart_period)
        for before, container in pairwise(containers):
            ended_s = before.dead_s
            if before.ended == "stopped" or not container.due_s >= ended_s + back_off.wait_s(ended_s) - 1e-9:
                raise InvariantError(
                    f"a container starts again once its back-off is over: {container_life(pod, container)}"
                )
            back_off = back_off.restarted(ended_s, container.due_s)
        # A pod that is deleted in the moment of a restart never sees the container.
        if pod.restarts - (len(containers) - 1) not in (0, 1):
            raise InvariantError(f"restarts are counted: {pod.restarts} of {life(pod)}")


def _lives_legally(pod: PodRecord, container: ContainerRecord) -> None:
    for order in _CONTAINER_IN_ORDER:
        times = [getattr(container, name) for name in order if known(getattr(container, name))]
        if times != sorted(times):
            what = container_life(pod, container)
            raise InvariantError(f"a container lives in legal order, {', '.join(order)}: {what}")
    if container.sigkill_s - container.sigterm_s < MINIMUM_CONTAINER_STOP_GRACE_S - 1e-9:
        raise InvariantError(f"SIGKILL comes at least 2 s after SIGTERM: {container_life(pod, container)}")
    dead, got_sigterm = _ENDS[container.ended]
    if known(container.dead_s) != dead or got_sigterm not in (None, known(container.sigterm_s)):
        what = container_life(pod, container)
        raise InvariantError(f"a container gets SIGTERM before it is dead, or ends by itself: {what}")


def _pods_within_surge(evidence: Evidence) -> None:
    """Non-terminating pods <= max(spec.replicas since the Deployment was last complete) + maxSurge, for each one."""
    scenario = evidence.scenario
    sizes = {scenario.deployment.name: start_replicas(scenario)}
    sizes |= {companion.name: companion.replicas for companion in scenario.companions}
    for name, replicas in sizes.items():
        _within_surge(evidence, name, replicas)


def _counted_until_s(evidence: Evidence, index: int, pod: PodRecord) -> float:
    """Return until when a pod counts for its owner: its deletion, or its end by a kubelet that could still say so."""
    last = evidence.instances.get(index, [])[-1:]
    told = not (last and last[0].ended == "powered_off")
    return float(np.fmin(pod.deleted_s, pod.dead_s)) if told else pod.deleted_s


def _within_surge(evidence: Evidence, name: str, replicas: int) -> None:
    scenario, operations = evidence.scenario, evidence.recording.operations
    pods = {index: pod for index, pod in enumerate(evidence.recording.pods) if is_of(pod, name)}
    wanted = [(-INFINITY, replicas)]
    scaled = [(op.start_s, op.wanted_pods) for op in operations if op.wanted_pods >= 0 and op.target == name]
    wanted += sorted(scaled, key=lambda entry: entry[0])
    done = sorted(record.done_s for record in operations if known(record.done_s))
    deleted = np.sort(
        [ended_s for index, pod in pods.items() if known(ended_s := _counted_until_s(evidence, index, pod))]
    )
    created = np.sort([pod.created_s for pod in pods.values()])
    for count, at_s in enumerate(created.tolist(), start=1):
        alive = count - int(np.searchsorted(deleted, at_s, side="right"))
        since_s = max((done_s for done_s in done if done_s < at_s), default=0.0)
        before = max(index for index, (from_s, _) in enumerate(wanted) if from_s <= since_s)
        asked = [size for from_s, size in wanted[before:] if from_s <= at_s]
        asked += [size for from_s, size in wanted if from_s == since_s]
        most = max(size + scenario.deployment.surge(size) for size in asked)
        if alive > most:
            raise InvariantError(f"non-terminating pods are at most {most}: {alive} at {at_s} s")


CHECKS = (_pods_live_in_order, _containers_live_in_order, _pods_within_surge)
