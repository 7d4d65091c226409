"""``simsticky fit``: the laws of a scenario's traffic from access logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from simsticky.cli import console, options
from simsticky.errors import InputError
from simsticky.units import parse_duration, parse_percentage, quoted

if TYPE_CHECKING:
    from simsticky.cli.texts import TextFile

Found = TypeVar("Found")

PROFILES = (".yaml", ".yml")
"""Endings of a profile's name."""
TRACES = (".csv", ".txt")

Logs = Annotated[
    list[str],
    typer.Argument(metavar="LOG...", help="Access logs: files, also .gz and .zst, globs, or - for standard input."),
]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="Format of the log, e.g. kong-json; found out if left out."),
]
SessionKey = Annotated[
    str | None,
    typer.Option(
        "--session-key",
        metavar="KEY",
        help="What tells sessions apart: cookie:NAME, header:NAME, consumer, ip+ua or ip; found out if left out.",
    ),
]
MaxDamaged = Annotated[
    str, typer.Option("--max-damaged", metavar="PERCENT", help="Share of damaged lines that is taken.")
]
Events = Annotated[
    Path | None,
    typer.Option("--events", metavar="FILE", help="When something was done to the cluster, if that is known."),
]
Gap = Annotated[
    str | None,
    typer.Option("--gap", metavar="TIME", help="Silence that ends a session; 30m by default."),
]
Service = Annotated[
    str | None, typer.Option("--service", metavar="NAME", help="Take the requests of one service only, of several.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write the profile (.yaml), which scenarios take in: laws and counts."),
]
TraceOut = Annotated[
    Path | None,
    typer.Option("--trace", metavar="FILE", help="Also write the sessions, without names, for replay (.csv)."),
]


def fit(
    logs: Logs,
    session_key: SessionKey = None,
    log_format: Format = None,
    max_damaged: MaxDamaged = "5%",
    events: Events = None,
    gap: Gap = None,
    service: Service = None,
    out: Out = None,
    trace: TraceOut = None,
    report: options.Report = None,
    output: options.OutputFormat = options.Output.TABLE,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Fit arrivals, sessions, thinks and service to access logs, and write them as a profile for scenarios.

    simsticky fit kong.json.gz --out profile.yaml
    """
    damaged = share_of_lines(max_damaged)
    gap_s = None if gap is None else seconds_of_gap(gap)
    profile, page, replay = _places(out, report, trace)
    if page is not None:
        console.quiet_figures()

    from simsticky.cli.reading import bar_of_reading
    from simsticky.cli.texts import print_answer
    from simsticky.logs.answer import to_json
    from simsticky.logs.fit import fit as fitted
    from simsticky.logs.profile import profile_text
    from simsticky.logs.read import read_logs
    from simsticky.logs.sessions import GAP_S
    from simsticky.report import fit as shown

    with bar_of_reading(shown=not (quiet or no_progress), no_color=no_color) as bar:
        read = read_logs(
            logs,
            format=log_format,
            session_key=session_key,
            max_damaged=damaged,
            events=events,
            progress=bar.read,
            gap_s=GAP_S if gap_s is None else gap_s,
            service=service,
        )
        found = named_by(logs, lambda: fitted(read, told=bar.step))
        texts = []
        if profile is not None:
            texts.append((profile, profile_text(found)))
        if replay is not None:
            from simsticky.logs.trace import trace_text

            texts.append((replay, trace_text(read, found)))
        if page is not None:
            bar.step("drawing")
            texts.append((page, shown.page(found)))
    for place, text in texts:
        place.write(text)
    if output is options.Output.JSON:
        console.print_text(to_json(found))
    else:
        print_answer(found, shown, output, no_color=no_color)
    if not quiet:
        for place, _ in texts:
            console.complain(f"wrote {place.path}")
        console.complain(_next(logs, out, trace))


def named_by(logs: list[str], work: Callable[[], Found]) -> Found:
    """Do what is about a log as a whole; what is wrong with that is told of the file."""
    try:
        return work()
    except InputError as error:
        name = "<stdin>" if logs == ["-"] else logs[0]
        raise InputError(d if d.file else replace(d, file=name) for d in error.diagnostics) from None


def _places(out: Path | None, report: Path | None, trace: Path | None) -> tuple[TextFile | None, ...]:
    """Return the files to write, or say why not."""
    from simsticky.cli.texts import PAGES, text_file

    wanted = (("--out", out, PROFILES), ("--report", report, PAGES), ("--trace", trace, TRACES))
    return tuple(None if path is None else text_file(path, endings, flag) for flag, path, endings in wanted)


def share_of_lines(text: str) -> float:
    """Return the share of lines that ``--max-damaged`` states.

    Raises:
        InputError: It is none.
    """
    try:
        share = parse_percentage(text)
    except ValueError as error:
        raise InputError.of(str(error), file="--max-damaged") from None
    if not 0 <= share <= 1:
        raise InputError.of(f"{quoted(text)} is no share of lines", file="--max-damaged", hint="between 0% and 100%")
    return share


def seconds_of_gap(text: str) -> float:
    """Return the seconds that ``--gap`` states.

    Raises:
        InputError: It is no duration above 0.
    """
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InputError.of(str(error), file="--gap") from None
    if seconds <= 0:
        raise InputError.of(f"{quoted(text)} ends every session at once", file="--gap", hint="write for example 30m")
    return seconds


def _next(logs: list[str], out: Path | None, trace: Path | None) -> str:
    """Return what to do next, in one line."""
    if out is not None:
        return f"next: a scenario in the same directory takes it in by   traffic: {{profile: {out.name}}}"
    if trace is not None:
        return f"next: a scenario in the same directory replays it by   traffic: {{trace: {trace.name}}}"
    if "-" in logs:
        return "next: the same with --out profile.yaml, which scenarios take in"
    import shlex

    return f"next: simsticky fit {shlex.join(logs)} --out profile.yaml"
