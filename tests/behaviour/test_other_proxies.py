"""What other proxies do otherwise: retries on the same target with a pause, slow start, a hash without a ring."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from stories import DRAIN_OFF, SERVICE_S, Story, hashed, merged, scale_to, tell

_GONE_AT_ONCE: dict[str, Any] = {"deployment": {"preStop": None}, "kic": {"pushDelay": "100s"}}
"""A pod refuses from its deletion on, and the gateway goes on listing it."""
_HAPROXY = {"gateway": {"retries": 3, "retryDelay": "1s", "attemptsPerTarget": 3}}
"""``retries 3`` with ``option redispatch``: three attempts on the server, 1 s apart, and one elsewhere."""
_CLIENTS = [[1.0 + i, 110.0 + i] for i in range(3)]


def _bound(story: Story) -> tuple[int, Any]:
    """Return the one session of the pod that went, and its request after that."""
    (session,) = story.at_home_on(story.removed.pod)
    return session, story.requests(session)[1]


def test_a_refused_request_waits_and_tries_its_server_again_before_another(tmp_path: Path) -> None:
    """Attempts come at 0, 1 and 2 s on the bound pod, and the fourth at once elsewhere, with its cookie (rule G16)."""
    story = tell(tmp_path, [*_CLIENTS], scale_to(2), _GONE_AT_ONCE, _HAPROXY)
    session, row = _bound(story)
    assert (row.attempts, row.outcome, row.pod == story.removed.pod) == (4, "answered", False)
    assert row.ended_s == row.sent_s + 2.0 + SERVICE_S
    assert len(story.breaks(session)) == 1


def test_without_another_server_it_fails_after_all_its_waits(tmp_path: Path) -> None:
    """Without redispatch there are four attempts on the same server and three waits, then a 502."""
    alone = merged(_HAPROXY, {"gateway": {"attemptsPerTarget": 4}})
    story = tell(tmp_path, [*_CLIENTS], scale_to(2), _GONE_AT_ONCE, alone)
    _, row = _bound(story)
    assert (row.attempts, row.outcome, row.status) == (4, "bad_gateway", 502)
    assert row.ended_s == row.sent_s + 3.0


def test_a_wait_before_the_same_target_only(tmp_path: Path) -> None:
    """There is no wait where the next attempt is elsewhere; consistent hashing asks the same target again."""
    story = tell(tmp_path, [*_CLIENTS], scale_to(2), _GONE_AT_ONCE, {"gateway": {"retryDelay": "1s"}})
    _, row = _bound(story)
    assert (row.attempts, row.ended_s) == (2, row.sent_s + SERVICE_S)
    again = {"gateway": {"retryDelay": "1s", "retries": 2}}
    clients = [[1.0 + i, 110.0 + i] for i in range(12)]
    ring = tell(tmp_path, clients, scale_to(2), _GONE_AT_ONCE, hashed(input="ip"), again)
    for session in ring.at_home_on(ring.removed.pod):
        row = ring.requests(session)[1]
        assert (row.attempts, row.outcome, row.ended_s) == (3, "bad_gateway", row.sent_s + 2.0)


def test_a_pod_that_comes_back_during_the_wait_answers(tmp_path: Path) -> None:
    """A container that is restarted during the wait keeps its cookie holders' requests."""
    crash = {"timeline": [{"at": 109.5, "crash": "app", "count": 3}], "app": {"startup": "2s"}}
    story = tell(tmp_path, [[1.0, 110.0]], crash, {"kic": {"pushDelay": "100s"}}, _HAPROXY)
    before, after = story.requests(0)
    assert (after.outcome, after.pod, after.attempts) == ("answered", before.pod, 3)


def test_connect_timeouts_wait_for_nothing_more(tmp_path: Path) -> None:
    """An attempt that nobody answered has taken its time already, so that no further wait follows."""
    hole = {"gateway": {"connection": "blackhole", "connectTimeout": "4s"}}
    story = tell(tmp_path, [*_CLIENTS], scale_to(2), _GONE_AT_ONCE, merged(_HAPROXY, hole))
    _, row = _bound(story)
    assert (row.attempts, row.ended_s) == (4, row.sent_s + 3 * 4.0 + SERVICE_S)


def test_a_new_target_begins_slowly(tmp_path: Path) -> None:
    """Over 60 s a fourth pod gets half of its quarter, and afterwards all of it; cookies stay (rule G17)."""
    clients = [[1.0], [2.0], [3.0], *([120.0 + i / 8] for i in range(960))]
    slow = {"gateway": {"slowStart": "60s", "stickyNewPick": "random"}}
    story = tell(tmp_path, clients, scale_to(4, 115.0), slow, service_s=1 / 64)
    (new,) = [pod.pod for pod in story.pods if pod.created_s > 0]
    begun = {session: story.requests(session)[0] for session in range(3, 963)}
    ramp = Counter(row.pod == new for row in begun.values() if row.sent_s < 180.0)
    full = Counter(row.pod == new for row in begun.values() if row.sent_s >= 180.0)
    # Of weights 300 and x in (0, 100): the mean of x / (300 + x) is 1 - 3 ln(4/3) = 0.137.
    assert abs(ramp[True] / ramp.total() - 0.137) <= 4 * (0.137 * 0.863 / ramp.total()) ** 0.5
    assert abs(full[True] / full.total() - 0.25) <= 4 * (0.25 * 0.75 / full.total()) ** 0.5
    at_once = tell(tmp_path, clients, scale_to(4, 115.0), {"gateway": {"stickyNewPick": "random"}}, service_s=1 / 64)
    early = Counter(at_once.requests(session)[0].pod == new for session in range(3, 483))
    assert early[True] > ramp[True]


def test_new_sessions_in_order_begin_with_the_pod_that_was_created_first(tmp_path: Path) -> None:
    """With stickyNewPick in_order the oldest pod comes first, whatever the addresses."""
    clients = [[1.0 + i] for i in range(6)]
    for seed in (1, 2, 3):
        story = tell(tmp_path, clients, {"gateway": {"stickyNewPick": "in_order"}}, seed=seed)
        assert [story.requests(session)[0].pod for session in range(6)] == [pod.pod for pod in story.pods] * 2


def test_a_restarted_node_has_nothing_new(tmp_path: Path) -> None:
    """All of the table of a node that comes back is new, so nothing has to start slowly."""
    restart = {"timeline": [{"at": 10.0, "gatewayRestart": "kong-1", "downtime": 1.0}]}
    clients = [[20.0 + i] for i in range(30)]
    story = tell(tmp_path, clients, restart, {"gateway": {"slowStart": "10m"}})
    assert set(Counter(story.requests(session)[0].pod for session in range(30)).values()) == {10}


@pytest.mark.parametrize(("method", "few", "many"), [("ring", 0, 25), ("modulo", 27, 48)])
def test_a_hash_modulo_the_pods_moves_nearly_everybody(tmp_path: Path, method: str, few: int, many: int) -> None:
    """A fourth pod moves a quarter of 48 sessions on a ring, and three quarters of them modulo."""
    clients = [[1.0 + i / 8, 200.0 + i / 8] for i in range(48)]
    story = tell(tmp_path, clients, scale_to(4), hashed(input="ip"), {"gateway": {"hashMethod": method}}, DRAIN_OFF)
    moved = sum(story.requests(session)[0].pod != story.requests(session)[1].pod for session in range(48))
    assert few < moved <= many
