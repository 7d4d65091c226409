"""From today's setting to the pick as edits that one can apply: a patch of each object read, else the scenario's lines.

A value belongs where it was read: what a manifest states, or leaves to its default, is a patch of that object; what
the scenario file states itself is a line of the scenario, for it wins over every manifest.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any, TypeGuard

from simsticky.manifests.ingress_controller import FLAGGED, flag_changes
from simsticky.scenario.location import dotted
from simsticky.scenario.paths.changes import keys_of, setting_at
from simsticky.scenario.paths.quantities import number_at
from simsticky.scenario.short_names import full_keys

if TYPE_CHECKING:
    from simsticky.scenario.location import Place
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.report import ManifestObject

_POD = "spec.template.spec"
_FIELDS: Mapping[str, tuple[str, str]] = {
    "deployment.replicas": ("deployment", "spec.replicas"),
    "deployment.minReadySeconds": ("deployment", "spec.minReadySeconds"),
    "deployment.progressDeadlineSeconds": ("deployment", "spec.progressDeadlineSeconds"),
    "deployment.revisionHistoryLimit": ("deployment", "spec.revisionHistoryLimit"),
    "deployment.paused": ("deployment", "spec.paused"),
    "deployment.strategy.rollingUpdate.maxSurge": ("deployment", "spec.strategy.rollingUpdate.maxSurge"),
    "deployment.strategy.rollingUpdate.maxUnavailable": ("deployment", "spec.strategy.rollingUpdate.maxUnavailable"),
    "deployment.updateStrategy.type": ("deployment", "spec.updateStrategy.type"),
    "deployment.updateStrategy.partition": ("deployment", "spec.updateStrategy.rollingUpdate.partition"),
    "deployment.terminationGracePeriodSeconds": ("pods", f"{_POD}.terminationGracePeriodSeconds"),
    "deployment.disruptionBudget.minAvailable": ("disruptionBudget", "spec.minAvailable"),
    "deployment.disruptionBudget.maxUnavailable": ("disruptionBudget", "spec.maxUnavailable"),
    "service.publishNotReadyAddresses": ("service", "spec.publishNotReadyAddresses"),
    "autoscaler.minReplicas": ("autoscaler", "spec.minReplicas"),
    "autoscaler.maxReplicas": ("autoscaler", "spec.maxReplicas"),
}
"""Fields that a manifest holds as the scenario does: the section whose object has it, and where."""

_ANNOTATIONS: Mapping[str, tuple[str, str, Callable[[Any], str]]] = {
    "gateway.retries": ("service", "konghq.com/retries", str),
    "gateway.connectTimeout": ("service", "konghq.com/connect-timeout", lambda seconds: str(round(1000 * seconds))),
    "gateway.readTimeout": ("service", "konghq.com/read-timeout", lambda seconds: str(round(1000 * seconds))),
    "gateway.writeTimeout": ("service", "konghq.com/write-timeout", lambda seconds: str(round(1000 * seconds))),
    "ingress.stripPath": ("ingress", "konghq.com/strip-path", lambda strips: str(strips).lower()),
}
_PROBES = ("readinessProbe", "startupProbe", "livenessProbe")
_CUSTOM = {
    "KongUpstreamPolicy": "kongupstreampolicies.configuration.konghq.com",
    "ControlPlane": "controlplanes.gateway-operator.konghq.com",
    "GatewayConfiguration": "gatewayconfigurations.gateway-operator.konghq.com",
    "Rollout": "rollouts.argoproj.io",
    "HTTPRoute": "httproutes.gateway.networking.k8s.io",
}
"""Kinds that the API server knows from their definition alone: a strategic merge is not for them."""

_STRATEGIES = ("spec.strategy.", "spec.updateStrategy.")


@dataclass(frozen=True, slots=True)
class Patch:
    """One edit.

    Attributes:
        kind: Kind of the object; empty where the scenario itself is edited.
        name: Its name.
        namespace: Its namespace; empty where the manifest leaves that to kubectl.
        file: File that states it now; empty where there is none.
        line: Line on which the object begins, or the scenario's value stands; None where it stands nowhere yet.
        body: What changes, and nothing else; None takes a field away.
    """

    kind: str
    name: str
    namespace: str
    file: str
    line: int | None
    body: Mapping[str, Any]

    @property
    def kubectl(self) -> str:
        """The command up to the patch; empty for the scenario."""
        if not self.kind:
            return ""
        way = "merge" if self.kind in _CUSTOM else "strategic"
        namespace = f" -n {shlex.quote(self.namespace)}" if self.namespace else ""
        kind = _CUSTOM.get(self.kind, self.kind.lower())
        return f"kubectl patch {kind} {shlex.quote(self.name)}{namespace} --type {way} --patch"

    @property
    def command(self) -> str:
        """The whole command on one line, the patch as JSON; empty for the scenario."""
        return f"{self.kubectl} {shlex.quote(json.dumps(self.body))}" if self.kind else ""

    @property
    def yaml(self) -> str:
        """What changes, as YAML."""
        from ruamel.yaml import YAML
        from ruamel.yaml.scalarstring import DoubleQuotedScalarString

        def quoted(node: Any) -> Any:
            if isinstance(node, Mapping):
                return {key: quoted(below) for key, below in node.items()}
            if isinstance(node, list | tuple):
                return [quoted(below) for below in node]
            # Double quotes, so that a shell can have single ones around; a scenario's file has no shell.
            return DoubleQuotedScalarString(node) if isinstance(node, str) and self.kind else node

        writer = YAML()
        writer.width = 10_000
        writer.default_flow_style = False
        writer.indent(mapping=2, sequence=4, offset=2)
        writer.representer.add_representer(
            type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
        )
        text = StringIO()
        writer.dump(quoted(self.body), text)
        return text.getvalue()

    def to_json_dict(self) -> dict[str, Any]:
        """Return the edit with the names of the JSON output."""
        return {
            "kind": self.kind,
            "name": self.name,
            "namespace": self.namespace,
            "file": self.file,
            "line": self.line,
            "patch": dict(self.body),
            "yaml": self.yaml,
            "command": self.command,
        }


def patches(today: Scenario, pick: Scenario, varied: Sequence[str]) -> tuple[Patch, ...]:
    """Return the edits that lead from today's setting to the pick, objects before the scenario.

    Args:
        today: The scenario as it is.
        pick: The setting that is recommended.
        varied: Paths that were turned or followed, as written.
    """
    objects = today.manifest_report.objects
    bodies: dict[tuple[str, str, str], dict[str, Any]] = {}
    own: dict[str, Any] = {}
    first: Place | None = None
    for path in varied:
        full = dotted(full_keys(keys_of(path)))
        if setting_at(today, full) == setting_at(pick, full):
            continue
        place = _place(today, full)
        stated = place if _is_own(place, objects) else None
        section, body = _in_object(today, pick, full, objects)
        if body is not None and stated is None:
            bodies[_id(objects[section])] = merged(bodies.get(_id(objects[section]), {}), body)
            continue
        named = stated.path if stated is not None and stated.path else path  # short or full, as it is written there
        own = merged(own, _nested(named.split("."), _written(pick, path)))
        first = first or stated
    targets = {_id(of): of for of in objects.values()}
    found = [Patch(of.kind, of.name, of.namespace, of.file, of.line, bodies[key])
             for key, of in targets.items() if bodies.get(key)]  # fmt: skip
    if own:
        here = first or today.places.get("schema") or today.places.get("timeline")
        line = None if first is None else first.line
        found.append(Patch("", "", "", "" if here is None or here.line is None else here.file, line, own))
    return tuple(found)


def _id(of: ManifestObject) -> tuple[str, str, str]:
    """What tells objects apart: one may fill several sections."""
    return of.kind, of.namespace, of.name


def _is_own(place: Place | None, objects: Mapping[str, ManifestObject]) -> bool:
    """Whether the scenario's own file states a value; what ``--set`` states, no file does."""
    return place is not None and place.line is not None and place.file not in {of.file for of in objects.values()}


def _place(scenario: Scenario, full: str) -> Place | None:
    """Where a value is stated, or something below it."""
    if full in scenario.places:
        return scenario.places[full]
    return next((place for path, place in scenario.places.items() if path.startswith(f"{full}.")), None)


def _in_object(
    today: Scenario, pick: Scenario, full: str, objects: Mapping[str, ManifestObject]
) -> tuple[str, dict[str, Any] | None]:
    """Return which section's object holds a setting, and what changes there; None where no object read can."""
    section, body = _way(today, pick, full, objects)
    return (section, body) if section in objects else ("", None)


def _way(
    today: Scenario, pick: Scenario, full: str, objects: Mapping[str, ManifestObject]
) -> tuple[str, dict[str, Any] | None]:
    """Return the section that a setting belongs to, whether an object was read for it or not, and what changes."""
    top, _, below = full.partition(".")
    if full in _FIELDS:
        section, where = _FIELDS[full]
        is_foreign = section in objects and objects[section].kind in _CUSTOM and where.startswith(_STRATEGIES)
        return section, None if is_foreign else _nested(where.split("."), _plain(setting_at(pick, full)))
    if full in _ANNOTATIONS:
        section, name, text = _ANNOTATIONS[full]
        return section, {"metadata": {"annotations": {name: text(setting_at(pick, full))}}}
    if full == "deployment.strategy.type" and getattr(objects.get("deployment"), "kind", "") == "Deployment":
        # The API server fills rollingUpdate in, and refuses it beside Recreate.
        other = {"rollingUpdate": None} if setting_at(pick, full) == "Recreate" else {}
        return "deployment", {"spec": {"strategy": {"type": setting_at(pick, full), **other}}}
    if full.startswith("deployment.preStop"):
        return "pods", _hook(pick, objects.get("pods"))
    if top == "deployment" and below.split(".")[0] in (*_PROBES, "imagePullPolicy"):
        return "pods", _of_container(full, pick, objects.get("pods"))
    if full.startswith("autoscaler.behavior"):
        return "autoscaler", _nested(["spec", *below.split(".")], setting_at(pick, full))
    if top == "upstream":
        return "upstream", {"spec": _difference(_stated(today.upstream), _stated(pick.upstream))}
    if top == "kic" and below in FLAGGED:
        return "kic", _flags(today, pick, objects.get("kic"))
    return "", None


def _hook(pick: Scenario, workload: ManifestObject | None) -> dict[str, Any] | None:
    """The preStop hook as Kubernetes' own sleep, in whole seconds; whatever handler was there before goes."""
    hook = pick.deployment.pre_stop
    if not can_merge(workload) or (hook is not None and hook.kind != "sleep"):
        return None
    if hook is None or hook.seconds == 0:
        return container_patch(workload, {"lifecycle": {"preStop": None}})
    before = _below(workload.part, "lifecycle", "preStop")
    others = {handler: None for handler in before if handler != "sleep"}
    sleep = {"seconds": math.ceil(hook.seconds)}
    return container_patch(workload, {"lifecycle": {"preStop": {**others, "sleep": sleep}}})


def _of_container(full: str, pick: Scenario, workload: ManifestObject | None) -> dict[str, Any] | None:
    """A field of the container; a probe that the manifest does not have cannot be patched: what would it probe?"""
    keys = full.split(".")[1:]
    if not can_merge(workload) or (keys[0] in _PROBES and keys[0] not in workload.part):
        return None
    return container_patch(workload, _nested(keys, _plain(setting_at(pick, full))))


def _flags(today: Scenario, pick: Scenario, controller: ManifestObject | None) -> dict[str, Any] | None:
    """All flags of the controller that change: several of them may stand in one list of arguments."""
    before, after = (scenario.to_json_dict()["kic"] for scenario in (today, pick))
    changed = {key: after[key] for key in after if after[key] != before[key]}
    if controller is not None and controller.kind in ("ControlPlane", "GatewayConfiguration"):
        return _of_operator(controller, changed)
    if not can_merge(controller):
        return None
    fields = flag_changes(controller.part, changed)
    return container_patch(controller, fields) if fields else None


def _of_operator(plane: ManifestObject, changed: Mapping[str, Any]) -> dict[str, Any] | None:
    """The options of the Operator's embedded controller; an older one has a container, which no merge can reach."""
    if "name" in plane.part:
        return None
    fields: dict[str, Any] = {}
    if "enableDrainSupport" in changed:
        fields["translation"] = {"drainSupport": "enabled" if changed["enableDrainSupport"] else "disabled"}
    if "proxySyncSeconds" in changed:
        fields["dataplaneSync"] = {"interval": f"{changed['proxySyncSeconds']:g}s"}
    return _nested([str(key) for key in plane.keys], fields) if fields else None


def can_merge(workload: ManifestObject | None) -> TypeGuard[ManifestObject]:
    """Whether a container can be changed by a merge: by its name, in a kind whose lists merge by name."""
    return workload is not None and "name" in workload.part and workload.kind not in _CUSTOM


def container_patch(workload: ManifestObject, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of the container that a workload was read from as a patch of the workload."""
    container = {"name": workload.part["name"], **fields}
    return _nested([*_POD.split("."), "containers"], [container])


def _below(node: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        found = node.get(key)
        node = found if isinstance(found, Mapping) else {}
    return node


def _stated(upstream: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = upstream.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7386) from one mapping to another."""
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        if isinstance(value, Mapping) and isinstance(before.get(key), Mapping):
            if below := _difference(before[key], value):
                patch[key] = below
        elif key not in before or before[key] != value:
            patch[key] = value
    return patch


def _written(scenario: Scenario, path: str) -> Any:
    """A setting as people write it: a number in its unit, all else as it is."""
    keys = keys_of(path)
    try:
        number, quantity = number_at(scenario, keys)
    except ValueError:
        return setting_at(scenario, path)
    value = setting_at(scenario, path)
    return value if isinstance(value, str) else quantity.write(number)


def _plain(value: Any) -> Any:
    """Whole numbers as Kubernetes wants them."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _nested(keys: Sequence[str], value: Any) -> dict[str, Any]:
    for key in reversed(keys[1:]):
        value = {key: value}
    return {keys[0]: value}


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return both of two patches, the second wins; lists of named things (containers, variables) by their names."""
    both = dict(one)
    for key, value in other.items():
        before = both.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            both[key] = merged(before, value)
        elif isinstance(before, list) and isinstance(value, list) and all("name" in item for item in (*before, *value)):
            named = {item["name"]: item for item in before}
            for item in value:
                named[item["name"]] = merged(named.get(item["name"], {}), item)
            both[key] = list(named.values())
        else:
            both[key] = value
    return both
