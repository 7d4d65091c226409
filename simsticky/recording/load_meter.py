"""The load meter: load-skew integrals over the measured window, from changes of load as the recorder gets to know them.

All sums are exact (:mod:`simsticky.stats.skew`), so when it is told of changes, and how often, is seen in none of them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from copy import deepcopy
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from simsticky.recording.changes import NO_CHANGES, NOWHERE, Changes, Containers, Floats, joined
from simsticky.recording.evenness import Evenness
from simsticky.stats.skew import TICKS_PER_S, Integers, Room, SkewTotals, ticks

QUANTITIES = ("sessions", "in_flight", "requests")
POD_SETS = ("taking_new", "serving", "terminating")
_CELLS = 65_536
"""Largest matrix built at once: half a megabyte, between the cost of a call of NumPy and that of leaving the cache."""

_WAITING = {"in_flight": 1 << 17, "sessions": 1 << 14}
"""Changes that wait at most, 3 MB. Many at once take less time; and where the window has ended nobody asks for those of
requests in flight again, so that in most runs they are never added up."""

Sets = dict[str, tuple[int, ...]]
"""The containers in each pod set."""


class Span(NamedTuple):
    """From when to when the same containers were in a pod set, in seconds of simulated time."""

    begin_s: float
    end_s: float
    containers: tuple[int, ...]


_begin_s, _end_s = attrgetter("begin_s"), attrgetter("end_s")


class Steps(NamedTuple):
    """Piecewise-constant loads.

    Attributes:
        members: Shape (members,), the containers whose loads these are, in rising order: those of all spans.
        loads: Shape (members, steps).
        edges: Shape (steps + 1,), the times at which the steps begin and end.
    """

    members: Integers
    loads: Integers
    edges: Floats

    def among(self, spans: Sequence[Span]) -> Sequence[Span]:
        """Return the spans during which any of them lasts, of some that follow each other."""
        first = bisect_right(spans, self.edges[0], key=_end_s)
        return spans[first : bisect_left(spans, self.edges[-1], key=_begin_s)]

    def during(self, span: Span) -> tuple[Integers, Floats]:
        """Return the loads of a span's containers during it, and their edges; one if it is elsewhere."""
        edges = self.edges
        first = max(0, int(np.searchsorted(edges, span.begin_s, side="right")) - 1)
        last = int(np.searchsorted(edges, span.end_s))
        if last >= len(edges):
            last = len(edges) - 1
        inside = edges[first : last + 1]
        if span.begin_s > edges[0] or span.end_s < edges[-1]:
            inside = inside.clip(span.begin_s, span.end_s)
        loads = self.loads[:, first:last]
        if len(span.containers) == len(self.members):
            return loads, inside
        return loads[np.searchsorted(self.members, span.containers)], inside


class _Followed:
    """One quantity: its loads at a moment, and what has changed since and waits to be added up.

    Attributes:
        since_s: The moment, in seconds of simulated time.
        loads: The load of each container then.
        fresh: How many changes have come since somebody asked for those that are due.
    """

    def __init__(self) -> None:
        self.since_s = 0.0
        self.loads = np.zeros(64, np.int64)
        self.fresh = 0
        self._waiting: list[Changes] = []

    def wait(self, changes: Changes) -> None:
        """Take changes, none of them before :attr:`since_s`, in any order."""
        if len(changes.times):
            self._waiting.append(changes)
            self.fresh += len(changes.times)

    def due(self, until_s: float) -> Changes:
        """Return the changes up to a moment, in order of time; the others go on waiting."""
        if not self._waiting:
            return NO_CHANGES
        changes = joined(self._waiting).in_order()
        due = int(np.searchsorted(changes.times, until_s, side="right"))
        later = changes.part(slice(due, None))
        self._waiting, self.fresh = [later] if len(later.times) else [], 0
        return changes.part(slice(due))

    def go_on(self, until_s: float, changes: Changes) -> None:
        """Be at a later moment, after these changes."""
        for containers, sign in ((changes.origins, -1), (changes.targets, 1)):
            times = np.bincount(containers - NOWHERE, minlength=1)[1:]
            self.loads[: len(times)] += sign * times
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
        self._mark_s: float | None = None
        self._sent_by_mark: dict[str, Integers] = {}
        self._marked: dict[tuple[str, str], SkewTotals] = {}
        self._states: list[tuple[float, Sets]] = [(0.0, dict.fromkeys(POD_SETS, ()))]
        self._totals = {(quantity, pods): SkewTotals() for quantity in QUANTITIES[:2] for pods in POD_SETS}
        self._followed = {quantity: _Followed() for quantity in QUANTITIES[:2]}
        self._requests = {pods: np.zeros(64, np.int64) for pods in POD_SETS}
        self._members: dict[str, set[int]] = {pods: set() for pods in POD_SETS}
        self._stretches, self._integrands = Room(), Room()

    @property
    def sets(self) -> Sets:
        """The containers in each pod set now."""
        return self._states[-1][1]

    def beside(self) -> "LoadMeter":
        """Return a meter that has been told the same so far, without the evenness."""
        evenness, self.evenness = self.evenness, None
        other = deepcopy(self)
        self.evenness = evenness
        return other

    def change_sets(self, now_s: float, sets: Sets) -> None:
        """Let the pod sets be others from now on."""
        self._note_members(now_s)
        self._states.append((now_s, sets))

    def start(self, now_s: float, *, in_flight: Integers | None) -> None:
        """Begin the window; the meter has been told all before now.

        Args:
            now_s: The time.
            in_flight: The container of each request in flight now; None to leave them out, which cost the most.
        """
        self._pass("sessions", now_s)
        self.running = True
        self._states = [(now_s, self.sets)]
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
        if containers.min() < 0:
            containers = containers[containers >= 0]
        counts = np.bincount(containers, minlength=len(self._requests["serving"]))
        for pods, members in sets.items():
            index = list(members)
            self._requests[pods][index] += counts[index]

    def advance(self, now_s: float, in_flight: Changes, sessions: Changes) -> None:
        """Take what has changed up to now.

        Args:
            now_s: The time.
            in_flight: Changes of the requests in flight since the latest call, in any order.
            sessions: Changes of the sessions that live on a container that have become known since then, in any order;
                some of them may be still to come.
        """
        requests, residents = self._followed["in_flight"], self._followed["sessions"]
        requests.wait(in_flight)
        residents.wait(sessions)
        if self._mark_s is not None:
            self._pass("in_flight", self._mark_s)
            self._pass("sessions", self._mark_s)
            self._marked |= {key: total.copy() for key, total in self._totals.items()}
            self._mark_s = None
        for quantity, followed in self._followed.items():
            if followed.fresh >= _WAITING[quantity]:
                self._pass(quantity, now_s)
        since_s = min(requests.since_s, residents.since_s) if self.follows_requests else residents.since_s
        while len(self._states) > 1 and self._states[1][0] <= since_s:
            self._states.pop(0)

    def finish(self, now_s: float) -> None:
        """Follow the sessions to the end of the run, if only for the evenness."""
        if self._follows_evenness(now_s):
            self._pass("sessions", now_s)

    def mark(self, now_s: float) -> None:
        """Let :meth:`marked` tell the integrals up to now; requests up to now have been counted."""
        self._note_members(now_s)
        self._mark_s = now_s
        self._sent_by_mark = {pods: counts[sorted(self._members[pods])] for pods, counts in self._requests.items()}

    def marked(self) -> dict[tuple[str, str], SkewTotals]:
        """Return the integrals up to the latest mark, by (quantity, pod set); the meter has been advanced beyond it."""
        for pods, counts in self._sent_by_mark.items():
            total = self._marked["requests", pods] = SkewTotals()
            total.add(counts[:, np.newaxis], np.array([TICKS_PER_S], np.int64))
        return self._marked

    def _pass(self, quantity: str, until_s: float) -> None:
        """Add up what of a quantity waits, up to a moment."""
        followed = self._followed[quantity]
        changes = followed.due(until_s)
        if until_s > followed.since_s:
            follows = self.follows_requests if quantity == "in_flight" else self._follows_evenness(until_s)
            if follows or (self.running and quantity == "sessions"):
                self._measure(quantity, changes, until_s)
        followed.go_on(until_s, changes)

    def _note_members(self, now_s: float) -> None:
        """Note who is in which set, unless the sets have lasted no time or the window has not begun."""
        if self.running and now_s > self._states[-1][0]:
            for pods, members in self.sets.items():
                self._members[pods].update(members)

    def _spans(self, pods: str, since_s: float, until_s: float) -> list[Span]:
        """Return the spans of a pod set from one moment to another, none of them empty."""
        spans: list[Span] = []
        ends = [at_s for at_s, _ in self._states[1:]] + [until_s]
        for (begin_s, sets), end_s in zip(self._states, ends, strict=True):
            begin_s, chosen = max(begin_s, since_s), sets[pods]
            if end_s <= begin_s:
                continue
            if spans and spans[-1].containers == chosen:
                begin_s = spans.pop().begin_s
            spans.append(Span(begin_s, end_s, chosen))
        return spans

    def _follows_evenness(self, now_s: float) -> bool:
        return self.evenness is not None and not self.evenness.settled and now_s > self._settle_s

    def _measure(self, quantity: str, changes: Changes, now_s: float) -> None:
        """Add to the integrals of a quantity from where it is followed to.

        Before the window only the evenness is followed: the average of the sessions on the serving pods.
        """
        chosen = POD_SETS if self.running else ("serving",)
        spans = {pods: self._spans(pods, self._followed[quantity].since_s, now_s) for pods in chosen}
        alike: list[tuple[list[Span], list[str]]] = []  # what is the same in several sets is added up once
        for pods, of_set in spans.items():
            same = next((names for known, names in alike if known == of_set), None)
            if same is None:
                alike.append((of_set, [pods]))
            else:
                same.append(pods)
        follows = quantity == "sessions" and self._follows_evenness(now_s)
        for steps in self._steps(quantity, changes, now_s, [span for of_set in spans.values() for span in of_set]):
            if self.running:
                for of_set, names in alike:
                    totals = self._totals_of(steps, of_set)
                    for pods in names:
                        self._totals[quantity, pods].merge(totals)
            if follows:
                self._follow(steps, spans["serving"])

    def _follow(self, steps: Steps, serving: Sequence[Span]) -> None:
        """Let the evenness know of steps."""
        assert self.evenness is not None
        for span in steps.among(serving):
            loads, edges = steps.during(span)
            if len(edges) > 1:
                if self.running:
                    self.evenness.after(loads, edges)
                else:
                    self.evenness.before(loads, ticks(np.maximum(edges, self._settle_s)))

    def _steps(self, quantity: str, changes: Changes, until_s: float, spans: Sequence[Span]) -> Iterator[Steps]:
        """Yield the loads of the containers of some spans, one matrix after the other, from where it is followed.

        A step lasts from one change to the next. Of several changes at one instant only what they come to together
        lasts; the steps between them have no length, and so no weight.
        """
        members = np.array(sorted(set().union(*(span.containers for span in spans))), np.int64)
        if not len(members):
            return
        times, origins, targets = self._of_members(members, changes)
        followed = self._followed[quantity]
        loads, since_s = followed.loads[members], followed.since_s
        width = max(64, _CELLS // len(members))
        for first in range(0, len(times) + 1, width):
            part = slice(first, first + width)
            is_last = first + width > len(times)
            edges = np.concatenate([[since_s], times[part], [until_s] if is_last else []])
            stretch = self._stretches.rows(len(members) + 1, 1 + len(times[part]))
            stretch.fill(0)
            _put_down(stretch, origins[part], targets[part])
            own = stretch[:-1]
            own[:, 0] += loads
            np.cumsum(own, axis=1, out=own)
            loads, since_s = own[:, -1].copy(), float(edges[-1])
            yield Steps(members, own[:, : len(edges) - 1], edges)

    def _of_members(self, members: Integers, changes: Changes) -> Changes:
        """Return the changes of members, with their places among them instead of container indices.

        All other containers have the place behind the last, and so has nowhere.
        """
        elsewhere = len(members)
        place_of = np.full(len(self._followed["sessions"].loads) + 1, elsewhere, dtype=np.int32)
        place_of[members] = np.arange(elsewhere)
        origins, targets = place_of.take(changes.origins), place_of.take(changes.targets)  # -1 is the last
        inside = origins != targets
        if inside.all():
            return Changes(changes.times, origins, targets)
        return Changes(changes.times[inside], origins[inside], targets[inside])

    def _totals_of(self, steps: Steps, of_set: Sequence[Span]) -> SkewTotals:
        """Return the totals of a pod set during steps; spans with as many pods are added up at once."""
        parts: dict[int, list[tuple[Integers, Integers]]] = {}
        for span in steps.among(of_set):
            loads, edges = steps.during(span)
            if len(loads) and len(edges) > 1:
                parts.setdefault(len(loads), []).append((loads, ticks(edges)))
        totals = SkewTotals()
        for alike in parts.values():
            loads, lasting = alike[0]
            if len(alike) > 1:
                loads = np.concatenate([loads for loads, _ in alike], axis=1)
                lasting = np.concatenate([lasting for _, lasting in alike])
            totals.add(loads, lasting, self._integrands)
        return totals


def _longer(loads: Integers, containers: int) -> Integers:
    return loads if len(loads) >= containers else np.concatenate([loads, np.zeros(containers, np.int64)])


def _put_down(steps: Integers, origins: Containers, targets: Containers) -> None:
    """Put each change down where it happens, which is the step that begins with it.

    Args:
        steps: Shape (places of containers, 1 + changes), all 0.
        origins: The place that each change leaves.
        targets: The one it goes to, which is another.
    """
    cells, width = steps.reshape(-1), steps.shape[1]
    step = np.arange(1, width)
    for places, delta in ((origins, -1), (targets, 1)):
        at = places * np.int64(width)
        at += step
        cells[at] = delta
