"""``simsticky check``: a gate for pipelines, by thresholds and against a baseline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simsticky.cli import console, options
from simsticky.cli.recommend import MaxTime, Thresholds, seconds_of
from simsticky.cli.run import load_scenario
from simsticky.cli.work import Noise, Work, working

if TYPE_CHECKING:
    from simsticky.annotations.outputs import Wanted
    from simsticky.cli.texts import TextFile
    from simsticky.scenario.model import Scenario
    from simsticky.study.check.answer import Check

FORMATS = ("table", "json", "markdown", "junit", "github")
FAILED, OPEN = 3, 4
"""Exit codes: a threshold not met or something worse; not certain."""

SUMMARY = "GITHUB_STEP_SUMMARY"
"""Environment variable of GitHub's runners: the file that a step's Markdown is appended to."""


class Inconclusive(StrEnum):
    """What an answer that is not certain counts as."""

    PASS = "pass"
    FAIL = "fail"


Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="WHAT",
        help="Tell only what became worse than this: git:REF (the scenario as it is there, git:origin/main), another"
        " checkout's directory or a directory of manifests, another scenario's file, or a result of run --out"
        " FILE.json. What the model does not read (an image tag) is no change. --set applies to both.",
    ),
]
MaxReps = Annotated[
    int,
    typer.Option("--max-reps", min=10, callback=options.at_most(options.MOST_REPLICATIONS),
                 help="At most this many replications."),
]  # fmt: skip
OpenMeans = Annotated[
    Inconclusive | None,
    typer.Option("--inconclusive", metavar="pass|fail", show_default=False,
                 help="End with 0 or with 3 instead of 4 when it is not certain."),
]  # fmt: skip
BudgetText = Annotated[
    str | None,
    typer.Option("--budget", metavar="TEXT",
                 help="How many broken sessions there may be ('2000 broken sessions a day'; an hour, a week, a month):"
                 " says how many deploys that allows."),
]  # fmt: skip
Outputs = Annotated[
    list[str] | None,
    typer.Option("--output", "-o", metavar="FORMAT[=FILE]",
                 help="table, json, markdown, junit or github (annotations); repeatable, a file for each but one."),
]  # fmt: skip
CommentFile = Annotated[
    Path | None,
    typer.Option("--comment-file", metavar="FILE",
                 help="Also write Markdown for a comment on a pull request; empty when nothing has changed."),
]  # fmt: skip


def check(
    file: options.ScenarioFile,
    thresholds: Thresholds = None,
    baseline: Baseline = None,
    budget: BudgetText = None,
    inconclusive: OpenMeans = None,
    seed: options.Seed = None,
    max_reps: MaxReps = 1000,
    max_time: MaxTime = None,
    jobs: options.Jobs = None,
    engine: options.Engine = options.EngineChoice.AUTO,
    scheduler: options.Scheduler = None,
    study_directory: options.StudyDirectory = None,
    output: Outputs = None,
    comment_file: CommentFile = None,
    changes: options.Changes = None,
    namespace: options.Namespace = None,
    lenient: options.Lenient = False,
    verify: options.Verify = False,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Check a scenario against its thresholds, and against what was there before.

    Exits with 0 when all is met or nothing became worse, with 3 when a threshold is not met or something became
    worse, with 4 when that is not certain.
    """
    from simsticky.annotations.outputs import wanted_outputs
    from simsticky.cli.annotated import refuse_places
    from simsticky.cli.texts import any_file
    from simsticky.study.check.answer import unchanged
    from simsticky.study.check.baseline import opened
    from simsticky.study.check.budget import Budget
    from simsticky.study.verdicts import with_thresholds

    wanted = wanted_outputs(output or (), FORMATS)
    refuse_places(wanted)
    comment = None if comment_file is None else any_file(comment_file, "--comment-file")
    most_s = None if max_time is None else seconds_of(max_time)
    work = Work(jobs=jobs, engine=engine, scheduler=scheduler, study=study_directory, verify=verify)
    noise = Noise(quiet=quiet, no_progress=no_progress, no_color=no_color)
    allowance = None if budget is None else Budget.parse(budget)

    def load(path: Path) -> Scenario:
        read = load_scenario(os.fspath(path), changes, namespace=namespace, lenient=lenient)
        return with_thresholds(read, thresholds or None)

    with ExitStack() as kept:
        scenario = load(Path(file))
        reference = None if baseline is None else kept.enter_context(opened(baseline, file, load))
        found = unchanged(scenario, reference)
        if found is None:
            from simsticky.study.check.deciding import check as decide

            runner = kept.enter_context(working("check", None, work, noise))
            found = decide(
                scenario, reference, seed=seed, most=max_reps, max_time=most_s, budget=allowance, runner=runner
            )
    _write(found, wanted, comment, open_fails=inconclusive is not Inconclusive.PASS, no_color=no_color)
    if not quiet:
        console.warn(found.warnings)
    if code := _ending(found, inconclusive):
        raise typer.Exit(code)


def _write(
    found: Check, wanted: Sequence[Wanted], comment: TextFile | None, *, open_fails: bool, no_color: bool
) -> None:
    """Write everything that was asked for, and the step's summary on GitHub's runners."""
    from simsticky.annotations.github import to_github
    from simsticky.annotations.junit import to_junit
    from simsticky.cli.annotated import write_all
    from simsticky.report import check as report
    from simsticky.report.check_annotations import cases, findings
    from simsticky.report.render import markdown, terminal
    from simsticky.report.render.lines import plain

    said = markdown.render(report.comment(found))
    before = [] if comment is None else [lambda: comment.write(said)]
    _append_to_summary(said)
    texts = {
        "table": lambda: plain(terminal.render(report.blocks(found), console.ENDLESS)),
        "json": found.to_json,
        "markdown": lambda: said,
        "junit": lambda: to_junit("simsticky check", cases(found, open_fails=open_fails)),
        "github": lambda: to_github(findings(found)),
    }
    table = lambda: console.print_blocks(report.blocks(found), no_color=no_color)  # noqa: E731
    write_all(wanted, texts, printers={"table": table}, before=before)


def _append_to_summary(text: str) -> None:
    """Append Markdown to the summary of a step; a summary that cannot be written is no reason to end."""
    place = os.environ.get(SUMMARY)
    if not place or not text:
        return
    try:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except (OSError, ValueError) as error:
        console.complain(f"warning: {SUMMARY} cannot be written: {getattr(error, 'strerror', None) or error}")


def _ending(found: Check, inconclusive: Inconclusive | None) -> int:
    from simsticky.study.verdicts import Mark

    if found.outcome is not Mark.OPEN:
        return 0 if found.outcome is Mark.PASS else FAILED
    return {Inconclusive.PASS: 0, Inconclusive.FAIL: FAILED, None: OPEN}[inconclusive]
