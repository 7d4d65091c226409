"""The load meter: integrals of load skew from segments of changes, against the slow and obvious computation."""

from collections.abc import MutableSequence
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow_skew import known, slow_figures

from simsticky.recording import load_meter
from simsticky.recording.changes import NO_CHANGES, NOWHERE, Changes, changes, joined, of_each
from simsticky.recording.evenness import Evenness
from simsticky.recording.load_meter import POD_SETS, LoadMeter
from simsticky.stats.skew import SkewTotals

_CONTAINERS = 4
_Moves = list[tuple[float, int, int]]
_Segment = tuple[float, dict[str, tuple[int, ...]], _Moves]


def _changes(moves: _Moves) -> Changes:
    """Return changes of times, origins and targets."""
    return changes(*np.array(moves, dtype=float).reshape(-1, 3).T)


def _up_to(meter: LoadMeter, now_s: float) -> dict[tuple[str, str], SkewTotals]:
    """Return the integrals up to now, all changes told."""
    meter.mark(now_s)
    meter.advance(now_s, NO_CHANGES, NO_CHANGES)
    return meter.marked()


def _move(loads: MutableSequence[float], origin: int, target: int) -> None:
    """Change the loads of containers by a move."""
    for container, delta in ((origin, -1), (target, 1)):
        if container != NOWHERE:
            loads[container] += delta


@st.composite
def _segments(draw: st.DrawFn) -> list[_Segment]:
    """Return segments (end, pod sets, changes in order); loads never go below 0."""
    loads, now_s, segments = [0] * _CONTAINERS, 0.0, []
    for _ in range(draw(st.integers(1, 4))):
        end_s = now_s + draw(st.integers(1, 20))
        moves: _Moves = []
        # In whole microseconds: what lasts less than a nanosecond weighs nothing in the meter.
        at = st.floats(now_s, end_s).map(lambda at_s: round(at_s, 6))
        for at_s in sorted(draw(st.lists(at, max_size=8))):
            origin = draw(st.sampled_from([NOWHERE, *(c for c in range(_CONTAINERS) if loads[c])]))
            target = draw(st.integers(NOWHERE, _CONTAINERS - 1))
            _move(loads, origin, target)
            moves.append((at_s, origin, target))
        members = st.lists(st.integers(0, _CONTAINERS - 1), unique=True, max_size=_CONTAINERS)
        sets = {pods: tuple(sorted(draw(members))) for pods in POD_SETS}
        segments.append((end_s, sets, moves))
        now_s = end_s
    return segments


@given(_segments(), st.integers(0, 3), st.sampled_from([1, 8, 32_768]))
def test_integrals_agree_with_the_slow_computation(segments: list[_Segment], first: int, cells: int) -> None:
    """Changing pod sets, a late window, and changes cut into pieces of any size give the slow computation's integrals.

    See rule L2.
    """
    meter = LoadMeter()
    meter.fit(_CONTAINERS)
    loads, now_s = np.zeros(_CONTAINERS, np.int64), 0.0
    steps: dict[str, list[tuple[list[float], float]]] = {pods: [] for pods in POD_SETS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_meter, "_CELLS", cells)
        for number, (end_s, sets, moves) in enumerate(segments):
            meter.change_sets(now_s, sets)
            if number == first:
                meter.start(now_s, in_flight=np.repeat(np.arange(_CONTAINERS), loads.astype(int)))
            meter.advance(end_s, _changes(moves) if number >= first else NO_CHANGES, _changes(moves))
            for at_s, origin, target in [*moves, (end_s, NOWHERE, NOWHERE)]:
                if number >= first:
                    for pods, members in sets.items():
                        steps[pods].append((loads[list(members)].tolist(), at_s - now_s))
                _move(loads, origin, target)
                now_s = at_s
        totals = _up_to(meter, now_s)
    for pods in POD_SETS:
        for quantity in ("sessions", "in_flight"):
            figures = known(totals[quantity, pods].figures())
            assert figures == pytest.approx(slow_figures(steps[pods]), rel=1e-9, abs=1e-6)


@given(_segments(), st.lists(st.floats(0, 80), max_size=6), st.randoms(use_true_random=False))
def test_when_it_is_told_is_seen_in_no_bit(segments: list[_Segment], told_s: list[float], random: Random) -> None:
    """Changes that come at once or bit by bit, with marks between, give the same sums."""

    def followed(moments: list[float]) -> dict[tuple[str, str], SkewTotals]:
        meter = LoadMeter(Evenness())
        meter.fit(_CONTAINERS)
        waiting, begin_s = [move for _, _, moves in segments for move in moves], 0.0
        borders = [(end_s, sets) for (end_s, _, _), (_, sets, _) in pairwise(segments)]
        meter.change_sets(0.0, segments[0][1])
        meter.start(0.0, in_flight=np.empty(0, np.int64))
        for moment, sets in sorted([*borders, *((moment, None) for moment in moments)], key=lambda one: one[0]):
            if sets is not None:
                meter.change_sets(moment, sets)
                continue
            told = _changes([move for move in waiting if begin_s <= move[0] < moment])
            meter.advance(moment, told, told)
            if random.random() < 0.5:
                meter.mark(moment)
            begin_s = max(begin_s, moment)
        return _up_to(meter, moment)

    assert followed([*told_s, 90.0]) == followed([90.0])


def test_pod_sets_that_last_no_time_are_seen_in_no_bit() -> None:
    """Of several pod sets at one instant only the last counts."""
    steady = {"taking_new": (0, 1), "serving": (0, 1), "terminating": ()}
    totals = []
    for told in ([], [(3.0, {**steady, "taking_new": (0,)}), (3.0, steady)]):
        meter = LoadMeter()
        meter.fit(2)
        meter.change_sets(0.0, steady)
        meter.start(0.0, in_flight=None)
        for now_s, sets in told:
            meter.change_sets(now_s, sets)
        meter.advance(9.3, NO_CHANGES, _changes([(0.1, NOWHERE, 0), (0.7, NOWHERE, 1), (0.7, NOWHERE, 1)]))
        totals.append(_up_to(meter, 9.3))
    assert totals[0] == totals[1]


def test_requests_are_counted_by_pod_in_the_sets_of_their_time() -> None:
    """What is sent to a pod counts in the sets it is in then, within the window.

    See rule L1.
    """
    first = {"taking_new": (0, 1), "serving": (0, 1), "terminating": ()}
    then = {"taking_new": (1,), "serving": (0, 1), "terminating": (0,)}
    meter = LoadMeter()
    meter.fit(3)
    meter.change_sets(0.0, first)
    meter.sent(np.array([0, 0, 0]), first)
    meter.start(5.0, in_flight=None)
    meter.sent(np.array([0, 0, 0, -1, 1]), first)
    meter.change_sets(10.0, then)
    meter.sent(np.array([0, 1, 2]), then)
    totals = _up_to(meter, 20.0)
    assert totals["requests", "serving"].figures()["max_to_mean"] == pytest.approx(4 / 3)
    assert totals["requests", "taking_new"].figures()["max_to_mean"] == pytest.approx(3 / 2.5)
    assert totals["requests", "terminating"].figures()["max_to_mean"] == 1.0


@pytest.mark.parametrize("told_s", [[10.0, 20.0], [20.0]])
def test_the_latest_mark_counts_and_nothing_after_it(told_s: list[float]) -> None:
    """What the meter is told later, or with it, is not seen in the figures up to a mark."""
    meter = LoadMeter()
    meter.fit(2)
    meter.change_sets(0.0, {"taking_new": (0, 1), "serving": (0, 1), "terminating": ()})
    meter.start(0.0, in_flight=None)
    moves: _Moves = [(0.0, NOWHERE, 0), (0.0, NOWHERE, 1), *[(10.0, NOWHERE, 0)] * 5]
    meter.mark(5.0)
    meter.mark(10.0)
    for since_s, now_s in pairwise([-1.0, *told_s]):
        meter.advance(now_s, NO_CHANGES, _changes([move for move in moves if since_s < move[0] <= now_s]))
    assert meter.marked()["sessions", "serving"].figures()["max_to_mean"] == 1.0
    later = _up_to(meter, 20.0)["sessions", "serving"]
    assert later.figures()["max_to_mean"] == pytest.approx(7 / 4.5)
    assert later.mean == pytest.approx(10 * 1 + 10 * 3.5)


def test_what_is_to_come_waits_until_it_is_due() -> None:
    """A session that is known to leave later counts until then, whenever the meter is told of it."""
    totals = []
    for told_s in (1.0, 8.0):
        meter = LoadMeter()
        meter.fit(2)
        meter.change_sets(0.0, {"taking_new": (0, 1), "serving": (0, 1), "terminating": ()})
        meter.start(0.0, in_flight=None)
        meter.advance(0.5, NO_CHANGES, _changes([(0.1, NOWHERE, 0), (0.2, NOWHERE, 1)]))
        meter.advance(told_s, NO_CHANGES, _changes([(8.0, 0, NOWHERE)]))
        totals.append(_up_to(meter, 20.0)["sessions", "serving"])
    assert totals[0] == totals[1]
    assert totals[0].mean == pytest.approx(20 - 0.15 - 6)


def test_a_move_changes_two_containers() -> None:
    """The change of each container by itself comes by time, container and direction."""
    moves = _changes([(2.0, 1, NOWHERE), (1.0, 0, 1), (0.5, NOWHERE, 0)])
    assert of_each(moves).tolist() == [[0.5, 0, 1], [1.0, 0, -1], [1.0, 1, 1], [2.0, 1, -1]]
    assert of_each(NO_CHANGES).shape == (0, 3)


def test_changes_are_joined_in_the_order_of_their_parts() -> None:
    """Nothing is lost where parts are joined, and nothing is made of none."""
    first, second = _changes([(2.0, 0, 1)]), _changes([(1.0, 1, NOWHERE), (3.0, NOWHERE, 0)])
    every = joined([NO_CHANGES, first, second])
    assert (every.times.tolist(), every.origins.tolist(), every.targets.tolist()) == ([2, 1, 3], [0, 1, -1], [1, -1, 0])
    assert joined([]) is NO_CHANGES
    assert joined([NO_CHANGES, first]) is first
