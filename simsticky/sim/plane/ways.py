"""A way to run the plane's one source: its functions, and what they work on; here by Python, on lists."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from simsticky.sim.plane import loop, queues, rules

Name = Literal["interpreted", "compiled"]


@dataclass(frozen=True)
class Engine:
    """One way to run the plane.

    Attributes:
        name: ``interpreted`` or ``compiled``.
        arrays: Whether it works on arrays; otherwise on lists.
        functions: Its functions by name: those of the loop, the rules, and the queues.
    """

    name: Name
    arrays: bool
    functions: Any


class Namespace:
    """The functions of several modules."""

    def __init__(self, *modules: ModuleType) -> None:
        for module in modules:
            vars(self).update({name: value for name, value in vars(module).items() if callable(value)})


INTERPRETED = Engine("interpreted", arrays=False, functions=Namespace(queues, rules, loop))
