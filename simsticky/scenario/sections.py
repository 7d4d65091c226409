"""The settings of a scenario: all of its sections, and where each value came from.

What looks at a scenario as a whole (advice, its first pods, what is not supported, dotted paths) takes
:class:`Sections` and stands below :class:`simsticky.scenario.model.Scenario`, which asks it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from simsticky.errors import Diagnostic
from simsticky.scenario.application import App
from simsticky.scenario.autoscaler import Autoscaler
from simsticky.scenario.cluster import Kic, Kubernetes
from simsticky.scenario.companions import Companion
from simsticky.scenario.deployment import Deployment
from simsticky.scenario.fields import Line, Section, Text
from simsticky.scenario.gateway import Gateway, Ingress, Service, Upstream
from simsticky.scenario.location import Place
from simsticky.scenario.operations import Operation, repeated
from simsticky.scenario.report import ManifestReport
from simsticky.scenario.run import Run
from simsticky.scenario.thresholds import Threshold, ThresholdText
from simsticky.scenario.traffic import Traffic


class Sections(Section):
    """Every setting of a scenario, each valid in itself, with the place where it was stated."""

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
    _manifest_report: ManifestReport = PrivateAttr(default_factory=ManifestReport)
    _guessed: tuple[str, ...] = PrivateAttr(default=())

    def to_json_dict(self) -> dict[str, Any]:
        """Return the resolved scenario as plain JSON types; :meth:`model_validate` reads it back."""
        return self.model_dump(mode="json", by_alias=True)

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

    def set_origin(self, places: Mapping[str, Place], report: ManifestReport, guessed: Sequence[str] = ()) -> None:
        """Note where the values came from, and which of them are guesses; no part of the scenario's identity."""
        self._places = dict(places)
        self._manifest_report = report
        self._guessed = tuple(path for path in guessed if path in places and places[path].line is not None)

    @property
    def guessed(self) -> tuple[str, ...]:
        """Dotted paths of the values that the scenario's file marks as guesses, as a draft of ``init`` does."""
        return self._guessed

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


def _origin(place: Place) -> str:
    name = place.file.replace("\\", "/").rpartition("/")[2]
    return name if place.line is None else f"{name}:{place.line}"
