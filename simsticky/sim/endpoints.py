"""From pods to Kong's tables: the EndpointSlice controller and the Kong Ingress Controller.

Both are level-triggered: an update writes what is true when it is written, not what was true when it was asked for.
"""

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from math import ceil, floor, log1p
from typing import Any, NamedTuple

from simsticky.kic.translator import Backend, Endpoint, translate_backends
from simsticky.kong.upstream import DEFAULT_WEIGHT, Target
from simsticky.kubernetes.endpointslice import SliceSync, conditions, should_be_in_slice
from simsticky.sim.cluster import Cluster
from simsticky.sim.gateway import Gateway
from simsticky.sim.kernel import Phase, Wait, call_at
from simsticky.sim.pods import Pod
from simsticky.sim.streams import Purpose
from simsticky.sim.tables import Step
from simsticky.sim.under_way import UnderWay
from simsticky.sim.workers import Node
from simsticky.sim.workload_controller import WorkloadController
from simsticky.sim.world import World

_SLACK = 1e-9
"""In ticks: what a time on a tick may be off by."""


class Change(NamedTuple):
    """What the route leads to from a change on, and the number of the operation behind it, 0 if none."""

    backends: tuple[Backend, ...]
    cause: int


class EndpointSliceController:
    """Writes the EndpointSlices, and says which of them the route leads to (rules E).

    Every workload of the scenario has a Service of its own. The route leads to one of them, or to several with
    weights; of one Service whose selector changes the same is true.

    Attributes:
        slices: The listed endpoints by workload and pod.
    """

    def __init__(
        self, world: World, cluster: Cluster, ingress: "IngressController", workloads: Sequence[WorkloadController]
    ) -> None:
        """Watch the cluster's pods; the route leads to the first workload."""
        self._world = world
        self._ingress = ingress
        self._workloads = workloads
        self._publish_not_ready = world.scenario.service.publish_not_ready_addresses
        self._writes = 0
        self._passes = 0
        self._due: dict[str, set[Pod]] = {workload.name: set() for workload in workloads}
        self._syncs = {workload.name: SliceSync() for workload in workloads}
        self.slices: dict[str, dict[Pod, Endpoint]] = {workload.name: {} for workload in workloads}
        self._weights: dict[str, int | None] = {workloads[0].name: None}
        self._selects = any(operation.kind == "switchService" for operation in world.scenario.operations)
        cluster.on_change.append(self._pod_changed)

    def _owner(self, pod: Pod) -> str:
        return next(workload.name for workload in self._workloads if workload.owns(pod))

    def _pod_changed(self, pod: Pod) -> None:
        if not pod.address:
            return
        name = self._owner(pod)
        if self._endpoint(pod) == self.slices[name].get(pod):
            return
        self._writes += 1
        law = self._world.scenario.kubernetes.endpoint_update
        delay_s = self._world.draw(law, Purpose.ENDPOINT_UPDATE, pod.index, self._writes)
        self._later(delay_s, lambda: self._sync(name, pod))

    def _later(self, delay_s: float, write: Callable[[], None]) -> None:
        call_at(self._world.env, delay_s, Phase.STATUS, self._ingress.under_way.carries(write))

    def _sync(self, name: str, pod: Pod | None = None) -> None:
        """One pass over a Service: write all endpoints whose change it has heard of, as the pods are now.

        A pass that finds its cache older than its own last write fails, and is tried again (rule E2).
        """
        due = self._due[name]
        if pod is not None:
            due.add(pod)
        changed = [pod for pod in due if self._endpoint(pod) != self.slices[name].get(pod)]
        if not changed:
            due.clear()
            return
        self._passes += 1
        law, now_s = self._world.scenario.kubernetes.slice_watch, self._world.now_s
        attempt = self._syncs[name].attempt(now_s, self._world.draw(law, Purpose.SLICE_WATCH, 0, self._passes))
        self._syncs[name] = attempt.sync
        if attempt.retry_at_s is not None:
            wait_s = attempt.retry_at_s - now_s
            changes = (
                "1 change of endpoints waits" if len(changed) == 1 else f"{len(changed)} changes of endpoints wait"
            )
            self._tell(name, "stale", name, f"{changes} {wait_s:g} s")
            self._later(wait_s, lambda: self._sync(name))
        if not attempt.writes:
            return
        written = []
        for each in sorted(changed, key=lambda pod: pod.index):
            self._write(name, each)
            written.append(Change(self.backends(), _behind(each)))
        due.clear()
        self._ingress.slice_changed(written)

    def _write(self, name: str, pod: Pod) -> None:
        """Write a pod's endpoint as it is now."""
        endpoint, listed = self._endpoint(pod), self.slices[name]
        if endpoint is None:
            if pod in listed:
                self._leave(name, pod)
        else:
            for other in [other for other in listed if other.address == pod.address and other is not pod]:
                self._leave(name, other)  # its address has passed to this pod
            listed[pod] = endpoint
            state = f"ready={_word(endpoint.ready)} terminating={_word(endpoint.terminating)}"
            self._tell(name, "wrote", pod.name, state, pod.record.deleted_by)

    def _leave(self, name: str, pod: Pod) -> None:
        del self.slices[name][pod]
        if self._is_selected(name):
            pod.record.endpoint_gone_s = self._world.now_s
        self._tell(name, "left", pod.name, "left the slice", pod.record.deleted_by)

    def _is_selected(self, name: str) -> bool:
        """Whether a Service selects a workload's pods: one whose selector changes leaves those of the others alone."""
        return not self._selects or name in self._weights

    def _tell(self, name: str, kind: str, subject: str, detail: str, cause: int = 0) -> None:
        if self._is_selected(name):
            self._world.tell("endpointslice", kind, subject, detail, cause)

    def backends(self) -> tuple[Backend, ...]:
        """Return what the route leads to: the endpoints and the weight of each Service."""
        return tuple(Backend(tuple(self.slices[name].values()), weight) for name, weight in self._weights.items())

    def leads_to(self, name: str) -> bool:
        """Whether the route leads to a workload's pods."""
        return name in self._weights

    def route(self, weights: Mapping[str, int | None], cause: int, *, by_selector: bool) -> None:
        """Lead the route to other workloads; by the Service's selector this takes the slice's controller, too.

        Args:
            weights: Weight of each workload's Service, None for the only one.
            cause: Number of the operation.
            by_selector: Whether it is the Service's selector that changes.
        """
        if not by_selector:
            self._weights = dict(weights)
            self._ingress.slice_changed([Change(self.backends(), cause)])
            return
        self._writes += 1
        law = self._world.scenario.kubernetes.endpoint_update
        delay_s = self._world.draw(law, Purpose.ENDPOINT_UPDATE, (1 << 30), self._writes)

        def rewrite() -> None:
            leaving = [pod for name in self._weights if name not in weights for pod in self.slices[name]]
            for pod in leaving:
                pod.record.endpoint_gone_s = self._world.now_s
            new = sum(len(self.slices[name]) for name in weights if name not in self._weights)
            self._weights = dict(weights)
            text = f"{len(leaving)} endpoints leave at once, {new} come"
            self._world.tell("endpointslice", "switched", ", ".join(weights), text, cause)
            self._ingress.slice_changed([Change(self.backends(), cause)])

        self._later(delay_s, rewrite)

    def adopt(self, pod: Pod) -> None:
        """Hold the endpoint of a pod that has been there since before the run."""
        endpoint = self._endpoint(pod)
        if endpoint is not None:
            self.slices[self._owner(pod)][pod] = endpoint

    def _endpoint(self, pod: Pod) -> Endpoint | None:
        if pod.gone:
            return None
        running = pod.container is not None and pod.phase == "Running"
        if not should_be_in_slice(pod.phase, has_ip=running, has_deletion_timestamp=pod.deleted):
            return None
        state = conditions(
            ready_condition=pod.ready,
            has_deletion_timestamp=pod.deleted,
            publish_not_ready_addresses=self._publish_not_ready,
        )
        return Endpoint(pod.address, state.ready, state.terminating)


def _word(value: bool | None) -> str:
    return str(value).lower()


def _behind(pod: Pod) -> int:
    """Return the operation behind what a pod's endpoint is now, 0 for none."""
    if pod.deleted:
        return pod.record.deleted_by
    if pod.container is not None and pod.container.dead:
        return pod.container.cause
    return pod.readiness_by


class IngressController:
    """KIC: on its tick, translates the slice and pushes it to every node if it changed (rules I).

    Attributes:
        under_way: What changes of the pods, or of the route, are on their way to the nodes.
    """

    def __init__(self, world: World, cluster: Cluster, gateway: Gateway) -> None:
        """Draw the phase of the tick."""
        settings = world.scenario.kic
        self._world = world
        self._cluster = cluster
        self._gateway = gateway
        self._settings = settings
        self._period_s = settings.proxy_sync_seconds
        self._offset_s = world.streams.uniform(Purpose.KIC_PHASE, 0) * self._period_s
        self._unseen: deque[tuple[int, Change]] = deque()
        self._seen: list[Change] = []
        self._pushed: tuple[Target, ...] | None = None
        self._steps: list[Step] = []
        self._observed = 0
        self.under_way = UnderWay()
        self._busy_since_s = self._busy_until_s = 0.0
        self._tick_pending = False
        self._changes = 0
        self._seen_change = 0
        self._pushes = 0
        self._unrelated: set[str] = set()
        self._churned = 0
        if settings.config_churn:
            world.env.process(self._churn())

    def slice_changed(self, changes: Sequence[Change]) -> None:
        """An EndpointSlice or the route was written; its cache hears of it after the watch delay.

        Args:
            changes: What one write has changed, each with the operation behind it; the last holds all of it.
        """
        self._changes += 1
        write = self._changes
        self._unseen.extend((write, change) for change in changes)
        delay_s = self._world.draw(self._settings.watch_delay, Purpose.KIC_WATCH, 0, self._changes)
        self.under_way.begin()
        call_at(self._world.env, delay_s, Phase.CONTROLLER, lambda: self._observe(write))

    def _observe(self, write: int) -> None:
        if write < self._seen_change:
            self.under_way.end()
            return  # a watch never goes back: a later state has been seen already
        self._seen_change = write
        self._observed += 1
        while self._unseen and self._unseen[0][0] <= write:
            self._seen.append(self._unseen.popleft()[1])
        self._ask_for_tick()

    def _ask_for_tick(self) -> None:
        if not self._tick_pending:
            self._tick_pending = True
            call_at(self._world.env, self._until_tick_s(), Phase.CONTROLLER, self._tick)

    def _until_tick_s(self) -> float:
        """Time to the next tick that KIC heeds.

        While a push is under way its ticker keeps one tick, which is heeded when the push is over, and drops the others
        (KIC 3.5 ``dataplane/synchronizer.go:startUpdateServer``).
        """
        now_s = self._world.now_s
        if self._period_s == 0:
            return max(0.0, self._busy_until_s - now_s)
        if now_s < self._busy_until_s:
            kept_s = self._offset_s + (floor(self._ticks(self._busy_since_s) + _SLACK) + 1) * self._period_s
            return max(kept_s, self._busy_until_s) - now_s
        return max(0.0, self._offset_s + ceil(self._ticks(now_s) - _SLACK) * self._period_s - now_s)

    def _ticks(self, at_s: float) -> float:
        return (at_s - self._offset_s) / self._period_s

    def _tick(self) -> None:
        self._tick_pending = False
        drains = self._settings.enable_drain_support
        steps = [Step(translate_backends(change.backends, drains), change.cause) for change in self._seen[1:]]
        del self._seen[:-1]
        targets = translate_backends(self._seen[-1].backends, drains)
        unrelated, self._unrelated = self._unrelated, set()
        observed, self._observed = self._observed, 0
        if targets != self._pushed:
            nodes = self._gateway.nodes
        else:
            nodes = [node for node in self._gateway.nodes if node.name in unrelated]
        if not nodes:
            self.under_way.end(observed)
            return
        before = {t.address: t.weight for t in self._pushed or ()}
        after = {t.address: t.weight for t in targets}
        if targets != self._pushed:
            self._steps += steps
        self._pushed = targets
        self._pushes += 1
        note = _difference(before, after, self._cluster)
        self._world.tell("kic", "pushing", f"{len(targets)} targets", note)
        for node in nodes:
            self._push(node, targets, note)
        self.under_way.end(observed)

    def _push(self, node: Node, targets: tuple[Target, ...], note: str) -> None:
        apply = partial(self._apply, node, targets, note, len(self._steps))
        call_at(self._world.env, self._on_the_way_s(node), Phase.PUSH, self.under_way.carries(apply))

    def _on_the_way_s(self, node: Node) -> float:
        """Begin a push to a node; return how long it takes."""
        delay_s = self._world.draw(self._settings.push_delay, Purpose.PUSH_DELAY, node.index, self._pushes)
        self._busy_since_s = self._world.now_s
        self._busy_until_s = max(self._busy_until_s, self._busy_since_s + delay_s)
        return delay_s

    def _apply(self, node: Node, targets: tuple[Target, ...], note: str, steps: int) -> None:
        """Apply a push, which holds the first ``steps`` of all changes there have been."""
        if not node.up:
            return
        self._gateway.apply(node, targets, self._world.now_s, self._steps[node.configured : steps])
        node.configured = steps
        self._world.tell(node.name, "pushed", f"{len(targets)} targets", note)
        publish_pod_sets(self._world, self._cluster, self._gateway)

    # Pushes for other reasons -----------------------------------------------------------------------------------

    def push_unrelated(self, name: str | None = None) -> None:
        """Push at the next tick although the targets are the same: some other object of the configuration changed.

        Without a database every push that Kong accepts rebuilds every balancer (Kong 3.10
        ``runloop/handler.lua:reconfigure_handler``).

        Args:
            name: The node; None for all.
        """
        self._unrelated.update(node.name for node in self._gateway.nodes if name in (None, node.name))
        self._ask_for_tick()

    def configure(self, node: Node) -> None:
        """Give a node that has come back its configuration, at the next tick, unless it goes down again before."""
        restart = node.restarts
        configure = self.under_way.carries(partial(self._configure, node, restart))
        call_at(self._world.env, self._until_tick_s(), Phase.CONTROLLER, configure)

    def _configure(self, node: Node, restart: int) -> None:
        if node.restarts != restart:
            return
        self._pushes += 1
        bring_up = self.under_way.carries(partial(self._bring_up, node, restart))
        call_at(self._world.env, self._on_the_way_s(node), Phase.PUSH, bring_up)

    def _bring_up(self, node: Node, restart: int) -> None:
        if node.restarts != restart:
            return
        node.up = True
        note = _difference({}, {t.address: t.weight for t in self._pushed or ()}, self._cluster)
        self._apply(node, self._pushed or (), note, len(self._steps))

    def _churn(self) -> Generator[Wait, Any, None]:
        """Let unrelated objects change, as a Poisson process (rule I4)."""
        rate = self._settings.config_churn
        while True:
            draw = self._world.streams.uniform(Purpose.CONFIG_CHURN, 0, self._churned)
            self._churned += 1
            yield Wait(self._world.env, -log1p(-draw) / rate, Phase.CONTROLLER)
            self.push_unrelated()

    def adopt(self, backends: tuple[Backend, ...]) -> None:
        """Start with every node in agreement with the slice, as long after the last change."""
        self._seen = [Change(backends, 0)]
        self._pushed = translate_backends(backends, self._settings.enable_drain_support)
        for node in self._gateway.nodes:
            self._gateway.apply(node, self._pushed, self._world.now_s)


def _difference(before: dict[str, int], after: dict[str, int], cluster: Cluster) -> str:
    names = {record.address: record.pod for record in cluster.records}
    added = {address: weight for address, weight in after.items() if address not in before}
    parts = [
        f"+{names[address]}" if weight == DEFAULT_WEIGHT else f"+{names[address]} weight {weight}"
        for address, weight in added.items()
    ]
    parts += [f"-{names[address]}" for address in before if address not in after]
    parts += [
        f"{names[address]} weight {before[address]}->{weight}"
        for address, weight in after.items()
        if before.get(address, weight) != weight
    ]
    return ", ".join(sorted(parts))


def publish_pod_sets(world: World, cluster: Cluster, gateway: Gateway) -> None:
    """Tell the recorder which containers are in which pod set of the load-skew measures (rules L)."""
    taking_new, serving, terminating = [], [], []
    for pod in cluster.pods:
        container = pod.container
        if container is None or container.dead:
            continue
        if pod.deleted:
            terminating.append(container.index)
        if container.listening and gateway.listed(pod.address):
            serving.append(container.index)
            if gateway.takes_new(pod.address):
                taking_new.append(container.index)
    world.recorder.pod_sets(
        world.now_s,
        {"taking_new": tuple(taking_new), "serving": tuple(serving), "terminating": tuple(terminating)},
    )
