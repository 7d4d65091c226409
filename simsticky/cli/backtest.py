"""``simsticky backtest``: replay a log and say whether the model would have shown the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from simsticky.cli import console, options
from simsticky.cli.fit import (
    Events,
    Format,
    Gap,
    Logs,
    MaxDamaged,
    Service,
    SessionKey,
    named_by,
    seconds_of_gap,
    share_of_lines,
)
from simsticky.cli.options import Output
from simsticky.cli.run import load_scenario
from simsticky.cli.work import Noise, Work, working

if TYPE_CHECKING:
    from simsticky.logs.backtest_answer import Backtest
    from simsticky.study.case import Simulate
    from simsticky.study.runner import Runner

NOT_COMPATIBLE, OPEN = 3, 4
"""Exit codes: the model does not match the log; too little is in the log to tell."""

_FEWEST = 39
"""Of fewer no interval holds one more run in 95 of 100."""

Reps = Annotated[
    int | None,
    typer.Option(
        "--reps", min=_FEWEST, callback=options.at_most(options.MOST_REPLICATIONS), help="Replications; 79 by default."
    ),
]


def backtest(
    file: options.ScenarioFile,
    logs: Logs,
    session_key: SessionKey = None,
    events: Events = None,
    log_format: Format = None,
    max_damaged: MaxDamaged = "5%",
    gap: Gap = None,
    service: Service = None,
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
    from simsticky.cli.texts import PAGES, TEXTS, print_answer, text_file, text_of, write_and_tell
    from simsticky.report import backtest as told

    place = None if out is None else text_file(out, TEXTS)
    page = None if report is None else text_file(report, PAGES, "--report")
    damaged = share_of_lines(max_damaged)
    gap_s = None if gap is None else seconds_of_gap(gap)
    scenario = load_scenario(file, changes, namespace=namespace, lenient=lenient)
    if page is not None:
        console.quiet_figures()

    from simsticky.cli.reading import bar_of_reading
    from simsticky.logs.backtest import REPLICATIONS
    from simsticky.logs.backtest import backtest as compare
    from simsticky.logs.read import read_logs
    from simsticky.logs.sessions import GAP_S

    with bar_of_reading(shown=not (quiet or no_progress), no_color=no_color) as bar:
        log = read_logs(
            logs,
            format=log_format,
            session_key=session_key,
            max_damaged=damaged,
            events=events,
            progress=bar.read,
            gap_s=GAP_S if gap_s is None else gap_s,
            service=service,
        )

    def running(task: str, total: int, simulate: Simulate) -> AbstractContextManager[Runner]:
        noise = Noise(quiet=quiet, no_progress=no_progress, no_color=no_color)
        return working(task, total, Work(jobs=jobs), noise, simulate=simulate)

    found = named_by(logs, lambda: compare(scenario, log, reps=reps or REPLICATIONS, seed=seed, running=running))
    writes: list[Callable[[], None]] = []
    if place is not None:
        writes.append(lambda: place.write(text_of(found, told, place.suffix)))
    if page is not None:
        writes.append(lambda: page.write(told.page(found)))
    write_and_tell(writes, partial(print_answer, found, told, output, no_color=no_color))
    if code := _ending(found):
        raise typer.Exit(code)


def _ending(found: Backtest) -> int:
    return {True: 0, False: NOT_COMPATIBLE, None: OPEN}[found.compatible]
