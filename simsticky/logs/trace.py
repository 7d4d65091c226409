"""The sessions of a log as a trace, for exact replay: ``traffic.trace`` reads it (:mod:`simsticky.workload.trace`).

Sessions are numbered in the order in which they start; nothing else of who they were is kept.
"""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from simsticky.errors import InputError
from simsticky.logs.fitted import Fit
from simsticky.logs.requests import LogRead
from simsticky.logs.visits import latest_answers


def trace_text(read: LogRead, found: Fit) -> str:
    """Return every request of a log as CSV: session, start_s, request, think_s, service_s, cookie.

    Times count from the beginning of the log. Of sessions under way when it begins the rest is replayed; requests that
    belong to no session are sessions of one request without a cookie jar. A request whose service the log does not
    know, such as one that failed, gets the median of the others.

    Raises:
        InputError: The log has no service times at all.
    """
    requests, gap_s = read.requests, found.visits.gap_s
    if found.service is None:
        hint = "fit without --trace, or log the upstream's time"
        raise InputError.of("the log has no service times, and a trace states one for each request", hint=hint)
    alone = requests.session < 0
    # Each request without a session gets a number of its own, behind those of the sessions.
    key = np.where(alone, len(read.sessions) + np.cumsum(alone), requests.session)
    order = np.lexsort((requests.sent_s, key))
    key, sent = key[order], requests.sent_s[order] - requests.window_s[0]
    took = np.nan_to_num(requests.took_s[order], nan=0.0)
    latest = latest_answers(key, sent + took)
    wait = sent[1:] - latest[:-1]
    follows = (key[1:] == key[:-1]) & (wait <= gap_s)
    first = np.concatenate([[True], ~follows])
    start_s = np.maximum(sent[first], 0.0)
    rank = np.empty(start_s.size, np.int64)
    rank[np.argsort(start_s, kind="stable")] = np.arange(1, start_s.size + 1)
    session = np.cumsum(first) - 1
    service = requests.service_s[order]
    usual = float(np.nanmedian(np.where(service >= 0, service, np.nan)))
    kept = np.concatenate([read.sessions.jar, np.zeros(int(alone.sum()) + 1, np.bool_)])
    frame = pd.DataFrame(
        {
            "session": rank[session],
            "start_s": start_s[session].round(3),
            "request": np.arange(key.size) - np.flatnonzero(first)[session] + 1,
            "think_s": np.append(np.where(follows, np.maximum(wait, 0.0), 0.0), 0.0).round(3),
            "service_s": np.where(service >= 0, service, usual).round(6),
            "cookie": np.where(kept[key], "true", "false"),
        }
    ).sort_values(["session", "request"], kind="stable")
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n")
    return text.getvalue()
