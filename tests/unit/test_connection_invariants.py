"""The invariants of long-lived connections find what they are there for: each is shown a recording tampered with."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache

import numpy as np
import pytest
from small_scenario import small

from simsticky.audit import verify
from simsticky.audit.connections import CHECKS
from simsticky.audit.evidence import Evidence
from simsticky.errors import InvariantError
from simsticky.recording.record import CODE, CONNECT, CONTAINER, ENDED, SENT, SESSION_COLUMNS, STARTED, Recording
from simsticky.scenario.model import Scenario
from simsticky.sim.simulation import Simulation

CONNECTIONS = {"kind": "long-lived", "reconnect": {"jitter": "equal"}}


@cache
def _good(kind: str = "long-lived") -> tuple[Recording, Scenario]:
    connections = CONNECTIONS if kind == "long-lived" else kind
    scenario = small(traffic__connections=connections, gateway__retries=0)
    return Simulation(scenario, 1, 0).run(), scenario


def _rows(recording: Recording) -> np.ndarray:
    """Join the blocks into one, to be changed in place."""
    rows = np.concatenate(recording.request_blocks)
    recording.request_blocks = [rows[np.argsort(rows[:, SENT], kind="stable")]]
    return recording.request_blocks[0]


def _check(recording: Recording, scenario: Scenario) -> None:
    """Look at the connections only: most tampering breaks other invariants as well."""
    for check in CHECKS:
        check(Evidence(recording, scenario))


def _is_connect(rows: np.ndarray) -> np.ndarray:
    return rows[:, CODE].astype(np.int64) & CONNECT > 0


def _message_elsewhere(recording: Recording) -> None:
    rows = _rows(recording)
    row = np.flatnonzero(~_is_connect(rows) & (rows[:, 1] > 2) & (rows[:, SENT] < 20.0))[-1]
    rows[row, CONTAINER] = (rows[row, CONTAINER] + 1) % 3


def _connects_unasked(recording: Recording) -> None:
    rows = _rows(recording)
    row = np.flatnonzero(~_is_connect(rows) & (rows[:, 1] > 2) & (rows[:, SENT] < 20.0))[-1]
    rows[row, CODE] += CONNECT


def _begins_with_a_message(recording: Recording) -> None:
    rows = _rows(recording)
    rows[np.flatnonzero(_is_connect(rows) & (rows[:, 1] == 1))[0], CODE] -= CONNECT


def _adopted_elsewhere(recording: Recording) -> None:
    column = SESSION_COLUMNS.index("first_container")
    for block in recording.session_blocks:
        met = block[:, SESSION_COLUMNS.index("started_s")] < 0.0
        block[met, column] = (block[met, column] + 1) % 3


def _outlives_its_container(recording: Recording) -> None:
    container = recording.lives[0]
    rows = _rows(recording)
    last = rows[rows[:, CONTAINER] == 0, SENT].max()
    container.cut_s = float(last) - 1e-6


def _does_not_wait(recording: Recording) -> None:
    rows = _rows(recording)
    failed = np.flatnonzero(_is_connect(rows) & (rows[:, ENDED] == rows[:, SENT]))
    for row in failed.tolist():
        again = np.flatnonzero(
            (rows[:, 0] == rows[row, 0]) & (rows[:, 1] == rows[row, 1]) & (rows[:, SENT] > rows[row, SENT])
        )
        if len(again):
            shift_s = rows[again[0], SENT] - rows[row, SENT] - 0.25
            rows[again[0], [SENT, STARTED, ENDED]] -= shift_s
            return
    raise AssertionError("no connect failed")


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (_message_elsewhere, "a message goes where its session is connected"),
        (_connects_unasked, "a session stays connected while its container lives"),
        (_begins_with_a_message, "a session's first request is a connect"),
        (_adopted_elsewhere, "a session alive at 0 is connected to where its state is"),
        (_outlives_its_container, "a connection never outlives its container"),
    ],
)
def test_a_violation_is_found(tamper: Callable[[Recording], None], expected: str) -> None:
    """Each check names the invariant that a changed recording breaks."""
    recording, scenario = _good()
    tampered = deepcopy(recording)
    tamper(tampered)
    with pytest.raises(InvariantError, match=expected):
        _check(tampered, scenario)


def test_a_good_recording_passes() -> None:
    """The recordings that are tampered with are good ones, and connections were lost in them."""
    recording, scenario = _good()
    verify(recording, scenario)
    assert recording.counts["connections_lost"] > 0


def test_a_connect_where_there_are_none_is_found() -> None:
    """With a connection for each request no code says connect."""
    recording, scenario = _good("per-request")
    tampered = deepcopy(recording)
    _connects_unasked(tampered)
    with pytest.raises(InvariantError, match="only long-lived connections are opened by connects"):
        _check(tampered, scenario)


def test_a_client_in_a_hurry_is_found() -> None:
    """Equal jitter of a back-off of 1 s waits half a second at least between two connects."""
    one = {"kind": "long-lived", "reconnect": {"jitter": "equal"}}
    scenario = small(
        traffic__connections=one, timeline=[{"at": "30s", "crash": "app", "count": 3}], deployment__replicas=3
    )
    tampered = Simulation(scenario, 1, 0).run()
    verify(tampered, scenario)
    _does_not_wait(tampered)
    with pytest.raises(InvariantError, match="a client that could not connect backs off"):
        _check(tampered, scenario)
