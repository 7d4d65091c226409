"""Closed populations: keyed by client, ordinal and chunk, never by the order of asking."""

from itertools import pairwise
from typing import Any

import pytest

from simsticky.scenario.model import Scenario
from simsticky.workload import Workload

CLOSED = {"kind": "closed", "population": 5, "pause": {"kind": "exponential", "mean": "20s"}}


def workload(seed: int = 7, replication: int = 0, **changes: Any) -> Workload:
    traffic = {"sessions": CLOSED, "think": {"kind": "exponential", "mean": "6s"}, "cookies": {"keep": 0.5}}
    scenario = Scenario.model_validate({"schema": "simsticky/1", "name": "test", "traffic": traffic | changes})
    return Workload(scenario, seed, replication)


def test_sessions_do_not_depend_on_asking_order() -> None:
    """A client's j-th session is the same asked forwards, backwards, again, or alone."""
    run = workload()
    keys = [(client, ordinal) for client in range(5) for ordinal in (0, 1, 2, 80, 1000)]
    forwards = {key: run.client_session(*key) for key in keys}
    assert {key: run.client_session(*key) for key in reversed(keys)} == forwards
    assert workload().client_session(3, 80) == forwards[3, 80]
    assert len({session.first_session for session in forwards.values()}) == len(keys)


def test_sessions_differ() -> None:
    """Clients, ordinals and replications are different draws."""
    runs = [workload(), workload(replication=1)]
    sessions = [run.client_session(client, ordinal) for run in runs for client in (0, 1) for ordinal in (1, 2, 90)]
    assert len({session.service_s[0] for session in sessions}) == len(sessions)
    assert len({session.start_s[0] for session in sessions}) == len(sessions)


def test_session_is_one_block() -> None:
    """A client's session has the columns of a block of one session, the last gap being 0."""
    session = workload().client_session(2, 1)
    assert len(session) == 1
    assert session.offset == [0, len(session.think_s)]
    assert len(session.service_s) == len(session.think_s)
    assert session.think_s[-1] == 0.0
    assert session.request_before == [0]
    assert type(session.start_s[0]) is float


def test_a_larger_population_has_the_same_clients() -> None:
    """Adding clients leaves those there were as they were, apart from the ids of their later sessions."""
    small, large = workload(), workload(sessions=CLOSED | {"population": 50})
    assert large.population == 50
    for client in range(5):
        one, other = small.client_session(client, 3), large.client_session(client, 3)
        assert (one.start_s, one.think_s, one.service_s) == (other.start_s, other.think_s, other.service_s)
        assert one.has_jar == other.has_jar


def test_a_jar_belongs_to_the_client() -> None:
    """A client keeps cookies in all its sessions or in none (rule W3)."""
    run = workload(sessions=CLOSED | {"population": 40})
    jars = [{run.client_session(client, ordinal).has_jar[0] for ordinal in range(4)} for client in range(40)]
    assert all(len(found) == 1 for found in jars)
    assert {True, False} == set().union(*jars)


def test_clients_do_not_start_in_step() -> None:
    """Before its first session a client is within a think time, before a later one it makes the pause (rule W8)."""
    run = workload(sessions={"kind": "closed", "population": 100, "pause": "20s"}, think="6s")
    first = [run.client_session(client, 0).start_s[0] for client in range(100)]
    assert len(set(first)) == 100
    assert 0 < min(first) < max(first) <= 6
    assert 2 < sum(first) / 100 < 4
    assert {run.client_session(client, 1).start_s[0] for client in range(100)} == {20.0}


def test_no_pause_and_no_think() -> None:
    """Without pause and think a client starts at once and goes on at once."""
    run = workload(sessions={"kind": "closed", "population": 1}, think="0s")
    assert run.client_session(0, 0).start_s == [0.0]
    assert run.client_session(0, 1).start_s == [0.0]


def test_session_durations_in_a_closed_population() -> None:
    """Clients may have a sessionDuration too: two requests, 90 s apart, the first within such a gap of 0."""
    scenario = {"sessions": {"kind": "closed", "population": 4}, "sessionDuration": "90s"}
    run = Workload(Scenario.model_validate({"schema": "simsticky/1", "name": "test", "traffic": scenario}), 7, 0)
    assert run.client_session(1, 3).think_s == [90.0, 0.0]
    assert 0 < max(run.client_session(client, 0).start_s[0] for client in range(4)) <= 90


def test_endless_sessions_come_in_chunks() -> None:
    """A never-ending session has 512 requests a chunk, no gap of which ends it, keyed by client and chunk."""
    run = workload(requests="endless")
    assert run.endless
    chunks = {(client, chunk): run.more_requests(client, chunk) for client in (0, 4) for chunk in (0, 1, 9)}
    assert all(len(think) == len(service) == 512 for think, service in chunks.values())
    assert all(min(think) > 0 for think, _ in chunks.values())
    assert len({think[0] for think, _ in chunks.values()}) == len(chunks)
    assert {key: run.more_requests(*key) for key in reversed(chunks)} == chunks
    session = run.client_session(4, 0)
    assert (session.think_s, session.service_s) == chunks[4, 0]
    assert session.first_session == 4
    assert session.start_s[0] > 0


def test_open_workloads_have_no_clients() -> None:
    """Asking an open workload for a client's session is a mistake of the caller, said plainly."""
    run = workload(sessions={"kind": "poisson", "rate": 1})
    assert run.population == 0
    assert not run.endless
    with pytest.raises(ValueError, match="no closed population"):
        run.client_session(0, 0)


def test_gaps_do_not_repeat_between_batches() -> None:
    """Sessions of successive batches of a client are different draws."""
    run = workload(requests=30)
    thinks = [run.client_session(0, ordinal).think_s for ordinal in range(60)]
    assert all(one != other for one, other in pairwise(thinks))
    assert len({think[0] for think in thinks}) == 60
