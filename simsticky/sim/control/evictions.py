"""The Eviction API with its disruption budget, and those who drain nodes (rules N2 to N4)."""

from collections.abc import Callable, Generator
from typing import Any

from simsticky.kubernetes.disruption import (
    DRAIN_RETRY_AFTER_429_S,
    BudgetPod,
    BudgetStatus,
    DisruptionBudget,
    Verdict,
    evict,
    sync,
)
from simsticky.recording.events import EvictionRefused, Refusal, Stuck
from simsticky.sim.clock import Phase, Wait
from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.control.pods import Pod
from simsticky.sim.control.workload_controller import WorkloadController
from simsticky.sim.world import World

BLOCKED_AFTER_S = 600.0
"""A drain that is refused for this long is reported as stuck, and goes on; assumed."""

Process = Generator[Wait, Any, None]


class Evictions:
    """Evicts pods as far as the budget allows.

    Args:
        workload: The owner of the pods that the budget selects.
        on_blocked: Called with an operation's number and the reason when its drain makes no headway.

    Attributes:
        draining: By operation, the pods it has still to get off their node.
    """

    def __init__(
        self,
        world: World,
        api: ApiServer,
        workload: WorkloadController,
        on_blocked: Callable[[int, Stuck], None],
    ) -> None:
        stated = world.scenario.deployment.disruption_budget
        self._world = world
        self._api = api
        self._workload = workload
        self._on_blocked = on_blocked
        self._budget: DisruptionBudget | None = None
        if stated is not None:
            self._budget = DisruptionBudget(
                stated.min_available, stated.max_unavailable, stated.unhealthy_pod_eviction_policy
            )
        self._status = BudgetStatus()
        self.draining: dict[int, set[str]] = {}
        api.watch_pods(self._pod_changed)

    def drain(
        self, node: str, cause: int, who: str, *, grace_s: int | None = None, give_up_s: float | None = None
    ) -> None:
        """Evict every pod of a node, all at once, each again every 5 s while the budget refuses it (rule N2)."""
        pods = [pod for pod in self._api.pods if pod.record.node == node and not pod.terminal]
        self.draining[cause] = {pod.uid for pod in pods}
        for pod in pods:
            self._world.env.process(self._drain_one(pod, cause, who, grace_s, give_up_s))

    def _drain_one(self, pod: Pod, cause: int, who: str, grace_s: int | None, give_up_s: float | None) -> Process:
        world = self._world
        begun_s = world.now_s
        told = False
        while not pod.deleted and not pod.gone:
            verdict = self._evict(pod)
            if verdict.allowed:
                world.tell(who, "evicted", pod.name, cause=cause)
                self._api.delete(pod, cause, who, grace_s)
                break
            if not told:
                world.tell(who, "refused", pod.name, _refusal(verdict), cause)
                told = True
            yield Wait(world.env, DRAIN_RETRY_AFTER_429_S, Phase.OPERATION)
            waited_s = world.now_s - begun_s
            if give_up_s is not None and waited_s > give_up_s:
                self._left(pod)
                self._on_blocked(cause, EvictionRefused(pod.name, gave_up=True, refusal=_refusal(verdict)))
                return
            if waited_s >= BLOCKED_AFTER_S:
                self._on_blocked(cause, EvictionRefused(pod.name, gave_up=False, refusal=_refusal(verdict)))

    def _evict(self, pod: Pod) -> Verdict:
        """Ask the API; the budget's status is brought up to date first: its controller is quick (rule N3)."""
        now_s, seen = self._world.now_s, _as_seen(pod)
        if self._budget is None or not self._workload.owns(pod):
            return evict(seen, (), now_s)
        pods = [_as_seen(other) for other in self._api.pods if self._workload.owns(other)]
        self._status = sync(self._budget, pods, self._workload.replicas, self._status.disrupted_pods, now_s)
        verdict = evict(seen, ((self._budget, self._status),), now_s)
        if verdict.status is not None:
            self._status = verdict.status
        return verdict

    def _pod_changed(self, pod: Pod) -> None:
        if pod.gone:
            self._left(pod)

    def _left(self, pod: Pod) -> None:
        for uids in self.draining.values():
            uids.discard(pod.uid)


def _refusal(verdict: Verdict) -> Refusal:
    return Refusal(verdict.code, verdict.reason, verdict.desired_healthy, verdict.current_healthy)


def _as_seen(pod: Pod) -> BudgetPod:
    return BudgetPod(pod.name, pod.ready, pod.phase, pod.deleted)
