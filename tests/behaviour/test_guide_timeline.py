"""The timeline of the guides, event by event: grace 60 s, preStop 30 s, drain support on, KIC polling every 3 s."""

from pathlib import Path

import pytest
from stories import Story, scale_to, tell

_POLLING = {"kic": {"proxySyncSeconds": 3}}
_CLIENTS = [[1.0 + i, 101.0 + i, 110.0 + i, 125.0 + i, 129.5, 131.0 + i, 180.0 + i] for i in range(3)]
_NEWCOMERS = [[104.0 + i, 150.0 + i] for i in range(9)]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(tmp_path_factory.mktemp("guide"), [*_CLIENTS, *_NEWCOMERS], scale_to(2), _POLLING)


def test_deletion_starts_both_paths_at_once(story: Story) -> None:
    """At the deletion the endpoint is written and the hook begins (rule D1)."""
    name = story.removed.pod
    assert story.when("scale") == 100.0
    assert story.when("deleted", name) == 100.0
    assert story.when("prestop", name) == 100.0
    assert story.when("wrote", name, "ready=false terminating=true") == 100.0


def test_weight_zero_comes_with_the_next_sync(story: Story) -> None:
    """The target drops to weight 0 at the first tick after the deletion, within 3 s.

    See rule I1.
    """
    told = f"{story.removed.pod} weight 100->0"
    assert story.when("pushing", detail=told) == story.pushed(told)
    assert 100.0 <= story.pushed(told) <= 103.0


def test_prestop_lasts_until_30_s_and_then_sigterm(story: Story) -> None:
    """Nothing tells the application before the hook is over."""
    pod = story.removed
    assert pod.prestop_end_s == pod.sigterm_s == pod.listener_closed_s == pod.dead_s == 130.0
    assert pod.sigkill_s != pod.sigkill_s


def test_endpoint_goes_with_the_container_and_the_target_with_the_next_sync(story: Story) -> None:
    """The endpoint stays for the whole termination, not only for preStop (rule D5)."""
    pod = story.removed
    assert pod.endpoint_gone_s == pod.removed_s == 130.0
    assert 130.0 <= story.pushed(f"-{pod.pod}") <= 133.0


def test_events_come_in_the_guides_order(story: Story) -> None:
    """The whole story of one pod has the guide's events in the guide's order."""
    name = story.removed.pod
    kinds = [event.kind for event in story.events if name in (event.subject, *event.detail.lstrip("-").split(" "))]
    assert kinds == [
        "deleted",
        "prestop",
        "wrote",
        "pushing",
        "pushed",
        "sigterm",
        "exited",
        "left",
        "removed",
        "pushing",
        "pushed",
    ]


def test_sessions_stay_until_the_end_and_break_after_it(story: Story) -> None:
    """The draining pod answers its sessions up to SIGTERM."""
    (session,) = [s for s in story.at_home_on(story.removed.pod) if s < 3]
    answers = story.answered_by(session)
    assert answers[:5] == [story.removed.pod] * 5
    assert story.removed.pod not in answers[5:]
    assert story.breaks(session) == [(131.0 + session, "lost", "refused", "drain_window_too_short")] or (
        story.breaks(session) == [(131.0 + session, "lost", "target_removed", "drain_window_too_short")]
    )


def test_newcomers_stay_away_from_weight_zero(story: Story) -> None:
    """A draining pod gets no new session."""
    for session in range(3, 12):
        assert story.removed.pod not in story.answered_by(session)


def test_application_that_never_exits_is_killed_after_60_s(tmp_path: Path) -> None:
    """SIGTERM at 30 s, SIGKILL at 60 s, endpoint gone then."""
    story = tell(tmp_path, _CLIENTS, scale_to(2), _POLLING, {"app": {"onSigterm": "ignore"}})
    pod = story.removed
    assert (pod.sigterm_s, pod.sigkill_s, pod.dead_s, pod.endpoint_gone_s) == (130.0, 160.0, 160.0, 160.0)
    (session,) = story.at_home_on(pod.pod)
    # It keeps its listener, so it answers after SIGTERM as well.
    assert story.answered_by(session)[:6] == [pod.pod] * 6
    assert story.breaks(session)[0][3] == "killed"
