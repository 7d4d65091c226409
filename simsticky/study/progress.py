"""How far a study is: a bar in notebooks by default, on a terminal where somebody asks for one.

A bar goes away when the study is done, so that nothing of it stays in what a notebook keeps.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from simsticky.units import rough_duration

_FIRST_S, _EVERY_S = 0.5, 0.2
"""Nobody needs a bar for what is over sooner, nor sees more of them."""
_CELLS = 24


class Progress(Protocol):
    """What shows how far a study is."""

    def __call__(self, finished: int, wanted: int) -> None:
        """Show that so many replications of so many are finished."""

    def close(self) -> None:
        """Take away what is shown."""


def progress_of(asked: bool | None) -> Progress | None:
    """Return what shows progress here; None where nothing does.

    Args:
        asked: True for a bar, False for none; None for one in a notebook and none elsewhere.
    """
    notebook = is_notebook()
    if asked is False or (asked is None and not notebook):
        return None
    return Bar(_InNotebook() if notebook else _OnStream(sys.stderr))


def is_notebook() -> bool:
    """Return whether a notebook runs this: an IPython that has a kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class _Place(Protocol):
    """Where a bar is shown."""

    def show(self, finished: int, wanted: int, left: str) -> None:
        """Show it, in place of what was shown before."""

    def clear(self) -> None:
        """Take it away."""


class Bar:
    """A bar that is shown once a study takes a while, and renewed a few times a second."""

    def __init__(self, place: _Place, now: Callable[[], float] = time.monotonic) -> None:
        """Begin to count the time.

        Args:
            place: Where it is shown.
            now: A clock in seconds.
        """
        self._place = place
        self._now = now
        self._began_s = now()
        self._next_s = self._began_s + _FIRST_S
        self._is_shown = False

    def __call__(self, finished: int, wanted: int) -> None:
        """Show that so many replications of so many are finished, if it is time to."""
        at_s = self._now()
        if at_s < self._next_s:
            return
        self._next_s = at_s + _EVERY_S
        left_s = (at_s - self._began_s) * (wanted - finished) / max(1, finished)
        self._is_shown = True
        self._place.show(finished, wanted, f"about {rough_duration(left_s)} left" if finished < wanted else "")

    def close(self) -> None:
        """Take it away, if it was ever shown."""
        if self._is_shown:
            self._place.clear()
            self._is_shown = False


class _OnStream:
    """A line of text that is written over again and again; where there is no terminal, a line a tenth."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._longest = 0
        self._tenth = -1

    def show(self, finished: int, wanted: int, left: str) -> None:
        if self._stream is None:
            return
        full = _CELLS * finished // max(1, wanted)
        text = f"{finished}/{wanted} simulations [{'#' * full}{'.' * (_CELLS - full)}] {left}".rstrip()
        if self._stream.isatty():
            self._longest = max(self._longest, len(text))
            self._write(f"\r{text:<{self._longest}}")
        elif (tenth := 10 * finished // max(1, wanted)) != self._tenth:
            self._tenth = tenth
            self._write(f"{text}\n")

    def clear(self) -> None:
        if self._stream is not None and self._stream.isatty():
            self._write(f"\r{'':<{self._longest}}\r")

    def _write(self, text: str) -> None:
        assert self._stream is not None
        self._stream.write(text)
        self._stream.flush()


class _InNotebook:
    """HTML that a notebook shows and replaces; it needs no widgets, and no Javascript of anybody's."""

    def __init__(self) -> None:
        self._shown: Any = None

    def show(self, finished: int, wanted: int, left: str) -> None:
        html = (
            f'<progress value="{finished}" max="{wanted}" style="width:16em"></progress>'
            f" {finished} of {wanted} simulations{', ' if left else ''}{left}"
        )
        self._replace(html, f"{finished} of {wanted} simulations")

    def clear(self) -> None:
        self._replace("", "")

    def _replace(self, html: str, text: str) -> None:
        from IPython.display import display

        show: Any = display
        data = {"text/html": html, "text/plain": text}
        if self._shown is None:
            self._shown = show(data, raw=True, display_id=True)
        else:
            self._shown.update(data, raw=True)
