"""The cookie in the client's jar: paths, clearing, a second upstream, tabs, and an address that changes its pod."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from stories import Story, hashed, scale_to, tell

_SESSIONS = [[1.0 + i / 4 + 3.0 * k for k in range(20)] for i in range(7)]
"""Seven sessions in turn: whoever is picked anew each time meets all three pods."""


def _pods(story: Story) -> list[int]:
    """Return how many pods each session has met."""
    return [len(set(story.answered_by(session))) for session in range(7)]


def _mechanisms(story: Story) -> set[tuple[str, str]]:
    return {(how, why) for session in range(7) for _, _, how, why in story.breaks(session)}


# Paths ----------------------------------------------------------------------------------------------------------------


def _paths(*names: str) -> dict[str, Any]:
    return {"traffic": {"paths": [{"path": name, "share": 1 / len(names)} for name in names]}}


def _cookie_path(path: str) -> dict[str, Any]:
    return {"upstream": {"stickySessions": {"cookie": "session_id", "cookiePath": path}}}


def test_cookie_goes_with_every_path_below_its_own(tmp_path: Path) -> None:
    """/shop covers /shop, /shop/ and /shop/cart."""
    story = tell(tmp_path, _SESSIONS, _paths("/shop", "/shop/", "/shop/cart"), _cookie_path("/shop"))
    assert _pods(story) == [1] * 7
    assert not any("does not cover" in warning for warning in story.result.warnings)


def test_path_that_the_cookie_does_not_cover_is_a_new_pick(tmp_path: Path) -> None:
    """Requests for /shopping come without the cookie, and each moves the session.

    See rule C5.
    """
    story = tell(tmp_path, _SESSIONS, _paths("/shop", "/shopping"), _cookie_path("/shop"))
    assert min(_pods(story)) > 1
    assert _mechanisms(story) == {("no_cookie", "background")}
    assert any("/shopping" in warning for warning in story.result.warnings)


@pytest.mark.parametrize("written", ["", "shop"])
def test_path_that_is_none_is_the_directory_of_the_request(written: str, tmp_path: Path) -> None:
    """Without a leading slash the cookie goes with its answer's own directory.

    See rule C2.
    """
    alone = tell(tmp_path, _SESSIONS, {"traffic": {"path": "/shop/cart"}}, _cookie_path(written))
    assert _pods(alone) == [1] * 7
    assert any("without a slash" in warning for warning in alone.result.warnings)
    # Each of the two directories has a cookie of its own, and so, where the luck of the picks has it, a pod of its own.
    apart = tell(tmp_path, _SESSIONS, _paths("/shop/cart", "/help/faq"), _cookie_path(written))
    assert max(_pods(apart)) == 2
    assert min(len(apart.breaks(session)) for session in range(7) if _pods(apart)[session] == 2) > 1


# Clearing, and another upstream ---------------------------------------------------------------------------------------


def test_client_that_clears_its_cookies_is_picked_anew(tmp_path: Path) -> None:
    """Cleared before every request a cookie is as good as none, cleared never it holds.

    See rule C6.
    """
    cleared = tell(tmp_path, _SESSIONS, {"traffic": {"cookies": {"clear": 1.0}}})
    assert _pods(cleared) == [3] * 7
    assert _mechanisms(cleared) == {("no_cookie", "background")}
    assert _pods(tell(tmp_path, _SESSIONS, {"traffic": {"cookies": {"clear": 0.0}}})) == [1] * 7


def _other(share: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"traffic": {"otherUpstream": {"share": share, **more}}}


def test_second_upstream_with_the_same_cookie_overwrites_it(tmp_path: Path) -> None:
    """Same name, same path, other targets: each visit there costs the session its pod here.

    See rule C7.
    """
    story = tell(tmp_path, _SESSIONS, _other())
    assert _pods(story) == [3] * 7
    assert _mechanisms(story) == {("no_cookie", "background")}
    assert _pods(tell(tmp_path, _SESSIONS, _other(share=0.0))) == [1] * 7


def test_second_upstream_on_a_path_of_its_own_does_no_harm(tmp_path: Path) -> None:
    """With another path the jar holds both cookies, and ours is the one that comes."""
    assert _pods(tell(tmp_path, _SESSIONS, _other(cookiePath="/other"))) == [1] * 7


def test_second_upstreams_longer_path_comes_first(tmp_path: Path) -> None:
    """Of two cookies of one name the one with the longer path is read."""
    story = tell(tmp_path, _SESSIONS, _other(cookiePath="/shop"), {"traffic": {"path": "/shop/cart"}})
    assert min(_pods(story)) > 1


def test_second_upstream_that_shares_the_targets_shares_the_cookie(tmp_path: Path) -> None:
    """A cookie that names a shared target keeps the session where it is (rule C7)."""
    story = tell(tmp_path, _SESSIONS, _other(sharesTargets=True))
    assert _pods(story) == [1] * 7
    assert story.summary["breaks_background"] == 0


# Tabs -----------------------------------------------------------------------------------------------------------------


def test_cookie_takes_effect_when_its_answer_comes(tmp_path: Path) -> None:
    """The second tab opens before the first answer, is picked anew, and wins.

    See rules B12 and C1.
    """
    # The trace's thinks are 0.25, 0.125, 1, 1, …: the second tab opens 0.125 s after the first.
    story = tell(tmp_path, [[10.0, 10.5, 10.875, 12.125, 13.375, 14.625]], {"traffic": {"tabs": 2}})
    rows = story.requests(0)
    assert [(row.request, row.sent_s) for row in rows[:2]] == [(1, 10.0), (2, 10.125)]
    assert rows[0].pod != rows[1].pod
    assert story.breaks(0) == [(10.125, "lost", "no_cookie", "background")]
    # The latest answer's cookie counts: that of the second tab.
    assert {row.pod for row in rows[2:]} == {rows[1].pod}


def test_hashing_cookie_takes_effect_when_its_answer_comes(tmp_path: Path) -> None:
    """A second tab that opens before the first answer is given a key of its own."""
    by_cookie = hashed(cookie="session_id", cookiePath="/")
    clients = [[10.0 + 20.0 * i + at_s for at_s in (0.0, 0.5, 0.875, 2.125, 3.375, 4.625)] for i in range(12)]
    story = tell(tmp_path, clients, by_cookie, {"traffic": {"tabs": 2}})
    of_two_keys = []
    for session in range(12):
        first, second, *later = story.requests(session)
        assert second.sent_s < first.ended_s
        # The latest answer's cookie counts: that of the second tab.
        assert {row.pod for row in later} == {second.pod}
        of_two_keys.append(first.pod != second.pod)
        assert story.breaks(session) == [(second.sent_s, "lost", "no_cookie", "background")][: of_two_keys[-1]]
    assert any(of_two_keys)


def test_tabs_send_at_the_same_time(tmp_path: Path) -> None:
    """Four tabs of one session keep up to four requests open, each tab one at a time.

    See rule C1.
    """
    sends = [10.0 + 2.0625 * k for k in range(24)]
    story = tell(tmp_path, [sends], {"traffic": {"tabs": 4}}, service_s=2.0)
    rows = story.requests(0)
    assert sorted(row.request for row in rows) == list(range(1, 25))
    open_at = [sum(other.sent_s <= row.sent_s < other.ended_s for other in rows) for row in rows]
    assert max(open_at) == 4
    for tab in range(4):
        own = sorted((row for row in rows if row.request % 4 == tab), key=lambda row: row.request)
        assert all(after.sent_s >= row.ended_s for row, after in pairwise(own))


def test_tabs_of_a_killed_pod_are_cut_together(tmp_path: Path) -> None:
    """Every request that a session has in flight on a killed pod is reset."""
    killed = {"deployment": {"preStop": None, "grace": "10s"}, "app": {"onSigterm": "finishInFlight"}}
    # First one request each, so that all tabs have the cookie; then one of 40 s each, in flight from 99 s on.
    sends = [1.0, 42.0, *(140.0 + 45.0 * k for k in range(4))]
    story = tell(tmp_path, [sends] * 3, scale_to(2), killed, {"traffic": {"tabs": 2}}, service_s=40.0)
    cut = [row for session in range(3) for row in story.requests(session) if row.outcome == "reset"]
    assert cut
    assert {row.ended_s for row in cut} == {110.0}
    assert {row.pod for row in cut} == {story.removed.pod}


# Addresses ------------------------------------------------------------------------------------------------------------

_AWAY = [[1.0 + i / 4, 200.0 + i / 4] for i in range(9)]
_REPLACED = {"timeline": [{"at": 100.0, "deletePod": "app"}, {"at": 150.0, "scale": "app", "replicas": 4}]}


def _reused(tmp_path: Path, identity: str, addresses: str = "reuse") -> Story:
    """Return a story in which a pod goes at 130 s, and the one that comes at 150 s may get its address."""
    settings = {"kubernetes": {"podAddresses": addresses}, "gateway": {"stickyIdentity": identity}}
    return tell(tmp_path, _AWAY, _REPLACED, settings)


def test_new_pod_takes_the_address_that_was_freed_last(tmp_path: Path) -> None:
    """Only addresses of pods that are gone are taken again, and only if asked for."""
    story = _reused(tmp_path, "by_address")
    addresses = [pod.address for pod in story.pods]
    assert len(addresses) == 5
    assert addresses[4] == story.removed.address
    assert len(set(addresses)) == 4  # the replacement came while the old pod still had its own
    unique = _reused(tmp_path, "by_address", "unique")
    assert len({pod.address for pod in unique.pods}) == 5


@pytest.mark.parametrize("identity", ["by_address", "by_target_id"])
def test_old_cookie_meets_the_pod_with_the_address(identity: str, tmp_path: Path) -> None:
    """By address old cookies lead to the stranger, by the target's id to a new pick.

    See rule S8.
    """
    story = _reused(tmp_path, identity)
    bound = story.at_home_on(story.removed.pod)
    assert len(bound) == 3
    met = {story.answered_by(session)[1] for session in bound}
    stranger = story.pods[4].pod
    assert met == {stranger} if identity == "by_address" else len(met) > 1
    for session in bound:
        assert story.breaks(session) == [(_AWAY[session][1], "lost", "target_removed", "drain_window_too_short")]
