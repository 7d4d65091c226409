"""One request as a line tells it, before anybody knows which of its cookies matter."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

UNKNOWN_S = math.nan
_JOINED = re.compile(r",\s*(?=[^;,\s=]+=)")
"""Where several ``Set-Cookie`` headers were joined; the comma in a date is followed by no name."""

Headers = Mapping[str, Any]
Text = str | list[str] | None
"""A header's value: Kong writes several of one name as a list."""


class Record(NamedTuple):
    """One request.

    Attributes:
        sent_s: When the gateway got it, seconds since 1970.
        took_s: Seconds that the client waited; nan unknown.
        service_s: Seconds of the answering upstream; nan unknown.
        pod: Address of the upstream that answered; empty if none did or the line does not say.
        status: Status that the client got, 0 none.
        attempts: Attempts made.
        client: Address of the client; empty unknown.
        agent: User agent, or whatever else of the client stands in the line.
        cookies: Value of the request's ``Cookie``.
        set_cookies: Value of the answer's ``Set-Cookie``.
        consumer: Whom the gateway took the client for; empty unknown.
        other_headers: Other headers of the request, by lower-case name.
        gateway: Name of the gateway's node; empty where the line does not say.
        service: Name of the service that the request was for; empty where the line does not say.
        server_down: The gateway says that the cookie's server was down; None where the format has no word for it.
    """

    sent_s: float
    took_s: float
    service_s: float
    pod: str
    status: int
    attempts: int
    client: str = ""
    agent: str = ""
    cookies: Text = None
    set_cookies: Text = None
    consumer: str = ""
    other_headers: Headers | None = None
    gateway: str = ""
    service: str = ""
    server_down: bool | None = None


class Format(NamedTuple):
    """One format of logs.

    Attributes:
        name: As ``--format`` takes it.
        title: In words.
        of_object: What makes a record of a line's JSON object, or None where it is a text format. It raises
            LookupError, TypeError, ValueError or AttributeError on anything else than a request.
        of_text: The same of a line's text.
        notes: What the format leaves out, as sentences.
        no_cookies: What to say where no request of the log has a cookie.
    """

    name: str
    title: str
    of_object: Callable[[dict[str, Any]], Record] | None = None
    of_text: Callable[[str], Record] | None = None
    notes: tuple[str, ...] = ()
    no_cookies: str = ""


NOT_A_REQUEST = (LookupError, TypeError, ValueError, AttributeError)
"""What the readers of formats raise on a line that is none of theirs."""


def answered(status: int) -> bool:
    """Return whether a pod answered, where the line does not say: 502 and 504 are taken for the gateway's own."""
    return status not in (502, 504)


def cookie_pairs(cookies: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of a ``Cookie`` header."""
    for part in cookies.split(";"):
        name, equals, value = part.partition("=")
        if equals and value:
            yield name.strip(), value.strip()


def set_cookie_pairs(set_cookies: Text) -> Iterator[tuple[str, str]]:
    """Yield names and values that ``Set-Cookie`` headers set; one that deletes a cookie has no value, and is none."""
    for text in texts(set_cookies):
        for each in _JOINED.split(text):
            name, equals, value = each.partition(";")[0].partition("=")
            if equals and value:
                yield name.strip(), value.strip()


def texts(value: Text) -> list[str]:
    """Return the texts of a header, one or several."""
    if isinstance(value, str):
        return [value]
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def first_of(text: str) -> str:
    """Return the first address of a list such as ``X-Forwarded-For``: the client as the first proxy saw it."""
    return text.partition(",")[0].strip()


def without_port(address: str) -> str:
    """Return the address of ``10.0.0.1:1234`` or ``[::1]:1234``."""
    host, colon, port = address.rpartition(":")
    return host if colon and port.isdigit() and (":" not in host or host.endswith("]")) else address
