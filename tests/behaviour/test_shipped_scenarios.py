"""The scenarios about the gateway that are shipped: that they show what their descriptions promise."""

import shlex
from pathlib import Path
from typing import get_args

import pytest

import simsticky as ss
from simsticky.results.result import Result
from simsticky.scenario.gateway import Upstream
from simsticky.scenario.model import Scenario
from simsticky.scenario.paths.changes import parse_settings
from simsticky.simulate import simulate

FOLDER = Path(__file__).parents[2] / "scenarios"


def shipped(name: str) -> Scenario:
    """Return a shipped scenario."""
    return ss.load(FOLDER / f"{name}.yaml")


def side_by_side() -> dict[str, Scenario]:
    """Return the scenarios that the command in the description of ``algorithms.yaml`` compares, by algorithm."""
    scenario = shipped("algorithms")
    words = shlex.split(scenario.about.partition("simsticky compare ")[2])
    variants = [words[i + 1] for i, word in enumerate(words) if word == "--with"]
    sides = [scenario, *(scenario.evolve(parse_settings(variant.split(";"))) for variant in variants)]
    return {side.upstream.algorithm: side for side in sides}


def test_algorithms_compares_all_five() -> None:
    """The command in the description names all five algorithms, none of them in a way to be warned of."""
    sides = side_by_side()
    assert set(sides) == set(get_args(Upstream.model_fields["algorithm"].annotation))
    assert not any(side.warnings for side in sides.values())


@pytest.fixture(scope="module")
def moved() -> dict[str, Result]:
    """One run with each algorithm that binds sessions."""
    sides = side_by_side()
    return {name: simulate(sides[name], 7) for name in ("sticky-sessions", "consistent-hashing")}


def test_algorithms_shows_who_moves_sessions(moved: dict[str, Result]) -> None:
    """A scale-up from 3 to 4 moves no sticky session and about a quarter of the hashed ones.

    On the way down hashing moves the sessions of the draining pod at once, sticky sessions only those that outlive it.
    """
    sticky, hashed = (list(result.operations.itertuples()) for result in moved.values())
    assert sticky[0].broken_alive == 0
    assert 0.15 < hashed[0].broken_alive / hashed[0].alive < 0.5
    assert sticky[1].broken < 0.2 * sticky[1].exposed
    assert hashed[1].broken > 0.8 * hashed[1].exposed


def test_health_flap_re_homes_sessions_with_drain_support_on() -> None:
    """Nothing is deleted, nothing fails, and most sessions of one pod lose it."""
    scenario = shipped("health_flap")
    assert scenario.kic.enable_drain_support
    result = simulate(scenario, 7)
    (flap,) = result.operations.itertuples()
    assert result.pods.deleted_s.isna().all()
    assert result.summary["requests_failed"] == 0
    assert flap.broken > 0.5 * flap.exposed > 0
    assert set(result.requests.origin[result.requests.broke != ""]) == {"retargeted"}


def test_two_gateways_keep_sessions_on_their_pods() -> None:
    """Sessions meet both nodes, one restarts, the cookie keeps them."""
    result = simulate(shipped("two_gateways"), 7)
    assert set(result.requests.node) == {"kong-1", "kong-2"}
    stopped = result.events[result.events.kind == "stopped"]
    assert list(stopped.subject) == ["kong-2"]
    rollout = next(result.operations.itertuples())
    assert rollout.broken < 0.05 * rollout.exposed
    assert result.summary["requests_failed"] == 0
