"""A recommendation for people: today, the pick and its price, what it hangs on; or why no setting can."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simsticky.report.numbers import MISSING, counted, duration, grouped, show
from simsticky.report.tables import escape
from simsticky.report.terminal import Line
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.study.recommendation import Option, Priced, Recommendation

_TIMES = ("preStop", "grace", "Seconds", "Delay", "delays", "startup", "Duration", "think")
_COSTS = {
    "last_old_pod_gone_s": "last old pod gone after",
    "peak_pods": "peak pods",
    "extra_pod_s": "extra pod-minutes",
}
_LABEL = 10

CSV_COLUMNS = ("role", "verdict", "settings", "metric", "unit", "value", "low", "high", "replications", *_COSTS)


def title(found: Recommendation) -> str:
    """Return what was asked, and how."""
    asked = ", ".join(_threshold(name, text) for name, text in found.thresholds.items())
    runs = counted(found.n, "replication")
    return (
        f"{found.scenario.name} · {asked} · {counted(len(found.tried), 'setting')} tried · {runs} · seed {found.seed}"
    )


def headline(found: Recommendation) -> str:
    """Return the answer in one sentence."""
    if found.pick is not None:
        return f"{_settings(found.pick.settings)} is the cheapest setting that keeps {_asked(found)}"
    if found.status == "none":
        return f"no setting can keep {_asked(found)}: {found.reason}"
    return f"inconclusive: {found.reason}"


def render(found: Recommendation, width: int = 80) -> list[Line]:
    """Return the recommendation as lines of at most ``width`` characters."""
    lines: list[Line] = [((text, "heading"),) for text in textwrap.wrap(title(found), width)]
    lines.append(())
    for label, option in (("today", found.today), ("pick", found.pick), ("closest", found.closest)):
        if option is not None:
            lines += _option(label, option, width)
    if found.pick is None:
        lines.append(())
        lines += [((text, "heading"),) for text in textwrap.wrap(_capital(headline(found)), width)]
    for label, priced in (("stricter", found.stricter), ("looser", found.looser)):
        if priced is not None and found.pick is not None:
            lines += _price(label, priced, found.pick, width)
    lines.append(())
    for note in _notes(found):
        lines += [((text, "quiet"),) for text in textwrap.wrap(note, width, subsequent_indent="  ")]
    return lines


def to_markdown(found: Recommendation) -> str:
    """Return the recommendation for a page or a pull request: the answer in bold, a table, the notes folded."""
    lines = [f"**{escape(_capital(headline(found)))}**", ""]
    names = list(found.thresholds)
    lines += ["| | | " + " | ".join(escape(_words(name)) for name in names) + " | costs |"]
    lines += ["|:--|:--|" + "--:|" * len(names) + ":--|"]
    for label, option in _roles(found):
        values = [str(show(option.estimates[name].interval, option.estimates[name].unit)) for name in names]
        cells = (f"{option.mark} {label}", _settings(option.settings), *values, _costs(option.costs))
        lines.append("| " + " | ".join(escape(cell) for cell in cells) + " |")
    lines += ["", "<details>", f"<summary>{escape(title(found))}</summary>", ""]
    lines += [f"- {escape(note)}" for note in _notes(found)]
    lines += [f"- warning: {escape(text)}" for text in found.warnings]
    lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def to_csv(found: Recommendation) -> str:
    """Return one line per setting tried and metric with the columns of ``CSV_COLUMNS``; a missing value is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    tried = [("pick" if option == found.pick else "tried", option) for option in found.tried]
    for role, option in [("today", found.today), *tried]:
        settings = "; ".join(f"{path}={_value(path, value)}" for path, value in option.settings.items())
        for name, estimate in option.estimates.items():
            interval = estimate.interval
            numbers = (interval.estimate, interval.low, interval.high, interval.used)
            costs = (option.costs[cost] for cost in _COSTS)
            writer.writerow([role, option.mark, settings, name, estimate.unit, *numbers, *costs])
    return text.getvalue()


def _roles(found: Recommendation) -> Iterator[tuple[str, Option]]:
    yield "today", found.today
    if found.pick is not None:
        yield "pick", found.pick
    if found.closest is not None:
        yield "closest", found.closest
    for label, priced in (("stricter", found.stricter), ("looser", found.looser)):
        if priced is not None and priced.option is not None:
            yield f"{label}, {priced.threshold}", priced.option


def _option(label: str, option: Option, width: int) -> Iterator[Line]:
    """A setting, below it its values, below these its costs."""
    wide = width - 2 - _LABEL
    settings = textwrap.wrap(_settings(option.settings), wide) or [""]
    yield ((option.mark, option.mark.word), (f" {label.ljust(_LABEL)}{settings[0]}", "heading"))
    margin = " " * (2 + _LABEL)
    for more in settings[1:]:
        yield ((margin + more, "heading"),)
    for name, estimate in option.estimates.items():
        for text in textwrap.wrap(f"{_words(name)} {show(estimate.interval, estimate.unit)}", wide):
            yield ((margin + text, ""),)
    for text in textwrap.wrap(_costs(option.costs), wide, break_on_hyphens=False):
        yield ((margin + text, "quiet"),)


def _price(label: str, priced: Priced, pick: Option, width: int) -> Iterator[Line]:
    """What the threshold one step on would take, as settings and as a difference in cost."""
    name, _, bound = priced.threshold.partition(" ")
    if priced.option is None:
        text = f"{_threshold(name, bound)}: no setting can"
    else:
        text = f"{_threshold(name, bound)}: {_settings(priced.option.settings)} ({_more(priced.option, pick)})"
    wrapped = textwrap.wrap(text, width - 2 - _LABEL)
    for number, part in enumerate(wrapped):
        yield ((f"  {(label if not number else '').ljust(_LABEL)}{part}", ""),)


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


def _notes(found: Recommendation) -> Iterator[str]:
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
    level = f"{100 * found.level:.4g} %"
    yield f"value [{level} interval over replications]; ✓ only when all of it keeps the threshold."


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


def _costs(costs: Mapping[str, float | None]) -> str:
    gone, peak, extra = (costs[name] for name in _COSTS)
    parts = [
        f"last old pod gone after {MISSING if gone is None else _time(gone)}",
        f"peak {MISSING if peak is None else grouped(peak, 0 if float(peak).is_integer() else 1)} pods",
        f"{MISSING if extra is None else grouped(extra / 60, 1)} extra pod-minutes",
    ]
    return " · ".join(parts)


def _time(seconds: float) -> str:
    return duration(seconds) if abs(seconds) >= 60 else f"{grouped(seconds, 1)} s"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
