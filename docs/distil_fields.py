"""Distil which fields Kubernetes' API knows into ``simsticky/manifests/fields.json``.

    python docs/distil_fields.py SCHEMAS... > simsticky/manifests/fields.json

Each of SCHEMAS is a directory with a folder for every release, ``v1.37.0-local`` and so on, each holding the JSON
schemas of that release in ``_definitions.json``, as the PyPI package ``kubernetes-validate`` carries them in its folder
``kubernetes-json-schema``. A version of the package holds a dozen releases, so several are needed for all of them:

    pip install --no-deps --target /tmp/schemas-a kubernetes-validate==1.22.3   # 1.10 to 1.22
    pip install --no-deps --target /tmp/schemas-b kubernetes-validate==1.24.1   # 1.23 and 1.24
    pip install --no-deps --target /tmp/schemas-c kubernetes-validate           # 1.25 and later

The table holds names and types only, the union over all releases, with the releases in which a field came and went.
It has three parts: ``releases``; ``kinds``, which give each ``apiVersion Kind`` its type; and ``types``, which give
each field its own. A type is ``string``, ``integer``, ``number``, ``boolean``, ``quantity``, ``int-or-string``, ``any``
(not looked into), the name of a type, or one of these after ``[]`` (a list of it) or ``{}`` (a map to it). Behind it
may stand ``since RELEASE`` (the type is older than the field) and ``until RELEASE`` (the last one to know it).
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

KINDS = (
    "apps Deployment",
    "apps StatefulSet",
    "apps DaemonSet",
    "apps ReplicaSet",
    "autoscaling HorizontalPodAutoscaler",
    "core ConfigMap",
    "core Namespace",
    "core Pod",
    "core Service",
    "extensions DaemonSet",
    "extensions Deployment",
    "extensions Ingress",
    "extensions ReplicaSet",
    "networking Ingress",
    "networking IngressClass",
    "policy PodDisruptionBudget",
)
"""The kinds that the reader knows, each with its group."""

_GROUPS = {"core": "", "networking": "networking.k8s.io/"}
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.\d+-local(-strict)?")
_PREFIXES = ("io.k8s.api.", "io.k8s.apimachinery.pkg.")
_SPECIAL = {
    "util.intstr.IntOrString": "int-or-string",
    "api.resource.Quantity": "quantity",
    "apis.meta.v1.Time": "string",
    "apis.meta.v1.MicroTime": "string",
    "apis.meta.v1.FieldsV1": "any",
    "runtime.RawExtension": "any",
}
_OPEN = {"managedFields", "status"}
"""Fields that the server writes; a copy of what it answered may hold whatever a later release knows."""

Release = tuple[int, int]
Fields = dict[str, str]


def releases_in(directories: Iterable[Path]) -> dict[Release, dict[str, Any]]:
    """Return the definitions of each release, oldest first; of several folders of one release one is read."""
    files: dict[Release, Path] = {}
    for directory in directories:
        for folder in sorted(directory.iterdir()):
            match = _RELEASE.fullmatch(folder.name)
            if match and (folder / "_definitions.json").is_file():
                files.setdefault((int(match[1]), int(match[2])), folder / "_definitions.json")
    found = {}
    for release, file in sorted(files.items()):
        whole = json.loads(file.read_text(encoding="utf-8"))
        found[release] = whole.get("$defs") or whole["definitions"]
    return found


def short(name: str) -> str:
    """Return a definition's name without what all have in common: ``core.v1.PodSpec``."""
    name = name.rpartition("/")[2]
    return next((name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)), name)


def type_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return a property's type as the table writes it."""
    if "$ref" in schema:
        name = short(schema["$ref"])
        if name in _SPECIAL:
            return _SPECIAL[name]
        target = definitions[schema["$ref"].rpartition("/")[2]]
        return name if "properties" in target else type_of(target, definitions)
    if len(schema.get("allOf", ())) == 1:
        return type_of(schema["allOf"][0], definitions)
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return "any"
    kinds = schema.get("type")
    kind = next((k for k in kinds if k != "null"), None) if isinstance(kinds, list) else kinds
    if kind == "array":
        return "[]" + type_of(schema.get("items", {}), definitions)
    if kind == "object":
        below = schema.get("additionalProperties")
        return "{}" + type_of(below, definitions) if isinstance(below, Mapping) else "any"
    if schema.get("format") == "int-or-string":
        return "int-or-string"
    return kind if kind in ("string", "integer", "number", "boolean") else "any"


def fields_of(definition: Mapping[str, Any], definitions: Mapping[str, Any]) -> Fields:
    """Return the fields of a definition, each with its type."""
    return {
        name: "any" if name in _OPEN else type_of(schema, definitions)
        for name, schema in definition.get("properties", {}).items()
    }


def roots(definitions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield ``apiVersion Kind`` and the name of its type for every kind that a release has."""
    for name in definitions:
        if not name.startswith("io.k8s.api."):
            continue
        group, version, kind = short(name).split(".")
        if f"{group} {kind}" in KINDS:
            yield f"{_GROUPS.get(group, f'{group}/')}{version} {kind}", short(name)


def reachable(names: Iterable[str], definitions: Mapping[str, Any]) -> dict[str, Fields]:
    """Return the types that some types are made of, those included."""
    full = {short(name): name for name in definitions}
    found: dict[str, Fields] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = fields_of(definitions[full[name]], definitions)
        waiting += [below for text in found[name].values() if (below := text.lstrip("[]{}")) in full]
    return found


class _Lives:
    """When names were seen, and what they were last."""

    def __init__(self) -> None:
        self.first: dict[str, Release] = {}
        self.last: dict[str, Release] = {}
        self.text: dict[str, str] = {}

    def see(self, release: Release, name: str, text: str) -> None:
        self.first.setdefault(name, release)
        self.last[name] = release
        self.text[name] = text

    def told(self, began: Release, ended: Release) -> Fields:
        """Return each name's text, with when it came and went within the life of what holds it."""
        told = {}
        for name in sorted(self.text):
            since = f" since {_written(self.first[name])}" if self.first[name] > began else ""
            until = f" until {_written(self.last[name])}" if self.last[name] < ended else ""
            told[name] = self.text[name] + since + until
        return told


def _written(release: Release) -> str:
    return f"{release[0]}.{release[1]}"


def distil(schemas: Mapping[Release, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the table of several releases' definitions, oldest first."""
    kinds = _Lives()
    types = _Lives()
    fields: dict[str, _Lives] = {}
    for release, definitions in schemas.items():
        found = dict(roots(definitions))
        for kind, name in found.items():
            kinds.see(release, kind, name)
        for name, below in reachable(found.values(), definitions).items():
            types.see(release, name, "")
            for field, text in below.items():
                fields.setdefault(name, _Lives()).see(release, field, text)
    every = list(schemas)
    told = {name: fields[name].told(types.first[name], types.last[name]) for name in sorted(fields)}
    used = _used(kinds.text.values(), told)
    return {
        "releases": [_written(release) for release in every],
        "kinds": kinds.told(every[0], every[-1]),
        "types": {name: below for name, below in told.items() if name in used},
    }


def _used(roots_: Iterable[str], types: Mapping[str, Fields]) -> set[str]:
    """Return the types that the union still needs: some fields have changed their type."""
    used: set[str] = set()
    waiting = list(roots_)
    while waiting:
        name = waiting.pop()
        if name in types and name not in used:
            used.add(name)
            waiting += [text.split()[0].lstrip("[]{}") for text in types[name].values()]
    return used


def written(table: Mapping[str, Any]) -> str:
    """Return the table as JSON, one kind or type a line, so that a new release makes a readable difference."""
    parts = [f'"releases": {json.dumps(table["releases"])}']
    for part in ("kinds", "types"):
        rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in table[part].items())
        parts.append(f'"{part}": {{\n{rows}\n}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    sys.stdout.write(written(distil(releases_in(Path(argument) for argument in sys.argv[1:]))))
