"""Kong's file-log, http-log, tcp-log: one JSON object a request (``pdk/log.lua``), or arrays of them in a batch."""

from typing import Any

from simsticky.logs.record import UNKNOWN_S, Format, Record, answered, first_of
from simsticky.logs.times import epoch_s


def read(line: dict[str, Any]) -> Record:
    """Return the request of one object.

    ``latencies.proxy`` is the wait for the last attempt's first byte, ``receive`` for the rest of it.
    """
    request = line["request"]
    latencies = line["latencies"]
    headers = request["headers"]
    tries = line.get("tries") or ()
    response, service = line["response"], line.get("service")
    who = line.get("consumer") or line.get("authenticated_entity")
    status = response["status"]
    pod = ""
    if tries:
        last = tries[-1]
        source = line.get("source")
        if source == "upstream" or (source is None and "state" not in last and answered(status)):
            pod = f"{last['ip']}:{last['port']}"
    waited_ms = latencies.get("proxy", -1)
    forwarded = headers.get("x-forwarded-for")
    return Record(
        epoch_s(line["started_at"]),
        latencies["request"] / 1000.0,
        (waited_ms + latencies.get("receive", 0)) / 1000.0 if waited_ms >= 0 else UNKNOWN_S,
        pod,
        status,
        len(tries),
        first_of(forwarded) if isinstance(forwarded, str) else line.get("client_ip") or "",
        str(headers.get("user-agent", "")),
        headers.get("cookie"),
        response.get("headers", {}).get("set-cookie"),
        _name(who) if who else "",
        headers,
        service=str(service.get("name") or "") if service else "",
    )


def _name(who: dict[str, Any]) -> str:
    return str(who.get("username") or who.get("custom_id") or who.get("id") or "")


FORMAT = Format("kong-json", "Kong's JSON log (file-log, http-log, tcp-log)", of_object=read)
