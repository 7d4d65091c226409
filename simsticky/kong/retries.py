"""The attempts of one request: what leads to a further one, and which status the client gets in the end.

Sources: Kong 3.10 ``kong/init.lua:Kong.balancer`` (``set_more_tries(retries)`` at the first attempt) and
``kong/runloop/handler.lua`` for the number of attempts and the 503; nginx's ``proxy_next_upstream`` default
``error timeout``, which Kong leaves alone, for what is tried again and for 502 and 504.
"""

from enum import StrEnum

from simsticky.kong.upstream import DEFAULT_RETRIES


class Attempt(StrEnum):
    """How one attempt ended."""

    ANSWERED = "answered"
    """The pod sent a response, whatever its status."""
    REFUSED = "refused"
    """The connection was refused."""
    RESET = "reset"
    """The connection was reset or closed before the response, the request having been sent."""
    CONNECT_TIMEOUT = "connect_timeout"
    """No connection within the connect timeout."""
    WRITE_TIMEOUT = "write_timeout"
    """Sending stalled for longer than the write timeout."""
    READ_TIMEOUT = "read_timeout"
    """No response within the read timeout."""
    NO_PEER = "no_peer"
    """The balancer named no peer, so there was no connection."""


BAD_GATEWAY = 502
SERVICE_UNAVAILABLE = 503
GATEWAY_TIMEOUT = 504

_NOTHING_SENT = frozenset({Attempt.REFUSED, Attempt.CONNECT_TIMEOUT})
_FINAL = frozenset({Attempt.ANSWERED, Attempt.NO_PEER})
_TIMEOUTS = frozenset({Attempt.CONNECT_TIMEOUT, Attempt.WRITE_TIMEOUT, Attempt.READ_TIMEOUT})


def max_attempts(retries: int = DEFAULT_RETRIES) -> int:
    """Return the most attempts a request gets: the first and ``retries`` more (rule G6)."""
    return 1 + retries


def tries_again(attempt: Attempt, attempts_made: int, retries: int = DEFAULT_RETRIES, idempotent: bool = True) -> bool:
    """Return whether a further attempt follows (rules G8 and G9).

    A response ends the request, a 5xx of the pod as well; so does a balancer without peers. Errors and
    timeouts are tried again while attempts are left; a request that is not idempotent (POST, LOCK, PATCH)
    only if nothing of it was sent yet.

    Args:
        attempt: How the latest attempt ended.
        attempts_made: Attempts so far, the latest included; at least 1.
        retries: The service's ``retries``.
        idempotent: Whether nginx holds the request's method for idempotent.
    """
    if attempt in _FINAL or attempts_made >= max_attempts(retries):
        return False
    return idempotent or attempt in _NOTHING_SENT


def gateway_status(last: Attempt) -> int:
    """Return the status of the gateway's own answer after the last attempt (rule G6).

    503 without a peer, on the first pick as on a retry; 504 if the last attempt timed out; else 502.

    Raises:
        ValueError: The pod answered; its status goes to the client.
    """
    if last is Attempt.ANSWERED:
        raise ValueError("an answered request has the pod's own status")
    if last is Attempt.NO_PEER:
        return SERVICE_UNAVAILABLE
    return GATEWAY_TIMEOUT if last in _TIMEOUTS else BAD_GATEWAY
