"""Logs of runs of the simulator: as columns that readers would give, and as lines of Kong's JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from simsticky import simulate
from simsticky.logs.requests import LoggedRequests, LogRead, PodLives, SessionKey, Sessions
from simsticky.scenario.model import Scenario

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CERTAIN = SessionKey("cookie", "JSESSIONID", "certain", "one value is one session")


def traffic(section: dict[str, Any], until: str = "1h", replicas: int = 4) -> Scenario:
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


def read_of(scenario: Scenario, *, seed: int = 5, window: tuple[float, float] | None = None) -> LogRead:
    """Return what a reader would make of the run's log, to the millisecond; part of it, if a window is given.

    Sessions have a cookie of the application's, and clients without a jar are known by their address.
    """
    requests, jars = frames(scenario, seed)
    first, last = (0.0, float(scenario.run.horizon)) if window is None else window
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


def kong_lines(scenario: Scenario, *, seed: int = 5, window: tuple[float, float] | None = None) -> Iterator[str]:
    """Yield the run's log as Kong's file-log plugin writes it, with addresses, paths, cookies and user agents."""
    requests, jars = frames(scenario, seed)
    first, last = (0.0, float(scenario.run.horizon)) if window is None else window
    requests = requests[(requests["ended_s"] >= first) & (requests["ended_s"] <= last)]
    pods = {name: f"10.4.0.{number + 7}" for number, name in enumerate(pd.unique(requests["pod"].astype(str)))}
    started = EPOCH.timestamp()
    for row in requests.sort_values("ended_s").itertuples():
        client = int(row.session)
        address = f"172.20.{client // 250 % 250}.{client % 250 + 1}"
        agent = f"Mozilla/5.0 (X11; rv:{client % 40 + 90}.0) Firefox/{client % 40 + 90}.0"
        value = hashlib.sha256(f"s{client}".encode()).hexdigest()[:24]
        target = hashlib.sha256(pods[str(row.pod)].encode()).hexdigest()[:12]
        took_ms = round((row.ended_s - row.sent_s) * 1000)
        keeps, begins = bool(jars[client]), row.request == 1
        sent: dict[str, Any] = {"host": "shop.example.test", "user-agent": agent}
        answered: dict[str, Any] = {"content-type": "text/html"}
        if keeps and not begins:
            sent["cookie"] = f"JSESSIONID={value}; route={target}"
        else:
            given = value if keeps else hashlib.sha256(f"{client}.{row.request}".encode()).hexdigest()[:24]
            answered["set-cookie"] = [f"route={target}; Path=/; HttpOnly", f"JSESSIONID={given}; Path=/; HttpOnly"]
        yield json.dumps(
            {
                "started_at": round((started + row.sent_s) * 1000),
                "client_ip": address,
                "request": {"method": "GET", "uri": f"/cart/{client}?step={row.request}", "headers": sent, "size": 300},
                "response": {"status": int(row.status), "headers": answered, "size": 900},
                "latencies": {"request": took_ms, "kong": 0, "proxy": took_ms, "receive": 0},
                "tries": [{"ip": pods[str(row.pod)], "port": 8080, "balancer_latency": 0}],
                "upstream_status": str(int(row.status)),
                "service": {"name": "shop", "host": "shop.default.80.svc"},
                "route": {"name": "shop"},
            }
        )
