"""The register of what each field does, held to what the reader does, and the page that is written from it."""

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from simsticky.errors import InputError
from simsticky.manifests.findings import Findings
from simsticky.manifests.reading import read_manifests
from simsticky.manifests.register import REGISTER
from simsticky.manifests.uses import FieldUse, Use, covering, pattern
from simsticky.scenario.reading.load import load

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "manifests"
CASES = sorted(ROOT.glob("tests/cases/*/s.yaml"))
SHIPPED = sorted((ROOT / "scenarios").glob("*.yaml"))
PODS = ("Deployment", "StatefulSet", "Rollout", "DaemonSet")
_GENERAL = ("metadata.name: Required value", "several ", "a second ", "there is no ", "must be ", "unknown field ")
"""Refusals that are about objects among each other, or told of any field."""


@pytest.fixture(scope="module")
def seen() -> dict[tuple[str, str, str], str]:
    """Return what the reader did with each field of everything we have: (kind, path, what it did) and its words."""
    found: dict[tuple[str, str, str], str] = {}

    class Watched(Findings):
        pass

    def watch(name):
        does = getattr(Findings, name)

        def watched(self, obj, keys=(), *arguments, **named):
            words = str(arguments[0]) if arguments else str(named.get("note", ""))
            found.setdefault((obj.kind, pattern(keys), name), words)
            does(self, obj, keys, *arguments, **named)

        setattr(Watched, name, watched)

    for name in ("read", "say_aloud", "problem", "ignore"):
        watch(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simsticky.manifests.reading.Findings", Watched)
        for file in (*CASES, *SHIPPED):
            with contextlib.suppress(InputError):  # many cases are refused, and that counts too
                load(file)
        for file in sorted(CORPUS.glob("*.yaml")):
            for stated in ({}, {"deployment": {"name": "web"}, "service": {"name": "web"}}):
                read_manifests([file], stated=stated)
    return found


def rows() -> Iterator[tuple[str, FieldUse]]:
    """Yield every row with its kind."""
    for kind, below in REGISTER.items():
        for row in below:
            yield kind, row


def test_whatever_the_reader_does_has_a_row(seen):
    """What is read, said or refused without being registered would be missing on the page."""
    wanted = {"read": {Use.READ}, "say_aloud": {Use.SAID, Use.READ}, "problem": {Use.REFUSED, Use.READ, Use.SAID}}
    missing = []
    for (kind, path, done), words in seen.items():
        uses = {row.use for row in covering(REGISTER.get(kind, ()), path)}
        told_of_any = done == "problem" and words.startswith(_GENERAL)
        if done in wanted and not uses & wanted[done] and not told_of_any:
            missing.append(f"{kind}: {path} ({done}: {words})")
    assert not missing, "\n".join(missing)


def test_every_row_happens(seen):
    """A row for what the reader no longer does would be a lie; the corpus beside this test has it all."""
    does = {Use.READ: ("read",), Use.SAID: ("say_aloud",), Use.REFUSED: ("problem",), Use.LISTED: ("ignore",)}
    idle = []
    for kind, row in rows():
        # Rows about pod templates and meshes are those of all workloads.
        kinds = PODS if row.path.startswith(("spec.template.", "metadata.annotations")) and kind in PODS else (kind,)
        happened = any(
            other in kinds and done in does[row.use] and row in covering(REGISTER[other], path)
            for other, path, done in seen
        )
        if not happened:
            idle.append(f"{kind}: {row.path or 'the object'} is said to be {row.use}")
    assert not idle, "\n".join(idle)


def test_the_page_is_what_the_code_says():
    """``python docs/manifests_page.py`` writes it."""
    spec = importlib.util.spec_from_file_location("manifests_page", ROOT / "docs" / "manifests_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text() == module.page()


def test_every_path_of_a_row_exists():
    """A misspelt path would cover nothing; keys of labels and annotations are free."""
    from simsticky.manifests.field_table import shipped

    table = shipped()
    wrong = []
    for kind, row in rows():
        versions = [version for version, other in table.kinds() if other == kind]
        steps = [] if not row.path else row.path.split("metadata.")[0].rstrip(".").split(".")
        steps = [step for step in steps if step]
        known = any(table.type_at(table.kind(version, kind).type, steps) for version in versions)
        if versions and steps and not known:
            wrong.append(f"{kind}: {row.path}")
    assert not wrong


def test_paths_are_written_and_covered():
    """Items lose their numbers, keys with dots stand in brackets, and the nearest row counts."""
    assert pattern(("spec", "containers", 0, "image")) == "spec.containers[].image"
    assert pattern(("metadata", "annotations", "konghq.com/retries")) == "metadata.annotations[konghq.com/retries]"
    some = (FieldUse("spec", Use.READ, "a"), FieldUse("spec.a", Use.SAID, "b"), FieldUse("spec.a", Use.READ, "c"))
    assert [row.text for row in covering(some, "spec.a.b")] == ["b", "c"]
    assert [row.text for row in covering(some, "spec.ab")] == ["a"]
    assert covering(some, "status") == []
