"""A fit as JSON: every law that was tried, with its figures."""

from __future__ import annotations

import json
import math
from typing import Any

from simsticky.logs.fitted import Fit
from simsticky.logs.laws import Candidate, Fitted
from simsticky.logs.profile import law_section, traffic_of
from simsticky.logs.search import Bounds
from simsticky.version import __version__

SCHEMA_VERSION = 1


def to_json(found: Fit) -> str:
    """Return everything as JSON; times in seconds, shares as parts of 1, intervals at 95 %."""
    source, shape, heavy = found.source, found.shape, found.heavy
    whole = {
        "schemaVersion": SCHEMA_VERSION,
        "tool": {"name": "simsticky", "version": __version__},
        "log": {
            "format": source.format,
            "lines": source.lines,
            "damaged": source.damaged,
            "key": str(source.key),
            "quality": source.key.quality,
            "evidence": source.key.evidence,
            "requests": source.requests,
            "sessions": source.sessions,
            "fitted": source.cohort,
            "window_s": source.window_s,
            "began": source.began.isoformat(),
            "gap_s": source.gap_s,
            "quiet_s": source.quiet_s,
        },
        "traffic": traffic_of(found),
        "arrivals": {
            "rate_per_s": _bounds(found.arrivals.mean),
            "tried": [{"law": kind, "bic": _finite(bic)} for kind, bic in found.arrivals.tried],
            "dispersion": found.arrivals.dispersion,
        },
        "requests": _fitted(shape.requests, counts=True),
        "sessionDuration": None if shape.duration is None else _fitted(shape.duration),
        "think": _fitted(shape.think),
        "heavyUsers": {
            "alike": heavy.alike,
            "clientRate": None if heavy.rate is None else law_section(heavy.rate, counts=True),
            "cv": _bounds(heavy.cv),
            "think": None if heavy.think is None else law_section(heavy.think),
            "think_mean_s": _bounds(heavy.think_mean),
            "intraclass": heavy.likeness,
            "sessions": heavy.sessions,
        },
        "service": None if found.service is None else _fitted(found.service),
        "pods": [
            {"requests": pod.requests, "mean_s": pod.mean_s, "p50_s": pod.p50_s, "p95_s": pod.p95_s}
            for pod in found.service_pods
        ],
        "pods_differ": found.pods_differ,
        "cookieless": _bounds(found.cookieless),
        "session_length_s": dict(zip(("p50", "p95"), found.length, strict=True)),
        "busiest_tenth": found.busiest,
        "failed_requests": _bounds(found.failed),
        "tails": {
            name: {"index": _bounds(tail.index), "above": tail.above, "values": tail.values}
            for name, tail in found.tails.items()
        },
        "notes": [*source.notes, *found.notes],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _bounds(bounds: Bounds | None) -> dict[str, float | None] | None:
    return None if bounds is None else {k: _finite(getattr(bounds, k)) for k in ("value", "low", "high")}


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _fitted(fitted: Fitted, *, counts: bool = False) -> dict[str, Any]:
    def law(one: Candidate) -> dict[str, Any]:
        return {
            "law": law_section(one.law, counts=counts),
            "mean": _bounds(one.mean),
            "parameters": {name: _bounds(bounds) for name, bounds in one.parameters.items()},
            "bic": _finite(one.bic),
            "off_by": one.distance,
        }

    return {
        "chosen": law(fitted.chosen),
        "tried": [law(one) for one in fitted.candidates],
        "values": fitted.cells.seen,
        "cut": fitted.cells.cut,
        "design_effect": fitted.design_effect,
    }
