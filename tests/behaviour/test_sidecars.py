"""Other containers of the pod when it ends: a proxy that goes first cuts the application off, a native one stays."""

from pathlib import Path
from typing import Any

import pytest
from stories import Story, scale_to, tell

AFTER_5_S = {"listener": "keep", "exit": {"after": 5}}


def _scaled_down(tmp_path: Path, *sidecars: dict[str, Any], app: str = "finishInFlight", **deployment: Any) -> Story:
    clients = [[1.0, 110.0, 120.0], [2.0, 110.0, 120.0], [3.0, 110.0, 120.0]]
    return tell(
        tmp_path,
        clients,
        scale_to(2),
        {"deployment": {"sidecars": list(sidecars), **deployment}, "app": {"onSigterm": app}},
    )


def test_plain_proxy_is_told_to_stop_while_the_application_sleeps_in_pre_stop(tmp_path: Path) -> None:
    """The proxy gets SIGTERM at 0 and is gone at 5 s, so that preStop drains nobody."""
    proxy = {"name": "mesh", "kind": "plain", "proxy": True, "onSigterm": AFTER_5_S}
    story = _scaled_down(tmp_path, proxy)
    pod = story.removed
    assert story.when("sidecar_sigterm", pod.pod) == 100.0
    assert story.when("sidecar_exited", pod.pod, "mesh exits") == 105.0
    assert (pod.listener_closed_s, pod.sigterm_s, pod.dead_s) == (105.0, 130.0, 130.0)
    (bound,) = story.at_home_on(pod.pod)
    assert story.breaks(bound) == [(110.0, "lost", "refused", "drain_window_too_short")]
    assert [request.attempts for request in story.requests(bound)] == [1, 2, 1]


def test_plain_proxy_with_the_applications_hook_is_harmless(tmp_path: Path) -> None:
    """The same preStop on the proxy keeps the way open as long as the application's."""
    proxy = {"name": "mesh", "proxy": True, "onSigterm": AFTER_5_S, "preStop": "30s"}
    story = _scaled_down(tmp_path, proxy)
    assert story.summary["breaks"] == 0
    assert story.when("sidecar_sigterm") == 130.0
    assert story.when("sidecar_exited") == 135.0
    assert (story.removed.dead_s, story.removed.removed_s) == (130.0, 135.0)


def test_plain_proxy_that_ends_cuts_requests_in_flight(tmp_path: Path) -> None:
    """Requests through the proxy are reset at its end, though the application works on (rule D8)."""
    proxy = {"name": "mesh", "proxy": True, "onSigterm": AFTER_5_S}
    story = tell(
        tmp_path,
        [[1.0, 102.0], [2.0, 103.0], [3.0, 104.0]],
        scale_to(2),
        {"deployment": {"sidecars": [proxy]}, "app": {"onSigterm": "finishInFlight"}},
        service_s=50.0,
    )
    (bound,) = story.at_home_on(story.removed.pod)
    last = story.requests(bound)[-1]
    assert (last.outcome, last.ended_s) == ("reset", 105.0)
    assert story.removed.dead_s == last.sent_s + 50.0
    assert sum(story.outcomes(session).count("reset") for session in range(3)) == 1


def test_native_sidecar_is_stopped_after_the_application(tmp_path: Path) -> None:
    """A native sidecar gets SIGTERM when the application is dead, and the pod ends after it.

    See rule D8.
    """
    proxy = {"name": "mesh", "kind": "native", "proxy": True, "onSigterm": AFTER_5_S}
    story = _scaled_down(tmp_path, proxy)
    pod = story.removed
    assert (pod.sigterm_s, pod.dead_s) == (130.0, 130.0)
    assert story.when("sidecar_sigterm") == 130.0
    assert story.when("sidecar_exited") == 135.0
    assert pod.removed_s == 135.0
    assert story.summary["breaks"] == 0


def test_native_sidecars_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    """Native sidecars are stopped in reverse order, and each has at least 2 s left of the grace period."""
    first = {"name": "first", "kind": "native", "onSigterm": {"exit": {"after": 1}}}
    second = {"name": "second", "kind": "native", "onSigterm": {"exit": "never"}}
    story = _scaled_down(tmp_path, first, second, app="ignore", preStop=None, grace="10s")
    assert story.removed.dead_s == 110.0
    assert story.when("sidecar_sigterm", detail="second: SIGKILL follows in 2 s") == 110.0
    # The ordering waits no longer than the grace period, so that both get SIGTERM at its end.
    assert story.when("sidecar_sigterm", detail="first: SIGKILL follows in 2 s") == 110.0
    assert story.when("sidecar_exited", detail="second is killed") == 112.0
    assert story.when("sidecar_exited", detail="first exits") == 111.0
    assert story.removed.removed_s == 112.0


def test_native_waits_for_the_one_behind_it(tmp_path: Path) -> None:
    """While there is grace left the last native sidecar is stopped first, and the one before it waits."""
    sidecars = [
        {"name": "first", "kind": "native", "onSigterm": {"exit": "immediately"}},
        {"name": "second", "kind": "native", "onSigterm": {"exit": {"after": 4}}},
    ]
    story = _scaled_down(tmp_path, *sidecars, preStop=None)
    assert story.when("sidecar_sigterm", detail="second") == 100.0
    assert story.when("sidecar_sigterm", detail="first") == 104.0
    assert story.removed.removed_s == 104.0


@pytest.mark.parametrize("kind", ["plain", "native"])
def test_sidecar_that_carries_no_request_only_lengthens_the_end(kind: str, tmp_path: Path) -> None:
    """No session notices a sidecar that is no proxy; the pod stays until it is over."""
    log_shipper = {"name": "logs", "kind": kind, "onSigterm": {"exit": {"after": 40}}}
    story = _scaled_down(tmp_path, log_shipper)
    assert story.summary["breaks"] == story.summary["requests_failed"] == 0
    assert story.removed.dead_s == 130.0
    assert story.removed.removed_s == (140.0 if kind == "plain" else 160.0)


def test_native_sidecar_waits_for_the_plain_ones_too(tmp_path: Path) -> None:
    """A plain sidecar that outlives the application holds the native one back."""
    plain = {"name": "agent", "onSigterm": AFTER_5_S}
    native = {"name": "mesh", "kind": "native", "proxy": True, "onSigterm": {"exit": "immediately"}}
    story = _scaled_down(tmp_path, plain, native, app="exit", preStop=None)
    assert story.removed.dead_s == 100.0
    assert story.when("sidecar_exited", detail="agent") == 105.0
    assert story.when("sidecar_sigterm", detail="mesh") == 105.0
