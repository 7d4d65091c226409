"""Estimates with less variance, below the report of a study: what they are, and where they are not offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simsticky.report.blocks import Entries, Section
from simsticky.report.numbers import show
from simsticky.study.variance import notes, reduced

if TYPE_CHECKING:
    from simsticky.study.replicate import Study

_HEADING = "With less variance, from the same replications"


def reduction_section(study: Study) -> Section:
    """Return the reduced estimates, one a line, below a heading."""
    return Section(_HEADING, (Entries(tuple(_texts(study))),))


def _texts(study: Study) -> list[str]:
    found = []
    for reduction in reduced(study):
        ratio = reduction.variance_ratio
        cut = "no variance left" if ratio is None else f"variance cut {ratio:.1f}×"
        found.append(f"{reduction.metric} {show(reduction.reduced, reduction.unit)}, {reduction.method}, {cut}")
    return [*(found or ["neither method makes an interval narrower"]), *notes(study)]
