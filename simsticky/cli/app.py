"""The verbs of the command ``simsticky``."""

from __future__ import annotations

from typing import Annotated

import typer.core

from simsticky.cli import console
from simsticky.cli.compare import compare
from simsticky.cli.explain import explain
from simsticky.cli.lint import lint
from simsticky.cli.recommend import recommend
from simsticky.cli.report import report
from simsticky.cli.run import run
from simsticky.cli.schema import schema
from simsticky.cli.sweep import sweep


class Verb(typer.core.TyperCommand):
    """A verb that is listed with the whole first sentence of its help."""

    def get_short_help_str(self, limit: int = 0) -> str:
        """Return that sentence; the list of the verbs breaks it into lines."""
        return super().get_short_help_str(limit=1_000)


app = typer.Typer(
    name="simsticky",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: what draws boxes takes longer to import than all the rest
    context_settings={"help_option_names": ["--help", "-h"]},
)
for verb in (run, compare, recommend, sweep, report, lint, explain, schema):
    app.command(cls=Verb)(verb)


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
