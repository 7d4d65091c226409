"""Counts: operations, rows and sessions say the same."""

import numpy as np

from simsticky.audit.evidence import Evidence, Mask, per_session
from simsticky.errors import InvariantError
from simsticky.recording.record import SENT, SESSION_COLUMNS, Kind, Outcome

_FAILED = {
    "failed.bad_gateway_502": Outcome.BAD_GATEWAY,
    "failed.no_target_503": Outcome.NO_TARGET,
    "failed.timeout_504": Outcome.TIMED_OUT,
    "failed.reset": Outcome.RESET,
}


def operations_add_up(evidence: Evidence) -> None:
    """Operations and counts agree, at every record level."""
    operations, counts = evidence.recording.operations, evidence.recording.counts
    for record in operations:
        if record.broken > record.exposed or record.broken_alive > record.alive:
            raise InvariantError(f"no more sessions break than are there: {record}")
        if record.born_broken > record.born_on_terminating:
            raise InvariantError(f"no more sessions break than are there: {record}")
        if record.breaks != record.lost + record.stale:
            raise InvariantError(f"a break is lost or stale: {record}")
    for name in ("breaks", "lost", "stale"):
        total = sum(getattr(record, name) for record in operations)
        if counts.get(name, 0) != total:
            raise InvariantError(f"counts agree: {name} is {counts.get(name, 0)}, the operations say {total}")
    failed = sum(counts.get(name, 0) for name in _FAILED)
    outcomes = counts.get("requests_answered", 0) + failed
    if counts.get("requests_failed", 0) != failed or counts.get("requests_sent", 0) != outcomes:
        raise InvariantError(f"counts agree: a request is answered or fails in one way: {counts}")


def _rows_agree_with_counts(evidence: Evidence) -> None:
    settled = evidence.rows[:, SENT] >= evidence.recording.settle_s
    outcome, cause = evidence.outcome[settled], evidence.fields["cause"]
    broke = evidence.fields["kind"] != Kind.NONE
    found = {
        "requests_answered": int((outcome == Outcome.ANSWERED).sum()),
        "requests_unfinished": int((outcome == Outcome.UNFINISHED).sum()),
        "breaks": int((broke & (cause > 0)).sum()),
        "breaks_background": int((broke & (cause == 0) & settled).sum()),
        **{key: int((outcome == failure).sum()) for key, failure in _FAILED.items()},
    }
    for name, number in found.items():
        if evidence.recording.counts.get(name, 0) != number:
            told = evidence.recording.counts.get(name, 0)
            raise InvariantError(f"counts agree with rows: {name} is {told}, the rows say {number}")


def _first_sends(evidence: Evidence) -> Mask:
    """Return which rows are the first of their request."""
    _, first = np.unique(evidence.rows[:, :2], axis=0, return_index=True)
    is_first = np.zeros(len(evidence.rows), bool)
    is_first[first] = True
    return is_first


def _rows_agree_with_sessions(evidence: Evidence) -> None:
    sessions = evidence.session_rows
    column = {name: sessions[:, index] for index, name in enumerate(SESSION_COLUMNS)}
    numbers, first = np.unique(evidence.rows[:, 0], return_index=True)
    order = np.argsort(column["session"], kind="stable")
    if len(np.unique(column["session"])) != len(sessions):
        raise InvariantError("a session is recorded once")
    known = order[np.searchsorted(column["session"], numbers, sorter=order).clip(max=max(0, len(order) - 1))]
    if len(numbers) and (not len(known) or (column["session"][known] != numbers).any()):
        raise InvariantError("a session that sent a request is recorded")
    failure = np.isin(evidence.outcome, list(_FAILED.values()))
    broke = evidence.fields["kind"] != Kind.NONE
    caused = broke & (evidence.fields["cause"] > 0)
    tallies = {
        "requests": _first_sends(evidence),
        "failed": failure,
        "breaks_caused": caused,
        "breaks_background": broke & ~caused,
    }
    # What an unfinished request was going to do to its session is in the session's counts already.
    unfinished = per_session(evidence.outcome == Outcome.UNFINISHED, first)
    for name, counted in tallies.items():
        tally = per_session(counted, first)
        beyond = column[name][known] - tally
        wrong = np.flatnonzero((beyond < 0) | (beyond > (0 if name == "requests" else unfinished)))
        if len(wrong):
            number = numbers[wrong[0]]
            told, rows = int(column[name][known][wrong[0]]), int(tally[wrong[0]])
            raise InvariantError(f"sessions agree with rows: {name} of {number:.0f} is {told}, the rows say {rows}")


CHECKS = (_rows_agree_with_counts, _rows_agree_with_sessions)
