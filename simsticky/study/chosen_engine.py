"""Which engine a study runs with: chosen when something is to be simulated, and compiled before there are workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simsticky.errors import EngineError

if TYPE_CHECKING:
    from simsticky.engines import Choice
    from simsticky.scenario.model import Scenario


class ChosenEngine:
    """The engine of a study.

    Args:
        asked: What was asked for.
        on_compile: Called before it is compiled.
        on_note: Called with why the study goes on without it, if it does not work here.

    Attributes:
        name: What runs the data plane, once something is to be simulated.
    """

    def __init__(self, asked: Choice, on_compile: Callable[[], None] | None, on_note: Callable[[str], None]) -> None:
        self._asked: Choice = asked
        self._compiling = on_compile
        self._note = on_note
        self._seconds = 0.0
        self._has_failed = False
        self.name: Choice | None = None

    def choose(self, scenario: Scenario, seconds: float, workers: int) -> Choice:
        """Return what runs what comes next; what has been interpreted so far is compiled once the study repays it.

        Args:
            scenario: One of those to be simulated.
            seconds: About how long what comes next takes one processor, interpreted; endless where nobody can tell.
            workers: Processes beside this one that will simulate it; 0 where this one does.

        Raises:
            EngineError: The compiled engine was asked for, and Numba is not installed.
        """
        from simsticky import engines

        self._seconds += seconds
        if self.name == "compiled" or self._has_failed:
            return self.name or "interpreted"
        wanted = self._asked
        if wanted == "auto":
            simulates = hasattr(scenario, "traffic")  # a stand-in for a scenario is simulated by something else
            repays = simulates and engines.repays(scenario, lambda: self._seconds, workers)
            wanted = "compiled" if repays else "interpreted"
        self.name = self._had() if wanted == "compiled" else wanted
        return self.name

    def _had(self) -> Choice:
        """Have the compiled engine; return it, or what runs instead where it does not work."""
        from simsticky import engines

        if self._compiling is not None and engines.is_installed() and not engines.is_kept():
            self._compiling()
        try:
            engines.have_compiled()
        except EngineError as error:
            if not engines.is_installed():
                raise
            self._note(f"{error}; going on without it, with the same results")
            self._has_failed = True
            return "interpreted"
        return "compiled"
