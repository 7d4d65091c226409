"""What the page of a replay knows: one or more sides, the words for what happens, and one clock for all of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simsticky.kong.cookie import path_match
from simsticky.report.pod_lives import MARKS
from simsticky.report.replay.lines import lines_of
from simsticky.report.replay.pods import NAMES, PHASES, Pod, pods_of
from simsticky.report.replay.sessions import OPEN, hundredths, sessions_of
from simsticky.report.replay.span import Span, alive, span_of
from simsticky.results.story import requests as told

if TYPE_CHECKING:
    from simsticky.report.frames import Frames
    from simsticky.scenario.model import Scenario

MOST_ROWS = 10_000
"""Rows of requests that a page may hold: about 450 kB. Of a run with more of them fewer sessions are drawn."""
MOST_LINES = 1_000
"""Lines of the story that a page may hold."""
NO_MORE = "all operations are over: no more sessions begin, and those that are alive end"

Named = tuple[str, "Frames"]


def data_of(named: Sequence[Named]) -> dict[str, Any]:
    """Return what a page needs to replay one or more runs side by side, as plain JSON types.

    Args:
        named: The name of each side, and its replication with requests recorded. Of one run the name is not shown.
    """
    runs = [run for _, run in named]
    span = span_of(runs)
    sides = [_side(name, run, span) for name, run in named]
    while (rows := sum(len(side["rows"]["sent"]) for side in sides)) > MOST_ROWS:
        span = span._replace(every=math.ceil(span.every * rows / MOST_ROWS))
        sides = [_side(name, run, span) for name, run in named]
    return {
        "from_s": span.from_s,
        "length": int(hundredths([span.to_s], span.from_s)[0]),
        "zero": int(hundredths([_zero_s(runs)], span.from_s)[0]),
        "every": span.every,
        "marks": MARKS,
        "words": _words(),
        "sides": sides,
    }


def same_sessions(named: Sequence[Named]) -> bool:
    """Return whether the sides met the same sessions: what has one number begins at one time in all of them."""
    starts = [dict(zip(run.sessions["session"], run.sessions["started_s"], strict=True)) for _, run in named]
    return all(other.get(number, start) == start for other in starts[1:] for number, start in starts[0].items())


def closes(run: Frames) -> float:
    """Return when the last session begins because all operations are over; infinity where they go on coming."""
    return float(run.sessions["started_s"].max()) if run.scenario.run.until == "drained" else math.inf


def _zero_s(runs: Sequence[Frames]) -> float:
    """Return when the first operation starts: the story counts from there."""
    begun = [float(run.operations["start_s"].min()) for run in runs if len(run.operations)]
    return min(begun, default=0.0)


def _side(name: str, run: Frames, span: Span) -> dict[str, Any]:
    pods, nodes = pods_of(run), _nodes(run)
    scenario = run.scenario
    columns = sessions_of(run, span, [pod.name for pod in pods], nodes)
    numbers = columns["sessions"]["id"]
    lines, left_out = _lines(run, pods, span)
    closes_s = closes(run)
    if closes_s < span.to_s:
        lines.append([int(hundredths([closes_s], span.from_s)[0]), "", "run", NO_MORE, []])
    return {
        "name": name,
        "phases": _phase_names(scenario),
        "replication": run.replication,
        "pods": [_pod(pod, span) for pod in pods],
        "nodes": nodes,
        **columns,
        "exposures": _exposures(run, numbers, [pod.name for pod in pods], span),
        "operations": [str(label) for label in run.operations["label"]],
        "lines": lines,
        "linesLeftOut": left_out,
        "inPods": scenario.app.state == "pod",
        "cookies": _cookies_are_known(scenario),
        "binding": _binding(scenario),
        "all": len(alive(run, span.from_s, span.to_s)[0]),
    }


def _pod(pod: Pod, span: Span) -> dict[str, Any]:
    """Return a pod with its phases clipped to the span: one that is over before begins and ends as gone."""
    phases: list[tuple[int, int]] = []
    for phase, since_s in pod.phases:
        at = max(0, int(hundredths([max(since_s, span.from_s)], span.from_s)[0]))
        if since_s > span.to_s:
            break
        if phases and phases[-1][1] == at:
            phases.pop()
        phases.append((PHASES.index(phase), at))
    return {
        "pod": pod.short,
        "revision": pod.revision,
        "phases": phases,
        "marks": [(MARKS.index(mark), at) for mark, at in _within(pod.marks, span)],
        "deaths": [at for _, at in _within([("", at_s) for at_s in pod.deaths], span)],
    }


def _within(marked: Iterable[tuple[str, float]], span: Span) -> list[tuple[str, int]]:
    inside = [(mark, at_s) for mark, at_s in marked if span.from_s <= at_s <= span.to_s]
    return [(mark, int(hundredths([at_s], span.from_s)[0])) for mark, at_s in inside]


def _nodes(run: Frames) -> list[str]:
    return [f"kong-{number}" for number in range(1, run.scenario.gateway.nodes + 1)]


def _exposures(run: Frames, numbers: list[int], pods: list[str], span: Span) -> dict[str, list[Any]]:
    """Return the exposures of the sessions that are replayed, as columns; ``session`` is an index of them."""
    table = run.exposures
    place = {number: index for index, number in enumerate(numbers)}
    mine = table[table["session"].isin(numbers) & (table["at_s"] <= span.to_s)]
    index = {name: number for number, name in enumerate(pods)}
    return {
        "session": [place[number] for number in mine["session"].tolist()],
        "at": hundredths(mine["at_s"], span.from_s).tolist(),
        "pod": [index.get(str(name), OPEN) for name in mine["pod"]],
        "how": [str(how) for how in mine["how"]],
        "operation": [int(number) for number in mine["operation"]],
    }


def _lines(run: Frames, pods: list[Pod], span: Span) -> tuple[list[list[Any]], int]:
    """Return (when, clock, who, what, pods that it names) of the story's lines, and how many are left out."""
    index = {pod.short: number for number, pod in enumerate(pods)}
    inside = lines_of(run, span.from_s, span.to_s)
    kept = [
        [
            int(hundredths([line.at_s], span.from_s)[0]),
            line.clock,
            line.actor,
            line.sentence,
            sorted({index[word] for word in re.findall(r"[\w.-]*\w", line.sentence) if word in index}),
        ]
        for line in inside[:MOST_LINES]
    ]
    return kept, len(inside) - len(kept)


def _phase_names(scenario: Scenario) -> list[str]:
    """Return what pods in each phase are called; where there is no hook, there is no preStop."""
    names = NAMES if scenario.deployment.pre_stop is not None else {**NAMES, "draining": "terminating"}
    return [names[phase] for phase in PHASES]


def _cookies_are_known(scenario: Scenario) -> bool:
    """Whether a request's cookie follows from where the session was answered before.

    Frames do not hold cookies. Where clients clear them, mix tabs, paths or upstreams, or where the gateway does not
    set them as it does by default, one cannot tell, and the page does not.
    """
    traffic, gateway, policy = scenario.traffic, scenario.gateway, scenario.upstream
    sticky = policy.sticky_sessions
    return (
        policy.algorithm == "sticky-sessions"
        and sticky is not None
        and sticky.cookie_path.startswith("/")
        and path_match(traffic.path, sticky.cookie_path)
        and not traffic.paths
        and traffic.tabs == 1
        and traffic.cookies.clear == 0
        and traffic.other_upstream is None
        and traffic.connections.kind == "per-request"
        and gateway.cookie_on_retry == "rebind_cookie"
        and gateway.sticky_set_cookie == "when_missing_or_changed"
        and scenario.kubernetes.pod_addresses == "unique"
    )


def _binding(scenario: Scenario) -> str:
    """Return what leads a session to its pod, as a word of a sentence; empty where nothing does."""
    if scenario.traffic.connections.kind == "long-lived":
        return "open connection"
    return {"sticky-sessions": "cookie", "consistent-hashing": "key"}.get(scenario.upstream.algorithm, "")


def _words() -> dict[str, Any]:
    """Return the words of the story for what frames name by a word of their own."""
    return {
        "mechanism": _by_name(told.ON_THE_WAY),
        "origin": _by_name(told.WHY),
        "broke": _by_name(told.MET),
        "outcome": _by_name(told.ENDS),
        "how": _by_name(told.EXPOSED),
    }


def _by_name(words: Mapping[Any, str]) -> dict[str, str]:
    return {kind.name.lower(): text for kind, text in words.items()}
