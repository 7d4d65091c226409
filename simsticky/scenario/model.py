"""The scenario: everything that is simulated, frozen and validated.

A :class:`Scenario` is built from a file by :func:`simsticky.scenario.reading.load.load`, or from a plain mapping by
``Scenario.model_validate``. YAML keys are camelCase, Python attributes snake_case, all times seconds.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import (
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from simsticky.errors import InputError
from simsticky.notebook import ShownInNotebooks
from simsticky.scenario.advice import warnings_of
from simsticky.scenario.application import App, Crashes, MemoryLimit, OnSigterm, WarmUp
from simsticky.scenario.autoscaler import Autoscaler
from simsticky.scenario.cluster import Kic, Kubernetes
from simsticky.scenario.companions import Companion
from simsticky.scenario.connections import Connections, Reconnect
from simsticky.scenario.containers import LivenessProbe, PreStop, Probe, Sidecar, StartupProbe
from simsticky.scenario.deployment import Deployment, RollingUpdate, Strategy
from simsticky.scenario.drafted import DraftedFromManifests
from simsticky.scenario.gateway import Gateway, Healthchecks, Ingress, Service, StickySessions, Upstream
from simsticky.scenario.operations import (
    ConfigPush,
    DeletePod,
    GatewayRestart,
    Operation,
    ReadinessFlap,
    Rollout,
    Scale,
)
from simsticky.scenario.paths.changes import evolve
from simsticky.scenario.paths.diagnose import diagnose
from simsticky.scenario.problems import Problem, again, details
from simsticky.scenario.replicas import no_equilibrium
from simsticky.scenario.requests import Cookies, Identifiers, OtherUpstream, PathShare
from simsticky.scenario.run import Run
from simsticky.scenario.sections import Sections
from simsticky.scenario.targets import misfits
from simsticky.scenario.thresholds import Threshold
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


class Scenario(Sections, DraftedFromManifests, ShownInNotebooks):
    """What is simulated: traffic, application, Kubernetes and Kong objects, delays and operations."""

    _digests: dict[str, str] = PrivateAttr(default_factory=dict)

    def __init__(self, **sections: Any) -> None:
        """Make a scenario of its sections, keys as in a file or as in Python: ``preStop`` or ``pre_stop``.

        Raises:
            InputError: Everything that is wrong, each at its path, names that are unknown with the nearest known one.
        """
        try:
            super().__init__(**sections)
        except ValidationError as error:
            raise InputError(diagnose(error, type(self), sections, lambda path, of_key: ((), None))) from None

    # So that validation from a mapping, which has an error of its own, does not come through here.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

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

    def evolve(self, changes: Mapping[str, Any], *, source: str = "") -> Self:
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
        return evolve(self, changes, source)

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


def _broken_rules(written: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong between sections, as far as a possibly broken mapping lets one see it."""
    return [*misfits(written), *no_equilibrium(written)]
