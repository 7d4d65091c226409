"""The pages of `compare` and `recommend`: their answers, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simsticky.report import comparison as compared
from simsticky.report import recommendation as recommended
from simsticky.report.answers import Answer, Code, Section, Table
from simsticky.report.numbers import capital
from simsticky.study.better import Standing
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from simsticky.study.compare import Comparison
    from simsticky.study.recommend.answer import Recommendation

_MARKS = {Standing.WORSE: Mark.FAIL, Standing.UNCERTAIN: Mark.OPEN}
_STATUSES = {"found": Mark.PASS, "none": Mark.FAIL, "not certain": Mark.OPEN}


def of_comparison(comparison: Comparison) -> Answer:
    """Return a comparison, a section a scenario; inputs are those of the first that it is held against."""
    base = comparison.base
    return Answer(
        compared.title(comparison),
        " → ".join(side.name for side in comparison.sides[:2]) if len(comparison.others) == 1 else base.name,
        tuple(_side(comparison, side.name) for side in comparison.others),
        compared.definitions(comparison),
        comparison.warnings,
        ", ".join(str(seed) for seed in dict.fromkeys(side.seed for side in comparison.sides)),
        f"{comparison.n} of each",
        base.scenario,
        [(side.name, side.digest) for side in comparison.sides],
    )


def _side(comparison: Comparison, name: str) -> Section:
    changes = [(change.path, *compared.values(change), change.origin) for change in comparison.changes(name)]
    # More than two tables do not fit the pages of those who decide: there stand the sentences.
    caption = f"{name} against {comparison.base.name}"
    is_annex = len(comparison.others) > 2
    tables = [Table(caption, ("", *compared.COLUMNS), compared.cells(comparison, name), is_annex)]
    if changes:
        tables.append(Table("Settings that differ", ("setting", *compared.COLUMNS[:2], "from"), tuple(changes)))
    mark = _MARKS.get(comparison.against(name).standing, Mark.PASS)
    heading = name if len(comparison.others) > 1 else ""
    said = capital(compared.sentence(comparison, name))
    return Section(heading, said, mark, tuple(tables), (), tuple(compared.notes(comparison)))


def of_recommendation(found: Recommendation) -> Answer:
    """Return a recommendation; where it hangs on drain support, both of its answers."""
    both = [found] if found.otherwise is None else [found, found.otherwise]
    parts = tuple(_answer(one, "" if found.otherwise is None else recommended.with_drain(one)) for one in both)
    if found.otherwise is not None:
        parts = (Section("Drain support", recommended.unknown_drain(found), _STATUSES[found.ending]), *parts)
    estimates = found.today.estimates.values()
    return Answer(
        recommended.title(found),
        f"{found.scenario.name}: recommendation",
        parts,
        [(estimate.name, estimate.definition) for estimate in estimates if estimate.definition],
        list(dict.fromkeys(text for one in both for text in one.warnings)),
        str(found.seed),
        f"{found.n} of a setting at the most",
        found.scenario,
    )


def _answer(found: Recommendation, heading: str) -> Section:
    head, rows = recommended.cells(found)
    code = tuple(
        Code(recommended.edit_title(patch), tuple(recommended.lines_to_copy(patch))) for patch in found.patches
    )
    tables = [Table("Settings", head, rows)]
    if len(found.tried) > 1:
        tables.append(Table("Every setting tried", *recommended.tried(found), is_annex=True))
    said = capital(recommended.headline(found))
    return Section(heading, said, _STATUSES[found.status], tuple(tables), code, tuple(recommended.notes(found)))
