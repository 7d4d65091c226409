"""The two control planes: Kong's ingress controller, and Kubernetes with its delays."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from simsticky.kubernetes.pod import CRASH_LOOP_MAX_S
from simsticky.scenario.distributions import Constant, Law, Lognormal, Uniform
from simsticky.scenario.fields import Duration, PeriodOrZero, Rate, Section, Switch, Version, Whole, release_of


def _add_delays(schema: dict[str, Any]) -> None:
    schema["properties"]["delays"] = {
        "type": ["string", "number", "object"],
        "description": "Sets every delay of this section that is not given itself, for example 0s.",
        "examples": ["0s", {"kind": "exponential", "mean": "50ms"}],
    }


class WithDelays(Section):
    """A section whose delays can all be set at once: ``delays: 0s``; a delay given itself wins."""

    model_config = ConfigDict(json_schema_extra=_add_delays)
    delay_fields: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def delay_names(cls) -> tuple[str, ...]:
        """Return the delays' names as in YAML."""
        return tuple(cls.model_fields[field].alias or field for field in cls.delay_fields)

    @model_validator(mode="before")
    @classmethod
    def _all_delays(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or "delays" not in value:
            return value
        spread = {key: given for key, given in value.items() if key != "delays"}
        for field, name in zip(cls.delay_fields, cls.delay_names(), strict=True):
            if field not in spread:
                spread.setdefault(name, value["delays"])
        return spread


class Kic(WithDelays):
    """The Kong Ingress Controller."""

    delay_fields: ClassVar[tuple[str, ...]] = ("watch_delay", "push_delay")

    version: Version | None = None
    """Version of the controller, if known, for example 3.5.0; what it does not know is refused."""
    enable_drain_support: Switch = False
    """Keep terminating endpoints as targets of weight 0 (flag --enable-drain-support)."""
    proxy_sync_seconds: PeriodOrZero = 3.0
    """Time between pushes of the configuration (flag --proxy-sync-seconds); 0 pushes at every change."""
    watch_delay: Law = Uniform(low=0.005, high=0.050)
    """From the writing of an EndpointSlice until the controller has seen it."""
    push_delay: Law = Lognormal(median=0.200, sigma=0.4)
    """From the start of a push until a node uses the new configuration."""
    config_churn: Rate = 0.0
    """Pushes caused by unrelated objects, for example 6/h (Poisson): each rebuilds every balancer of every worker."""


class Kubernetes(WithDelays):
    """Delays of the cluster, each a law, and its nodes."""

    delay_fields: ClassVar[tuple[str, ...]] = (
        "api_write",
        "scheduler",
        "image_pull",
        "container_start",
        "status_update",
        "endpoint_update",
        "slice_watch",
        "kubelet_notice",
        "pod_removal",
    )

    version: Version | None = None
    """Release of the cluster, if known, for example "1.35"; what depends on it is as in the newest one otherwise.
    Fields of manifests that it does not know are named."""
    api_write: Law = Lognormal(median=0.025, sigma=0.5)
    """A controller sees an event and writes: one hop, for example from Deployment to ReplicaSet."""
    scheduler: Law = Lognormal(median=0.025, sigma=0.5)
    """From the pod's creation until it has a node."""
    image_pull: Law = Constant(value=0.0)
    """Pull of the image; 0s if the node has it."""
    container_start: Law = Lognormal(median=1.0, sigma=0.4)
    """Sandbox and start of the container, before the application's own start-up."""
    status_update: Law = Uniform(low=0.0, high=1.0)
    """Until the kubelet notices that a container runs or is dead."""
    endpoint_update: Law = Lognormal(median=0.030, sigma=0.6)
    """From a change of a pod to the pass over its Service that writes the EndpointSlice."""
    slice_watch: Law = Uniform(low=0.005, high=0.050)
    """Until the EndpointSlice controller sees its own write; a pass before that fails and is retried after 1 s."""
    kubelet_notice: Law = Lognormal(median=0.030, sigma=0.6)
    """From the deletion until the kubelet starts to kill the pod."""
    pod_removal: Law = Uniform(low=1.0, high=3.0)
    """From the terminal phase until the pod object is gone."""
    node_monitor_period: PeriodOrZero = 5.0
    """Time between two looks of the node controller (--node-monitor-period)."""
    node_monitor_grace: Duration = 40.0
    """Without a sign of life for this long a node is not ready (--node-monitor-grace-period; 50s from 1.32 on)."""
    unreachable_toleration: Duration = 300.0
    """Then its pods are deleted after this long (tolerationSeconds of the not-ready and unreachable taints)."""
    max_container_restart_period: Annotated[Duration, Field(ge=1, le=CRASH_LOOP_MAX_S)] = CRASH_LOOP_MAX_S
    """Longest wait of CrashLoopBackOff (KubeletConfiguration crashLoopBackOff.maxContainerRestartPeriod, 1.35)."""
    nodes: Annotated[Whole, Field(ge=1, le=100_000)] = 3
    """Nodes that pods are spread over."""
    pod_addresses: Literal["unique", "reuse"] = "unique"
    """Whether a new pod takes an address nobody had, or the one freed last: an old cookie then names a new pod."""

    def knows(self, since: tuple[int, int]) -> bool:
        """Return whether the stated release is this one or a later one; one that nobody states is."""
        return not self.release or self.release >= since

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of the stated release, empty if nobody states one."""
        return () if self.version is None else release_of(self.version)
