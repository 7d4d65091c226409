"""Heavy users: each client's think times are divided by its own rate, in equilibrium too."""

from math import sqrt
from typing import Any

import numpy as np
import pytest

from simsticky.errors import InputError
from simsticky.scenario.model import Scenario
from simsticky.workload import Workload

TWO_KINDS = {"kind": "empirical", "values": [0.5, 1.5]}
"""Half of the clients are three times as fast as the others; E[1/R] is 4/3."""
RATE, GAP_S, GAPS = 0.5, 6.0, 9


def workload(replication: int = 0, **traffic: Any) -> Workload:
    laws: dict[str, Any] = {
        "sessions": {"kind": "poisson", "rate": RATE},
        "requests": GAPS + 1,
        "think": GAP_S,
        "service": 0,
        "clientRate": TWO_KINDS,
    }
    laws = {key: value for key, value in (laws | traffic).items() if value is not None}
    return Workload(Scenario.model_validate({"schema": "simsticky/1", "traffic": laws}), 5, replication)


def test_a_session_keeps_its_clients_rate() -> None:
    """All thinks of a session are those of one rate: 12 s or 4 s, and never both; both kinds are equally many.

    See rule W9.
    """
    block = next(workload().arrivals())
    thinks = [set(block.think_s[low : high - 1]) for low, high in zip(block.offset, block.offset[1:], strict=False)]
    assert {frozenset(kinds) for kinds in thinks} == {frozenset({12.0}), frozenset({4.0})}


def test_rates_leave_the_other_draws_alone() -> None:
    """Common random numbers: starts, numbers of requests and jars are those of clients that are all alike."""
    with_rates, without = next(workload().arrivals()), next(workload(clientRate=None).arrivals())
    assert with_rates.offset == without.offset
    assert with_rates.has_jar == without.has_jar


def test_slow_clients_are_met_more_often_at_0() -> None:
    """Alive at 0: Poisson of mean λ·E[length]·E[1/R], and three of four are slow, for slow sessions last longer.

    See rule W9.
    """
    runs = [workload(number).alive() for number in range(300)]
    counts = [len(run) for run in runs if run is not None]
    mean = RATE * GAPS * GAP_S * 4 / 3
    assert abs(np.mean(counts) - mean) <= 4 * sqrt(mean / len(counts))
    slow = np.concatenate([[run.age_s[i] for i in range(len(run))] for run in runs if run is not None])
    # A session's age is uniform within its length, 108 s for slow and 36 s for fast clients.
    assert slow.max() <= 108.0
    share = float((slow > 36.0).mean())
    expected = 0.75 * (1 - 36 / 108)
    assert abs(share - expected) <= 4 * sqrt(expected * (1 - expected) / len(slow))


def test_equilibrium_goes_on_as_it_begins() -> None:
    """The requests of the sessions alive at 0 die out as slowly as new sessions take their place."""
    due = np.concatenate(
        [np.array(run.start_s) for number in range(200) if (run := workload(number).alive()) is not None]
    )
    # The next request of a session alive at 0 comes at a uniform moment of its gap: 12 s or 4 s.
    assert due.max() <= 12.0
    early = float((due <= 4.0).mean())
    expected = 0.75 / 3 + 0.25
    assert abs(early - expected) <= 4 * sqrt(expected * (1 - expected) / len(due))


def test_fast_client_makes_more_requests_in_its_session_duration() -> None:
    """With a session duration the end is fixed, so that a fast client thinks shorter and asks more often."""
    block = next(workload(requests=None, sessionDuration=60, think=GAP_S).arrivals())
    lengths = {high - low for low, high in zip(block.offset, block.offset[1:], strict=False)}
    assert lengths == {60 // 12 + 1, 60 // 4 + 1}
    sums = np.add.reduceat(np.array(block.think_s), block.offset[:-1])
    assert sums == pytest.approx(60.0)


def test_closed_client_keeps_its_rate_for_ever() -> None:
    """A client of a closed population is fast or slow in all its sessions, and in one that never ends."""
    closed = {"sessions": {"kind": "closed", "population": 40}}
    run = workload(**closed)
    for client in range(40):
        kinds = {run.client_session(client, ordinal).think_s[0] for ordinal in (0, 1, 7, 200)}
        assert kinds in ({12.0}, {4.0})
    endless = workload(requests="endless", **closed)
    firsts = [set(endless.more_requests(client, 3)[0]) for client in range(40)]
    assert {frozenset(kinds) for kinds in firsts} == {frozenset({12.0}), frozenset({4.0})}


def test_nobody_is_infinitely_slow() -> None:
    """A law that reaches 0 is cut at a twentieth of the mean, so that every session ends."""
    block = next(workload(clientRate={"kind": "gamma", "mean": 1, "cv": 4}).arrivals())
    assert max(block.think_s) == pytest.approx(GAP_S / 0.05)


@pytest.mark.parametrize("law", [2, {"kind": "gamma", "mean": 3, "cv": 1}])
def test_mean_of_the_rates_is_1(law: Any) -> None:
    """The mean client thinks as ``traffic.think`` says, so another mean is refused."""
    with pytest.raises((InputError, ValueError), match="must have 1"):
        workload(clientRate=law)
