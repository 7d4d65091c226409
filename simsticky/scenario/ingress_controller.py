"""The Deployments of Kong and its ingress controller: versions, and what changes what the gateway is told.

Source: Kong/kubernetes-ingress-controller v3.5: flags --enable-drain-support (false, since 3.5.0) and
--proxy-sync-seconds (3); environment variables CONTROLLER_<FLAG>; a flag wins over the environment.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from simsticky.scenario.fields import version_of
from simsticky.scenario.findings import Findings
from simsticky.scenario.location import Keys
from simsticky.scenario.objects import KubernetesObject
from simsticky.scenario.workloads import POD

_FLAGS = {"enable-drain-support": "enableDrainSupport", "proxy-sync-seconds": "proxySyncSeconds"}
FLAGGED = frozenset(_FLAGS.values())
"""Keys of the scenario's ``kic`` section that a flag of the controller stands for."""

_IMAGES = {"kubernetes-ingress-controller", "kong-ingress-controller"}
_GATEWAY_IMAGES = {"kong", "kong-gateway", "kong-gateway-dev"}
_BOOLEANS = {**dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True)}
_BOOLEANS |= dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False)
_VERSION = re.compile(r"v?(\d+(?:\.\d+)+)", re.ASCII)


def _image(container: Any) -> tuple[str, str]:
    """Return the last part of a container's image name, and its tag."""
    image = container.get("image") if isinstance(container, Mapping) else None
    name, _, tag = (image if isinstance(image, str) else "").partition("@")[0].rpartition("/")[2].partition(":")
    return name, tag


def _variable(flag: str) -> str:
    return "CONTROLLER_" + flag.upper().replace("-", "_")


def is_controller(obj: KubernetesObject) -> bool:
    """Return whether a Deployment runs the ingress controller."""
    return _controller_container(obj) is not None


def is_gateway(obj: KubernetesObject) -> bool:
    """Return whether a Deployment runs nothing but Kong's gateway."""
    containers = obj.items(*POD, "containers")
    return bool(containers) and all(_image(container)[0] in _GATEWAY_IMAGES for container in containers)


def _controller_container(obj: KubernetesObject) -> int | None:
    variables = {_variable(flag) for flag in _FLAGS}
    for i, container in enumerate(obj.items(*POD, "containers")):
        if not isinstance(container, Mapping):
            continue
        flags = {flag for flag, _, _ in _arguments(container)}
        if _image(container)[0] in _IMAGES or flags or variables & {name for name, _ in _environment(container)}:
            return i
    return None


def _arguments(container: Mapping[str, Any]) -> Iterator[tuple[str, str, Keys]]:
    """Yield the flags we know, each with its value and the argument's path in the container."""
    for field in ("command", "args"):
        words = container.get(field)
        words = words if isinstance(words, list) else []
        for i, word in enumerate(words):
            if not isinstance(word, str) or not word.startswith("--"):
                continue
            flag, equals, value = word[2:].partition("=")
            if flag not in _FLAGS:
                continue
            if not equals and flag != "enable-drain-support" and i + 1 < len(words):
                value = str(words[i + 1])
            elif not equals:
                value = "true"  # a boolean flag alone is set
            yield flag, value, (field, i)


def _environment(container: Mapping[str, Any]) -> Iterator[tuple[str, Keys]]:
    variables = container.get("env")
    for i, variable in enumerate(variables if isinstance(variables, list) else ()):
        if isinstance(variable, Mapping) and isinstance(variable.get("name"), str):
            yield variable["name"], ("env", i)


def read_controller(found: Findings, obj: KubernetesObject) -> None:
    """Read the controller's flags into the scenario's ``kic`` section."""
    i = _controller_container(obj)
    assert i is not None  # only controllers come here
    container: Keys = (*POD, "containers", i)
    found.fill("kic", obj, container)
    data = obj.mapping(*container)
    settings: dict[str, tuple[str, Keys]] = {}
    by_variable = {_variable(flag): flag for flag in _FLAGS}
    for name, keys in _environment(data):
        if name in by_variable:
            value = obj.get(*container, *keys, "value")
            if isinstance(value, str):
                settings[by_variable[name]] = value, (*container, *keys, "value")
            elif value is None and obj.get(*container, *keys, "valueFrom") is not None:
                _cannot_read(found, obj, (*container, *keys), name, _FLAGS[by_variable[name]])
            else:
                hint = 'put it in quotes: "true"'
                found.problem(obj, (*container, *keys, "value"), "an environment variable must be text", hint)
    for flag, value, keys in _arguments(data):
        settings[flag] = value, (*container, *keys)
    for flag, (value, path) in settings.items():
        _setting(found, obj, flag, value, path)
    if "enable-drain-support" not in settings and not found.states("kic", "enableDrainSupport"):
        found.assume(obj, container, "no --enable-drain-support: drain support is off, its default")
    _version(found, obj, container, ("kic", "version"))
    read_gateway(found, obj)
    found.list_the_rest(obj)


def read_gateway(found: Findings, obj: KubernetesObject) -> None:
    """Read Kong's version from the image of the Deployment's container that runs it, if one does."""
    for i, container in enumerate(obj.items(*POD, "containers")):
        if _image(container)[0] in _GATEWAY_IMAGES:
            _version(found, obj, (*POD, "containers", i), ("gateway", "version"))
            return


def _version(found: Findings, obj: KubernetesObject, container: Keys, target: tuple[str, str]) -> None:
    """Take a version from the tag of a container's image; a tag such as ``latest`` tells none."""
    keys = (*container, "image")
    image = obj.get(*keys)
    if not isinstance(image, str):
        return
    if found.states(*target):
        found.ignore(obj, keys, f"the scenario states {'.'.join(target)}")
        return
    found.read(obj, keys, image)
    tag = _image(obj.mapping(*container))[1]
    number = _VERSION.match(tag)
    if number is not None and version_of(tag) is not None:
        found.put(target, number[1], obj.place(*keys))
    else:
        found.assume(obj, keys, "the tag tells no version: new enough for all that is asked of it")


def _cannot_read(found: Findings, obj: KubernetesObject, keys: Keys, name: str, field: str) -> None:
    if found.states("kic", field):
        found.ignore(obj, keys, f"the scenario states kic.{field}")
        return
    found.look(obj, keys)
    found.problem(obj, keys, f"the value of {name} is not in the manifest", f"state kic.{field} in the scenario")


def _setting(found: Findings, obj: KubernetesObject, flag: str, text: str, keys: Keys) -> None:
    field = _FLAGS[flag]
    if found.states("kic", field):
        found.ignore(obj, keys, f"the scenario states kic.{field}")
        return
    value: Any = None
    if flag == "enable-drain-support":
        value = _BOOLEANS.get(text)
    elif re.fullmatch(r"\d+\.?\d*|\.\d+", text, re.ASCII):
        value = float(text)
    found.read(obj, keys, text)
    if value is None:
        found.problem(obj, keys, f"{text!r} is no value for --{flag}")
        return
    found.put(("kic", field), value, obj.place(*keys))


def flag_changes(container: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to change in the controller's container for its flags to get values.

    A flag is changed where it is given; where it is not, its environment variable is set.

    Args:
        container: The container as written.
        settings: What is to be, by the key of the scenario's ``kic`` section; what no flag stands for is left out.

    Returns:
        Fields of the container, for a strategic merge.
    """
    changed = dict(container)
    variables: list[dict[str, Any]] = []
    for flag, setting in _FLAGS.items():
        if setting not in settings:
            continue
        value = settings[setting]
        text = str(value).lower() if isinstance(value, bool) else f"{value:g}"
        given = next((keys for name, _, keys in _arguments(changed) if name == flag), None)
        if given is not None:
            field, index = str(given[0]), int(given[1])
            words = changed[field]
            is_two = "=" not in words[index] and flag != "enable-drain-support" and index + 1 < len(words)
            changed[field] = [*words[:index], f"--{flag}={text}", *words[index + 1 + is_two :]]
            continue
        name = _variable(flag)
        unset = any(variable.get("name") == name and "valueFrom" in variable for variable in container.get("env") or ())
        variables.append({"name": name, "value": text, **({"valueFrom": None} if unset else {})})
    fields = {field: changed[field] for field in ("command", "args") if changed.get(field) != container.get(field)}
    return {**fields, **({"env": variables} if variables else {})}
