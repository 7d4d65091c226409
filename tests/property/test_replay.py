"""Scenarios that once broke an invariant, replayed for ever."""

from pathlib import Path

import pytest

from simsticky.scenario.reading.load import load
from simsticky.simulate import simulate

_EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.stem)
def test_kept_example_keeps_the_invariants(path: Path) -> None:
    """Protects against old bugs: what each example was about is said in it."""
    scenario = load(str(path))
    assert scenario.about
    result = simulate(scenario.evolve({"run.record": "requests"}), verify=True)
    for frame in (result.sessions, result.requests, result.pods, result.load, result.events, result.operations):
        assert len(frame.columns)


def test_there_are_examples() -> None:
    """Protects the folder from being lost on the way."""
    assert _EXAMPLES
