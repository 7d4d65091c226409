"""Self-contained HTML pages: the report of a study, the trade-off page of a sweep, and answers.

The same result gives the same bytes with the same versions of simsticky and matplotlib.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simsticky.report import comparison as compared
from simsticky.report import first_screen, provenance
from simsticky.report import recommendation as recommended
from simsticky.report.blocks import (
    Block,
    Entries,
    Section,
    Sentence,
    Terms,
    Title,
    Tone,
    Warnings,
)
from simsticky.report.figures import figures, figures_of_sweep
from simsticky.report.grid import grid, timelines_of
from simsticky.report.numbers import counted
from simsticky.report.render.html import Page, embedded, environment, part, render, script
from simsticky.report.rows import definitions, sections

if TYPE_CHECKING:
    from simsticky.report.asked import Asked
    from simsticky.report.frames import Frames
    from simsticky.report.sweep_table import SweepLike
    from simsticky.study.compare import Comparison
    from simsticky.study.otherwise import Otherwise
    from simsticky.study.recommend.answer import Recommendation
    from simsticky.study.replicate import Study

_MEANING = "What these numbers mean"


def report_page(
    study: Study, detailed: Frames, *, asked: Asked | None = None, others: Sequence[Otherwise] | None = None
) -> str:
    """Return the report of a study as one HTML file: the first screen, then figures, numbers, inputs and versions.

    Args:
        study: The replications.
        detailed: One of them with its frames, requests recorded; the figures over time are of it.
        asked: What was asked, for the commands that the page shows.
        others: What the headline would be if an assumption is wrong; the commands that tell by default.
    """
    scenario = study.scenario
    story = detailed.story()
    told = Section(counted(len(story), "line"), (Entries(tuple(story), is_log=True),), folded=True)
    numbers = (*sections(study), Section(_MEANING, (Terms(tuple(definitions(study))),), folded=True))
    body: list[Block] = [
        first_screen.headlines(study, {**first_screen.HEADLINES, **first_screen.ENDS}),
        *first_screen.verdict(study),
        *first_screen.assumed(study, others, asked),
        *([Sentence(scenario.about, Tone.PLAIN)] if scenario.about else []),
        Title(_how(study)),
        Warnings(study.warnings),
        *figures(study, detailed),
    ]
    annex: list[Block] = [
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
    return render(Page(scenario.name, first_screen.sentences(study, asked), body, facts, annex))


def _how(study: Study) -> str:
    stopped = "" if study.stopping is None else f" {study.stopping}"
    return (
        f"{counted(study.n, 'replication')}, seed {study.seed}. Numbers are value [95 % interval over replications];"
        f" figures of one replication say so.{stopped}"
    )


def comparison_page(comparison: Comparison) -> str:
    """Return a comparison as one HTML file; inputs are those of the first scenario that it is held against."""
    base = comparison.base
    name = " → ".join(side.name for side in comparison.sides[:2]) if len(comparison.others) == 1 else base.name
    facts = [
        ("seed", ", ".join(str(seed) for seed in dict.fromkeys(side.seed for side in comparison.sides))),
        ("replications", f"{comparison.n} of each"),
        *((f"digest of {side.name}", side.digest) for side in comparison.sides),
        *provenance.versions(),
    ]
    inputs = () if base.scenario is None else tuple(provenance.blocks(base.scenario))
    body = [Title(compared.title(comparison)), *_numbered(compared.figures(comparison)), *inputs]
    return render(Page(name, compared.verdicts(comparison), body, facts))


def _numbered(blocks: Sequence[Block]) -> list[Block]:
    """A section without a heading gets one: on a page it stands among others."""
    return [
        Section("Numbers", block.blocks) if isinstance(block, Section) and not block.heading else block
        for block in blocks
    ]


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
    return render(Page(f"{scenario.name}: recommendation", [first], [*others, *provenance.blocks(scenario)], facts))


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
        "figures": part(list(figures_of_sweep(sweep))),
        "definitions": part([Section(_MEANING, (Terms(meaning),), folded=True)]),
        "provenance": part(list(provenance.blocks(study.scenario))),
        "facts": [
            ("seed", study.seed),
            ("replications", f"{study.n} a point"),
            ("result digest", result),
            *provenance.versions(),
        ],
    }
    return environment().get_template("tradeoff.html.j2").render(whole)
