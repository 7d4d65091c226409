"""What shows itself in a notebook.

The classes that a notebook meets live in many layers; how they look is the report's business, which is above all of
them. So they inherit from :class:`ShownInNotebooks`, which finds the report by name when it is asked, and not before.
"""

from importlib import import_module


class ShownInNotebooks:
    """An object that a notebook shows as HTML: see ``simsticky.report.notebook``."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        text: str = import_module("simsticky.report.notebook").as_html(self)
        return text
