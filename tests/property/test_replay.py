"""Scenarios that once broke an invariant, replayed for ever."""

from pathlib import Path

import pytest
from kept_examples import EXAMPLES

from simsticky.results import frames
from simsticky.scenario.reading.load import load
from simsticky.sim.gateway import plane_rules
from simsticky.simulate import simulate


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_kept_example_keeps_the_invariants(path: Path) -> None:
    """What each example was about is said in it."""
    scenario = load(str(path))
    assert scenario.about
    result = simulate(scenario.evolve({"run.record": "requests"}), verify=True)
    for name in ("sessions", "requests", "pods", "load", "events", "operations", "exposures"):
        frame = getattr(result, name)
        assert tuple(frame.columns) == getattr(frames, name.upper()), name
        # A column that nothing fills is one of objects without a value.
        assert not [column for column in frame if frame[column].dtype == object and len(frame)], name
    sent = result.requests.groupby("session")["request"].nunique()  # sent again it keeps its number
    counted = result.sessions.set_index("session")["requests"]
    assert sent.equals(counted[counted > 0].astype(sent.dtype)), "the sessions' requests are the rows of requests"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_kept_example_is_the_same_in_small_blocks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How often rows are sealed, and sessions let go, is seen in nothing and breaks nothing."""
    scenario = load(str(path))
    whole = simulate(scenario).to_json_dict()
    monkeypatch.setattr(plane_rules, "ROWS_AT_ONCE", 512)
    monkeypatch.setattr(plane_rules, "_LEFT_AT_ONCE", 64)
    assert simulate(scenario, verify=True).to_json_dict() == whole


def test_there_are_examples() -> None:
    """The folder of examples has not been lost on the way."""
    assert EXAMPLES
