"""The ReplicaSet controller: makes the pods of each ReplicaSet as many as asked for.

A wake-up is level-triggered and coalesced: any number of events before the next sync lead to one sync, which sees
everything there is then, as with Kubernetes' work queues. Each hop costs ``kubernetes.apiWrite``.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from simsticky.kubernetes.deployment_spec import ReplicaSetState
from simsticky.kubernetes.replicaset import PodRank, api_time_s, pods_to_delete, rank_by_node, slow_start_batches
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.control.pods import Pod, Template
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World


class ReplicaSetController:
    """Makes the pods of each ReplicaSet of one Deployment as many as asked for (rules K5 to K8).

    Args:
        number: Which Deployment of the scenario theirs is, from 0.
        templates: The template of each revision.
        deletion_cost: A pod's ``controller.kubernetes.io/pod-deletion-cost``, None where nobody sets it.
        on_status: Called when a ReplicaSet's status has changed, and when it has acted on a new size.

    Attributes:
        resized: ReplicaSets with a new size that they have not acted on yet.
    """

    def __init__(
        self,
        world: World,
        api: ApiServer,
        number: int,
        templates: Mapping[int, Template],
        deletion_cost: Callable[[Pod], int] | None,
        on_status: Callable[[], None],
    ) -> None:
        deployment = world.scenario.deployment
        self._world = world
        self._api = api
        self._number = number
        self._min_ready_s = float(deployment.min_ready_seconds)
        self._reports_terminating = deployment.pod_replacement_policy is not None
        self._templates = templates
        self._deletion_cost = deletion_cost
        self._on_status = on_status
        self._waking: set[str] = set()
        self._creating: set[str] = set()
        self._hops = 0
        self.states: dict[str, ReplicaSetState] = {}
        self.causes: dict[str, int] = {}
        self.resized: set[str] = set()
        self._ended: set[int] = set()
        self._to_replace: dict[str, deque[int]] = {}
        api.watch_pods(self._pod_changed)

    def _pod_changed(self, pod: Pod) -> None:
        """Wake up (rule K5); of a pod that has come to its end remember whose doing it was: its replacement is, too."""
        name = pod.replica_set
        if not pod.active and name in self.states and pod.index not in self._ended:
            self._ended.add(pod.index)
            self._to_replace.setdefault(name, deque()).append(pod.causes.end)
        self.wake(name)

    def wake(self, name: str) -> None:
        """Have a ReplicaSet synced after a hop, unless that is coming already."""
        if name in self._waking or name not in self.states:
            return
        self._waking.add(name)
        call_at(self._world.env, self._hop_s(), Phase.CONTROLLER, lambda: self._sync(name))

    def _hop_s(self) -> float:
        self._hops += 1
        law = self._world.scenario.kubernetes.api_write
        return self._world.draw(law, Purpose.API_WRITE, 2 * self._number + 1, self._hops)

    def _sync(self, name: str) -> None:
        """One pass: replica_set.go:syncReplicaSet. The status reports what was there before this pass acted.

        What it deletes is owed to the operation behind the ReplicaSet's latest size (rule O2).
        """
        self._waking.discard(name)
        if name in self._creating:
            return  # a ReplicaSet has one pass at a time: the one that is creating pods looks again at its end
        state = self.states[name]
        pods = [pod for pod in self._api.pods if pod.replica_set == name and pod.active]
        missing = state.spec_replicas - len(pods)
        if missing > 0:
            self._creating.add(name)
            self._create(name, slow_start_batches(missing), pods)
            return
        self._to_replace.pop(name, None)
        if missing < 0:
            self._delete(pods, -missing, self.causes[name])
        self._end_pass(name, pods)

    def _end_pass(self, name: str, pods: list[Pod]) -> None:
        self._write_status(name, pods)
        if name in self.resized:
            self.resized.discard(name)
            self._on_status()

    def _create(self, name: str, batches: list[int], pods: list[Pod]) -> None:
        """Create pods in batches of 1, 2, 4 …, each when the one before it has been created (rule K13).

        Upstream creates what it found missing when it began. Here a size that has changed meanwhile counts, so that
        the pods never exceed the sizes asked for.
        """
        there = sum(pod.replica_set == name and pod.active for pod in self._api.pods)
        for _ in range(min(batches[0], self.states[name].spec_replicas - there)):
            replaces = self._to_replace.get(name)
            cause = replaces.popleft() if replaces else self.causes[name]
            revision = self.states[name].revision
            self._api.create(self._number, name, revision, self._templates[revision], cause)
        if len(batches) > 1:
            call_at(self._world.env, self._hop_s(), Phase.CONTROLLER, lambda: self._create(name, batches[1:], pods))
            return
        self._creating.discard(name)
        self.wake(name)
        self._end_pass(name, pods)

    def _delete(self, pods: list[Pod], count: int, cause: int) -> None:
        mine = [pod for pod in self._api.pods if pod.active and pod.replica_set in self.states]
        ranked = rank_by_node([self._rank(pod) for pod in pods], [pod.record.node for pod in mine])
        by_uid = {pod.uid: pod for pod in pods}
        for victim in pods_to_delete(ranked, count, self._world.now_s):
            self._ended.add(by_uid[victim.uid].index)  # nothing will replace it
            self._api.delete(by_uid[victim.uid], cause, "replicaset")

    def _rank(self, pod: Pod) -> PodRank:
        since_s = pod.ready_since_s
        return PodRank(
            uid=pod.uid,
            node=pod.record.node,
            phase=pod.phase,
            ready=pod.ready,
            deletion_cost=self._cost_of(pod),
            ready_since_s=None if since_s is None else api_time_s(since_s),
            max_restarts=pod.record.restarts,
            created_s=api_time_s(pod.record.created_s),
        )

    def _cost_of(self, pod: Pod) -> int | None:
        if pod.deletion_cost is not None or self._deletion_cost is None:
            return pod.deletion_cost
        return self._deletion_cost(pod)

    def _write_status(self, name: str, pods: list[Pod]) -> None:
        now_s, state = self._world.now_s, self.states[name]
        ready = [pod.ready_since_s for pod in pods if pod.ready_since_s is not None]
        wait_s = [since_s + self._min_ready_s - now_s for since_s in ready]
        written = replace(
            state,
            status_replicas=len(pods),
            ready_replicas=len(ready),
            available_replicas=sum(left_s <= 0 for left_s in wait_s),
            terminating_replicas=self._terminating(name) if self._reports_terminating else None,
        )
        for left_s in wait_s:
            if left_s > 0:
                call_at(self._world.env, left_s, Phase.CONTROLLER, lambda: self.wake(name))
        if written != state:
            self.states[name] = written
            self._on_status()

    def _terminating(self, name: str) -> int:
        return sum(pod.replica_set == name and pod.deleted and not pod.terminal for pod in self._api.pods)
