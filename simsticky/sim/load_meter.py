"""The load meter: load-skew integrals over the measured window, from changes of load as the recorder gets to know them.

When it is told of changes must not be seen in a sum of floats. So changes wait, and are added up in pieces of a fixed
number of them; a piece holds the same changes, and so the same terms in the same order, whenever they came.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simsticky.sim.evenness import Evenness
from simsticky.stats.skew import SkewTotals

QUANTITIES = ("sessions", "in_flight", "requests")
POD_SETS = ("taking_new", "serving", "terminating")
PIECE = 8_192
"""Changes that are added up at once; it orders the sums, so another number changes their last digits."""
_CELLS = 32_768
"""Largest matrix built at once, as ``PIECE``: small enough to stay in a processor's cache."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Sets = dict[str, tuple[int, ...]]
"""The containers in each pod set."""


class Changes(NamedTuple):
    """Times in order, container indices, and the change (+1 or -1) of that container's load."""

    times: Floats
    containers: Integers
    deltas: Floats

    def part(self, which: slice) -> "Changes":
        """Return some of them."""
        return Changes(self.times[which], self.containers[which], self.deltas[which])


NO_CHANGES = Changes(np.empty(0), np.empty(0, np.int64), np.empty(0))


class Stretch(NamedTuple):
    """Piecewise-constant loads while the pod sets stay the same.

    Attributes:
        sets: The pod sets.
        members: The containers whose loads these are, in order.
        loads: Shape (members, steps).
        edges: Shape (steps + 1,), the times at which the steps begin and end.
    """

    sets: Sets
    members: list[int]
    loads: Floats
    edges: Floats

    def of(self, containers: Sequence[int]) -> Floats:
        """Return the loads of some of the members."""
        rows = [self.members.index(container) for container in containers]
        return self.loads if rows == list(range(len(self.members))) else self.loads[rows]


class _Followed:
    """One quantity: its loads at a moment, and what has changed since and waits to be added up."""

    def __init__(self) -> None:
        self.since_s = 0.0
        self.loads = np.zeros(64)
        self._waiting: list[Changes] = []
        self._number = 0

    def wait(self, changes: Changes) -> None:
        """Take changes, none of them earlier than those that wait."""
        if len(changes.times):
            self._waiting.append(changes)
            self._number += len(changes.times)

    def pieces(self) -> Iterator[Changes]:
        """Yield the whole pieces that wait; each is to be :meth:`passed` before the next."""
        while self._number >= PIECE:
            yield self.all().part(slice(PIECE))

    def all(self) -> Changes:
        """Return all that waits."""
        if len(self._waiting) > 1:
            self._waiting = [Changes(*map(np.concatenate, zip(*self._waiting, strict=True)))]
        return self._waiting[0] if self._waiting else NO_CHANGES

    def passed(self, number: int, until_s: float) -> None:
        """Go on from ``until_s``; the first changes, ``number`` of them, have been added up."""
        if number:
            changes = self.all()
            self.loads += np.bincount(
                changes.containers[:number], weights=changes.deltas[:number], minlength=len(self.loads)
            )
            self._waiting = [changes.part(slice(number, None))]
            self._number -= number
        self.since_s = until_s


class LoadMeter:
    """Loads per container and their skew over the window in which it is running.

    Args:
        evenness: Follows the sessions on serving pods, also before the window; None where nobody asks.
        settle_s: What happens before this time is left out.
    """

    def __init__(self, evenness: Evenness | None = None, settle_s: float = 0.0) -> None:
        """Make a meter that is not running, with no pods in any set."""
        self.evenness = evenness
        self._settle_s = settle_s
        self.running = False
        self.follows_requests = False
        self._spans: list[tuple[float, Sets]] = [(0.0, dict.fromkeys(POD_SETS, ()))]
        self._totals = {(quantity, pods): SkewTotals() for quantity in QUANTITIES[:2] for pods in POD_SETS}
        self._followed = {quantity: _Followed() for quantity in QUANTITIES[:2]}
        self._requests = {pods: np.zeros(64) for pods in POD_SETS}
        self._members: dict[str, set[int]] = {pods: set() for pods in POD_SETS}

    @property
    def sets(self) -> Sets:
        """The containers in each pod set now."""
        return self._spans[-1][1]

    def change_sets(self, now_s: float, sets: Sets) -> None:
        """Let the pod sets be others from now on; of several changes at one instant only the last is seen."""
        self._note_members(now_s)
        if self._spans[-1][0] == now_s:
            self._spans.pop()
        if not self._spans or self._spans[-1][1] != sets:
            self._spans.append((now_s, sets))

    def start(self, now_s: float, *, in_flight: Integers | None) -> None:
        """Begin the window, all before it told.

        Args:
            now_s: The time.
            in_flight: The container of each request in flight now; None to leave them out, which cost the most.
        """
        self._measure_before("sessions", self._followed["sessions"].all(), now_s)
        self.running = True
        self._spans = [(now_s, self.sets)]
        if self.evenness is not None:
            self.evenness.begin(now_s)
        self.follows_requests = in_flight is not None
        if in_flight is not None:
            followed = self._followed["in_flight"]
            followed.since_s = now_s
            followed.loads[:] = np.bincount(in_flight, minlength=len(followed.loads))

    def fit(self, containers: int) -> None:
        """Make room for container indices below ``containers``."""
        for followed in self._followed.values():
            followed.loads = _longer(followed.loads, containers)
        for pods, counts in self._requests.items():
            self._requests[pods] = _longer(counts, containers)

    def sent(self, containers: Integers, sets: Sets) -> None:
        """Count requests by the container that each was sent to, -1 for none, while the pod sets were these."""
        if not self.running or not len(containers):
            return
        counts = np.bincount(containers[containers >= 0], minlength=len(self._requests["serving"]))
        for pods, members in sets.items():
            index = list(members)
            self._requests[pods][index] += counts[index]

    def advance(self, in_flight: Changes, sessions: Changes) -> None:
        """Take the changes of the requests in flight, and of the sessions that live on a container, up to now."""
        for quantity, changes in (("in_flight", in_flight), ("sessions", sessions)):
            followed = self._followed[quantity]
            followed.wait(changes)
            for piece in followed.pieces():
                measure = self._measure if self.running else self._measure_before
                measure(quantity, piece, float(piece.times[-1]))
        since_s = min(followed.since_s for followed in self._followed.values() if self._follows(followed))
        while len(self._spans) > 1 and self._spans[1][0] <= since_s:
            self._spans.pop(0)

    def snapshot(self, now_s: float) -> dict[tuple[str, str], SkewTotals]:
        """Return the integrals up to now, by (quantity, pod set), all before now told."""
        totals = {key: total.copy() for key, total in self._totals.items()}
        for quantity, followed in self._followed.items():
            if self.running and self._follows(followed):
                for stretch in self._stretches(followed, followed.all(), now_s):
                    _add(totals, quantity, stretch)
        self._note_members(now_s)
        for pods, counts in self._requests.items():
            totals["requests", pods] = SkewTotals()
            seen = counts[sorted(self._members[pods])]
            totals["requests", pods].add(seen[:, np.newaxis], np.ones(1))
        return totals

    def finish(self, now_s: float) -> None:
        """Follow the sessions to the end of the run, for the evenness; :meth:`snapshot` has told all else."""
        if self.evenness is not None and self.running:
            followed = self._followed["sessions"]
            for stretch in self._stretches(followed, followed.all(), now_s):
                self.evenness.after(stretch.of(stretch.sets["serving"]), stretch.edges)

    def _follows(self, followed: _Followed) -> bool:
        return self.follows_requests or followed is self._followed["sessions"]

    def _note_members(self, now_s: float) -> None:
        """Note who is in which set, unless the sets have lasted no time or the window has not begun."""
        if self.running and now_s > self._spans[-1][0]:
            for pods, members in self.sets.items():
                self._members[pods].update(members)

    def _measure(self, quantity: str, changes: Changes, until_s: float) -> None:
        """Add up a piece of the window."""
        followed = self._followed[quantity]
        for stretch in self._stretches(followed, changes, until_s):
            if quantity == "sessions" and self.evenness is not None and not self.evenness.settled:
                self.evenness.after(stretch.of(stretch.sets["serving"]), stretch.edges)
            _add(self._totals, quantity, stretch)
        followed.passed(len(changes.times), until_s)

    def _measure_before(self, quantity: str, changes: Changes, until_s: float) -> None:
        """Pass what is before the window, with an eye on the evenness."""
        followed = self._followed[quantity]
        if self.evenness is not None and until_s > max(followed.since_s, self._settle_s):
            for stretch in self._stretches(followed, changes, until_s):
                seconds = np.diff(np.maximum(stretch.edges, self._settle_s))
                self.evenness.before(stretch.of(stretch.sets["serving"]), seconds)
        followed.passed(len(changes.times), until_s)

    def _stretches(self, followed: _Followed, changes: Changes, until_s: float) -> Iterator[Stretch]:
        """Yield the loads from where a quantity is followed to ``until_s``, in stretches of one state of the sets."""
        since_s = followed.since_s
        spans = self._spans_of(since_s, until_s)
        members = sorted({container for _, _, sets in spans for pods in sets.values() for container in pods})
        if not members:
            return
        times, columns, deltas = _of_members(members, len(followed.loads), changes)
        borders = np.array([begin_s for begin_s, _, _ in spans[1:]])
        if len(borders):
            places = np.searchsorted(times, borders)
            times, columns = np.insert(times, places, borders), np.insert(columns, places, 0)
            deltas = np.insert(deltas, places, 0.0)
        for loads, edges in _steps(followed.loads[members], since_s, until_s, (times, columns, deltas)):
            for begin_s, end_s, sets in spans:
                first, last = np.searchsorted(edges, [begin_s, end_s])
                first, last = max(0, first), min(last, len(edges) - 1)
                if last > first:
                    yield Stretch(sets, members, loads[:, first:last], edges[first : last + 1])

    def _spans_of(self, since_s: float, until_s: float) -> list[tuple[float, float, Sets]]:
        """Return the spans of time, from one moment to another, with the pod sets of each; none is empty."""
        begins = [begin_s for begin_s, _ in self._spans] + [np.inf]
        return [
            (max(begin_s, since_s), min(end_s, until_s), sets)
            for (begin_s, sets), end_s in zip(self._spans, begins[1:], strict=True)
            if max(begin_s, since_s) < min(end_s, until_s)
        ]


def _longer(loads: Floats, containers: int) -> Floats:
    return loads if len(loads) >= containers else np.concatenate([loads, np.zeros(containers)])


def _of_members(members: list[int], containers: int, changes: Changes) -> tuple[Floats, Integers, Floats]:
    """Return times, place among the members, and deltas of the changes of members."""
    place_of = np.full(containers, -1, dtype=np.int64)
    place_of[members] = np.arange(len(members))
    columns = place_of[changes.containers]
    inside = columns >= 0
    if inside.all():
        return changes.times, columns, changes.deltas
    return changes.times[inside], columns[inside], changes.deltas[inside]


def _steps(
    loads: Floats, since_s: float, until_s: float, changes: tuple[Floats, Integers, Floats]
) -> Iterator[tuple[Floats, Floats]]:
    """Yield loads, shape (members, steps), with the times at which steps begin and end, for one matrix after the other.

    A step lasts from one change to the next that comes later: of several changes at one instant, such as the two of a
    session that moves, only what they come to together lasts.
    """
    times, columns, deltas = changes
    width = max(64, _CELLS // len(loads))
    for first in range(0, len(times) + 1, width):
        part = slice(first, first + width)
        is_last = first + width > len(times)
        later = np.diff(times[part], prepend=since_s) > 0.0
        alone = bool(later.all())
        ends = times[part] if alone else times[part][later]
        edges = np.concatenate([[since_s], ends, [until_s] if is_last else []])
        shape = len(loads), 1 + len(ends)
        steps = np.arange(1, shape[1]) if alone else np.cumsum(later)
        moves = np.bincount(columns[part] * shape[1] + steps, weights=deltas[part], minlength=shape[0] * shape[1])
        stretch = moves.astype(np.float64, copy=False).reshape(shape)  # of no changes they are integers
        stretch[:, 0] += loads
        np.cumsum(stretch, axis=1, out=stretch)
        yield stretch[:, : len(edges) - 1], edges
        loads, since_s = stretch[:, -1].copy(), edges[-1]


def _add(totals: dict[tuple[str, str], SkewTotals], quantity: str, stretch: Stretch) -> None:
    """Add a stretch to the totals of every set; equal sets are added up once."""
    seconds = np.diff(stretch.edges)
    added: dict[tuple[int, ...], SkewTotals] = {}
    for pods, chosen in stretch.sets.items():
        if chosen not in added:
            added[chosen] = SkewTotals()
            added[chosen].add(stretch.of(chosen), seconds)
        totals[quantity, pods].merge(added[chosen])
