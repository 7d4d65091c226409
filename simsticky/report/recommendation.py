"""A recommendation as blocks: today, the pick and its price, what it hangs on; or why no setting can."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simsticky.report.blocks import (
    Block,
    Cell,
    Code,
    Column,
    Kind,
    Layout,
    Note,
    Row,
    Section,
    Table,
    Terms,
    Title,
    Verdict,
    Warnings,
    data,
    number,
)
from simsticky.report.numbers import MISSING, capital, counted, duration, grouped
from simsticky.study.better import MARGINS, Standing
from simsticky.study.verdicts import Mark
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.manifests.patches import Patch
    from simsticky.study.recommend.answer import Between, Option, Priced, Recommendation

_TIMES = ("preStop", "grace", "Seconds", "Delay", "delays", "startup", "Duration", "think")
_COSTS = {
    "last_old_pod_gone_s": "last old pod gone after",
    "peak_pods": "peak pods",
    "extra_pod_s": "extra pod-minutes",
}
_STATUS_MARKS = {"found": Mark.PASS, "none": Mark.FAIL, "not certain": Mark.OPEN}

_DATA_COLUMNS = (
    "role",
    "verdict",
    "standing",
    "settings",
    "metric",
    "unit",
    "value",
    "low",
    "high",
    "replications",
    *_COSTS,
)


def title(found: Recommendation) -> str:
    """Return what was asked, and how."""
    asked = ", ".join(_threshold(name, text) for name, text in found.thresholds.items())
    tried = f"{counted(len(found.tried), 'setting')} tried in {counted(found.simulations, 'simulation')}"
    return f"{found.scenario.name} · {asked} · {tried} · at most {found.n} of each · seed {found.seed}"


def headline(found: Recommendation) -> str:
    """Return the answer in one sentence."""
    if found.pick is not None:
        compared = "" if found.pick.standing is None else f"; it is {_stands(found.pick)}"
        return f"the cheapest setting that keeps {_asked(found)} is {_settings(found.pick.settings)}{compared}"
    if found.status == "none":
        return f"no setting can keep {_asked(found)}: {found.reason}"
    return f"not certain: {found.reason}"


def blocks(found: Recommendation) -> list[Block]:
    """Return the recommendation; where drain support is not known, both answers."""
    if found.otherwise is None:
        return _answer(found)
    both = [Section(with_drain(one), tuple(_answer(one))) for one in (found, found.otherwise)]
    return [Verdict(_STATUS_MARKS[found.ending], unknown_drain(found)), *both]


def _answer(found: Recommendation) -> list[Block]:
    tried: list[Block] = []
    if len(found.tried) > 1:
        rows = tuple(_row(found, "", option) for option in found.tried)
        tried = [Section("Every setting tried", (Table("Every setting tried", _columns(found), rows),), True)]
    meaning = [(one.name, one.definition) for one in found.today.estimates.values() if one.definition]
    return [
        Verdict(_STATUS_MARKS[found.status], f"{capital(headline(found))}."),
        Title(title(found)),
        Table("Settings", _columns(found), tuple(_rows(found)), Layout.CARDS, of="setting"),
        *(Note(note) for note in notes(found)),
        *tried,
        *([Section("What these numbers mean", (Terms(tuple(meaning)),), True)] if meaning else []),
        *(
            Code(edit_title(patch), tuple(lines_to_copy(patch)), "sh" if patch.kind else "yaml")
            for patch in found.patches
        ),
        Warnings(found.warnings),
    ]


def _columns(found: Recommendation) -> tuple[Column, ...]:
    return (
        Column("", Kind.LABEL),
        Column("settings", Kind.KEY),
        *(Column(_words(name), Kind.NUMBER) for name in found.thresholds),
        Column("against today"),
        Column("costs", Kind.QUIET),
    )


def _rows(found: Recommendation) -> Iterator[Row]:
    """Today, the pick or what comes closest, and what the threshold one step on would take."""
    yield _row(found, "today", found.today)
    for label, option in (("pick", found.pick), ("closest", found.closest)):
        if option is not None:
            yield _row(found, label, option)
    for label, priced in (("stricter", found.stricter), ("looser", found.looser)):
        if priced is None or found.pick is None:
            continue
        brief, name = _price(priced, found.pick), f"{label}, {_words(priced.threshold)}"
        if priced.option is None:
            empty = (Cell(),) * (len(found.thresholds) + 2)
            yield Row((Cell(name, spoken=label), Cell("no setting can"), *empty), brief=brief)
        else:
            row = _row(found, name, priced.option)
            yield replace(row, cells=(replace(row.cells[0], spoken=label), *row.cells[1:]), brief=brief)


def _row(found: Recommendation, label: str, option: Option) -> Row:
    settings = _settings(option.settings)
    stands = "" if option.standing is None else option.standing.value
    return Row(
        (
            Cell(label, mark=option.mark),
            Cell(settings, spoken=settings),
            *(_value_of(option, name) for name in found.thresholds),
            Cell(stands, spoken=_stands(option)),
            _costs(option.costs),
        )
    )


def data_of(found: Recommendation) -> list[Block]:
    """Return a row for each setting tried and metric, today's first; a missing value is empty."""
    rows = []
    tried = [("pick" if option == found.pick else "tried", option) for option in found.tried]
    for role, option in [("today", found.today), *tried]:
        settings = "; ".join(f"{path}={_value(path, value)}" for path, value in option.settings.items())
        standing = "" if option.standing is None else option.standing.value
        for name, estimate in option.estimates.items():
            interval = estimate.interval
            numbers = (interval.estimate, interval.low, interval.high, interval.used)
            costs = (option.costs[cost] for cost in _COSTS)
            values = (role, option.mark.value, standing, settings, name, estimate.unit, *numbers, *costs)
            rows.append(Row(tuple(map(data, values))))
    return [Table("Every setting tried", tuple(map(Column, _DATA_COLUMNS)), tuple(rows))]


def unknown_drain(found: Recommendation) -> str:
    """Return what hangs on drain support that nobody has stated, in one sentence."""
    agree = found.otherwise is not None and found.status == found.otherwise.status
    outcome = "the answer is given for both" if agree else "the answer hangs on it, and so is not certain"
    return (
        "Neither the scenario nor a manifest says whether the ingress controller drains (kic.enableDrainSupport):"
        f" {outcome}."
    )


def with_drain(found: Recommendation) -> str:
    """Return which of two answers it is."""
    return f"With drain support {'on' if found.drain else 'off'}"


def edit_title(patch: Patch) -> str:
    """Return what is edited, and where it stands."""
    where = patch.file if patch.line is None else f"{patch.file}:{patch.line}"
    if patch.kind:
        return f"The change, {patch.kind} {patch.name} ({where}):"
    return f"The change, in the scenario ({where}):" if patch.file else "The change, in the scenario:"


def lines_to_copy(patch: Patch) -> list[str]:
    """Return lines that a shell takes as they are, the patch in single quotes; of the scenario the YAML alone."""
    if not patch.kind:
        return patch.yaml.splitlines()
    return f"{patch.kubectl} {shlex.quote(chr(10) + patch.yaml)}".splitlines()


def _price(priced: Priced, pick: Option) -> str:
    """What the threshold one step on would take, as settings and as a difference in cost."""
    name, _, bound = priced.threshold.partition(" ")
    if priced.option is None:
        return f"{_threshold(name, bound)}: no setting can"
    return f"{_threshold(name, bound)}: {_settings(priced.option.settings)} ({_more(priced.option, pick)})"


def _more(option: Option, pick: Option) -> str:
    """What an option costs more than the pick."""
    parts = []
    for cost, label in _COSTS.items():
        mine, other = option.costs[cost], pick.costs[cost]
        if mine is None or other is None:
            continue
        if cost == "last_old_pod_gone_s":
            gone = label.removesuffix(" after")
            parts.append(f"{gone} {_time(abs(mine - other))} {'later' if mine >= other else 'sooner'}")
        elif round(mine - other, 1):
            factor = 60 if cost == "extra_pod_s" else 1
            sign = "+" if mine > other else ""
            parts.append(f"{label} {sign}{grouped((mine - other) / factor, 1)}")
    return ", ".join(parts)


def _value_of(option: Option, name: str) -> Cell:
    estimate = option.estimates[name]
    used = estimate.interval.used
    cell = number(estimate.interval, estimate.unit)
    runs = f"({counted(used, 'replication') if used else 'has no value'})"
    ends = f"{cell.interval} {runs}".strip()
    return replace(cell, interval=ends, spoken=f"{_words(name)} {cell.text} {ends}")


def _stands(option: Option) -> str:
    """How a setting stands against today, in words; nothing for today itself."""
    if option.standing is Standing.UNCERTAIN:
        return "not certain whether it is worse than today"
    return "" if option.standing is None else f"{option.standing.value} than today"


def _lying_between(found: Recommendation, gap: Between) -> str:
    """What the replications could not tell along the range, and how many more could."""
    more = "more than a million" if gap.replications is None else f"about {grouped(gap.replications)}"
    failing = "" if gap.failing is None else _settings(gap.failing)
    if gap.passing is None:
        behind = f" beyond {failing}, which certainly fails," if failing else ""
        return (
            f"Of {counted(gap.between, 'setting')}{behind} it is not certain; {more} replications would tell the best."
        )
    if not gap.between:
        return f"The next setting of the range, {failing}, certainly fails."
    lie = f"lies {gap.between} setting" if gap.between == 1 else f"lie {gap.between} settings"
    return (
        f"Between the pick and {failing}, which certainly fails, {lie} that could not be told; {more} replications"
        " would tell them all."
    )


def notes(found: Recommendation) -> Iterator[str]:
    """Yield what the answer hangs on, and how to read it."""
    if found.gap is not None:
        yield _lying_between(found, found.gap)
    if found.limited and found.limited != found.reason:
        yield capital(found.limited) + "."
    for at in found.crossings:
        bound = found.thresholds[at.metric].lstrip("<>= ")
        yield f"The estimate of {_words(at.metric)} crosses {bound} at {_name(at.path)} {_value(at.path, at.number)}."
    if found.flip is not None:
        now = _rounded(found.flip.mean_s)
        if found.flip.flips_at_s is None:
            yield f"The verdict holds up to a mean session of {_rounded(found.flip.held_to_s)} (now {now})."
        else:
            yield f"The verdict flips if mean session > {_rounded(found.flip.flips_at_s)} (now {now})."
    varied = "; ".join(f"{path} = {text}" for path, text in found.varied.items())
    how = {True: ", bisected: one way at all points tried", False: ", raced: not one way along the range", None: ""}
    yield f"Varied: {varied}{how[found.monotone]}."
    order = ", then ".join(_COSTS[name] for name in found.order)
    yield f"Cheapest by {order}; costs within 5 % are equal."
    looks = ", ".join(f"{100 * look.level:.4g} % after {look.n}" for look in found.looks)
    yield f"value [interval over replications: {looks}]; ✓ and ✗ only when all of it is on one side."
    yield (
        "All looks and settings together err as often as one interval of 95 %. No pick is worse than today:"
        f" {_margins()}, unless a threshold is set on it."
    )


def _margins() -> str:
    return ", ".join(f"{_words(name)} at most {100 * margin:g} points more" for name, margin in MARGINS.items())


def _asked(found: Recommendation) -> str:
    return " and ".join(_threshold(name, text) for name, text in found.thresholds.items())


def _threshold(name: str, bound: str) -> str:
    return f"{_words(name)} {bound}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{_name(path)} {_value(path, value)}" for path, value in settings.items())


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _value(path: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return _rounded(value) if any(word in path for word in _TIMES) else f"{value:.6g}"
    return "none" if value is None else str(value)


def _rounded(seconds: float) -> str:
    return format_duration(round(seconds) if seconds >= 10 else round(seconds, 1))


def _costs(costs: Mapping[str, float | None]) -> Cell:
    gone, peak, extra = (costs[name] for name in _COSTS)
    parts = [
        f"last old pod gone after {MISSING if gone is None else _time(gone)}",
        f"peak {MISSING if peak is None else grouped(peak, 0 if float(peak).is_integer() else 1)} pods",
        f"{MISSING if extra is None else grouped(extra / 60, 1)} extra pod-minutes",
    ]
    text = " · ".join(parts)
    return Cell(text, spoken=text)


def _time(seconds: float) -> str:
    return duration(seconds) if abs(seconds) >= 60 else f"{grouped(seconds, 1)} s"
