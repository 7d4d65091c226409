"""The command ``simsticky`` and its endings: what became of it, as an exit code.

0 done · 1 internal error, or the machine failed (a full disk, a lost worker) · 2 usage or bad input · 3 threshold or
lint failure · 4 not certain · 70 invariant violated · 130 interrupted · 141 nobody reads the answer.

Nothing is imported here but what Python itself has loaded, so that Ctrl-C is answered from the first moment on.
"""

from __future__ import annotations

import errno
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

INTERNAL_ERROR = 1
BAD_INPUT = 2
INVARIANT_VIOLATED = 70

TRACEBACK = "SIMSTICKY_TRACEBACK"
"""Environment variable: 1 prints the traceback of an error."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors are told on standard error.

    Args:
        argv: Arguments without the program's name; those of the process by default.
    """
    try:
        from simsticky.cli import stopping

        with stopping.heard():
            from simsticky.cli import console

            console.prepare()
            return console.finish(_run(argv))
    except KeyboardInterrupt:
        from simsticky.cli import console, stopping

        console.complain("interrupted")
        return stopping.INTERRUPTED


def _run(argv: Sequence[str] | None) -> int:
    from simsticky.cli import console, stopping

    gc.set_threshold(10_000, 20, 100)  # the thousands of objects of an import stay; looking for garbage finds none
    try:
        from simsticky.cli.app import app

        if stopping.asked():  # in the middle of that import, which told nobody
            raise KeyboardInterrupt
        app(args=None if argv is None else list(argv), prog_name="simsticky")
    except SystemExit as ending:
        stopping.taken()
        return _ended(ending)
    except Exception as error:
        if stopping.asked():  # in the middle of an import, which then fails in its own way
            raise KeyboardInterrupt from error
        if isinstance(error, BrokenPipeError):
            return console.BROKEN_PIPE
        return _tell(error)
    return 0


def _ended(ending: SystemExit) -> int:
    """Return the exit code of typer's ending, which says nothing of Ctrl-C and of a reader that has left."""
    from simsticky.cli import console

    within = ending.__context__
    if isinstance(within, BrokenPipeError):
        return console.BROKEN_PIPE
    if within is not None and isinstance(within.__cause__, KeyboardInterrupt):
        raise KeyboardInterrupt from ending
    return ending.code if isinstance(ending.code, int) else int(ending.code is not None)


def _tell(error: Exception) -> int:
    from simsticky.cli import console
    from simsticky.errors import InputError, InvariantError, SimstickyError

    if os.environ.get(TRACEBACK) == "1":
        import traceback

        traceback.print_exc(file=sys.stderr)
    if isinstance(error, InputError):
        console.complain(str(error))
        return BAD_INPUT
    if isinstance(error, InvariantError):
        console.complain(f"invariant violated: {error}\nThis is a bug of simsticky, not of the scenario.")
        return INVARIANT_VIOLATED
    if isinstance(error, SimstickyError):
        console.complain(f"error: {error}")
        return INTERNAL_ERROR
    if isinstance(error, MemoryError):
        console.complain("error: the memory is full (fewer jobs need less, and so do fewer sessions)")
        return INTERNAL_ERROR
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        console.complain(f"error: cannot write standard output: {error.strerror}")
        return INTERNAL_ERROR
    text = " ".join(f"{type(error).__name__}: {error}".split())
    console.complain(f"internal error: {text} (run again with {TRACEBACK}=1 to see where)")
    return INTERNAL_ERROR


if __name__ == "__main__":
    sys.exit(main())
