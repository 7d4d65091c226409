"""The Deployments of Kong and its ingress controller: versions, and what changes what the gateway is told.

Source: Kong/kubernetes-ingress-controller v3.5: flags --enable-drain-support (false, since 3.5.0) and
--proxy-sync-seconds (3); environment variables CONTROLLER_<FLAG>; a flag wins over the environment.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simsticky.manifests.environment import say_untold, variables
from simsticky.manifests.findings import Findings
from simsticky.manifests.gateway_workloads import image_of, read_version
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import POD
from simsticky.scenario.location import Keys

_FLAGS = {"enable-drain-support": "enableDrainSupport", "proxy-sync-seconds": "proxySyncSeconds"}
_DRAIN = "enable-drain-support"
_ABOUT_DRAIN = re.compile(r"drain[-_]?support", re.IGNORECASE)
_WAYS_OUT = {"enableDrainSupport": "true", "proxySyncSeconds": "3"}
FLAGGED = frozenset(_FLAGS.values())
"""Keys of the scenario's ``kic`` section that a flag of the controller stands for."""

_IMAGES = {"kubernetes-ingress-controller", "kong-ingress-controller"}
_CLASS = "ingress-class"
_OWN = re.compile(
    r"(kong-admin|publish-|kong-workspace|proxy-|enable-controller-|gateway-api-controller|election-id)[\w-]*"
)
"""Flags that no other program has; with the prefix CONTROLLER_ they are variables of its environment."""
_BOOLEANS = {**dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True)}
_BOOLEANS |= dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False)


def variable_of(flag: str) -> str:
    """Return the variable of the controller's environment that stands for a flag."""
    return "CONTROLLER_" + flag.upper().replace("-", "_")


def controller_container(
    obj: KubernetesObject, config_maps: Sequence[KubernetesObject] = (), pod: Keys = POD
) -> Keys | None:
    """Return the path of the container that runs the ingress controller; None if there is none."""
    for i, container in enumerate(obj.items(*pod, "containers")):
        if not isinstance(container, Mapping):
            continue
        keys: Keys = (*pod, "containers", i)
        flags = any(flag in _FLAGS for flag, _, _ in arguments(container))
        named = any(_is_own(variable.name) for variable in variables(obj, keys, config_maps))
        if image_of(container)[0] in _IMAGES or flags or named:
            return keys
    return None


def _is_own(name: str) -> bool:
    """Return whether a variable is one of the controller's settings."""
    prefix, _, flag = name.partition("CONTROLLER_")
    flag = flag.lower().replace("_", "-")
    return not prefix and (flag in (*_FLAGS, _CLASS) or _OWN.fullmatch(flag) is not None)


def ingress_class(obj: KubernetesObject, container: Keys, config_maps: Sequence[KubernetesObject] = ()) -> str | None:
    """Return the class that a controller says it serves; None if it says none."""
    for flag, value, _ in arguments(obj.mapping(*container)):
        if flag == _CLASS:
            return value
    named = [each.value for each in variables(obj, container, config_maps) if each.name == variable_of(_CLASS)]
    return named[-1] if named and isinstance(named[-1], str) else None


def arguments(container: Mapping[str, Any]) -> Iterator[tuple[str, str, Keys]]:
    """Yield the flags of the controller that we know, each with its value and the argument's path in the container."""
    for field in ("command", "args"):
        placed = _words(container.get(field))
        for i, (word, place) in enumerate(placed):
            if not word.startswith("--"):
                continue
            flag, equals, value = word[2:].partition("=")
            if flag not in (*_FLAGS, _CLASS):
                continue
            if not equals and flag != _DRAIN and i + 1 < len(placed):
                value = placed[i + 1][0]
            elif not equals:
                value = "true"  # a boolean flag alone is set
            yield flag, value, (field, place)


def _words(written: Any) -> list[tuple[str, int]]:
    """Return the words of a command, each with its place in the list; those of a shell's script one by one."""
    found: list[tuple[str, int]] = []
    for i, word in enumerate(written if isinstance(written, list) else []):
        text = str(word)
        is_script = i > 0 and re.fullmatch(r"-[a-z]*c", str(written[i - 1])) is not None
        found += [(part, i) for part in text.split()] if is_script else [(text, i)]
    return found


def read_controller(
    found: Findings, obj: KubernetesObject, container: Keys, config_maps: Sequence[KubernetesObject]
) -> None:
    """Read the controller's flags into the scenario's ``kic`` section."""
    found.fill("kic", obj, container)
    settings: dict[str, tuple[str, Keys]] = {}
    by_variable = {variable_of(flag): flag for flag in _FLAGS}
    for variable in variables(obj, container, config_maps):
        if variable.name not in by_variable:
            continue
        flag = by_variable[variable.name]
        if isinstance(variable.value, str):
            settings[flag] = variable.value, variable.keys
        elif not variable.known:
            _cannot_read(found, obj, variable.keys[:-1], variable.name, _FLAGS[flag])
        else:
            found.problem(obj, variable.keys, "an environment variable must be text", Hint.QUOTED_TRUE.of())
    for flag, value, keys in arguments(obj.mapping(*container)):
        if flag in _FLAGS:
            settings[flag] = value, (*container, *keys)
    _nearly_meant(found, obj, container, config_maps)
    for flag, (value, path) in settings.items():
        _setting(found, obj, flag, value, path)
    if _DRAIN not in settings and not found.states("kic", "enableDrainSupport"):
        say_untold(found, obj, container, config_maps, "drain support is taken to be off; state kic.enableDrainSupport")
        found.assume(obj, container, "no --enable-drain-support: drain support is off, its default")
    read_version(found, obj, container, ("kic", "version"))


def _nearly_meant(
    found: Findings, obj: KubernetesObject, container: Keys, config_maps: Sequence[KubernetesObject]
) -> None:
    """Name what was meant to be the flag of drain support, or its value, and is neither."""
    for field in ("command", "args"):
        placed = _words(obj.get(*container, field))
        for at, (word, i) in enumerate(placed):
            keys: Keys = (*container, field, i)
            after = placed[at + 1][0] if at + 1 < len(placed) else ""
            name = word.partition("=")[0]
            if word == f"--{_DRAIN}" and not _BOOLEANS.get(after, True):
                text = f"a switch takes its value behind =: it is on, and {after!r} is not read"
                found.say_aloud(obj, keys, text)
            elif name != f"--{_DRAIN}" and name.startswith("-") and _ABOUT_DRAIN.search(name):
                text = f"the controller knows no flag {name}, and would not start"
                found.problem(obj, keys, text, Hint.DRAIN_FLAG.of())
    for variable in variables(obj, container, config_maps):
        if variable.name != variable_of(_DRAIN) and _ABOUT_DRAIN.search(variable.name):
            text = f"{variable.name} has no effect: the controller reads {variable_of(_DRAIN)}"
            found.say_aloud(obj, variable.keys, text)


def _cannot_read(found: Findings, obj: KubernetesObject, keys: Keys, name: str, field: str) -> None:
    if found.states("kic", field):
        found.ignore(obj, keys, f"the scenario states kic.{field}")
        return
    found.look(obj, keys)
    found.problem(obj, keys, f"the value of {name} is not in the manifest", _way_out(field))


def _setting(found: Findings, obj: KubernetesObject, flag: str, text: str, keys: Keys) -> None:
    field = _FLAGS[flag]
    if found.states("kic", field):
        found.ignore(obj, keys, f"the scenario states kic.{field}")
        return
    value: Any = None
    if flag == _DRAIN:
        value = _BOOLEANS.get(text)
    elif re.fullmatch(r"\d+\.?\d*|\.\d+", text, re.ASCII):
        value = float(text)
    found.read(obj, keys, text)
    if value is None:
        found.problem(obj, keys, f"{text!r} is no value for --{flag}", _way_out(field))
        return
    found.put(("kic", field), value, obj.place(*keys))


def _way_out(field: str) -> str:
    return Hint.STATE_KIC.of(field=field, value=_WAYS_OUT[field])


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
        given = next((keys for name, _, keys in arguments(changed) if name == flag), None)
        if given is not None:
            field, index = str(given[0]), int(given[1])
            words = changed[field]
            if not words[index].startswith("--"):  # a shell's script
                script = re.sub(rf"--{flag}(=\S*|\s+[\d.]+)?(?!\S)", f"--{flag}={text}", words[index])
                changed[field] = [*words[:index], script, *words[index + 1 :]]
                continue
            is_two = "=" not in words[index] and flag != _DRAIN and index + 1 < len(words)
            changed[field] = [*words[:index], f"--{flag}={text}", *words[index + 1 + is_two :]]
            continue
        name = variable_of(flag)
        unset = any(variable.get("name") == name and "valueFrom" in variable for variable in container.get("env") or ())
        variables.append({"name": name, "value": text, **({"valueFrom": None} if unset else {})})
    fields = {field: changed[field] for field in ("command", "args") if changed.get(field) != container.get(field)}
    return {**fields, **({"env": variables} if variables else {})}
