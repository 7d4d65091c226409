"""What to know before the laws of a log are believed, as sentences with figures and the way out."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from simsticky.logs.cells import Floats
from simsticky.logs.fitted import Fit
from simsticky.logs.laws import Fitted
from simsticky.logs.requests import LogRead
from simsticky.units import format_duration, rough_duration

_CUT_BY_GAP = 0.01
_OVERLAP = 0.05
_MUCH = 0.25
_DAY_S = 86400.0
_WEIGHTY = 0.2


def doubts(found: Fit, read: LogRead) -> Iterator[str]:
    """Yield what a fit does not say by itself, what weighs most first."""
    yield from _of_key(found)
    yield from _of_window(found)
    yield from _of_laws(found)
    yield from _of_thinks(found)
    yield from _of_service(found)
    if read.rollouts:
        text = "pods came and went while the log was written: sessions that broke may have begun anew, or ended early"
        yield text
    if read.sessions.key.kind != "cookie" and found.cookieless is None:
        yield "the log does not show which clients keep cookies: cookies.keep is left to the scenario"


def _of_key(found: Fit) -> Iterator[str]:
    visits = found.visits
    largest = float(np.bincount(visits.key, weights=visits.requests).max()) / max(found.source.requests, 1)
    if largest > _WEIGHTY:
        yield f"one client made {100 * largest:.0f} % of all requests: a monitor or a robot should not be in the log"


def _of_window(found: Fit) -> Iterator[str]:
    window_s = found.source.window_s
    if window_s < _DAY_S / 2:
        yield f"the log covers {rough_duration(window_s)}: other hours of the day are not in the rate of arrivals"
    cut = 1.0 - float(found.visits.whole[found.used].mean())
    if cut > _MUCH:
        yield (
            f"{100 * cut:.0f} % of the sessions had not ended when the log does: how long sessions last rests on the"
            " law, not on what was seen; a longer log tells more"
        )


def _of_laws(found: Fit) -> Iterator[str]:
    shape = found.shape
    length = shape.requests if shape.duration is None else shape.duration
    what = "requests of a session" if shape.duration is None else "session durations"
    for name, fit in ((what, length), ("thinks", shape.think), ("service times", found.service)):
        if fit is not None and fit.is_poor and (name != "thinks" or found.heavy.alike):
            best = fit.nearest
            yield (
                f"no law fits the {name}: the nearest, {best.kind}, is off by {100 * best.distance:.0f} points; the"
                " profile states the measured values, and nothing is beyond the largest of them"
            )
    tail = found.tails.get("requests" if shape.duration is None else "length")
    if tail is not None and tail.index.high is not None and tail.index.high < 2:
        yield (
            f"the tail of the {what} is heavy (index {tail.index.value:.2g}): their mean hangs on the few longest, and"
            " a log of another day may give another"
        )
    if found.arrivals.is_bursty:
        yield (
            f"sessions start in bursts: their number varies {found.arrivals.dispersion:.1f} times as much as that of"
            " Poisson arrivals, which the profile states; --trace FILE replays them as they came"
        )


def _of_thinks(found: Fit) -> Iterator[str]:
    gap_s = found.visits.gap_s
    beyond = _beyond(found.shape.think, gap_s)
    if beyond > _CUT_BY_GAP:
        yield (
            f"by their law {100 * beyond:.1f} % of thinks are longer than the {format_duration(round(gap_s, 1))} that"
            " end a session: such sessions were cut in two"
        )
    if found.heavy.unlike:
        yield (
            f"thinks of a session resemble each other ({100 * found.heavy.likeness:.0f} % of the variance of their"
            " logarithms is between sessions), and no law of heavy users fits them; the profile has all clients alike"
        )
    if found.visits.overlapping > _OVERLAP:
        yield (
            f"{100 * found.visits.overlapping:.0f} % of requests were sent before the one before was answered, as"
            " browsers load pages; the model sends one at a time (traffic.tabs has several)"
        )


def _beyond(fit: Fitted, at: float) -> float:
    tail: Floats = np.asarray(fit.chosen.frozen.sf(np.array([at])), np.float64)
    return float(tail[0])


def _of_service(found: Fit) -> Iterator[str]:
    if found.service is None:
        yield "the log has no time of the upstream: traffic.service is left to the scenario"
        return
    if found.pods_differ:
        medians = [pod.p50_s for pod in found.service_pods if pod.requests >= 50]
        least, most = min(medians), max(medians)
        yield (
            f"pods differ: the median service is {1000 * least:.3g} ms on one and {1000 * most:.3g} ms on another; the"
            " profile states one law for all"
        )
    if not math.isfinite(found.service.chosen.law.mean):
        yield "the mean of the service times is infinite by their law: state a cap"
