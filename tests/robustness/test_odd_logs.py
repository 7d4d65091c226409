"""Odd logs, fitted: whatever a log holds, there are laws that a scenario takes, or one line that says why not.

Sessions of one request, no pause between requests, all at one moment, no times of the upstream, tails without a mean,
requests that overlap, half of them nobody's: drawn by a number, so that each case can be had again.
"""

import numpy as np
import pytest
from logs.quiet_runs import EPOCH

from simsticky.errors import InputError
from simsticky.logs.answer import to_json
from simsticky.logs.fit import fit
from simsticky.logs.fitted import Fit
from simsticky.logs.profile import profile_text, traffic_of
from simsticky.logs.requests import LoggedRequests, LogRead, PodLives, SessionKey, Sessions
from simsticky.logs.trace import trace_text
from simsticky.report.fit import blocks, data_of
from simsticky.report.render import csv, markdown, terminal
from simsticky.scenario.model import Traffic

COUNTS = [
    lambda r, n: r.geometric(0.2, n),
    lambda r, n: np.ones(n, int),
    lambda r, n: np.full(n, 7),
    lambda r, n: np.rint(2 * r.pareto(0.7, n) + 1).clip(1, 2000).astype(int),
]
THINKS = [
    lambda r, n: r.exponential(20, n),
    lambda r, n: np.zeros(n),
    lambda r, n: np.full(n, 30.0),
    lambda r, n: r.pareto(0.5, n),
    lambda r, n: -r.exponential(1, n),
]
SERVICES = [
    lambda r, n: r.lognormal(-3, 1, n),
    lambda r, n: np.zeros(n),
    lambda r, n: np.full(n, 0.05),
    lambda r, n: np.full(n, np.nan),
    lambda r, n: r.pareto(0.6, n),
    lambda r, n: np.rint(r.lognormal(-5, 1, n) * 1000) / 1000,
    lambda r, n: np.minimum(r.exponential(5, n), 10),
]


def odd(seed: int) -> LogRead:
    """Return a log of a number."""
    r = np.random.default_rng(seed)
    sessions, until_s = int(r.choice([5, 40, 200, 800])), float(r.choice([1, 60, 3600, 3 * 86400]))
    count = COUNTS[r.integers(len(COUNTS))](r, sessions)
    owner = np.repeat(np.arange(sessions), count)
    begin = r.uniform(0, until_s, sessions) if r.random() < 0.7 else np.zeros(sessions)
    think = THINKS[r.integers(len(THINKS))](r, owner.size)
    first = np.cumsum(count) - count
    think[first] = 0
    since = np.cumsum(think)
    sent = begin[owner] + since - since[first][owner]
    service = SERVICES[r.integers(len(SERVICES))](r, owner.size)
    sent = sent.round(int(r.choice([0, 3, 9])))
    order = np.argsort(sent, kind="stable")
    order = order[(sent[order] >= 0) & (sent[order] <= until_s)]
    sent, service = sent[order], service[order]
    numbers, session = np.unique(owner[order], return_inverse=True)
    session, m, n = session.astype(np.int64), max(numbers.size, 1), sent.size
    if r.random() < 0.2:
        session[r.random(n) < 0.3] = -1
    took = service.copy() if r.random() < 0.7 else np.full(n, np.nan)
    status = r.choice([200, 200, 500, 0], n).astype(np.int16)
    ends = (0.0, until_s) if r.random() < 0.5 or not n else (float(sent[0]), float(sent[-1]))
    requests = LoggedRequests(
        sent, took, service, session, r.integers(-1, 4, n), status, r.integers(0, 3, n).astype(np.int16),
        np.zeros(n, np.int16), r.integers(-1, 4, n), r.integers(-1, 4, n), EPOCH, tuple("abcd"), ("gw",), ends,
    )  # fmt: skip
    key = SessionKey(str(r.choice(["cookie", "client", "consumer"])), "sid", "weak", "why")
    none, never = np.zeros(m), np.zeros(m, np.bool_)
    found = Sessions(
        key, none, none, np.bincount(session[session >= 0], minlength=m), ~never, ~never,
        r.random(m) < r.choice([0, 0.5, 1]), r.random(m) < 0.7, 1800.0, float(r.choice([0, 1, 30, 1800])),
    )  # fmt: skip
    empty = np.zeros(0)
    lives = PodLives(empty, empty, empty, empty.astype(np.int64), empty.astype(np.bool_), empty.astype(np.bool_))
    return LogRead(requests, found, "kong-json", n, 0, [], (), [], lives)


def fitted(log: LogRead) -> Fit | str:
    """Return the fit of a log, or why there is none."""
    try:
        return fit(log)
    except InputError as error:
        return str(error)


def held(seed: int) -> bool:
    """Hold a log to what must be true of each; return whether it has laws."""
    log = odd(seed)
    found = fitted(log)
    if isinstance(found, str):
        assert "\n" not in found
        return False
    Traffic.model_validate(traffic_of(found))
    assert profile_text(found).startswith("# The traffic of a log")
    assert to_json(found).endswith("}\n")
    assert csv.render(data_of(found)).startswith("quantity,")
    assert "| sessions start |" in markdown.render(blocks(found))
    assert all(sum(len(text) for text, _ in line) <= 80 for line in terminal.render(blocks(found), 80))
    if found.service is not None:
        assert trace_text(log, found).count("\n") == len(log.requests) + 1
    return True


def test_an_odd_log_has_laws_or_a_reason():
    """Protects people with odd logs: a scenario takes the laws, everything can be printed; or one line says why not."""
    assert sum(held(seed) for seed in range(12)) >= 2


@pytest.mark.slow
def test_many_odd_logs_have_laws_or_a_reason():
    """The same of more than a hundred others."""
    assert sum(held(seed) for seed in range(12, 150)) >= 22
