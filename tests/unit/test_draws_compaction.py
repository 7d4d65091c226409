"""Draws that nobody needs any more make room for others, with either engine."""

import importlib.util

import pytest

from simsticky import progress
from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate

ENGINES = [
    "interpreted",
    pytest.param(
        "compiled", marks=pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="it needs Numba")
    ),
]


def endless(until_s: float = 600.0) -> Scenario:
    """Return a hundred clients that never stop: the room for their first draws is filled before most have begun."""
    return Scenario.model_validate(
        {
            "schema": "simsticky/1",
            "name": "endless",
            "run": {"until": until_s, "horizon": 1e6, "settle": 0, "record": "summary"},
            "traffic": {
                "sessions": {"kind": "closed", "population": 100},
                "requests": "endless",
                "think": {"kind": "exponential", "mean": "1s"},
                "service": {"kind": "exponential", "mean": "50ms"},
            },
            "app": {"concurrency": 80},
            "deployment": {"replicas": 3},
            "upstream": {"algorithm": "round-robin"},
        }
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_ranges_that_overlap_find_room(engine: str) -> None:
    """A client that has not begun keeps the draw before its first, which is another's last: more is kept than was."""
    result = simulate(endless(), seed=7, engine=engine)  # type: ignore[arg-type]
    assert result.summary["requests_sent"] > 50_000


def test_a_simulation_tells_how_far_it_has_come() -> None:
    """The shares rise from 0 to at most 1, and tell nobody afterwards."""
    shares: list[float] = []
    with progress.watched(shares.append):
        simulate(endless(1_500.0), seed=7, engine="interpreted")
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert 0.0 < shares[0] < shares[-1] <= 1.0
    told = len(shares)
    simulate(endless(), seed=8, engine="interpreted")
    assert len(shares) == told
