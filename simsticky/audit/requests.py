"""Requests: one outcome each, in time, answered by the living, a slot each."""

import numpy as np

from simsticky.audit.evidence import INFINITY, ROUNDING_S, Evidence
from simsticky.errors import InvariantError
from simsticky.recording.record import ENDED, MAX_ATTEMPTS, SENT, STARTED, Outcome

_REACHED_A_POD = (Outcome.ANSWERED, Outcome.RESET)
_REACHED_NO_POD = (Outcome.BAD_GATEWAY, Outcome.NO_TARGET)
"""A request that timed out or is open may have met a pod, or still wait for a connection."""


def _one_outcome_each(evidence: Evidence) -> None:
    rows, outcome = evidence.rows, evidence.outcome
    sent_s, started_s, ended_s = rows[:, SENT], rows[:, STARTED], rows[:, ENDED]
    follows, unfinished = evidence.follows, outcome == Outcome.UNFINISHED
    evidence.refuse("a request has one outcome", outcome > max(Outcome))
    evidence.refuse("only an unfinished request has no end", np.isnan(ended_s) != unfinished)
    evidence.refuse("a request that ended did so within the run", ended_s > evidence.recording.end_s)
    answered = outcome == Outcome.ANSWERED
    evidence.refuse("sent <= started <= ended", answered & ~((sent_s <= started_s) & (started_s <= ended_s)))
    evidence.refuse("sent <= ended", ~unfinished & ~(sent_s <= ended_s))
    reached = evidence.container >= 0
    fails = np.isin(outcome, _REACHED_A_POD) & ~reached | np.isin(outcome, _REACHED_NO_POD) & reached
    evidence.refuse("a request reaches a pod unless it fails before", fails)
    _one_at_a_time_each_tab(evidence)
    if evidence.scenario.traffic.tabs == 1:
        step = np.diff(rows[:, 1], prepend=0.0)
        evidence.refuse("a session's requests are numbered without gaps", follows & (step != 0) & (step != 1))


def _one_at_a_time_each_tab(evidence: Evidence) -> None:
    """A session has no more requests open than tabs, and sends a request again only after its failure."""
    rows, tabs = evidence.rows, evidence.scenario.traffic.tabs
    sent_s, ended_s = rows[:, SENT], np.nan_to_num(rows[:, ENDED], nan=INFINITY)
    in_time = ended_s[np.lexsort((ended_s, rows[:, 0]))]
    free_s = np.concatenate([np.full(min(tabs, len(rows)), -INFINITY), in_time[:-tabs]])
    same = np.concatenate([np.zeros(min(tabs, len(rows)), bool), rows[tabs:, 0] == rows[:-tabs, 0]])
    most = "one request" if tabs == 1 else f"{tabs} requests"
    evidence.refuse(f"a session sends {most} at a time", same & ~(sent_s >= free_s))
    by_number = np.lexsort((sent_s, rows[:, 1], rows[:, 0]))
    again = (np.diff(rows[by_number, :2], axis=0, prepend=np.nan) == 0).all(axis=1)
    good_before = np.concatenate([[False], evidence.outcome[by_number][:-1] == Outcome.ANSWERED])
    wrong = np.zeros(len(rows), bool)
    wrong[by_number] = again & good_before
    evidence.refuse("a request has one outcome: it is sent again only after a failure", wrong)


def _timeouts_are_in_time(evidence: Evidence) -> None:
    """A 504 comes at the timeout of its last attempt, earlier ones having cost one timeout each at most."""
    sent_s, ended_s, gateway = evidence.rows[:, SENT], evidence.rows[:, ENDED], evidence.scenario.gateway
    timed_out, reached = evidence.outcome == Outcome.TIMED_OUT, evidence.container >= 0
    limit_s = np.where(reached, gateway.read_timeout, gateway.connect_timeout)
    first = timed_out & ~evidence.sent_again
    evidence.refuse("a 504 comes at the read timeout", first & reached & (ended_s != sent_s + limit_s))
    evidence.refuse("a 504 comes at the connect timeout", first & ~reached & (ended_s != sent_s + limit_s))
    later = timed_out & evidence.sent_again
    took_s = ended_s - sent_s
    longest_s = max(gateway.read_timeout, gateway.connect_timeout, gateway.retry_delay)
    most_s = limit_s + (evidence.fields["attempts"] - 1) * longest_s
    in_time = (took_s >= limit_s - ROUNDING_S) & (took_s <= most_s + ROUNDING_S)
    evidence.refuse("a 504 comes at the timeout of its last attempt", later & ~in_time)
    attempts = evidence.fields["attempts"]
    most = min(1 + gateway.retries, MAX_ATTEMPTS)
    evidence.refuse(f"a request has at most {most} attempts", (attempts < 1) | (attempts > most))


def _only_the_living_answer(evidence: Evidence) -> None:
    ended_s, outcome = evidence.rows[:, ENDED], evidence.outcome
    earliest_s, latest_s = evidence.arrived_between
    reached = evidence.container >= 0
    opened_s = evidence.of_container(lambda container: container.listening_s)
    closed_s = evidence.of_container(lambda container: container.listener_closed_s)
    cut_s = evidence.of_container(lambda container: container.cut_s)
    evidence.refuse("a request reaches a pod only once it listens", reached & ~(latest_s >= opened_s))
    # At one instant the container's end comes before new sends, and a completion before both; but a session that is
    # one too many for the memory is sent first.
    out_of_memory = evidence.of_container(lambda container: container.ended == "oom_killed") == 1.0
    too_late = (earliest_s >= closed_s) & ~(out_of_memory & (earliest_s == closed_s))
    evidence.refuse("a request reaches a pod only while it listens", reached & ~evidence.message & too_late)
    evidence.refuse("a dead container answers nothing", (outcome == Outcome.ANSWERED) & (ended_s > cut_s))
    evidence.refuse("a request is cut by its container's end", (outcome == Outcome.RESET) & (ended_s != cut_s))


def _slots_and_queue(evidence: Evidence) -> None:
    limit = evidence.scenario.app.concurrency
    rows, container = evidence.rows, evidence.container
    for index in np.unique(container[container >= 0]):
        here = np.flatnonzero(container == index)
        here = here[np.lexsort((rows[here, STARTED], rows[here, SENT]))]
        # A request that was cut, timed out or left open in the queue was never in service.
        waited_in_vain = ~(rows[here, STARTED] < rows[here, ENDED]) & (evidence.outcome[here] != Outcome.ANSWERED)
        began = ~np.isnan(rows[here, STARTED]) & ~(waited_in_vain & ~np.isnan(rows[here, ENDED]))
        here = here[began]
        started_s, ended_s = rows[here, STARTED], np.nan_to_num(rows[here, ENDED], nan=INFINITY)
        at_once = ~evidence.sent_again[here]
        late = np.flatnonzero(np.diff(started_s[at_once]) < 0)
        if len(late):
            raise InvariantError(f"first come, first served: {evidence.describe(int(here[at_once][late[0] + 1]))}")
        served = started_s < ended_s
        here, started_s, ended_s = here[served], started_s[served], ended_s[served]
        times = np.concatenate([ended_s, started_s])
        change = np.concatenate([-np.ones(len(here)), np.ones(len(here))])
        order = np.argsort(times, kind="stable")  # an end comes before a start at the same instant
        full = np.flatnonzero(np.cumsum(change[order]) > limit)
        if len(full):
            row = int(here[order[full[0]] - len(here)])
            raise InvariantError(f"at most {limit} requests are in service: {evidence.describe(row)}")


CHECKS = (_one_outcome_each, _timeouts_are_in_time, _only_the_living_answer, _slots_and_queue)
