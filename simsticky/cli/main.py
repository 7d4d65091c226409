"""The command ``simsticky``: its verbs, and what an ending means in exit codes.

0 done · 1 internal error · 2 usage or bad input · 3 threshold or lint failure · 4 not certain · 70 invariant
violated · 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from simsticky.cli import console
from simsticky.cli.compare import compare
from simsticky.cli.explain import explain
from simsticky.cli.recommend import recommend
from simsticky.cli.report import report
from simsticky.cli.run import run
from simsticky.cli.schema import schema
from simsticky.cli.sweep import sweep
from simsticky.cli.work import INTERRUPTED
from simsticky.errors import InputError, InvariantError, SimstickyError

INTERNAL_ERROR = 1
BAD_INPUT = 2
INVARIANT_VIOLATED = 70

TRACEBACK = "SIMSTICKY_TRACEBACK"
"""Environment variable: 1 prints the traceback of an error."""

app = typer.Typer(
    name="simsticky",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command()(run)
app.command()(compare)
app.command()(recommend)
app.command()(sweep)
app.command()(report)
app.command()(explain)
app.command()(schema)


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors are told on standard error.

    Args:
        argv: Arguments without the program's name; those of the process by default.
    """
    try:
        app(args=None if argv is None else list(argv), prog_name="simsticky")
    except SystemExit as ending:
        if _by_ctrl_c(ending):
            console.complain("interrupted")
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except KeyboardInterrupt:
        console.complain("interrupted")
        return INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK) == "1":
            traceback.print_exc()
        return _tell(error)
    return 0


def _by_ctrl_c(ending: SystemExit) -> bool:
    """Whether typer turned Ctrl-C into this ending, of which it says nothing."""
    within = ending.__context__
    return within is not None and isinstance(within.__cause__, KeyboardInterrupt)


def _tell(error: Exception) -> int:
    if isinstance(error, InputError):
        console.complain(str(error))
        return BAD_INPUT
    if isinstance(error, InvariantError):
        console.complain(f"invariant violated: {error}\nThis is a bug of simsticky, not of the scenario.")
        return INVARIANT_VIOLATED
    if isinstance(error, SimstickyError):
        console.complain(f"error: {error}")
        return INTERNAL_ERROR
    text = " ".join(f"{type(error).__name__}: {error}".split())
    console.complain(f"internal error: {text} (run again with {TRACEBACK}=1 to see where)")
    return INTERNAL_ERROR


if __name__ == "__main__":
    sys.exit(main())
