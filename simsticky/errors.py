"""The exceptions of simsticky and the diagnostics they carry.

What a person did wrong is an :class:`InputError` and names the place in the person's own file; what the
simulator did wrong is an :class:`InvariantError`. The command line maps them to exit codes 2 and 70.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# A message may quote what it is about; nobody reads a whole script back.
_LONGEST_MESSAGE = 500


class SimstickyError(Exception):
    """Base of every error that simsticky raises on purpose."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of the input, with its place.

    Attributes:
        file: File as the person named it, ``<stdin>``, ``<string>``, or a command line flag (``--set``).
            Empty when the value came from Python.
        line: Line, counted from 1, or None where there is none (a missing file, a flag).
        column: Column, counted from 1, or None.
        path: Dotted path as in the YAML, for example ``kic.enableDrainSupport``; may be empty.
        message: What is wrong.
        hint: How to mend it; may be empty.
    """

    file: str
    line: int | None
    column: int | None
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return ``file:line:column: path: message (hint)``, leaving out what is not known."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part not in ("", None))
        # A flag is followed by what it sets, as on the command line: "--set kic.drain: unknown".
        between = " " if self.file.startswith("--") and self.line is None else ": "
        subject = between.join(part for part in (place, self.path) if part)
        message, hint = _cut(self.message), _cut(self.hint)
        text = f"{_cut(subject)}: {message}" if subject else message
        return visible(f"{text} ({hint})" if hint else text)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "..."


_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Categories of what a terminal acts on or hides instead of showing it: controls, formats, surrogates, line ends."""


def visible(text: str, keep: str = "") -> str:
    """Return a text with everything written out that a terminal would act on instead of showing it.

    The escape character becomes a backslash, ``u001b``: also what JSON makes of it.

    Args:
        text: From a person's file, a name, an exception.
        keep: Characters that stay as they are, such as the line ends of several lines.
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or letter in keep or unicodedata.category(letter) not in _UNSEEN
        else f"\\u{ord(letter):04x}"
        if ord(letter) < 0x10000
        else f"\\U{ord(letter):08x}"
        for letter in text
    )


class InputError(SimstickyError):
    """The scenario, a manifest or an option is wrong; every problem found is listed.

    Attributes:
        diagnostics: The problems, in the order of files and lines; at least one.
    """

    diagnostics: tuple[Diagnostic, ...]

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        if not self.diagnostics:
            raise ValueError("an InputError needs at least one diagnostic")
        super().__init__("\n".join(str(diagnostic) for diagnostic in self.diagnostics))

    @classmethod
    def of(cls, message: str, *, path: str = "", file: str = "", hint: str = "") -> "InputError":
        """Return an error of one problem that has no line of its own."""
        return cls([Diagnostic(file, None, None, path, message, hint)])

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross process borders (--jobs); the default would rebuild this one from its text.
        return (type(self), (self.diagnostics,))


class EngineError(SimstickyError):
    """The compiled engine is not to be had: Numba is not installed, or does not work here."""


class InvariantError(SimstickyError):
    """The simulator contradicted itself: a bug of simsticky, never of the input."""
