"""A log made into a scenario: its sessions as a trace, its rollouts as the timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from simsticky.errors import InputError
from simsticky.logs.requests import LogRead, Rollout
from simsticky.logs.trace import trace_of
from simsticky.logs.watched import FAILED, Watched
from simsticky.scenario.model import Scenario

if TYPE_CHECKING:
    import pandas as pd

Flags = npt.NDArray[np.bool_]

_LAWS = ("sessions", "requests", "think", "service", "sessionDuration", "clientRate", "rps", "session")
"""What a trace stands for, as keys of ``traffic``."""

_VERBS: Mapping[str, tuple[str, ...]] = {
    "rollout": ("rollout", "rollback", "canary", "switchService"),
    "replacement": ("deletePod", "crash", "drainNode", "spot", "shutdownNode", "nodeLoss"),
    "scale-down": ("scale",),
    "scale-up": ("scale",),
}
"""Which operations of a timeline look in a log like what."""

_UNKNOWN_POD = 0.05
"""Share of answers by nobody knows whom above which a log cannot say what moved."""


@dataclass(frozen=True, eq=False)
class Replay:
    """What of a log can be replayed.

    Attributes:
        log: What was seen, seconds since ``begins_s`` of the log.
        begins_s: Where the part of the log that is replayed begins, seconds since the log's epoch.
        end_s: Where it ends, seconds since ``begins_s``.
        rollouts: The rollouts in it, in order of time; at least one.
        trace: The sessions, as :mod:`simsticky.workload.trace` reads them.
        bound: Of each session of the trace, in its order, whether it is one that stays where it is.
        pods: How many pods there are when it begins.
        down: Sessions of which the gateway itself says that their server was down; None where it has no such word.
        notes: What a reader of the figures should know, as sentences.
    """

    log: Watched
    begins_s: float
    end_s: float
    rollouts: tuple[Rollout, ...]
    trace: pd.DataFrame
    bound: Flags
    pods: int
    down: int | None
    notes: tuple[str, ...]


def replay_of(log: LogRead) -> Replay:
    """Return what of a log can be replayed.

    Raises:
        InputError: Nothing can: it does not tell sessions apart, or which pod answered, or shows no whole rollout.
    """
    _refuse_what_is_blind(log)
    rollouts, (begin, end), notes = _whole_rollouts(log)
    requests, sessions = log.requests, log.sessions
    # What the gateway answered itself, a redirect or a bad request, reached no pod and is no part of the traffic.
    own = (requests.pod < 0) & (requests.attempts == 0) & ~np.isin(requests.status, FAILED)
    inside = (requests.sent_s >= begin) & (requests.sent_s <= end) & ~own
    known = requests.session >= 0
    stays = np.where(known, sessions.jar[np.maximum(requests.session, 0)], False)
    failed = np.isin(requests.status, FAILED)
    took_s = np.where(np.isnan(requests.took_s), np.nan_to_num(requests.service_s), requests.took_s)
    watched = Watched(
        session=np.where(stays, requests.session, -1)[inside],
        sent_s=requests.sent_s[inside] - begin,
        ended_s=(requests.sent_s + took_s)[inside] - begin,
        pod=np.where(failed, -1, requests.pod)[inside],
        failed=failed[inside],
        leaving=tuple(rollout.old for rollout in rollouts),
        coming=tuple(rollout.new for rollout in rollouts),
        tick_s=requests.tick_s,
    )
    trace = trace_of(log, inside, begin, _services(log, inside))
    # The model numbers sessions by their starts, too.
    bound = trace["cookie"].to_numpy()[trace["request"].to_numpy() == 1]
    first = rollouts[0].started_s - begin
    there = np.unique(watched.pod[(watched.pod >= 0) & (watched.sent_s < first)])
    came = {pod for rollout in rollouts for pod in rollout.new}
    down = None
    if len(requests.server_down):
        down = len(np.unique(requests.session[requests.server_down & inside & stays]))
    alone = int((~stays & inside).sum())
    if alone:
        notes.append(f"{alone} of {int(inside.sum())} requests are of clients without cookies, or of nobody known: they"
                     " are replayed, and not counted as moved")  # fmt: skip
    return Replay(watched, begin, end - begin, rollouts, trace, bound, len(set(there.tolist()) - came), down,
                  tuple(notes))  # fmt: skip


def _refuse_what_is_blind(log: LogRead) -> None:
    key = log.sessions.key
    if key.kind == "none" or not len(log.sessions):
        raise InputError.of(
            f"this log does not tell sessions apart: {key.evidence}",
            hint="name what does with --session-key, for example cookie:JSESSIONID, or log such a cookie",
        )
    answered = ~np.isin(log.requests.status, FAILED) & (log.requests.attempts > 0)
    unknown = int((answered & (log.requests.pod < 0)).sum())
    if unknown > _UNKNOWN_POD * max(1, int(answered.sum())):
        raise InputError.of(
            f"of {unknown} of {int(answered.sum())} answers the log ({log.format}) does not say which pod gave them",
            hint="a move cannot be seen then; log the upstream's address",
        )


def _whole_rollouts(log: LogRead) -> tuple[tuple[Rollout, ...], tuple[float, float], list[str]]:
    """Return the rollouts that the log shows whole, the part of it that holds no other, and what was left out.

    Raises:
        InputError: There is none.
    """
    begin, end = log.requests.window_s
    notes: list[str] = []
    kept: list[Rollout] = []
    for rollout in log.rollouts:
        if rollout.kind == "event":
            notes.append("no address came or went at a stated moment: nothing is replayed there")
        elif not rollout.cut:
            kept.append(rollout)
        elif rollout.source == "events" and rollout.started_s > begin:
            kept.append(replace(rollout, kind=_kind(rollout)))
            notes.append("a rollout near an edge of the log is taken for whole, since its beginning is stated")
        elif not kept:
            begin = max(begin, rollout.ended_s)
            notes.append("the log begins in mid-rollout; it is replayed from that one's end on")
        else:
            end = min(end, rollout.started_s)
            notes.append("the log ends in mid-rollout; it is replayed up to that one's beginning")
    if not kept:
        what = "the log begins or ends within its only rollout" if log.rollouts else "no pod came or went in this log"
        raise InputError.of(
            f"{what}: there is nothing to compare a prediction with",
            hint="give logs that begin before a rollout and end after it; several files are read as one",
        )
    return tuple(kept), (begin, end), notes


def _kind(rollout: Rollout) -> str:
    """Return what a stated operation was, by who came and went."""
    if not rollout.new:
        return "scale-down"
    if not rollout.old:
        return "scale-up"
    return "rollout" if len(rollout.old) == len(rollout.new) else "replacement"


def _services(log: LogRead, inside: Flags) -> npt.NDArray[np.float64]:
    """Return what each request demanded of its pod, nan where it failed; the whole wait where no more is known.

    Raises:
        InputError: The log knows it of none.
    """
    requests = log.requests
    known_s = np.where(np.isnan(requests.service_s), requests.took_s, requests.service_s)
    known_s = np.where(np.isin(requests.status, FAILED), np.nan, known_s)
    if np.isnan(known_s[inside]).all():
        raise InputError.of("the log does not say how long requests took", hint="log the upstream's response time")
    return known_s


def scenario_of(
    scenario: Scenario, replay: Replay, trace: Path, at_s: Sequence[float]
) -> tuple[Scenario, tuple[str, ...]]:
    """Return the scenario with the log's sessions, pods and rollouts instead of its own, and what was changed.

    Args:
        scenario: What is to be tested.
        replay: The log.
        trace: Where its trace stands, as a CSV file.
        at_s: When each rollout is done.

    Raises:
        InputError: The scenario has what no access log shows request by request.
    """
    if scenario.traffic.connections.long_lived:
        raise InputError.of(
            "a log has a line a connection, and the scenario's sessions send many messages on one",
            path="traffic.connections",
            hint="backtest the requests: set traffic.connections to one a request",
        )
    whole = scenario.to_json_dict()
    notes = []
    traffic = {key: value for key, value in whole["traffic"].items() if key not in _LAWS}
    whole["traffic"] = {**traffic, "trace": str(trace), "onFailure": {"action": "continue"}, "tabs": 1}
    if scenario.deployment.replicas != replay.pods:
        notes.append(f"{replay.pods} pods, as in the log: the scenario has {scenario.deployment.replicas}")
        whole["deployment"]["replicas"] = replay.pods
    if scenario.autoscaler is not None:
        notes.append("no autoscaler: what it did in the log is replayed")
        whole["autoscaler"] = None
    whole["timeline"] = _timeline(whole["timeline"], replay, scenario.deployment.name, at_s)
    whole["run"] = {
        **whole["run"],
        "start": "empty",
        "settle": 0.0,
        "until": replay.end_s + 1.0,
        "horizon": replay.end_s + 2.0,
        "record": "requests",
        "skewFloor": False,
    }
    whole["thresholds"] = {}
    return Scenario.model_validate(whole), tuple(notes)


def _timeline(
    own: Sequence[Mapping[str, Any]], replay: Replay, deployment: str, at_s: Sequence[float]
) -> list[dict[str, Any]]:
    """Return the log's rollouts as a timeline: the scenario's own entries where it has such ones, moved there."""
    unused = {kind: [entry for entry in own if any(verb in entry for verb in verbs)] for kind, verbs in _VERBS.items()}
    pods = replay.pods
    entries = []
    for rollout, moment in zip(replay.rollouts, at_s, strict=True):
        pods += len(rollout.new) - len(rollout.old)
        like = unused[rollout.kind]
        # The last one stands for all that follow.
        entry = dict(like.pop(0) if len(like) > 1 else like[0]) if like else _entry(rollout, deployment, pods)
        if "scale" in entry:
            entry["replicas"] = pods
        entries.append({**{key: entry[key] for key in entry if key not in ("every", "times")}, "at": moment})
    return entries


def _entry(rollout: Rollout, deployment: str, pods: int) -> dict[str, Any]:
    if rollout.kind == "rollout":
        return {"rollout": deployment}
    if rollout.kind == "replacement":
        return {"deletePod": deployment, "count": len(rollout.old)}
    return {"scale": deployment, "replicas": pods}
