"""How a rule that pydantic cannot express reports what is wrong: several problems, each at its own place."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


class Problem(NamedTuple):
    """One broken rule, at a path relative to the model that holds the rule."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""


def details(problems: Iterable[Problem], value: Any = None) -> list[InitErrorDetails]:
    """Return the problems as pydantic's line errors; the hint travels in the error's context."""
    return [
        InitErrorDetails(
            type=PydanticCustomError("rule", "{message}", {"message": problem.message, "hint": problem.hint}),
            loc=problem.path,
            input=value,
        )
        for problem in problems
    ]


def refuse(title: str, problems: Sequence[Problem]) -> None:
    """Raise pydantic's ValidationError if there are problems; inside a validator it keeps each place."""
    if problems:
        raise ValidationError.from_exception_data(title, details(problems))


def again(error: ValidationError) -> list[InitErrorDetails]:
    """Return an error's line errors in the form in which they can be raised once more, beside others."""
    lines = []
    for line in error.errors(include_url=False):
        context = line.get("ctx", {})
        kind: Any = PydanticCustomError("rule", "{message}", context) if line["type"] == "rule" else line["type"]
        lines.append(InitErrorDetails(type=kind, loc=line["loc"], input=line["input"], ctx=context))
    return lines


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean X?`` for the nearest known word, or the empty string if none is near."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    plain = word.lower().replace("_", "")
    begun = [candidate for candidate in by_lower if len(plain) >= 3 and candidate.startswith(plain)]
    near = begun[:1] or difflib.get_close_matches(plain, by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[near[0]]}?" if near else ""
