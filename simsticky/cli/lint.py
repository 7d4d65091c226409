"""``simsticky lint``: what in manifests and scenarios breaks sessions, or does not do what it says."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from simsticky.cli import console, options

if TYPE_CHECKING:
    from simsticky.lint.engine import Lint

FAILED = 3


class FailOn(StrEnum):
    """How bad a finding has to be for exit code 3."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


def lint(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Manifests: files, directories (not below), - for standard input; scenario files."
        ),
    ],
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT[=FILE]",
            help="table, json, sarif, github or junit; repeatable, each to a file of its own: -o sarif=lint.sarif.",
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="RULES", help="Rules not to tell, e.g. SS004,SS007; repeatable."),
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", metavar="SEVERITY", help="Exit with 3 on error, warning or never.")
    ] = FailOn.ERROR,
    evidence: Annotated[
        bool,
        typer.Option("--evidence", help="Simulate each fix that is a setting, briefly, beside what is now."),
    ] = False,
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", metavar="NAME", help="Leave out objects of other namespaces."),
    ] = None,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
) -> None:
    """Find what breaks sessions in manifests, or does not do what it says, with line, reason and fix.

    Rules have numbers: simsticky explain SS004. An object ignores some by its annotation simsticky.io/ignore.
    """
    from simsticky.annotations.outputs import wanted_outputs
    from simsticky.annotations.record import Severity
    from simsticky.cli.annotated import refuse_places, write_all
    from simsticky.lint import formats
    from simsticky.lint.engine import known_rules
    from simsticky.lint.engine import lint as applied
    from simsticky.lint.inputs import read_material

    wanted = wanted_outputs(output or (), formats.FORMATS)
    refuse_places(wanted)
    unwanted = known_rules(ignore or (), "--ignore")
    found = applied(read_material(paths, namespace=namespace), unwanted)
    if evidence:
        from simsticky.lint.evidence import with_evidence

        found = with_evidence(found)
    at = None if fail_on is FailOn.NEVER else Severity(fail_on.value)
    texts = {
        "table": lambda: _table(found),
        "json": lambda: formats.to_json(found),
        "sarif": lambda: formats.to_sarif(found),
        "github": lambda: formats.to_github_commands(found),
        "junit": lambda: formats.to_junit(found, at),
    }
    if not quiet:
        console.warn(found.notes)
    write_all(wanted, texts, printers={"table": lambda: _print(found, no_color=no_color)})
    if found.fails(at):
        raise typer.Exit(FAILED)


def _table(found: Lint) -> str:
    """The table for a file: nothing is wrapped."""
    from simsticky.report.lint import render

    return "".join("".join(text for text, _ in line) + "\n" for line in render(found, None))


def _print(found: Lint, *, no_color: bool) -> None:
    from simsticky.report.lint import render

    console.print_lines(render(found, console.width() if console.is_terminal() else None), no_color=no_color)
