"""The HorizontalPodAutoscaler at work: samples the load, asks ``kubernetes/``, and scales (rules A)."""

from collections.abc import Callable

from simsticky.kubernetes.autoscaler import (
    SCALE_DOWN,
    SCALE_UP,
    AutoscalerSpec,
    AutoscalerState,
    Behavior,
    ScalingPolicy,
    ScalingRules,
    reconcile,
)
from simsticky.kubernetes.replica_calculator import (
    Calculator,
    MeasuredPod,
    MetricsError,
    Proposal,
    Sample,
    Tolerances,
    resource_replicas,
)
from simsticky.recording.events import Utilization
from simsticky.scenario.autoscaler import Autoscaler as Settings
from simsticky.scenario.autoscaler import ScalingRules as Rules
from simsticky.scenario.replicas import tolerances
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.control.pods import Pod
from simsticky.sim.control.workload_controller import WorkloadController
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

_MILLI = 1000
_LOOKS_PER_SAMPLE = 15
"""How often the load is looked at for one sample: its mean stands for the CPU time of that window (assumed)."""


class Autoscaler:
    """Measures pods and scales their owner.

    Busy slots stand for CPU: a pod with all of ``app.concurrency`` slots busy uses all it can.

    Args:
        scale: Scales to a number of pods, from another and for a reason, as an operation of its own.
    """

    def __init__(
        self,
        world: World,
        api: ApiServer,
        workload: WorkloadController,
        settings: Settings,
        scale: Callable[[int, int, Utilization], None],
    ) -> None:
        """Read the settings; :meth:`start` begins."""
        self._world = world
        self._api = api
        self._workload = workload
        self._settings = settings
        self._scale = scale
        self._spec = AutoscalerSpec(settings.max_replicas, settings.min_replicas, _behavior(settings))
        self._calculator = Calculator(Tolerances(*tolerances(world.scenario)))
        self._state = AutoscalerState()
        self._busy: dict[str, int] = {}
        self._looks: dict[str, int] = {}
        self._turn = 0
        self._samples: dict[str, Sample] = {}
        self._readable: list[tuple[float, dict[str, Sample]]] = []

    def start(self) -> None:
        """Begin to scrape and to sync, each at a random phase (rule A4)."""
        world, settings = self._world, self._settings
        scrape_s = world.streams.uniform(Purpose.METRIC_PHASE, 0) * settings.metric_resolution
        sync_s = world.streams.uniform(Purpose.HPA_PHASE, 0) * settings.sync_period
        call_at(world.env, scrape_s, Phase.STATUS, self._look)
        call_at(world.env, sync_s, Phase.CONTROLLER, self._sync)

    def _look(self) -> None:
        """Look at the load; after enough looks, publish their mean as a sample of each pod (rule A2)."""
        now_s = self._world.now_s
        for pod in self._api.pods:
            container = pod.container
            if container is not None and not container.dead:
                self._busy[pod.name] = self._busy.get(pod.name, 0) + sum(end > now_s for end in container.ends)
                self._looks[pod.name] = self._looks.get(pod.name, 0) + 1
        self._turn += 1
        if self._turn % _LOOKS_PER_SAMPLE == 0:
            self._publish()
        call_at(self._world.env, self._settings.metric_resolution / _LOOKS_PER_SAMPLE, Phase.STATUS, self._look)

    def _publish(self) -> None:
        now_s, window_s = self._world.now_s, self._settings.metric_resolution
        samples = {
            name: Sample(round(_MILLI * busy / self._looks[name]), now_s, window_s)
            for name, busy in self._busy.items()
            if self._looks[name] == _LOOKS_PER_SAMPLE  # a container that is younger has no rate yet
        }
        self._busy.clear()
        self._looks.clear()
        self._readable.append((now_s + self._settings.metric_delay, samples))

    def _sync(self) -> None:
        world, workload = self._world, self._workload
        while self._readable and self._readable[0][0] <= world.now_s:
            self._samples = self._readable.pop(0)[1]
        current = workload.replicas
        proposal = self._proposal(current)
        proposed = None if proposal is None else proposal.replicas
        decision = reconcile(self._spec, self._state, current, [proposed], world.now_s)
        self._state = decision.state
        if decision.replicas != current:
            self._scale(decision.replicas, current, self._why(proposal))
        call_at(world.env, self._settings.sync_period, Phase.CONTROLLER, self._sync)

    def _why(self, proposal: Proposal | None) -> Utilization:
        target = self._settings.target_utilization
        return Utilization(target) if proposal is None else Utilization(target, proposal.utilization, proposal.replicas)

    def _proposal(self, current: int) -> Proposal | None:
        pods = [self._measured(pod) for pod in self._api.pods if self._workload.owns(pod)]
        known = {pod.name for pod in pods}
        samples = {name: sample for name, sample in self._samples.items() if name in known}
        target = self._settings.target_utilization
        try:
            return resource_replicas(current, target, pods, samples, self._world.now_s, self._calculator)
        except MetricsError:
            return None

    def _measured(self, pod: Pod) -> MeasuredPod:
        """Return a pod as the calculator sees it; it requests a share of what all its slots use (rule A3)."""
        request = _MILLI * self._world.scenario.app.concurrency * self._settings.request_share
        record = pod.record
        started_s = record.started_s if record.started_s == record.started_s else None
        changed_s = pod.ready_since_s
        if changed_s is None:
            # Not ready: since its start if it never was, else since some moment that is long after it.
            changed_s = record.created_s if record.ready_s != record.ready_s else self._world.now_s
        return MeasuredPod(
            pod.name,
            request=round(request),
            phase=pod.phase,
            ready=pod.ready,
            terminating=pod.deleted,
            started_s=started_s,
            ready_changed_s=changed_s,
        )


def _behavior(settings: Settings) -> Behavior | None:
    behavior = settings.behavior
    if behavior is None:
        return None
    return Behavior(_rules(behavior.scale_up, SCALE_UP), _rules(behavior.scale_down, SCALE_DOWN))


def _rules(rules: Rules, default: ScalingRules) -> ScalingRules:
    window = rules.stabilization_window_seconds
    policies = tuple(ScalingPolicy(policy.type, policy.value, policy.period_seconds) for policy in rules.policies)
    return ScalingRules(
        default.stabilization_s if window is None else float(window),
        policies or default.policies,
        rules.select_policy,
    )
