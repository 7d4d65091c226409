"""ingress-nginx's ``upstreaminfo``: combined, and what nginx knows of its upstreams."""

import re

from simsticky.logs.formats.combined import QUOTED, START
from simsticky.logs.formats.nginx_lists import LIST, entries, seconds
from simsticky.logs.record import UNKNOWN_S, Format, Record, answered
from simsticky.logs.times import clf_s

_LINE = re.compile(
    rf"{START} {QUOTED} {QUOTED} \d+ ([\d.]+) \[([^\]]*)\] \[[^\]]*\] {LIST} {LIST} {LIST} {LIST}(?: \S+)?\s*", re.ASCII
)


def read(line: str) -> Record:
    """Return the request of one line, which is written when the answer has been sent.

    A 502 or 504 without a byte from the upstream is nginx's own: it writes the status for what refused, too.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("not a line of upstreaminfo")
    client, moment, status, _, agent, took, service, pods, lengths, services, _ = found.groups()
    tried = entries(pods)
    length = (entries(lengths) or ["-"])[-1]
    served = tried and (answered(int(status)) or length not in ("0", "-"))
    return Record(
        clf_s(moment) - float(took),
        float(took),
        seconds(entries(services)[-1]) if served else UNKNOWN_S,
        tried[-1] if served else "",
        int(status),
        len(tried),
        client,
        agent,
        service=service,
    )


FORMAT = Format(
    "ingress-nginx",
    "ingress-nginx's upstreaminfo",
    of_text=read,
    notes=(
        "This format has whole seconds and no cookies: think times below a few seconds are blurred, and sessions are "
        "a guess from address and user agent.",
    ),
)
