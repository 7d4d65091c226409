"""Warm-up: a new container is slower at first, at no cost for those that are warm."""

from pathlib import Path

import pytest
from stories import scale_to, tell

WARM_UP = {"app": {"warmUp": {"duration": "60s", "slowdown": 3}, "startup": "5s"}, "deployment": {"replicas": 1}}


def test_requests_to_a_new_container_take_longer_and_less_so_with_time(tmp_path: Path) -> None:
    """Three times the demand when the application begins to listen, once after the duration.

    See rule P10.
    """
    sends = [[110.0 + at_s / 2] for at_s in range(400)]
    story = tell(tmp_path, sends, scale_to(2), WARM_UP)
    old, new = (pod.pod for pod in story.pods)
    factors = {}
    for session in range(len(sends)):
        (request,) = story.requests(session)
        factor = (request.ended_s - request.started_s) / 0.25
        if request.pod == old:
            assert factor == pytest.approx(1.0)
        else:
            factors[request.sent_s] = factor
            for_s = request.sent_s - story.pods[1].started_s - 5.0
            assert factor == pytest.approx(max(1.0, 3.0 - 2.0 * for_s / 60.0))
    assert max(factors.values()) > 2.5
    assert min(factors.values()) == pytest.approx(1.0)
    assert len([factor for factor in factors.values() if factor > 1.01]) > 40
    assert new in {pod.pod for pod in story.pods}


def test_containers_alive_at_0_are_warm(tmp_path: Path) -> None:
    """Whoever has been running for a day is warm (rule P10)."""
    story = tell(tmp_path, [[1.0, 2.0]], WARM_UP)
    assert [request.ended_s - request.sent_s for request in story.requests(0)] == [0.25, 0.25]


def test_restarted_container_is_cold_again(tmp_path: Path) -> None:
    """A new container instance has cold caches, whatever its pod's age."""
    story = tell(tmp_path, [[1.0, 106.0]], WARM_UP, {"timeline": [{"at": 100.0, "crash": "app"}]})
    assert story.pods[0].restarts == 1
    last = story.requests(0)[-1]
    assert last.pod == story.pods[0].pod
    assert last.ended_s - last.sent_s == pytest.approx(0.25 * (3.0 - 2.0 / 60.0))
    assert story.breaks(0) == [(106.0, "lost", "restarted", "crash")]
    assert story.operation.breaks == 1
