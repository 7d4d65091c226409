"""Kong's default access log (``kong_log_format``), and plain combined logs of nginx and Apache."""

import re

from simsticky.logs.record import UNKNOWN_S, Format, Record
from simsticky.logs.times import clf_s

START = r'(\S+) \S+ .*?\[([^\]]{26})\] "(?:[^"\\]|\\.)*" (\d{3}) (?:\d+|-)'
"""Client, moment and status; the user name may hold blanks."""
QUOTED = r'"((?:[^"\\]|\\.)*)"'

_LINE = re.compile(rf'{START}(?: {QUOTED} {QUOTED})?(?: kong_request_id: "[^"]*")?\s*', re.ASCII)


def read(line: str) -> Record:
    """Return the request of one line; it is written when the answer has been sent, and says no more than the second."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("not a combined line")
    client, moment, status, _, agent = found.groups(default="")
    return Record(clf_s(moment), UNKNOWN_S, UNKNOWN_S, "", int(status), 1, client, agent)


FORMAT = Format(
    "combined",
    "Kong's default access log (combined)",
    of_text=read,
    notes=(
        "This format has whole seconds, addresses, user agents and statuses only: no pod, no duration and no cookie. "
        "Sessions are a guess, and rollouts cannot be seen; Kong's file-log plugin writes what is missing.",
    ),
)
