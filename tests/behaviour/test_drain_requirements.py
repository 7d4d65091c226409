"""The four requirements that drain support was built for, each as a test."""

from pathlib import Path

import pytest
from stories import Story, scale_to, tell

_POLLING = {"kic": {"proxySyncSeconds": 3}}
_OLD = [[1.0 + i, 20.0 + i, 110.0 + i, 127.0 + 0.5 * i, 135.0 + i, 140.0 + i] for i in range(6)]
_NEW = [[105.0 + i, 106.0 + i, 140.0 + i] for i in range(8)]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(tmp_path_factory.mktemp("drain"), [*_OLD, *_NEW], scale_to(2), _POLLING)


def test_new_client_goes_anywhere_that_takes_new_sessions(story: Story) -> None:
    """Before the scale-down all three pods get new clients, after it the two that stay."""
    before = {story.answered_by(session)[0] for session in range(6)}
    after = {story.answered_by(session)[0] for session in range(6, 14)}
    assert len(before) == 3
    assert after == before - {story.removed.pod}


def test_client_gets_the_same_pod_after_that(story: Story) -> None:
    """A session's second request goes where its first one went."""
    for session in range(14):
        assert len(set(story.answered_by(session)[:2])) == 1


def test_client_gets_the_same_pod_while_it_terminates(story: Story) -> None:
    """Between the deletion at 100 s and SIGTERM at 130 s nobody moves."""
    bound = [session for session in story.at_home_on(story.removed.pod) if session < 6]
    assert len(bound) == 2
    for session in bound:
        assert story.answered_by(session)[2:4] == [story.removed.pod] * 2
        assert all(row.broke == "" for row in story.requests(session)[:4])


def test_client_gets_a_new_pod_and_a_new_cookie_when_it_is_gone(story: Story) -> None:
    """After its pod's end a session is answered by another pod, once as a break, and then always by the same one."""
    for session in story.at_home_on(story.removed.pod):
        fifth, sixth = story.requests(session)[4:6]
        assert fifth.pod != story.removed.pod
        assert (fifth.broke, fifth.mechanism) == ("lost", "target_removed")
        assert (sixth.pod, sixth.broke) == (fifth.pod, "")


def test_without_drain_support_the_third_requirement_fails(tmp_path: Path) -> None:
    """With drain support off the sessions leave a pod that is still healthy at the first sync."""
    story = tell(tmp_path, [*_OLD, *_NEW], scale_to(2), _POLLING, {"kic": {"enableDrainSupport": False}})
    for session in story.at_home_on(story.removed.pod):
        assert story.removed.pod not in story.answered_by(session)[2:]
        assert story.breaks(session) == [(110.0 + session, "lost", "target_removed", "drain_off")]
