"""``simsticky report``: the HTML report of a run that was written to a directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simsticky.cli import console, options
from simsticky.errors import InputError

PAGE = "report.html"


def report(
    directory: Annotated[Path, typer.Argument(metavar="RESULT_DIR", help="What `simsticky run --out DIR` wrote.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help=f"The page; RESULT_DIR/{PAGE} by default, - is standard output."),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Write the report of a finished run as one HTML file that needs no network."""
    from simsticky.cli.console import quiet_figures
    from simsticky.cli.texts import PAGES, text_file

    quiet_figures()
    from simsticky.report.html import report_page
    from simsticky.report.stored import read
    from simsticky.study.otherwise import otherwise

    to_stdout = out is not None and str(out) == "-"
    study, detailed = read(directory)
    place = None if to_stdout else text_file(directory / PAGE if out is None else out, PAGES)
    try:
        text = report_page(study, detailed, asked=detailed.asked, others=otherwise(study))
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if detailed.confirmed:
            raise
        # Each file is of the right kind, and nobody knows what has become of it since it was written.
        message = "the frames there do not fit each other: a file is damaged, or of another run"
        raise InputError.of(message, file=str(directory), hint="run it again with --out") from error
    if place is None:
        console.print_text(text)
        return
    place.write(text)
    if not quiet:
        console.complain(f"wrote {place.path}")
