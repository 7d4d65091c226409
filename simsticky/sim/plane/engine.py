"""The two ways to run the plane's one source: by Python on lists, or compiled by Numba on arrays.

Compiled code is kept on disk (``kept.py``), in a folder whose name holds a hash of every file of the source and of the
versions of Numba and NumPy: Numba's own cache looks at one file's size and time only. So the source is put together
there as one file, and Numba keeps its results beside it. Where nothing can be written it is compiled in memory.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import sys
from contextlib import suppress
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from importlib.resources.abc import Traversable
from pathlib import Path
from threading import Lock
from types import ModuleType

from simsticky.errors import EngineError
from simsticky.kong import picks
from simsticky.sim.plane import fields, kept, loop, queues_compiled, rules
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.queue_views import End
from simsticky.sim.plane.ways import Engine, Namespace

_SOURCES = (picks, fields, queues_compiled, rules, loop)
"""The modules that are compiled, in the order in which they use each other."""


def is_installed() -> bool:
    """Return whether Numba is installed, without importing it."""
    with suppress(ValueError, ImportError):  # something that stands in its place
        return importlib.util.find_spec("numba") is not None
    return False


class _Process:
    """What this process has: the compiled engine, or why it is not to be had."""

    found: Engine | EngineError | None = None
    lock = Lock()


def compiled() -> Engine:
    """Return the compiled engine; compiles it, if that has not been done on this machine.

    Raises:
        EngineError: Numba is not installed, or does not work here.
    """
    if not is_installed():
        raise EngineError("the compiled engine needs Numba: pip install 'simsticky[fast]'")
    with _Process.lock:
        if _Process.found is None:
            _Process.found = _found()
    if isinstance(_Process.found, EngineError):
        raise _Process.found
    return _Process.found


def _found() -> Engine | EngineError:
    try:
        return _made()
    except EngineError as error:
        return error
    except Exception as error:
        first_line = next(iter(_COLOURS.sub("", str(error)).splitlines()), "")
        return EngineError(f"the compiled engine does not work here: {type(error).__name__}: {first_line}")


def is_loaded() -> bool:
    """Return whether this process has the compiled engine."""
    return isinstance(_Process.found, Engine)


def _made() -> Engine:
    """Load the compiled engine, or compile it: what is kept and cannot be read is compiled anew."""
    from numba.core.errors import NumbaError

    found = key()
    for _ in range(2):
        path = kept.place(found, assembled(cached=True))
        if path is None:
            break
        was_there = kept.is_kept(found)
        try:
            with kept.alone(path):
                engine = _called(_module_at(path))
        except NumbaError:  # it cannot compile this
            raise
        except Exception as error:
            if not was_there and not isinstance(error, OSError):
                raise
            kept.discard(path)  # damaged; or the disk is full
        else:
            kept.tidy(path)
            return engine
    module = ModuleType(kept.name_of(found))
    exec(compile(assembled(cached=False), f"<{module.__name__}>", "exec"), vars(module))
    return _called(module)


def _module_at(path: Path) -> ModuleType:
    """Return the module of compiled functions whose source is in a file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _called(module: ModuleType) -> Engine:
    """Return the engine of compiled functions, each of them ready."""
    engine = Engine("compiled", arrays=True, functions=Namespace(module))
    _call_each(engine)
    return engine


def _call_each(engine: Engine) -> None:
    """Have every function that Python calls compiled, or loaded, by calling it on columns of nobody."""
    columns, run = Columns(engine), engine.functions
    columns.have_room()
    columns.queues.have_copies(1)
    columns.queues.have_ends(1)
    columns.add_container(0.0, 1)
    columns.workers.grow(1)
    columns.codes.grow(1)
    queues = columns.queues
    run.advance(-1.0, columns.state)
    queues.put((1.0, 1, 0))
    queues.drop_first()
    queues.occupy(0, 1.0)
    queues.put_end(End(1.0, 0, 0, 0, 0, 0, 0.0))
    queues.have_copies(1)
    state = columns.state
    run.first_end(state.ends)
    run.log_ends(state.ends, 0.0, 0, state.workers, state.links, state.scores)
    run.drop_end(state.ends)
    run.swap_copies(state.copies, 0, 0, 1, 1.0)
    run.forget_copies(state.copies, 0)
    columns.set_arrivals(0, [0.0], [[0]] * 6)
    run.arrive(columns.state)
    run.leave(0, 1.0, columns.state)
    columns.have_retired(1)
    run.put_down_first(0, columns.state)
    run.vacate_first(run.retire_all(0.0, columns.state), columns.state)


_COLOURS = re.compile("\x1b\\[[0-9;]*m")
"""What Numba paints its messages with."""
_HEAD = """from __future__ import annotations

from enum import IntEnum
from math import exp, log

from numba import njit
"""

# The source ---------------------------------------------------------------------------------------------------------


def source_files() -> tuple[Traversable, ...]:
    """Return the files that decide what the compiled engine does: those of the plane, and of Kong's picks.

    Raises:
        EngineError: They are not there: the package was installed without its source.
    """
    plane = resources.files(fields.__package__ or "").iterdir()
    found = sorted((file for file in plane if file.name.endswith(".py")), key=lambda file: file.name)
    own = resources.files(picks.__package__ or "") / "picks.py"
    if not found or not own.is_file():
        raise EngineError("the compiled engine is made of this package's source, which is not installed")
    return own, *found


def key() -> str:
    """Return a hash of the source's bytes and of all that decides what is made of it.

    That is the versions of what compiles it, and the kind of machine that it is compiled for.

    Raises:
        EngineError: The source is not there.
    """
    versions = [version(name) for name in ("numba", "numpy")]
    target = [os.environ.get(name, "") for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_BOUNDSCHECK")]
    hashed = hashlib.sha256(f"{versions} {sys.version} {platform.machine()} {target}".encode())
    for file in source_files():
        hashed.update(file.name.encode() + file.read_bytes())
    return hashed.hexdigest()[:24]


def is_kept() -> bool:
    """Return whether compiled code is likely to be on this machine's disk."""
    with suppress(EngineError, PackageNotFoundError):
        return kept.is_kept(key())
    return False


def can_be_kept() -> bool:
    """Return whether compiled code is likely to be there for the next process."""
    with suppress(EngineError, PackageNotFoundError):
        return kept.can_be_kept(key())
    return False


def assembled(*, cached: bool) -> str:
    """Return the source as one file, in which every function is compiled when it is called first."""
    decorated = f"@njit(cache={cached}, _nrt=False)\ndef "
    parts = [_part(_text(module), decorated) for module in _SOURCES]
    return "\n\n".join([_HEAD, *parts])


def _text(module: ModuleType) -> str:
    return (resources.files(module.__package__ or "") / f"{module.__name__.rpartition('.')[2]}.py").read_text("utf-8")


def _part(text: str, decorated: str) -> str:
    """Return a module's text without its imports, with its functions decorated."""
    text = re.sub(r"^from [\w.]+ import (?:\((?:[^)]*)\)|[^\n(]*)\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^def ", decorated, text, flags=re.MULTILINE)
