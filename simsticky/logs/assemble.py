"""From columns of hashes to what a log says: sorted, clocks set right, sessions, pods and rollouts found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from simsticky.errors import InputError
from simsticky.logs.columns import HAS_COOKIES, SAYS_SERVER, SERVER_DOWN, Columns, Raw
from simsticky.logs.keys import Choice
from simsticky.logs.lines import Counts
from simsticky.logs.pods import lives, rollouts, with_events
from simsticky.logs.record import Format
from simsticky.logs.requests import Flags, LoggedRequests, LogRead, Numbers, SessionKey
from simsticky.logs.seconds import spread
from simsticky.logs.sessions import Recovered, recover
from simsticky.logs.skew import Skew, corrected, find_skew
from simsticky.units import thousands

_STRAYS, _AWAY_S = 0.01, 7 * 86400.0
"""As many requests, that far from all others, are wrong dates."""
_LEAST_COVERED = 0.05
"""A key that was found in the first requests and is in fewer of all is none."""


def assemble(
    columns: Columns,
    choice: Choice,
    form: Format,
    counts: Counts,
    notes: list[str],
    stated_s: Sequence[tuple[float, float]],
    gap_s: float,
) -> LogRead:
    """Return what a log says.

    Args:
        columns: Its requests; they are taken out, so that they are not held twice.
        choice: What was kept of the lines.
        form: Of its lines.
        counts: What was read.
        notes: What is to be said of the lines.
        stated_s: Beginning and end of each stated operation, seconds since 1970.
        gap_s: Silence that ends a session.

    Raises:
        InputError: The stated key is in no request.
    """
    pods, gateways = tuple(columns.pods)[1:], tuple(columns.gateways)
    raw = columns.take()
    tick_s, on_seconds = spread(raw)
    _sort(raw)
    strayed = _drop_strays(raw)
    epoch_s = math.floor(raw["sent"][0])
    raw["sent"] -= epoch_s
    key, more = _key(raw, choice)
    if form.no_cookies and not (raw["flags"] & HAS_COOKIES).any():
        more.append(form.no_cookies)
    skews: list[Skew] = []
    unknown: list[int] = []
    if len(gateways) > 1:
        # Clocks an hour apart are a wrong zone: sessions must not be cut at that.
        skews, unknown = find_skew(raw, recover(raw, key, _window(raw), math.inf), len(gateways))
        corrected(raw, skews)
        _sort(raw)
    recovered = recover(raw, key, _window(raw), gap_s)
    window = _window(raw)
    of_pods, pauses_s = lives(raw, recovered.begins, window, len(pods))
    events = [(begin - epoch_s, end - epoch_s) for begin, end in stated_s]
    return LogRead(
        _requests(raw, recovered, epoch_s, pods, gateways, window, tick_s),
        recovered.sessions,
        form.name,
        counts.lines,
        counts.damage.count,
        counts.damage.first,
        with_events(rollouts(of_pods, pauses_s, window), events),
        [
            *choice.refused,
            *more,
            *_on_sessions(recovered),
            *_on_clocks(skews, unknown, gateways),
            *strayed,
            *on_seconds,
            *notes,
        ],
        of_pods,
        counts.others,
        choice.plan.sticky,
        choice.names_target,
    )


def _sort(raw: Raw) -> None:
    """Sort all columns by time, one after the other."""
    sent = raw["sent"]
    if bool((sent[1:] >= sent[:-1]).all()):
        return
    order = np.argsort(sent, kind="stable")
    for name in raw:
        raw[name] = raw[name][order]


def _drop_strays(raw: Raw) -> list[str]:
    """Take out the few first or last requests that a long silence divides from all others, and say so.

    One wrong date would stretch the log over years, and every rate with it.
    """
    sent = raw["sent"]
    few = int(len(sent) * _STRAYS)
    early = np.flatnonzero(np.diff(sent[: few + 1]) > _AWAY_S)
    late = np.flatnonzero(np.diff(sent[len(sent) - few - 1 :]) > _AWAY_S)
    first = int(early[-1]) + 1 if len(early) else 0
    last = len(sent) - few + int(late[0]) if len(late) else len(sent)
    count = first + len(sent) - last
    if not count:
        return []
    for name in raw:
        raw[name] = raw[name][first:last].copy()
    what = "request lies" if count == 1 else "requests lie"
    return [f"{count} {what} more than a week away from all others, left out as wrong dates."]


def _window(raw: Raw) -> tuple[float, float]:
    return float(raw["sent"][0]), float((raw["sent"] + np.nan_to_num(raw["took"])).max())


def _key(raw: Raw, choice: Choice) -> tuple[SessionKey, list[str]]:
    """Return what tells sessions apart, by the figures of the whole log, and what is to be said beside it."""
    kind, name = choice.plan.kind, choice.plan.name
    if not choice.quality:
        return SessionKey("none", "", "weak", choice.refused[-1] if choice.refused else "Nothing tells them."), []
    covered = float(((raw["key_in"] != 0) | (raw["key_out"] != 0)).mean())
    key = SessionKey(kind, name, choice.quality, "")
    if covered == 0 and choice.stated:
        hint = "the log may not hold it, or under another name"
        raise InputError.of(f"no request has {key}", path="--session-key", hint=hint)
    if covered < _LEAST_COVERED and not choice.stated and kind != "client":
        said = f"{key} is in {100 * covered:.1f} % of the requests only, so address and user agent were taken instead."
        raw["key_in"], raw["key_out"] = raw["client"].copy(), np.zeros_like(raw["key_out"])
        return replace(SessionKey("client", "", "weak", ""), evidence=_evidence(raw, "client", "", 1.0, False)), [said]
    return replace(key, evidence=_evidence(raw, kind, name, covered, choice.stated)), []


def _evidence(raw: Raw, kind: str, name: str, covered: float, stated: bool) -> str:
    came = raw["key_in"][raw["key_in"] != 0]
    values = len(np.unique(came))
    what = {
        "cookie": f"The cookie {name}",
        "header": f"The header {name}",
        "consumer": "The gateway's consumer",
        "client": "The client's address" if name else "The client's address with its user agent",
    }[kind]
    each = len(came) / values if values else 0.0
    asked = "as --session-key says" if stated else "found in the log"
    return (
        f"{what} ({asked}) is in {100 * covered:.3g} % of the requests, with {thousands(values)} values of "
        f"{each:.3g} requests on average."
    )


def _on_clocks(skews: Sequence[Skew], unknown: Sequence[int], gateways: Sequence[str]) -> list[str]:
    notes = [
        f"The clock of {gateways[skew.gateway]} is {abs(skew.ahead_s):.2f} s "
        f"{'ahead of' if skew.ahead_s > 0 else 'behind'} that of {gateways[0]}, within {skew.within_s:.2g} s (from "
        f"{thousands(skew.pauses)} pauses of sessions between them); its times were set right by that."
        for skew in skews
    ]
    if unknown:
        several = ", ".join(gateways[number] for number in unknown[:3]) + (", ..." if len(unknown) > 3 else "")
        notes.append(
            f"Whether the clocks of {several} agree with that of {gateways[0]} cannot be seen: too few sessions were "
            "given their cookie by one gateway and brought it to the other."
        )
    return notes


def _on_sessions(recovered: Recovered) -> list[str]:
    sessions = recovered.sessions
    if not len(sessions):
        return []
    notes = []
    nobody = float((recovered.number < 0).mean())
    if nobody >= 0.001:
        notes.append(
            f"{100 * nobody:.1f} % of the requests belong to no session: nothing in them tells whose they are."
        )
    if sessions.key.quality == "weak":
        notes.append(
            f"Sessions by {sessions.key} are a guess: people behind one address count as one, and one person on two "
            "networks as two."
        )
    return notes


def _requests(
    raw: Raw,
    recovered: Recovered,
    epoch_s: float,
    pods: tuple[str, ...],
    gateways: tuple[str, ...],
    window_s: tuple[float, float],
    tick_s: float,
) -> LoggedRequests:
    """Return the requests as columns of numbers; the hashes go one after the other."""
    for name in ("key_in", "key_out", "client"):
        del raw[name]
    values = np.unique(np.concatenate([np.unique(raw["cookie_in"]), np.unique(raw["cookie_out"])]))
    values = values[values != 0]
    flags = raw.pop("flags")
    says = bool((flags & SAYS_SERVER).any())
    down: Flags = (flags & SERVER_DOWN) != 0 if says else np.zeros(0, np.bool_)
    return LoggedRequests(
        sent_s=raw.pop("sent"),
        took_s=raw.pop("took").astype(np.float64),
        service_s=raw.pop("service").astype(np.float64),
        session=recovered.number,
        pod=raw.pop("pod").astype(np.int64),
        status=raw.pop("status"),
        attempts=raw.pop("attempts"),
        gateway=raw.pop("gateway"),
        cookie_in=_numbers(raw.pop("cookie_in"), values),
        cookie_out=_numbers(raw.pop("cookie_out"), values),
        epoch=datetime.fromtimestamp(epoch_s, UTC),
        pods=pods,
        gateways=gateways,
        window_s=window_s,
        server_down=down,
        tick_s=tick_s,
    )


def _numbers(hashes: np.ndarray, values: np.ndarray) -> Numbers:
    numbers: Numbers = np.where(hashes != 0, np.searchsorted(values, hashes), -1).astype(np.int64)
    return numbers
