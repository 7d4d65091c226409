"""The numbers of a study, in which order: a section with a table each, before any layout.

Broken sessions and failed requests are two headlines and never one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from simsticky.report.blocks import Cell, Column, Kind, Layout, Row, Section, Table, number
from simsticky.report.numbers import counted, duration, grouped, show
from simsticky.study.entries import broken_by_operation, by_entry

if TYPE_CHECKING:
    from simsticky.study.estimate import Estimate
    from simsticky.study.replicate import Study

# Load and set of pods of a skew, and how a row names them.
_LOADS = {
    "sessions.serving": "sessions, serving",
    "sessions.taking_new": "sessions, taking new",
    "sessions.terminating": "sessions, terminating",
    # Sessions are what sticks; the other two loads are shown for the pods that a user meets.
    "in_flight.serving": "in flight, serving",
    "requests.serving": "requests, serving",
}
_MEASURES = {
    "min_to_mean": "min/mean",
    "cv": "CV",
    "peak": "peak max/mean",
    "time_above_1_2_s": "time above 1.2",
    "time_above_1_5_s": "time above 1.5",
}
_FAILURES = {
    "failed.bad_gateway_502": "502 bad gateway",
    "failed.no_target_503": "503 no target",
    "failed.timeout_504": "504 timeout",
    "failed.reset": "reset",
}


_HEADS = (Column("", Kind.LABEL), Column("value", Kind.NUMBER), Column("counted", Kind.QUIET))


def sections(study: Study) -> list[Section]:
    """Return the numbers of a study, a section with a table each; sections with nothing to say are left out."""
    parts = [
        ("Broken sessions: answered by a pod without the session's state", _broken(study)),
        ("Broken, by entry of the timeline, of exposed sessions", _entries(study)),
        ("Failed requests: answered 5xx, reset or timed out", _failed(study)),
        ("Long-lived connections", _connections(study)),
        ("Load skew from the operation's start to the last old pod gone", _skew(study)),
        ("Ends of the operations", _ends(study)),
        ("Latency of answered requests", _latency(study)),
        ("Counted apart", _apart(study)),
    ]
    tables = [Table(heading, _HEADS, tuple(rows), Layout.LIST, group="numbers") for heading, rows in parts]
    return [Section(table.caption, (table,)) for table in tables if table.rows]


def definitions(study: Study) -> Iterator[tuple[str, str]]:
    """Yield (what a row is called, what it means) for every row of the tables, those of breaks by cause only once."""
    for section in sections(study):
        group = ""
        for row in rows_of(section):
            label = row.cells[0].text
            group = label if row.is_group else group if row.depth else ""
            if row.definition:
                yield f"{group}: {label}" if group else label, row.definition


def rows_of(section: Section) -> Iterator[Row]:
    """Yield the rows of a section's tables."""
    for block in section.blocks:
        if isinstance(block, Table):
            yield from block.rows


def _broken(study: Study) -> Iterator[Row]:
    yield _row(study, "of exposed sessions", "broken_sessions", what="exposed sessions")
    if _known(study, "broken_exposed_sessions"):
        # What the scales of the autoscaler break is no rollout's.
        scaled = study.scenario.autoscaler is not None
        alone = broken_by_operation(study) if scaled else None
        per = "run" if scaled and alone is None else _operation(study, "run")
        yield _row(study, f"per {per}", "broken_exposed_sessions", per=per, estimate=alone)
    yield _row(study, "of alive at the start", "broken_of_alive", what="sessions alive at the start")
    if _known(study, "broken_any_cause"):
        what = "sessions alive at the start" if study.scenario.timeline else "sessions begun and ended"
        yield _row(study, "of alive, any cause", "broken_any_cause", what=what)
    yield _row(study, "breaks per session", "breaks_per_session", what="exposed sessions")
    yield from _parts(study, "mechanism.", "breaks by mechanism, per run")
    yield from _parts(study, "origin.", "breaks by origin, per run", leave_out=("origin.background",))
    yield _row(study, "background, not above", "background_broken_sessions", what="sessions seen")


def _entries(study: Study) -> Iterator[Row]:
    """One row for each entry of the timeline, where there are several."""
    entries = by_entry(study)
    for entry in entries if len(entries) > 1 else ():
        estimate = entry.estimates[0]
        details = _of(estimate, "exposed sessions") if estimate.denominator else ("exposes nobody",)
        yield Row((Cell(entry.label), number(estimate.interval, estimate.unit), _remark(details, must=True)))


def _failed(study: Study) -> Iterator[Row]:
    yield _row(study, "of requests sent", "failed_requests", what="requests sent")
    for name, label in _FAILURES.items():
        if _seen(study, name):
            yield _row(study, f"{label}, per run", name, depth=1)


def _connections(study: Study) -> Iterator[Row]:
    if not _seen(study, "connects"):
        return
    yield _row(study, "lost before the session's end", "connections_lost", per="run")
    yield _row(study, "reconnects, failures included", "reconnects", per="run")
    yield _row(study, "most connects in one second", "peak_connects_in_1s")
    if _seen(study, "reconnect_storm"):
        yield _row(study, "over the mean before", "reconnect_storm", depth=1)
    for part in ("mean", "p95", "longest"):
        if _told(study, f"disconnected_{part}_s"):
            yield _row(study, f"disconnected, {part}", f"disconnected_{part}_s")
    if _seen(study, "clients_still_disconnected"):
        yield _row(study, "still without when the run ends", "clients_still_disconnected", per="run")
    if _seen(study, "sessions_given_up"):
        yield _row(study, "sessions given up", "sessions_given_up", per="run")


def _skew(study: Study) -> Iterator[Row]:
    by_load = [_skew_row(study, of, "max_to_mean", label) for of, label in _LOADS.items()]
    yield from _group("max/mean of", by_load)
    by_measure = [_skew_row(study, "sessions.serving", measure, label) for measure, label in _MEASURES.items()]
    yield from _group("sessions, serving", by_measure)


def _skew_row(study: Study, of: str, measure: str, label: str) -> Row | None:
    name, excess = f"load_skew.{of}.{measure}", f"load_skew_excess.{of}.{measure}"
    if not _known(study, name):
        return None
    estimate = study.estimate(name)
    if estimate.interval.estimate is None:
        return None
    details = _left_out(study, estimate)
    if _known(study, excess):
        over = study.estimate(excess)
        shown = show(over.interval, over.unit, signed=True)
        if over.interval.estimate is not None:
            details = (f"{shown} over the run without it", f"excess {shown}", f"excess {shown.value}")
    cells = (Cell(label), number(estimate.interval, estimate.unit), _remark(details))
    return Row(cells, depth=1, definition=estimate.definition)


_AGAIN = {"recovery_s": "failures as before after", "even_again_s": "sessions even again after"}


def _ends(study: Study) -> Iterator[Row]:
    if any(operation.lasts_s is None for operation in study.scenario.timeline):
        yield _row(study, f"{_operation(study, 'rollout')} done after", "rollout_done_s")
        yield _row(study, "last old pod gone after", "last_old_pod_gone_s")
    for name, label in _AGAIN.items():
        if _known(study, name) and _told(study, name):
            yield _row(study, label, name)
    yield _row(study, "peak pods", "peak_pods")


def _operation(study: Study, otherwise: str) -> str:
    """What the only operation is called, or another word when there are several or none."""
    operations = study.scenario.operations
    return operations[0].noun if len(operations) == 1 else otherwise


def _latency(study: Study) -> Iterator[Row]:
    for order in ("p50", "p95", "p99"):
        yield _row(study, order, f"latency_{order}_s")


def _apart(study: Study) -> Iterator[Row]:
    yield _row(study, "unfinished requests", "requests_unfinished", per="run")
    yield _row(study, "censored sessions", "censored_sessions", what="exposed or censored sessions")
    if _seen(study, "born_on_terminating"):
        yield _row(study, "born on terminating pods", "born_on_terminating", per="run")


def _parts(study: Study, prefix: str, heading: str, leave_out: tuple[str, ...] = ()) -> Iterator[Row]:
    """The parts of a count that were seen, the largest first; background breaks have a row of their own."""
    names = [name for name in study.metrics if name.startswith(prefix) and name not in leave_out]
    seen = [study.estimate(name) for name in names if _seen(study, name)]
    seen.sort(key=lambda part: -(part.interval.estimate or 0.0))
    yield from _group(heading, [_row(study, part.name.removeprefix(prefix), part.name, depth=1) for part in seen])


def _group(heading: str, rows: Sequence[Row | None]) -> Iterator[Row]:
    """Rows below a heading of their own; nothing without rows."""
    known = [row for row in rows if row is not None]
    if known:
        yield Row((Cell(heading),), is_group=True)
        yield from known


def _row(
    study: Study,
    label: str,
    name: str,
    *,
    what: str = "",
    per: str = "",
    depth: int = 0,
    estimate: Estimate | None = None,
) -> Row:
    """The row of a metric.

    Args:
        study: The study.
        label: What the row says in front of the number.
        name: The metric.
        what: What the denominator counts, when the row shows numerator and denominator.
        per: What a replication is, when the row shows the total of a count.
        depth: Indentation.
        estimate: What is shown instead of the metric's own estimate: that of a part of it.
    """
    estimate = estimate or study.estimate(name)
    details = _left_out(study, estimate)
    if what:
        details = _of(estimate, what)
    elif per and not details and estimate.numerator and study.n > 1:
        total = grouped(estimate.numerator)
        details = (f"{total} in {counted(study.n, per)}", f"{total} in all", total)
    remark = _remark(details, must=bool(what and details))
    cells = (Cell(label), number(estimate.interval, estimate.unit), remark)
    return Row(cells, depth=depth, definition=estimate.definition)


def _remark(details: tuple[str, ...], *, must: bool = False) -> Cell:
    """The same remark in several lengths, longest first; the layout takes the longest that fits."""
    return Cell(details[0], shorter=details[1:], must=must) if details else Cell()


def _of(estimate: Estimate, what: str) -> tuple[str, ...]:
    if not estimate.denominator and estimate.interval.kind == "exact":
        return ()  # known without any: state outside the pods
    if not estimate.denominator:
        return (f"nothing measured: no {what}", "nothing measured")
    numerator = "none" if estimate.numerator == 0 else grouped(estimate.numerator)
    short = f"{numerator} of {grouped(estimate.denominator)}"
    return (f"{short} {what}", short)


def _left_out(study: Study, estimate: Estimate) -> tuple[str, ...]:
    """A value that some replications lack says so: a rollout that never ended has no end."""
    interval = estimate.interval
    if interval.not_yet:
        up_to = "" if interval.up_to_s is None else f", counted up to {duration(interval.up_to_s)}"
        short = f"{grouped(interval.not_yet)} of {grouped(interval.waited)} not yet"
        return (f"{short}{up_to}", short)
    if interval.left_out == 0 or interval.used == 0:
        return ()
    return (f"seen in {interval.used} of {study.n} replications", f"in {interval.used} of {study.n} runs")


def _told(study: Study, name: str) -> bool:
    """Whether there is an estimate of a time, or at least a bound."""
    interval = study.estimate(name).interval
    return interval.estimate is not None or interval.kind == "not reached"


def _known(study: Study, name: str) -> bool:
    return name in study.metrics or name in study.replications.keys


def _seen(study: Study, name: str) -> bool:
    return _known(study, name) and bool(study.estimate(name).interval.estimate)
