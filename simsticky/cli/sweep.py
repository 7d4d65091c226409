"""``simsticky sweep``: one scenario at many settings, and which setting matters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simsticky.cli import completing, console, options
from simsticky.cli.options import Output
from simsticky.cli.run import load_varied
from simsticky.cli.texts import PAGES, TextFile, text_file, write_and_tell
from simsticky.cli.work import Noise, Work, working
from simsticky.errors import InputError

if TYPE_CHECKING:
    from simsticky.report.blocks import Block
    from simsticky.study.sweep import Sweep
    from simsticky.study.tornado import Tornado

Vary = Annotated[
    list[str],
    typer.Option(
        "--vary",
        metavar="KEY=VALUES",
        help=f"What to vary, repeatable: {options.VARY}. A grid needs values or steps.",
        autocompletion=completing.changes,
    ),
]
DesignName = Annotated[
    str,
    typer.Option(
        "--design",
        metavar="DESIGN",
        help="grid: every combination of the values. Points from ranges: lhs, a Latin hypercube; sobol, a Sobol"
        " sequence; saltelli, which also says how much each setting matters (SAMPLES x (ranges + 2) points).",
    ),
]
Samples = Annotated[
    int | None,
    typer.Option(
        "--samples", min=2, callback=options.at_most(100_000), help="Points to draw from the ranges; 64 by default."
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="METRIC",
        help="What the table shows, repeatable; JSON and CSV have all.",
        autocompletion=completing.metrics,
    ),
]
MaxReps = Annotated[
    int | None,
    typer.Option(
        "--max-reps",
        min=10,
        help="Instead of --reps: look after 10, 20, 40, ... replications, until it is certain of each point whether it"
        " is worse than the scenario as it is; at most this many.",
    ),
]
TornadoFlag = Annotated[
    bool,
    typer.Option(
        "--tornado",
        help="Move one setting at a time to both ends of its range instead, and sort by how far a metric moves.",
    ),
]
OutFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Also write a file: .json, .csv, .parquet or .md.")
]


def sweep(
    file: options.ScenarioFile,
    vary: Vary,
    design: DesignName = "grid",
    samples: Samples = None,
    tornado: TornadoFlag = False,
    metric: Metrics = None,
    seed: options.Seed = None,
    reps: options.Reps = None,
    max_reps: MaxReps = None,
    jobs: options.Jobs = None,
    engine: options.Engine = options.EngineChoice.AUTO,
    scheduler: options.Scheduler = None,
    study_directory: options.StudyDirectory = None,
    output: options.OutputFormat = Output.TABLE,
    out: OutFile = None,
    report: options.Report = None,
    changes: options.Changes = None,
    namespace: options.Namespace = None,
    lenient: options.Lenient = False,
    verify: options.Verify = False,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Run a scenario at many settings, on the same sessions and the same luck.

    simsticky sweep scenarios/rolling.yaml --vary deployment.preStop=0s,15s,30s --vary 'deployment.grace=preStop + 30s'
    """
    if max_reps is not None and (tornado or reps is not None):
        raise InputError.of(
            f"does not go with --{'tornado' if tornado else 'reps'}", file="--max-reps", hint="leave one of the two"
        )
    if tornado:
        _refuse_beside_tornado(report, output, grid=design == "grid" and samples is None)
    place = None if out is None else _place(out, tornado=tornado)
    page = None if report is None else text_file(report, PAGES, "--report")
    metrics = _known(metric)
    from simsticky.study.settings import parse_vary

    settings = parse_vary(vary)
    scenario, following = load_varied(file, changes, settings, namespace=namespace, lenient=lenient)
    varied = {**settings, **following}
    work = Work(jobs=jobs, engine=engine, scheduler=scheduler, study=study_directory, verify=verify)
    noise = Noise(quiet=quiet, no_progress=no_progress, no_color=no_color)
    with working(scenario.name, None, work, noise) as runner:
        if tornado:
            from simsticky.study.tornado import tornado as move

            found: Sweep | Tornado = move(scenario, varied, metrics[0], reps, seed, source="--vary", runner=runner)
        else:
            from simsticky.study.sweep import sweep as run

            points = partial(run, design=design, samples=samples, max_reps=max_reps)
            found = points(scenario, varied, reps, seed, source="--vary", runner=runner)
    writes: list[Callable[[], None]] = []
    if place is not None:
        writes.append(partial(_write, found, metrics, place))
    if page is not None:
        writes.append(partial(_write_page, found, jobs, page))
    write_and_tell(writes, lambda: _tell(found, metrics, output, quiet=quiet, no_color=no_color))


def _place(out: Path, *, tornado: bool) -> TextFile:
    """Where the answer is to go, if it can be written there."""
    place = text_file(out, (".json", ".md") if tornado else (".json", ".csv", ".parquet", ".md"))
    if place.suffix == ".parquet":
        needs_parquet("--out")
    return place


def _refuse_beside_tornado(report: Path | None, output: Output, *, grid: bool) -> None:
    if report is not None:
        raise InputError.of("a tornado has no grid to slide through", file="--report", hint="leave --tornado")
    if output is Output.CSV:
        raise InputError.of("a tornado is no CSV", file="--output", hint="use table, markdown or json")
    if not grid:
        raise InputError.of("it takes both ends of each range", file="--tornado", hint="leave --design and --samples")


def needs_parquet(flag: str) -> None:
    """Say so when Parquet cannot be written.

    Raises:
        InputError: pyarrow is not installed.
    """
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise InputError.of("Parquet needs pyarrow", file=flag, hint="pip install 'simsticky[parquet]'")


def _known(metrics: list[str] | None) -> list[str]:
    from simsticky.report.sweeps import SHOWN
    from simsticky.results.metrics import METRICS
    from simsticky.study.verdicts import nearest_metric

    wrong = [name for name in metrics or () if name not in METRICS]
    if wrong:
        hint = nearest_metric(wrong[0], METRICS)
        raise InputError.of(f"there is no metric {wrong[0]!r}", file="--metric", hint=hint)
    return list(dict.fromkeys(metrics or SHOWN))


def _tell(found: Sweep | Tornado, metrics: list[str], output: Output, *, quiet: bool, no_color: bool) -> None:
    if output is Output.TABLE:
        console.print_blocks(_blocks(found, metrics), no_color=no_color)
    else:
        console.print_text(_text(found, metrics, f".{_SUFFIX[output]}"))
    if not quiet:
        console.warn(found.warnings)


_SUFFIX = {Output.JSON: "json", Output.CSV: "csv", Output.MARKDOWN: "md"}


def _write_page(found: Sweep | Tornado, jobs: int | None, page: TextFile) -> None:
    console.quiet_figures()
    from simsticky.report.html import tradeoff_page
    from simsticky.study.pool import available_cpus
    from simsticky.study.sweep import Sweep

    assert isinstance(found, Sweep)
    page.write(tradeoff_page(found, jobs=jobs or available_cpus()))


def _blocks(found: Sweep | Tornado, metrics: list[str]) -> list[Block]:
    from simsticky.report.sweeps import blocks, tornado_blocks
    from simsticky.study.sweep import Sweep

    return blocks(found, metrics) if isinstance(found, Sweep) else tornado_blocks(found)


def _write(found: Sweep | Tornado, metrics: list[str], place: TextFile) -> None:
    from simsticky.study.sweep import Sweep

    if place.suffix == ".parquet" and isinstance(found, Sweep):
        place.write_with(found.to_parquet)
    else:
        place.write(_text(found, metrics, place.suffix))


def _text(found: Sweep | Tornado, metrics: list[str], suffix: str) -> str:
    from simsticky.report.render import markdown
    from simsticky.study.sweep import Sweep

    if suffix == ".json":
        return found.to_json()
    if suffix == ".csv" and isinstance(found, Sweep):
        return found.to_csv()
    return markdown.render(_blocks(found, metrics))
