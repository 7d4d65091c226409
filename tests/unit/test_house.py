"""The house as its walls are: imports go down only, none goes by name, and a function fits a screen."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import simsticky

PACKAGE = Path(simsticky.__file__).parent
MODULES = {
    ".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in MODULES.items()}

MOST_LINES = 70
DEEPEST = 5
SESSION_LOOP = "simsticky.sim.plane.loop"
"""The next engine replaces it; until then it is one long function for speed."""
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Graph = dict[str, set[str]]


def imported(module: str, tree: ast.Module, modules: set[str]) -> Iterator[str]:
    """Yield what a module imports: for type checking, within functions and by name, too.

    A name of a module in a string counts; that of the whole package does not, which is the command's as well.
    """
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from (whole if (whole := f"{source}.{alias.name}") in modules else source for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            yield node.value


@cache
def graph() -> Graph:
    """Return what each module of the package imports of it."""
    known = set(MODULES)
    return {module: (set(imported(module, tree, known)) & known) - {module} for module, tree in TREES.items()}


def cycles(imports: Graph) -> list[list[str]]:
    """Return the strongly connected components of more than one module, each sorted (Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in sorted(imports[module]):
            if other not in order:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], order[other])
        if low[module] == order[module]:
            start = stack.index(module)
            component = sorted(stack[start:])
            del stack[start:]
            if len(component) > 1:
                found.append(component)

    for module in sorted(imports):
        if module not in order:
            visit(module)
    return found


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function of the package with its place, but for the session loop's."""
    for module, tree in TREES.items():
        if module != SESSION_LOOP:
            found = (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))
            yield from ((f"{module}:{node.lineno} {node.name}", node) for node in found)


def depth(node: ast.AST) -> int:
    """Return how deep blocks are nested in a function, those of functions in it aside.

    The alternatives of an ``elif`` chain are as deep as Python has them, one in the other: more than five want a table
    or a ``match``.
    """
    below = [child for child in ast.iter_child_nodes(node) if not isinstance(child, (*FUNCTIONS, ast.ClassDef))]
    return max((isinstance(child, BLOCKS) + depth(child) for child in below), default=0)


def test_cycles_are_found():
    """A circle of three is one component, whatever leads into it; a chain is none."""
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}) == [["a", "b", "c"]]
    assert cycles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_every_way_to_import_is_seen():
    """An import for type checking, one within a function, a relative one and a name in a string."""
    text = (
        "if TYPE_CHECKING:\n    from simsticky.study.sweep import Sweep\n"
        "def f():\n    import simsticky.units\n    from .. import simulate\n    from . import pool\n"
        "there = 'simsticky.report.html'\n"
    )
    found = set(imported("simsticky.study.runner", ast.parse(text), set(MODULES)))
    assert found == {
        "simsticky.study.sweep", "simsticky.units", "simsticky.simulate", "simsticky.study.pool",
        "simsticky.report.html",
    }  # fmt: skip


def test_no_cycle_of_imports_is_larger_than_two_modules():
    """Two modules may be two halves of one thing; three are a floor that nobody can take out."""
    assert [component for component in cycles(graph()) if len(component) > 2] == []


def test_the_simulator_has_no_cycle_at_all():
    """What runs a million times a second is read from the bottom up."""
    assert [component for component in cycles(graph()) if component[0].startswith("simsticky.sim.")] == []


@pytest.mark.parametrize("room", sorted({module.split(".")[1] for module in MODULES if "." in module} - {"sim"}))
def test_a_room_has_no_cycle(room):
    """Today none has one of two modules either."""
    inside = re.compile(rf"simsticky\.{room}(\.|$)")
    assert [component for component in cycles(graph()) if inside.match(component[0])] == []


def test_no_module_imports_the_whole_package():
    """The package's top gathers what is below; who imports it from below gets half of it."""
    assert [module for module, imports in graph().items() if "simsticky" in imports] == []


def test_nothing_is_imported_by_name():
    """The public names of the package's top are lazy; every other import stands where linters see it."""
    by_name = ("import_module", "__import__")
    assert {
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id in by_name)
        or (isinstance(node, ast.Attribute) and node.attr in by_name)
        or (isinstance(node, ast.alias) and node.name in by_name)
    } == {"simsticky"}


def test_a_function_fits_a_screen():
    """Counted from the end of the signature: typer's options stand there."""
    lines = {name: (node.end_lineno or 0) + 1 - node.body[0].lineno for name, node in functions()}
    assert {name: number for name, number in lines.items() if number > MOST_LINES} == {}


def test_no_function_is_nested_deeper_than_five():
    """A rule within a rule within a rule has not found its name yet."""
    deep = {name: depth(node) for name, node in functions()}
    assert {name: number for name, number in deep.items() if number > DEEPEST} == {}
