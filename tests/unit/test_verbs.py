"""The room of the operations: each verb once, and constructors that take what they use."""

import ast
from pathlib import Path

from small_scenario import small

import simsticky.sim
from simsticky.scenario.operations import VERBS
from simsticky.sim.simulation import Simulation

MOST_PARAMETERS = 7


def test_every_verb_of_the_timeline_is_stated_once() -> None:
    """One table names who does each verb, and holds nothing but the timeline's verbs.

    The autoscaler's scaling is an operation of its own that no timeline holds (rule A5).
    """
    simulation = Simulation(small(), 1, 0)
    assert sorted(simulation._timeline._verbs) == sorted([*VERBS, "hpa"])


def test_constructors_take_what_they_use() -> None:
    """What belongs together is handed over together."""
    room = Path(simsticky.sim.__file__).parent
    crowded = [
        f"{path.relative_to(room)}:{node.lineno}"
        for path in sorted(room.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
        if len(node.args.args) - 1 + len(node.args.kwonlyargs) > MOST_PARAMETERS
    ]
    assert crowded == []
