"""For people: numbers as text, the terminal's table, figures and self-contained HTML pages.

This module imports nothing heavy: ``import simsticky`` loads it, so that ``simsticky.report`` is the function.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    from simsticky.report.sweep_table import SweepLike
    from simsticky.results.result import Result
    from simsticky.study.compare import Comparison
    from simsticky.study.recommend.answer import Recommendation
    from simsticky.study.replicate import Study

    Shown: TypeAlias = Study | Result | SweepLike | Comparison | Recommendation


def report(what: Shown, path: str | Path | None = None, *, jobs: int = 1) -> str:
    """Return a page as one HTML file that needs no network, and write it where asked.

    Args:
        what: A study or a result: the report, with figures of replication 0, which is simulated again for a study.
            A sweep: the trade-off page, for which replication 0 of each point is simulated again.
            A comparison or a recommendation: its answer, its tables and its inputs; replication 0 of each side of a
            comparison is simulated again, to be replayed.
        path: Where to write the page; nowhere by default.
        jobs: Worker processes for a sweep.

    Raises:
        TypeError: It is none of these.
    """
    page = _page(what, jobs)
    if path is not None:
        from pathlib import Path

        Path(path).write_text(page, encoding="utf-8")
    return page


def _page(what: Shown, jobs: int) -> str:
    from simsticky.report.html import comparison_page, recommendation_page, report_page, tradeoff_page
    from simsticky.results.result import Result
    from simsticky.simulate import simulate
    from simsticky.study.compare import Comparison
    from simsticky.study.otherwise import otherwise
    from simsticky.study.recommend.answer import Recommendation
    from simsticky.study.replicate import Study, replicate

    if isinstance(what, Comparison):
        return comparison_page(what)
    if isinstance(what, Recommendation):
        return recommendation_page(what)
    if isinstance(what, Study):
        detailed = simulate(what.scenario.evolve({"run.record": "requests"}), seed=what.seed)
        return report_page(what, detailed, others=otherwise(what))
    if isinstance(what, Result):
        return report_page(replicate(what.scenario, 1, what.seed, simulate=lambda *_, **__: what), what)
    if all(hasattr(what, name) for name in ("points", "scenarios", "studies")):
        return tradeoff_page(what, jobs=jobs)
    raise TypeError(
        "a page is made of a study, a result, a sweep, a comparison or a recommendation, not of a"
        f" {type(what).__name__}"
    )
