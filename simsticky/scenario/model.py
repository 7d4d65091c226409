"""The scenario: everything that is simulated, frozen and validated.

A :class:`Scenario` is built from a file by :func:`simsticky.scenario.reading.load.load`, or from a plain mapping by
``Scenario.model_validate``. YAML keys are camelCase, Python attributes snake_case, all times seconds.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from simsticky.errors import Diagnostic
from simsticky.notebook import ShownInNotebooks
from simsticky.scenario.advice import warnings_of
from simsticky.scenario.application import App, Crashes, MemoryLimit, OnSigterm, WarmUp
from simsticky.scenario.autoscaler import Autoscaler
from simsticky.scenario.cluster import Kic, Kubernetes
from simsticky.scenario.companions import Companion
from simsticky.scenario.connections import Connections, Reconnect
from simsticky.scenario.deployment import (
    Deployment,
    LivenessProbe,
    PreStop,
    Probe,
    RollingUpdate,
    Sidecar,
    StartupProbe,
    Strategy,
)
from simsticky.scenario.fields import Duration, Line, Section, Switch, Text, Whole
from simsticky.scenario.gateway import Gateway, Healthchecks, Ingress, Service, StickySessions, Upstream
from simsticky.scenario.location import Place
from simsticky.scenario.operations import (
    ConfigPush,
    DeletePod,
    GatewayRestart,
    Operation,
    ReadinessFlap,
    Rollout,
    Scale,
    repeated,
)
from simsticky.scenario.problems import Problem, again, details, did_you_mean, refuse
from simsticky.scenario.replicas import no_equilibrium
from simsticky.scenario.report import ManifestReport
from simsticky.scenario.requests import Cookies, Identifiers, OtherUpstream, PathShare
from simsticky.scenario.targets import misfits
from simsticky.scenario.thresholds import Threshold, ThresholdText
from simsticky.scenario.traffic import (
    Arrivals,
    Closed,
    Diurnal,
    OnFailure,
    Piecewise,
    Poisson,
    Step,
    Traffic,
    is_inline,
)
from simsticky.units import format_duration, parse_duration, quoted

__all__ = [
    "App",
    "Arrivals",
    "Autoscaler",
    "Closed",
    "Companion",
    "ConfigPush",
    "Connections",
    "Cookies",
    "Crashes",
    "DeletePod",
    "Deployment",
    "Diurnal",
    "Gateway",
    "GatewayRestart",
    "Healthchecks",
    "Identifiers",
    "Ingress",
    "Kic",
    "Kubernetes",
    "LivenessProbe",
    "MemoryLimit",
    "OnFailure",
    "OnSigterm",
    "Operation",
    "OtherUpstream",
    "PathShare",
    "Piecewise",
    "Poisson",
    "PreStop",
    "Probe",
    "ReadinessFlap",
    "Reconnect",
    "RollingUpdate",
    "Rollout",
    "Run",
    "Scale",
    "Scenario",
    "Service",
    "Sidecar",
    "StartupProbe",
    "Step",
    "StickySessions",
    "Strategy",
    "Threshold",
    "Traffic",
    "Upstream",
    "WarmUp",
]


def _until(value: Any) -> float | Literal["drained"]:
    if isinstance(value, str) and value == "drained":
        return "drained"
    try:
        return parse_duration(value)
    except ValueError:
        if isinstance(value, str) and did_you_mean(value, ["drained"]):
            raise ValueError(f"{quoted(value)} is neither drained nor a duration; did you mean drained?") from None
        raise ValueError(f"{quoted(value)} is neither drained nor a duration such as 30m") from None


class Run(Section):
    """How long, how often and with which seed to simulate."""

    until: Annotated[
        Literal["drained"] | float,
        PlainValidator(_until),
        WithJsonSchema({"anyOf": [{"const": "drained"}, {"type": ["string", "number"]}]}, mode="validation"),
    ] = "drained"
    """``drained``: until every session alive after the last operation has ended; or a time."""
    horizon: Annotated[Duration, Field(gt=0)] = 7200.0
    """The run ends here at the latest."""
    replications: Annotated[Whole, Field(ge=1, le=1_000_000)] = 30
    """Independent runs."""
    seed: Annotated[Whole, Field(ge=0)] = 1
    """Seed of all randomness."""
    settle: Duration = 60.0
    """Left out of the measures at the start."""
    start: Literal["equilibrium", "empty"] = "equilibrium"
    """Whether sessions are alive at 0 as in the long run, or none is."""
    record: Literal["requests", "sessions", "summary"] = "requests"
    """How much is kept."""
    skew_floor: Switch = True
    """Run each replication once more without the operation, for the excess of load skew."""

    @model_validator(mode="after")
    def _settles(self) -> Self:
        end = self.horizon if self.until == "drained" else min(self.until, self.horizon)
        if "settle" in self.model_fields_set and self.settle >= end:
            text = f"{format_duration(self.settle)} is the whole run of {format_duration(end)}: nothing is measured"
            refuse("Run", [Problem(("settle",), text, "lower it, or lengthen run.horizon")])
        return self


class Scenario(Section, ShownInNotebooks):
    """What is simulated: traffic, application, Kubernetes and Kong objects, delays and operations."""

    schema_: Annotated[Literal["simsticky/1"], Field(alias="schema")] = "simsticky/1"
    """Version of this format."""
    name: Line = "scenario"
    """Short name, for tables."""
    about: Text = ""
    """One or two sentences for people."""
    manifests: tuple[str, ...] = ()
    """Files or directories of Kubernetes manifests; ``-`` is standard input."""
    run: Run = Run()
    traffic: Traffic = Traffic()
    app: App = App()
    deployment: Deployment = Deployment()
    service: Service = Service()
    ingress: Ingress = Ingress()
    upstream: Upstream = Upstream()
    gateway: Gateway = Gateway()
    kic: Kic = Kic()
    kubernetes: Kubernetes = Kubernetes()
    companions: tuple[Companion, ...] = ()
    """Further Deployments of the same application, for blue-green and canary."""
    autoscaler: Autoscaler | None = None
    """The HorizontalPodAutoscaler of the Deployment."""
    timeline: tuple[Operation, ...] = ()
    """Operations, in any order."""
    thresholds: dict[str, ThresholdText] = Field(default_factory=dict)
    """Bounds on metrics, for example broken_sessions: "< 1%"."""

    _places: dict[str, Place] = PrivateAttr(default_factory=dict)
    _digests: dict[str, str] = PrivateAttr(default_factory=dict)
    _manifest_report: ManifestReport = PrivateAttr(default_factory=ManifestReport)

    @model_validator(mode="wrap")
    @classmethod
    def _consistent(cls, value: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        # On failure the rules across sections look at what was written, so that all problems come at once.
        try:
            scenario = read(value)
        except ValidationError as error:
            written = value if isinstance(value, Mapping) else {}
            lines = again(error) + details(_broken_rules(written))
            raise ValidationError.from_exception_data("Scenario", lines) from None
        if broken := _broken_rules(scenario.to_json_dict()):
            raise ValidationError.from_exception_data("Scenario", details(broken))
        return scenario

    def evolve(self, changes: Mapping[str, Any], *, source: str = "") -> "Scenario":
        """Return a copy with values changed, validated again.

        Args:
            changes: New values by dotted YAML path, for example ``{"kic.enableDrainSupport": False,
                "timeline.0.at": "5m", "deployment.preStop": "45s"}``. The short paths ``deployment.grace``,
                ``deployment.maxSurge``, ``deployment.maxUnavailable`` and ``kic.delays``,
                ``kubernetes.delays`` work too. None takes a value back to its default (or to none). What the
                change replaces goes: another ``upstream.algorithm`` drops the fields of the former one,
                ``traffic.sessionDuration`` drops ``traffic.requests`` and the other way round.
            source: Who asks, for provenance and errors: ``--set`` on the command line.

        Raises:
            InputError: A path is unknown or a value is wrong.
        """
        # Not at the top: that module needs this class.
        from simsticky.scenario.paths.changes import evolve

        return evolve(self, changes, source)

    def to_json_dict(self) -> dict[str, Any]:
        """Return the resolved scenario as plain JSON types; :meth:`model_validate` reads it back."""
        return self.model_dump(mode="json", by_alias=True)

    def digest(self, *, record: str | None = None) -> str:
        """Return 16 hex digits that change whenever anything that can change a result changes.

        Names, thresholds, the number of replications and file paths are left out; a trace counts by its
        content.

        Args:
            record: Speak of the scenario as if its ``run.record`` were this.
        """
        record = record or self.run.record
        if record not in self._digests:
            self._digests[record] = self._digest(record)
        return self._digests[record]

    def _digest(self, record: str) -> str:
        written = self.to_json_dict()
        for key in ("name", "about", "thresholds", "manifests"):
            del written[key]
        del written["run"]["replications"]
        written["run"]["record"] = record
        for unit in ("rps", "session"):  # the laws that they come to are there
            written["traffic"].pop(unit, None)
        if self.traffic.trace is not None:
            written["traffic"]["trace"] = self.trace_digest()
        text = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def trace_digest(self) -> str | None:
        """Return the SHA-256 of the trace's content, wherever it lies; None where there is no trace."""
        trace = self.traffic.trace
        if trace is None:
            return None
        return hashlib.sha256(trace.encode() if is_inline(trace) else Path(trace).read_bytes()).hexdigest()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, some fields of it changed without validation; see pydantic."""
        copy = super().model_copy(update=update, deep=deep)
        copy._digests = {}  # they were of the former fields
        return copy

    @property
    def provenance(self) -> Mapping[str, str]:
        """Where each stated value came from, by dotted path: ``example-app.yaml:12`` or ``--set``."""
        return {path: _origin(place) for path, place in self._places.items()}

    def came_from(self, path: str) -> str:
        """Return where the value at a dotted path came from; ``default`` if nobody stated it."""
        path = self.stated_as(path)
        while path:
            if path in self._places:
                return _origin(self._places[path])
            path = path.rpartition(".")[0]
            # What is part of a stated value (traffic.think.mean of "6s") came with it; what merely shares a
            # section with stated values did not.
            if any(place.startswith(f"{path}.") for place in self._places):
                break
        return "default"

    def stated_as(self, path: str) -> str:
        """Return the path under which the value at a dotted path was stated: ``traffic.rps`` for the rate it gives."""
        for unit, law in (("rps", "traffic.sessions"), ("session", "traffic.sessionDuration")):
            if getattr(self.traffic, unit) is not None and f"{path}.".startswith(f"{law}."):
                return f"traffic.{unit}"
        return path

    @property
    def places(self) -> Mapping[str, Place]:
        """Place of each stated value, by dotted path."""
        return self._places

    def set_origin(self, places: Mapping[str, Place], report: ManifestReport) -> None:
        """Note where the values came from; no part of the scenario's identity."""
        self._places = dict(places)
        self._manifest_report = report

    def diagnostic(self, path: str, message: str, hint: str = "") -> Diagnostic:
        """Return a diagnostic at the place of the value at a dotted path, or of what is stated above it."""
        stated = path = self.stated_as(path)
        while stated and stated not in self._places:
            stated = stated.rpartition(".")[0]
        if not stated:
            return Diagnostic("", None, None, path, message, hint)
        place = self._places[stated]
        return Diagnostic(place.file, place.line, place.column, place.path or path, message, hint)

    @property
    def manifest_report(self) -> ManifestReport:
        """What was read from the manifests, what was ignored, and what was assumed."""
        return self._manifest_report

    @property
    def parsed_thresholds(self) -> dict[str, Threshold]:
        """The thresholds by metric."""
        return {metric: Threshold.parse(text) for metric, text in self.thresholds.items()}

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The timeline with its repetitions written out."""
        return repeated(self.timeline)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed and yet worth a second look."""
        return (*(str(note) for note in self._manifest_report.said_aloud), *warnings_of(self))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON schema of scenario files, for editors."""
        # Not at the top: it is needed by few, and says the format's examples at length.
        from simsticky.scenario.schema import json_schema

        return json_schema(cls)

    def __eq__(self, other: object) -> bool:
        # Where a value came from does not make it another scenario; pydantic would compare that too.
        return self.__dict__ == other.__dict__ if isinstance(other, Scenario) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self.about, self.manifests))


def _origin(place: Place) -> str:
    name = place.file.replace("\\", "/").rpartition("/")[2]
    return name if place.line is None else f"{name}:{place.line}"


def _broken_rules(written: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong between sections, as far as a possibly broken mapping lets one see it."""
    return [*misfits(written), *no_equilibrium(written)]
