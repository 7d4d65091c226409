"""The two ways to run the plane's one source: by Python on lists, or compiled by Numba on arrays.

Compiled code is kept on disk, in a folder whose name holds a hash of every file of the source and of the versions of
Numba and NumPy: Numba's own cache looks at one file's size and time only. So the source is put together there as one
file, and Numba keeps its results beside it. Where nothing can be written it is compiled in memory.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from simsticky.kong import picks
from simsticky.sim.plane import fields, loop, queues, queues_compiled, rules

Name = Literal["interpreted", "compiled"]
Choice = Literal["auto", "interpreted", "compiled"]

_SOURCES = (picks, fields, queues_compiled, rules, loop)
"""The modules that are compiled, in the order in which they use each other."""


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


class EngineError(Exception):
    """The compiled engine is not to be had."""


class _Namespace:
    """The functions of several modules."""

    def __init__(self, *modules: ModuleType) -> None:
        for module in modules:
            vars(self).update({name: value for name, value in vars(module).items() if callable(value)})


INTERPRETED = Engine("interpreted", arrays=False, functions=_Namespace(queues, rules, loop))


def is_installed() -> bool:
    """Return whether Numba is installed, without importing it."""
    return importlib.util.find_spec("numba") is not None


def compiled() -> Engine:
    """Return the compiled engine.

    Raises:
        EngineError: Numba is not installed, or does not work here.
    """
    if not is_installed():
        raise EngineError("the compiled engine needs Numba: pip install 'simsticky[fast]'")
    return _compiled()


@lru_cache(maxsize=1)
def _compiled() -> Engine:
    try:
        module = _load()
    except Exception as error:
        raise EngineError(f"the compiled engine does not work here: {type(error).__name__}: {error}") from error
    return Engine("compiled", arrays=True, functions=_Namespace(module))


# The source ---------------------------------------------------------------------------------------------------------


def source_files() -> tuple[Path, ...]:
    """Return the files that decide what the compiled engine does: those of the plane, and of Kong's picks."""
    plane = Path(fields.__file__).parent
    return (Path(picks.__file__), *sorted(plane.glob("*.py")))


def key() -> str:
    """Return a hash of the source's bytes and of the versions of what compiles it."""
    import numba
    import numpy as np

    hashed = hashlib.sha256(f"{numba.__version__} {np.__version__} {sys.version}".encode())
    for path in source_files():
        hashed.update(path.name.encode() + path.read_bytes())
    return hashed.hexdigest()[:24]


def assembled(*, cached: bool) -> str:
    """Return the source as one file, in which every function is compiled when it is called first."""
    decorated = f"@njit(cache={cached})\ndef "
    parts = [_part(Path(str(module.__file__)).read_text(encoding="utf-8"), decorated) for module in _SOURCES]
    head = "from __future__ import annotations\n\nfrom enum import IntEnum\nfrom math import exp, log\n\nfrom numba import njit\n"
    return "\n\n".join([head, *parts])


def _part(text: str, decorated: str) -> str:
    """Return a module's text without its imports, with its functions decorated."""
    text = re.sub(r"^from [\w.]+ import (?:\((?:[^)]*)\)|[^\n(]*)\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^def ", decorated, text, flags=re.MULTILINE)


# The cache ----------------------------------------------------------------------------------------------------------


def _homes() -> Iterator[Path]:
    """Yield the folders that may keep compiled code, the likeliest first."""
    chosen = os.environ.get("SIMSTICKY_CACHE_DIR")
    if chosen:
        yield Path(chosen)
        return
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        yield Path(os.environ["LOCALAPPDATA"]) / "simsticky"
    if os.environ.get("XDG_CACHE_HOME"):
        yield Path(os.environ["XDG_CACHE_HOME"]) / "simsticky"
    with suppress(RuntimeError):
        yield Path.home() / ".cache" / "simsticky"
    yield Path(fields.__file__).parent / "__pycache__"


def _kept_source(found: str) -> Path | None:
    """Return the assembled source's file in the first folder that can be written; None where none can."""
    text = assembled(cached=True)
    for home in _homes():
        folder = home / f"engine-{found}"
        path = folder / f"simsticky_engine_{found}.py"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".part", delete=False, encoding="utf-8") as part:
                part.write(text)
            if path.exists() and path.read_text(encoding="utf-8") == text:
                os.unlink(part.name)
            else:
                os.replace(part.name, path)
            return path
    return None


def _load() -> ModuleType:
    """Return the module of compiled functions."""
    found = key()
    name = f"simsticky_engine_{found}"
    path = _kept_source(found)
    if path is None:
        module = ModuleType(name)
        exec(compile(assembled(cached=False), f"<{name}>", "exec"), vars(module))
        return module
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
