"""The twin of a run: the same run without its operations, parted from it where the first of them begins.

Until then the two are equal to the last bit, so that moment's state is all that the twin needs, and a forked process
has it (docs/decisions/0013). Where a process cannot fork, nothing parts, and the run without operations is made from
its start.
"""

import os
import pickle
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from simsticky.stats.skew import SkewTotals

Skew = dict[tuple[str, str], SkewTotals]

FEWEST_REQUESTS = 5_000
"""Requests before the first operation below which a new process costs more than it saves."""
_LOOK_AFTER_PARENT_S = 0.5


def can_part() -> bool:
    """Return whether this process may fork: on Linux, and with no other thread, which might hold a lock then."""
    return sys.platform == "linux" and threading.active_count() == 1


class Twin:
    """Both sides of the parting: the run, and in another process its twin.

    Attributes:
        is_me: Whether this process is the twin.
    """

    def __init__(self) -> None:
        self.is_me = False
        self._pid = 0
        self._window: Any = None  # of the run's pipes: tells the end of its window
        self._skew: Any = None  # hears the twin's load skew, or in the twin, tells it

    def part(self) -> bool:
        """Fork; return whether this is the twin. Where there is no room for another process nothing happens."""
        window_out, window_in = os.pipe()
        skew_out, skew_in = os.pipe()
        try:
            with warnings.catch_warnings():
                # Threads of a numerical library count there, and are ready for it.
                warnings.simplefilter("ignore", DeprecationWarning)
                parent, self._pid = os.getpid(), os.fork()
        except OSError:
            for end in (window_out, window_in, skew_out, skew_in):
                os.close(end)
            return False
        self.is_me = not self._pid
        if self.is_me:
            os.close(window_in)
            os.close(skew_out)
            self._window, self._skew = os.fdopen(window_out, "rb"), os.fdopen(skew_in, "wb")
            _end_with(parent)
        else:
            os.close(window_out)
            os.close(skew_in)
            self._window, self._skew = os.fdopen(window_in, "wb"), os.fdopen(skew_out, "rb")
        return self.is_me

    # In the twin ------------------------------------------------------------------------------------------------

    def window_end_s(self) -> float:
        """Wait until the run is over, and return when its window ends; end where it has no use for a twin."""
        told = self._window.read()
        if not told:
            os._exit(0)
        return float(pickle.loads(told))  # from our own run

    def tell(self, skew: Skew) -> None:
        """Tell the run the load skew over its window; this process ends."""
        pickle.dump(skew, self._skew)
        self._skew.close()
        os._exit(0)

    @contextmanager
    def contained(self) -> Iterator[None]:
        """Let nothing that ends the twin, be it Ctrl-C, go on in the code that has called the run."""
        try:
            yield
        except BaseException:
            if self.is_me:
                os._exit(1)
            raise

    # In the run -------------------------------------------------------------------------------------------------

    def skew(self, window_end_s: float) -> Skew | None:
        """Return the twin's load skew over the run's window; None where nothing has parted, or the twin was lost."""
        if not self._pid:
            return None
        try:
            pickle.dump(window_end_s, self._window)
            self._window.close()
            told = self._skew.read()
            return pickle.loads(told) if told else None  # from our own twin
        except (BrokenPipeError, EOFError, pickle.UnpicklingError):
            return None
        finally:
            self.let_go()

    def let_go(self) -> None:
        """End the twin, if there is one."""
        if not self._pid or self.is_me:
            return
        for pipe in (self._window, self._skew):
            with suppress(BrokenPipeError):
                pipe.close()
        os.waitpid(self._pid, 0)
        self._pid = 0


def _end_with(parent: int) -> None:
    """End this process soon after its parent, which may have been killed."""

    def look(*_: object) -> None:
        if os.getppid() != parent:
            os._exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_AFTER_PARENT_S, _LOOK_AFTER_PARENT_S)
