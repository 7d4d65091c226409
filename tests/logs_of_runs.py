"""Logs that the model itself wrote: a replication's requests as the readers of access logs give them."""

from datetime import UTC, datetime

import numpy as np

from simsticky.logs.requests import LoggedRequests, LogRead, PodLives, Rollout, SessionKey, Sessions
from simsticky.results.result import Result

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CERTAIN = SessionKey("cookie", "sid", "certain", "each value of the cookie sid is one session")


def log_of(result: Result, end_s: float, kinds: tuple[str, ...], *, key: SessionKey = CERTAIN) -> LogRead:
    """Return the log of a replication up to ``end_s``; its operations are what ``kinds`` says."""
    frame = result.requests
    frame = frame[(frame["sent_s"] <= end_s) & (frame["outcome"] != "unfinished")]
    names = list(dict.fromkeys(frame["pod"].dropna()))
    number = {name: at for at, name in enumerate(names)}
    sent_s = frame["sent_s"].to_numpy()
    session = frame["session"].to_numpy()
    status = frame["status"].to_numpy()
    pod = np.array([number.get(name, -1) for name in frame["pod"]])
    pod[status != 200] = -1
    first_request = frame["request"].to_numpy() == 1
    count = int(session.max()) + 1
    jar = np.ones(count, bool)
    shown = result.sessions[result.sessions["session"] < count]
    jar[shown["session"]] = shown["has_jar"]
    requests = LoggedRequests(
        sent_s=sent_s,
        took_s=(frame["ended_s"] - frame["sent_s"]).to_numpy(),
        service_s=(frame["ended_s"] - frame["sent_s"]).to_numpy(),
        session=session,
        pod=pod,
        status=status,
        attempts=frame["attempts"].to_numpy().astype(np.int16),
        gateway=np.zeros(len(frame), np.int16),
        cookie_in=np.where(first_request, -1, session),
        cookie_out=np.where(first_request, session, -1),
        epoch=EPOCH,
        pods=tuple(names),
        gateways=("kong-1",),
        window_s=(0.0, end_s),
    )
    return LogRead(
        requests=requests,
        sessions=_sessions(requests, count, jar, key),
        format="kong-json",
        lines=len(frame),
        damaged=0,
        first_damaged=[],
        rollouts=_rollouts(result, requests, number, kinds),
        notes=[],
        pod_lives=_lives(requests, first_request),
    )


def _sessions(requests: LoggedRequests, count: int, jar: np.ndarray, key: SessionKey) -> Sessions:
    first_s, last_s = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first_s, requests.session, requests.sent_s)
    np.maximum.at(last_s, requests.session, requests.sent_s)
    whole = np.ones(count, bool)
    counts = np.bincount(requests.session, minlength=count)
    return Sessions(key, first_s, last_s, counts, whole, whole, jar, counts > 1, 1800.0, 60.0)


def _lives(requests: LoggedRequests, first_request: np.ndarray) -> PodLives:
    pods = range(len(requests.pods))
    own = [requests.sent_s[requests.pod == pod] for pod in pods]
    new = [requests.sent_s[(requests.pod == pod) & first_request] for pod in pods]
    return PodLives(
        first_s=np.array([times.min() for times in own]),
        last_s=np.array([times.max() for times in own]),
        last_new_s=np.array([times.max() if len(times) else np.nan for times in new]),
        requests=np.array([len(times) for times in own]),
        came=np.array([times.min() > 10.0 for times in own]),
        left=np.array([times.max() < requests.window_s[1] - 10.0 for times in own]),
    )


def _rollouts(
    result: Result, requests: LoggedRequests, number: dict[str, int], kinds: tuple[str, ...]
) -> tuple[Rollout, ...]:
    """Return the operations as a log shows them: pods that answered and went, and those that came."""
    starts = [*result.operations["start_s"], np.inf]
    found = []
    for at, kind in enumerate(kinds):
        pods = result.pods[result.pods["pod"].isin(number)]
        old = [number[pod] for pod in pods["pod"][pods["deleted_by"] == at + 1]]
        created = pods["created_s"].between(starts[at], starts[at + 1], inclusive="left")
        new = [number[pod] for pod in pods["pod"][created]]
        signs = [requests.sent_s[requests.pod == pod].min() for pod in new]
        gone = [requests.sent_s[requests.pod == pod].max() for pod in old]
        begins = [requests.sent_s[(requests.pod == pod) & (requests.cookie_in < 0)].max() for pod in old]
        found.append(Rollout(kind, min(signs or begins), max(gone or signs), tuple(old), tuple(new)))
    return tuple(found)
