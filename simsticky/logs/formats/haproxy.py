"""HAProxy's ``option httplog``, with or without syslog's beginning, and with captured cookies and headers."""

import re

from simsticky.logs.record import UNKNOWN_S, Format, Record, without_port
from simsticky.logs.times import haproxy_s

_LINE = re.compile(
    r"""(?:.*?[ ](?P<host>\S+)[ ]haproxy\[\d+\]:[ ])?
    (?P<client>\S+)[ ]\[(?P<moment>[^\]]{24,27})\][ ]\S+[ ](?P<backend>[^/\s]+)/(?P<server>\S+)[ ]
    (?P<request>[+-]?\d+)/(?P<queue>-?\d+)/(?P<connect>-?\d+)/(?P<answer>-?\d+)/\+?(?P<total>-?\d+)[ ]
    (?P<status>-?\d+)[ ]\+?\d+[ ](?P<cookie>\S+)[ ](?P<set_cookie>\S+)[ ]
    \S{2}(?P<verdict>\S)\S[ ]\d+/\d+/\d+/\d+/\+?(?P<retries>\d+)[ ]\d+/\d+
    (?:[ ]\{(?P<captured>[^}]*)\})?.*""",
    re.ASCII | re.VERBOSE,
)


def read(line: str) -> Record:
    """Return the request of one line.

    The accept date is that of the connection; a request's own time on a kept connection is what httplog of HAProxy 1.7
    and later writes (``%tr``). The letters of the termination state: the third is the cookie's verdict, D that its
    server was down.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("not a line of httplog")
    part = found.groupdict()
    total, answer = int(part["total"]), int(part["answer"])
    status = max(int(part["status"]), 0)
    # Without a time of the answer's headers no server answered; <NOSRV> and <STATS> are none.
    served = answer >= 0 and not part["server"].startswith("<")
    return Record(
        haproxy_s(part["moment"]),
        total / 1000.0 if total >= 0 else UNKNOWN_S,
        # From the connection to the last byte, as other gateways count it.
        max(total - _ms(part["request"]) - _ms(part["queue"]) - _ms(part["connect"]), 0) / 1000.0
        if served
        else UNKNOWN_S,
        part["server"] if served else "",
        status,
        0 if part["server"].startswith("<") else 1 + int(part["retries"]),
        without_port(part["client"]),
        part["captured"] or "",
        part["cookie"] if part["cookie"] != "-" else None,
        part["set_cookie"] if part["set_cookie"] != "-" else None,
        gateway=part["host"] or "",
        service=part["backend"],
        server_down=part["verdict"] == "D",
    )


def _ms(field: str) -> int:
    return max(int(field), 0)


FORMAT = Format(
    "haproxy",
    "HAProxy's httplog",
    of_text=read,
    notes=(
        "HAProxy's times have no zone and were taken for UTC.",
        "HAProxy names servers, not addresses: a pod that takes over another's name is not seen to come or go.",
    ),
)
