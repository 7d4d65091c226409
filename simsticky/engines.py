"""Which engine runs the data plane: Python, or compiled by Numba. What comes out is the same, so no result names it.

Nothing heavy is imported before it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal

from simsticky.errors import EngineError

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.sim.plane.ways import Engine

Choice = Literal["auto", "interpreted", "compiled"]

_LOADING_S = 0.5
"""Time of a processor that it takes to import Numba and to load compiled code from the disk, about."""
_COMPILING_S = 15.0
"""The same where it has to be compiled first: thirty times as much, where both were measured."""
_SAVED = 0.3
"""What compiled code saves of each second that a simulation is thought to take interpreted, at the least.

A run interpreted takes half of what it is thought to (``workload/effort.py``), and compiled a third of that.
"""
_SOONER = 3.0
"""How much sooner the same simulation is done: measured 3.0 with cookies, 4.7 with round-robin, 5.5 with latency."""


class _Process:
    """What this process does where nobody says otherwise."""

    choice: Choice = "auto"


def use(choice: Choice) -> None:
    """Let this process simulate so, where a call does not say otherwise."""
    _Process.choice = choice


@contextmanager
def using(choice: Choice) -> Iterator[None]:
    """Let this process simulate so for a while; where the compiled engine is not to be had, without it.

    What comes out is the same: so a study's workers need not all have what its first process has.
    """
    before = _Process.choice
    if choice == "compiled":
        try:
            have_compiled()
        except EngineError:
            choice = "interpreted"
    use(choice)
    try:
        yield
    finally:
        use(before)


def engine_for(choice: Choice | None, scenario: Scenario, seconds: Callable[[], float]) -> Engine:
    """Return what runs a scenario.

    Args:
        choice: What was asked for; what the process does, if None, and where that is not to be had, Python.
        scenario: The scenario.
        seconds: Returns about how long all that is to be simulated would take interpreted.

    Raises:
        EngineError: The compiled engine was asked for, and is not to be had.
    """
    from simsticky.sim.plane.engine import compiled
    from simsticky.sim.plane.ways import INTERPRETED

    if choice == "compiled":
        return compiled()
    choice = choice or _Process.choice
    if choice == "compiled" or (choice == "auto" and repays(scenario, seconds)):
        with suppress(EngineError):
            return compiled()
    return INTERPRETED


def repays(scenario: Scenario, seconds: Callable[[], float], workers: int = 0) -> bool:
    """Return whether the compiled engine, if it is to be had, saves more time than it takes to have it.

    Args:
        scenario: What is to be simulated.
        seconds: Returns about how long all of it would take one processor, interpreted; endless if nobody can tell.
        workers: Processes that will do it beside this one, and must each have the engine; 0 where this one does it.
    """
    if not is_installed() or _mostly_irregular(scenario):
        return False
    price_s, wanted_s = _price_s(workers), seconds()
    if math.isinf(wanted_s):  # a trace may be short: then little is lost
        return price_s <= 2 * _LOADING_S
    return wanted_s * _SAVED / max(1, workers) > price_s


def _price_s(workers: int) -> float:
    """Return how long it takes until this process has compiled code, and after it its workers, all at a time."""
    from simsticky.sim.plane import engine

    if engine.is_loaded() and not workers:
        return 0.0
    kept = engine.is_kept()
    here_s = 0.0 if engine.is_loaded() else _LOADING_S if kept else _COMPILING_S
    if not workers:
        return here_s
    return here_s + (_LOADING_S if kept or engine.can_be_kept() else _COMPILING_S)


def seconds_with(choice: Choice, scenario: Scenario, seconds: float) -> float:
    """Return about how long a simulation takes an engine, from what it would take interpreted."""
    return seconds if choice != "compiled" or _mostly_irregular(scenario) else seconds / _SOONER


def _mostly_irregular(scenario: Scenario) -> bool:
    """Whether most requests take the way that is plain Python with either engine."""
    from simsticky.sim.gateway.affinity import AFFINITY

    traffic = scenario.traffic
    several = traffic.tabs > 1 or len(traffic.paths) > 1 or traffic.cookies.clear > 0
    several = several or traffic.other_upstream is not None
    return several and scenario.upstream.algorithm in AFFINITY


def is_installed() -> bool:
    """Return whether Numba is installed."""
    from simsticky.sim.plane import engine

    return engine.is_installed()


def is_kept() -> bool:
    """Return whether compiled code is on this machine's disk already."""
    from simsticky.sim.plane import engine

    return engine.is_kept()


def can_be_kept() -> bool:
    """Return whether there is a place on this machine's disk for compiled code."""
    from simsticky.sim.plane import engine

    return engine.can_be_kept()


def have_compiled() -> None:
    """Have the compiled engine in this process; compile it, if that has not been done on this machine.

    Raises:
        EngineError: It is not to be had.
    """
    from simsticky.sim.plane.engine import compiled

    compiled()
