"""A scenario drafted from manifests: every value with its origin, ready to run."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simsticky.errors import Diagnostic, InputError
from simsticky.manifests.reading import ManifestSet
from simsticky.scenario.reading.load import loads, merge
from simsticky.study.draft.asked import Asked
from simsticky.study.draft.guesses import guesses, is_given
from simsticky.study.draft.hinges import MATTERS, METRIC, command, hinges, that_matter
from simsticky.study.draft.sizing import Entry, run_values, timeline
from simsticky.study.draft.values import Value, block, flow
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.location import Place
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.report import ManifestNote
    from simsticky.study.tornado import Tornado

SCHEMA_FILE = "simsticky.schema.json"
_THRESHOLDS = {"broken_sessions": "< 1%", "failed_requests": "< 0.1%"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a draft comes from and where it goes.

    Attributes:
        manifests: What was read.
        named: The manifests as the draft names them; empty if their values are to stand in the draft itself.
        base: Directory that these paths start from.
        shown: What was read, for people.
        namespace: The application's namespace, if somebody chose one.
        file: What the draft will be called, for the commands in it.
        lenient: Whether unknown fields of the manifests are warned of instead of refused.
    """

    manifests: ManifestSet
    named: tuple[str, ...]
    base: Path
    shown: str
    namespace: str | None = None
    file: str = "scenario.yaml"
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A scenario as text.

    Attributes:
        source: Where it comes from.
        text: The file.
        scenario: What it says.
        values: What was stated and guessed.
        matter: The guesses that the answer hangs on, by path; None if that was not found out.
    """

    source: Source
    text: str
    scenario: Scenario
    values: tuple[Value, ...]
    matter: tuple[str, ...] | None

    @property
    def said_aloud(self) -> tuple[ManifestNote, ...]:
        """What of the manifests may move the answer and is not read as it stands."""
        return self.source.manifests.report.said_aloud

    @property
    def guesses(self) -> list[str]:
        """The guesses, by path."""
        return [value.name for value in self.values if value.is_guess]


def draft(source: Source, asked: Asked, *, try_guesses: bool = True) -> Draft:
    """Draft a scenario.

    Args:
        source: Where it comes from.
        asked: What was stated.
        try_guesses: Whether to find out in small runs which guesses the answer hangs on.

    Raises:
        InputError: The manifests and what was stated make no scenario.
    """
    if not source.named and source.manifests.blue_green is not None:
        text = "how a blue-green rollout goes cannot be written down without its manifest"
        raise InputError.of(text, file="<stdin>", hint="keep the manifests: --manifests-out FILE")
    given = merge(source.manifests.sections, nested(asked.settings))
    fixed = _fixed(source, asked, given)
    head = _head(source, given, fixed)
    values = fixed

    def scenario_of(*parts: Sequence[str]) -> Scenario:
        text = "\n".join(line for part in (head, *parts) for line in part) + "\n"
        try:
            return loads(text, source.file, source.base, lenient=source.lenient)
        except InputError as error:
            raise InputError(_at_its_origin(problem, source.file, values) for problem in error.diagnostics) from None

    values = [*fixed, *guesses(scenario_of(block(fixed)), asked, given)]
    end = _timeline_lines(given, timeline(scenario_of(block(values))))
    run = [value for value in run_values(scenario_of(block(values), end)) if not is_given(given, value.path)]
    body = block([*run, *values])
    whole = scenario_of(body, end)
    found = hinges(whole, values) if try_guesses and whole.timeline else None
    parts = (head, [""], _spaced(body), ["", *end, ""], _hinge_lines(found, values, source))
    text = "\n".join(line for part in parts for line in part) + "\n"
    matter = None if found is None else tuple(bar.setting for bar in that_matter(found))
    return Draft(source, text, whole, tuple(values), matter)


def _at_its_origin(problem: Diagnostic, file: str, values: Sequence[Value]) -> Diagnostic:
    """Return a problem of the draft, which nobody has seen yet, at the flag that stated what is wrong."""
    if problem.file != file:
        return problem
    stated = (value.origin for value in values if f"{problem.path}.".startswith(f"{value.name}."))
    flag = next((origin.removeprefix("stated: ") for origin in stated if origin.startswith("stated: ")), "")
    return replace(problem, file=flag, line=None, column=None)


def nested(settings: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """Return settings by path as the sections of a scenario."""
    tree: dict[str, Any] = {}
    for path, value in settings.items():
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return tree


def _fixed(source: Source, asked: Asked, given: Mapping[str, Any]) -> list[Value]:
    """Return what is stated with ``--set``, and, unless the draft names its manifests, what they say."""
    stated = {path: value for path, value in asked.settings.items() if path != ("name",)}
    found = [Value(path, flow(value), "stated: --set") for path, value in stated.items()]
    if source.named:
        return found
    read = _leaves({key: value for key, value in given.items() if key != "name"})
    places = source.manifests.places
    covered = set(asked.settings)
    return found + [
        Value(path, flow(value), f"read: {_place(places, path)}")
        for path, value in read
        if not any(path[: len(other)] == other for other in covered)
    ]


def _leaves(node: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    if isinstance(node, Mapping) and (node or not path):
        return [leaf for key, below in node.items() for leaf in _leaves(below, (*path, str(key)))]
    return [(path, node)]


def _place(places: Mapping[Any, Place], path: tuple[str, ...]) -> str:
    while path not in places and path:
        path = path[:-1]
    place = places.get(path)
    return "the manifests" if place is None else f"{place.file}:{place.line}"


def _head(source: Source, given: Mapping[str, Any], fixed: Sequence[Value]) -> list[str]:
    lines = [
        f"# yaml-language-server: $schema={SCHEMA_FILE}",
        f"# An editor completes and checks this file once the schema is there: simsticky schema > {SCHEMA_FILE}",
        "#",
        f"# Drafted by simsticky init from {source.shown}. Where each value is from:",
        "#   read    from a manifest, at this file and line",
        "#   stated  on the command line of init",
        "#   GUESS   nobody said; replace it by what you know",
        "",
        "schema: simsticky/1",
    ]
    if "name" in given:
        lines.append(f"name: {flow(given['name'])} # stated: --set")
    else:
        lines.append(f"name: {flow(given.get('deployment', {}).get('name', 'draft'))}")
    if source.namespace is not None:
        lines.append(f"namespace: {flow(source.namespace)} # stated: --namespace")
    if not source.named:
        lines += [
            "# The manifests are not kept: what was read of them stands below. To follow them instead, so that",
            _KEEP,
        ]
        return [*lines, *_assumed(source)]
    lines.append(f"manifests: {flow(list(source.named))}")
    lines.append("# Read from them at every run; state a value here to override it:")
    covered = {value.path for value in fixed}
    read = [
        (f"#   {'.'.join(path)}: {flow(value)}", _place(source.manifests.places, path))
        for path, value in _leaves(source.manifests.sections)
        if not any(path[: len(other)] == other for other in covered)
    ]
    width = min(max((len(text) for text, _ in read), default=0), 52)
    return [*lines, *(f"{text:<{width}}  {place}" for text, place in read), *_assumed(source)]


_KEEP = "# messages name their lines: init - --manifests-out FILE"


def _assumed(source: Source) -> list[str]:
    notes = source.manifests.report.assumed
    lines = [line for note in notes for line in _comment(str(note))]
    return ["# Assumed where they leave it open:", *lines] if notes else []


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, 78, initial_indent="#   ", subsequent_indent="#     ", break_long_words=False, break_on_hyphens=False
    )


def _timeline_lines(given: Mapping[str, Any], entries: Sequence[Entry]) -> list[str]:
    lines = []
    if "timeline" not in given:
        texts = [f"  - {{at: {format_duration(entry.at_s)}, {entry.what}}}" for entry in entries]
        width = max(len(text) for text in texts)
        lines += ["timeline:"]
        lines += [f"{text:<{width}} # {entry.why}" for text, entry in zip(texts, entries, strict=True)]
    if "thresholds" not in given:
        lines.append(f"thresholds: {flow(_THRESHOLDS)} # GUESS: what is good enough")
    return lines


def _spaced(lines: list[str]) -> list[str]:
    """Return lines with an empty one before each section but the first."""
    return [part for i, line in enumerate(lines) for part in ([""] if i and not line.startswith(" ") else []) + [line]]


def _hinge_lines(found: Tornado | None, values: Sequence[Value], source: Source) -> list[str]:
    if not any(value.ends for value in values):
        return []
    if found is None:
        lines = ["# Which guesses does the answer hang on? Too long to find out while drafting; this does:"]
        return [*lines, f"#   {command(source.file, values, lenient=source.lenient and bool(source.named))}"]
    matter = that_matter(found)
    lines = [
        "# What the answer hangs on: of the sessions alive, how many the first operation breaks",
        f"# ({_percent(found.base.estimate(METRIC).interval.estimate)} with those above), if one guess is another one:",
    ]
    ends = {value.name: value.ends for value in values}
    for bar in matter:
        shares = [_percent(estimate.interval.estimate) for estimate in (bar.at_low, bar.at_high)]
        both = [f"{end} {share}" for end, share in zip(ends[bar.setting], shares, strict=True)]
        lines.append(f"#   {bar.setting}: {', '.join(both)}")
    named = {bar.setting for bar in matter}
    rest = [bar.setting for bar in found.bars if bar.setting not in named]
    if rest:
        lines += _comment(f"not for certain, or by less than {MATTERS:.0%}: {', '.join(rest)}")
    lines.append(f"# Found with {found.base.n} small runs each; more exactly:")
    return [*lines, f"#   {command(source.file, values, lenient=source.lenient and bool(source.named))}"]


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"
