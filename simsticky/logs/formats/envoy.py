"""JSON access logs of Envoy as Istio and Envoy Gateway write them: the gateway's lines, not those of sidecars."""

from typing import Any

from simsticky.logs.record import UNKNOWN_S, Format, Record, answered, first_of, without_port
from simsticky.logs.times import any_s

_NOT_THE_POD = frozenset(
    ("UF", "UH", "UT", "UC", "UO", "NR", "NC", "LR", "LH", "RL", "RLSE", "UAEX", "IH", "DPE", "SI", "DI", "FI", "DT")
)
"""Response flags with which the answer is Envoy's own."""

_COOKIES = ("cookie", "request_cookie", "req_cookie", "cookies")
_SET_COOKIES = ("set_cookie", "set-cookie", "response_set_cookie", "resp_set_cookie")
"""How fields are called by those who add them: ``%REQ(COOKIE)%`` and ``%RESP(SET-COOKIE)%``."""


class SidecarLineError(LookupError):
    """The line is a sidecar's: the same request stands in the gateway's log."""


def read(line: dict[str, Any]) -> Record:
    """Return the request of one object."""
    if str(line.get("upstream_cluster") or "").startswith("inbound|"):
        raise SidecarLineError
    status = int(line["response_code"])
    flags = set(_text(line.get("response_flags")).split(","))
    host = _text(line["upstream_host"])
    service = _text(line.get("upstream_service_time", line.get("x-envoy-upstream-service-time")))
    forwarded = _text(line.get("x_forwarded_for", line.get("x-forwarded-for")))
    remote = _text(line.get("downstream_remote_address", line.get("downstream_remote_address_without_port")))
    return Record(
        any_s(line["start_time"]),
        float(line["duration"]) / 1000.0,
        float(service) / 1000.0 if service else UNKNOWN_S,
        host if not flags & _NOT_THE_POD and (answered(status) or bool(service)) else "",
        status,
        int(_text(line.get("upstream_request_attempt_count")) or (1 if host else 0)),
        first_of(forwarded) or without_port(remote),
        _text(line.get("user_agent", line.get("user-agent"))),
        _first(line, _COOKIES),
        _first(line, _SET_COOKIES),
        other_headers=line,
        service=_text(line.get("upstream_cluster")),
    )


def _text(value: object) -> str:
    """Return a field's text; Envoy writes null or ``-`` for none."""
    return "" if value in (None, "-") else str(value)


def _first(line: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := _text(line.get(name)))), None)


FORMAT = Format(
    "envoy-json",
    "Envoy's JSON log (Istio, Envoy Gateway)",
    of_object=read,
    no_cookies="Istio's and Envoy Gateway's default fields have no cookies; add %REQ(COOKIE)% and %RESP(SET-COOKIE)%.",
)
