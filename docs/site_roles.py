"""Docstrings of the Python API as Markdown, for the documentation site: roles such as ``:func:`load``` become code."""

from typing import Any

import griffe
from site_links import without_roles


class Roles(griffe.Extension):
    """Rewrites each docstring as it is read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = without_roles(obj.docstring.value)
