"""``simsticky run``: simulate a scenario many times and print what it does to its users."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from simsticky.cli import console, options, stopping
from simsticky.cli.options import Output
from simsticky.cli.texts import PAGES, text_file, write_and_tell
from simsticky.cli.work import Noise, Work, simulate_for, working
from simsticky.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from simsticky.cli.output import Target
    from simsticky.cli.texts import TextFile
    from simsticky.recording.record import Recording
    from simsticky.report.asked import Asked
    from simsticky.report.blocks import Block, Note
    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario
    from simsticky.study.case import Simulate
    from simsticky.study.otherwise import Otherwise
    from simsticky.study.recommend.first import KeepingFirst
    from simsticky.study.replicate import Study


def run(
    file: options.ScenarioFile,
    seed: options.Seed = None,
    reps: options.Reps = None,
    precision: options.Precision = None,
    max_reps: options.MaxReps = None,
    jobs: options.Jobs = None,
    engine: options.Engine = options.EngineChoice.AUTO,
    scheduler: options.Scheduler = None,
    study_directory: options.StudyDirectory = None,
    output: options.OutputFormat = Output.TABLE,
    out: options.OutPath = None,
    frames: options.Frames = options.FrameFormat.CSV,
    force: options.Force = False,
    report: options.Report = None,
    changes: options.Changes = None,
    namespace: options.Namespace = None,
    lenient: options.Lenient = False,
    story: options.Story = False,
    rare: options.Rare = False,
    verify: options.Verify = False,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Simulate a scenario and print how many sessions break and how evenly the pods are loaded.

    Whether thresholds are met is printed and leaves the exit code at 0.
    """
    _refuse_clashes(story=story, output=output, reps=reps, precision=precision, max_reps=max_reps)
    place, page = _places(out, report, frames, force=force)
    scenario = load_scenario(file, changes, namespace=namespace, lenient=lenient)

    from simsticky.report.asked import Asked
    from simsticky.study.precision import MOST
    from simsticky.study.recommend.first import KeepingFirst
    from simsticky.study.replicate import replicate

    n = None if precision is not None else reps or scenario.run.replications
    keep = KeepingFirst()
    work = Work(jobs=jobs, engine=engine, scheduler=scheduler, study=study_directory, verify=verify)
    noise = Noise(quiet=quiet, no_progress=no_progress, no_color=no_color)
    simulate = _with_less_variance(verify) if rare else None
    with working(
        scenario.name, n, work, noise, simulate=simulate, keep=keep if output is Output.TABLE else None
    ) as runner:
        study = replicate(scenario, n, seed, precision=precision, max_reps=max_reps or MOST, runner=runner)
    asked = Asked.of(file, changes, namespace=namespace, lenient=lenient)
    others, stopped = _otherwise(study) if _for_people(output, page, out) else (None, None)
    frames_wanted = place is not None and place.is_directory
    detailed = _detailed(study, verify) if story or frames_wanted or page is not None else None

    writes: list[Callable[[], None]] = []
    if place is not None:
        writes.append(partial(place.write, study, detailed if frames_wanted else None, asked, others))
    if page is not None and detailed is not None:
        writes.append(partial(_write_page, page, study, detailed, asked, others))
    first = detailed or (_first(study, keep) if output is Output.TABLE else None)
    told = detailed.story() if story and detailed is not None else None
    recorded = None if first is None else first.recording
    shown = Shown(study, asked, others, recorded, told, runner.engine, verbose=verbose, rare=rare)
    write_and_tell(writes, partial(_tell, shown, output, quiet=quiet, no_color=no_color))
    if stopped is not None:
        raise stopped


def _places(
    out: Path | None, report: Path | None, frames: options.FrameFormat, *, force: bool
) -> tuple[Target | None, TextFile | None]:
    """Where numbers and page are to go, if they can be written there."""
    place = page = None
    if out is not None:
        from simsticky.cli.output import target

        place = target(out, frames, force=force)
    if report is not None:
        page = text_file(report, PAGES, "--report")
    return place, page


def _write_page(page: TextFile, study: Study, detailed: Result, asked: Asked, others: list[Otherwise] | None) -> None:
    console.quiet_figures()
    from simsticky.report.html import report_page

    page.write(report_page(study, detailed, asked=asked, others=others))


def _otherwise(study: Study) -> tuple[list[Otherwise] | None, KeyboardInterrupt | None]:
    """What the headline would be otherwise; whoever is tired of waiting for it gets all the rest, and no less."""
    from simsticky.study.otherwise import otherwise

    try:
        return otherwise(study), None
    except KeyboardInterrupt as stopped:
        stopping.taken()
        return None, stopped


def _for_people(output: Output, page: TextFile | None, out: Path | None) -> bool:
    """Whether the first screen is shown anywhere: to what else runs for it nobody would listen."""
    is_markdown = out is not None and out.suffix.lower() == ".md"
    return page is not None or is_markdown or output in (Output.TABLE, Output.MARKDOWN)


def _refuse_clashes(
    *, story: bool, output: Output, reps: int | None, precision: str | None, max_reps: int | None
) -> None:
    if story and output is Output.CSV:
        raise InputError.of("a story is no table", file="--story", hint="use -o table, markdown or json")
    if precision is not None and reps is not None:
        raise InputError.of("how many replications follows from --precision", file="--reps", hint="give one of them")
    if precision is None and max_reps is not None:
        raise InputError.of("it goes with --precision", file="--max-reps", hint="--reps says how many")


def _with_less_variance(verify: bool) -> Simulate:
    from simsticky.simulate import simulate
    from simsticky.study.variance import WithVarianceReduction

    return WithVarianceReduction(simulate_for(verify=verify) or simulate)


def load_scenario(
    file: str, changes: list[str] | None, *, namespace: str | None = None, lenient: bool = False
) -> Scenario:
    """Read a scenario file and apply the ``--set`` flags.

    Args:
        file: The scenario file.
        changes: Values of ``--set``.
        namespace: The application's namespace; that of the file, if None.
        lenient: Warn about unknown fields of manifests instead of refusing them.

    Raises:
        InputError: With everything that is wrong with them.
    """
    from simsticky.scenario.paths.changes import parse_settings
    from simsticky.scenario.reading.load import load

    parsed = parse_settings(changes or ())
    try:
        scenario = load(file, namespace=namespace, lenient=lenient)
    except OSError as error:
        raise InputError.of(error.strerror or str(error), file=str(error.filename or file)) from error
    return scenario.evolve(parsed, source="--set") if parsed else scenario


def load_varied(
    file: str, changes: list[str] | None, varied: Mapping[str, Any], *, namespace: str | None, lenient: bool
) -> tuple[Scenario, dict[str, Any]]:
    """Return the scenario with its ``--set`` values, and those of them that follow what is varied.

    Raises:
        InputError: The file cannot be read, or a setting is wrong.
    """
    from simsticky.scenario.paths.changes import parse_settings
    from simsticky.study.settings import following

    scenario = load_scenario(file, None, namespace=namespace, lenient=lenient)
    fixed, follow = following(scenario, parse_settings(changes or ()), varied)
    return (scenario.evolve(fixed, source="--set") if fixed else scenario), follow


def _detailed(study: Study, verify: bool) -> Result:
    """Replication 0 once more, with every request recorded."""
    scenario = study.scenario.evolve({"run.record": "requests"})
    from simsticky.simulate import simulate

    return (simulate_for(verify=verify) or simulate)(scenario, seed=study.seed, replication=0)


def _engine_note(engine: str | None, first: Recording | None) -> Note:
    """Say what ran the data plane, and how much of replication 0 took the way that always is plain Python."""
    from simsticky.report.blocks import Note

    text = f"Engine: {engine or 'none, all replications were found'}."
    if first is not None:
        sent = first.counts.get("requests_sent", 0)
        share = first.irregular_sends / sent if sent else 0.0
        text += f" Irregular sends: {share:.1%} of the requests of replication 0."
    return Note(text)


def _first(study: Study, keep: KeepingFirst) -> Result:
    """Replication 0, once more if it was not kept: for the line of each pod's sessions."""
    if keep.first is not None:
        return keep.first
    from simsticky.simulate import simulate

    scenario = study.scenario.evolve({"run.record": "sessions", "run.skewFloor": False})
    return simulate(scenario, study.seed)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is printed of a run.

    Attributes:
        study: The study.
        asked: The command, for those that it prints.
        others: What the headline would be if an assumption is wrong.
        first: Replication 0, for the sessions on each pod.
        story: Its story, if that was asked for.
        engine: What ran the data plane.
        verbose: Whether the manifests' fields are listed, and the engine named.
        rare: Whether estimates with less variance are told.
    """

    study: Study
    asked: Asked
    others: list[Otherwise] | None
    first: Recording | None
    story: list[str] | None
    engine: str | None
    verbose: bool
    rare: bool


def _tell(shown: Shown, output: Output, *, quiet: bool, no_color: bool) -> None:
    _print(shown, output, no_color)
    if not quiet:
        console.warn(shown.study.warnings)


def _print(shown: Shown, output: Output, no_color: bool) -> None:
    if output is Output.JSON:
        whole = shown.study.to_json_dict()
        if shown.rare:
            from simsticky.study.variance import reduced

            whole["reduced"] = [reduction.to_json_dict() for reduction in reduced(shown.study)]
        if shown.story is not None:
            whole["story"] = shown.story
        console.print_text(json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    elif output is Output.CSV:
        from simsticky.report.render import csv
        from simsticky.report.study import data_of

        console.print_text(csv.render(data_of(shown.study)))
    elif output is Output.MARKDOWN:
        from simsticky.report.render import markdown

        console.print_text(markdown.render(_blocks(shown)))
    else:
        console.print_blocks(_blocks(shown), no_color=no_color)


def _blocks(shown: Shown) -> list[Block]:
    """The report of a study, and below it what was asked for."""
    from simsticky.report import study as report

    blocks = report.blocks(shown.study, shown.first, asked=shown.asked, others=shown.others)
    if shown.rare:
        from simsticky.report.reduction import reduction_section

        blocks.append(reduction_section(shown.study))
    if shown.verbose:
        blocks += report.manifest_sections(shown.study.scenario.manifest_report)
        blocks.append(_engine_note(shown.engine, shown.first))
    if shown.story is not None:
        blocks.append(report.story_section(shown.story))
    return blocks
