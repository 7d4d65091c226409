"""The Deployment, as the API server holds it: every field can come from a manifest or the scenario file."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from simsticky.kubernetes import deployment_spec
from simsticky.scenario.containers import LivenessProbe, PreStop, Probe, RestartPolicyRule, Sidecar, StartupProbe
from simsticky.scenario.fields import Duration, ObjectName, Section, Switch, Whole, WholeSeconds
from simsticky.scenario.problems import Problem, refuse
from simsticky.scenario.short_names import expanded
from simsticky.units import quoted, scaled_int_or_percent


def _int_or_percent(value: Any) -> Any:
    # Source of the rules and texts: Kubernetes, apps/validation.go: ValidatePositiveIntOrPercent.
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{quoted(value)} is neither an integer nor a percentage such as 25%")
    scaled = scaled_int_or_percent(value, 100, round_up=True)
    if scaled < 0:
        raise ValueError(f"Invalid value: {quoted(value)}: must be greater than or equal to 0")
    if scaled > 2**31 - 1:
        raise ValueError(f"Invalid value: {quoted(value)}: is too large")
    return value


IntOrPercent = Annotated[int | str, BeforeValidator(_int_or_percent)]


class RollingUpdate(Section):
    """How far a rolling update may exceed or undercut the wanted number of pods."""

    max_surge: IntOrPercent = "25%"
    """Pods above replicas; a percentage rounds up."""
    max_unavailable: IntOrPercent = "25%"
    """Pods below replicas; a percentage rounds down."""

    @model_validator(mode="after")
    def _valid(self) -> Self:
        # Source: Kubernetes, apps/validation.go: ValidateRollingUpdateDeployment, IsNotMoreThan100Percent.
        problems = []
        if _is_zero(self.max_surge) and _is_zero(self.max_unavailable):
            problems.append(
                Problem(
                    ("maxUnavailable",),
                    f"Invalid value: {self.max_unavailable}: may not be 0 when `maxSurge` is 0",
                    "allow at least one pod more (maxSurge: 1) or one less (maxUnavailable: 1)",
                )
            )
        too_many = isinstance(self.max_unavailable, str) and int(self.max_unavailable[:-1]) > 100
        if too_many:
            text = f"Invalid value: {self.max_unavailable}: must not be greater than 100%"
            problems.append(Problem(("maxUnavailable",), text))
        refuse("RollingUpdate", problems)
        return self


def _is_zero(value: int | str) -> bool:
    return scaled_int_or_percent(value, 100, round_up=True) == 0


class CanaryStep(Section):
    """One step of a canary: ``{setWeight: 20}``, ``{pause: 60s}``, or ``{pause: forever}`` until a ``resume``."""

    set_weight: Annotated[Whole, Field(ge=0, le=100)] | None = None
    """Percent of the pods that are to be of the new version."""
    pause: Duration | Literal["forever"] | None = None
    """How long the rollout stays as it is."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.set_weight is None) == (self.pause is None):
            refuse("CanaryStep", [Problem((), "give setWeight or pause, one of them in each step")])
        return self

    @model_serializer(mode="plain")
    def _as_written(self) -> dict[str, Any]:
        return {"setWeight": self.set_weight} if self.pause is None else {"pause": self.pause}


class Strategy(Section):
    """How old pods are replaced by new ones."""

    type: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    """RollingUpdate, or Recreate: all old pods first go, then all new ones come."""
    rolling_update: RollingUpdate = RollingUpdate()
    """Bounds of a rolling update; without effect for Recreate."""
    steps: tuple[CanaryStep, ...] = ()
    """Where a rolling update stops on its way, like the canary of an Argo Rollout; weights are shares of the pods."""

    @model_validator(mode="after")
    def _only_up(self) -> Self:
        weights = [step.set_weight for step in self.steps if step.set_weight is not None]
        if weights != sorted(weights):
            refuse("Strategy", [Problem(("steps",), "a weight below the one before it is not modelled")])
        if self.steps and self.type == "Recreate":
            refuse("Strategy", [Problem(("steps",), "only a RollingUpdate has steps")])
        return self

    @model_serializer(mode="wrap")
    def _without_no_steps(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What has no steps is written, and known by its digest, as it was before there were any.
        written: dict[str, Any] = write(self)
        return written if self.steps else {key: value for key, value in written.items() if key != "steps"}


class UpdateStrategy(Section):
    """How a rollout of a StatefulSet replaces pods."""

    type: Literal["RollingUpdate", "OnDelete"] = "RollingUpdate"
    """``OnDelete``: a pod is replaced by a new version when somebody deletes it."""
    partition: Annotated[Whole, Field(ge=0)] = 0
    """Only ordinals from this one on are updated."""
    max_unavailable: IntOrPercent | None = None
    """Pods that an update may have down at a time, in pods or percent; one if left out. Releases differ in whether they
    heed it (``kubernetes.version``)."""

    @field_validator("max_unavailable")
    @classmethod
    def _some(cls, value: int | str | None) -> int | str | None:
        # Source: Kubernetes, apps/validation.go: ValidateStatefulSetSpec.
        if value is not None and scaled_int_or_percent(value, 100, round_up=True) == 0:
            raise ValueError("Invalid value: 0: cannot be 0")
        if isinstance(value, str) and scaled_int_or_percent(value, 100, round_up=True) > 100:
            raise ValueError(f"Invalid value: {value}: must not be greater than 100%")
        return value


class DisruptionBudget(Section):
    """A PodDisruptionBudget: one of the two bounds, in pods or percent. It binds evictions only."""

    min_available: IntOrPercent | None = None
    """Pods that must stay healthy."""
    max_unavailable: IntOrPercent | None = None
    """Pods that may be missing."""
    unhealthy_pod_eviction_policy: Literal["IfHealthyBudget", "AlwaysAllow"] = "IfHealthyBudget"
    """Whether pods that are not ready may go whatever the budget says."""

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        # Source: Kubernetes, policy/validation.go: ValidatePodDisruptionBudgetSpec.
        given = [value for value in (self.min_available, self.max_unavailable) if value is not None]
        if len(given) != 1:
            text = "give minAvailable or maxUnavailable" + (", not both" if given else "")
            refuse("DisruptionBudget", [Problem(("maxUnavailable",) if given else (), text)])
        return self


_SHORT_SCHEMA = {
    "grace": {
        "type": ["string", "integer"],
        "description": "Short for terminationGracePeriodSeconds.",
        "examples": ["60s", 60],
    },
    "maxSurge": {
        "type": ["string", "integer"],
        "description": "Short for strategy.rollingUpdate.maxSurge.",
        "examples": [1, "25%"],
    },
    "maxUnavailable": {
        "type": ["string", "integer"],
        "description": "Short for strategy.rollingUpdate.maxUnavailable.",
        "examples": [0, "25%"],
    },
}


def _add_short_names(schema: dict[str, Any]) -> None:
    schema["properties"] |= _SHORT_SCHEMA


class Deployment(Section):
    """The Deployment of the application; defaults are the API server's (Kubernetes, apps/v1/defaults.go)."""

    model_config = ConfigDict(json_schema_extra=_add_short_names)

    name: ObjectName = "app"
    """Name; the timeline's operations name it. Chooses among several Deployments in the manifests."""
    replicas: Annotated[Whole, Field(ge=0, le=100_000)] = 1
    """Wanted number of pods."""
    strategy: Strategy = Strategy()
    """How a rollout replaces pods."""
    min_ready_seconds: WholeSeconds = 0
    """A pod is available after being ready for this long; it gets traffic before."""
    progress_deadline_seconds: WholeSeconds = 600
    """A rollout without progress for this long is reported as stuck; nothing else happens."""
    revision_history_limit: Annotated[Whole, Field(ge=0)] = 10
    """Old ReplicaSets kept; no effect on traffic."""
    paused: Switch = False
    """Rollouts do not proceed; scaling still works."""
    kind: Literal["Deployment", "StatefulSet"] = "Deployment"
    """Which controller owns the pods; of a StatefulSet ``strategy`` and surge have no meaning."""
    pod_management_policy: Literal["OrderedReady", "Parallel"] = "OrderedReady"
    """Of a StatefulSet: whether scaling goes one pod after the other."""
    update_strategy: UpdateStrategy = UpdateStrategy()
    """Of a StatefulSet: how a rollout replaces pods."""
    pod_replacement_policy: Literal["TerminationStarted", "TerminationComplete"] | None = None
    """KEP-5882, in no release: ``TerminationComplete`` lets terminating pods hold their place in a rollout."""
    pod_deletion_cost: Literal["none", "liveSessions"] = "none"
    """``liveSessions``: something keeps each pod's annotation pod-deletion-cost at its number of live sessions, so that
    a scale-down takes the emptiest pod."""
    disruption_budget: DisruptionBudget | None = None
    """The PodDisruptionBudget that selects the pods."""
    termination_grace_period_seconds: WholeSeconds = 30
    """From the kubelet's first step of killing a pod to SIGKILL, preStop included."""
    pre_stop: PreStop | None = None
    """The preStop hook."""
    readiness_probe: Probe | None = None
    """Without one a pod is ready once it runs (and its startup probe has passed)."""
    startup_probe: StartupProbe | None = None
    """Holds the other probes back until it has passed once."""
    liveness_probe: LivenessProbe | None = None
    """Restarts a container that fails it."""
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """``IfNotPresent``: the first pod of a version on a node pulls the image, the others find it; ``Always``: every
    start of a container pulls; ``Never``: the image is there."""
    restart_policy: Literal["Always", "OnFailure", "Never"] = "Always"
    """Of the application's container: whether it is started again in its pod when it has ended; if not, the pod is over
    and its owner makes another. A container has one of its own from Kubernetes 1.35 on."""
    restart_policy_rules: tuple[RestartPolicyRule, ...] = ()
    """Exit codes with which the container is restarted in its pod whatever its policy."""
    sidecars: tuple[Sidecar, ...] = ()
    """Other containers of the pod, in the order of the manifest."""

    @model_validator(mode="before")
    @classmethod
    def _short_names(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        section, _, wrong = expanded(value)
        if wrong:
            raise ValueError(next(iter(wrong.values())))
        return section

    @model_validator(mode="after")
    def _valid(self) -> Self:
        # Source: Kubernetes, apps/validation.go: ValidateDeploymentSpec.
        deadline = self.progress_deadline_seconds
        if deadline <= self.min_ready_seconds:
            text, field = f"Invalid value: {deadline}: must be greater than minReadySeconds", "progressDeadlineSeconds"
            if "progress_deadline_seconds" not in self.model_fields_set:
                text, field = f"must be less than {field}, which is {deadline} where it is left out", "minReadySeconds"
            refuse("Deployment", [Problem((field,), text)])
        return self

    def surge(self, replicas: int) -> int:
        """Return how many pods a rolling update of ``replicas`` may add; 0 for Recreate."""
        rolling = self.strategy.rolling_update
        strategy = deployment_spec.Strategy(self.strategy.type, rolling.max_surge, rolling.max_unavailable)
        return deployment_spec.max_surge(deployment_spec.DeploymentSpec(replicas=replicas, strategy=strategy))
