"""An answer as one HTML page: the sentence first, then tables, what is to be copied, notes, inputs and versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simsticky.report.inputs import inputs
from simsticky.report.page import digest_of, environment
from simsticky.report.replay import NONE, Replay
from simsticky.results.provenance import library_versions
from simsticky.version import __version__

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.verdicts import Mark


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a page.

    Attributes:
        caption: What it shows, for those who hear it.
        head: A heading a column; the first column heads its rows.
        rows: A text a cell.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be copied.

    Attributes:
        heading: What they do.
        lines: The lines.
    """

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of an answer.

    Attributes:
        heading: What it is about; empty of an answer's only part.
        sentence: The one thing to know.
        mark: Its sign; None where there is nothing to judge.
        tables: Its tables.
        code: What is to be copied.
        notes: How to read it.
    """

    heading: str
    sentence: str
    mark: Mark | None
    tables: tuple[Table, ...] = ()
    code: tuple[Code, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb has found, ready for a page.

    Attributes:
        title: What was asked, and how.
        name: What the page is about, in few words.
        sections: Its parts; the sentence of the first is the page's own.
        definitions: What the numbers mean, by name.
        warnings: What a reader should know before believing them.
        seed: The seed, or seeds.
        replications: How many, in words.
        scenario: The scenario whose inputs are listed; None where a result does not tell it.
        digests: The scenarios' digests, by name.
    """

    title: str
    name: str
    sections: tuple[Section, ...]
    definitions: Sequence[tuple[str, str]]
    warnings: Sequence[str]
    seed: str
    replications: str
    scenario: Scenario | None
    digests: Sequence[tuple[str, str]] = ()


def answer_page(answer: Answer, replay: Replay = NONE) -> str:
    """Return an answer as one HTML file that needs no network; the same answer gives the same bytes.

    Args:
        answer: The answer.
        replay: What of it can be watched.
    """
    scenario = answer.scenario
    digests = answer.digests or ([("scenario", digest_of(scenario))] if scenario is not None else [])
    whole = {
        "answer": answer,
        "inputs": None if scenario is None else inputs(scenario),
        "manifests": None if scenario is None else scenario.manifest_report,
        "digests": digests,
        "replay": replay,
        "versions": {"simsticky": __version__, **library_versions()},
    }
    return environment().get_template("answer.html.j2").render(whole)
