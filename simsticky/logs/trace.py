"""The sessions of a log as a trace, for exact replay: ``traffic.trace`` reads it (:mod:`simsticky.workload.trace`).

Sessions are numbered in the order in which they start; nothing else of who they were is kept.
"""

from __future__ import annotations

import io
import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from simsticky.errors import InputError
from simsticky.logs.fitted import Fit
from simsticky.logs.requests import Floats, LogRead
from simsticky.logs.visits import latest_answers

Flags = npt.NDArray[np.bool_]


def trace_text(read: LogRead, found: Fit) -> str:
    """Return every request of a log as CSV: session, start_s, request, think_s, service_s, cookie.

    Times count from the beginning of the log. Of sessions under way when it begins the rest is replayed; requests that
    belong to no session are sessions of one request without a cookie jar. A request whose service the log does not
    know, such as one that failed, gets the median of the others.

    Raises:
        InputError: The log has no service times at all.
    """
    requests = read.requests
    if found.service is None:
        hint = "fit without --trace, or log the upstream's time"
        raise InputError.of("the log has no service times, and a trace states one for each request", hint=hint)
    service_s = np.where(requests.service_s >= 0, requests.service_s, np.nan)
    whole = np.ones(len(requests), np.bool_)
    frame = trace_of(read, whole, requests.window_s[0], service_s, gap_s=found.visits.gap_s)
    frame["cookie"] = np.where(frame["cookie"], "true", "false")
    text = io.StringIO()
    frame.round({"start_s": 3, "think_s": 3, "service_s": 6}).to_csv(text, index=False, lineterminator="\n")
    return text.getvalue()


def trace_of(
    read: LogRead, inside: Flags, begin_s: float, service_s: Floats, *, gap_s: float = math.inf
) -> pd.DataFrame:
    """Return requests of a log as a trace, a row each in order of sessions, numbered from 1 by their starts.

    What is of nobody known is a session of one request. Requests that overlap follow one another at once.

    Args:
        read: The log; n requests.
        inside: Length n, which of them are replayed.
        begin_s: Where the replay begins, seconds since the log's epoch.
        service_s: Length n, what each demanded of its pod, s; where it is nan, the median of the others is taken.
        gap_s: Silence that ends a session.
    """
    requests = read.requests
    session = requests.session[inside]
    alone = session < 0
    # Each request without a session gets a number of its own, behind those of the sessions.
    key = np.where(alone, len(read.sessions) + np.cumsum(alone) - 1, session)
    sent_s = requests.sent_s[inside] - begin_s
    order = np.lexsort((sent_s, key))
    key, sent_s = key[order], sent_s[order]
    latest_s = latest_answers(key, sent_s + np.nan_to_num(requests.took_s[inside])[order])
    wait_s = sent_s[1:] - latest_s[:-1]
    follows = (key[1:] == key[:-1]) & (wait_s <= gap_s)
    first = np.append(True, ~follows)
    start_s = np.maximum(sent_s[first], 0.0)
    rank = np.empty(start_s.size, np.int64)
    rank[np.argsort(start_s, kind="stable")] = np.arange(1, start_s.size + 1)
    number = np.cumsum(first) - 1
    jar = np.concatenate([read.sessions.jar, np.zeros(int(alone.sum()), np.bool_)])
    service_s = service_s[inside][order]
    return pd.DataFrame(
        {
            "session": rank[number],
            "start_s": start_s[number],
            "request": np.arange(key.size) - np.flatnonzero(first)[number] + 1,
            "think_s": np.append(np.where(follows, np.maximum(wait_s, 0.0), 0.0), 0.0),
            "service_s": np.where(np.isnan(service_s), np.nanmedian(service_s), service_s),
            "cookie": jar[key],
        }
    ).sort_values(["session", "request"], kind="stable")
