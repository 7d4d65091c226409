"""The verbs of the command ``simsticky``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Any

import typer.core
import typer.main

from simsticky.cli import completing, console
from simsticky.cli.backtest import backtest
from simsticky.cli.check import check
from simsticky.cli.compare import compare
from simsticky.cli.completion import completion
from simsticky.cli.explain import explain
from simsticky.cli.export import export
from simsticky.cli.fit import fit
from simsticky.cli.init import init
from simsticky.cli.lint import lint
from simsticky.cli.recommend import recommend
from simsticky.cli.report import report
from simsticky.cli.run import run
from simsticky.cli.schema import schema
from simsticky.cli.sweep import sweep

VERBS: dict[str, Callable[..., None] | typer.Typer] = {
    "init": init,
    "run": run,
    "check": check,
    "compare": compare,
    "recommend": recommend,
    "sweep": sweep,
    "backtest": backtest,
    "report": report,
    "lint": lint,
    "fit": fit,
    "export": export,
    "explain": explain,
    "schema": schema,
    "completion": completion,
}
"""The verbs in the order of the help; one that has verbs of its own is a ``Typer``."""


class Verbs(typer.core.TyperGroup):
    """The verbs, each of which is built when it is asked for: building all of them takes longer than to list them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the verbs."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Build a verb; None where there is none of that name."""
        verb = VERBS.get(cmd_name)
        if verb is None or isinstance(verb, typer.Typer):
            return None if verb is None else typer.main.get_command(verb)
        one = typer.Typer(add_completion=False, rich_markup_mode=None)
        one.command(cmd_name)(verb)
        return typer.main.get_command(one)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the verbs, each with its first sentence."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_sentence(verb)) for name, verb in VERBS.items()])


def _first_sentence(verb: Callable[..., None] | typer.Typer) -> str:
    if isinstance(verb, typer.Typer):
        callback = verb.registered_callback
        text = None if callback is None or callback.callback is None else callback.callback.__doc__
    else:
        text = verb.__doc__
    return (text or "").partition("\n")[0]


app = typer.Typer(
    name="simsticky",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: what draws boxes takes longer to import than all the rest
    context_settings={"help_option_names": ["--help", "-h"]},
)

if completing.VARIABLE in os.environ:  # a shell asks what fits; typer's own flags for it are switched off
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()


def _version(wanted: bool) -> None:
    if wanted:
        from simsticky.version import __version__

        console.print_text(f"simsticky {__version__}\n")
        raise typer.Exit


@app.callback()
def simsticky(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """How many user sessions does a rolling update break, and how unevenly are the pods loaded?"""
