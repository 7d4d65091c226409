"""The replay's script: small modules in JavaScript, which a page holds as one.

A page may not ask for files, so that its modules cannot import each other: they are put one after the other, what is
needed first first, in one function. The names at their top level are therefore those of one room.
"""

import re
from functools import cache
from importlib.resources import files

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const|class)", re.MULTILINE)
_MAIN = "main.js"


@cache
def bundle() -> str:
    """Return the modules as one script that leaves no name behind."""
    done: dict[str, str] = {}
    _take(_MAIN, done, ())
    return '"use strict";\n(() => {\n' + "".join(done.values()) + "})();\n"


def _take(name: str, done: dict[str, str], under: tuple[str, ...]) -> None:
    if name in done:
        return
    if name in under:
        raise ValueError(f"modules import each other in a circle: {' > '.join((*under, name))}")
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    for needed in _IMPORT.findall(text):
        _take(needed, done, (*under, name))
    done[name] = _EXPORT.sub("", _IMPORT.sub("", text))
