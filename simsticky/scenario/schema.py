"""The JSON schema of scenario files: what pydantic makes of the models, put right for editors and for ``explain``.

Every property has a description and examples; a law has a kind; bounds have JSON schema's own names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from simsticky.scenario.location import Keys
from simsticky.units import format_duration

Node = dict[str, Any]

ID: Final = "urn:simsticky:scenario:1"
"""Identity of the format ``simsticky/1``; nothing is fetched from anywhere."""

_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}

_FILLED_FROM_BELOW = ("Autoscaler", "StickySessions")
"""Sections of which a file may state a part alone: manifests, or the file it stands on, state the rest."""

_EXAMPLES: Final[Mapping[str, list[Any]]] = {
    "Scenario.run": [{"until": "drained", "horizon": "2h", "replications": 30, "seed": 1}],
    "Scenario.traffic": [{"rps": 120, "session": {"p50": "6m", "p95": "40m"}}],
    "Scenario.app": [{"startup": "20s", "concurrency": 16, "onSigterm": "finishInFlight", "state": "pod"}],
    "Scenario.deployment": [{"name": "shop", "replicas": 3, "preStop": "15s", "grace": "60s"}],
    "Scenario.service": [{"name": "shop"}],
    "Scenario.upstream": [{"algorithm": "sticky-sessions", "stickySessions": {"cookie": "session-id"}}],
    "Scenario.gateway": [{"nodes": 2, "workers": 4}],
    "Scenario.kic": [{"enableDrainSupport": True, "proxySyncSeconds": 3}],
    "Scenario.kubernetes": [{"delays": "0s"}],
    "about": ["A new version of the shop, at noon."],
    "name": ["shop"],
    "namespace": ["shop"],
    "base": ["rolling.yaml"],
    "profile": ["profile.yaml"],
    "manifests": [["k8s/"], ["deployment.yaml", "service.yaml"]],
    "thresholds": [{"broken_sessions": "< 1%", "failed_requests": "< 0.1%"}],
    "timeline": [[{"at": "10m", "rollout": "shop"}]],
    "until": ["drained", "30m"],
    "trace": ["sessions.csv"],
    "rps": [120, "7200/min"],
    "session": [{"p50": "6m", "p95": "40m"}, {"mean": "10m", "cv": 1.5}],
    "sessionDuration": ["10m", {"kind": "lognormal", "median": "6m", "sigma": 1.2}],
    "clientRate": [{"kind": "gamma", "mean": 1, "cv": 2}],
    "requests": [{"kind": "geometric", "mean": 20}, 5, "endless"],
    "think": [{"kind": "exponential", "mean": "7s"}, {"p50": "5s", "p95": "30s"}],
    "service": [{"p50": "40ms", "p99": "400ms"}],
    "startup": [{"kind": "lognormal", "median": "8s", "sigma": 0.4}, "20s"],
    "every": ["30m"],
    "paths": [[{"path": "/", "share": 0.8}, {"path": "/api", "share": 0.2}]],
    "cookiePath": ["/"],
    "preStop": ["30s", {"waitUntil": "noSessions", "atMost": "10m"}],
    "onSigterm": ["finishInFlight", {"listener": "close", "exit": {"after": "10s"}}],
    "exit": ["whenIdle", {"after": "10s"}],
    "connections": ["wait", {"closeOver": "20s"}],
    "Piecewise.steps": [[{"from": "0s", "rate": "4/s"}, {"from": "10m", "rate": "8/s"}]],
    "PathShare.path": ["/api"],
    "disruptionBudget": [{"maxUnavailable": 1}],
    "readinessProbe": [{"periodSeconds": 5}],
    "startupProbe": [{"periodSeconds": 2, "failureThreshold": 30}],
    "livenessProbe": [{"periodSeconds": 10}],
    "behavior": [{"scaleDown": {"stabilizationWindowSeconds": 600}}],
    "healthy": [{"interval": 5, "successes": 2}],
    "unhealthy": [{"interval": 5, "httpFailures": 3}],
    "active": [{"type": "http", "httpPath": "/healthz"}],
    "passive": [{"unhealthy": {"tcpFailures": 2}}],
    "hashOn": [{"cookie": "session-id", "cookiePath": "/"}],
    "hashOnFallback": [{"input": "ip"}],
    "healthchecks": [{"threshold": 50}],
    "stickySessions": [{"cookie": "session-id"}],
    "scaleDown": [{"stabilizationWindowSeconds": 600}],
    "scaleUp": [{"policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}]}],
    "crash": [{"every": {"kind": "exponential", "mean": "1h"}}],
    "autoscaler": [{"minReplicas": 3, "maxReplicas": 10, "targetUtilization": 70}],
    "spot": ["node-1"],
    "shutdownNode": ["node-1"],
    "nodeLoss": ["node-1"],
    "cv": [1.5],
    "p50": ["6m"],
    "p95": ["40m"],
    "p99": ["1h30m"],
    "steps": [[{"setWeight": 20}, {"pause": "60s"}]],
    "pause": ["60s"],
    "policies": [[{"type": "Pods", "value": 2, "periodSeconds": 60}]],
    "companions": [[{"name": "shop-green", "replicas": 3}]],
    "sidecars": [[{"name": "proxy", "proxy": True}]],
    "restartPolicyRules": [[{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]],
    "weights": [{"shop": 90, "shop-canary": 10}],
    "values": [[1, 2, 5]],
    "cookie": ["session-id"],
    "header": ["X-User"],
    "queryArg": ["user"],
    "uriCapture": ["user"],
    "headers": [{"Host": ["shop.example.com"]}],
    "httpPath": ["/healthz"],
    "httpsSni": ["shop.example.com"],
    "httpStatuses": [[200, 302]],
    "version": ["3.11"],
    "cap": ["8h"],
    "pod": [1],
    "node": ["node-1"],
    "uncordon": ["node-1"],
    "drainNode": ["node-1"],
    "configPush": ["all"],
    "gatewayRestart": ["gateway-1"],
}
"""Examples of properties by name, where neither a default nor the type makes a good one."""


def json_schema(root: type[BaseModel]) -> Node:
    """Return the JSON schema of scenario files, for editors."""
    schema = root.model_json_schema(by_alias=True, mode="validation")
    schema["required"] = ["schema"]
    of_namespace = "The application's namespace: what the manifests hold in another is left out."
    schema["properties"]["namespace"] = {"type": "string", "description": of_namespace}
    about = "Another scenario file: what is not stated here is as it is there, but for name and about."
    schema["properties"]["base"] = {"type": "string", "description": about}
    definitions = schema["$defs"]
    fitted = "A file that simsticky fit wrote: its traffic is taken where this section states nothing else."
    definitions["Traffic"]["properties"]["profile"] = {"type": "string", "description": fitted}
    for title in _FILLED_FROM_BELOW:
        definitions[title].pop("required", None)
    for node in _nodes(schema):
        for old, new in _BOUNDS.items():
            if old in node and not isinstance(node[old], Mapping):
                node[new] = node.pop(old)
        _require_kinds(node, definitions)
        for name, below in _properties(node):
            if not below.get("description"):
                below["description"] = "Which one it is." if name == "kind" else _described(below, definitions)
            below["examples"] = _examples(node.get("title", ""), name, below, definitions)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, **schema}


def properties_at(schema: Node, path: Keys) -> list[Node]:
    """Return what a schema says of the property at a path, in each of the forms that has one."""
    nodes = [schema]
    for key in path:
        found = [form for node in nodes for form in forms(node, schema)]
        if isinstance(key, int):
            nodes = [form["items"] for form in found if isinstance(form.get("items"), Mapping)]
        else:
            found += [below for form in found for below in forms(form.get("items", {}), schema)]
            nodes = [form["properties"][key] for form in found if key in form.get("properties", {})]
    return nodes


def forms(node: Node, schema: Node) -> list[Node]:
    """Return the schemas that a property's value may satisfy, references followed."""
    return _forms(node, schema["$defs"])


def keys_below(schema: Node, node: Node) -> list[str]:
    """Return the keys that a property's value can have, in the order of the format; none for a plain value."""
    found = [key for form in forms(node, schema) for key in form.get("properties", {})]
    return list(dict.fromkeys(found))


def _forms(node: Node, definitions: Node) -> list[Node]:
    if "$ref" in node:
        return _forms(definitions[node["$ref"].rpartition("/")[2]], definitions)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in node:
            return [form for each in node[key] for form in _forms(each, definitions)]
    return [node]


def _nodes(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        yield node
        for key, below in list(node.items()):
            if key not in ("default", "examples", "const", "enum"):
                yield from _nodes(below)
    elif isinstance(node, list):
        for below in node:
            yield from _nodes(below)


def _properties(node: Node) -> list[tuple[str, Node]]:
    found = node.get("properties")
    if not isinstance(found, dict) or "type" not in node:
        return []
    return [(name, below) for name, below in found.items() if isinstance(below, dict)]


def _require_kinds(node: Node, definitions: Node) -> None:
    """Let the members of a union that their kinds tell apart need them, but a lognormal, which its quantiles tell."""
    for reference in node.get("discriminator", {}).get("mapping", {}).values():
        member = definitions[reference.rpartition("/")[2]]
        if "kind" in member["properties"] and member["title"] != "Lognormal":
            member["required"] = list(dict.fromkeys(["kind", *member.get("required", [])]))


def _described(node: Node, definitions: Node) -> str:
    texts = (form.get("description", "") for form in _forms(node, definitions) if form.get("type") != "null")
    return next((text.strip().partition("\n\n")[0].replace("\n", " ") for text in texts if text), "")


def _examples(owner: str, name: str, node: Node, definitions: Node) -> list[Any]:
    """Return examples of a property: its own, those of its name that fit, its default, or what its type makes."""
    if "const" in node:
        return [node["const"]]
    if node.get("examples"):
        return list(node["examples"])
    forms = _forms(node, definitions)
    named = _EXAMPLES.get(f"{owner}.{name}") or _EXAMPLES.get(name, [])
    fitting = [value for value in named if any(_fits(value, form) for form in forms)]
    if fitting:
        return fitting
    default = node.get("default")
    if default not in (None, [], {}, ""):
        return [_as_written(default, forms)]
    found = [value for form in forms for value in _of_type(form, definitions)]
    return found[:3]


def _fits(value: Any, form: Node) -> bool:
    """Return whether a value may be of a form, as far as types and the names of keys tell."""
    if "const" in form or "enum" in form:
        return value in form.get("enum", [form.get("const")])
    types = form.get("type", [])
    wanted = [types] if isinstance(types, str) else types
    if isinstance(value, Mapping):
        known = form.get("properties")
        return "object" in wanted and (known is None or set(value) <= set(known))
    of = {bool: ("boolean",), str: ("string",), int: ("integer", "number"), float: ("number",), list: ("array",)}
    return any(kind in wanted for kind in of.get(type(value), ()))


def _as_written(default: Any, forms: list[Node]) -> Any:
    """Return a default as a person writes it: seconds as a duration where one may stand."""
    durations = any(form.get("type") == "string" and "30s" in form.get("examples", ()) for form in forms)
    number = isinstance(default, int | float) and not isinstance(default, bool)
    return format_duration(default) if durations and number else default


def _of_type(form: Node, definitions: Node) -> list[Any]:
    """Return values of a form that its type makes."""
    if form.get("examples"):
        return list(form["examples"])
    if "const" in form or "enum" in form:
        return list(form.get("enum", [form.get("const")]))
    kind = form.get("type")
    if kind == "boolean":
        return [True, False]
    if kind in ("integer", "number"):
        return [_number(form)]
    if kind == "array":
        inner = [value for each in _forms(form["items"], definitions) for value in _of_type(each, definitions)]
        return [inner[:1]]
    if kind == "object":
        needed = {name: form["properties"][name] for name in form.get("required", ())}
        return [{name: _examples(form.get("title", ""), name, below, definitions)[0] for name, below in needed.items()}]
    return ["shop"] if kind == "string" else []


def _number(form: Node) -> int | float:
    """Return a number within a form's bounds, a small one that is not the least."""
    low = float(form.get("minimum", form.get("exclusiveMinimum", 0)) or 0)
    high = float(form.get("maximum", form.get("exclusiveMaximum", low + 10)) or 0)
    if form["type"] == "number":
        return float(low + (high - low) / 2) if high - low <= 1 else float(low + 1)
    return int(min(max(low + 1, 3), high))
