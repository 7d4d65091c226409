"""``simsticky backtest``: replay a log and say whether the model would have shown the same."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from simsticky.cli import console, options
from simsticky.cli.options import Output
from simsticky.cli.run import load_scenario
from simsticky.cli.work import working

if TYPE_CHECKING:
    from simsticky.logs.backtest import Backtest
    from simsticky.study.case import Simulate
    from simsticky.study.runner import Runner

NOT_COMPATIBLE, OPEN = 3, 4
"""Exit codes: the model does not match the log; too little is in the log to tell."""

_FEWEST = 39
"""Of fewer no interval holds one more run in 95 of 100."""

Logs = Annotated[
    list[str],
    typer.Argument(metavar="LOG...", help="Access logs, also .gz, .zst and globs; - is standard input."),
]
Reps = Annotated[
    int | None,
    typer.Option(
        "--reps", min=_FEWEST, callback=options.at_most(options.MOST_REPLICATIONS), help="Replications; 79 by default."
    ),
]
Format = Annotated[
    str | None, typer.Option("--format", metavar="FORMAT", help="The logs' format; found by itself by default.")
]
Key = Annotated[
    str | None,
    typer.Option("--session-key", metavar="KEY", help="What tells sessions apart, e.g. cookie:JSESSIONID or ip+ua."),
]
Damaged = Annotated[
    float, typer.Option("--max-damaged", min=0.0, max=1.0, help="Share of lines that may be unreadable.")
]
Events = Annotated[
    str | None,
    typer.Option(
        "--events", metavar="FILE", help="When deploys began, where that is known: a file with a time a line."
    ),
]


def backtest(
    file: options.ScenarioFile,
    logs: Logs,
    session_key: Key = None,
    events: Events = None,
    log_format: Format = None,
    max_damaged: Damaged = 0.05,
    reps: Reps = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    output: options.OutputFormat = Output.TABLE,
    out: options.OutText = None,
    report: options.Page = None,
    changes: options.Changes = None,
    namespace: options.Namespace = None,
    lenient: options.Lenient = False,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Replay the sessions of access logs through the rollouts found in them, and compare with what happened.

    Exits with 0 when the model is compatible with the log, with 3 when it is not, with 4 when the log holds too
    little to tell.
    """
    from simsticky.cli.texts import PAGES, TEXTS, print_answer, text_file, text_of
    from simsticky.report import backtest as told

    place = None if out is None else text_file(out, TEXTS)
    page = None if report is None else text_file(report, PAGES, "--report")
    scenario = load_scenario(file, changes, namespace=namespace, lenient=lenient)

    from simsticky.logs.backtest import REPLICATIONS
    from simsticky.logs.backtest import backtest as compare
    from simsticky.logs.read import read_logs

    log = read_logs(logs, format=log_format, session_key=session_key, max_damaged=max_damaged, events=events)

    def running(task: str, total: int, simulate: Simulate) -> AbstractContextManager[Runner]:
        return working(
            task, total, jobs=jobs, simulate=simulate, quiet=quiet, no_progress=no_progress, no_color=no_color
        )

    found = compare(scenario, log, reps=reps or REPLICATIONS, seed=seed, running=running)
    if place is not None:
        place.write(text_of(found, told, place.suffix))
    if page is not None:
        console.quiet_figures()
        page.write(told.page(found))
    print_answer(found, told, output, no_color=no_color)
    if code := _ending(found):
        raise typer.Exit(code)


def _ending(found: Backtest) -> int:
    return {True: 0, False: NOT_COMPATIBLE, None: OPEN}[found.compatible]
