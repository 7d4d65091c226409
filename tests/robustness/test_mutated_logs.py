"""Spoilt logs by the thousand: each is read or refused with a place, whatever the format, and never anything else."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from logs import writers
from logs.traffic import Request, traffic

from simsticky.errors import InputError
from simsticky.logs.read import read_logs
from simsticky.logs.requests import LogRead

WRITERS: list[Callable[[Request], str]] = [
    writers.kong,
    lambda request: writers.envoy(request, cookies=True),
    writers.traefik,
    writers.haproxy,
    writers.ingress_nginx,
    writers.aws_alb,
    writers.nginx_sticky,
    writers.nginx_json,
    writers.traefik_text,
    writers.combined,
    lambda request: writers.cri(writers.kong(request), request, piece=300),
    lambda request: writers.docker(writers.haproxy(request), request, piece=100),
    lambda request: writers.logcli_jsonl(writers.kong(request), request),
]
VALUES = [None, True, -1, 0, 1e308, float("nan"), 10**30, "", "x", "-", [], [1], {}, {"a": 1}, "\ud800", "9" * 400]
MADE = traffic(25, requests=4)


def spoilt(seed: int) -> bytes:
    """Return a log with some of its lines spoilt, the number telling which and how."""
    luck = random.Random(seed)
    write = WRITERS[seed % len(WRITERS)]
    lines = [write(each) for each in MADE]
    for _ in range(luck.randint(1, 30)):
        place = luck.randrange(len(lines))
        lines[place] = luck.choice([bytewise, cut, of_values, of_values, repeated])(lines[place], luck)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def bytewise(line: str, luck: random.Random) -> str:
    place = luck.randrange(len(line) + 1)
    return (
        line[:place]
        + chr(luck.choice([0, 10, 34, 44, 45, 58, 92, 123, 125, 0xFFFD, luck.randrange(32, 127)]))
        + (line[place + luck.randint(0, 3) :])
    )


def cut(line: str, luck: random.Random) -> str:
    return line[: luck.randrange(len(line) + 1)] if luck.random() < 0.5 else line[luck.randrange(len(line) + 1) :]


def repeated(line: str, luck: random.Random) -> str:
    return line * luck.randint(2, 3)


def of_values(line: str, luck: random.Random) -> str:
    """Return a line in which one value of its JSON, or one word of its text, is another."""
    try:
        value = json.loads(line)
    except ValueError:
        words = line.split(" ")
        words[luck.randrange(len(words))] = luck.choice(["", "-", "-1", "99999999999999999999", "nan", '"', "[", "1,2"])
        return " ".join(words)
    places = list(_places(value))
    if not places:
        return line
    holder, key = luck.choice(places)
    if luck.random() < 0.3 and isinstance(holder, dict):
        del holder[key]
    else:
        holder[key] = luck.choice(VALUES)
    return json.dumps(value)


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def holds_together(log: LogRead) -> None:
    """What must be true of whatever was read."""
    requests, sessions = log.requests, log.sessions
    count = len(requests)
    for column in ("took_s", "service_s", "session", "pod", "status", "attempts", "gateway", "cookie_in", "cookie_out"):
        assert len(getattr(requests, column)) == count
    assert np.isfinite(requests.sent_s).all()
    assert (np.diff(requests.sent_s) >= 0).all()
    assert requests.session.max(initial=-1) == len(sessions) - 1
    assert requests.pod.max(initial=-1) == len(requests.pods) - 1
    assert requests.gateway.max(initial=-1) == len(requests.gateways) - 1
    assert sessions.requests.sum() == (requests.session >= 0).sum()
    assert (sessions.last_s >= sessions.first_s).all()
    assert all(log.describe())


def read_or_refused(seed: int, folder: Path) -> str:
    path = folder / "access.log"
    path.write_bytes(spoilt(seed))
    try:
        log = read_logs(path, max_damaged=1.0)
    except InputError:
        return "refused"
    holds_together(log)
    return "read"


def test_spoilt_logs_are_read_or_refused(tmp_path: Path) -> None:
    """Protects users from a traceback where a line number belongs."""
    outcomes = [read_or_refused(seed, tmp_path) for seed in range(240)]
    assert outcomes.count("read") > 200


@pytest.mark.slow
def test_a_thousand_spoilt_logs_are_read_or_refused(tmp_path: Path) -> None:
    """The same, further."""
    for seed in range(240, 1500):
        read_or_refused(seed, tmp_path)
