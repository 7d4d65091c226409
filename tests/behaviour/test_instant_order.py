"""What happens first when several things happen at one instant."""

from collections.abc import Callable
from pathlib import Path

import pytest
import simpy
from stories import DRAIN_OFF, scale_to, tell

from simsticky.sim.clock import Clock, Phase, call_at

_ORDER = ["completion", "container", "status", "controller", "push", "operation", "send"]


def test_phases_are_the_documented_ones_in_the_documented_order() -> None:
    """Completions come first and new sends last, each after SimPy's urgent events."""
    assert [phase.name.lower() for phase in sorted(Phase)] == _ORDER
    assert min(Phase) > simpy.events.URGENT


class _OneSend:
    """A send that is due at 5 s."""

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        self.next_s = 5.0

    def advance(self, until_s: float) -> None:
        """Make it, if it comes before a time."""
        assert self.next_s < until_s
        self.next_s = float("inf")
        self._send()


def test_simultaneous_events_run_by_phase_then_in_order_of_scheduling() -> None:
    """Events of one instant run by phase, whatever the order of scheduling was (rule T1)."""
    env, seen = Clock(), list[str]()
    env.sends = _OneSend(lambda: seen.append("send"))
    for number in (1, 2):
        for phase in sorted(Phase, reverse=True):
            if phase is not Phase.SEND:
                name = f"{phase.name.lower()} {number}"
                call_at(env, 5.0, phase, lambda name=name: seen.append(name))
    end = env.event()
    call_at(env, 6.0, Phase.COMPLETION, end.succeed)
    env.run(end)
    assert seen == [f"{name} {number}" for name in _ORDER[:-1] for number in (1, 2)] + ["send"]


def test_what_is_caused_at_an_instant_in_an_earlier_phase_still_comes_before_a_later_one() -> None:
    """An operation's consequences are applied before anybody sends."""
    env, seen = simpy.Environment(), list[str]()
    call_at(env, 1.0, Phase.SEND, lambda: seen.append("send"))
    call_at(env, 1.0, Phase.OPERATION, lambda: call_at(env, 0.0, Phase.PUSH, lambda: seen.append("push")))
    env.run()
    assert seen == ["push", "send"]


def test_time_in_which_nothing_happens_has_no_event(tmp_path: Path) -> None:
    """Ten more hours of KIC's polling cost nothing (rule T2)."""
    polls = {"kic": {"proxySyncSeconds": 3}}
    short, long = (tell(tmp_path, [[1.0]], scale_to(2), polls, {"run": {"until": until}}) for until in ("1h", "11h"))
    assert long.result.diagnostics["end_s"] == 11 * 3600
    assert short.result.diagnostics["kernel_events"] == long.result.diagnostics["kernel_events"]


_AT_100 = [[1.0 + i, 100.0, 110.0] for i in range(3)]


def test_request_sent_at_the_operations_instant_sees_its_consequences(tmp_path: Path) -> None:
    """With all delays 0 a request at 100 s finds the pod gone from the table."""
    story = tell(tmp_path, _AT_100, scale_to(2), DRAIN_OFF)
    (session,) = story.at_home_on(story.removed.pod)
    assert story.pushed(f"-{story.removed.pod}") == 100.0
    assert story.breaks(session) == [(100.0, "lost", "target_removed", "drain_off")]


def test_request_that_ends_at_the_instant_of_the_kill_is_complete(tmp_path: Path) -> None:
    """10 s of work and a SIGKILL after 10 s make an answer."""
    short = {"deployment": {"preStop": None, "grace": "10s"}, "app": {"onSigterm": "ignore"}}
    story = tell(tmp_path, [[100.0 + i / 8 for i in (0,)], [99.0], [99.5]], scale_to(2), short, service_s=10.0)
    rows = {row.session: row for session in range(3) for row in story.requests(session)}
    exactly = next(row for row in rows.values() if row.sent_s == 100.0)
    assert exactly.ended_s == 110.0
    assert exactly.outcome == "answered"


@pytest.mark.parametrize(("sent_s", "outcome"), [(99.75, "answered"), (100.0, "answered"), (100.25, "reset")])
def test_only_what_would_end_after_the_kill_is_cut(sent_s: float, outcome: str, tmp_path: Path) -> None:
    """Of requests that end a moment before the kill at 110 s, at it and after it, only the last is cut."""
    short = {"deployment": {"preStop": None, "grace": "10s"}, "app": {"onSigterm": "ignore"}}
    clients = [[sent_s] for _ in range(3)]
    # The push comes late, so that the dying pod gets its share also after the deletion.
    story = tell(tmp_path, clients, scale_to(2), short, {"kic": {"pushDelay": "30s"}}, service_s=10.0)
    assert story.removed.sigkill_s == 110.0
    (row,) = [row for session in range(3) for row in story.requests(session) if row.pod == story.removed.pod]
    assert row.outcome == outcome


def test_request_sent_at_the_instant_of_the_end_is_refused(tmp_path: Path) -> None:
    """At the instant of SIGTERM nobody is served by that pod any more."""
    story = tell(tmp_path, [[1.0 + i, 130.0] for i in range(3)], scale_to(2), {"kic": {"pushDelay": "1s"}})
    (session,) = story.at_home_on(story.removed.pod)
    second = story.requests(session)[1]
    assert (second.attempts, second.broke, second.mechanism) == (2, "lost", "refused")


def test_push_before_send_and_after_the_containers_end(tmp_path: Path) -> None:
    """At one instant the pod ends, its target goes, and a request meets the new table."""
    story = tell(tmp_path, [[1.0 + i, 130.0] for i in range(3)], scale_to(2))
    (session,) = story.at_home_on(story.removed.pod)
    assert story.removed.dead_s == story.pushed(f"-{story.removed.pod}") == 130.0
    second = story.requests(session)[1]
    assert (second.attempts, second.broke, second.mechanism) == (1, "lost", "target_removed")


def test_two_requests_at_one_instant_are_served_in_the_order_of_their_scheduling(tmp_path: Path) -> None:
    """Two sends of one instant are served first come, first served (rule P1)."""
    one = {"deployment": {"replicas": 1}, "app": {"concurrency": 1}}
    story = tell(tmp_path, [[1.0, 50.0], [2.0, 50.0], [3.0, 50.0]], one)
    assert [story.requests(session)[1].started_s for session in range(3)] == [50.0, 50.25, 50.5]
