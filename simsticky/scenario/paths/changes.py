"""Changing single values of a scenario: ``evolve`` in Python, ``--set`` on the command line, sweeps."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.cluster import Kic, Kubernetes
from simsticky.scenario.location import Keys, Place, dotted, keys_in, read_documents
from simsticky.scenario.paths.diagnose import diagnose
from simsticky.scenario.paths.expressions import worked_out
from simsticky.scenario.paths.vocabulary import all_paths, camel_case, known_keys, suggestion
from simsticky.scenario.sections import Sections
from simsticky.scenario.short_names import full_keys
from simsticky.scenario.support import unsupported

AnyScenario = TypeVar("AnyScenario", bound=Sections)
"""A scenario, of whatever class."""

_DELAYS = {"kic": Kic.delay_names(), "kubernetes": Kubernetes.delay_names()}
_OF_ALGORITHM = ("hashOn", "hashOnFallback", "stickySessions")


def evolve(scenario: AnyScenario, changes: Mapping[str, Any], source: str) -> AnyScenario:
    """Return the scenario with changes by dotted path; see :meth:`simsticky.scenario.model.Scenario.evolve`."""
    root = type(scenario)
    data = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)
    resolved = scenario.to_json_dict()
    targets = {path: keys_of(path) for path in changes}
    problems = [p for path, keys in targets.items() if (p := _unknown(root, path, keys, resolved, source))]
    if problems:
        raise InputError(problems)
    values = worked_out(
        scenario,
        {keys: changes[path] for path, keys in targets.items()},
        lambda plain: evolve(scenario, plain, source),
        source,
    )
    full = [(full_keys(keys), value) for keys, value in values.items()]
    _make_room(data, full, resolved)
    for keys, value in full:
        _set(data, resolved, keys, value)
    try:
        changed = root.model_validate(data)
    except ValidationError as error:
        raise InputError(diagnose(error, root, data, lambda path, of_key: ((), Place(source)))) from None
    places = dict(scenario.places)
    for keys, value in full:
        path = dotted(keys)
        places = {other: place for other, place in places.items() if not f"{other}.".startswith(f"{path}.")}
        if value is not None:
            places |= dict.fromkeys([path, *delays_of(keys)], Place(source or "evolve"))
    changed.set_origin(places, scenario.manifest_report, scenario.guessed)
    if refused := unsupported(changed):
        raise InputError(refused)
    return changed


def unknown_path(scenario: Sections, path: str, source: str) -> Diagnostic | None:
    """Return what is wrong with a dotted path that no setting has; None when there is one."""
    return _unknown(type(scenario), path, keys_of(path), scenario.to_json_dict(), source)


def parse_settings(settings: Iterable[str], flag: str = "--set") -> dict[str, Any]:
    """Return the changes that ``key=value`` settings of the command line ask for, values read as YAML.

    Args:
        settings: What was written.
        flag: Behind which flag, for errors.

    Raises:
        InputError: All settings that are none.
    """
    changes: dict[str, Any] = {}
    problems = []
    for setting in settings:
        path, equals, text = setting.partition("=")
        path = path.strip()
        if not equals or not path:
            hint = f"write {flag} key=value, for example {flag} deployment.preStop=30s"
            problems.append(Diagnostic(flag, None, None, setting, "is not a setting", hint))
            continue
        try:
            documents = read_documents(text, flag)
        except InputError as error:
            if path.startswith("thresholds."):
                changes[path] = text.strip()  # "> 1%" is a good threshold, and begins a block of text in YAML
            else:
                problems += [Diagnostic(flag, None, None, path, d.message, d.hint) for d in error.diagnostics]
        else:
            changes[path] = documents[0].data if documents else None
    if problems:
        raise InputError(problems)
    return changes


def base_for_algorithm(upstream: Mapping[str, Any], algorithm: Any, given: Iterable[str]) -> dict[str, Any]:
    """Return an upstream without the fields that only its former algorithm allows, unless given anew.

    The API server refuses ``stickySessions`` beside another algorithm; whoever changes the algorithm means the
    whole choice.
    """
    if upstream.get("algorithm", "round-robin") == algorithm:
        return dict(upstream)
    given = set(given)
    return {key: value for key, value in upstream.items() if key not in _OF_ALGORITHM or key in given}


def keys_of(path: str) -> Keys:
    """Return the keys of a dotted path; numbers count list entries, ``pre_stop`` is ``preStop``."""
    parts = path.split(".")
    if parts[0] == "thresholds" and len(parts) > 1:
        return ("thresholds", ".".join(parts[1:]))
    return tuple(key if isinstance(key, int) else camel_case(key) for key in keys_in(path))


def as_written(path: str) -> str:
    """Return a path as scenario files write it: ``deployment.pre_stop`` is ``deployment.preStop``."""
    return dotted(keys_of(path))


def setting_at(scenario: Sections, path: str) -> Any:
    """Return what the resolved scenario holds at a dotted path, as plain JSON; None where there is nothing."""
    node: Any = scenario.to_json_dict()
    for key in full_keys(keys_of(path)):
        below = node.get(key) if isinstance(node, Mapping) else None
        node = node[int(key)] if isinstance(node, list) else below
    return node


def _unknown(root: type[Sections], path: str, keys: Keys, data: Any, source: str) -> Diagnostic | None:
    """Return what is wrong with a path that does not exist; the data are needed for lists and laws."""
    if keys[0] == "thresholds":
        return None
    node = data
    for i, key in enumerate(keys):
        if isinstance(key, int):
            if not isinstance(node, list) or key >= len(node):
                size = len(node) if isinstance(node, list) else 0
                text = f"{dotted(keys[:i])} has {size} {'entry' if size == 1 else 'entries'}, counted from 0"
                return Diagnostic(source, None, None, path, text)
            node = node[key]
            continue
        known = known_keys(root, keys[:i], data)
        if key not in known and not (i == 0 and key in known_keys(root, (), data)):
            near = difflib.get_close_matches(dotted(keys), all_paths(root), 1, 0.8)
            hint = f"did you mean {near[0]}?" if near else suggestion(root, keys[: i + 1], data)
            return Diagnostic(source, None, None, path, f"unknown, {hint}" if hint else "unknown")
        node = node.get(key) if isinstance(node, Mapping) else None
    return None


def delays_of(keys: Keys) -> list[str]:
    """Return the dotted paths that ``kic.delays`` or ``kubernetes.delays`` stands for; none for other paths."""
    if len(keys) == 2 and keys[0] in _DELAYS and keys[1] == "delays":
        return [f"{keys[0]}.{name}" for name in _DELAYS[str(keys[0])]]
    return []


_EXCLUDE_EACH_OTHER = (
    ("path", "paths"),
    ("rps", "sessions"),
    ("session", "requests"),
    ("session", "sessionDuration"),
    ("requests", "sessionDuration"),
)
"""Settings of the traffic that are two ways to say one thing."""


def _make_room(data: dict[str, Any], full: list[tuple[Keys, Any]], resolved: Mapping[str, Any]) -> None:
    """Drop what a change replaces though it stands elsewhere: the newer choice wins."""
    if isinstance(data.get("traffic"), dict):
        of_traffic = [(keys, value) for keys, value in full if keys[0] == "traffic" and len(keys) > 1]
        _make_room_in_traffic(data["traffic"], of_traffic, resolved["traffic"])
    for keys, value in full:
        for path in delays_of(keys):
            section, _, name = path.partition(".")
            data.get(section, {}).pop(name, None)
        if keys == ("upstream", "algorithm") and isinstance(data.get("upstream"), dict):
            named = {str(other[1]) for other, _ in full if len(other) > 1 and other[0] == "upstream"}
            data["upstream"] = base_for_algorithm(data["upstream"], value, named)


def _make_room_in_traffic(
    traffic: dict[str, Any], changes: list[tuple[Keys, Any]], resolved: Mapping[str, Any]
) -> None:
    given = {str(keys[1]) for keys, value in changes if value is not None}
    partly = {str(keys[1]) for keys, _ in changes if len(keys) > 2}
    for pair in _EXCLUDE_EACH_OTHER:
        for kept, dropped in (pair, pair[::-1]):
            if kept not in given or dropped in given or dropped not in traffic:
                continue
            del traffic[dropped]
            if kept in partly and kept not in traffic and resolved.get(kept) is not None:
                traffic[kept] = resolved[kept]  # the law that the other stood for, of which one part changes


def _set(data: dict[str, Any], resolved: dict[str, Any], keys: Keys, value: Any) -> None:
    """Set one value; a law of which one parameter changes is first written out, should it be a default."""
    node: Any = data
    for i, key in enumerate(keys[:-1]):
        if isinstance(node, list):
            node = node[int(key)]
            continue
        if not isinstance(node.get(key), dict | list):
            whole = _at(resolved, keys[: i + 1])
            node[key] = whole if isinstance(whole, dict) and "kind" in whole else {}
        node = node[key]
    last = keys[-1]
    if isinstance(node, list):
        node[int(last)] = value
    elif value is None:
        node.pop(last, None)
    else:
        node[last] = value


def _at(node: Any, keys: Keys) -> Any:
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node
