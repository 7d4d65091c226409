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

_asked = threading.Event()


def asked() -> bool:
    """Return whether somebody has asked this command to stop."""
    return _asked.is_set()


@contextmanager
def heard() -> Iterator[None]:
    """Let SIGTERM raise ``KeyboardInterrupt`` as Ctrl-C does, and note both.

    Noted because an import that is interrupted may raise something else, or nothing. A signal that is ignored (a
    shell does so for Ctrl-C of what runs in the background) stays ignored; outside of the main thread nothing changes.

    Where it comes in a call whose exceptions nobody can take, such as that of an import that lets go of its lock,
    Python would tell the traceback, and nothing of it is told.
    """
    _asked.clear()
    before, tell = {}, sys.unraisablehook
    sys.unraisablehook = lambda told: None if issubclass(told.exc_type, KeyboardInterrupt) else tell(told)
    if threading.current_thread() is threading.main_thread():
        for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
            if signal.getsignal(number) == usual:
                before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        sys.unraisablehook = tell
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(_number: int, _frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt
