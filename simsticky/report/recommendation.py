"""A recommendation for people: today, the pick and its price, what it hangs on; or why no setting can."""

from __future__ import annotations

import csv
import io
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simsticky.report.numbers import MISSING, capital, counted, duration, grouped, show
from simsticky.report.tables import escape
from simsticky.report.terminal import Line
from simsticky.study.better import MARGINS, Standing
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
_LABEL = 10

CSV_COLUMNS = (
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
        compared = "" if found.pick.standing is None else f" and is {_stands(found.pick)}"
        return f"{_settings(found.pick.settings)} is the cheapest setting that keeps {_asked(found)}{compared}"
    if found.status == "none":
        return f"no setting can keep {_asked(found)}: {found.reason}"
    return f"not certain: {found.reason}"


def render(found: Recommendation, width: int = 80) -> list[Line]:
    """Return the recommendation as lines of at most ``width`` characters, but for what is to be copied.

    Where drain support is not known, both answers.
    """
    if found.otherwise is None:
        return _answer(found, width)
    lines: list[Line] = [((text, "heading"),) for text in textwrap.wrap(unknown_drain(found), width)]
    for one in (found, found.otherwise):
        lines += [(), ((with_drain(one), "heading"),), *_answer(one, width)]
    return lines


def _answer(found: Recommendation, width: int) -> list[Line]:
    lines: list[Line] = [((text, "heading"),) for text in textwrap.wrap(title(found), width)]
    lines.append(())
    for label, option in (("today", found.today), ("pick", found.pick), ("closest", found.closest)):
        if option is not None:
            lines += _option(label, option, width)
    if found.pick is None:
        lines.append(())
        lines += [((text, "heading"),) for text in textwrap.wrap(capital(headline(found)), width)]
    for label, priced in (("stricter", found.stricter), ("looser", found.looser)):
        if priced is not None and found.pick is not None:
            lines += _price(label, priced, found.pick, width)
    lines.append(())
    for note in notes(found):
        lines += [((text, "quiet"),) for text in textwrap.wrap(note, width, subsequent_indent="  ")]
    for patch in found.patches:
        lines += [(), *(((text, "heading"),) for text in textwrap.wrap(edit_title(patch), width))]
        lines += [((text, ""),) for text in lines_to_copy(patch)]
    return lines


def to_markdown(found: Recommendation) -> str:
    """Return the recommendation for a page or a pull request: the answer in bold, a table, the notes folded."""
    if found.otherwise is None:
        return "\n".join(_markdown(found)) + "\n"
    lines = [f"**{escape(unknown_drain(found))}**"]
    for one in (found, found.otherwise):
        lines += ["", f"### {with_drain(one)}", "", *_markdown(one)]
    return "\n".join(lines) + "\n"


def _markdown(found: Recommendation) -> list[str]:
    lines = [f"**{escape(capital(headline(found)))}**", ""]
    head, rows = cells(found)
    lines += [_markdown_row(head), "|:--|:--|" + "--:|" * len(found.thresholds) + ":--|:--|"]
    lines += [_markdown_row(row) for row in rows]
    for patch in found.patches:
        language = "sh" if patch.kind else "yaml"
        lines += ["", escape(edit_title(patch)), "", f"```{language}", *lines_to_copy(patch), "```"]
    lines += ["", "<details>", f"<summary>{escape(title(found))}</summary>", ""]
    lines += [f"- {escape(note)}" for note in notes(found)]
    lines += [f"- warning: {escape(text)}" for text in found.warnings]
    lines += ["", "</details>"]
    return lines


def cells(found: Recommendation) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the headings and the rows of the answer's table: today, the pick or what comes closest, steps from it."""
    names = list(found.thresholds)
    head = ("", "", *(_words(name) for name in names), "against today", "costs")
    return head, tuple(_cells(label, option, names) for label, option in _roles(found))


def tried(found: Recommendation) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the same for every setting tried, in the order of the search."""
    head, _ = cells(found)
    return head, tuple(_cells("", option, list(found.thresholds)) for option in found.tried)


def _cells(label: str, option: Option, names: Sequence[str]) -> tuple[str, ...]:
    stands = "" if option.standing is None else option.standing.value
    values = (_value_of(option, name) for name in names)
    return (f"{option.mark} {label}".rstrip(), _settings(option.settings), *values, stands, _costs(option.costs))


def _markdown_row(texts: Sequence[str]) -> str:
    return "| " + " | ".join(escape(text) for text in texts) + " |"


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
            standing = "" if option.standing is None else option.standing.value
            writer.writerow([role, option.mark, standing, settings, name, estimate.unit, *numbers, *costs])
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
    for name in option.estimates:
        for text in textwrap.wrap(f"{_words(name)} {_value_of(option, name)}", wide):
            yield ((margin + text, ""),)
    for text in textwrap.wrap(_stands(option), wide):
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


def _value_of(option: Option, name: str) -> str:
    estimate = option.estimates[name]
    used = estimate.interval.used
    return f"{show(estimate.interval, estimate.unit)} ({counted(used, 'replication') if used else 'has no value'})"


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
