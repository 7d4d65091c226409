"""Access logs of AWS's Application Load Balancer."""

import math
import re

from simsticky.logs.formats.combined import QUOTED
from simsticky.logs.record import UNKNOWN_S, Format, Record, without_port
from simsticky.logs.times import iso_s

_LINE = re.compile(
    rf"(?:https?|h2|grpcs|wss?) (\S+Z) (\S+) (\S+) (\S+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (\d+|-) (\d+|-) \d+ \d+ "
    rf'{QUOTED} {QUOTED}(?: \S+ \S+ \S+ "[^"]*" "[^"]*" "[^"]*" \S+ (\S+Z))?.*',
    re.ASCII,
)


def read(line: str) -> Record:
    """Return the request of one line, which is written when the answer was sent; times of -1 were not measured."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("not a line of a load balancer")
    moment, balancer, client, target, *times, status, of_target, _, agent, created = found.groups()
    parts = [_seconds(time) for time in times]
    took = sum(parts)
    answered = iso_s(moment)
    sent = iso_s(created) if created else answered - (0.0 if math.isnan(took) else took)
    return Record(
        sent,
        # The sum lacks what was spent between the parts; the two moments do not.
        max(answered - sent, 0.0) if math.isnan(took) or created else took,
        parts[1],
        target if target != "-" and of_target != "-" else "",
        int(status) if status != "-" else 0,
        0 if target == "-" else 1,
        without_port(client),
        agent,
        gateway=balancer,
    )


def _seconds(text: str) -> float:
    value = float(text)
    return value if value >= 0 else UNKNOWN_S


FORMAT = Format(
    "aws-alb",
    "AWS's Application Load Balancer",
    of_text=read,
    notes=("A load balancer logs no cookies: sessions are a guess from address and user agent.",),
)
