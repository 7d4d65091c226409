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

MOST_LINES = 70
DEEPEST = 5
HOT_LOOP, MOST_LINES_HOT = "simsticky.sim.plane.loop", 120
"""Made a million times a second; a call within it costs as much as ten of its lines."""
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Graph = dict[str, set[str]]


@cache
def trees() -> dict[str, ast.Module]:
    """Return the source of each module, parsed; not while tests are collected, which each worker does."""
    return {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in MODULES.items()}


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
    return {module: (set(imported(module, tree, known)) & known) - {module} for module, tree in trees().items()}


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
    """Yield every function of the package with its place."""
    for module, tree in trees().items():
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
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id in by_name)
        or (isinstance(node, ast.Attribute) and node.attr in by_name)
        or (isinstance(node, ast.alias) and node.name in by_name)
    } == {"simsticky"}


def test_a_function_fits_a_screen():
    """Counted from the end of the signature: typer's options stand there."""
    lines = {name: (node.end_lineno or 0) + 1 - node.body[0].lineno for name, node in functions()}
    most = {name: MOST_LINES_HOT if name.startswith(HOT_LOOP) else MOST_LINES for name in lines}
    assert {name: number for name, number in lines.items() if number > most[name]} == {}


def test_no_function_is_nested_deeper_than_five():
    """A rule within a rule within a rule has not found its name yet."""
    deep = {name: depth(node) for name, node in functions()}
    assert {name: number for name, number in deep.items() if number > DEEPEST} == {}


COMPILED = tuple(f"simsticky.{name}" for name in (
    "sim.plane.fields", "sim.plane.loop", "sim.plane.queues_compiled", "sim.plane.rules", "kong.picks",
))  # fmt: skip
"""What Numba compiles, and Python runs as well."""
CALLABLE = {"IntEnum", "abs", "bool", "exp", "float", "int", "len", "log", "max", "min", "range"}
NOT_COMPILED = (
    ast.Slice, ast.Dict, ast.Set, ast.List, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda,
    ast.Try, ast.With, ast.Yield, ast.YieldFrom, ast.Await, ast.Raise, ast.Starred, ast.JoinedStr, ast.Global,
    ast.Nonlocal, ast.FloorDiv, ast.Pow,
)  # fmt: skip


def not_for_numba(tree: ast.Module, known: set[str]) -> Iterator[str]:
    """Yield what a module that is compiled holds and had better not: slices, NumPy, unsigned numbers, odd calls."""
    for node in ast.walk(tree):
        place = f"{getattr(node, 'lineno', 0)}: {type(node).__name__}"
        if isinstance(node, NOT_COMPILED):
            yield place
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from (f"{place} {name}" for name in names if name.split(".")[0] in ("numpy", "numba", "scipy"))
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
            if name not in known | CALLABLE:
                yield f"{place} {name}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, int) and not -(2**63) <= node.value < 2**63:
            yield f"{place} {node.value}"


def test_what_is_compiled_stays_within_what_both_engines_do_alike():
    """No slice, no NumPy, nothing unsigned: compiled, that is something else to the last bit, or not at all."""
    known = {
        node.name for module in COMPILED for node in ast.walk(trees()[module]) if isinstance(node, ast.FunctionDef)
    }
    found = {module: list(not_for_numba(trees()[module], known)) for module in COMPILED}
    assert {module: places for module, places in found.items() if places} == {}


def test_no_name_of_what_is_compiled_stands_for_two_things():
    """Compiled, all of it is one file, in which the later of two meanings would hold for both."""
    found: dict[str, list[str]] = {}
    for module in COMPILED:
        for node in trees()[module].body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.setdefault(node.name, []).append(module)
            for name in ast.walk(node) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    found.setdefault(name.id, []).append(module)
    assert {name: modules for name, modules in found.items() if len(modules) > 1} == {}


@pytest.mark.parametrize(
    "line",
    [
        "a = b[1:2]",
        "import numpy as np",
        "a = np.exp(b)",
        "a = np.uint64(1)",
        "a = 2**b",
        "a = sorted(b)",
        "a = 18446744073709551615",
        "a = [1, 2]",
        "a = b // 2",
    ],
)
def test_what_is_not_compiled_alike_is_seen(line):
    """A rule of the lint that finds nothing protects nothing."""
    assert list(not_for_numba(ast.parse(line), set()))
