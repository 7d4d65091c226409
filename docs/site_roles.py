"""Docstrings of the Python API as Markdown, for the documentation site: roles such as ``:func:`load``` become code."""

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:mod|class|func|meth|attr|data|exc):`~?(?P<name>[\w.]+)`")


def without_roles(text: str) -> str:
    """Return a docstring whose roles are the names that they lead to, the last part of each, as code."""
    return _ROLE.sub(lambda role: f"`{role['name'].rpartition('.')[2]}`", text)


class Roles(griffe.Extension):
    """Rewrites each docstring as it is read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = without_roles(obj.docstring.value)
