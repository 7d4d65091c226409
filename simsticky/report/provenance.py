"""Where the numbers come from, as blocks: every input with its place, what is assumed, and what is not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from simsticky.report.blocks import Block, Cell, Column, Entries, Kind, Note, Row, Section, Sentence, Table, Tone
from simsticky.report.inputs import Input, inputs
from simsticky.results.provenance import library_versions
from simsticky.version import __version__

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

_FROM = {"scenario": "scenario ", "manifest": "manifest ", "set": "set by ", "default": ""}
_RULES = (
    "A session is broken when a pod answers it that does not hold its state. The model's rules, each with its source or"
    " the word assumed, are in docs/model.md of simsticky; Kong's sticky-sessions is closed source, so what its"
    " documentation leaves open is an option under gateway."
)


def blocks(scenario: Scenario, *, without: Sequence[str] = ()) -> Iterator[Block]:
    """Yield what a scenario was simulated with, and where each value came from; settings that no one chose left out."""
    found, manifests = [item for item in inputs(scenario) if item.path not in without], scenario.manifest_report
    stated = [item for item in found if item.kind != "default"]
    defaults = [item for item in found if item.kind == "default"]
    yield Section(
        "Inputs and where they come from",
        (
            _table("Inputs that were stated", stated),
            Section(f"{len(defaults)} defaults", (_table("Inputs left at their defaults", defaults),), folded=True),
        ),
        name="inputs",
    )
    said: list[Block] = [Sentence(_RULES, Tone.PLAIN)]
    if manifests.assumed:
        said.append(Sentence("Where the manifests say nothing:", Tone.PLAIN))
        said.append(Entries(tuple(map(str, manifests.assumed))))
    yield Section("Assumptions", tuple(said), name="assumptions")
    ignored = Entries(tuple(map(str, manifests.ignored))) if manifests.ignored else Note("None.")
    yield Section("Manifest fields ignored", (ignored,), name="ignored")


def _table(caption: str, found: Sequence[Input]) -> Table:
    columns = (Column("setting", Kind.CODE), Column("value"), Column("from", Kind.QUIET))
    rows = tuple(
        Row((Cell(item.path), Cell(item.value), Cell("" if item.kind == "default" else _FROM[item.kind] + item.origin)))
        for item in found
    )
    nothing = Row((Cell("None: every value is a default."),), is_group=True)
    return Table(caption, columns, rows or (nothing,))


def versions() -> list[tuple[str, object]]:
    """Return simsticky's version and those of the libraries that a number hangs on."""
    return [("simsticky", __version__), *library_versions().items()]


def digest_of(scenario: Scenario) -> str:
    """Return the scenario's digest; a trace that has gone since cannot be counted in."""
    try:
        return scenario.digest()
    except OSError:
        return "unknown: the trace file is not there any more"


def digest_of_all(digests: list[str]) -> str:
    """Return 16 hex digits for the digests of all replications, in order."""
    return sha256("\n".join(digests).encode()).hexdigest()[:16]
