"""The load meter: load-skew integrals over the measured window, from changes of load as the recorder gets to know them.

All sums are exact (:mod:`simsticky.stats.skew`), so when it is told of changes, and how often, is seen in none of them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simsticky.sim.evenness import Evenness
from simsticky.stats.skew import TICKS_PER_S, SkewTotals, ticks

QUANTITIES = ("sessions", "in_flight", "requests")
POD_SETS = ("taking_new", "serving", "terminating")
_CELLS = 32_768
"""Largest matrix built at once: small enough to stay in a processor's cache, which makes it several times faster."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Sets = dict[str, tuple[int, ...]]
"""The containers in each pod set."""


class Changes(NamedTuple):
    """Times in order, container indices, and the change (+1 or -1) of that container's load."""

    times: Floats
    containers: Integers
    deltas: Integers


NO_CHANGES = Changes(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))


class Span(NamedTuple):
    """From when to when the same containers were in a pod set, in seconds of simulated time."""

    begin_s: float
    end_s: float
    containers: tuple[int, ...]


class Steps(NamedTuple):
    """Piecewise-constant loads.

    Attributes:
        members: The containers whose loads these are, in order.
        loads: Shape (members, steps).
        edges: Shape (steps + 1,), the times at which the steps begin and end.
    """

    members: list[int]
    loads: Integers
    edges: Floats

    def during(self, span: Span) -> slice:
        """Return which steps lie in a span; where it begins and ends there are edges."""
        first, last = np.searchsorted(self.edges, [span.begin_s, span.end_s]).tolist()
        return slice(first, max(first, min(last, len(self.edges) - 1)))

    def of(self, containers: Sequence[int], steps: slice) -> Integers:
        """Return the loads of some of the members during some of the steps."""
        rows = [self.members.index(container) for container in containers]
        loads = self.loads[:, steps]
        return loads if rows == list(range(len(self.members))) else loads[rows]


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
        self._since_s = 0.0
        self._states: list[tuple[float, Sets]] = [(0.0, dict.fromkeys(POD_SETS, ()))]
        self._totals = {(quantity, pods): SkewTotals() for quantity in QUANTITIES[:2] for pods in POD_SETS}
        self._loads = {quantity: np.zeros(64, np.int64) for quantity in QUANTITIES[:2]}
        self._requests = {pods: np.zeros(64, np.int64) for pods in POD_SETS}
        self._members: dict[str, set[int]] = {pods: set() for pods in POD_SETS}

    @property
    def sets(self) -> Sets:
        """The containers in each pod set now."""
        return self._states[-1][1]

    def change_sets(self, now_s: float, sets: Sets) -> None:
        """Let the pod sets be others from now on."""
        self._note_members(now_s)
        self._states.append((now_s, sets))

    def start(self, now_s: float, *, in_flight: Integers | None) -> None:
        """Begin the window; the meter has been advanced to now.

        Args:
            now_s: The time.
            in_flight: The container of each request in flight now; None to leave them out, which cost the most.
        """
        self.running = True
        self._states = [(now_s, self.sets)]
        if self.evenness is not None:
            self.evenness.begin(now_s)
        self.follows_requests = in_flight is not None
        if in_flight is not None:
            self._loads["in_flight"][:] = np.bincount(in_flight, minlength=len(self._loads["in_flight"]))

    def fit(self, containers: int) -> None:
        """Make room for container indices below ``containers``."""
        for arrays in (self._loads, self._requests):
            for key, loads in arrays.items():
                if len(loads) < containers:
                    arrays[key] = np.concatenate([loads, np.zeros(containers, np.int64)])

    def sent(self, containers: Integers, sets: Sets) -> None:
        """Count requests by the container that each was sent to, -1 for none, while the pod sets were these."""
        if not self.running or not len(containers):
            return
        counts = np.bincount(containers[containers >= 0], minlength=len(self._requests["serving"]))
        for pods, members in sets.items():
            index = list(members)
            self._requests[pods][index] += counts[index]

    def advance(self, now_s: float, in_flight: Changes, sessions: Changes) -> None:
        """Account for what was up to now.

        Args:
            now_s: The time.
            in_flight: Changes of the requests in flight since the latest call.
            sessions: Changes of the sessions that live on a container since then.
        """
        if now_s > self._since_s:
            if self.running:
                if self.follows_requests:
                    self._measure("in_flight", in_flight, now_s)
                self._measure("sessions", sessions, now_s)
            if self.evenness is not None:
                self._follow_evenness(self.evenness, sessions, now_s)
            self._since_s = now_s
        for quantity, (_, containers, deltas) in (("in_flight", in_flight), ("sessions", sessions)):
            np.add.at(self._loads[quantity], containers, deltas)
        del self._states[:-1]

    def snapshot(self, now_s: float) -> dict[tuple[str, str], SkewTotals]:
        """Return the integrals by (quantity, pod set); the meter has been advanced to now."""
        totals = {key: total.copy() for key, total in self._totals.items()}
        self._note_members(now_s)
        for pods, counts in self._requests.items():
            totals["requests", pods] = SkewTotals()
            seen = counts[sorted(self._members[pods])]
            totals["requests", pods].add(seen[:, np.newaxis], np.array([TICKS_PER_S], np.int64))
        return totals

    def _note_members(self, now_s: float) -> None:
        """Note who is in which set, unless the sets have lasted no time or the window has not begun."""
        if self.running and now_s > self._states[-1][0]:
            for pods, members in self.sets.items():
                self._members[pods].update(members)

    def _spans(self, pods: str, until_s: float) -> list[Span]:
        """Return the spans of a pod set since the meter was last advanced, none of them empty."""
        spans: list[Span] = []
        ends = [at_s for at_s, _ in self._states[1:]] + [until_s]
        for (begin_s, sets), end_s in zip(self._states, ends, strict=True):
            begin_s, chosen = max(begin_s, self._since_s), sets[pods]
            if end_s <= begin_s:
                continue
            if spans and spans[-1].containers == chosen:
                begin_s = spans.pop().begin_s
            spans.append(Span(begin_s, end_s, chosen))
        return spans

    def _measure(self, quantity: str, changes: Changes, now_s: float) -> None:
        """Add to the integrals of a quantity; what is the same in several sets is added up once."""
        spans = {pods: self._spans(pods, now_s) for pods in POD_SETS}
        for steps in self._steps(quantity, changes, now_s, [span for of in spans.values() for span in of]):
            lasting = ticks(steps.edges)
            added: dict[Span, SkewTotals] = {}
            for pods, of_set in spans.items():
                for span in of_set:
                    if span not in added:
                        during = steps.during(span)
                        added[span] = SkewTotals()
                        added[span].add(steps.of(span.containers, during), lasting[during])
                    self._totals[quantity, pods].merge(added[span])

    def _follow_evenness(self, evenness: Evenness, changes: Changes, now_s: float) -> None:
        """Follow the sessions on the serving pods: before the window their average, then when they are even again."""
        if evenness.settled or now_s <= self._settle_s:
            return
        spans = self._spans("serving", now_s)
        for steps in self._steps("sessions", changes, now_s, spans):
            for span in spans:
                during = steps.during(span)
                loads, edges = steps.of(span.containers, during), steps.edges[during.start : during.stop + 1]
                if self.running:
                    evenness.after(loads, edges)
                else:
                    evenness.before(loads, ticks(np.maximum(edges, self._settle_s)))

    def _steps(self, quantity: str, changes: Changes, until_s: float, spans: Sequence[Span]) -> Iterator[Steps]:
        """Yield the loads of the containers of some spans, one matrix after the other, since the last advance.

        A step lasts from one change to the next that comes later: of several changes at one instant, such as the two of
        a session that moves, only what they come to together lasts.
        """
        members = sorted({container for span in spans for container in span.containers})
        if not members:
            return
        times, columns, deltas = self._of_members(members, changes)
        borders = np.unique([span.begin_s for span in spans])
        if len(borders) > 1:
            # Where a span begins there is to be a step, if only of a change by 0.
            places = np.searchsorted(times, borders)
            times, columns = np.insert(times, places, borders), np.insert(columns, places, 0)
            deltas = np.insert(deltas, places, 0)
        loads, since_s = self._loads[quantity][members], self._since_s
        width = max(64, _CELLS // len(members))
        for first in range(0, len(times) + 1, width):
            part = slice(first, first + width)
            is_last = first + width > len(times)
            later = np.diff(times[part], prepend=since_s) > 0.0
            alone = bool(later.all())
            ends = times[part] if alone else times[part][later]
            edges = np.concatenate([[since_s], ends, [until_s] if is_last else []])
            stretch = np.zeros((len(members), 1 + len(ends)), np.int64)
            stretch[:, 0] = loads
            step = np.arange(1, stretch.shape[1]) if alone else np.cumsum(later)
            np.add.at(stretch.reshape(-1), columns[part] * stretch.shape[1] + step, deltas[part])
            np.cumsum(stretch, axis=1, out=stretch)
            loads, since_s = stretch[:, -1].copy(), float(edges[-1])
            yield Steps(members, stretch[:, : len(edges) - 1], edges)

    def _of_members(self, members: list[int], changes: Changes) -> Changes:
        """Return the changes of members, with their places among them instead of container indices."""
        place_of = np.full(len(self._loads["sessions"]), -1, dtype=np.int64)
        place_of[members] = np.arange(len(members))
        columns = place_of[changes.containers]
        inside = columns >= 0
        if inside.all():
            return changes._replace(containers=columns)
        return Changes(changes.times[inside], columns[inside], changes.deltas[inside])
