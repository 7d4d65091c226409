"""``simsticky explain``: what a metric, a row of a table, a setting, or a rule of ``lint`` means."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simsticky.cli import completing, console
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
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A metric (broken_sessions), a row as printed (drain_off), a setting (deployment.preStop), a rule of"
            " lint (SS004).",
            autocompletion=completing.explained,
        ),
    ] = None,
) -> None:
    """Print what a metric, a row, a setting or a rule of lint means; without a name, list metrics and rules."""
    from simsticky.results.metrics import METRICS

    width = console.width()
    if name is None:
        listed = "".join(_entry(known, width) for known in METRICS.values()) + _rules(width)
        console.print_text(f"{listed}Settings have a page too: simsticky explain deployment.preStop\n")
        return
    page = _rule(name) if _RULE.fullmatch(name) else _of_metric(name, width) or _of_setting(name, width)
    if page is None:
        raise InputError.of(f"there is no metric, row or setting {name!r}", hint=_near(name))
    console.print_text(page)


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


def _of_metric(name: str, width: int) -> str | None:
    from simsticky.report.labels import metric_of
    from simsticky.results.metrics import METRICS

    found = name if name in METRICS else metric_of(name)
    return None if found is None else _page(METRICS[found], width)


def _of_setting(name: str, width: int) -> str | None:
    """Return the page of a setting by its dotted path, or by its last word where one setting alone has that."""
    from simsticky.scenario.location import dotted
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.paths.changes import keys_of
    from simsticky.scenario.schema import keys_below, properties_at

    schema = Scenario.json_schema()
    path = name.strip(".")
    keys = keys_of(path) if path else ()
    found = properties_at(schema, keys) if keys else []
    if not found and len(same := _ending_with(path)) == 1:
        keys = keys_of(same[0])
        found = properties_at(schema, keys)
    if not found:
        return None
    node = found[0]
    lines = [f"{dotted(keys)}\n", _paragraph(_plain(str(node.get("description", ""))), width, "  ")]
    default = node.get("default")
    below = keys_below(schema, node)
    if default is not None and default not in ([], {}, "") and not (below and "kind" not in below):
        lines.append(_field("default", [_written(default)], width))
    if words := _words(schema, node):
        lines.append(_field("one of", [", ".join(words)], width))
    lines.append(_field("for example", [_written(example) for example in node.get("examples", ())], width))
    if below:
        lines.append(_field("holds", [", ".join(below)], width))
    return "".join(lines)


def _ending_with(word: str) -> list[str]:
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.paths.vocabulary import all_paths

    return [path for path in all_paths(Scenario) if path.rpartition(".")[2] == word]


def _words(schema: dict[str, Any], node: dict[str, Any]) -> list[str]:
    """Return the words that a setting takes, where it takes words."""
    from simsticky.scenario.schema import forms

    return [str(word) for form in forms(node, schema) for word in form.get("enum", ()) if isinstance(word, str)]


def _written(value: Any) -> str:
    from simsticky.study.draft.values import flow

    return flow(value)


def _field(name: str, texts: Iterable[str], width: int) -> str:
    """Return a named part of a page, each of its texts on lines of its own."""
    head = f"  {name}: "
    filled = []
    for i, text in enumerate(texts):
        first = head if i == 0 else " " * len(head)
        indented = textwrap.fill(
            text, width, initial_indent=first, subsequent_indent=" " * len(head), break_on_hyphens=False
        )
        filled.append(f"{indented}\n")
    return "".join(filled)


def _near(name: str) -> str:
    from simsticky.report.labels import labels
    from simsticky.results.metrics import METRICS
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.paths.vocabulary import all_paths
    from simsticky.study.verdicts import nearest_metric

    same = _ending_with(name)
    if len(same) > 1:
        return f"did you mean {', '.join(same[:-1])} or {same[-1]}?"
    return nearest_metric(name, dict.fromkeys([*METRICS, *labels(), *all_paths(Scenario)]))


def _entry(metric: Metric, width: int) -> str:
    return f"{metric.name}\n{_paragraph(metric.definition, width, '    ')}"


def _page(metric: Metric, width: int) -> str:
    lines = f"{metric.name}\n{_paragraph(metric.definition, width, '  ')}  unit: {_UNITS[metric.unit]}\n"
    if metric.numerator is not None and metric.denominator is not None:
        lines += f"  {metric.numerator} ÷ {metric.denominator}, both summed over replications\n"
    if metric.unit == "share":
        lines += _paragraph(_NONE_SEEN, width, "  ")
    return lines


def _plain(text: str) -> str:
    """Return a docstring's text without the marks of code."""
    return " ".join(text.replace("``", "").split())


def _paragraph(text: str, width: int, indent: str) -> str:
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent) + "\n"
