"""What shows itself in a notebook.

The classes that a notebook meets live in many layers; how they look is the report's business, which is above all of
them. So they inherit from :class:`ShownInNotebooks`, and the package's top tells it by :func:`show_by` who draws them.
"""

from __future__ import annotations

TYPE_CHECKING = False  # ``import simsticky`` loads this, and importing typing would take longer than all the rest
if TYPE_CHECKING:
    from collections.abc import Callable


class ShownInNotebooks:
    """An object that a notebook shows as HTML: see ``simsticky.report.notebook``."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return _drawn_by[0](self)


_drawn_by: list[Callable[[object], str]] = []


def show_by(as_html: Callable[[object], str]) -> None:
    """Say what makes HTML of an object; it is called when a notebook shows one, and not before."""
    _drawn_by[:] = [as_html]
