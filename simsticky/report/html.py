"""Self-contained HTML pages: the report of a study, and the trade-off page of a sweep.

The same result gives the same bytes with the same versions of simsticky and matplotlib.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from simsticky.report import captions, plots, replay
from simsticky.report.captions import Caption
from simsticky.report.grid import grid, timelines_of
from simsticky.report.numbers import show
from simsticky.report.page import context, embedded, environment, script
from simsticky.report.picture import picture
from simsticky.report.plots.tornado import ends_of
from simsticky.report.rows import sections
from simsticky.report.sweep_table import settings
from simsticky.stats.intervals import Interval

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

    from simsticky.report.frames import Frames
    from simsticky.report.sweep_table import SweepLike
    from simsticky.study.replicate import Study


def report_page(study: Study, detailed: Frames) -> str:
    """Return the report of a study as one HTML file: verdict first, then figures, numbers, inputs and versions.

    Args:
        study: The replications.
        detailed: One of them with its frames; the figures over time and the replay are of it, those of which it has
            recorded enough.
    """
    whole = context(study)
    whole |= {
        "figures": list(_figures(study, detailed)),
        "story": detailed.story(),
        "replication": detailed.replication,
        "replay": replay.of_run(detailed),
        "result_digest": digest_of_all(study.digests),
        "definitions": list(_definitions(study)),
    }
    return environment().get_template("report.html.j2").render(whole)


def _definitions(study: Study) -> Iterator[tuple[str, str]]:
    """Return (what a row is called, what it means) for every row of the tables, those of breaks by cause only once."""
    for part in sections(study):
        group = ""
        for row in part.rows:
            group = row.label if not row.shown.value else group if row.depth else ""
            if row.definition and not row.mark:
                yield f"{group}: {row.label}" if group else row.label, row.definition


def digest_of_all(digests: list[str]) -> str:
    """Return 16 hex digits for the digests of all replications, in order."""
    return sha256("\n".join(digests).encode()).hexdigest()[:16]


def _figures(study: Study, run: Frames) -> Iterator[tuple[str, str, Markup, Caption]]:
    of_run: list[tuple[str, str, Callable[..., Axes], Callable[[Frames], Caption]]] = [
        ("timeline", "Who ended whom, and what broke", plots.timeline, captions.of_timeline),
        ("decay", "Sessions on old pods", plots.sessions_on_old_pods, captions.of_decay),
        ("skew", "Load skew over time", plots.load_skew, captions.of_skew),
        ("incidence", "When sessions break", plots.cumulative_incidence, captions.of_incidence),
    ]
    kept = run.scenario.run.record
    for name, heading, draw, tell in of_run:
        if kept == "summary" or (name == "incidence" and (kept == "sessions" or not len(run.operations))):
            continue
        caption = tell(run)
        yield name, heading, picture(partial(draw, run), name, f"{heading}. {caption.text}"), caption
    if study.estimate("breaks").interval.estimate:
        caption = _of_causes(study)
        heading = "What broke sessions"
        yield (
            "causes",
            heading,
            picture(partial(plots.break_causes, study), "causes", f"{heading}. {caption.text}"),
            caption,
        )


def _of_causes(study: Study) -> Caption:
    rows = []
    for name in study.metrics:
        part, _, what = name.partition(".")
        if part in ("mechanism", "origin") and what != "background" and study.estimate(name).interval.estimate:
            rows.append([what.replace("_", " "), part, str(show(study.estimate(name).interval, "count"))])
    text = "Breaks that operations caused, mean per replication, by how the requests left their pod and by why."
    return Caption(text, ["cause", "kind", "per replication"], rows)


def tradeoff_page(sweep: SweepLike, *, jobs: int = 1) -> str:
    """Return the trade-off page of a sweep as one HTML file: the whole grid, sliders, curve and timelines.

    Replication 0 of each point is simulated once more, for its timeline.

    Args:
        sweep: The sweep.
        jobs: Worker processes for that.
    """
    data = grid(sweep, timelines_of(sweep, jobs))
    code, policy = script("tradeoff.js")
    sizes = [len(setting["values"]) for setting in data["settings"]]
    whole = context(sweep.studies[0])
    whole |= {
        "data": data,
        "grid": embedded(data),
        "script": code,
        "policy": policy,
        "start": data["points"][0]["at"],
        "axis": sizes.index(max(sizes)),
        "figures": list(_figures_of_sweep(sweep)),
        "definitions": [(metric["label"], metric["definition"]) for metric in data["metrics"]],
        "result_digest": digest_of_all([digest for study in sweep.studies for digest in study.digests]),
    }
    return environment().get_template("tradeoff.html.j2").render(whole)


def _figures_of_sweep(sweep: SweepLike) -> Iterator[tuple[str, str, Markup, Caption]]:
    if len(settings(sweep)) > 1:
        heading = "What matters"
        text = "How far each swept setting moves the share of broken sessions, on average over the other settings."
        rows = []
        for setting in settings(sweep):
            for side, (value, at) in zip(("least", "most"), ends_of(sweep, setting, "broken_sessions"), strict=True):
                rows.append([setting.path, side, at, str(show(Interval(value, None, None), "share"))])
        caption = Caption(text, ["setting", "broken sessions", "at", "mean over the points"], rows)
        yield "tornado", heading, picture(partial(plots.tornado, sweep), "tornado", f"{heading}. {text}"), caption
