"""``simsticky export``: the scenario for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from simsticky.cli import console, options
from simsticky.errors import InputError
from simsticky.units import parse_duration, quoted

SCRIPTS = (".js", ".mjs")
"""Endings of a script's name."""

export = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@export.callback()
def _export() -> None:
    """Write a scenario's clients for another tool."""


@export.command()
def k6(
    file: options.ScenarioFile,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Where the gateway answers; k6 run -e BASE_URL=… replaces it.")
    ] = "http://localhost:8000",
    backend_header: Annotated[
        str | None,
        typer.Option(
            "--backend-header",
            metavar="NAME",
            help="The response header that names the pod that answered; X-Pod-Name by default.",
        ),
    ] = None,
    backend_cookie: Annotated[
        str | None,
        typer.Option("--backend-cookie", metavar="NAME", help="Instead of the header a cookie that names it."),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            "--duration",
            metavar="TIME",
            help="For how long sessions start, e.g. 20m; by default until the run of the scenario ends, or the sessions"
            " alive at the last operation are over.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write a file (.js, .mjs); standard output by default."),
    ] = None,
    changes: options.Changes = None,
    namespace: options.Namespace = None,
    lenient: options.Lenient = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a k6 script: the scenario's sessions, with cookie jars, to confirm a setting in staging.

    Arrivals, requests, think times, paths and cookies are drawn from the scenario's laws; what k6 cannot do is refused.
    """
    _check_url(url)
    seconds = None if duration is None else _seconds(duration)
    backend = _named(backend_header, backend_cookie)
    place = None
    if out is not None:
        from simsticky.cli.texts import text_file

        place = text_file(out, SCRIPTS)

    from simsticky.cli.run import load_scenario
    from simsticky.report.k6 import Backend, script

    scenario = load_scenario(file, changes, namespace=namespace, lenient=lenient)
    text = script(scenario, url, None if backend is None else Backend(*backend), seconds)
    if place is None:
        console.print_text(text)
    else:
        place.write(text)
    if not quiet:
        console.warn(scenario.warnings)
        if place is not None:
            console.complain(f"wrote {place.path}; try it: k6 run -e BASE_URL={url} {place.path}")


def _named(header: str | None, cookie: str | None) -> tuple[str, str] | None:
    """Return the header and the cookie that name the pod, one of them empty; None if neither is given."""
    if header is not None and cookie is not None:
        raise InputError.of("a header or a cookie names the pod", file="--backend-cookie", hint="give one of them")
    from pydantic import TypeAdapter, ValidationError

    from simsticky.scenario.fields import Token

    for flag, name in (("--backend-header", header), ("--backend-cookie", cookie)):
        try:
            good = name is None or bool(TypeAdapter(Token).validate_python(name))
        except ValidationError:
            good = False
        if not good:
            raise InputError.of(f"{quoted(name)} is no name of a header or cookie", file=flag)
    return None if header is None and cookie is None else (header or "", cookie or "")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url:
        hint = "write for example https://staging.example.com; paths come from traffic.path"
        raise InputError.of(f"{quoted(url)} is no address of a gateway", file="--url", hint=hint)


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InputError.of(str(error), file="--duration") from None
    if seconds <= 0:
        raise InputError.of(f"{quoted(text)} is no time to send requests in", file="--duration")
    return seconds
