"""``simsticky compare``: two or more scenarios, or two or more results, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simsticky.cli import console, options
from simsticky.cli.options import Output
from simsticky.cli.run import load_scenario
from simsticky.cli.texts import PAGES, TEXTS, TextFile, print_answer, text_file, text_of, write_and_tell
from simsticky.cli.work import Noise, Work, working
from simsticky.errors import InputError

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.compare import Comparison

ENDINGS = {"better": 0, "not worse": 0, "worse": 3, "not certain": 4}
"""Exit codes of --fail-on-regression, by the worst standing of all."""

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Scenario files (YAML), or results of simsticky run --out FILE.json."),
]
With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="KEY=VALUE[; ...]",
        help="Compare the only FILE with itself, changed so; repeatable. E.g. 'deployment.preStop=5m;"
        " deployment.grace=330s'.",
    ),
]
FailOnRegression = Annotated[
    bool,
    typer.Option(
        "--fail-on-regression",
        help="Exit with 3 when a scenario is certainly worse than the first one (broken by any cause by 0.5 points,"
        " failed requests by 0.1, or past a threshold), and with 4 when that is not certain.",
    ),
]
MaxReps = Annotated[
    int | None,
    typer.Option(
        "--max-reps",
        min=10,
        help="Instead of --reps: look after 10, 20, 40, ... replications, until it is certain of each scenario whether"
        " it is worse than the first one; at most this many.",
    ),
]


def compare(
    files: Files,
    variants: With = None,
    seed: options.Seed = None,
    reps: options.Reps = None,
    max_reps: MaxReps = None,
    jobs: options.Jobs = None,
    engine: options.Engine = options.EngineChoice.AUTO,
    scheduler: options.Scheduler = None,
    study_directory: options.StudyDirectory = None,
    output: options.OutputFormat = Output.TABLE,
    out: options.OutText = None,
    page: options.Page = None,
    changes: options.Changes = None,
    namespace: options.Namespace = None,
    lenient: options.Lenient = False,
    fail_on_regression: FailOnRegression = False,
    verify: options.Verify = False,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Compare scenarios on common random numbers, or results from files; the first is the base."""
    place = text_file(out, TEXTS) if out is not None else None
    sheet = text_file(page, PAGES, "--report") if page is not None else None
    results = [file for file in files if Path(file).suffix.lower() == ".json"]
    if results and (len(results) < len(files) or variants or changes):
        raise InputError.of(
            "results from files are compared with each other only", hint="give scenario files, or .json files alone"
        )
    if reps is not None and max_reps is not None:
        raise InputError.of("does not go with --reps", file="--max-reps", hint="give one of the two")
    if results:
        comparison = _of_results(files)
    else:
        scenarios = _scenarios(files, variants, changes, namespace=namespace, lenient=lenient)
        from simsticky.study.compare import compare as compare_scenarios

        each = None if max_reps else reps or next(iter(scenarios.values())).run.replications
        work = Work(jobs=jobs, engine=engine, scheduler=scheduler, study=study_directory, verify=verify)
        noise = Noise(quiet=quiet, no_progress=no_progress, no_color=no_color)
        total = None if each is None else each * len(scenarios)
        with working("compare", total, work, noise) as runner:
            comparison = compare_scenarios(scenarios, each, seed, max_reps=max_reps, runner=runner)
    from simsticky.report import comparison as report

    writes: list[Callable[[], None]] = []
    if place is not None:
        writes.append(lambda: place.write(text_of(comparison, report, place.suffix)))
    if sheet is not None:
        writes.append(partial(_write_page, comparison, sheet))
    write_and_tell(writes, partial(print_answer, comparison, report, output, no_color=no_color))
    if not quiet:
        console.warn(comparison.warnings)
    if fail_on_regression:
        _fail(comparison)


def _write_page(comparison: Comparison, page: TextFile) -> None:
    console.quiet_figures()
    from simsticky.report.html import comparison_page

    page.write(comparison_page(comparison))


def _fail(comparison: Comparison) -> None:
    """Say which scenarios are worse than the first one, or may be, and end with the exit code that stands for it."""
    from simsticky.report.comparison import sentence

    for side in comparison.others:
        if ENDINGS[comparison.against(side.name).standing.value]:
            console.complain(f"{side.name}: {sentence(comparison, side.name)}")
    if code := ENDINGS[comparison.standing.value]:
        raise typer.Exit(code)


def _of_results(files: list[str]) -> Comparison:
    from simsticky.study.compare import compare_sides
    from simsticky.study.sides import Side

    names = _distinct(files)
    return compare_sides([Side.read(Path(file), name) for file, name in zip(files, names, strict=True)])


def _scenarios(
    files: list[str], variants: list[str] | None, changes: list[str] | None, *, namespace: str | None, lenient: bool
) -> dict[str, Scenario]:
    loaded = [load_scenario(file, changes, namespace=namespace, lenient=lenient) for file in files]
    if not variants:
        if len(files) < 2:
            hint = "simsticky compare a.yaml b.yaml, or simsticky compare a.yaml --with key=value"
            raise InputError.of("a comparison needs two scenarios", hint=hint)
        return dict(zip(_distinct(files), loaded, strict=True))
    if len(files) > 1:
        raise InputError.of("--with changes one scenario", file="--with", hint="give one FILE")
    from simsticky.scenario.paths.changes import parse_settings

    scenarios = {files[0]: loaded[0]}
    for variant in dict.fromkeys(variants):
        settings = [part.strip() for part in variant.split(";") if part.strip()]
        scenarios[variant] = loaded[0].evolve(parse_settings(settings), source="--with")
    return scenarios


def _distinct(names: Iterable[str]) -> list[str]:
    """Paths as they were given, which tell what lies in two directories apart; numbered where two are the same."""
    names = list(names)
    if len(set(names)) == len(names):
        return names
    return [f"{name} ({number})" for number, name in enumerate(names, 1)]
