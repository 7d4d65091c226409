"""The text format that simsticky recommends to those without a log plugin, where the cookie tells sessions apart.

Where it names the target, JSON with all cookies tells more: :mod:`simsticky.logs.formats.nginx_json`.

``$msec $request_time $upstream_response_time $upstream_addr $status $cookie_NAME $sent_http_set_cookie``
"""

import re

from simsticky.logs.formats.nginx_lists import LIST, entries, seconds
from simsticky.logs.record import UNKNOWN_S, Format, Record, answered, set_cookie_pairs
from simsticky.logs.times import epoch_s

STICKY = "sticky"
"""What the cookie is called here: the line holds its value only."""

_LINE = re.compile(rf"(\d{{10}}\.\d{{3}}) ([\d.]+) {LIST} {LIST} (\d{{3}}) (\S+) (.*\S)\s*", re.ASCII)


def read(line: str) -> Record:
    """Return the request of one line, which is written when the answer has been sent."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("not a line of the recommended format")
    moment, took, services, pods, status, cookie, set_cookie = found.groups()
    tried = entries(pods)
    served = tried and answered(int(status))
    value = next((value for _, value in set_cookie_pairs(set_cookie)), "")
    return Record(
        epoch_s(float(moment)) - float(took),
        float(took),
        seconds(entries(services)[-1]) if served else UNKNOWN_S,
        tried[-1] if served else "",
        int(status),
        len(tried),
        cookies=f"{STICKY}={cookie}" if cookie != "-" else None,
        set_cookies=f"{STICKY}={value}" if value else None,
    )


FORMAT = Format("nginx-sticky", "nginx's log in the text format that simsticky recommends", of_text=read)
