"""``simsticky explain``: what a metric means."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from simsticky.cli import console
from simsticky.errors import InputError

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric

_UNITS = {
    "share": "share, between 0 and 1; shown in percent",
    "count": "count; shown as the mean per replication",
    "seconds": "seconds",
    "ratio": "ratio",
}


_NONE_SEEN = (
    "where none is seen, < BOUND is the exact one-sided 95 % bound for units that are hit independently, about 3 ÷"
    " their number; what comes in clumps can be more: after R replications without one, up to 3 ÷ R of all may have one"
)


def explain(
    metric: Annotated[str | None, typer.Argument(metavar="METRIC", help="Name of a metric.")] = None,
) -> None:
    """Print what a metric means; without a name, list all metrics."""
    from simsticky.results.metrics import METRICS
    from simsticky.study.verdicts import did_you_mean

    if metric is None:
        console.print_text("".join(_entry(known, console.width()) for known in METRICS.values()))
    elif metric in METRICS:
        console.print_text(_page(METRICS[metric], console.width()))
    else:
        raise InputError.of(f"there is no metric {metric!r}", hint=did_you_mean(metric, METRICS))


def _entry(metric: Metric, width: int) -> str:
    return f"{metric.name}\n{_paragraph(metric.definition, width, '    ')}"


def _page(metric: Metric, width: int) -> str:
    lines = f"{metric.name}\n{_paragraph(metric.definition, width, '  ')}  unit: {_UNITS[metric.unit]}\n"
    if metric.numerator is not None and metric.denominator is not None:
        lines += f"  {metric.numerator} ÷ {metric.denominator}, both summed over replications\n"
    if metric.unit == "share":
        lines += _paragraph(_NONE_SEEN, width, "  ")
    return lines


def _paragraph(text: str, width: int, indent: str) -> str:
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent) + "\n"
