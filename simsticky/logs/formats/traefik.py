"""Traefik's access log, as JSON or in its own extension of the common log format."""

import re
from typing import Any

from simsticky.logs.formats.combined import QUOTED, START
from simsticky.logs.record import UNKNOWN_S, Format, Record, Text, answered, first_of
from simsticky.logs.times import any_s, clf_s

_LINE = re.compile(rf"{START} {QUOTED} {QUOTED} \d+ {QUOTED} {QUOTED} (\d+)ms\s*", re.ASCII)
_PREFIX = "request_"


def read(line: dict[str, Any]) -> Record:
    """Return the request of one object. Durations are nanoseconds; headers are there only if they are kept."""
    status = int(line["DownstreamStatus"])
    address = str(line.get("ServiceAddr") or "")
    served = address and int(line.get("OriginStatus") or 0) > 0 and answered(status)
    headers = _headers(line)
    return Record(
        any_s(line.get("StartUTC") or line["StartLocal"]),
        float(line["Duration"]) / 1e9,
        float(line["OriginDuration"]) / 1e9 if served and "OriginDuration" in line else UNKNOWN_S,
        address if served else "",
        status,
        int(line.get("RetryAttempts") or 0) + (1 if address else 0),
        first_of(str(headers.get("x-forwarded-for", ""))) or str(line.get("ClientHost") or ""),
        str(headers.get("user-agent", "")),
        headers.get("cookie"),
        _set_cookie(line),
        str(line.get("ClientUsername") or "").removeprefix("-"),
        headers,
        service=str(line.get("ServiceName") or ""),
    )


def _headers(line: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(_PREFIX).lower(): value for name, value in line.items() if name.startswith(_PREFIX)}


def _set_cookie(line: dict[str, Any]) -> Text:
    """Return what Traefik sent to the client; ``origin_`` is what came from the pod."""
    return line.get("downstream_Set-Cookie") or line.get("origin_Set-Cookie")


def read_text(line: str) -> Record:
    """Return the request of one line of text: whole seconds of its start, and milliseconds of its duration."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("not a line of Traefik")
    client, moment, status, _, agent, _, url, took = found.groups()
    pod = url.partition("://")[2].rstrip("/") if answered(int(status)) else ""
    return Record(clf_s(moment), int(took) / 1000.0, UNKNOWN_S, pod, int(status), 1 if url != "-" else 0, client, agent)


FORMAT = Format(
    "traefik-json",
    "Traefik's JSON log",
    of_object=read,
    no_cookies="Traefik logs cookies only where accessLog.fields.headers keeps Cookie and Set-Cookie.",
)
TEXT = Format(
    "traefik",
    "Traefik's log in the common format",
    of_text=read_text,
    notes=("This format has whole seconds and no cookies: sessions are a guess from address and user agent.",),
)
