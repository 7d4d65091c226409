"""Where a field that stands in the wrong place belongs, and what a misspelt one was meant to be."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simsticky.manifests.field_table import Field, FieldTable

Keys = tuple[str | int, ...]

_SAME, _LIKELY = 0.85, 0.6
"""How alike two names are that surely, and that probably, mean the same (difflib's ratio)."""
_MOST_PLACES = 3
"""In more places than this a name is too common to tell where it belongs."""
_AMOUNTS = ("cpu", "memory", "ephemeral-storage")
"""What stands in the free maps of resources."""
_SELECTOR = "apis.meta.v1.LabelSelector"
_PODS = ("template.spec", "podTemplateSpec")
"""Inside pods there is a field of almost any name: one found there only does not tell what was meant."""
_USUAL = {"port": "containerPort"}
"""What is meant by a name that is like several fields of the same place."""
_TWINS = ("initContainers[]", "ephemeralContainers[]")
"""What has the fields of ``containers[]`` too."""
_REPLACED = {
    ("Ingress", "serviceName"): "service.name",
    ("Ingress", "servicePort"): "service.port.number, or service.port.name",
    ("Ingress", "backend"): "defaultBackend",
    ("HorizontalPodAutoscaler", "targetCPUUtilizationPercentage"): (
        "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]"
    ),
    ("HorizontalPodAutoscaler", "targetAverageUtilization"): "target: {type: Utilization, averageUtilization: 70}",
    ("HorizontalPodAutoscaler", "targetAverageValue"): "target: {type: AverageValue, averageValue: 10}",
    ("Deployment", "rollbackTo"): "kubectl rollout undo",
}
"""What newer versions of a kind have instead of a field of older ones."""


def whereabouts(table: FieldTable, api_version: str, kind: str, keys: Keys, type_name: str, value: Any) -> str:
    """Return what to do about an unknown field; empty if nothing is known of it.

    Args:
        table: The fields that are known.
        api_version: The object's version.
        kind: The object's kind.
        keys: Path of the unknown field.
        type_name: The type that it stands in.
        value: Its value.
    """
    name, here = str(keys[-1]), table.fields(type_name)
    if meant := _USUAL.get(name, "") if _USUAL.get(name) in here else _near(name, here, _SAME):
        return f"did you mean {meant}?"
    root = table.kind(api_version, kind)
    above = _pattern(keys[:-1])
    wraps = isinstance(value, Mapping) and value and all(key in here for key in value)
    if wraps and not (root is not None and belongs(table, root.type, above, name, value)):
        return f"write {_listed(list(value), 'and')} in its place"
    if name in _AMOUNTS and {"requests", "limits"} <= here.keys():
        return f"{name} belongs to requests or limits"
    if type_name == _SELECTOR and not isinstance(value, Mapping | list):
        return f"labels stand below matchLabels: {{{name}: {value}}}"
    others = [*_elsewhere_known(table, api_version, kind, above, name)]
    versions = [version for version, other in others if other == kind]
    if versions:
        text = f"{kind} has it in {_listed(versions, 'and')} only"
        instead = _REPLACED.get((kind, name))
        return f"{text}, in {api_version} write {instead}" if instead else text
    if root is not None and (places := belongs(table, root.type, above, name, value)):
        return f"{name} belongs to {_listed(places, 'or')}"
    meant = _near(name, here, _LIKELY)
    kinds = list(dict.fromkeys(other for _, other in others))
    if kinds:
        text = f"a field of {_listed(kinds, 'and')}, not of {kind}"
        return f"{text}; did you mean {meant}?" if meant else text
    return f"did you mean {meant}?" if meant else ""


def is_meant(table: FieldTable, root: str, keys: Keys, type_name: str, value: Any) -> bool:
    """Return whether an unknown field of a type that is not wholly known is surely a known one, misspelt or misplaced.

    Args:
        table: The fields that are known.
        root: The object's type.
        keys: Path of the unknown field.
        type_name: The type that it stands in.
        value: Its value.
    """
    name = str(keys[-1])
    if _near(name, table.fields(type_name), _SAME):
        return True
    above = _pattern(keys[:-1])
    places = belongs(table, root, above, name, value)
    return any(not any(part in place for part in _PODS) for place in places)


def belongs(table: FieldTable, root: str, above: tuple[str, ...], name: str, value: Any) -> list[str]:
    """Return the nearest places in an object where a field of this name, and fit for its value, belongs.

    Args:
        table: The fields that are known.
        root: The object's type.
        above: Path of what the field stands in, as :meth:`FieldTable.paths` writes it.
        name: The field.
        value: Its value.
    """
    found: dict[tuple[int, int], list[tuple[str, ...]]] = {}
    for path, type_name in table.paths(root):
        field = table.fields(type_name).get(name)
        if field is not None and _fits(value, field):
            common = sum(1 for _ in _common(above, path))
            up, down = len(above) - common, len(path) - common
            found.setdefault((up + down, down), []).append(path)
    if not found:
        return []
    nearest = found[min(found)]
    plain = [path for path in nearest if not any(twin in path for twin in _TWINS)] or nearest
    return [".".join(path) or "the top of the object" for path in plain] if len(plain) <= _MOST_PLACES else []


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> Iterator[str]:
    for left, right in zip(one, other, strict=False):
        if left != right:
            return
        yield left


def _elsewhere_known(
    table: FieldTable, api_version: str, kind: str, above: tuple[str, ...], name: str
) -> Iterator[tuple[str, str]]:
    """Yield the versions of this kind and the kinds of its group that have the field in the same place."""
    group = api_version.rpartition("/")[0]
    for version, other in table.kinds():
        root = table.kind(version, other)
        if (version, other) == (api_version, kind) or root is None:
            continue
        if other != kind and (version.rpartition("/")[0] != group or version != api_version):
            continue
        if name in table.fields(table.type_at(root.type, above)):
            yield version, other


def _pattern(keys: Keys) -> tuple[str, ...]:
    """Return a path with ``containers[]`` for ``containers, 0``."""
    found: list[str] = []
    for key in keys:
        if isinstance(key, int) and found:
            found[-1] += "[]"
        else:
            found.append(str(key))
    return tuple(found)


def _fits(value: Any, field: Field) -> bool:
    """Return whether a value has the outline that a field wants: a list, a mapping, or neither."""
    if value is None or (field.type == "any" and not field.shape):
        return True
    scalar = not field.shape and field.type in ("string", "integer", "number", "boolean", "quantity", "int-or-string")
    wanted = list if field.shape == "list" else dict
    return not isinstance(value, list | dict) if scalar else isinstance(value, wanted)


def _near(name: str, known: Iterable[str], cutoff: float) -> str:
    by_lower = {candidate.lower(): candidate for candidate in known}
    plain = name.lower().replace("_", "").replace("-", "")
    near = [plain] if plain in by_lower else difflib.get_close_matches(plain, by_lower, 1, cutoff)
    if not near and cutoff == _LIKELY and len(plain) > 3:
        longer = [candidate for candidate in by_lower if plain in candidate]
        near = longer if len(longer) == 1 else []
    return by_lower[near[0]] if near else ""


def _listed(names: list[str], last: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"
