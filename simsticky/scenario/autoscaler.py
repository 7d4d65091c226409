"""The HorizontalPodAutoscaler, in the words of autoscaling/v2; defaults are the API server's."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simsticky.scenario.fields import Duration, Period, Section, Share, Whole, WholeSeconds
from simsticky.scenario.problems import Problem, refuse


class ScalingPolicy(Section):
    """How much a direction may change within a period."""

    type: Literal["Pods", "Percent"]
    """Pods, or percent of the replicas there were at the period's start."""
    value: Annotated[Whole, Field(gt=0)]
    """The limit."""
    period_seconds: Annotated[WholeSeconds, Field(gt=0, le=1800)]
    """The period."""


class ScalingRules(Section):
    """How one direction scales."""

    stabilization_window_seconds: Annotated[WholeSeconds, Field(le=3600)] | None = None
    """The most cautious recommendation of this time counts; default 0 up, 300 down."""
    select_policy: Literal["Max", "Min", "Disabled"] = "Max"
    """Which of the policies counts."""
    policies: tuple[ScalingPolicy, ...] = ()
    """Default: up 4 pods or 100 % in 15 s, down 100 % in 15 s."""
    tolerance: Annotated[float, Field(ge=0)] | None = None
    """Deviation of the ratio from 1 that changes nothing; default that of the cluster. Kubernetes heeds it from 1.35
    on (``kubernetes.version``)."""


class Behavior(Section):
    """How the autoscaler moves."""

    scale_up: ScalingRules = ScalingRules()
    scale_down: ScalingRules = ScalingRules()


class Autoscaler(Section):
    """Scales the Deployment by its CPU utilisation, for which busy slots of ``app.concurrency`` stand (assumed)."""

    min_replicas: Annotated[Whole, Field(ge=1, le=100_000)] = 1
    """Never fewer."""
    max_replicas: Annotated[Whole, Field(ge=1, le=100_000)]
    """Never more."""
    target_utilization: Annotated[Whole, Field(ge=1)] = 80
    """Wanted mean utilisation in percent of what the pods request."""
    request_share: Annotated[Share, Field(gt=0)] = 1.0
    """What a pod requests, as a share of what it uses with all slots busy: 0.5 lets utilisation reach 200 %."""
    start_at: Literal["manifest", "equilibrium"] = "manifest"
    """With how many pods the run starts: as many as ``deployment.replicas`` says, within the bounds; or as many as the
    autoscaler would stay at with the load of the start."""
    behavior: Behavior | None = None
    """Without it the classic rules: 300 s stabilisation down, at most double or 4 up in a sync."""
    sync_period: Period = 15.0
    """Time between syncs (flag --horizontal-pod-autoscaler-sync-period)."""
    tolerance: Annotated[float, Field(ge=0)] = 0.1
    """Deviation of the ratio from 1 that changes nothing (flag --horizontal-pod-autoscaler-tolerance)."""
    metric_resolution: Period = 15.0
    """Time between scrapes; a sample is the mean over this time (metrics-server --metric-resolution)."""
    metric_delay: Duration = 0.0
    """From a scrape until the autoscaler can read it."""

    @model_validator(mode="after")
    def _valid(self) -> Self:
        # Source: Kubernetes, autoscaling/validation.go: validateHorizontalPodAutoscalerSpec.
        if self.max_replicas < self.min_replicas:
            text = f"Invalid value: {self.max_replicas}: must be greater than or equal to minReplicas"
            refuse("Autoscaler", [Problem(("maxReplicas",), text)])
        return self
