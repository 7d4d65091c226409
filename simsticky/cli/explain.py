"""``simsticky explain``: what a metric means, or what a rule of ``lint`` is about."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from simsticky.cli import console
from simsticky.errors import InputError

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric

_RULE = re.compile(r"SS\d+", re.ASCII | re.IGNORECASE)
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
    metric: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name of a metric, or number of a rule of lint: SS004.")
    ] = None,
) -> None:
    """Print what a metric means, or a rule of lint; without a name, list all of them."""
    from simsticky.results.metrics import METRICS
    from simsticky.study.verdicts import did_you_mean

    if metric is None:
        metrics = "".join(_entry(known, console.width()) for known in METRICS.values())
        console.print_text(metrics + _rules(console.width()))
    elif _RULE.fullmatch(metric):
        console.print_text(_rule(metric))
    elif metric in METRICS:
        console.print_text(_page(METRICS[metric], console.width()))
    else:
        raise InputError.of(f"there is no metric {metric!r}", hint=did_you_mean(metric, METRICS))


def _rules(width: int) -> str:
    from simsticky.lint.rules import RULES

    return "".join(f"{number}\n{_paragraph(rule.rule.title, width, '    ')}" for number, rule in RULES.items())


def _rule(number: str) -> str:
    from simsticky.lint.engine import no_such_rule
    from simsticky.lint.rules import RULES
    from simsticky.report.lint import explain as page

    if number.upper() not in RULES:
        text, hint = no_such_rule(number)
        raise InputError.of(text, hint=hint)
    return page(RULES[number.upper()], console.width())


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
