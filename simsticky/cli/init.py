"""``simsticky init``: a scenario drafted from manifests, or a shipped one with everything it needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from simsticky.cli import completing, console, options, places
from simsticky.cli.texts import TextFile
from simsticky.errors import InputError, SimstickyError

if TYPE_CHECKING:
    from simsticky.study.draft.asked import Asked
    from simsticky.study.draft.draft import Draft

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Manifests: files, directories, or - for standard input.",
        autocompletion=completing.drafted_from,
    ),
]
Rps = Annotated[str | None, typer.Option("--rps", metavar="RATE", help="Requests of all clients: 120, 7200/min.")]
Session = Annotated[
    str | None,
    typer.Option(
        "--session",
        metavar="LAW",
        help="How long sessions last, from first request to last answer: p50=6m,p95=40m or mean=10m,cv=1.5.",
    ),
]
Think = Annotated[
    str | None,
    typer.Option(
        "--think", metavar="LAW", help="From an answer to the next request: 10s on average, or p50=5s,p95=30s."
    ),
]
Service = Annotated[
    str | None,
    typer.Option("--service", metavar="LAW", help="Time of a request: p50=40ms,p99=400ms, or 50ms on average."),
]
Cookieless = Annotated[
    str | None, typer.Option("--cookieless", metavar="PERCENT", help="Share of clients that keep no cookie: 2%.")
]
PodsStart = Annotated[
    str | None,
    typer.Option("--pods-start", metavar="TIME", help="From container start to listening: 20s, or p50=15s,p95=40s."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o", "--out", metavar="FILE", help="Write this file instead of standard output; with --example, a directory."
    ),
]
ManifestsOut = Annotated[
    Path | None,
    typer.Option(
        "--manifests-out",
        metavar="FILE",
        help="Keep the manifests of standard input in this file, and let the scenario name it.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")]
ExampleFlag = Annotated[
    bool,
    typer.Option(
        "--example", help="Write a shipped scenario, named instead of PATH, with its manifests; none: list them."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="State anything else that a scenario can, e.g. deployment.preStop=15s; repeatable.",
        autocompletion=completing.changes,
    ),
]
QuietNotes = Annotated[bool, typer.Option("--quiet", "-q", help="No notes on standard error.")]


def init(
    paths: Paths = None,
    out: Out = None,
    force: Overwrite = False,
    manifests_out: ManifestsOut = None,
    rps: Rps = None,
    session: Session = None,
    think: Think = None,
    service: Service = None,
    cookieless: Cookieless = None,
    pods_start: PodsStart = None,
    settings: Settings = None,
    namespace: options.Namespace = None,
    lenient: options.Lenient = False,
    example: ExampleFlag = False,
    quiet: QuietNotes = False,
) -> None:
    """Draft a scenario from manifests: what they say, what you state, and marked guesses for the rest.

    simsticky init k8s/ --rps 120 --session p50=6m,p95=40m > scenario.yaml

    kustomize build overlays/prod | simsticky init - -o scenario.yaml --manifests-out prod.yaml
    """
    if example:
        from simsticky.cli.shipped import write_example

        write_example(list(paths or ()), out, force=force, quiet=quiet)
        return
    if not paths:
        hint = "simsticky init k8s/, or - for standard input; simsticky init --example lists the shipped scenarios"
        raise InputError.of("name the manifests", file="init", hint=hint)
    from simsticky.study.draft.asked import read_asked

    asked = read_asked(
        rps=rps,
        session=session,
        think=think,
        service=service,
        cookieless=cookieless,
        pods_start=pods_start,
        settings=settings or (),
    )
    targets = _targets(paths, out, manifests_out, force=force)
    try:
        read = _Reading(namespace, lenient)
        if not quiet and sys.stderr is not None and sys.stderr.isatty():
            console.complain("note: the guesses are tried in small runs: a few seconds")
        found = _draft(paths, out, manifests_out, asked, read, targets)
    except InputError as error:
        if not quiet and any("in the scenario" in d.hint or d.hint.startswith("choose") for d in error.diagnostics):
            console.complain("note: what is to be stated in a scenario, init takes as --set, see simsticky init --help")
        raise
    if out is None:
        console.print_text(found.text)
    else:
        targets[out].write(found.text)
    if not quiet:
        console.warn([str(note) for note in found.said_aloud])
        for note in _notes(found, out, kept="-" not in paths or manifests_out is not None):
            console.complain(f"note: {note}")


class _Reading(NamedTuple):
    """How manifests are read: which namespace counts, and whether unknown fields are let pass."""

    namespace: str | None
    lenient: bool


def _targets(paths: Sequence[str], out: Path | None, kept: Path | None, *, force: bool) -> dict[Path, TextFile]:
    """Return the files to write, or say why not.

    Raises:
        InputError: One is there already, is a directory or cannot be written; or both are one.
    """
    if kept is not None and "-" not in paths:
        raise InputError.of("it keeps the manifests of standard input: name -", file="--manifests-out")
    if kept is not None and len(paths) > 1:
        raise InputError.of(
            "it goes with - alone", file="--manifests-out", hint="the other manifests are files already"
        )
    if kept is not None and out is not None and kept.absolute() == out.absolute():
        raise InputError.of("is the scenario's own file", file="--manifests-out")
    targets = {}
    for flag, path in (("--out", out), ("--manifests-out", kept)):
        if path is not None:
            targets[path] = new_file(path, flag, force=force)
    return targets


def new_file(path: Path, flag: str, *, force: bool) -> TextFile:
    """Return a file to write that is not there yet, unless it may be overwritten.

    Raises:
        InputError: It is there, is a directory, or cannot be written.
    """
    places.refuse_place(path, flag)
    if path.is_dir():
        raise InputError.of(f"{path} is a directory, a file is wanted", file=flag)
    if path.exists() and not force:
        raise InputError.of(f"{path} is there already", file=flag, hint="--force overwrites it")
    return TextFile(path)


def _draft(
    paths: Sequence[str],
    out: Path | None,
    kept: Path | None,
    asked: Asked,
    read: _Reading,
    targets: dict[Path, TextFile],
) -> Draft:
    from simsticky.files import read_standard_input
    from simsticky.study.draft.draft import Source, draft
    from simsticky.study.draft.manifests import read as read_manifests
    from simsticky.study.draft.manifests import reference

    base = Path() if out is None else out.parent
    named: Sequence[str] = paths
    written = False
    if kept is not None:
        text = read_standard_input()
        existed = kept.exists()
        targets[kept].write(text)
        written, named = not existed, [str(kept)]
    try:
        manifests = read_manifests(named, asked.settings, namespace=read.namespace, lenient=read.lenient)
        references = () if "-" in named else tuple(reference(base, path) for path in named)
        shown = ", ".join("standard input" if path == "-" else path for path in paths)
        file = "scenario.yaml" if out is None else str(out)
        return draft(Source(manifests, references, base, shown, read.namespace, file, read.lenient), asked)
    except (SimstickyError, KeyboardInterrupt):
        if written and kept is not None:
            kept.unlink(missing_ok=True)
        raise


def _notes(found: Draft, out: Path | None, *, kept: bool) -> list[str]:
    """Return what to do next, in a few lines."""
    notes = []
    if found.guesses:
        some = f"{len(found.guesses)} values are guesses, marked GUESS"
        if found.matter is None:
            some += "; the last line of the file finds out which of them matter"
        else:
            some += f"; the answer hangs on {', '.join(found.matter) or 'none of them'}"
        notes.append(some)
    if not kept:
        notes.append("the manifests are not kept, their values stand in the scenario; --manifests-out FILE keeps them")
    if out is None:
        notes.append("relative paths in it start here: keep the scenario in this directory")
    flag = " --lenient" if found.source.lenient and found.source.named else ""
    notes.append(f"next: simsticky run{flag} {out or 'scenario.yaml'}")
    return notes
