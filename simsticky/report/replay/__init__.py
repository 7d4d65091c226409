"""The replay of a page: one replication, or two or more side by side, as they happened.

:func:`of_run` and :func:`side_by_side` return what a page puts in; everything that others have written is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from simsticky.report.numbers import grouped
from simsticky.report.render.html import Live, embedded, environment
from simsticky.report.replay.data import closes, data_of, same_sessions
from simsticky.report.replay.script import bundle
from simsticky.report.replay.table import HEAD, moments

if TYPE_CHECKING:
    from simsticky.report.frames import Frames

MOST_SIDES = 3
"""Runs that are shown side by side."""


def of_run(run: Frames) -> Live:
    """Return the replay of one replication; where its requests were not recorded, what it needs instead."""
    return _replay([("", run)])


def side_by_side(named: Sequence[tuple[str, Frames]], left_out: Sequence[str] = ()) -> Live:
    """Return the replay of two or more replications on one clock, by name; of what is left out the names are told."""
    return _replay(named, left_out)


def without(missing: str) -> Live:
    """Return what stands in the place of a replay that cannot be: a sentence that says why, and the way out."""
    template = environment().get_template("replay.html.j2")
    return Live(Markup(template.render({"data": None, "missing": missing})))


def _replay(named: Sequence[tuple[str, Frames]], left_out: Sequence[str] = ()) -> Live:
    if levels := {run.scenario.run.record for _, run in named} - {"requests"}:
        return without(
            "A replay shows each session and its requests, and this run kept none of them: it was recorded at the level"
            f" {min(levels)}. Set run.record to requests and run it again."
        )
    data = data_of(named)
    whole: dict[str, Any] = {
        "data": data,
        "embedded": embedded(data),
        "script": Markup(bundle()),
        "notes": _notes(named, data, left_out),
        "head": HEAD,
        "tables": [(name, moments(run, data["from_s"], data["from_s"] + data["length"] / 100)) for name, run in named],
    }
    html = environment().get_template("replay.html.j2").render(whole)
    style = files(__package__).joinpath("replay.css").read_text(encoding="utf-8")
    return Live(Markup(html), Markup(style), _policy())


def _notes(named: Sequence[tuple[str, Frames]], data: dict[str, Any], left_out: Sequence[str]) -> list[str]:
    """Return what a reader should know before believing what is drawn."""
    notes = []
    if data["every"] > 1:
        drawn = ", ".join(f"{grouped(len(side['sessions']['id']))} of {grouped(side['all'])}" for side in data["sides"])
        notes.append(
            f"Every {_th(data['every'])} session is drawn ({drawn}), whatever becomes of it: the counts under the"
            " picture are of these, and a break that is rare may be missing. The table and all other numbers are of all"
            " sessions."
        )
    if any(not side["inPods"] for side in data["sides"]):
        notes.append(
            "State is outside the pods here: a dot is on the pod that answered last, and nothing can break it."
        )
    if any(side["linesLeftOut"] for side in data["sides"]):
        notes.append("The story is too long for the replay; its later lines are left out here.")
    if len(named) > 1 and not same_sessions(named):
        notes.append("The sides did not meet the same sessions: their settings change the traffic.")
    if len({min(closes(run), data["from_s"] + data["length"] / 100) for _, run in named}) > 1:
        notes.append("A side that is over earlier gets no more sessions from then on (run.until: drained).")
    if left_out:
        notes.append(f"Not shown: {', '.join(left_out)}.")
    return notes


def _th(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return "other" if number == 2 else f"{number}{ending}"


@cache
def _policy() -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(bundle().encode()).digest()).decode('ascii')}'"
