"""Pods and rollouts from addresses that come and go, and from events."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from logs import writers
from logs.traffic import BEGIN_S, Pods, Request, address, pods_of, target_cookie, traffic

from simsticky.errors import InputError
from simsticky.logs.read import read_logs
from simsticky.logs.requests import LogRead, Rollout

DAY_S = 86400.0


def read(made: list[Request], folder: Path, **how: object) -> LogRead:
    path = folder / "kong.log"
    path.write_text(writers.text(made))
    return read_logs(path, **how)  # type: ignore[arg-type]


def at_s(log: LogRead, moment_s: float) -> float:
    """Return a moment after BEGIN_S on the log's own clock."""
    return moment_s - (log.requests.epoch.timestamp() - BEGIN_S)


def names(log: LogRead, pods: tuple[int, ...]) -> set[str]:
    return {log.requests.pods[pod] for pod in pods}


def test_a_rollout_is_found_with_its_pods_and_its_times(tmp_path: Path) -> None:
    """Which addresses left, which came, when it began, when the last old pod answered last."""
    made = traffic(1500, pods=pods_of(3, (1800,)))
    log = read(made, tmp_path)
    (rollout,) = log.rollouts
    assert (rollout.kind, rollout.source, rollout.cut) == ("rollout", "addresses", False)
    assert names(log, rollout.old) == {address(0, number) for number in range(3)}
    assert names(log, rollout.new) == {address(1, number) for number in range(3)}
    assert rollout.started_s == pytest.approx(at_s(log, 1800), abs=30)
    last = max(each.sent_s for each in made if each.pod.startswith("10.244.0."))
    assert rollout.ended_s == pytest.approx(at_s(log, last - BEGIN_S), abs=0.01)


def test_two_days_with_three_rollouts(tmp_path: Path) -> None:
    """Each is found once, at its time, in order."""
    times = (0.4 * DAY_S, 0.9 * DAY_S, 1.5 * DAY_S)
    made = traffic(3000, pods=pods_of(4, times), length_s=2 * DAY_S)
    log = read(made, tmp_path)
    assert [rollout.kind for rollout in log.rollouts] == ["rollout"] * 3
    for rollout, began in zip(log.rollouts, times, strict=True):
        assert rollout.started_s == pytest.approx(at_s(log, began), abs=400)
        assert len(rollout.old) == len(rollout.new) == 4


@pytest.mark.parametrize("cut", ["begins", "ends"])
def test_a_log_cut_in_mid_rollout_says_so(cut: str, tmp_path: Path) -> None:
    """Two of three pods have gone before the log begins, or go after it ends: what it was is not known."""
    made = traffic(1500, pods=pods_of(3, (1800,), step_s=60))
    edge = BEGIN_S + 1800 + 90
    if cut == "begins":
        made = [each for each in made if each.sent_s > edge]
    else:
        made = [each for each in made if each.sent_s < edge + 60]
    log = read(made, tmp_path)
    (rollout,) = log.rollouts
    assert (rollout.kind, rollout.cut) == ("cut", True)
    assert any("the log begins or ends, so what happened is not known" in text for text in log.describe())


def changing(*changes: tuple[float, list[str]], gone: dict[str, float] | None = None) -> Pods:
    first = (BEGIN_S - 1e9, [address(0, number) for number in range(4)])
    moments = [(BEGIN_S + moment, pods) for moment, pods in changes]
    return Pods([first, *moments], {pod: BEGIN_S + moment for pod, moment in (gone or {}).items()})


A, B, C, D = (address(0, number) for number in range(4))
E = address(1, 0)


@pytest.mark.parametrize(
    ("pods", "kind", "old", "new"),
    [
        (changing((1800, [A, B, C]), gone={D: 1830}), "scale-down", {D}, set()),
        (changing((1800, [A, B, C, D, E])), "scale-up", set(), {E}),
        (changing((1800, [A, B, C, E]), gone={D: 1830}), "replacement", {D}, {E}),
    ],
)
def test_scaling_and_replacements_are_told_apart(
    pods: Pods, kind: str, old: set[str], new: set[str], tmp_path: Path
) -> None:
    """Not each pod that goes is a rollout."""
    log = read(traffic(2000, pods=pods), tmp_path)
    (rollout,) = log.rollouts
    assert rollout.kind == kind
    assert (names(log, rollout.old), names(log, rollout.new)) == (old, new)


def test_a_second_rollout_within_minutes_is_a_second_one(tmp_path: Path) -> None:
    """A pod that came leaves again: that belongs to the next."""
    log = read(traffic(2000, pods=pods_of(3, (1500, 1800))), tmp_path)
    assert [rollout.kind for rollout in log.rollouts] == ["rollout", "rollout"]
    assert set(log.rollouts[0].new) == set(log.rollouts[1].old)


@pytest.mark.slow
def test_a_pod_that_drains_for_long_leaves_when_it_gets_no_new_sessions(tmp_path: Path) -> None:
    """With drain support old sessions stay, and their requests go on for half an hour."""
    made = traffic(300, pods=pods_of(3, (1200,), drain_s=1800), requests=60)
    log = read(made, tmp_path)
    (rollout,) = log.rollouts
    assert rollout.started_s == pytest.approx(at_s(log, 1200), abs=30)
    assert rollout.ended_s > at_s(log, 2400)
    for pod in rollout.old:
        assert log.pod_lives.last_new_s[pod] < at_s(log, 1260)
        assert log.pod_lives.last_s[pod] > at_s(log, 2400)


def test_a_quiet_night_removes_no_pod(tmp_path: Path) -> None:
    """Nobody comes for two hours; all pods are there the next morning."""
    evening = traffic(600, length_s=3600)
    morning = traffic(600, seed=2, length_s=3600)
    for each in morning:
        each.sent_s += 3 * 3600
        each.session += 10_000
    log = read(evening + morning, tmp_path)
    assert log.rollouts == ()
    assert "No pod is seen to come or go, so there is no rollout in the log." in log.describe()


def test_a_log_that_ends_at_night_removes_no_pod(tmp_path: Path) -> None:
    """A few requests in the last hours say nothing of the pods that got none of them."""
    evening = traffic(600, length_s=3600)
    night = traffic(3, seed=2, length_s=4 * 3600)
    for each in night:
        each.sent_s += 3600
        each.session += 10_000
    assert read(evening + night, tmp_path).rollouts == ()


def events_of(*moments: tuple[float, str]) -> str:
    items = [
        {
            "kind": "Event", "reason": reason, "involvedObject": {"kind": "Pod", "name": "web-1"},
            "firstTimestamp": datetime.fromtimestamp(BEGIN_S + moment, UTC).isoformat(), "lastTimestamp": None,
        }
        for moment, reason in moments
    ]  # fmt: skip
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def test_events_say_when_a_rollout_began(tmp_path: Path) -> None:
    """The log shows a rollout when its first pod is listed; the Deployment knew of it before."""
    made = traffic(1500, pods=pods_of(3, (1800,)))
    (tmp_path / "events.json").write_text(
        events_of((1770, "ScalingReplicaSet"), (1800, "Killing"), (1820, "Killing"), (900, "Pulled"))
    )
    log = read(made, tmp_path, events=tmp_path / "events.json")
    (rollout,) = log.rollouts
    assert (rollout.kind, rollout.source) == ("rollout", "events")
    assert rollout.started_s == pytest.approx(at_s(log, 1770), abs=0.01)


def test_an_event_without_any_trace_stands_for_itself(tmp_path: Path) -> None:
    """A StatefulSet's pods keep their addresses; the moment is known all the same."""
    made = traffic(600)
    (tmp_path / "events.txt").write_text("# what we did\n2026-09-01T10:20:00Z rollout of web\n")
    log = read(made, tmp_path, events=tmp_path / "events.txt")
    begin = at_s(log, 1200)
    assert log.rollouts == (Rollout("event", pytest.approx(begin), pytest.approx(begin), (), (), "events"),)
    assert any("an operation is stated, but no pod came or went" in text for text in log.describe())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no moment at which pods came or went"),
        ('{"kind": "List", "items": []}', "holds no moment"),
        ('{"kind": "List", "items": 3}', "has no list of events"),
        ('{"kind": ', "is neither JSON nor YAML"),
        ("yesterday at nine\n", r"events.txt:1: is no moment: 'yesterday at nine'"),
    ],
)
def test_files_of_events_that_hold_none_are_refused(text: str, message: str, tmp_path: Path) -> None:
    """Silence would let a user believe that they were used."""
    (tmp_path / "events.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read(traffic(20), tmp_path, events=tmp_path / "events.txt")


def visits(*pods: str) -> list[Request]:
    """Return sessions of one request each, ten seconds apart, on these pods."""
    made = traffic(300, length_s=300)
    return [
        replace(
            made[number % len(made)], sent_s=BEGIN_S + 10 * number, session=number, pod=pod,
            client=f"198.51.{number // 250}.{number % 250}",
            sticky_in="", sticky_out=target_cookie(pod), app_in="", app_out=f"S{number}",
        )
        for number, pod in enumerate(pods)
    ]  # fmt: skip


def test_a_pod_that_was_as_silent_before_has_not_left(tmp_path: Path) -> None:
    """One that health checks take out for minutes again and again is out when the log ends: it may come back."""
    three, two = [A, B, C] * 60, [A, B] * 60
    assert read(visits(*three, *two, *three, *two), tmp_path).rollouts == ()
    (gone,) = read(visits(*three, *three, *two * 4), tmp_path).rollouts
    assert gone.kind == "scale-down"


def test_a_few_turns_without_a_pod_are_chance(tmp_path: Path) -> None:
    """Where pods take turns nothing is ever longer than one round; eight others in a row may be a retry's doing."""
    assert read(visits(*[A, B, C] * 60, *[A, B] * 4), tmp_path).rollouts == ()


def test_a_short_log_shows_a_scale_down_too(tmp_path: Path) -> None:
    """A trial of three minutes is no cut log, though all of it is within ten minutes of its edges."""
    made = traffic(3000, length_s=180, think_s=3, pods=changing((60, [A, B, C]), gone={D: 75}))
    (rollout,) = read(made, tmp_path).rollouts
    assert rollout.kind == "scale-down"
    assert rollout.started_s == pytest.approx(60, abs=3)
