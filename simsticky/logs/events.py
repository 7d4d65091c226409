"""When something was done to the cluster, from what people have of it.

Either the output of ``kubectl get events -o json`` (or ``-o yaml``), or a text file of moments, one a line, with words
after them: ``2026-09-01T10:00:00Z rollout of web``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from simsticky.errors import Diagnostic, InputError
from simsticky.files import decode, read_bytes, shown_path
from simsticky.logs.json_lines import loads
from simsticky.logs.times import iso_s

_MOST_BYTES = 64 * 2**20
_REASONS = frozenset(("Killing", "ScalingReplicaSet", "SuccessfulDelete", "SuccessfulCreate", "Preempting", "Evicted"))
"""Of events at which pods come and go: the kubelet's, the Deployment's, the ReplicaSet's, the scheduler's."""
_MOMENTS = ("eventTime", "firstTimestamp", "lastTimestamp", "deprecatedFirstTimestamp")
_LINE = re.compile(r"\s*([\d:T.Z+-]+(?: \d\d:\d\d:\d\d\S*)?)(?:[\s,].*)?")


def stated(path: Path, link_s: float) -> list[tuple[float, float]]:
    """Return beginning and end of each operation that a file states, in seconds since 1970.

    Args:
        path: The file.
        link_s: Events closer than this belong to one operation.

    Raises:
        InputError: It cannot be read, or holds no moment.
    """
    name = shown_path(path)
    text = decode(read_bytes(path, name, most=_MOST_BYTES), name)
    if text.lstrip().startswith(("{", "[", "apiVersion:", "items:", "kind:")):
        moments = _of_events(_parsed(text, name), name)
    else:
        moments = _of_lines(text, name)
    if not moments:
        hint = f"wanted: kubectl get events -o json, with reasons such as {', '.join(sorted(_REASONS)[:3])}; or moments"
        raise InputError.of("holds no moment at which pods came or went", file=name, hint=hint)
    groups: list[list[float]] = []
    for moment in sorted(moments):
        if groups and moment - groups[-1][-1] <= link_s:
            groups[-1].append(moment)
        else:
            groups.append([moment])
    return [(group[0], group[-1]) for group in groups]


def _parsed(text: str, name: str) -> Any:
    try:
        return loads(text) if text.lstrip()[0] in "{[" else YAML(typ="safe", pure=True).load(text)
    except (ValueError, YAMLError) as error:
        raise InputError.of(f"is neither JSON nor YAML: {str(error).splitlines()[0]}", file=name) from None


def _of_events(value: Any, name: str) -> list[float]:
    items = value.get("items", [value]) if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise InputError.of("has no list of events", file=name, path="items")
    return [
        moment
        for item in items
        if isinstance(item, dict) and item.get("reason") in _REASONS
        for moment in _moments_of(item)
    ]


def _moments_of(event: dict[str, Any]) -> Sequence[float]:
    """Return the first moment that an event has; those that repeat have a last one, too."""
    for field in _MOMENTS:
        if text := event.get(field):
            return [iso_s(str(text))]
    return []


def _of_lines(text: str, name: str) -> list[float]:
    moments = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        try:
            moments.append(iso_s(found[1] if found else line))
        except ValueError:
            hint = "a line begins with a moment such as 2026-09-01T10:00:00Z"
            raise InputError([Diagnostic(name, number, None, "", f"is no moment: {line[:60]!r}", hint)]) from None
    return moments
