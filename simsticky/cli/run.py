"""``simsticky run``: simulate a scenario many times and print what it does to its users."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import typer

from simsticky.cli import console, options
from simsticky.cli.options import Output
from simsticky.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario
    from simsticky.study.replicate import Simulate, Study

INTERRUPTED = 130


def run(
    file: options.ScenarioFile,
    seed: options.Seed = None,
    reps: options.Reps = None,
    jobs: options.Jobs = None,
    output: options.OutputFormat = Output.TABLE,
    out: options.OutPath = None,
    frames: options.Frames = options.FrameFormat.CSV,
    force: options.Force = False,
    report: options.Report = None,
    changes: options.Changes = None,
    story: options.Story = False,
    verify: options.Verify = False,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Simulate a scenario and print how many sessions break and how evenly the pods are loaded.

    Whether thresholds are met is printed and leaves the exit code at 0.
    """
    if story and output is Output.CSV:
        raise InputError.of("a story is no table", file="--story", hint="use -o table, markdown or json")
    place = None
    if out is not None:
        from simsticky.cli.output import target

        place = target(out, frames, force=force)
    if report is not None:
        from simsticky.cli.output import page

        page(report, "--report")
    scenario = load_scenario(file, changes)

    study = _replicate(scenario, seed, reps, jobs, verify, not (quiet or no_progress), no_color)
    frames_wanted = place is not None and place.is_directory
    detailed = _detailed(study, verify) if story or frames_wanted or report is not None else None

    failure: Exception | None = None
    if place is not None:
        try:
            place.write(study, detailed if frames_wanted else None)
        except Exception as error:  # the numbers took a minute: print them before giving up
            failure = error
    if report is not None and detailed is not None:
        try:
            _report(report, study, detailed)
        except Exception as error:
            failure = failure or error
    first = detailed
    if first is None and output is Output.TABLE:
        first = _sessions_of_first(study)
    _print(study, output, first, detailed.story() if story and detailed is not None else None, verbose, no_color)
    if not quiet:
        console.warn(study.warnings)
    if failure is not None:
        raise failure


def load_scenario(file: str, changes: list[str] | None) -> Scenario:
    """Read a scenario file and apply the ``--set`` flags.

    Raises:
        InputError: With everything that is wrong with them.
    """
    from simsticky.scenario.changes import parse_settings
    from simsticky.scenario.load import load

    parsed = parse_settings(changes or ())
    try:
        scenario = load(file)
    except OSError as error:
        raise InputError.of(error.strerror or str(error), file=str(error.filename or file)) from error
    return scenario.evolve(parsed, source="--set") if parsed else scenario


def _replicate(
    scenario: Scenario,
    seed: int | None,
    reps: int | None,
    jobs: int | None,
    verify: bool,
    show_progress: bool,
    no_color: bool,
) -> Study:
    from simsticky.study.execution import Interrupted, available_cpus
    from simsticky.study.replicate import replicate

    total = reps or scenario.run.replications
    workers = min(jobs or available_cpus(), total)
    try:
        with console.progress(scenario.name, total, shown=show_progress, no_color=no_color) as advance:
            return replicate(scenario, total, seed, workers, on_progress=advance, simulate=_simulate(verify))
    except Interrupted as stop:
        console.complain(f"interrupted: {stop}")
        raise typer.Exit(INTERRUPTED) from None


def _simulate(verify: bool) -> Simulate:
    from simsticky.simulate import simulate

    return partial(simulate, verify=True) if verify else simulate


def _detailed(study: Study, verify: bool) -> Result:
    """Replication 0 once more, with every request recorded."""
    scenario = study.scenario.evolve({"run.record": "requests"})
    return _simulate(verify)(scenario, seed=study.seed, replication=0)


def _report(place: Path, study: Study, detailed: Result) -> None:
    from simsticky.cli.output import write_page
    from simsticky.report.html import report_page

    write_page(place, report_page(study, detailed))


def _sessions_of_first(study: Study) -> Result:
    """Replication 0 once more, for the line of each pod's sessions."""
    from simsticky.simulate import simulate

    scenario = study.scenario.evolve({"run.record": "sessions", "run.skewFloor": False})
    return simulate(scenario, study.seed)


def _print(
    study: Study, output: Output, first: Result | None, story: list[str] | None, verbose: bool, no_color: bool
) -> None:
    if output is Output.JSON:
        whole = study.to_json_dict()
        if story is not None:
            whole["story"] = story
        console.print_text(json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    elif output is Output.CSV:
        from simsticky.report.tables import to_csv

        console.print_text(to_csv(study))
    elif output is Output.MARKDOWN:
        from simsticky.report.tables import to_markdown

        told = ["", "### Replication 0", "", "```", *story, "```", ""] if story is not None else []
        console.print_text(to_markdown(study) + "\n".join(told))
    else:
        from simsticky.report.terminal import manifest_lines, render, story_lines

        width = console.width()
        lines = render(study, width, None if first is None else first.recording)
        if verbose:
            lines += manifest_lines(study.scenario.manifest_report, width)
        if story is not None:
            lines += story_lines(story, width)
        console.print_lines(lines, no_color=no_color)
