"""The verbs of the command ``simsticky``."""

from __future__ import annotations

from typing import Annotated, Any

import typer.core
import typer.main

from simsticky.cli import console
from simsticky.cli.compare import compare
from simsticky.cli.explain import explain
from simsticky.cli.lint import lint
from simsticky.cli.recommend import recommend
from simsticky.cli.report import report
from simsticky.cli.run import run
from simsticky.cli.schema import schema
from simsticky.cli.sweep import sweep

VERBS = {verb.__name__: verb for verb in (run, compare, recommend, sweep, report, lint, explain, schema)}
"""The verbs in the order of the help; the function's name is the verb's, its first sentence what the list says."""

_FLAGS = {"help_option_names": ["--help", "-h"]}


class Verbs(typer.core.TyperGroup):
    """The verbs, each of which is built when it is asked for: building all of them takes longer than to list them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the verbs."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Build a verb; None where there is none of that name."""
        if cmd_name not in VERBS:
            return None
        one = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        one.command(cmd_name, context_settings=_FLAGS)(VERBS[cmd_name])
        return typer.main.get_command(one)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the verbs, each with its first sentence."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, (verb.__doc__ or "").partition("\n")[0]) for name, verb in VERBS.items()])


app = typer.Typer(
    name="simsticky",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: what draws boxes takes longer to import than all the rest
    context_settings=_FLAGS,
)


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
