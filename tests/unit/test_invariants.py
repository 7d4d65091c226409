"""The invariants find what they are there for: each is shown a recording that was tampered with."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from small_scenario import small

from simsticky.audit import verify
from simsticky.errors import InvariantError
from simsticky.recording.events import EventRecord, Push, TargetChange
from simsticky.recording.record import (
    CODE,
    CONTAINER,
    ENDED,
    SENT,
    STARTED,
    Outcome,
    Recording,
    pack,
    unpack_columns,
)
from simsticky.scenario.model import Scenario
from simsticky.sim.simulation import Simulation

Tampering = Callable[[Recording], None]


@cache
def _good() -> tuple[Recording, Scenario]:
    scenario = small(kic__enableDrainSupport=False)
    return Simulation(scenario, 1, 0).run(), scenario


def _rows(recording: Recording) -> np.ndarray:
    """Join the blocks into one, to be changed in place."""
    recording.request_blocks = [np.concatenate(recording.request_blocks)]
    (rows,) = recording.request_blocks
    recording.request_blocks = [rows[np.argsort(rows[:, SENT], kind="stable")]]
    return recording.request_blocks[0]


def _row(recording: Recording, number: int = 200) -> np.ndarray:
    return _rows(recording)[number]


def _clock_back(recording: Recording) -> None:
    recording.events.append(EventRecord(0.0, "kubelet", "ready", "pod"))


def _started_before_sent(recording: Recording) -> None:
    _row(recording)[STARTED] -= 1.0


def _answered_after_death(recording: Recording) -> None:
    first = recording.pods[0]
    rows = _rows(recording)
    last_of = {row[0]: number for number, row in enumerate(rows)}
    row = next(rows[number] for number in last_of.values() if rows[number, CONTAINER] == 0)
    row[ENDED] = first.dead_s + 1.0


def _sent_after_the_listener_closed(recording: Recording) -> None:
    container = next(container for container in recording.lives if container.dead_s == container.dead_s)
    container.listener_closed_s = container.sigterm_s = 1.0


def _two_outcomes(recording: Recording) -> None:
    rows = _rows(recording)
    row = rows[200].copy()
    later = np.flatnonzero((rows[:, 0] == row[0]) & (rows[:, SENT] > row[SENT]))
    rows[later[0], 1] = row[1]


def _no_end(recording: Recording) -> None:
    _row(recording)[ENDED] = np.nan


def _reset_of_the_living(recording: Recording) -> None:
    _row(recording)[CODE] = pack(0, 1, Outcome.RESET)


def _too_many_in_service(recording: Recording) -> None:
    rows = _rows(recording)
    here = np.flatnonzero(rows[:, CONTAINER] == rows[200, CONTAINER])[:17]
    rows[here, SENT], rows[here, STARTED], rows[here, ENDED] = 20.0, 20.0, 21.0
    rows[here, 0] = np.arange(17) + 1e6
    rows[here, 1] = 1.0
    _rows(recording)


def _overtaking(recording: Recording) -> None:
    rows = _rows(recording)
    first, second = np.flatnonzero(rows[:, CONTAINER] == rows[200, CONTAINER])[20:22]
    rows[first, STARTED] = rows[second, STARTED] + 0.001
    rows[first, ENDED] = rows[second, STARTED] + 0.002


def _wandering(recording: Recording) -> None:
    rows = _rows(recording)
    early = rows[(rows[:, SENT] < 25.0) & (rows[:, 1] > 3)]
    session = early[-1, 0]
    mine = np.flatnonzero(rows[:, 0] == session)
    last = mine[rows[mine, SENT] < 25.0][-1]
    rows[last, CONTAINER] = (rows[last, CONTAINER] + 1) % 3


def _break_out_of_nothing(recording: Recording) -> None:
    rows = _rows(recording)
    first = next(row for row in rows if row[1] == 1.0)
    first[CODE] = pack(0, 1, Outcome.ANSWERED, 1, 1, 1, 1)


def _break_nobody_counted(recording: Recording) -> None:
    row = next(row for row in _rows(recording)[::-1] if row[1] > 5)
    row[CODE] = pack(0, 1, Outcome.ANSWERED, 1, 1, 1, 1)


def _killed_too_soon(recording: Recording) -> None:
    container = next(container for container in recording.lives if container.dead_s == container.dead_s)
    container.sigkill_s = container.dead_s = container.cut_s = container.sigterm_s + 1.0
    container.listener_closed_s = container.sigterm_s


def _dead_for_no_reason(recording: Recording) -> None:
    container = next(container for container in recording.lives if container.dead_s == container.dead_s)
    container.sigterm_s = np.nan


def _started_after_its_deletion(recording: Recording) -> None:
    container = next(container for container in recording.lives if container.dead_s == container.dead_s)
    again = replace(container, instance=2, due_s=container.dead_s + 1.0, started_s=container.dead_s + 2.0)
    again.listening_s = again.listener_closed_s = again.cut_s = again.dead_s = again.started_s
    again.sigterm_s, again.ended = np.nan, "crashed"
    recording.lives.append(again)
    recording.containers.append(again.pod)


def _restarted_without_back_off(recording: Recording) -> None:
    pod = next(index for index, pod in enumerate(recording.pods) if pod.deleted_s != pod.deleted_s)
    first = next(container for container in recording.lives if container.pod == pod)
    times = [first.started_s, 50.0, 51.0]
    for number, started_s in enumerate(times, start=1):
        life = replace(first, instance=number, due_s=started_s, started_s=started_s, listening_s=started_s)
        if number < len(times):
            life.listener_closed_s = life.cut_s = life.dead_s = times[number]
            life.ended = "crashed"
        else:
            life.dead_s = np.nan
        if number == 1:
            recording.lives[recording.lives.index(first)] = life
        else:
            recording.lives.append(life)
            recording.containers.append(pod)
    recording.pods[pod].restarts = 2


def _dead_before_sigterm(recording: Recording) -> None:
    pod = next(pod for pod in recording.pods if pod.dead_s == pod.dead_s)
    pod.dead_s = pod.deleted_s - 1.0


def _too_many_pods(recording: Recording) -> None:
    pod = recording.pods[-1]
    recording.pods += [deepcopy(pod) for _ in range(3)]


def _miscounted(recording: Recording) -> None:
    recording.counts["requests_answered"] += 1
    recording.counts["requests_sent"] += 1


def _more_broken_than_exposed(recording: Recording) -> None:
    recording.operations[0].broken = recording.operations[0].exposed + 1


def _new_session_on_weight_zero(recording: Recording) -> None:
    pod = recording.pods[0]
    rows = _rows(recording)
    row = next(row for row in rows if row[1] == 1.0 and pod.deleted_s + 4 < row[SENT] < pod.sigterm_s)
    alone = np.flatnonzero(rows[:, 0] == row[0])[1:]
    rows[alone, 0] = 1e6
    row[CONTAINER] = 0


def _pushed_before_it_was_so(recording: Recording) -> None:
    later = [state._replace(at_s=state.at_s + 10.0) if state.deleted else state for state in recording.pod_states]
    recording.pod_states[:] = later


def _pushed_again_when_it_was_over(recording: Recording) -> None:
    first, last = recording.pods[0], recording.pods[-1]
    back = Push(3, (TargetChange(first.pod, None, 100), TargetChange(last.pod, 100, None)))
    recording.events.append(EventRecord(recording.end_s, "kong-1", "pushed", "", back))


def _pushed_of_two_moments(recording: Recording) -> None:
    # An old pod is seen to have gone before its successor is seen to be ready.
    first, second = [event for event in recording.events if event.kind == "pushed"][:2]
    one, other = first.of(Push), second.of(Push)
    gone = next(change for change in other.changes if change.after is None)
    first.data, second.data = replace(one, changes=(gone,)), replace(other, changes=(one.changes[0], *other.changes))


@pytest.mark.parametrize(
    ("tampering", "invariant"),
    [
        (_clock_back, "the clock never runs back"),
        (_started_before_sent, "sent <= started <= ended"),
        (_answered_after_death, "a dead container answers nothing"),
        (_sent_after_the_listener_closed, "a request reaches a pod only while it listens"),
        (_two_outcomes, "a request has one outcome|numbered without gaps"),
        (_no_end, "only an unfinished request has no end"),
        (_reset_of_the_living, "a request is cut by its container's end"),
        (_too_many_in_service, "at most 16 requests are in service"),
        (_overtaking, "first come, first served"),
        (_wandering, "a session stays on its pod while it can"),
        (_break_out_of_nothing, "a session breaks only after a first answer"),
        (_break_nobody_counted, "counts agree with rows"),
        (_killed_too_soon, "SIGKILL comes at least 2 s after SIGTERM"),
        (_dead_before_sigterm, "a pod lives in legal order"),
        (_dead_for_no_reason, "a container gets SIGTERM before it is dead, or ends by itself"),
        (_started_after_its_deletion, "a pod starts one container after the other until it is deleted"),
        (_restarted_without_back_off, "a container starts again once its back-off is over"),
        (_too_many_pods, "non-terminating pods are at most 4"),
        (_miscounted, "counts agree with rows"),
        (_more_broken_than_exposed, "no more sessions break than are there"),
        (_new_session_on_weight_zero, "a target without weight takes no new session|numbered without gaps"),
        (_pushed_before_it_was_so, "a table is of one moment of the pods, and these never go back"),
        (_pushed_again_when_it_was_over, "a table is of one moment of the pods, and these never go back"),
        (_pushed_of_two_moments, "a table is of one moment of the pods, and these never go back"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_tampering_is_found(tampering: Tampering, invariant: str) -> None:
    """A recording that is good passes, one that was changed names what is wrong."""
    recording, scenario = _good()
    changed = deepcopy(recording)
    tampering(changed)
    with pytest.raises(InvariantError, match=invariant):
        verify(changed, scenario)


# What the other algorithms, tabs, timeouts and retries must keep ------------------------------------------------------


@cache
def _good_with(name: str) -> tuple[Recording, Scenario]:
    """Return a run that a check of its own looks at."""
    changes: dict[str, Any] = {
        "hashed": {"upstream": {"algorithm": "consistent-hashing", "hashOn": {"input": "ip"}}},
        "tabs": {"traffic__tabs": 2},
        "slow": {"gateway__readTimeout": "100ms", "traffic__idempotent": 0.5},
    }[name]
    scenario = small(**changes)
    recording = Simulation(scenario, 1, 0).run()
    verify(recording, scenario)
    return recording, scenario


def _third_request_of_two_tabs(recording: Recording) -> None:
    rows = _rows(recording)
    session = next(number for number in np.unique(rows[:, 0]) if (rows[:, 0] == number).sum() > 5)
    mine = np.flatnonzero(rows[:, 0] == session)[:3]
    rows[mine, ENDED] = rows[mine[2], SENT] + 1.0


def _timed_out(recording: Recording, attempts: int) -> np.ndarray:
    """Return the first row of a request that timed out after so many attempts."""
    rows = _rows(recording)
    fields = unpack_columns(rows[:, CODE])
    here = (fields["outcome"] == Outcome.TIMED_OUT) & (fields["attempts"] == attempts)
    return rows[np.flatnonzero(here)[0]]


def _timed_out_late(recording: Recording) -> None:
    _timed_out(recording, 1)[ENDED] += 0.25


def _timed_out_too_soon(recording: Recording) -> None:
    row = _timed_out(recording, 6)
    row[ENDED] = row[SENT] + 0.05


def _seven_attempts(recording: Recording) -> None:
    _row(recording)[CODE] = pack(0, 7)


@pytest.mark.parametrize(
    ("run", "tampering", "invariant"),
    [
        ("hashed", _wandering, "a key stays on its pod"),
        ("tabs", _third_request_of_two_tabs, "a session sends 2 requests at a time"),
        ("slow", _timed_out_late, "a 504 comes at the read timeout"),
        ("slow", _timed_out_too_soon, "a 504 comes at the timeout of its last attempt"),
        ("slow", _seven_attempts, "a request has at most 6 attempts"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_tampering_with_special_runs_is_found(run: str, tampering: Tampering, invariant: str) -> None:
    """Checks that need hashing, tabs or timeouts find what is tampered with there."""
    recording, scenario = _good_with(run)
    changed = deepcopy(recording)
    tampering(changed)
    with pytest.raises(InvariantError, match=invariant):
        verify(changed, scenario)


def test_good_recording_passes_at_every_level() -> None:
    """What is there is checked, what is not there is not missed."""
    for level in ("requests", "sessions", "summary"):
        scenario = small(run__record=level)
        verify(Simulation(scenario, 1, 0).run(), scenario)
