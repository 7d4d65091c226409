"""Flags that mean the same for every verb."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from simsticky.cli import completing
from simsticky.units import quoted


class Output(StrEnum):
    """What standard output carries."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


class FrameFormat(StrEnum):
    """How frames are written into a directory."""

    CSV = "csv"
    PARQUET = "parquet"


MOST_REPLICATIONS = 1_000_000
"""As many as a scenario may ask for (``run.replications``)."""

MOST_SEED = 2**64 - 1


def at_most(limit: int) -> Callable[[int | None], int | None]:
    """Return what refuses a larger number; as a bound of the option itself it would fill half of the help's width."""

    def checked(value: int | None) -> int | None:
        if value is not None and value > limit:
            raise typer.BadParameter(f"{quoted(value)} is more than {limit}.")
        return value

    return checked


ScenarioFile = Annotated[str, typer.Argument(metavar="FILE", help="Scenario file (YAML).")]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, callback=at_most(MOST_SEED), help="Seed; the scenario's by default.")
]
VARY = (
    "values (deployment.preStop=0s,1m), a range (deployment.preStop=0s..30m), a range in steps"
    " (deployment.preStop=0s..30m/15s), or one value, which may follow another setting"
    " (deployment.grace='preStop + 30s')"
)
"""What ``--vary`` takes, for the help of every verb that has it; :mod:`simsticky.study.settings` reads it."""

Reps = Annotated[
    int | None,
    typer.Option(
        "--reps", min=1, callback=at_most(MOST_REPLICATIONS), help="Number of replications; the scenario's by default."
    ),
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes; by default one for each CPU.")]


class EngineChoice(StrEnum):
    """What runs the data plane."""

    AUTO = "auto"
    INTERPRETED = "interpreted"
    COMPILED = "compiled"


Engine = Annotated[
    EngineChoice,
    typer.Option(
        "--engine",
        help="What runs the data plane: Python, or compiled by Numba (pip install 'simsticky[fast]'), which gives the"
        " same bytes sooner; auto compiles where that repays.",
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="[METRIC=]WIDTH",
        help="Instead of --reps: replicate until the interval of a metric (broken_sessions) is this narrow: 0.2% is"
        " plus or minus 0.2 percentage points of a share, '5% relative' a part of the value, 2s a time.",
    ),
]
MaxReps = Annotated[
    int | None,
    typer.Option(
        "--max-reps",
        min=10,
        callback=at_most(MOST_REPLICATIONS),
        help="With --precision: at most this many replications; 1000 by default.",
    ),
]
StudyDirectory = Annotated[
    Path | None,
    typer.Option(
        "--study",
        metavar="DIR",
        help="Keep each finished replication in this directory; the same command goes on from there.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Run on a Dask cluster, e.g. tcp://10.0.0.5:8786."),
]
OutputFormat = Annotated[
    Output,
    typer.Option("--output", "-o", metavar="FORMAT", help="Format of standard output: table, json, csv or markdown."),
]
OutPath = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="PATH",
        help="Also write a file (.json, .csv, .md) or a directory with the frames of one replication.",
    ),
]
OutText = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Also write a file: .json, .csv or .md.")]
Frames = Annotated[
    FrameFormat,
    typer.Option("--format", metavar="FORMAT", help="Format of the frames in a directory: csv or parquet."),
]
Force = Annotated[bool, typer.Option("--force", help="Write into a directory that holds other files.")]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change the scenario, e.g. deployment.preStop=15s; repeatable.",
        autocompletion=completing.changes,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Also write an HTML page that needs no network, with figures."),
]
Page = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Also write an HTML page that needs no network.")
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAME",
        help="The application's namespace: what the manifests hold in another is left out.",
    ),
]
Lenient = Annotated[
    bool,
    typer.Option(
        "--lenient",
        help="Warn about manifest fields that the API server does not know, or whose value has the wrong type, and"
        " ignore them.",
    ),
]
Verify = Annotated[bool, typer.Option("--verify", help="Check the model's invariants while it runs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no warnings.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colour; NO_COLOR does the same.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="No progress bar.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="List which manifest fields were read and which ignored.")
]
Story = Annotated[bool, typer.Option("--story", help="Tell replication 0 event by event.")]
Rare = Annotated[
    bool,
    typer.Option(
        "--rare",
        help="Also give estimates with less variance where they are exact: a control variate, and for rare breaks the"
        " expectation given each session's age.",
    ),
]
