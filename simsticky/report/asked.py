"""What was asked on the command line, so that a printed command goes on from there."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that was given.

    Attributes:
        file: The scenario's file as it was named.
        flags: What else made the scenario what it is: ``--set``, ``--namespace``, ``--lenient``, each with its value.
    """

    file: str
    flags: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, file: str, changes: Sequence[str] | None = None, *, namespace: str | None = None, lenient: bool = False
    ) -> Asked:
        """Return what makes a verb read the same scenario again."""
        flags = [word for change in changes or () for word in ("--set", change)]
        flags += [] if namespace is None else ["--namespace", namespace]
        return cls(file, (*flags, *(["--lenient"] if lenient else [])))

    def command(self, verb: str, *words: str) -> str:
        """Return a command about the same scenario, as a shell takes it."""
        return shlex.join(["simsticky", verb, self.file, *self.flags, *words])
