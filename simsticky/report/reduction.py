"""Estimates with less variance, below the report of a study: what they are, and where they are not offered."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from simsticky.report.numbers import show
from simsticky.report.tables import escape
from simsticky.report.terminal import Line
from simsticky.study.variance import notes, reduced

if TYPE_CHECKING:
    from simsticky.study.replicate import Study

_HEADING = "With less variance, from the same replications"


def reduction_lines(study: Study, width: int) -> list[Line]:
    """Return the reduced estimates as lines of at most ``width`` characters, below a heading."""
    lines: list[Line] = [(), ((_HEADING[:width], "heading"),)]
    for text in _texts(study):
        lines += [((part, ""),) for part in textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")]
    return lines


def reduction_markdown(study: Study) -> list[str]:
    """Return the reduced estimates as a Markdown list below a heading."""
    return ["", f"### {_HEADING}", "", *(f"- {escape(text)}" for text in _texts(study)), ""]


def _texts(study: Study) -> list[str]:
    found = []
    for reduction in reduced(study):
        ratio = reduction.variance_ratio
        cut = "no variance left" if ratio is None else f"variance cut {ratio:.1f}×"
        found.append(f"{reduction.metric} {show(reduction.reduced, reduction.unit)}, {reduction.method}, {cut}")
    return [*(found or ["neither method makes an interval narrower"]), *notes(study)]
