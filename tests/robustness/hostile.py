"""What the tests of hostile input share: what no answer to bad input may hold."""

from __future__ import annotations

import re

NEVER = (
    "Traceback",
    "internal error",
    "sys.set_int_max_str_digits",
    "YAML()",
    "Errno",
    "pydantic",
    "ruamel",
    "recursion",
    "codec can't",
    "C ssize_t",
)
"""What tells a person nothing: of Python, or of a library."""

LONGEST = 1_200
"""Characters of the longest message."""


def unfit(err: str) -> str:
    """Return what is wrong with the standard error of a command that met bad input; empty if nothing is."""
    for text in NEVER:
        if text in err:
            return f"holds {text!r}"
    if len(err) > LONGEST:
        return f"has {len(err)} characters"
    if strange := re.search(r"[^\n\x20-\x7e\xa0-\uffff]", err):
        return f"holds the control character {strange[0]!r}"
    return "" if err.strip() else "says nothing"
