"""The entries of the timeline: what figures are given by, beside the figures over all operations together.

All times that ``every`` repeats an operation are one entry, and so are all scales of the autoscaler.
"""

from typing import TYPE_CHECKING, Final

from simsticky.scenario.sections import Sections
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.operation import BaseOperation

AUTOSCALER: Final = "hpa"
"""Key of the entry that stands for all scales of the autoscaler."""


def timeline_entries(scenario: Sections) -> list[tuple[str, str]]:
    """Return key and label of each entry: "1", "2", … in the order of the file, and "hpa" where there is an autoscaler.

    A label is for people: "rollout web at 10m".
    """
    entries = [(str(number), _label(entry)) for number, entry in enumerate(scenario.timeline, start=1)]
    if scenario.autoscaler is not None:
        entries.append((AUTOSCALER, "scales of the autoscaler"))
    return entries


def entry_keys(scenario: Sections) -> list[str]:
    """Return the key of the entry that each of ``scenario.operations`` belongs to, in their order."""
    return [str(number) for number, entry in enumerate(scenario.timeline, start=1) for _ in range(entry.times)]


def _label(entry: "BaseOperation") -> str:
    at = f"{entry.label} at {format_duration(entry.at_s)}"
    if entry.times == 1 or entry.every is None:
        return at
    return f"{at}, {entry.times} times every {format_duration(entry.every)}"
