"""Each rule of the hot path against itself: interpreted on lists and compiled on arrays it does the same."""

import os
import subprocess
import sys
from array import array
from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from kong_gate import TARGETS

from simsticky.kong import picks
from simsticky.kong.algorithms.consistent_hashing import ConsistentHashing, RingCapacityError
from simsticky.kong.algorithms.latency import Latency
from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.cells import Cells
from simsticky.kong.upstream import Target
from simsticky.sim.plane import engine, ways
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import (
    ADMITTED,
    AHEAD,
    ARRIVAL,
    ARRIVALS,
    BALANCER,
    DELETED_BY,
    ENDED,
    ENOUGH_LEFT,
    EXPIRES,
    EXTERNAL,
    FREE_PLACES,
    GONE,
    HEALTHY,
    HOLDER,
    KNOWN,
    LEAST_CONNECTIONS,
    LEFT,
    LIVE,
    MODE,
    MOVES,
    OPEN,
    REQUESTS,
    ROWS,
    STATE,
    SUCCESSION,
)
from simsticky.sim.plane.queue_views import End
from simsticky.sim.plane.queues_compiled import COPIES

pytestmark = pytest.mark.skipif(not engine.is_installed(), reason="Numba is not installed: there is one engine only")

_TIMES = st.floats(0, 100) | st.sampled_from([0.0, 1.0, 1.0, 2.5])


class Clock:
    """Somebody who knows the time."""

    now_s = 0.0


# Picks ----------------------------------------------------------------------------------------------------------------


class Pair:
    """An algorithm twice: its numbers in lists and in arrays."""

    def __init__(self, make: Any) -> None:
        self.clock = Clock()
        self.cells = [Cells(arrays=False), Cells(arrays=True)]
        self.algorithms = [make(self.clock, cells) for cells in self.cells]
        self.runs = [picks, engine.compiled().functions]

    @property
    def first_cell(self) -> int:
        """Where the numbers of both are in their cells."""
        one, other = (algorithm.first_cell for algorithm in self.algorithms)
        assert one == other
        return int(one)

    def rebuild(self, targets: Sequence[Target], unavailable: set[str]) -> None:
        """Have other targets."""
        for algorithm in self.algorithms:
            algorithm.rebuild(targets, unavailable)

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a rule with both and return what both return: the stores it asks for, then the arguments."""
        found = []
        for cells, run in zip(self.cells, self.runs, strict=True):
            stores = dict(zip(("tables", "links", "scores"), cells.raw, strict=True))
            asked = [stores[one] for one in signature(getattr(picks, name)).parameters if one in stores]
            found.append(getattr(run, name)(*asked, *arguments))
        assert found[0] == found[1], name
        one, other = (self._content(cells) for cells in self.cells)
        assert one == other, name
        return found[0]

    @staticmethod
    def _content(cells: Cells) -> list[bytes]:
        """Return all numbers of each store, without the zeros at its end: those cells are not in use."""
        types = (np.int64, np.int64, np.float64)
        return [np.array(store, type_).tobytes().rstrip(b"\0") for store, type_ in zip(cells.raw, types, strict=True)]


_UNAVAILABLE = st.sets(st.integers(0, 3), max_size=3)


def _names(targets: Sequence[Target], places: set[int]) -> set[str]:
    return {target.address for place, target in enumerate(targets) if place in places}


@given(TARGETS, _UNAVAILABLE, st.integers(1, 12))
def test_wheel(targets: list[Target], unavailable: set[int], turns: int) -> None:
    """Protects round-robin (rule G4)."""
    pair = Pair(lambda _, cells: RoundRobin(lambda n: n, cells))
    pair.rebuild(targets, _names(targets, unavailable))
    for _ in range(turns):
        pair.call("wheel_next", pair.first_cell)


@given(TARGETS, _UNAVAILABLE, st.lists(st.integers(0, 3), max_size=40))
def test_heap(targets: list[Target], unavailable: set[int], steps: list[int]) -> None:
    """Protects least-connections (rule G11): picks, and releases of what was picked."""
    pair = Pair(lambda _, cells: LeastConnections(cells))
    pair.rebuild(targets, set())
    open_at: list[int] = []
    for number, step in enumerate(steps):
        if number == len(steps) // 2:
            pair.rebuild(targets, _names(targets, unavailable))
        if step < 2 or not open_at:
            picked = pair.call("least_connections", pair.first_cell)
            open_at += [picked] * (picked >= 0)
        else:
            pair.call("least_release", open_at.pop(step % len(open_at)))


_STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.001, 0.5, 10.0, 700.0, 20_000.0]), st.booleans(), st.integers(0, 3), st.floats(0, 5)
    ),
    max_size=40,
)


@given(TARGETS, _UNAVAILABLE, _STEPS)
def test_averages(targets: list[Target], unavailable: set[int], steps: list[tuple[float, bool, int, float]]) -> None:
    """Protects latency (rule G12), to the last bit of each average: the C library's ``exp`` and ``log`` in both."""
    pair = Pair(lambda clock, cells: Latency(clock, cells=cells))
    pair.rebuild(targets, set())
    for number, (later_s, asks, target, took_s) in enumerate(steps):
        pair.clock.now_s += later_s
        if number == len(steps) // 2:
            pair.rebuild(targets, _names(targets, unavailable))
        if asks or target >= len(targets):
            pair.call("latency_pick", pair.first_cell, pair.clock.now_s)
        else:
            cell = pair.algorithms[0].target_of(targets[target].address)
            pair.call("latency_feedback", cell, took_s, pair.clock.now_s)
            pair.call("latency_key", cell)
            pair.call("latency_score", cell, pair.clock.now_s)


@given(TARGETS, _UNAVAILABLE, st.lists(st.integers(0, 2**63 - 1), max_size=5))
def test_ring(targets: list[Target], unavailable: set[int], keys: list[int]) -> None:
    """Protects consistent hashing (rules G13 and G18), at the largest key, too."""
    pair = Pair(lambda _, cells: ConsistentHashing(cells=cells))
    try:
        pair.rebuild(targets, _names(targets, unavailable))
    except RingCapacityError:
        reject()
    for key in [*keys, 0, 2**63 - 1]:
        pair.call("ring_owner", pair.first_cell, key)


@given(st.floats(0, 1e4), st.floats(1, 1000), st.floats(1e-3, 1e4))
def test_warm_up(since_s: float, slowdown: float, lasts_s: float) -> None:
    """Protects rule P10."""
    one, other = (run.functions.warm_factor(since_s, slowdown, lasts_s) for run in _engines())
    assert one == other >= 1.0


def _engines() -> tuple[ways.Engine, ways.Engine]:
    return ways.INTERPRETED, engine.compiled()


# The plane's state ----------------------------------------------------------------------------------------------------

CONTAINERS, SLOTS, WORKERS = 6, 2, 2
_GROUPS = ("floats", "ints", "containers", "listening", "workers", "codes", "arrivals")
_COLUMNS = ("identities", "free_places", "leaving", "starts", "own", "rules", "times")


class Step(NamedTuple):
    """Something that happens: what, to which of those that it can happen to, and two numbers more."""

    what: str
    whom: int
    container: int
    at_s: float


_HAPPENINGS = st.lists(
    st.builds(
        Step,
        st.sampled_from(
            ["arrive", "enter", "begin", "roam", "leave", "over", "occupy", "end", "log", "gone", "known", "resend"]
        ),
        st.integers(0, 9),
        st.integers(0, CONTAINERS - 1),
        _TIMES,
    ),
    min_size=5,
    max_size=60,
)


def copies_of(copies: Any, place: int) -> dict[int, float]:
    """Return until when which containers keep older copies of a session's state."""
    if isinstance(copies, list):
        return dict(copies[place])
    heads, containers, lives, nexts, _, _, _ = copies
    found, block = {}, heads[place]
    while block >= 0:
        cells = range(COPIES * block, COPIES * (block + 1))
        found |= {int(containers[at]): float(lives[at]) for at in cells if containers[at] >= 0}
        block = nexts[block]
    return found


class Plane:
    """The columns of a plane with three containers, two workers, and ten arrivals at hand."""

    def __init__(self, by: ways.Engine, *, external: bool, succession: bool, mode: int) -> None:
        columns = self.columns = Columns(by)
        self.run = by.functions
        self.moves = array("d")
        columns.write_moves_to(self.moves)
        for number in range(CONTAINERS):
            columns.add_container(0.0, SLOTS)
            columns.containers[DELETED_BY][number] = number
        columns.workers.grow(WORKERS)
        columns.codes.grow(WORKERS)
        for worker in range(WORKERS):
            columns.workers[BALANCER][worker], columns.workers[HEALTHY][worker] = worker + 7, 1
        rules = columns.rules.cells
        rules[MODE], rules[EXTERNAL], rules[SUCCESSION], rules[ENOUGH_LEFT] = mode, external, succession, 4
        columns.cells.records(self, 64)
        algorithm = self.algorithm = LeastConnections(columns.cells)
        algorithm.rebuild([Target(f"10.0.0.{n}:80", 100) for n in range(1, 4)], set())
        columns.number_of("a pod")
        bounds = [[2 * n for n in range(10)], [2 * n + 2 for n in range(10)]]
        columns.add_draws([0.5] * 20, [1.0] * 20, None)
        columns.set_arrivals(5, [float(n) for n in range(10)], [*bounds, [1, 0] * 5, [0, 1] * 5, [-1] * 10, [0] * 10])
        columns.have_room()
        columns.changed()

    def places(self, *states: int) -> list[int]:
        """Return the places in some states."""
        found = self.columns.ints[STATE]
        return [place for place in range(self.columns.ints.length) if found[place] in states]

    def take(self, step: Step) -> object:
        """Let something happen; return what the rule returns."""
        columns, run = self.columns, self.run
        ints, own = columns.ints, columns.own.cells
        live = self.places(LIVE)
        place = live[step.whom % len(live)] if live else -1
        columns.have_room()
        columns.queues.have_copies()
        columns.queues.have_ends(1)
        columns.have_retired()
        state = columns.state
        if step.what == "arrive" and own[ARRIVAL] < own[ARRIVALS]:
            return run.arrive(state)
        if step.what == "enter" and columns.queues.next_s < 1e9:
            first = run.first(state.sends)[2]
            found = run.enter(first, state) if columns.ints[STATE][first] not in (LIVE,) else None
            if found == -1:  # it goes on: what is its next send, is the plane's to say
                run.put_back(state.sends, (step.at_s + 100.0, 1_000 + own[ADMITTED], first))
            return found
        if step.what == "occupy":
            columns.queues.occupy(step.container, step.at_s)
            return columns.queues.earliest(step.container)
        if step.what == "end":
            target = run.least_connections(state.links, state.scores, self.algorithm.first_cell)
            columns.queues.put_end(End(step.at_s, step.whom, own[ADMITTED], 0, 7, target, step.at_s))
            return target
        if step.what == "log":
            state = columns.state
            return run.log_ends(state.ends, step.at_s, LEAST_CONNECTIONS, state.workers, state.links, state.scores)
        if step.what == "over":
            columns.have_retired(own[LEFT])
            number = run.retire_all(step.at_s, columns.state)
            run.put_down_first(number, columns.state)
            run.vacate_first(number, columns.state)
            return number
        if place < 0:
            return None
        if step.what == "begin" and ints[HOLDER][place] < 0:
            ints[REQUESTS][place] += 1
            return run.begin(place, step.whom % WORKERS, step.container, 0, step.at_s, state)
        if step.what == "roam" and ints[HOLDER][place] >= 0:
            columns.floats[EXPIRES][place] = step.at_s
            roams, outside = run.roaming(state.floats, state.ints), state.rules[EXTERNAL]
            code = run.roam(place, step.whom, step.container, step.at_s, step.at_s + 1.0, outside, state.copies, roams)
            run.sentence(place, state)
            return code
        if step.what == "leave":
            columns.floats[ENDED][place] = step.at_s
            columns.queues.withdraw((place,))
            return run.leave(place, step.at_s, state)
        if step.what == "known":
            ints[KNOWN][place] = 1
        if step.what == "gone":
            own[OPEN] = step.whom % 4 != 0
        if step.what == "resend":
            columns.queues.withdraw((place,))
            columns.send_at(place, step.at_s + 50.0)
        return None

    def content(self) -> dict[str, Any]:
        """Return all that is known, in an order that does not tell how it is kept."""
        columns, queues = self.columns, self.columns.queues
        parts: dict[str, Any] = {}
        for name in _GROUPS:
            group = getattr(columns, name)
            most = CONTAINERS if name in ("containers", "listening") else 64
            parts[name] = [list(group[field])[:most] for field in range(len(group))]
        for name in _COLUMNS:
            parts[name] = list(getattr(columns, name).cells)[:64]
        # Places that nobody has, and piles above what is on them, hold whatever they held.
        own = columns.own.cells
        parts["free_places"], parts["leaving"] = parts["free_places"][: own[FREE_PLACES]], parts["leaving"][: own[LEFT]]
        parts["ends"] = sorted(queues.open_ends())
        parts["slots"] = [sorted(queues.slots_of(number)) for number in range(CONTAINERS)]
        parts["copies"] = [copies_of(columns.state.copies, place) for place in range(columns.ints.length)]
        parts["sends"] = self._sends()
        parts["moves"] = self._moves()
        parts["retired"] = columns.take_retired().T.tolist()
        for number in sorted((ROWS, MOVES, AHEAD), reverse=True):
            del parts["own"][number]  # of what arrays hold
        return parts

    def _sends(self) -> list[tuple[float, int, int]]:
        """Return the sends in the order in which they come."""
        other, found = self.columns.queues.copy(self.columns), []
        while other.next_s < float("inf"):
            at_s, number, place = self.run.first(other.sends)
            found.append((float(at_s), int(number), int(place)))
            self.run.drop(other.sends)
        return found

    def _moves(self) -> list[float]:
        rows = self.columns.rows
        if hasattr(rows, "moves"):
            count = self.columns.own.cells[MOVES]
            return np.ascontiguousarray(rows.moves[:, :count].T).ravel().tolist()
        return self.moves.tolist()


@given(_HAPPENINGS, st.booleans(), st.booleans(), st.integers(0, 2))
def test_rules_on_the_planes_state(happenings: list[Step], external: bool, succession: bool, mode: int) -> None:
    """Protects each rule: whatever happens in whatever order, both engines say and leave the same."""
    planes = [Plane(by, external=external, succession=succession, mode=mode) for by in _engines()]
    for step in happenings:
        one, other = (plane.take(step) for plane in planes)
        assert one == other, step
        one_content, other_content = (plane.content() for plane in planes)
        assert one_content == other_content, step


def test_happenings_reach_every_rule() -> None:
    """Protects the test above from a plane in which nothing can happen."""
    plane = Plane(ways.INTERPRETED, external=False, succession=False, mode=0)
    happenings = [
        *(Step(what, 0, 0, 1.0) for what in ("arrive", "enter", "begin")),
        *(Step("roam", 0, container, 2.0) for container in (1, 0)),
        *(Step(what, 0, 0, 3.0) for what in ("resend", "end", "log", "leave", "over")),
    ]
    said = [plane.take(step) for step in happenings]
    assert len(plane.columns.take_retired().T) == 1
    assert said[1] == -1, "a session has begun"
    assert said[3] != said[4], "it came back to a copy of its state, and was somewhere new"
    assert said[6:8] == [plane.algorithm.target_of("10.0.0.1:80"), float("inf")]
    assert said[8:] == [-1, 0]
    assert not plane.places(LIVE, GONE)


FOUND: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
"""What NumPy has code of its own for on this processor."""
BOUNDS = Path(__file__).parent / "test_engine_rules.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    "variables",
    [{"NUMBA_BOUNDSCHECK": "1"}, {"NPY_DISABLE_CPU_FEATURES": " ".join(FOUND)}],
    ids=["bounds", "features"],
)
def test_rules_once_more(variables: dict[str, str], tmp_path: Path) -> None:
    """Protects from reads beyond an array, which compiled code does not notice, and from another processor's NumPy."""
    chosen = ["test_wheel", "test_heap", "test_averages", "test_ring", "test_rules_on_the_planes_state"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *(f"{BOUNDS}::{name}" for name in chosen),
    ]
    environment = {**os.environ, **variables, "SIMSTICKY_CACHE_DIR": str(tmp_path), "HYPOTHESIS_PROFILE": "quick"}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert f"{len(chosen)} passed" in done.stdout
