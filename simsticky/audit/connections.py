"""What must be true of long-lived connections in every run (docs/model.md, rules V); see the package."""

from bisect import bisect_right

import numpy as np

from simsticky.audit.evidence import ROUNDING_S, Evidence, Mask
from simsticky.errors import InvariantError
from simsticky.recording.record import ENDED, SENT, SESSION_COLUMNS, Outcome


def only_held_connections_are_opened(evidence: Evidence) -> None:
    """Where each request has a connection of its own nothing is a connect; else a session begins with one."""
    connect = evidence.fields["connect"] == 1
    if not evidence.scenario.traffic.connections.long_lived:
        evidence.refuse("only long-lived connections are opened by connects", connect)
        return
    evidence.refuse("a session's first request is a connect", (evidence.rows[:, 1] == 1) & ~connect)


def messages_stay_on_their_connection(evidence: Evidence) -> None:
    """A message goes where the session is connected, whatever any table says, and only while that container lives."""
    message, container, follows = evidence.message, evidence.container, evidence.follows
    connected = _after(evidence, evidence.outcome == Outcome.ANSWERED) & (container == np.roll(container, 1))
    evidence.refuse("a message goes where its session is connected", message & follows & ~connected)
    began = evidence.rows[message & ~follows]
    order = np.argsort(evidence.session_rows[:, 0], kind="stable")
    place = np.searchsorted(evidence.session_rows[:, 0], began[:, 0], sorter=order)
    first = evidence.session_rows[order[place], SESSION_COLUMNS.index("first_container")]
    elsewhere = np.zeros(len(message), bool)
    elsewhere[message & ~follows] = first != container[message & ~follows]
    evidence.refuse("a session alive at 0 is connected to where its state is", elsewhere)
    cut_s = evidence.of_container(lambda life: life.cut_s)
    # What is sent at the very instant at which another session is too much for the memory is cut at that instant.
    late = evidence.rows[:, SENT] > cut_s
    late |= (evidence.rows[:, SENT] == cut_s) & ~(evidence.rows[:, ENDED] <= cut_s)
    evidence.refuse("a connection never outlives its container", message & late)


def connections_last(evidence: Evidence) -> None:
    """Nothing but the other side ends a connection: a client that connects anew has lost the one it had."""
    connect = evidence.fields["connect"] == 1
    app, sidecars = evidence.scenario.app.on_sigterm, evidence.scenario.deployment.sidecars
    closes = app.connections == "close"
    proxy_closes = any(sidecar.proxy and sidecar.on_sigterm.connections == "close" for sidecar in sidecars)
    stops: dict[str, list[float]] = {}
    for event in evidence.recording.events:
        if event.kind == "stopped":
            stops.setdefault(event.actor, []).append(event.at_s)
    again = connect & _after(evidence, evidence.outcome == Outcome.ANSWERED)
    for row in np.flatnonzero(again).tolist():
        life, sent_s = evidence.container_of(row - 1), evidence.rows[row, SENT]
        lost = life.cut_s <= sent_s or (closes and life.sigterm_s <= sent_s)
        lost |= proxy_closes and evidence.pod_of(row - 1).deleted_s <= sent_s
        stopped = stops.get(evidence.node_of(row - 1), [])
        lost |= bisect_right(stopped, sent_s) > bisect_right(stopped, evidence.rows[row - 1, SENT])
        if not lost:
            raise InvariantError(f"a session stays connected while its container lives: {evidence.describe(row)}")


def clients_back_off(evidence: Evidence) -> None:
    """Between a connect that has failed and the next one lies a wait within the bounds of the back-off."""
    reconnect = evidence.scenario.traffic.connections.reconnect
    rows, connect = evidence.rows, evidence.fields["connect"] == 1
    failed = _after(evidence, connect & (evidence.outcome != Outcome.ANSWERED))
    wait_s = rows[:, SENT] - np.roll(rows[:, ENDED], 1)
    least_s = {"none": 1.0, "equal": 0.5, "full": 0.0}[reconnect.jitter] * reconnect.backoff
    wrong = (wait_s < least_s - ROUNDING_S) | (wait_s > reconnect.max + ROUNDING_S)
    evidence.refuse("a client that could not connect backs off", failed & connect & wrong)


def _after(evidence: Evidence, what: Mask) -> Mask:
    """Return which rows come right after one of these, in the same session."""
    after: Mask = np.roll(what, 1) & evidence.follows
    return after


CHECKS = (
    only_held_connections_are_opened,
    messages_stay_on_their_connection,
    connections_last,
    clients_back_off,
)
