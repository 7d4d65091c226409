"""nginx's log as JSON (``log_format ... escape=json``), whose fields are called as nginx's variables are.

What a log needs for sessions: ``msec`` (or ``time_iso8601``, ``time_local``), ``status``, ``request_time``,
``upstream_addr``, ``upstream_response_time``, ``remote_addr``, ``http_user_agent``, ``http_cookie`` (or
``cookie_NAME``) and ``sent_http_set_cookie``.
"""

from typing import Any

from simsticky.logs.formats.nginx_lists import entries, seconds
from simsticky.logs.record import UNKNOWN_S, Format, Record, answered, first_of
from simsticky.logs.times import any_s, clf_s

_HEADER, _COOKIE = "http_", "cookie_"


def read(line: dict[str, Any]) -> Record:
    """Return the request of one object, which is written when the answer has been sent."""
    status = int(line["status"])
    took = _seconds(line.get("request_time"))
    tried = entries(_text(line.get("upstream_addr")))
    served = tried and answered(status)
    services = entries(_text(line.get("upstream_response_time")))
    headers = {name.removeprefix(_HEADER).replace("_", "-"): line[name] for name in line if name.startswith(_HEADER)}
    ended = _moment(line)
    return Record(
        ended - took if took == took else ended,  # nan differs from itself
        took,
        seconds(services[-1]) if served and services else UNKNOWN_S,
        tried[-1] if served else "",
        status,
        len(tried),
        first_of(_text(headers.get("x-forwarded-for"))) or _text(line["remote_addr"]),
        _text(headers.get("user-agent")),
        _cookies(line, headers),
        _text(line.get("sent_http_set_cookie")) or None,
        _text(line.get("remote_user")),
        headers,
        _text(line.get("hostname")),
        _text(line.get("proxy_upstream_name") or line.get("proxy_host")),
    )


def _moment(line: dict[str, Any]) -> float:
    if local := line.get("time_local"):
        return clf_s(local)
    return any_s(line["msec"] if "msec" in line else line["time_iso8601"])


def _cookies(line: dict[str, Any], headers: dict[str, Any]) -> str | None:
    """Return the request's cookies, from its header or one by one."""
    if whole := _text(headers.get("cookie")):
        return whole
    pairs = [(name.removeprefix(_COOKIE), _text(value)) for name, value in line.items() if name.startswith(_COOKIE)]
    return "; ".join(f"{name}={value}" for name, value in pairs if value) or None


def _text(value: object) -> str:
    return "" if value in (None, "-") else str(value)


def _seconds(value: object) -> float:
    return float(text) if (text := _text(value)) else UNKNOWN_S


FORMAT = Format(
    "nginx-json",
    "nginx's log as JSON",
    of_object=read,
    no_cookies="This log has no cookies; add $http_cookie and $sent_http_set_cookie to its log_format.",
)
