"""Self-contained HTML pages: the report of a study, the trade-off page of a sweep, and answers.

The same result gives the same bytes with the same versions of simsticky and matplotlib.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simsticky.report import comparison as compared
from simsticky.report import first_screen, provenance, replay
from simsticky.report import recommendation as recommended
from simsticky.report.blocks import (
    Block,
    Entries,
    Note,
    Section,
    Sentence,
    Table,
    Terms,
    Title,
    Tone,
    Warnings,
)
from simsticky.report.figures import IN_THE_ANNEX, figures, figures_of_sweep, in_numbers
from simsticky.report.grid import grid, timelines_of
from simsticky.report.numbers import counted
from simsticky.report.render.html import Page, embedded, environment, part, render, script
from simsticky.report.replay.comparison import replayed
from simsticky.report.rows import definitions, sections

if TYPE_CHECKING:
    from simsticky.report.asked import Asked
    from simsticky.report.frames import Frames
    from simsticky.report.sweep_table import SweepLike
    from simsticky.scenario.model import Scenario
    from simsticky.study.compare import Comparison
    from simsticky.study.otherwise import Otherwise
    from simsticky.study.recommend.answer import Recommendation
    from simsticky.study.replicate import Study

_MEANING = "What these numbers mean"
_LONG = 300
"""Characters of a description that paper shows among what is for those who decide; the whole is in the annex."""
_MOST_WARNINGS = 3
"""Warnings among what is for those who decide; the others are in the annex."""
_MOST_TABLES = 2
"""Tables of a comparison among what is for those who decide."""


def report_page(
    study: Study, detailed: Frames, *, asked: Asked | None = None, others: Sequence[Otherwise] | None = None
) -> str:
    """Return the report of a study as one HTML file: the first screen, then figures, numbers, inputs and versions.

    Args:
        study: The replications.
        detailed: One of them with its frames; the figures over time and the replay are of it, those of which it has
            recorded enough.
        asked: What was asked, for the commands that the page shows.
        others: What the headline would be if an assumption is wrong; the commands that tell by default.
    """
    scenario = study.scenario
    story = detailed.story()
    told = Section(counted(len(story), "line"), (Entries(tuple(story), is_log=True),), folded=True)
    numbers = (*sections(study), Section(_MEANING, (Terms(tuple(definitions(study))),), folded=True))
    drawn, warned = figures(study, detailed), study.warnings
    body: list[Block] = [
        first_screen.headlines(study, {**first_screen.HEADLINES, **first_screen.ENDS}),
        *first_screen.verdict(study),
        *first_screen.assumed(study, others, asked),
        *_about(scenario),
        Title(_how(study)),
        *_first_warnings(warned),
        *(one for one in drawn if one.name not in IN_THE_ANNEX),
    ]
    annex: list[Block] = [
        *_whole_about(scenario),
        *_other_warnings(warned),
        *(one for one in drawn if one.name in IN_THE_ANNEX),
        *in_numbers(drawn),
        Section("All numbers", numbers, name="numbers"),
        *([Section(f"Replication {detailed.replication}, event by event", (told,), name="story")] if story else []),
        *provenance.blocks(scenario),
    ]
    facts = [
        ("seed", study.seed),
        ("replications", study.n),
        ("scenario digest", provenance.digest_of(scenario)),
        ("result digest", provenance.digest_of_all(study.digests)),
        *provenance.versions(),
    ]
    live = replay.of_run(detailed)
    return render(Page(scenario.name, first_screen.sentences(study, asked), body, facts, annex, live))


def _how(study: Study) -> str:
    stopped = "" if study.stopping is None else f" {study.stopping}"
    return (
        f"{counted(study.n, 'replication')}, seed {study.seed}. Numbers are value [95 % interval over replications];"
        f" figures of one replication say so.{stopped}"
    )


def _about(scenario: Scenario) -> list[Block]:
    return [Sentence(scenario.about, Tone.PLAIN)] if scenario.about else []


def _whole_about(scenario: Scenario) -> list[Block]:
    """A description of which paper shows the beginning only, among what is for those who decide."""
    if len(scenario.about or "") <= _LONG:
        return []
    return [Section("The whole description", (Sentence(scenario.about, Tone.PLAIN),), folded=True)]


def _first_warnings(texts: Sequence[str]) -> list[Block]:
    more = len(texts) - _MOST_WARNINGS
    first: list[Block] = [Warnings(tuple(texts[:_MOST_WARNINGS]))] if texts else []
    return [*first, Note(f"{counted(more, 'more warning')} in the annex.")] if more > 0 else first


def _other_warnings(texts: Sequence[str]) -> list[Block]:
    others = tuple(texts[_MOST_WARNINGS:])
    return [Section("More warnings", (Entries(others),))] if others else []


def comparison_page(comparison: Comparison) -> str:
    """Return a comparison as one HTML file; inputs are those of the first scenario that it is held against.

    Replication 0 of each side is simulated once more, to be replayed.
    """
    base = comparison.base
    name = " → ".join(side.name for side in comparison.sides[:2]) if len(comparison.others) == 1 else base.name
    facts = [
        ("seed", ", ".join(str(seed) for seed in dict.fromkeys(side.seed for side in comparison.sides))),
        ("replications", f"{comparison.n} of each"),
        *((f"digest of {side.name}", side.digest) for side in comparison.sides),
        *provenance.versions(),
    ]
    inputs = () if base.scenario is None else tuple(provenance.blocks(base.scenario))
    # More than two tables do not fit the pages of those who decide: there stand the sentences.
    several = len(comparison.others) > _MOST_TABLES
    kept, annex = _apart(compared.figures(comparison), several)
    body = [Title(compared.title(comparison)), *_numbered(kept)]
    return render(Page(name, compared.verdicts(comparison), body, facts, [*annex, *inputs], replayed(comparison)))


def _numbered(blocks: Sequence[Block]) -> list[Block]:
    """A section without a heading gets one: on a page it stands among others."""
    return [
        Section("Numbers", block.blocks) if isinstance(block, Section) and not block.heading else block
        for block in blocks
    ]


def _apart(blocks: Sequence[Block], tables: bool = False, above: str = "") -> tuple[list[Block], list[Block]]:
    """Return what is for everybody, and what is there to be looked up.

    Args:
        blocks: Both.
        tables: Whether tables of numbers are to be looked up too.
        above: Heading of the section that they stand in; what goes to the annex carries it along.
    """
    kept: list[Block] = []
    annex: list[Block] = []
    for block in blocks:
        if isinstance(block, Warnings):
            kept += _first_warnings(block.texts)
            annex += _other_warnings(block.texts)
        elif not isinstance(block, Section):
            kept.append(block)
        elif block.folded or (tables and any(isinstance(one, Table) for one in block.blocks)):
            annex.append(replace(block, heading=f"{block.heading} · {above}" if above else block.heading))
        else:
            inner, looked_up = _apart(block.blocks, tables, block.heading or above)
            kept.append(replace(block, blocks=tuple(inner)))
            annex += looked_up
    return kept, annex


def recommendation_page(found: Recommendation) -> str:
    """Return a recommendation as one HTML file."""
    scenario = found.scenario
    facts = [
        ("seed", found.seed),
        ("replications", f"{found.n} of a setting at the most"),
        ("digest of scenario", provenance.digest_of(scenario)),
        *provenance.versions(),
    ]
    first, *others = recommended.blocks(found)
    kept, annex = _apart(others)
    annex += provenance.blocks(scenario)
    return render(Page(f"{scenario.name}: recommendation", [first], kept, facts, annex))


def tradeoff_page(sweep: SweepLike, *, jobs: int = 1) -> str:
    """Return the trade-off page of a sweep as one HTML file: the whole grid, sliders, curve and timelines.

    Replication 0 of each point is simulated once more, for its timeline.

    Args:
        sweep: The sweep.
        jobs: Worker processes for that.
    """
    data = grid(sweep, timelines_of(sweep, jobs))
    code, policy = script("tradeoff.js")
    sizes = [len(setting["values"]) for setting in data["settings"]]
    study = sweep.studies[0]
    meaning = tuple((metric["label"], metric["definition"]) for metric in data["metrics"])
    drawn = figures_of_sweep(sweep)
    result = provenance.digest_of_all([digest for study in sweep.studies for digest in study.digests])
    whole = {
        "scenario": study.scenario,
        "study": study,
        "data": data,
        "grid": embedded(data),
        "script": code,
        "policy": policy,
        "start": data["points"][0]["at"],
        "axis": sizes.index(max(sizes)),
        "about": part(_about(study.scenario)),
        "reading": part([*_whole_about(study.scenario), Section(_MEANING, (Terms(meaning),), folded=True)]),
        "figures": part(drawn),
        "numbers": part([fold for section in in_numbers(drawn) for fold in section.blocks]),
        "provenance": part(list(provenance.blocks(study.scenario))),
        "facts": [
            ("seed", study.seed),
            ("replications", f"{study.n} a point"),
            ("result digest", result),
            *provenance.versions(),
        ],
    }
    return environment().get_template("tradeoff.html.j2").render(whole)
