"""Runs whose logs are fitted: the scenario, and the columns that a reader would make of its log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from simsticky import simulate
from simsticky.logs.requests import LoggedRequests, LogRead, PodLives, SessionKey, Sessions
from simsticky.scenario.model import Scenario

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CERTAIN = SessionKey("cookie", "JSESSIONID", "certain", "one value is one session")


def quiet_run(section: dict[str, Any], until: str = "1h", replicas: int = 4) -> Scenario:
    """Return a quiet run of some traffic: sticky pods, no operation."""
    return Scenario.model_validate(
        {
            "name": "logged",
            "run": {
                "record": "requests",
                "seed": 5,
                "until": until,
                "horizon": until,
                "settle": "0s",
                "skewFloor": False,
            },
            "traffic": section,
            "deployment": {"replicas": replicas},
            "upstream": {
                "algorithm": "sticky-sessions",
                "hashOn": {"input": "none"},
                "stickySessions": {"cookie": "route"},
            },
        }
    )


def frames(scenario: Scenario, seed: int = 5) -> tuple[pd.DataFrame, pd.Series]:
    """Return the requests that were answered, in order of sending, and by session whether its client has a jar."""
    result = simulate(scenario, seed=seed)
    requests = result.requests
    requests = requests[np.isfinite(requests["ended_s"])].sort_values(["sent_s", "session"], kind="stable")
    return requests, result.sessions.set_index("session")["has_jar"].astype(bool)


def read_of(scenario: Scenario, *, seed: int = 5) -> LogRead:
    """Return what a reader would make of the run's log, to the millisecond.

    Sessions have a cookie of the application's, and clients without a jar are known by their address.
    """
    return columns(*frames(scenario, seed), (0.0, float(scenario.run.horizon)))


def columns(requests: pd.DataFrame, jars: pd.Series, window: tuple[float, float]) -> LogRead:
    """Return the same of the requests answered in a window of a run, from its frames."""
    first, last = window
    requests = requests[(requests["ended_s"] >= first) & (requests["ended_s"] <= last)]
    sent = requests["sent_s"].to_numpy().round(3)
    took = (requests["ended_s"] - requests["sent_s"]).to_numpy().round(3)
    names, session = np.unique(requests["session"].to_numpy(), return_inverse=True)
    jar = jars.reindex(names).to_numpy(bool)
    pod, pods = pd.factorize(requests["pod"].astype(str))
    begins = requests["request"].to_numpy() == 1
    keeps = jar[session]
    n = len(requests)
    counts = np.bincount(session)
    place = np.unique(session, return_index=True)[1]
    read = LoggedRequests(
        sent_s=sent,
        took_s=took,
        service_s=took.copy(),
        session=session.astype(np.int64),
        pod=pod.astype(np.int64),
        status=requests["status"].to_numpy(np.int16),
        attempts=requests["attempts"].to_numpy(np.int16),
        gateway=np.zeros(n, np.int16),
        cookie_in=np.where(keeps & ~begins, pod, -1).astype(np.int64),
        cookie_out=np.where(keeps & ~begins, -1, pod).astype(np.int64),
        epoch=EPOCH,
        pods=tuple(f"10.4.0.{number + 7}:8080" for number in range(len(pods))),
        gateways=("gw-a",),
        window_s=(first, last),
    )
    sessions = Sessions(
        key=CERTAIN,
        first_s=sent[place],
        last_s=pd.Series(sent).groupby(session).max().to_numpy(),
        requests=counts.astype(np.int64),
        started_in_window=begins[place],
        ended_in_window=np.ones(len(names), np.bool_),
        jar=jar,
        jar_known=counts > 1,
        gap_s=1800.0,
        quiet_s=_quiet(sent, took, session),
    )
    lives = PodLives(
        *(np.zeros(0) for _ in range(3)), np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0, np.bool_)
    )
    return LogRead(read, sessions, "kong-json", n, 0, [], (), [], lives)


def _quiet(sent: np.ndarray, took: np.ndarray, session: np.ndarray) -> float:
    """Return twice the time that one silence in a thousand exceeds, as readers do."""
    frame = pd.DataFrame({"session": session, "sent": sent, "end": sent + took})
    silence = frame["sent"] - frame.groupby("session")["end"].shift()
    return min(1800.0, 2 * float(silence.quantile(0.999)))
