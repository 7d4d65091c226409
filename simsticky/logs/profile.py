"""``profile.yaml``: the laws of a log as the ``traffic`` section of scenarios, safe to commit.

Nothing of a log is in it but laws and counts: no address, no path, no cookie, no name, no date. It is built from
numbers and the words of the scenario's own format alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from simsticky.logs.fitted import Fit
from simsticky.logs.laws import Fitted
from simsticky.logs.rates import Arrivals
from simsticky.logs.search import Bounds
from simsticky.scenario.distributions import (
    Constant,
    Empirical,
    Exponential,
    Gamma,
    Geometric,
    LawBase,
    Lognormal,
    Pareto,
    Uniform,
    Weibull,
)
from simsticky.scenario.law import ContinuousLaw
from simsticky.scenario.reading.profile import SCHEMA
from simsticky.scenario.traffic import Diurnal, Piecewise, Poisson
from simsticky.units import format_duration
from simsticky.version import __version__

_DIGITS = 4


def profile_text(found: Fit) -> str:
    """Return the profile as YAML."""
    return "\n".join([*_head(found), f"schema: {SCHEMA}", "traffic:", *_traffic(found), *_counts(found)]) + "\n"


def traffic_of(found: Fit) -> dict[str, Any]:
    """Return the section ``traffic`` that the profile states."""
    shape = found.shape
    section: dict[str, Any] = {"sessions": arrivals_section(found.arrivals)}
    if shape.duration is None:
        section["requests"] = law_section(shape.requests.chosen.law, counts=True)
    else:
        section["sessionDuration"] = law_section(shape.duration.chosen.law)
    think = shape.think.chosen.law if found.heavy.think is None else found.heavy.think
    section["think"] = law_section(think)
    if found.heavy.rate is not None:
        section["clientRate"] = law_section(found.heavy.rate, counts=True)
    if found.service is not None:
        section["service"] = law_section(found.service.chosen.law)
    if found.cookieless is not None:
        section["cookies"] = {"keep": round(1.0 - found.cookieless.value, _DIGITS)}
    return section


def arrivals_section(arrivals: Arrivals) -> dict[str, Any]:
    """Return when sessions start, as a scenario states it."""
    match arrivals.law:
        case Poisson(rate=rate):
            return {"kind": "poisson", "rate": _rate(rate)}
        case Piecewise(steps=steps):
            each = [{"from": _time(float(round(step.from_s))), "rate": _rate(step.rate)} for step in steps]
            return {"kind": "piecewise", "steps": each}
        case Diurnal() as day:
            return {
                "kind": "diurnal",
                "mean": _rate(day.mean),
                "amplitude": round(day.amplitude, _DIGITS),
                "period": _time(day.period),
                "peakAt": _time(float(round(day.peak_at))),
            }


def law_section(law: LawBase, *, counts: bool = False) -> dict[str, Any]:
    """Return a law as a scenario states it: times as durations, counts and rates of clients as numbers."""
    section = _uncapped(law, _number if counts else _time)
    if isinstance(law, ContinuousLaw) and law.cap is not None:
        section["cap"] = _number(law.cap) if counts else _time(law.cap)
    return section


def _uncapped(law: LawBase, size: Callable[[float], Any]) -> dict[str, Any]:
    match law:
        case Constant(value=value):
            return {"kind": "constant", "value": size(value)}
        case Exponential() | Geometric():
            return {"kind": law.kind, "mean": size(law.base_mean)}
        case Lognormal(base_mean=float() as mean, cv=float() as cv):
            return {"kind": "lognormal", "mean": size(mean), "cv": _number(cv)}
        case Lognormal(median=float() as median, sigma=float() as sigma):
            return {"kind": "lognormal", "median": size(median), "sigma": _number(sigma)}
        case Gamma(base_mean=float() as mean, cv=float() as cv):
            return {"kind": "gamma", "mean": size(mean), "cv": _number(cv)}
        case Gamma(shape=float() as shape, scale=float() as scale):
            return {"kind": "gamma", "shape": _number(shape), "scale": size(scale)}
        case Weibull(shape=shape, scale=float() as scale):
            return {"kind": "weibull", "shape": _number(shape), "scale": size(scale)}
        case Pareto(alpha=alpha, minimum=float() as minimum):
            return {"kind": "pareto", "alpha": _number(alpha), "minimum": size(minimum)}
        case Uniform(low=low, high=high):
            return {"kind": "uniform", "low": size(low), "high": size(high)}
        case Empirical(values=values, weights=weights):
            return {"kind": "empirical", "values": [size(value) for value in values], "weights": list(weights or ())}
    raise TypeError(f"{type(law).__name__} is no law that is fitted")


def _number(value: float) -> float | int:
    """Return a number of four digits."""
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def _time(seconds: float) -> str:
    """Return a duration of four digits; whole seconds stay whole."""
    return format_duration(seconds if seconds >= 1000 and seconds.is_integer() else float(f"{seconds:.{_DIGITS}g}"))


def _rate(per_s: float) -> str:
    """Return a rate of four digits in the unit that reads best."""
    for unit, unit_s in (("s", 1.0), ("min", 60.0), ("h", 3600.0)):
        if per_s * unit_s >= 1:
            return f"{_number(per_s * unit_s)}/{unit}"
    return f"{_number(per_s * 86400.0)}/d"


def _head(found: Fit) -> Iterator[str]:
    source = found.source
    yield f"# The traffic of a log, fitted by simsticky {__version__}: laws and counts, nothing else of the log."
    yield "# A scenario takes it in with   traffic: {profile: profile.yaml}   and states beside it what is to differ."
    yield f"# {source.requests} requests, {source.sessions} sessions, {_time(float(round(source.window_s)))} of log."
    yield (
        f"# Laws are of the {source.cohort} sessions that were seen to begin; one ends when nothing is sent for"
        f" {_time(round(source.gap_s, 1))}"
        + ("." if source.quiet_s >= source.gap_s else f" ({_time(round(source.quiet_s, 1))} at the log's edges).")
    )
    yield "# Chosen by BIC among the laws of a scenario; numbers in brackets are 95 % intervals."


def _traffic(found: Fit) -> Iterator[str]:
    section = traffic_of(found)
    notes = {
        "sessions": _of_arrivals(found),
        "requests": _of_law(found.shape.requests, ""),
        "think": _of_thinks(found),
        "clientRate": f"cv {_interval(found.heavy.cv, '')}",
        "service": "" if found.service is None else _of_law(found.service, "s"),
        "cookies": f"without a cookie: {_interval(found.cookieless, '%')}",
    }
    if found.shape.duration is not None:
        notes["sessionDuration"] = _of_law(found.shape.duration, "s")
    for key, value in section.items():
        yield f"  # {notes[key]}"
        if isinstance(value.get("steps"), list):
            yield f"  {key}:"
            yield f"    kind: {value['kind']}"
            yield "    steps:"
            yield from (f"      - {_flow(step)}" for step in value["steps"])
        else:
            yield from _folded(f"  {key}: {_flow(value)}")


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _folded(line: str, width: int = 118) -> Iterator[str]:
    """Yield a line that is too long in several: between two entries of a flow a line may end."""
    while len(line) > width:
        cut = line.rfind(", ", 0, width) + 1
        if cut <= 0:
            break
        yield line[:cut]
        line = "      " + line[cut + 1 :]
    yield line


def _of_arrivals(found: Fit) -> str:
    at = found.source.began.strftime("%H:%M")
    mean = found.arrivals.mean
    shown = _interval(mean, "/s")
    return f"starts of sessions: mean {shown}; 0s is {at} UTC, when the log begins"


def _of_thinks(found: Fit) -> str:
    if found.heavy.think is None:
        return _of_law(found.shape.think, "s")
    return f"of the mean client: mean {_interval(found.think_mean, 's')}"


def _of_law(fit: Fitted, unit: str) -> str:
    ranked = [one.kind for one in fit.candidates[1:3]]
    before = f", before {' and '.join(ranked)}" if ranked and fit.chosen is fit.candidates[0] else ""
    return (
        f"mean {_interval(fit.chosen.mean, unit)}; {fit.chosen.kind}{before}; off by"
        f" {100 * fit.chosen.distance:.1f} points at the most; {fit.cells.seen:.0f} values"
    )


def _interval(bounds: Bounds | None, unit: str) -> str:
    if bounds is None:
        return "not known"
    factor = 100.0 if unit == "%" else 1.0
    value = f"{factor * bounds.value:.4g}{' ' if unit else ''}{unit}"
    if bounds.low is None or bounds.high is None or not math.isfinite(bounds.high):
        return value
    return f"{value} [{factor * bounds.low:.4g}, {factor * bounds.high:.4g}]"


def _counts(found: Fit) -> Sequence[str]:
    """Return what the laws rest on, for those who read the file; a run does not."""
    source = found.source
    counts = {
        "requests": source.requests,
        "sessions": source.sessions,
        "fitted": source.cohort,
        "window": _time(float(round(source.window_s))),
        "gap": _time(round(source.gap_s, 1)),
        "quiet": _time(round(source.quiet_s, 1)),
    }
    tails = {
        name: [_number(part) for part in (tail.index.value, tail.index.low, tail.index.high) if part is not None]
        for name, tail in found.tails.items()
    }
    return [f"counts: {_flow(counts)}", f"tails: {_flow(tails)}  # Pareto index of the top tenth, with its interval"]
