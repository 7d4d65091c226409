"""Pods that come and go, and the rollouts that this shows.

A pod *came* if more requests went to others before its first than chance explains, and *left* likewise. What comes and
goes within ten minutes of each other is one rollout; a pod that came in it and leaves again begins the
next one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from simsticky.logs.columns import Raw
from simsticky.logs.requests import Flags, Floats, PodLives, Rollout

_SOONER_S = 30.0
"""So long before a pod is deleted, at the most, its last request may have been; clocks differ by less."""
LINK_S = 600.0
"""Changes closer to each other than this belong together."""
_PAUSES = 3.0
"""And so many mean times between new sessions further, for a change is seen no better than that."""
_CHANCE = 1e-9
"""A pod is gone if as many others in a row are less likely than this, at the share that it had."""
_RUNS = 3.0
"""And if they are this many times as many as ever were between two of its own."""
_EDGE = 0.1
"""Share of a log at its edges where a change may be a part of what lies outside; in long ones it is :data:`LINK_S`."""
_SURELY = 4.0
"""Mean times between new sessions, beyond the first, after which a silent pod is gone: chance is below 1 %."""
_ENOUGH_PICKS = 5


def lives(raw: Raw, begins: Flags, window_s: tuple[float, float], pods: int) -> tuple[PodLives, Floats]:
    """Return when each pod answered, and the mean time between its new sessions, s.

    Silence is counted in what the others got meanwhile, so that a quiet night removes nobody.

    Args:
        raw: Columns, sorted by ``sent``.
        begins: bool[n], the request began a session.
        window_s: First and last moment of the log.
        pods: How many there are.
    """
    answered = raw["pod"] >= 0
    of, sent = raw["pod"][answered], raw["sent"][answered].astype(np.float64)
    new = _picks(raw, begins)[answered]
    first, last = _edges(of, sent, pods)
    last_new = _edges(of[new], sent[new], pods)[1]
    came, left = _turns(of, pods)
    came_new, left_new = _turns(of[new], pods)
    # Requests of one session come in a row, and one that drains has those of old ones: picks tell better.
    told = np.bincount(of[new], minlength=pods) >= _ENOUGH_PICKS
    counts = np.bincount(of, minlength=pods).astype(np.int64)
    came, left = np.where(told, came_new, came), np.where(told, left_new, left)
    picks = np.bincount(of[new], minlength=pods)
    pauses_s = (last_new - _edges(of[new], sent[new], pods)[0]) / np.maximum(picks - 1, 1)
    return PodLives(first, last, last_new, counts, came, left), np.nan_to_num(pauses_s)


def _edges(of: np.ndarray, sent: Floats, pods: int) -> tuple[Floats, Floats]:
    """Return the first and last moment of each pod; nan where it has none."""
    first, last = np.full(pods, np.nan), np.full(pods, np.nan)
    last[of] = sent  # the last assignment to a pod is the latest
    first[of[::-1]] = sent[::-1]
    return first, last


def _turns(of: np.ndarray, pods: int) -> tuple[Flags, Flags]:
    """Return which pods came after the beginning and left before the end of a sequence of pods."""
    came, left = np.zeros(pods, np.bool_), np.zeros(pods, np.bool_)
    order = np.argsort(of, kind="stable")
    edges = np.searchsorted(of[order], np.arange(pods + 1))
    for pod, (start, end) in enumerate(pairwise(edges.tolist())):
        places = order[start:end]
        if len(places) < 2:
            continue
        span = int(places[-1] - places[0])
        share = (len(places) - 1) / span
        by_chance = math.log(_CHANCE) / math.log1p(-share) if share < 1 else 0.0
        run = max(by_chance, _RUNS * int(np.diff(places).max()))
        came[pod] = places[0] > run
        left[pod] = len(of) - 1 - places[-1] > run
    return came, left


def _picks(raw: Raw, begins: Flags) -> Flags:
    """Return which requests were given a pod anew: whose answer set another cookie than came, else those that begin."""
    picked: Flags = (raw["cookie_out"] != 0) & (raw["cookie_out"] != raw["cookie_in"])
    return picked if picked.any() else begins


@dataclass(frozen=True)
class _Change:
    at_s: float
    pod: int
    came: bool
    within_s: float


def rollouts(pods: PodLives, pauses_s: Floats, window_s: tuple[float, float]) -> tuple[Rollout, ...]:
    """Return what the coming and going of pods shows, in order of time.

    A pod that leaves does so after its last new session, by as much as there was between two of them; with drain
    support its old ones stay for long. One that comes does so at its first request.

    Args:
        pods: Their lives.
        pauses_s: Mean time between new sessions of each.
        window_s: First and last moment of the log.
    """
    groups: list[list[_Change]] = []
    for change in sorted(_changes(pods, pauses_s, window_s), key=lambda each: (each.at_s, not each.came)):
        last = groups[-1][-1] if groups else None
        if last is None or change.at_s - last.at_s > LINK_S + _PAUSES * max(change.within_s, last.within_s):
            groups.append([change])
        elif _undoes(change, groups[-1]):
            groups.append([*_ahead_of(change, groups[-1]), change])
        else:
            groups[-1].append(change)
    return tuple(_rollout(group, pods, window_s) for group in groups)


def _changes(pods: PodLives, pauses_s: Floats, window_s: tuple[float, float]) -> Iterator[_Change]:
    for pod in np.flatnonzero(pods.came).tolist():
        yield _Change(float(pods.first_s[pod]), pod, True, float(pauses_s[pod]))
    for pod in np.flatnonzero(pods.left).tolist():
        new = float(pods.last_new_s[pod])
        at_s = float(pods.last_s[pod]) if math.isnan(new) else min(new + float(pauses_s[pod]), window_s[1])
        yield _Change(at_s, pod, False, float(pauses_s[pod]))


def _undoes(change: _Change, group: Sequence[_Change]) -> bool:
    return not change.came and any(each.pod == change.pod for each in group)


def _ahead_of(change: _Change, group: list[_Change]) -> list[_Change]:
    """Take from a group the pods that came at its end and belong to the next one, which ``change`` shows to have begun.

    A new pod's first request may come before the old one's silence is seen.
    """
    taken: list[_Change] = []
    while len(group) > 1 and group[-1].came and change.at_s - group[-1].at_s <= _PAUSES * change.within_s:
        taken.insert(0, group.pop())
    return taken


def _rollout(group: Sequence[_Change], pods: PodLives, window_s: tuple[float, float]) -> Rollout:
    old = tuple(change.pod for change in group if not change.came)
    new = tuple(change.pod for change in group if change.came)
    # A new pod's first request is seen; beside one, an old pod's silence counts from when it is no chance.
    surely = _SURELY if new else 0.0
    started = min(change.at_s + (0.0 if change.came else surely * change.within_s) for change in group)
    ended = max(group[-1].at_s, max((float(pods.last_s[pod]) for pod in old), default=-math.inf))
    cut = _is_cut(group, old, new, window_s)
    return Rollout("cut" if cut else _kind(old, new, pods, started), min(started, ended), ended, old, new)


def _is_cut(group: Sequence[_Change], old: Sequence[int], new: Sequence[int], window_s: tuple[float, float]) -> bool:
    """Return whether a part of it may lie outside the log: it is at an edge, and what came is not what went."""
    near_s = min(LINK_S, _EDGE * (window_s[1] - window_s[0]))
    at_edge = group[0].at_s - window_s[0] < near_s or window_s[1] - group[-1].at_s < near_s
    return at_edge and len(old) != len(new)


def _kind(old: Sequence[int], new: Sequence[int], pods: PodLives, started: float) -> str:
    if not old:
        return "scale-up"
    if not new:
        return "scale-down"
    alive = np.flatnonzero((pods.first_s < started) & (~pods.left | (pods.last_s >= started)))
    return "rollout" if set(alive.tolist()) <= set(old) else "replacement"


def with_events(found: Sequence[Rollout], stated_s: Sequence[tuple[float, float]]) -> tuple[Rollout, ...]:
    """Return rollouts that begin when events say so; an event at which nobody came or went stands for itself.

    Args:
        found: From addresses.
        stated_s: Beginning and end of each stated operation, on the log's clock.
    """
    result = list(found)
    for begin, end in stated_s:
        near = [
            number
            for number, each in enumerate(result)
            if each.source == "addresses" and begin <= each.ended_s + _SOONER_S and end >= each.started_s - LINK_S
        ]
        for number in near[:1]:
            result[number] = replace(result[number], started_s=begin, source="events")
        if not near:
            result.append(Rollout("event", begin, end, (), (), "events"))
    return tuple(sorted(result, key=lambda each: each.started_s))
