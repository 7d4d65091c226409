"""Short names of settings, and the full places they stand for: the one table of them, and what expands it."""

from collections.abc import Mapping
from typing import Any

from simsticky.scenario.location import Keys

SHORT_NAMES: Mapping[str, Keys] = {
    "grace": ("terminationGracePeriodSeconds",),
    "maxSurge": ("strategy", "rollingUpdate", "maxSurge"),
    "maxUnavailable": ("strategy", "rollingUpdate", "maxUnavailable"),
}
"""Short names below ``deployment`` and the places there that they stand for."""


def full_keys(path: Keys) -> Keys:
    """Return the full path of a short one: ``deployment.grace`` is terminationGracePeriodSeconds."""
    if len(path) == 2 and path[0] == "deployment" and path[1] in SHORT_NAMES:
        return ("deployment", *SHORT_NAMES[str(path[1])])
    return path


def expanded(deployment: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Keys], dict[str, str]]:
    """Return the section ``deployment`` with its short names at their full places.

    Returns:
        The section; where each short name in it went, below the section; and what is wrong with those whose full name
        is given as well, of which the short one's value stays.
    """
    section = dict(deployment)
    moved = {short: path for short, path in SHORT_NAMES.items() if short in section}
    wrong = {}
    for short, path in moved.items():
        value, node = section.pop(short), section
        for key in path[:-1]:
            below = node.get(str(key))
            node[str(key)] = below = dict(below) if isinstance(below, Mapping) else {}
            node = below
        if path[-1] in node:
            wrong[short] = f"{short} is short for {'.'.join(map(str, path))}, give only one of them"
        node[str(path[-1])] = value
    return section, moved, wrong
