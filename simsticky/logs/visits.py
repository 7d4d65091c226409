"""From requests with a key to sessions: where one ends, and which of them the log shows from their beginning.

A session ends when nothing was sent for the *gap*. A log is shorter than one would like, so silence of a shorter time,
*quiet*, decides at its edges. What the window does to sessions is undone in this way:

- Sessions under way when the log begins are met in proportion to their length, and nobody knows how old they are. Only
  sessions that began in the window are looked at: those that were silent for ``quiet`` after the log began, or that are
  known to have begun (a first request without the cookie that it was then given).
- Of a request that was answered later than ``quiet`` before the end nobody knows whether another followed. A session is
  watched up to its first such request: it has more than the requests before (right-censored). So requests that follow
  and sessions that end are seen alike, and neither is favoured.
- Thinks longer than ``quiet`` are seen by halves only, so the law of thinks is fitted as truncated there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from simsticky.logs.cells import Floats, Integers

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Visits:
    """The sessions of a log in order of key and time; n of them, that began in the window or not.

    Attributes:
        start_s: Length n, when the first request seen was sent.
        end_s: Length n, when the last one seen was answered.
        key: Length n, whose session it is.
        requests: Length n, requests seen in all.
        watched: Length n, requests of which it is known whether another followed.
        whole: Length n, whether the session was seen to end.
        began: Length n, whether the log shows its beginning.
        known: Length n, whether its first request itself shows that it is the first.
        think_s: Flat, the gap behind each watched request that another one followed; at most ``gap_s``.
        think_of: Flat, the session of each think.
        overlapping: Share of thinks below 0, taken as 0: the next request was sent before the answer.
        gap_s: Silence that ends a session.
        quiet_s: Silence that is taken for an end, or for a beginning, at the edges of the log.
        until_s: Until when sessions are watched: ``quiet_s`` before the log ends.
    """

    start_s: Floats
    end_s: Floats
    key: Integers
    requests: Integers
    watched: Integers
    whole: Booleans
    began: Booleans
    known: Booleans
    think_s: Floats
    think_of: Integers
    overlapping: float
    gap_s: float
    quiet_s: float
    until_s: float

    @property
    def cohort(self) -> Booleans:
        """Length n, whether the session enters the laws: it was seen to begin, and its first request was watched."""
        return self.began & (self.watched > 0)

    @property
    def length_s(self) -> Floats:
        """Length n, from the first sending to the last answer; of a session that goes on, as far as it was watched."""
        return np.where(self.whole, self.end_s, self.until_s) - self.start_s


def visits_of(
    key: Integers,
    sent_s: Floats,
    took_s: Floats,
    window: tuple[float, float],
    gap_s: float,
    quiet_s: float,
    known: Booleans | None = None,
) -> Visits:
    """Cut the requests of keys into sessions.

    Args:
        key: Length m, 0 or more; whose each request is.
        sent_s: Length m, in any order.
        took_s: Length m, until the answer; what is not known is 0.
        window: When the log begins and ends.
        gap_s: A session ends when nothing is sent for so long.
        quiet_s: Silence that is taken for an end, or for a beginning, at the edges of the window.
        known: By key, whether its first request is known to be the first of its session.
    """
    order = np.lexsort((sent_s, key))
    key, sent = key[order], sent_s[order]
    answered = sent + np.nan_to_num(took_s[order], nan=0.0)
    same = key[1:] == key[:-1]
    # The latest answer so far: of requests that overlap the last one sent need not be the last one answered.
    latest = latest_answers(key, answered)
    del answered
    gap = sent[1:] - latest[:-1]
    follows = same & (gap <= gap_s)
    first = np.concatenate([[True], ~follows])
    visit = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    count = np.diff(np.append(starts, key.size))
    in_time = latest <= window[1] - quiet_s
    # Once not in time, later requests are not either: answers only come later.
    watched = np.add.reduceat(in_time, starts) if key.size else np.empty(0, np.int64)
    whole = watched == count
    start_s, of_key = sent[starts], key[starts]
    again = np.concatenate([[False], of_key[1:] == of_key[:-1]]) if starts.size else np.empty(0, np.bool_)
    began = (start_s - quiet_s >= window[0]) | again
    shown = np.zeros(starts.size, np.bool_) if known is None else known[of_key] & ~again
    began |= shown
    thinks = np.flatnonzero(follows & in_time[:-1])
    think = gap[thinks]
    overlapping = float(np.mean(think < -1e-9)) if think.size else 0.0
    return Visits(
        start_s=start_s,
        end_s=latest[np.append(starts[1:], key.size) - 1],
        key=of_key,
        requests=count,
        watched=watched,
        whole=whole,
        began=began,
        known=shown,
        think_s=np.maximum(think, 0.0),
        think_of=visit[thinks],
        overlapping=overlapping,
        gap_s=gap_s,
        quiet_s=quiet_s,
        until_s=window[1] - quiet_s,
    )


def latest_answers(key: Integers, answered: Floats) -> Floats:
    """Return the latest answer of each key so far; requests of a key are beside each other, in order of sending."""
    early = np.flatnonzero((answered[1:] < answered[:-1]) & (key[1:] == key[:-1]))
    if not early.size:
        return answered
    # Few keys have requests that overlap, and only those are gone through.
    mixed = np.isin(key, np.unique(key[early]))
    latest = answered.copy()
    latest[mixed] = pd.Series(answered[mixed]).groupby(key[mixed], sort=False).cummax().to_numpy()
    return latest


def design_effect(values: Floats, group: Integers) -> float:
    """Return how many values count as one, because those of a group resemble each other; at least 1.

    The variance of the mean as that of a ratio of sums over groups, over the variance that independent values would
    give it (Cochran, Sampling Techniques, 1977, ch. 9).
    """
    if values.size < 3:
        return 1.0
    mean = float(values.mean())
    sums = np.bincount(group, weights=values - mean)
    sums = sums[np.bincount(group) > 0]
    if sums.size < 3:
        return 1.0
    clustered = float(np.dot(sums, sums)) * sums.size / (sums.size - 1)
    alone = float(np.dot(values - mean, values - mean))
    return max(1.0, clustered / alone) if alone > 0 else 1.0
