"""What the model records is data: sentences are made where they are read, and nobody takes them apart again."""

import ast
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import pytest

import simsticky
from simsticky.recording import events
from simsticky.recording.events import Data, EventRecord
from simsticky.recording.record import Recording
from simsticky.results.story.details import DETAILS, detail, subject
from simsticky.results.story.teller import SENTENCES
from simsticky.scenario.operations import VERBS

_PACKAGE = Path(simsticky.__file__).parent
_TELLS = ("tell", "_tell", "EventRecord")
_TAKES_APART = ("split", "rsplit", "partition", "removeprefix", "startswith", "splitlines")
_NO_SENTENCES = ("-", "/", "not_yet.")
"""What names, paths and keys are taken apart at: the parts of a pod's name, a cookie's path, a metric of another."""


def _files(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (_PACKAGE / room).rglob("*.py"))


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


def sentences(told: ast.Call) -> list[str]:
    """Return what a call is given that is made for people: a text with a blank in it, or one that is put together."""
    return [
        ast.unparse(node)
        for node in ast.walk(told)
        if isinstance(node, ast.JoinedStr)
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value)
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add) and _has_text(node))
    ]


def _has_text(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node))


@pytest.mark.parametrize("path", _files("sim", "recording"), ids=lambda path: path.stem)
def test_no_event_is_given_a_sentence(path: Path) -> None:
    """A text with blanks is found, and so is one that is put together."""
    for name, call in _calls(path):
        if name in _TELLS:
            assert not sentences(call), f"{path.name}:{call.lineno}"


def test_no_data_of_an_event_is_made_for_people() -> None:
    """`Size(f"to {replicas}")` is a sentence, too, and is found."""
    names = {kind.__name__ for kind in get_args(Data)}
    seen = set()
    for path in _files("sim"):
        for name, call in _calls(path):
            if name in names:
                seen.add(name)
                assert not sentences(call), f"{path.name}:{call.lineno}"
    assert seen == names, "a payload that nobody makes"


@pytest.mark.parametrize("text", ['"no node"', 'f"on {node}"', '"on " + node', '"on %s" % node'])
def test_a_sentence_is_seen(text: str) -> None:
    """A text that is a sentence is seen by the two tests above."""
    call = ast.parse(f"world.tell('kubelet', 'started', pod.name, {text})").body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert len(sentences(call.value)) >= 1


@pytest.mark.parametrize("path", _files("audit", "results"), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_nobody_takes_a_text_apart(path: Path) -> None:
    """The audit and the results do not parse what was written for people."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None)]
            assert "re" not in names, f"{path.name}:{node.lineno}"
    for name, call in _calls(path):
        if name in _TAKES_APART:
            at = call.args[0] if call.args else None
            assert isinstance(at, ast.Constant | ast.Name), f"{path.name}:{call.lineno}"
            assert isinstance(at, ast.Name) or at.value in _NO_SENTENCES, f"{path.name}:{call.lineno}"


def test_every_kind_that_is_told_has_words() -> None:
    """Each kind that the model tells has its words, and the story no others."""
    kinds: set[str] = set()
    for path in _files("sim"):
        for name, call in _calls(path):
            if name in ("tell", "_tell") and len(call.args) > 1:
                kinds |= {
                    node.value
                    for node in ast.walk(call.args[1])
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                }
    assert len(kinds) > 30
    assert kinds <= set(DETAILS)
    assert set(SENTENCES) - set(DETAILS) == {*VERBS, "hpa"}


def test_a_push_in_words() -> None:
    """A push is told by what is added, removed and weighed anew, in that order, as the nodes apply it."""
    changes = (
        events.TargetChange("a", None, 100),
        events.TargetChange("b", None, 50),
        events.TargetChange("c", 100, None),
        events.TargetChange("d", 100, 0),
    )
    event = EventRecord(1.0, "kic", "pushing", "", events.Push(3, changes))
    assert subject(event) == "3 targets"
    assert detail(Recording("summary", 0.0), event) == "+a, +b weight 50, -c, d weight 100->0"
    assert asdict(event.of(events.Push))["changes"][3] == {"pod": "d", "before": 100, "after": 0}
