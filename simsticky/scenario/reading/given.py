"""A scenario, whatever somebody has of it: the object, its file, its text, or what the file would say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from simsticky.scenario.model import Scenario

    Given = Scenario | str | Path | Mapping[str, Any]


def scenario_of(given: Given) -> Scenario:
    """Return the scenario that somebody gives.

    Args:
        given: A scenario; the path of a scenario file; the text of one, if it has more than one line; or a mapping of
            what one says, see :func:`simsticky.scenario.reading.mapping.of_mapping`.

    Raises:
        InputError: Everything that is wrong with the file, the text or the mapping.
        TypeError: It is none of these.
    """
    if isinstance(given, str | os.PathLike | Mapping):
        # Not before it is needed: workers of a study get scenarios, and reading files takes more imports than running.
        from simsticky.scenario.reading.load import load, loads
        from simsticky.scenario.reading.mapping import of_mapping

        if isinstance(given, Mapping):
            return of_mapping(given)
        return loads(given) if isinstance(given, str) and "\n" in given else load(given)
    if not hasattr(given, "digest"):
        kind = type(given).__name__
        raise TypeError(f"a scenario is a Scenario, the path of its file or a mapping of what that says, not {kind}")
    return given
