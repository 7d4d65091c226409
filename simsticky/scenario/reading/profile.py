"""A profile of traffic, as ``simsticky fit`` writes it: taken in by a scenario's ``traffic: {profile: FILE}``.

It lies below what the scenario states itself. What the scenario states in another way is left out of it: a session by
its duration leaves out the profile's number of requests, requests per second leave out its arrivals, a trace all laws.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simsticky.errors import Diagnostic, InputError
from simsticky.files import read_text, shown_path
from simsticky.scenario.location import Document, Keys, Place, read_documents

SCHEMA = "simsticky-profile/1"
_KEYS = ("schema", "traffic", "counts", "tails")
_SECTIONS = {"cookies"}
"""What is filled in key by key; all else of a profile are laws."""
_LENGTH = ("requests", "sessionDuration", "session")
_STATED_OTHERWISE: Mapping[str, tuple[str, ...]] = {
    "rps": ("sessions",),
    "requests": _LENGTH,
    "sessionDuration": _LENGTH,
    "session": _LENGTH,
    "path": ("paths",),
    "paths": ("path",),
    "trace": (*_LENGTH, "sessions", "think", "service", "clientRate", "rps"),
}
"""What of a profile each of the scenario's own settings makes void."""

Places = dict[Keys, tuple[Place, Place]]


def take_in(data: dict[str, Any], document: Document, folder: Path, problems: list[Diagnostic]) -> tuple[Any, Places]:
    """Return the traffic of the profile that a scenario names, without what it states otherwise, and where that stands.

    Args:
        data: The scenario; the name of the profile is taken out of it.
        document: Where that stands, for problems.
        folder: Directory that the name starts from.
        problems: Where problems go.
    """
    traffic = data.get("traffic")
    if not isinstance(traffic, Mapping) or "profile" not in traffic:
        return {}, {}
    own = {key: value for key, value in traffic.items() if key != "profile"}
    name = traffic["profile"]
    data["traffic"] = own
    if not isinstance(name, str):
        problems.append(document.diagnostic(("traffic", "profile"), "is the name of a file that simsticky fit wrote"))
        return {}, {}
    path = folder / name
    shown = shown_path(path)
    try:
        text = read_text(path, shown)
    except InputError as error:
        problems.append(document.diagnostic(("traffic", "profile"), f"{name}: {error.diagnostics[0].message}"))
        return {}, {}
    found = _traffic_of(read_documents(text, shown), shown, problems)
    if found is None:
        return {}, {}
    section, profile = found
    void = {key for stated in own for key in _STATED_OTHERWISE.get(stated, ()) if own[stated] is not None}
    # A law stated beside the profile replaces it as a whole, in its short forms ("think: 6s"), too.
    void |= own.keys() - _SECTIONS
    kept = {key: value for key, value in section.items() if key not in void}
    places = {
        keys: (place, profile.keys.get(keys, place))
        for keys, place in profile.values.items()
        if len(keys) > 1 and keys[0] == "traffic" and keys[1] in kept
    }
    return {"traffic": kept}, places


def _traffic_of(
    documents: list[Document], shown: str, problems: list[Diagnostic]
) -> tuple[dict[str, Any], Document] | None:
    first = documents[0] if documents else None
    if first is None or not isinstance(first.data, Mapping):
        problems.append(Diagnostic(shown, None, None, "", f"is no profile; one begins with schema: {SCHEMA}"))
        return None
    if first.data.get("schema") != SCHEMA:
        text = f"a profile begins with schema: {SCHEMA}"
        hint = "simsticky fit writes one"
        if str(first.data.get("schema", "")).startswith("simsticky/"):
            hint = "this is a scenario, which stands below another one with base: FILE"
        problems.append(first.diagnostic(("schema",), text, hint))
        return None
    before = len(problems)
    problems += [
        first.diagnostic((key,), "unknown; a profile has schema and traffic", of_key=True)
        for key in first.data
        if key not in _KEYS
    ]
    section = first.data.get("traffic")
    if not isinstance(section, Mapping):
        problems.append(first.diagnostic(("traffic",), "a profile states traffic, as a scenario does"))
    elif "profile" in section:
        problems.append(first.diagnostic(("traffic", "profile"), "a profile names no other one", of_key=True))
    if len(problems) > before or not isinstance(section, Mapping):
        return None
    return dict(section), first
