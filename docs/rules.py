"""Write below each rule of ``docs/model.md`` which settings it names, and which code and tests cite it.

    python docs/rules.py
    python docs/rules.py --check    # write nothing, exit with 1 if the page is out of date

A citation is the word "rule" or "rules" with numbers: one, a range ("to"), or a list. A setting counts that the rule's
text names in backticks: by its path, or by an end of it that is no other setting's and no word of the timeline.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import fill

from simsticky.scenario.model import Scenario
from simsticky.scenario.operation import BaseOperation
from simsticky.scenario.operations import VERBS
from simsticky.scenario.vocabulary import all_paths

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "model.md"
MOST = 3
"""Files of a kind that are named at a rule."""

_HEADING = re.compile(r"^### ([A-Z]\d+)\. .+$", re.MULTILINE)
_CITATION = re.compile(r"\b[Rr]ules? ([A-Z]\d+(?:(?: to |, and |, | and )[A-Z]\d+)*)\b")
_RANGE = re.compile(r"([A-Z])(\d+)(?: to \1(\d+))?")
_OURS = ("*Options:*", "*Code:*")

Cited = Mapping[str, list[str]]
"""For each rule the files that cite it, the closest first."""


def rules_of(page: str) -> list[str]:
    """Return the numbers of the rules, in the order of their headings."""
    return _HEADING.findall(page)


def citations(text: str) -> Iterator[list[str]]:
    """Yield the rules of each citation; it may go on in the next line, of a comment too."""
    for cited in _CITATION.findall(re.sub(r"\s+(?:# )?\s*", " ", text)):
        found = _RANGE.findall(cited)
        yield [f"{area}{n}" for area, low, high in found for n in range(int(low), int(high or low) + 1)]


def cited_in(folder: str) -> Cited:
    """Return who cites each rule in the Python files of a folder.

    The fewer rules a citation names, the closer it is to each; among equals the file that cites it most comes first.
    """
    ranks: dict[str, list[tuple[int, int, str]]] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        if path.parent == ROOT / "tests" / "docs":
            continue  # these are about the page itself
        lists = list(citations(path.read_text(encoding="utf-8")))
        for rule in {rule for cited in lists for rule in cited}:
            sizes = [len(cited) for cited in lists if rule in cited]
            ranks.setdefault(rule, []).append((min(sizes), -len(sizes), path.relative_to(ROOT).as_posix()))
    return {rule: [name for *_, name in sorted(found)] for rule, found in ranks.items()}


def options_in(text: str) -> list[str]:
    """Return the paths of the settings that a rule's text names, in the order of the scenario's format."""
    named = set(re.findall(r"`([A-Za-z.]+)`", text))
    return [path for path, names in _names().items() if named & names]


def page_with_lines(page: str, code: Cited, tests: Cited) -> str:
    """Return the page with the lines of each rule as they should be; twice is as good as once."""
    head, *sections = re.split(r"(?=^##+ )", page, flags=re.MULTILINE)
    return head + "".join(_section(section, code, tests) for section in sections)


def _section(section: str, code: Cited, tests: Cited) -> str:
    heading = _HEADING.match(section)
    if heading is None:
        return section
    paragraphs = [text for text in section.strip("\n").split("\n\n") if not text.startswith(_OURS)]
    lines = []
    if options := options_in("\n".join(text for text in paragraphs if not text.startswith("*Source:*"))):
        lines.append("*Options:* " + ", ".join(f"`{path}`" for path in options))
    lines.append(" · ".join(f"*{kind}:* {_files(of, heading[1])}" for kind, of in (("Code", code), ("Tests", tests))))
    after = [number for number, text in enumerate(paragraphs, 1) if text.startswith("*Source:*")] or [len(paragraphs)]
    filled = [fill(line, 120, break_long_words=False, break_on_hyphens=False) for line in lines]
    return "\n\n".join([*paragraphs[: after[0]], *filled, *paragraphs[after[0] :]]) + "\n\n"


def _files(cited: Cited, rule: str) -> str:
    return ", ".join(f"`{name}`" for name in sorted(cited.get(rule, [])[:MOST])) or "none"


def _names() -> Mapping[str, set[str]]:
    """Return the names by which a text may mean each setting: its path, and the ends of it that are its alone."""
    of_the_timeline = {*VERBS, *BaseOperation.model_fields}
    ends: dict[str, list[str]] = {}
    for path in all_paths(Scenario):
        keys = path.split(".")
        for place in range(1, len(keys)):
            ends.setdefault(".".join(keys[place:]), []).append(path)
    names = {path: {path} if "." in path else set() for path in all_paths(Scenario)}
    for end, paths in ends.items():
        if len(paths) == 1 and end not in of_the_timeline:
            names[paths[0]].add(end)
    return names


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` only compare; return the exit code."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = page_with_lines(page, cited_in("simsticky"), cited_in("tests"))
    if arguments == ["--check"]:
        if wanted != page:
            print("docs/model.md is out of date: python docs/rules.py", file=sys.stderr)
        return int(wanted != page)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
