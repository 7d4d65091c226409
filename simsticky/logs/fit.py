"""The traffic of a scenario, fitted to a log: arrivals, sessions, thinks, heavy users, service, cookies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
from scipy import stats

from simsticky.errors import InputError
from simsticky.logs.cells import Cells, Integers, of_times
from simsticky.logs.doubts import doubts
from simsticky.logs.fitted import Fit, PodService, Source
from simsticky.logs.heavy import heavy_users
from simsticky.logs.laws import FAR, FEWEST, Fitted, distance, fit_law, quantile
from simsticky.logs.rates import Arrivals, arrivals
from simsticky.logs.requests import LoggedRequests, LogRead
from simsticky.logs.search import Bounds
from simsticky.logs.shapes import Shape, shape_of
from simsticky.logs.tails import Tail, tail_of
from simsticky.logs.visits import Visits, design_effect, visits_of
from simsticky.units import format_duration

_MINUTE_S = 60.0
_MOST_OF_A_POD = 2000
_LEAST_OF_A_POD = 50
_PART_OF_WINDOW = 0.125
"""The edges of a log, where nothing is known yet or any more, are at most an eighth of it each."""


def fit(read: LogRead, *, gap_s: float | None = None, told: Callable[[str], None] = lambda _: None) -> Fit:
    """Fit the laws of a scenario's traffic to a log.

    Args:
        read: The log.
        gap_s: A session ends when nothing is sent for so long; as the readers have it (30 minutes), unless shorter.
        told: Called with each step before it is done.

    Raises:
        InputError: The log tells no sessions apart, or holds too few of them.
    """
    told("cutting sessions")
    visits = _visits(read, gap_s)
    # A client without a jar is put together by its address: a monitor, or many behind one, and in no law of a session.
    kept = read.sessions.jar[visits.key] | (read.sessions.key.kind != "cookie")
    used = visits.cohort & kept
    if used.sum() == 0:
        raise _no_cohort(read, visits)
    told("fitting sessions")
    shape = shape_of(visits, used)
    told("looking for heavy users")
    heavy = heavy_users(shape.think_s, shape.think_of)
    told("fitting arrivals")
    cookieless = _cookieless(read)
    rate = _arrivals(read, visits)
    told("fitting service")
    service, pods, differ = service_of(read.requests)
    off_by = shape.think.chosen.distance
    if heavy.marginal is not None:
        off_by = distance(heavy.marginal, shape.think.cells)
        if off_by > FAR + shape.think.band:
            # They differ, and none of the laws says how: their thinks together are at least what was measured.
            heavy, off_by = heavy.given_up(), shape.think.chosen.distance
    length = of_times(visits.length_s[used & visits.whole], longer_than=visits.length_s[used & ~visits.whole])
    failed = (read.requests.status >= 500) | (read.requests.status <= 0)
    found = Fit(
        source=_source(read, visits, int(used.sum())),
        arrivals=rate,
        shape=shape,
        heavy=heavy,
        think_off_by=off_by,
        service=service,
        service_pods=pods,
        pods_differ=differ,
        cookieless=cookieless,
        length=(quantile(length, 0.5), quantile(length, 0.95)),
        busiest=_busiest(visits.watched[used]),
        failed=share_of(int(failed.sum()), failed.size),
        tails=_tails(shape, length, service),
        notes=(),
        visits=visits,
        used=used,
    )
    return replace(found, notes=tuple(doubts(found, read)))


def _visits(read: LogRead, gap_s: float | None) -> Visits:
    """Cut the requests that have a session into visits."""
    requests = read.requests
    of = requests.session >= 0
    if not of.any():
        hint = "--session-key cookie:NAME says which cookie does"
        raise InputError.of(f"nothing in the log tells sessions apart: {read.sessions.key.evidence}", hint=hint)
    first, last = requests.window_s
    gap = read.sessions.gap_s if gap_s is None else min(gap_s, read.sessions.gap_s)
    known = np.zeros(len(read.sessions), np.bool_)
    if read.sessions.key.kind == "cookie":
        # Requests are sorted by time: the first place of each number is its first request.
        numbers, place = np.unique(requests.session, return_index=True)
        numbers, place = numbers[numbers >= 0], place[numbers >= 0]
        known[numbers] = (requests.cookie_in[place] < 0) & (requests.cookie_out[place] >= 0)
    quiet = min(gap, read.sessions.quiet_s, _PART_OF_WINDOW * (last - first))
    # What is not left out is not copied, either: a log may have millions of requests.
    some = slice(None) if of.all() else of
    key, sent, took = requests.session[some], requests.sent_s[some], requests.took_s[some]
    return visits_of(key, sent, took, (first, last), gap, quiet, known)


def _no_cohort(read: LogRead, visits: Visits) -> InputError:
    first, last = read.requests.window_s
    text = (
        f"no session was seen to begin in the {format_duration(round(last - first, 3))} of the log: all were under way"
        f" within {format_duration(round(visits.quiet_s, 3))} of its beginning or its end"
    )
    weak = read.sessions.key.quality == "weak"
    hint = "many seem to share an address; --session-key cookie:NAME tells them apart" if weak else "take a longer log"
    return InputError.of(text, hint=hint)


def _arrivals(read: LogRead, visits: Visits) -> Arrivals:
    """Fit the rate at which sessions start: all of them, those without cookies, too.

    Before ``quiet`` has passed a start cannot be told from a session under way.
    """
    first, last = read.requests.window_s
    late = visits.start_s >= first + visits.quiet_s
    return arrivals(visits.start_s[late] - first, (visits.quiet_s, last - first))


def _cookieless(read: LogRead) -> Bounds | None:
    """Return the share of clients that keep no cookie, among the sessions that show it."""
    sessions = read.sessions
    known = int(sessions.jar_known.sum())
    return share_of(int((~sessions.jar[sessions.jar_known]).sum()), known) if known else None


def share_of(some: int, of: int) -> Bounds:
    """Return a share with Wilson's interval."""
    if not of:
        return Bounds(0.0)
    ends = stats.binomtest(some, of).proportion_ci(method="wilson")
    return Bounds(some / of, float(ends.low), float(ends.high))


def service_of(requests: LoggedRequests) -> tuple[Fitted | None, tuple[PodService, ...], bool]:
    """Return the law of service, how it was on each pod, and whether pods differ.

    Of requests that one attempt answered without a failure: a timeout says nothing about how long work takes.
    """
    good = np.isfinite(requests.service_s) & (requests.pod >= 0) & (requests.attempts <= 1)
    good &= (requests.status > 0) & (requests.status < 500) & (requests.service_s >= 0)
    service, pod, sent = requests.service_s[good], requests.pod[good], requests.sent_s[good]
    if service.size < FEWEST:
        return None, (), False
    top = float(np.quantile(service, 0.99))
    minute = np.floor((sent - sent.min()) / _MINUTE_S).astype(np.int64)
    effect = design_effect(np.minimum(service, top), minute * (int(pod.max()) + 1) + pod)
    law = fit_law(of_times(service), design_effect=effect, what="service times")
    order = np.argsort(pod, kind="stable")
    groups = [part for part in np.split(service[order], np.cumsum(np.bincount(pod))[:-1]) if part.size]
    pods = tuple(
        PodService(part.size, float(part.mean()), *(float(q) for q in np.quantile(part, (0.5, 0.95))))
        for part in groups
    )
    # A few are enough to see a difference of a tenth, and a million would find one of a thousandth.
    few = [part[:: max(1, part.size // _MOST_OF_A_POD)] for part in groups if part.size >= _LEAST_OF_A_POD]
    medians = [float(np.median(part)) for part in few]
    means = [float(part.mean()) for part in few]
    apart = len(few) > 1 and max(medians) > 1.1 * min(medians) and max(means) > 1.1 * min(means)
    differ = apart and float(stats.kruskal(*few).pvalue) < 0.01
    return law, pods, differ


def _busiest(requests: Integers) -> float:
    """Return the share of all requests that the busiest tenth of sessions makes."""
    ranked = np.sort(requests)[::-1]
    return float(ranked[: max(1, round(0.1 * ranked.size))].sum() / ranked.sum())


def _tails(shape: Shape, length: Cells, service: Fitted | None) -> dict[str, Tail]:
    # Thinks have none: they are seen up to the silence at the edges only, and that is where a tail would begin.
    tails = {"requests": tail_of(shape.requests.cells), "length": tail_of(length)}
    if service is not None:
        tails["service"] = tail_of(service.cells, service.design_effect)
    return {name: tail for name, tail in tails.items() if tail is not None}


def _source(read: LogRead, visits: Visits, cohort: int) -> Source:
    first, last = read.requests.window_s
    return Source(
        format=read.format,
        lines=read.lines,
        damaged=read.damaged,
        key=read.sessions.key,
        requests=len(read.requests),
        sessions=visits.start_s.size,
        cohort=cohort,
        window_s=last - first,
        began=read.requests.epoch + timedelta(seconds=first),
        gap_s=visits.gap_s,
        quiet_s=visits.quiet_s,
        opening=tuple(read.opening()),
        notes=tuple(read.notes),
    )
