"""Sessions as columns: blocks, ids, and the same sessions whatever is asked and changed."""

import subprocess
import sys
import tracemalloc
from itertools import islice, pairwise
from typing import Any

import pytest

from simsticky.errors import InputError
from simsticky.scenario.model import Scenario
from simsticky.workload import SessionBlock, Workload
from simsticky.workload.components import Component
from simsticky.workload.generate import block_sizes

TRAFFIC: dict[str, Any] = {
    "sessions": {"kind": "poisson", "rate": 4},
    "requests": {"kind": "geometric", "mean": 5},
    "think": {"kind": "exponential", "mean": "6s"},
    "service": {"kind": "lognormal", "median": "40ms", "sigma": 0.6},
    "cookies": {"keep": 0.5},
}


def workload(start: str = "empty", seed: int = 7, replication: int = 0, **changes: Any) -> Workload:
    traffic = {key: value for key, value in (TRAFFIC | changes).items() if value is not None}
    scenario = Scenario.model_validate(
        {"schema": "simsticky/1", "name": "test", "traffic": traffic, "run": {"start": start}}
    )
    return Workload(scenario, seed, replication)


def blocks(number: int = 4, **changes: Any) -> list[SessionBlock]:
    return list(islice(workload(**changes).arrivals(), number))


def column(found: list[SessionBlock], name: str) -> list[Any]:
    return [value for block in found for value in getattr(block, name)]


def test_blocks_are_consistent_columns() -> None:
    """Ids and starts go on from block to block, bounds fit the columns, the last gap of a session is 0."""
    found = blocks(5)
    assert [len(block) for block in found] == [64] * 5
    assert found[0].first_session == 0
    for earlier, later in pairwise(found):
        assert later.first_session == earlier.first_session + len(earlier)
        assert later.start_s[0] > earlier.start_s[-1]
    for block in found:
        assert block.offset[0] == 0
        assert len(block.offset) == len(block) + 1
        assert block.offset[-1] == len(block.think_s) == len(block.service_s)
        assert block.start_s == sorted(block.start_s)
        assert all(begin < end for begin, end in pairwise(block.offset))
        assert all(block.think_s[end - 1] == 0.0 for end in block.offset[1:])
        assert block.request_before == [0] * len(block)
        assert len(block.has_jar) == len(block)
        assert all(service > 0 for service in block.service_s)


def test_columns_hold_plain_python_values() -> None:
    """The event loop gets floats, ints and bools, never slow NumPy scalars."""
    run = workload(start="equilibrium")
    alive = run.alive()
    assert alive is not None
    for block in (alive, next(run.arrivals())):
        assert {type(value) for value in block.start_s + block.think_s + block.service_s} == {float}
        assert {type(value) for value in block.offset + block.request_before} == {int}
        assert {type(value) for value in block.has_jar} == {bool}
    assert {type(value) for value in alive.age_s} == {float}


def test_block_sizes_grow_and_stay() -> None:
    """Short runs draw little, long runs draw large blocks, and long sessions do not make huge ones."""
    assert list(islice(block_sizes(10.0), 10)) == [64, 128, 256, 512, 1024, 2048, 4096, 8192, 8192, 8192]
    assert list(islice(block_sizes(20.0), 9)) == [64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096]
    assert list(islice(block_sizes(1e5), 2)) == [16, 16]


def test_same_seed_same_sessions() -> None:
    """A run can be repeated: equal seed and replication give equal columns."""
    assert blocks() == blocks()


def test_seed_and_replication_matter() -> None:
    """Replications are different samples, and so are seeds."""
    starts = {tuple(blocks(1, seed=seed, replication=rep)[0].start_s) for seed, rep in [(7, 0), (7, 1), (8, 0)]}
    assert len(starts) == 3


def test_asking_order_does_not_matter() -> None:
    """Two iterators of one workload, asked in turns, both give what one alone gives, alive() asked or not."""
    asked = workload(start="equilibrium")
    alive = asked.alive()
    first, second = asked.arrivals(), asked.arrivals()
    turns = [(next(first), next(second)) for _ in range(3)]
    alone = list(islice(workload(start="equilibrium").arrivals(), 3))
    assert [one for one, _ in turns] == [other for _, other in turns] == alone
    assert alive is not None
    assert alone[0].first_session == len(alive)


@pytest.mark.parametrize("change", [{"service": "1s"}, {"cookies": {"keep": 0.9}}])
def test_other_laws_leave_arrivals_and_gaps_alone(change: dict[str, Any]) -> None:
    """Common random numbers: another service law or share of jars meets the same sessions (rule W4)."""
    before, after = blocks(start="equilibrium"), blocks(start="equilibrium", **change)
    for name in ("start_s", "offset", "think_s", "first_session"):
        assert [getattr(block, name) for block in before] == [getattr(block, name) for block in after]


def test_other_requests_leave_arrivals_alone() -> None:
    """Arrival times are the same when sessions get longer, although blocks are then cut elsewhere."""
    short, long = blocks(4), blocks(8, requests=5_000, service="0s", think="1s")
    starts = column(long, "start_s")
    assert column(short, "start_s")[: len(starts)] == starts[: len(column(short, "start_s"))]
    assert len(long[0]) < len(short[0])


def test_changed_rate_keeps_the_luck() -> None:
    """At twice the rate the k-th session starts in half the time and is otherwise the same."""
    slow, fast = blocks(), blocks(sessions={"kind": "poisson", "rate": 8})
    assert column(fast, "start_s") == pytest.approx([start / 2 for start in column(slow, "start_s")])
    assert column(fast, "think_s") == column(slow, "think_s")


def test_more_jars_are_a_superset() -> None:
    """Raising cookies.keep gives jars to more clients and takes none away (rule W3)."""
    few, many = (column(blocks(cookies={"keep": keep}), "has_jar") for keep in (0.3, 0.8))
    assert all(has or not had for had, has in zip(few, many, strict=True))
    assert 0.25 < sum(few) / len(few) < 0.35
    assert column(blocks(cookies={"keep": 1}), "has_jar") == [True] * len(few)
    assert column(blocks(cookies={"keep": 0}), "has_jar") == [False] * len(few)


def test_changed_law_of_gaps_leaves_other_columns_alone() -> None:
    """Another think law moves no arrival, no count, no demand and no jar."""
    before, after = blocks(), blocks(think={"kind": "lognormal", "mean": 6, "cv": 2})
    for name in ("start_s", "offset", "service_s", "has_jar"):
        assert column(before, name) == column(after, name)


def test_counts_are_rounded_and_at_least_one() -> None:
    """A continuous law of requests is rounded to the nearest whole number, and a session has a request."""
    for value, expected in ((2.6, 3), (2.4, 2)):
        found = blocks(1, requests=value)[0]
        assert {end - begin for begin, end in pairwise(found.offset)} == {expected}
    found = blocks(1, requests={"kind": "uniform", "low": 0, "high": 2.4})[0]
    assert {end - begin for begin, end in pairwise(found.offset)} == {1, 2}


def test_session_duration_without_think_is_two_requests() -> None:
    """With a sessionDuration alone the duration is the one gap of the session."""
    found = blocks(1, session_duration="90s", requests=None, think=None)[0]
    assert found.think_s == [90.0, 0.0] * len(found)


def test_session_duration_is_filled_with_gaps() -> None:
    """Requests follow at think gaps while their sum is below the duration; the last is exactly at its end (rule W2)."""
    found = blocks(1, session_duration="10s", requests=None, think="4s")[0]
    assert found.think_s == [4.0, 4.0, 2.0, 0.0] * len(found)
    found = blocks(1, session_duration="8s", requests=None, think="4s")[0]
    assert found.think_s == [4.0, 4.0, 0.0] * len(found)


def test_session_duration_of_zero_is_one_request() -> None:
    """First and last request at the same instant are one request."""
    found = blocks(1, session_duration="0s", requests=None)[0]
    assert found.think_s == [0.0] * len(found)


def test_random_durations_are_the_sums_of_their_gaps() -> None:
    """Gaps add up to the drawn duration, however many rounds of drawing they take."""
    durations = {"kind": "pareto", "alpha": 1.5, "minimum": 5}
    timed = blocks(3, session_duration=durations, requests=None, think=None)
    filled = blocks(3, session_duration=durations, requests=None, think={"kind": "exponential", "mean": 0.02})
    expected = [gap for gap in column(timed, "think_s") if gap > 0]
    sums = [sum(block.think_s[begin:end]) for block in filled for begin, end in pairwise(block.offset)]
    assert sums[: len(expected)] == pytest.approx(expected[: len(sums)])
    assert max(end - begin for block in filled for begin, end in pairwise(block.offset)) > 2000


def test_zero_gaps_cannot_fill_a_duration() -> None:
    """A think time of 0 with a sessionDuration would never end, so it is an error and not a hang."""
    with pytest.raises(InputError, match=r"traffic\.think: must not be 0"):
        workload(session_duration="10s", requests=None, think="0s")


def test_alive_only_for_an_equilibrium_of_open_arrivals() -> None:
    """Nobody is alive at 0 in an empty start or a closed population."""
    assert workload(start="empty").alive() is None
    closed = workload(start="equilibrium", sessions={"kind": "closed", "population": 3})
    assert closed.alive() is None
    assert list(closed.arrivals()) == []


def test_alive_columns_fit_together() -> None:
    """Alive sessions have made a request, have one to come, and are the oldest first, ids from 0."""
    alive = workload(start="equilibrium", sessions={"kind": "poisson", "rate": 40}).alive()
    assert alive is not None
    assert len(alive) > 500
    assert alive.first_session == 0
    assert alive.age_s == sorted(alive.age_s, reverse=True)
    assert min(alive.request_before) >= 1
    assert min(alive.start_s) > 0
    assert alive.offset[-1] == len(alive.think_s) == len(alive.service_s)
    assert all(begin < end for begin, end in pairwise(alive.offset))
    assert all(alive.think_s[end - 1] == 0.0 for end in alive.offset[1:])


def test_nobody_waits_between_requests_of_single_request_sessions() -> None:
    """Sessions of one request, or with no think time, are never alive and idle."""
    for change in ({"requests": 1}, {"think": "0s"}):
        alive = workload(start="equilibrium", **change).alive()
        assert alive is not None
        assert len(alive) == 0
        assert alive.offset == [0]


def test_more_traffic_keeps_those_alive() -> None:
    """A higher rate never makes fewer sessions alive at 0."""
    alive = [workload(start="equilibrium", sessions={"kind": "poisson", "rate": rate}).alive() for rate in (1, 2, 4)]
    sizes = [len(block) for block in alive if block is not None]
    assert sizes == sorted(sizes)
    assert len(sizes) == 3


def test_absurd_equilibrium_is_refused() -> None:
    """A law whose mean would fill the memory with sessions at 0 is an error with a way out."""
    with pytest.raises(InputError, match=r"traffic\.sessionDuration: about .* alive at the start .*law a cap"):
        workload(
            start="equilibrium",
            requests=None,
            think=None,
            session_duration={"kind": "lognormal", "median": "1h", "sigma": 6},
        )


def test_memory_stays_flat() -> None:
    """Blocks that have been used up leave nothing behind: twice the sessions take no more memory."""
    peaks = []
    for number in (2, 4):
        generator = workload(requests=5000, think="1s", service="1ms").arrivals()
        tracemalloc.start()
        for _ in islice(generator, number):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_component_numbers_are_fixed() -> None:
    """A renumbered component would silently change every result of an old seed."""
    numbers = [component.value for component in Component]
    assert numbers == sorted(set(numbers))
    assert numbers[:23] == list(range(23))
    assert (Component.ARRIVAL, Component.THINK, Component.SERVICE, Component.JAR) == (0, 2, 4, 5)
    assert (Component.ALIVE_COUNT, Component.ALIVE_JAR) == (6, 15)
    assert (Component.CLIENT_STAGGER, Component.CLIENT_JAR) == (16, 22)
    assert (Component.CLIENT_RATE, Component.CLOSED_CLIENT_RATE) == (40, 43)


def test_import_is_light() -> None:
    """`simsticky --help` must not wait for pandas, SciPy or matplotlib because of the workload."""
    code = "import sys, simsticky.workload; print({'pandas', 'scipy', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
