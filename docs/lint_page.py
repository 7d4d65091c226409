"""Write ``docs/lint.md`` from the register of rules.

    python docs/lint_page.py

A test holds the page to what this writes.
"""

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from simsticky.lint.rules import RULES, LintRule

PAGE = Path(__file__).parents[1] / "docs" / "lint.md"
HEAD = """\
# Rules of `simsticky lint`

*Written by `docs/lint_page.py` from the code; do not edit.*

`simsticky lint PATH...` reads manifests (files, directories without what is below them, `-` for standard input) and
scenario files with their manifests. A scenario says more: how long sessions are, how long the application takes to
start and to end, which release the cluster runs. Without one, the rules that need it are silent. What a rule says of an
application it says of each workload that a Service selects and, if there are routes, that a route leads to.

A finding has a number that stays, a severity, a place (file, line and column), what is wrong, why it matters, the
figures behind it, and a fix. Fixes that are edits are put together to one `kubectl patch` for each object. `--evidence`
simulates each fix that is a setting, and things as they are, on the same luck. The number of replications follows from
an estimate of the effort, so that the same files give the same figures.

An object ignores rules by its annotation `simsticky.io/ignore: SS004,SS007`, and a run by `--ignore SS004,SS007`.
Output is a table, `json`, `sarif` (2.1.0), `github` (workflow commands) or `junit`. Several are written at once by `-o
table -o sarif=lint.sarif`. The exit code is 3 if there is an error (`--fail-on warning|error|never`), 2 if the input
cannot be read, and 0 otherwise.

| rule | severity | what it finds |
|---|---|---|
"""


def page() -> str:
    """Return the page."""
    rows = [
        f"| [{number}](#{number.lower()}) | {rule.rule.severity} | {rule.rule.title} |"
        for number, rule in RULES.items()
    ]
    return HEAD + "\n".join(rows) + "\n" + "".join("\n".join(_section(rule)) for rule in RULES.values())


def _section(rule: LintRule) -> Iterator[str]:
    yield f"\n## {rule.rule.id}\n"
    yield fill(f"**{rule.rule.title}** ({rule.rule.severity}). {rule.rule.why}", 120, break_on_hyphens=False) + "\n"
    yield fill(f"Fix: {rule.fix}.", 120, break_on_hyphens=False) + "\n"
    yield fill(f"Source: {rule.rule.source}.", 120, break_on_hyphens=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
