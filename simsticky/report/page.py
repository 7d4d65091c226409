"""What the HTML pages share: the template environment, and the parts of a page as plain data.

Everything a scenario, a manifest or a file name says reaches a page through Jinja's autoescape. Pages hold all they
need; a content security policy forbids everything else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from simsticky.report.inputs import inputs
from simsticky.report.numbers import Shown, grouped, show
from simsticky.report.rows import sections
from simsticky.report.verdict_lines import verdict_lines
from simsticky.results.provenance import library_versions
from simsticky.study.thresholds import together
from simsticky.version import __version__

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.replicate import Study

HEADLINES = ("broken_sessions", "failed_requests", "last_old_pod_gone_s", "peak_pods")


@dataclass(frozen=True, slots=True)
class Headline:
    """One of the large numbers of a page.

    Attributes:
        name: The metric.
        label: What it is called.
        shown: The number.
        counts: What was counted of what; empty where nothing is.
        definition: What it means.
    """

    name: str
    label: str
    shown: Shown
    counts: str
    definition: str


@cache
def environment() -> Environment:
    """Return the template environment: every value is escaped, and a name that is missing is an error."""
    made = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["css"] = Markup(_text("page.css"))
    made.filters["breakable"] = breakable
    return made


def breakable(text: object) -> Markup:
    """Return a name that may be broken after its dots and underscores, and nowhere else before it must."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(text))))


def _text(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def script(name: str) -> tuple[Markup, str]:
    """Return a script of ours and the source expression that lets a content security policy run it and no other."""
    text = _text(name)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return Markup(text), f"'sha256-{digest}'"


def embedded(data: Mapping[str, Any]) -> Markup:
    """Return data as JSON that may stand inside a script element: nothing in it can end that element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def headlines(study: Study) -> Iterator[Headline]:
    """Return the large numbers of a page: the two headlines, and what the operation takes."""
    labels = ("broken sessions", "failed requests", "last old pod gone after", "most pods at once")
    for name, label in zip(HEADLINES, labels, strict=True):
        if name not in study.metrics:
            continue
        estimate = study.estimate(name)
        of = (
            f"{grouped(estimate.numerator)} of {grouped(estimate.denominator)}"
            if estimate.denominator is not None
            else ""
        )
        yield Headline(name, label, show(estimate.interval, estimate.unit), of, estimate.definition)


def context(study: Study) -> dict[str, Any]:
    """Return what every page about a study shows: verdict, numbers, inputs, assumptions, versions."""
    words, mark = together(study.verdicts())
    scenario = study.scenario
    return {
        "scenario": scenario,
        "study": study,
        "verdict": words,
        "mark": mark,
        "verdicts": verdict_lines(study),
        "headlines": list(headlines(study)),
        "sections": [part for part in sections(study) if not any(row.mark for row in part.rows)],
        "inputs": inputs(scenario),
        "manifests": scenario.manifest_report,
        "digest": digest_of(scenario),
        "versions": {"simsticky": __version__, **library_versions()},
    }


def digest_of(scenario: Scenario) -> str:
    """Return the scenario's digest; a trace that has gone since cannot be counted in."""
    try:
        return scenario.digest()
    except OSError:
        return "unknown: the trace file is not there any more"
