"""The EndpointSlice controller: from pods to what the ingress controller may see of them (docs/model.md, rules E)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from simsticky.kic.translation import is_separable
from simsticky.kic.translator import Backend, Endpoint
from simsticky.kubernetes.endpointslice import SliceSync, conditions, should_be_in_slice
from simsticky.recording.events import Data, EndpointState, StaleCache, Switch
from simsticky.recording.pods import Selection
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.control.ingress import Change, IngressController, Move
from simsticky.sim.control.pods import Pod
from simsticky.sim.control.workload_controller import WorkloadController
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World


@dataclass(eq=False, slots=True)
class _Service:
    """A Service, its slices, and its key in the controller's work queue.

    Attributes:
        number: What its draws are keyed by.
        selects: Name of the workload whose pods it selects.
        listed: What its slices say: the endpoints by pod.
        listed_of: The workload whose pods those are.
        touched: The pods that may differ from what the slices say.
        sync: The controller's memory of its last write.
        queued: Whether its key waits for a pass.
        passes: Passes asked for so far; ``tries`` of them, with those again, had something to write.
        cause: Number of the operation behind its present selector, 0 for none.
    """

    number: int
    selects: str
    listed: dict[Pod, Endpoint] = field(default_factory=dict)
    listed_of: str = ""
    touched: dict[Pod, None] = field(default_factory=dict)
    sync: SliceSync = field(default_factory=SliceSync)
    queued: bool = False
    passes: int = 0
    tries: int = 0
    cause: int = 0


class EndpointSliceController:
    """Writes the EndpointSlices, and says which of them the route leads to (rules E).

    A Service is one key of the work queue: however many of its pods change before its pass begins, one pass lists them
    all, as they are then. So what its slices say is always one state that its pods really had, and never an older one
    than before.

    Every workload of the scenario has a Service of its own, and the route leads to one of them, or to several with
    weights. Where the timeline changes a Service's selector, there is one Service for all workloads.
    """

    def __init__(
        self, world: World, api: ApiServer, ingress: IngressController, workloads: Sequence[WorkloadController]
    ) -> None:
        """Watch the cluster's pods; the route leads to the first workload."""
        self._world = world
        self._api = api
        self._ingress = ingress
        self._workloads = {workload.name: workload for workload in workloads}
        self._publish_not_ready = world.scenario.service.publish_not_ready_addresses
        first, kinds = workloads[0].name, {operation.kind for operation in world.scenario.operations}
        self._switched = _Service(len(workloads), first) if "switchService" in kinds else None
        own = enumerate(self._workloads) if self._switched is None or "canary" in kinds else ()
        self._own = {name: _Service(number, name) for number, name in own}
        self._route: dict[_Service, int | None] = {self._switched or self._own[first]: None}
        api.watch_pods(self._pod_changed)

    @property
    def _services(self) -> list[_Service]:
        return [*self._own.values(), *([self._switched] if self._switched else [])]

    # The work queue ---------------------------------------------------------------------------------------------

    def _pod_changed(self, pod: Pod) -> None:
        for service in self._services:
            if self._selects(service, pod) and self._endpoint(pod) != service.listed.get(pod):
                service.touched[pod] = None
                self._queue(service)

    def _selects(self, service: _Service, pod: Pod) -> bool:
        return self._workloads[service.selects].owns(pod)

    def _queue(self, service: _Service) -> None:
        """Ask for a pass over a Service; one that waits already takes this change with it."""
        if service.queued:
            return
        service.queued = True
        service.passes += 1
        law = self._world.scenario.kubernetes.endpoint_update
        delay_s = self._world.draw(law, Purpose.ENDPOINT_UPDATE, service.number, service.passes)

        def begin() -> None:
            service.queued = False
            self._sync(service)

        self._later(delay_s, begin)

    def _later(self, delay_s: float, write: Callable[[], None]) -> None:
        call_at(self._world.env, delay_s, Phase.STATUS, self._ingress.under_way.carries(write))

    def _sync(self, service: _Service) -> None:
        """One pass over a Service: write the endpoints of all its pods, as they are now.

        A pass that finds its cache older than its own last write fails, and is tried again (rule E2).
        """
        moved = self._moved(service)
        if not moved and service.selects == service.listed_of:
            return
        service.tries += 1
        law, now_s = self._world.scenario.kubernetes.slice_watch, self._world.now_s
        attempt = service.sync.attempt(now_s, self._world.draw(law, Purpose.SLICE_WATCH, service.number, service.tries))
        service.sync = attempt.sync
        if attempt.retry_at_s is not None:
            wait_s = attempt.retry_at_s - now_s
            self._tell(service, "stale", service.selects, StaleCache(len(moved), wait_s))
            self._later(wait_s, lambda: self._sync(service))
        if attempt.writes:
            self._write(service, moved)

    def _moved(self, service: _Service) -> dict[Pod, Endpoint | None]:
        """Return the pods of which the slices do not say what is so, in order of creation, with what they should say.

        Of the pods that nobody has touched they do; but of none after the selector has changed.
        """
        pods = service.touched
        if service.selects != service.listed_of:
            pods = dict.fromkeys([*service.listed, *self._api.pods])
        wanted = {pod: self._endpoint(pod) if self._selects(service, pod) else None for pod in pods}
        moved = [pod for pod, endpoint in wanted.items() if endpoint != service.listed.get(pod)]
        return {pod: wanted[pod] for pod in sorted(moved, key=lambda pod: pod.index)}

    def _write(self, service: _Service, moved: dict[Pod, Endpoint | None]) -> None:
        changes = [self._move(service, pod, endpoint) for pod, endpoint in moved.items()]
        service.touched.clear()
        left = [pod for pod, endpoint in moved.items() if endpoint is None]
        if self._is_told(service):
            for pod in left:
                pod.record.endpoint_gone_s = self._world.now_s
        if service.selects != service.listed_of:
            service.listed_of = service.selects
            switch = Switch(len(left), len(service.listed))
            self._tell(service, "switched", service.selects, switch, service.cause)
            changes = [Change(self.backends(), service.cause)]
        else:
            for pod in left:
                self._tell(service, "left", pod.name, cause=pod.record.deleted_by)
            for pod, endpoint in moved.items():
                if endpoint is not None:
                    state = EndpointState(endpoint.ready, endpoint.terminating)
                    self._tell(service, "wrote", pod.name, state, pod.record.deleted_by)
        if service in self._route:
            self._ingress.slice_changed(changes)

    def _move(self, service: _Service, pod: Pod, endpoint: Endpoint | None) -> Change:
        """Let the slices say something else of one pod; return that change, with the operation behind it."""
        before = service.listed.pop(pod, None)
        if endpoint is not None:
            service.listed[pod] = endpoint
        alone = service not in self._route or is_separable([*self._route.values()])
        return Change(Move(before, endpoint) if alone else self.backends(), pod.causes.endpoint)

    def _is_told(self, service: _Service) -> bool:
        """Whether a Service is part of the story: beside one whose selector changes, only those that the route uses."""
        return self._switched is None or service in self._route

    def _tell(self, service: _Service, kind: str, subject: str, data: Data | None = None, cause: int = 0) -> None:
        if self._is_told(service):
            self._world.tell("endpointslice", kind, subject, data, cause)

    def _endpoint(self, pod: Pod) -> Endpoint | None:
        if pod.gone:
            return None
        if not should_be_in_slice(pod.phase, has_ip=pod.phase == "Running", has_deletion_timestamp=pod.deleted):
            return None
        state = conditions(
            ready_condition=pod.ready,
            has_deletion_timestamp=pod.deleted,
            publish_not_ready_addresses=self._publish_not_ready,
        )
        return Endpoint(pod.address, state.ready, state.terminating)

    # The route --------------------------------------------------------------------------------------------------

    def backends(self) -> tuple[Backend, ...]:
        """Return what the route leads to: the endpoints and the weight of each Service."""
        return tuple(Backend(tuple(service.listed.values()), weight) for service, weight in self._route.items())

    def leads_to(self, name: str) -> bool:
        """Whether the route leads to a workload's pods."""
        return any(service.selects == name for service in self._route)

    def split(self, weights: Mapping[str, int], cause: int) -> None:
        """Lead the route to the Services of several workloads, with a weight each, by an operation (rule E4)."""
        self._route = {self._own[name]: weight for name, weight in weights.items()}
        self._ingress.slice_changed([Change(self.backends(), cause)])

    def select(self, name: str, cause: int) -> None:
        """Let the Service whose selector changes select another workload's pods (rule E3).

        Args:
            name: Name of the workload.
            cause: Number of the operation.
        """
        service = self._switched
        assert service is not None
        service.selects, service.cause = name, cause
        recording = self._world.recorder.recording
        recording.selections.append(Selection(self._world.now_s, len(recording.pod_states), name))
        if service not in self._route:
            self._route = {service: None}
            self._ingress.slice_changed([Change(self.backends(), cause)])
        self._queue(service)

    def adopt(self) -> None:
        """Begin with slices that know all pods that have been there since before the run."""
        for service in self._services:
            for pod, endpoint in self._moved(service).items():
                self._move(service, pod, endpoint)
            service.listed_of = service.selects
            service.touched.clear()
