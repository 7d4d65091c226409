"""Attempts: what is tried again, how often, and the gateway's own status."""

import pytest

from simsticky.kong.retries import Attempt, gateway_status, max_attempts, tries_again

ERRORS = [a for a in Attempt if a not in (Attempt.ANSWERED, Attempt.NO_PEER)]


@pytest.mark.parametrize("attempt", ERRORS)
def test_errors_and_timeouts_are_tried_until_the_retries_are_used_up(attempt: Attempt) -> None:
    """With Kong's five retries the sixth attempt is the last (rule G6)."""
    assert [tries_again(attempt, made) for made in range(1, 7)] == [True] * 5 + [False]
    assert max_attempts() == 6
    assert not tries_again(attempt, 1, retries=0)


@pytest.mark.parametrize("attempt", [Attempt.ANSWERED, Attempt.NO_PEER])
def test_an_answer_or_no_peer_ends_the_request(attempt: Attempt) -> None:
    """A pod's 5xx is not tried again, and neither is a request without a peer."""
    assert not tries_again(attempt, 1)


@pytest.mark.parametrize("attempt", ERRORS)
def test_post_is_tried_again_only_if_nothing_was_sent(attempt: Attempt) -> None:
    """A request that is not idempotent is not served twice."""
    nothing_sent = attempt in (Attempt.REFUSED, Attempt.CONNECT_TIMEOUT)
    assert tries_again(attempt, 1, idempotent=False) is nothing_sent


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (Attempt.REFUSED, 502),
        (Attempt.RESET, 502),
        (Attempt.CONNECT_TIMEOUT, 504),
        (Attempt.WRITE_TIMEOUT, 504),
        (Attempt.READ_TIMEOUT, 504),
        (Attempt.NO_PEER, 503),
    ],
)
def test_the_last_attempt_decides_the_status(last: Attempt, status: int) -> None:
    """The gateway's own answers have one of three statuses, by the last attempt."""
    assert gateway_status(last) == status


def test_an_answered_request_has_no_status_of_the_gateway() -> None:
    """The pod's own status is not replaced."""
    with pytest.raises(ValueError, match="own status"):
        gateway_status(Attempt.ANSWERED)
