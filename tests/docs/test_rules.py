"""The rules of ``docs/model.md``: each is cited by code and by a test, and its lines there say where."""

from types import ModuleType

import pytest
from scripts_of_docs import script as load


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that reads the citations and writes the lines."""
    return load("rules")


def test_every_rule_is_cited_and_every_citation_is_of_a_rule(script: ModuleType) -> None:
    """Every rule is cited by code and by a test, and every citation leads to a rule."""
    rules = set(script.rules_of(script.PAGE.read_text(encoding="utf-8")))
    cited = {folder: set(script.cited_in(folder)) for folder in ("simsticky", "tests")}
    assert {folder: rules - found for folder, found in cited.items()} == {"simsticky": set(), "tests": set()}
    assert {folder: found - rules for folder, found in cited.items()} == {"simsticky": set(), "tests": set()}


def test_the_lines_of_every_rule_are_up_to_date(script: ModuleType) -> None:
    """``python docs/rules.py`` writes them; it changes nothing a second time."""
    page = script.PAGE.read_text(encoding="utf-8")
    assert script.rules_of(page)
    assert script.page_with_lines(page, script.cited_in("simsticky"), script.cited_in("tests")) == page


def test_citations_are_read_with_ranges_lists_and_over_line_ends(script: ModuleType) -> None:
    """Citations are read in ranges, in lists, and over line ends."""
    text = "As rules N2 to\n    # N4 and K1 say (rule T3), rules A1, A2 and A5; no rule SS004, no rules E."
    assert list(script.citations(text)) == [["N2", "N3", "N4", "K1"], ["T3"], ["A1", "A2", "A5"]]


def test_options_are_known_by_a_path_or_by_an_end_that_is_its_alone(script: ModuleType) -> None:
    """A word that means no setting, or one of several, is no option of a rule."""
    text = "`app.oom`: `stickyRetry`, not `sessions`; `every` is the timeline's; `stale` is a word."
    assert script.options_in(text) == ["app.oom", "gateway.stickyRetry"]
