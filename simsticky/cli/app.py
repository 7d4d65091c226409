"""The verbs of the command ``simsticky``."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from simsticky.cli import completing, console
from simsticky.cli.check import check
from simsticky.cli.compare import compare
from simsticky.cli.completion import completion
from simsticky.cli.explain import explain
from simsticky.cli.export import export
from simsticky.cli.init import init
from simsticky.cli.lint import lint
from simsticky.cli.recommend import recommend
from simsticky.cli.report import report
from simsticky.cli.run import run
from simsticky.cli.schema import schema
from simsticky.cli.sweep import sweep

app = typer.Typer(
    name="simsticky",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command()(init)
app.command()(run)
app.command()(check)
app.command()(compare)
app.command()(recommend)
app.command()(sweep)
app.command()(report)
app.command()(lint)
app.add_typer(export, name="export")
app.command()(explain)
app.command()(schema)
app.command()(completion)

if completing.VARIABLE in os.environ:  # a shell asks what fits; typer's own flags for it are switched off
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()


def _version(wanted: bool) -> None:
    if wanted:
        from simsticky.results.provenance import installed_version

        console.print_text(f"simsticky {installed_version('simsticky')}\n")
        raise typer.Exit


@app.callback()
def simsticky(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """How many user sessions does a rolling update break, and how unevenly are the pods loaded?"""
