"""Which engine runs the data plane: Python, or compiled by Numba. What comes out is the same, so no result names it.

Nothing heavy is imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal

from simsticky.errors import EngineError

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.sim.plane.ways import Engine

Choice = Literal["auto", "interpreted", "compiled"]

_LOADING_S = 1.5
"""What it takes, about, to load compiled code from the disk, in seconds of interpreted simulation that it must save."""
_COMPILING_S = 25.0
"""The same where it has to be compiled first."""


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
        choice: What was asked for; what the process does, if None.
        scenario: The scenario.
        seconds: Returns about how long all that is to be simulated would take interpreted.

    Raises:
        EngineError: The compiled engine was asked for, and is not to be had.
    """
    from simsticky.sim.plane.engine import compiled
    from simsticky.sim.plane.ways import INTERPRETED

    choice = choice or _Process.choice
    if choice == "compiled":
        return compiled()
    if choice == "auto" and repays(scenario, seconds):
        with suppress(EngineError):
            return compiled()
    return INTERPRETED


def repays(scenario: Scenario, seconds: Callable[[], float]) -> bool:
    """Return whether the compiled engine, if it is to be had, saves more time than it takes to have it."""
    from simsticky.sim.plane import engine

    if not engine.is_installed() or _mostly_irregular(scenario):
        return False
    return engine.is_loaded() or seconds() > (_LOADING_S if engine.is_kept() else _COMPILING_S)


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


def have_compiled() -> None:
    """Have the compiled engine in this process; compile it, if that has not been done on this machine.

    Raises:
        EngineError: It is not to be had.
    """
    from simsticky.sim.plane.engine import compiled

    compiled()
