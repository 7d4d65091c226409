"""GitHub's workflow commands: lines of a job's log that become annotations of a pull request.

Source: GitHub, "Workflow commands for GitHub Actions", and actions/toolkit, core/src/command.ts (what is escaped).
"""

from __future__ import annotations

from collections.abc import Iterable

from simsticky.annotations.record import Annotation, Severity, repository_path

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def to_github(annotations: Iterable[Annotation]) -> str:
    """Return a line for each finding; what has no line of a file is an annotation of the whole run."""
    return "".join(f"{_line(found)}\n" for found in annotations)


def _line(found: Annotation) -> str:
    properties = {}
    if found.is_in_a_file:
        properties = {"file": repository_path(found.file), "line": found.line, "col": found.column}
    # The place of a pipe is told in the text: GitHub could not open it.
    place = f"{found.place}: " if found.file and not found.is_in_a_file else ""
    properties["title"] = f"{found.rule.id} {found.rule.title}"
    given = ",".join(f"{key}={_of_property(str(value))}" for key, value in properties.items() if value is not None)
    return f"::{_COMMANDS[found.severity]} {given}::{_of_message(place + found.text)}"


def _of_message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _of_property(text: str) -> str:
    return _of_message(text).replace(":", "%3A").replace(",", "%2C")
