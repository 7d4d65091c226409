"""What holds in every rollout on the level of the controllers alone: pods, ReplicaSets and syncs in any order.

A small cluster keeps its pods as plain lists. Hypothesis picks who acts next: the Deployment's controller, a
ReplicaSet's, a pod that becomes ready, or a person with a new template or size.
"""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from simsticky.kubernetes.deployment import DeploymentSpec, ReplicaSetState, Strategy, SyncResult, sync
from simsticky.kubernetes.deployment_spec import max_surge, min_available
from simsticky.kubernetes.progress import deployment_complete, deployment_status
from simsticky.kubernetes.statefulset import StatefulPod, StatefulSetSpec, update_complete
from simsticky.kubernetes.statefulset import resolved_max_unavailable as stateful_max_unavailable
from simsticky.kubernetes.statefulset import sync as sync_stateful

AMOUNTS = st.sampled_from([0, 1, 2, 5, "0%", "10%", "25%", "100%"])
STEPS = st.lists(st.integers(0, 999), min_size=5, max_size=120)


@dataclass
class Cluster:
    """Pods by ReplicaSet, ``True`` for ready; a ReplicaSet acts on its size at once, as its controller does."""

    spec: DeploymentSpec
    sets: dict[str, ReplicaSetState] = field(default_factory=dict)
    pods: dict[str, list[bool]] = field(default_factory=dict)
    terminating: int = 0

    @classmethod
    def available(cls, spec: DeploymentSpec) -> "Cluster":
        """A Deployment that is complete."""
        cluster = cls(spec)
        cluster._add("rs-1", spec.revision, spec.replicas, spec.replicas, spec.replicas + max_surge(spec))
        cluster.pods["rs-1"] = [True] * spec.replicas
        return cluster

    def _add(self, name: str, revision: int, size: int, desired: int, most: int) -> None:
        order = len(self.sets)
        self.sets[name] = ReplicaSetState(
            name, revision, order, size, desired_annotation=desired, max_replicas_annotation=most
        )
        self.pods[name] = [False] * size

    def seen(self) -> list[ReplicaSetState]:
        """The ReplicaSets with reports that are up to date."""
        return [
            replace(
                rs,
                status_replicas=len(self.pods[name]),
                ready_replicas=sum(self.pods[name]),
                available_replicas=sum(self.pods[name]),
                terminating_replicas=0,
            )
            for name, rs in self.sets.items()
        ]

    def sync(self) -> SyncResult:
        """One pass of the Deployment's controller, then its ReplicaSets'; victims that are not ready go first."""
        result = sync(self.spec, self.seen(), old_pods_running=self.terminating > 0)
        if result.create is not None:
            created = result.create
            self._add(
                f"rs-{len(self.sets) + 1}",
                created.revision,
                created.replicas,
                created.annotations.desired,
                created.annotations.max_replicas,
            )
        for name, notes in result.annotations.items():
            self.sets[name] = replace(
                self.sets[name], desired_annotation=notes.desired, max_replicas_annotation=notes.max_replicas
            )
        for name, size in result.scale.items():
            self.sets[name] = replace(self.sets[name], spec_replicas=size)
            pods = sorted(self.pods[name])
            surplus = max(0, len(pods) - size)
            self.terminating += surplus
            self.pods[name] = pods[surplus:] + [False] * (size - len(pods))
        return result

    def one_becomes_ready(self, pick: int) -> None:
        """One of the pods that are not ready becomes so."""
        waiting = [(name, n) for name, pods in self.pods.items() for n, ready in enumerate(pods) if not ready]
        if waiting:
            name, n = waiting[pick % len(waiting)]
            self.pods[name][n] = True

    @property
    def count(self) -> int:
        return sum(len(pods) for pods in self.pods.values())

    @property
    def ready(self) -> int:
        return sum(sum(pods) for pods in self.pods.values())

    @property
    def complete(self) -> bool:
        return deployment_complete(self.spec.replicas, deployment_status(self.spec, self.seen()))

    @property
    def hangs(self) -> bool:
        """Whether it is caught in kubernetes/kubernetes issue 102551: another size frees it."""
        active = [rs for rs in self.sets.values() if rs.spec_replicas]
        return (
            len(active) == 1
            and active[0].spec_replicas == self.spec.replicas != active[0].desired_annotation
            and not self.complete
        )

    def settle(self) -> None:
        """Let everything happen until nobody has anything to do."""
        for _ in range(50 * (self.spec.replicas + 2)):
            self.terminating = 0
            for pods in self.pods.values():
                pods[:] = [True] * len(pods)
            if not self.sync().writes:
                return
        raise AssertionError("the rollout does not come to rest")


@given(replicas=st.integers(1, 20), surge=AMOUNTS, unavailable=AMOUNTS, steps=STEPS)
def test_rollouts_rollovers_and_rollbacks_keep_their_bounds(
    replicas: int, surge: int | str, unavailable: int | str, steps: list[int]
) -> None:
    """At constant replicas: available >= minAvailable, pods <= replicas + surge, whatever template comes when."""
    spec = DeploymentSpec(replicas, Strategy("RollingUpdate", surge, unavailable))
    cluster = Cluster.available(spec)
    for step in [0, *steps]:
        if step % 20 == 0:
            # Any of four templates: most are rollovers, some go back to one whose pods still live.
            cluster.spec = replace(cluster.spec, revision=1 + step % 4 if step else 2)
        elif step % 2:
            cluster.one_becomes_ready(step)
        else:
            cluster.sync()
        assert cluster.ready >= min_available(spec)
        assert cluster.count <= replicas + max_surge(spec)
    cluster.settle()
    assert cluster.complete
    assert cluster.count == replicas


@given(replicas=st.integers(1, 20), surge=AMOUNTS, unavailable=AMOUNTS, steps=STEPS)
def test_scaling_in_mid_rollout_keeps_to_the_largest_size(
    replicas: int, surge: int | str, unavailable: int | str, steps: list[int]
) -> None:
    """With sizes changing: pods never exceed the largest replicas + surge asked for, and only issue 102551 hangs."""
    cluster = Cluster.available(DeploymentSpec(replicas, Strategy("RollingUpdate", surge, unavailable)))
    most = cluster.count
    for step in [0, *steps]:
        if step % 20 == 0:
            cluster.spec = replace(cluster.spec, revision=cluster.spec.revision + 1)
        elif step % 20 == 2:
            cluster.spec = replace(cluster.spec, replicas=step % 23)
        elif step % 20 == 4:
            cluster.spec = replace(cluster.spec, paused=not cluster.spec.paused)
        elif step % 2:
            cluster.one_becomes_ready(step)
        else:
            cluster.sync()
        most = max(most, cluster.spec.replicas + max_surge(cluster.spec))
        assert cluster.count <= most
    cluster.spec = replace(cluster.spec, paused=False)
    cluster.settle()
    if cluster.hangs:
        cluster.spec = replace(cluster.spec, replicas=cluster.spec.replicas + 1)
        cluster.settle()
    assert cluster.complete
    assert cluster.count == cluster.spec.replicas


@given(replicas=st.integers(1, 20), surge=AMOUNTS, unavailable=AMOUNTS)
def test_a_rollout_of_broken_pods_stops_and_goes_back(replicas: int, surge: int | str, unavailable: int | str) -> None:
    """New pods that never become ready stop the rollout at the minimum; rolling back takes them away again."""
    spec = DeploymentSpec(replicas, Strategy("RollingUpdate", surge, unavailable))
    cluster = Cluster.available(spec)
    cluster.spec = replace(spec, revision=2)
    for _ in range(10 * replicas + 10):
        if not cluster.sync().writes:
            break
    assert not cluster.complete
    assert cluster.ready == min_available(spec)
    cluster.spec = spec
    cluster.settle()
    assert {name: len(pods) for name, pods in cluster.pods.items() if pods} == {"rs-1": replicas}


@given(replicas=st.integers(1, 20), steps=STEPS)
def test_recreate_never_mixes_versions(replicas: int, steps: list[int]) -> None:
    """Recreate has pods of one version at a time, terminating ones included, and ends with all new ones."""
    cluster = Cluster.available(DeploymentSpec(replicas, Strategy("Recreate"), revision=1))
    cluster.spec = replace(cluster.spec, revision=2)
    for step in steps:
        if step % 3 == 0:
            cluster.terminating = max(0, cluster.terminating - 1)
        elif step % 3 == 1:
            cluster.one_becomes_ready(step)
        else:
            cluster.sync()
        versions = {cluster.sets[name].revision for name, pods in cluster.pods.items() if pods}
        assert len(versions | ({1} if cluster.terminating else set())) <= 1
    cluster.settle()
    assert cluster.complete


@given(
    replicas=st.integers(1, 12),
    ordered=st.booleans(),
    max_unavailable=st.sampled_from([None, 1, 2, "25%", "100%"]),
    partition=st.integers(0, 4),
    steps=STEPS,
)
def test_a_stateful_update_keeps_its_bound_and_its_names(
    replicas: int, ordered: bool, max_unavailable: int | str | None, partition: int, steps: list[int]
) -> None:
    """At most maxUnavailable ordinals are down, every ordinal has one pod, and the update ends."""
    spec = StatefulSetSpec(
        replicas,
        revision=2,
        previous_revision=1,
        pod_management="OrderedReady" if ordered else "Parallel",
        partition=partition,
        max_unavailable=max_unavailable,
    )
    pods = {n: StatefulPod(n, 1, "Running", 0.0) for n in range(replicas)}
    # Gone, created, ready: six rounds of all three and a sync are enough for every pod even one at a time.
    for step in [*steps, *[0, 1, 2] * (4 * replicas + 4)]:
        if step % 3 == 0:
            actions = sync_stateful(spec, list(pods.values()), 1.0).actions
            for kind, ordinal, revision in actions:
                if kind == "create":
                    assert ordinal not in pods
                    pods[ordinal] = StatefulPod(ordinal, revision, "Pending")
                else:
                    pods[ordinal] = replace(pods[ordinal], terminating=True)
        elif step % 3 == 1:
            gone = [n for n, pod in pods.items() if pod.terminating]
            for n in gone[: 1 + step % 2]:
                del pods[n]
        else:
            waiting = [n for n, pod in pods.items() if not pod.running_and_ready]
            for n in waiting[: 1 + step % 2]:
                pods[n] = replace(pods[n], phase="Running", ready_since_s=0.0)
        assert replicas - sum(pod.healthy for pod in pods.values()) <= stateful_max_unavailable(spec)
        assert set(pods) <= set(range(replicas))
    assert update_complete(spec, pods.values())
    assert all(pod.revision == (1 if n < partition else 2) for n, pod in pods.items())
