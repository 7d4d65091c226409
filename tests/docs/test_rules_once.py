"""Rules that regular and irregular sends share stand once: one function is the rule, all others ask it.

What a rule *is* no test can see, but what a second implementation cannot do without: it claims the rule in its
docstring, it takes the step that the rule decides about, it compares or computes with the rule's own quantity. So
these are listed, and whoever does one of them elsewhere is found. Rule B3 is not among them beyond its copies: it is
"the end and the timeout", one addition wherever something is to be remembered.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import pytest
from markdown_page import ROOT
from scripts_of_docs import script

CITATIONS = script("rules").citations

CONTAINERS = ("sim/plane/queues.py", "sim/plane/queues_compiled.py", "sim/plane/queue_views.py", "sim/plane/engine.py")
"""Queues, slots and copies, on lists and on arrays: they are asked to do something, and decide nothing."""

AUDIT = "audit/"
"""It checks recordings by what it says of the rules itself, or it would believe the model."""


@dataclass(frozen=True)
class Once:
    """A rule that stands once.

    Attributes:
        functions: Those that are the rule, as file and name; they alone cite it in their docstrings.
        steps: By calling these it is carried out.
        takers: Who alone calls one of them, besides :data:`CONTAINERS`; each asks the rule, or is it.
        passes_on: Takers that need not ask, since they leave what follows to who calls them.
        compares: Only the rule compares what has this in its name.
        computes: Only the rule multiplies or adds what has this in its name.
        constants: Only the rule computes with these.
    """

    functions: tuple[str, ...]
    steps: tuple[str, ...] = ()
    takers: tuple[str, ...] = ()
    passes_on: tuple[str, ...] = ()
    compares: str | None = None
    computes: str | None = None
    constants: tuple[int, ...] = ()


RULES = {
    "P1": Once(
        ("sim/plane/rules.py:service_start",),
        steps=("occupy", "earliest", "first_free"),
        takers=(
            "sim/plane/loop.py:advance",
            "sim/control/pods.py:Container.serve",
            "sim/control/pods.py:Container.queue_wait_s",
        ),
    ),
    "P10": Once(("sim/plane/rules.py:warm_factor",), computes="slowdown"),
    # When a request is too late, and whether another attempt follows then.
    "G8": Once(("sim/plane/rules.py:in_time", "kong/retries.py:tries_again"), compares="read_timeout"),
    "B1": Once(
        ("sim/plane/rules.py:begin_state",),
        steps=("begin_state",),
        takers=("sim/plane/rules.py:begin", "sim/sessions/session.py:Session.begin_on"),
    ),
    "B2": Once(
        ("sim/plane/rules.py:is_stale",),
        steps=("swap_copies", "leave_copy"),
        takers=(
            "sim/plane/rules.py:roam",
            "sim/gateway/breaks.py:Breaks.settle",
            "sim/sessions/session.py:Session.leave_copy",
        ),
        passes_on=("sim/sessions/session.py:Session.leave_copy",),
    ),
    "the log of ends": Once(
        ("sim/plane/rules.py:log_ends",),
        steps=("least_release", "latency_feedback", "drop_end"),
        takers=(
            "sim/plane/rules.py:log_ends",
            "sim/gateway/log_phase.py:LogPhase._log_first",
            "kong/algorithms/least_connections.py:LeastConnections.release",
            "kong/algorithms/latency.py:Latency.feedback",
        ),
        passes_on=(
            # Kong's own methods, of one end at a time, and who has a balancer use its own.
            "sim/gateway/log_phase.py:LogPhase._log_first",
            "kong/algorithms/least_connections.py:LeastConnections.release",
            "kong/algorithms/latency.py:Latency.feedback",
        ),
    ),
    "SplitMix64": Once(("sim/streams.py:_mix",), constants=(0xBF58476D1CE4E5B9, 0x94D049BB133111EB)),
}
"""The rules that have been implemented twice before, by number or name."""


@dataclass(frozen=True)
class Function:
    """What a function says and does.

    Attributes:
        where: File and name.
        cites: The rules in its docstring.
        calls: Names of the functions and methods that it calls.
        compares: Names in its comparisons.
        computes: Names that are operands of its sums and products.
        constants: Its whole numbers.
    """

    where: str
    cites: frozenset[str]
    calls: frozenset[str]
    compares: frozenset[str]
    computes: frozenset[str]
    constants: frozenset[int]


def _name(node: ast.AST) -> str:
    """Return the name of a variable or attribute; nothing of what is none."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _names(nodes: Iterable[ast.AST]) -> frozenset[str]:
    return frozenset(_name(node) for node in nodes)


def functions_of(source: str, file: str) -> Iterator[Function]:
    """Yield the functions and methods of a file."""
    pending: list[tuple[str, ast.AST]] = [("", ast.parse(source))]
    while pending:
        inside, node = pending.pop()
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.ClassDef | ast.FunctionDef):
                continue
            name = f"{inside}{child.name}"
            pending.append((f"{name}.", child))
            if isinstance(child, ast.FunctionDef):
                nodes = list(ast.walk(child))
                yield Function(
                    f"{file}:{name}",
                    frozenset(rule for cited in CITATIONS(ast.get_docstring(child) or "") for rule in cited),
                    _names(each.func for each in nodes if isinstance(each, ast.Call)),
                    _names(part for each in nodes if isinstance(each, ast.Compare) for part in ast.walk(each)),
                    _names(side for each in nodes if isinstance(each, ast.BinOp) for side in (each.left, each.right)),
                    frozenset(n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, int)),
                )


@cache
def functions() -> tuple[Function, ...]:
    """Return all functions of the package."""
    package = ROOT / "simsticky"
    files = [(path, path.relative_to(package).as_posix()) for path in sorted(package.rglob("*.py"))]
    return tuple(each for path, name in files for each in functions_of(path.read_text(encoding="utf-8"), name))


def others(rule: str, among: Sequence[Function]) -> list[str]:
    """Return who implements a rule beside the function that is it, and why that is thought."""
    once, found = RULES[rule], []
    asked = {where.split(":")[1] for where in once.functions}
    for function in among:
        where = function.where
        if where in once.functions or where.startswith((*CONTAINERS, AUDIT)):
            continue
        if rule in function.cites:
            found.append(f"{where} says that it is the rule")
        if function.calls.intersection(once.steps):
            if where not in once.takers:
                found.append(f"{where} does what the rule is asked for")
            elif where not in once.passes_on and not asked & function.calls:
                found.append(f"{where} does not ask the rule")
        if once.compares is not None and any(once.compares in name for name in function.compares):
            found.append(f"{where} compares {once.compares}")
        if once.computes is not None and any(once.computes in name for name in function.computes):
            found.append(f"{where} computes with {once.computes}")
        if function.constants.intersection(once.constants):
            found.append(f"{where} computes with the rule's constants")
    return found


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_stands_once(rule: str) -> None:
    """One function is the rule, and whoever needs it asks; see the table for what would give another away."""
    there = {function.where for function in functions()}
    once = RULES[rule]
    assert {*once.functions, *once.takers, *once.passes_on} <= there
    assert others(rule, functions()) == []


SECOND = {
    "P1, claimed": ("P1", 'def begin(free, now):\n    """Begin a service (rule P1)."""\n    return max(free, now)'),
    "P1, done": ("P1", "def serve(free, now, demand):\n    occupy(free, max(first_free(free), now) + demand)"),
    "P10": ("P10", "def factor(self, age):\n    return max(1.0, self.slowdown - (self.slowdown - 1.0) * age)"),
    "G8": ("G8", "def answers(self, ended, sent):\n    return ended <= sent + self._read_timeout_s"),
    "B1": ("B1", 'def begin(self, place):\n    """Let a state begin (rule B1)."""\n    self.ints[HOLDER][place] = 1'),
    "B2": ("B2", "def kind(self, session):\n    return session.leave_copy(1, 2, 3.0) >= self.now_s"),
    "a release": ("the log of ends", "def ended(self):\n    least_release(self.ints, 0, self.floats, 0, 1)"),
    "a generator": ("SplitMix64", "def mix(x):\n    return (x ^ (x >> 27)) * 0x94D049BB133111EB"),
}


@pytest.mark.parametrize("case", SECOND)
def test_a_second_implementation_is_found(case: str) -> None:
    """Written in another file, each of these is told."""
    rule, source = SECOND[case]
    assert len(others(rule, list(functions_of(source, "sim/second.py")))) == 1


def test_who_does_not_ask_any_more_is_found() -> None:
    """A function that may take the step, and decides by itself."""
    source = "class Container:\n    def serve(self, now, demand):\n        self.queues.occupy(0, now + demand)"
    assert others("P1", list(functions_of(source, "sim/control/pods.py"))) == [
        "sim/control/pods.py:Container.serve does not ask the rule"
    ]
