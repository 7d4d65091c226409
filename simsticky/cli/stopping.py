"""Ctrl-C and SIGTERM: both end the command in the same way, at whatever moment they come."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 128 + 2
"""Exit code: what a shell reports of a tool that SIGINT ended."""

_AGAIN_S = 0.2
"""So long after it the interrupt is raised again, where nothing has become of it."""

_asked = threading.Event()


def asked() -> bool:
    """Return whether somebody has asked this command to stop."""
    return _asked.is_set()


def taken() -> None:
    """Say that somebody has taken the interrupt and goes on: it is not raised again."""
    _look_in(0.0)


@contextmanager
def heard() -> Iterator[None]:
    """Let SIGTERM raise ``KeyboardInterrupt`` as Ctrl-C does, and note both.

    Noted because an import that is interrupted may raise something else, or nothing. A signal that is ignored (a
    shell does so for Ctrl-C of what runs in the background) stays ignored; outside of the main thread nothing changes.

    Where it comes in a call whose exceptions nobody can take, such as that of an import that lets go of its lock,
    Python would tell the traceback, and nothing of it is told. It is raised again a moment later, as it is where
    somebody else's code has swallowed it.
    """
    _asked.clear()
    before, tell = {}, sys.unraisablehook
    sys.unraisablehook = lambda told: None if issubclass(told.exc_type, KeyboardInterrupt) else tell(told)
    if threading.current_thread() is threading.main_thread():
        for number, usual, ours in _HANDLERS:
            if signal.getsignal(number) == usual:
                before[number] = signal.signal(number, ours)
    try:
        yield
    finally:
        taken()
        sys.unraisablehook = tell
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(_number: int, _frame: FrameType | None) -> None:
    _asked.set()
    _look_in(_AGAIN_S)
    raise KeyboardInterrupt


def _raise_again(_number: int, _frame: FrameType | None) -> None:
    """Raise it once more if nobody deals with it, or with anything else that was raised."""
    _look_in(_AGAIN_S)
    if sys.exc_info()[0] is None:
        raise KeyboardInterrupt


def _look_in(seconds: float) -> None:
    """Look so much later what has become of it; never, with 0."""
    if hasattr(signal, "setitimer") and signal.getsignal(signal.SIGALRM) == _raise_again:
        signal.setitimer(signal.ITIMER_REAL, seconds)


_HANDLERS = [(signal.SIGINT, signal.default_int_handler, _stop), (signal.SIGTERM, signal.SIG_DFL, _stop)]
if hasattr(signal, "setitimer"):  # Windows has no such clock
    _HANDLERS.append((signal.SIGALRM, signal.SIG_DFL, _raise_again))
