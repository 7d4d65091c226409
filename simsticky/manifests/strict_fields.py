"""Objects held to the API server's strict decoding: a fault ends the reading, or is a warning with ``--lenient``."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from simsticky.manifests.field_table import FieldTable, Release, shipped
from simsticky.manifests.findings import Findings
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.strict import Dated, Fault, check
from simsticky.manifests.whereabouts import whereabouts
from simsticky.scenario.fields import version_of
from simsticky.scenario.location import Keys
from simsticky.scenario.problems import did_you_mean

_GROUPS = ("", "apps", "autoscaling", "extensions", "networking.k8s.io", "policy")
"""Kubernetes' own groups of the kinds in the table; in others a kind of the same name is another kind."""
_VERSION: Keys = ("apiVersion",)
_KIND: Keys = ("kind",)
_ALIKE = 0.85
"""How alike two kinds are that mean the same (difflib's ratio): TCPRoute and HTTPRoute, 0.82, are two."""
_RELATIONS: Mapping[str, tuple[Keys, ...]] = {
    "Service": (("spec", "selector"),),
    "Ingress": (("spec", "rules"), ("spec", "defaultBackend"), ("spec", "backend")),
    "HTTPRoute": (("spec", "rules"),),
    "GRPCRoute": (("spec", "rules"),),
    "HorizontalPodAutoscaler": (("spec", "scaleTargetRef"),),
    "PodDisruptionBudget": (("spec", "selector"),),
}
"""What tells whom an object is about: where that cannot be read, nobody knows that the answer does not use it."""
_SERVICES_SELECTOR = "the labels stand below a Service's selector itself: selector: {app: web}"
_TAKEN = {"unknown": "ignored", "type": "ignored", "duplicate": "the last one is taken"}
_STILL_TOLD = ("serviceName", "servicePort", "backend")
"""Fields of an old Ingress that tell whom it is about even where its version no longer knows them."""


@dataclass(frozen=True, slots=True)
class _Checked:
    obj: KubernetesObject
    faults: list[Fault]
    dated: list[Dated]


class StrictFields:
    """What strict decoding finds in the objects.

    Args:
        objects: The objects.
        lenient: Take what is unknown or of a wrong type as not there, and say so, instead of refusing it.
    """

    def __init__(self, objects: Iterable[KubernetesObject], *, lenient: bool = False) -> None:
        self._lenient = lenient
        table = shipped()
        self._checked = [checked for obj in objects if (checked := _check(table, obj)) is not None]
        if lenient:
            for checked in self._checked:
                _take_away(checked)

    def faults(self) -> Iterator[tuple[KubernetesObject, Fault, str, str]]:
        """Yield every fault of every object, used or not: what is wrong, in words, and how to mend it."""
        for checked in self._checked:
            for fault in checked.faults:
                yield (checked.obj, fault, *_told(checked.obj, fault))

    def report(self, found: Findings) -> None:
        """Report every fault of the objects that the answer uses; list those of the others."""
        version = _stated_version(found)
        for checked in self._checked:
            obj = checked.obj
            used = found.uses(obj) or _relation_is_unclear(checked)
            for fault in checked.faults:
                message, hint = _told(obj, fault)
                if not used:
                    found.ignore(obj, fault.keys, f"{message}; the API server would refuse it")
                elif self._lenient:
                    text = "; ".join(part for part in (message, hint, _TAKEN[fault.kind]) if part)
                    found.say_aloud(obj, fault.keys, text)
                else:
                    found.replace_problem(obj, fault.keys, message, hint, of_key=fault.kind != "type")
            if used and version is not None:
                for dated in checked.dated:
                    if text := _not_in(dated, version):
                        found.say_aloud(obj, dated.keys, text)


def _told(obj: KubernetesObject, fault: Fault) -> tuple[str, str]:
    """Return what is wrong and how to mend it."""
    if fault.kind != "unknown":
        return fault.message, _SERVICES_SELECTOR if _is_label_selector(obj, fault.keys) else fault.hint
    version = str(obj.get("apiVersion"))
    hint = whereabouts(shipped(), version, obj.kind, fault.keys, fault.type, fault.value)
    return (f"{fault.message}, {hint}", "") if hint.startswith("did you mean") else (fault.message, hint)


def _is_label_selector(obj: KubernetesObject, keys: Keys) -> bool:
    """Return whether a Service selects as a Deployment does, below ``matchLabels``."""
    return (
        obj.kind == "Service" and keys[:2] == ("spec", "selector") and keys[-1] in ("matchLabels", "matchExpressions")
    )


def _check(table: FieldTable, obj: KubernetesObject) -> _Checked | None:
    """Return what is wrong with an object; None if nothing is, as far as its kind is known."""
    version = str(obj.get("apiVersion"))
    duplicates = list(_duplicates(obj))
    root = table.kind(version, obj.kind)
    if root is not None:
        faults, dated = check(table, root, obj.data)
        return _Checked(obj, [*duplicates, *faults], dated)
    known = [other for other, kind in table.kinds() if kind == obj.kind and _lives_on(table, other, kind)]
    if not (obj.group in _GROUPS and known):
        known = [other for other, kind in table.kinds() if kind == obj.kind and _is_of(other, obj)]
    text = f"there is no {obj.kind} in {version}"
    if known:
        hint = did_you_mean(version, known) if obj.group else ""
        fault = Fault("type", _VERSION, "", None, text, hint or f"write {' or '.join(known)}")
        return _Checked(obj, [*duplicates, fault], [])
    if meant := _meant_kind(table, version, obj.kind):
        fault = Fault("type", _KIND, "", None, text, f"did you mean {meant}?")
        return _Checked(obj, [*duplicates, fault], [])
    return _Checked(obj, duplicates, []) if duplicates else None


def _is_of(version: str, obj: KubernetesObject) -> bool:
    """Return whether a version of a kind is of the object's group; Kong's own kinds have one group only."""
    return bool(obj.group) and (version.rpartition("/")[0] == obj.group or obj.kind.startswith("Kong"))


def _meant_kind(table: FieldTable, version: str, kind: str) -> str:
    """Return the kind that a misspelt one is meant to be; empty if there is none so near in its version."""
    by_lower = {known.lower(): known for other, known in table.kinds() if other == version}
    near = get_close_matches(kind.lower(), by_lower, 1, _ALIKE)
    return by_lower[near[0]] if near else ""


def _lives_on(table: FieldTable, api_version: str, kind: str) -> bool:
    """Return whether Kubernetes' newest release still has a kind in a version."""
    root = table.kind(api_version, kind)
    return root is not None and root.until is None and api_version.rpartition("/")[0] in _GROUPS


def _duplicates(obj: KubernetesObject) -> Iterator[Fault]:
    root = len(obj.root)
    for keys, first in obj.document.duplicates.items():
        if keys[:root] == obj.root:
            yield Fault("duplicate", keys[root:], "", None, f"duplicate key, first given on line {first}")


def _take_away(checked: _Checked) -> None:
    """Remove what is unknown or of a wrong type, as the API server does where it only warns; items of lists stay."""
    for fault in checked.faults:
        above: Any = checked.obj.get(*fault.keys[:-1])
        if fault.kind != "duplicate" and fault.keys not in (_VERSION, _KIND) and isinstance(above, dict):
            above.pop(str(fault.keys[-1]), None)


def _relation_is_unclear(checked: _Checked) -> bool:
    """Return whether it is a fault that hides whom the object is about."""
    relations = _RELATIONS.get(checked.obj.kind, ())
    faults = [fault for fault in checked.faults if fault.keys[-1] not in _STILL_TOLD]
    if any(fault.keys in (_VERSION, _KIND) for fault in faults):
        return True
    if not faults or not relations:
        return False
    if not any(checked.obj.get(*keys) for keys in relations):
        return True
    return any(_on_one_path(fault.keys, keys) for fault in faults for keys in relations)


def _on_one_path(one: Keys, other: Keys) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _stated_version(found: Findings) -> Release | None:
    section = found.stated.get("kubernetes")
    version = section.get("version") if isinstance(section, Mapping) else None
    return version_of(version) if isinstance(version, str) else None


def _not_in(dated: Dated, version: Release) -> str:
    """Return why a release does not know a field, or a version of a kind; empty if it does."""
    stated = f"kubernetes.version is {version[0]}.{version[1]}"
    if dated.since is not None and version < dated.since:
        return f"new in Kubernetes {dated.since[0]}.{dated.since[1]}, {stated}: that API server does not know it"
    if dated.until is not None and version > dated.until:
        return f"gone after Kubernetes {dated.until[0]}.{dated.until[1]}, {stated}: that API server does not know it"
    return ""
