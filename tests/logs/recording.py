"""A log of a simulated run: what Kong's file-log would have written of it, so that fits can be held to the truth."""

from collections.abc import Iterator

import pandas as pd
from logs.traffic import AGENTS, BEGIN_S, Request, target_cookie

from simsticky.results.result import Result


def requests_of(result: Result) -> list[Request]:
    """Return the requests of a result recorded with ``record: requests``, as a log of them would tell.

    The gateway's cookie names the target; the pod sets another one of its own where it knows no state of the client.
    Requests that had no answer when the run ended are in no log.
    """
    rows = result.requests[result.requests["ended_s"].notna()]
    jars = dict(zip(result.sessions["session"], result.sessions["has_jar"], strict=True))
    found = [
        request
        for session, own in rows.groupby("session", sort=False)
        for request in _of_session(int(session), own, bool(jars.get(session, True)))
    ]
    return sorted(found, key=lambda each: each.end_s)


def _of_session(session: int, rows: pd.DataFrame, jar: bool) -> Iterator[Request]:
    client = f"203.{session // 62500 % 250}.{session // 250 % 250}.{session % 250 + 1}"
    sticky, app, states = "", "", 0
    for row in rows.sort_values("request").itertuples():
        pod = address_of(str(row.pod)) if row.outcome == "answered" else ""
        given = target_cookie(pod) if pod and (not jar or sticky != target_cookie(pod)) else ""
        lost = pod and (not jar or not app or row.broke == "lost")
        states += bool(lost)
        request = Request(
            BEGIN_S + row.sent_s, row.ended_s - row.sent_s, max(row.ended_s - row.started_s, 0.0), session, pod,
            int(row.status), str(row.node), client, AGENTS[session % len(AGENTS)],
            sticky if jar else "", given, app if jar else "", f"{session:024X}{states:08X}" if lost else "",
        )  # fmt: skip
        sticky, app = given or sticky, request.app_out or app
        yield request


def address_of(pod: str) -> str:
    """Return an address for a pod's name, the same each time, different for each."""
    number = int.from_bytes(target_cookie(pod).encode()[:6], "big")
    return f"10.{number % 250}.{number // 250 % 250}.{number // 62500 % 250 + 1}:8080"
