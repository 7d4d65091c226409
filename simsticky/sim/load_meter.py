"""The load meter: turns sealed blocks of requests and residences into load-skew integrals, exactly.

It is fed one *segment* of time after the other. Within a segment the pod sets do not change (the recorder seals
whenever one does), so a segment is a matrix of piecewise-constant loads.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from simsticky.sim.evenness import Evenness
from simsticky.stats.skew import SkewTotals

QUANTITIES = ("sessions", "in_flight", "requests")
POD_SETS = ("taking_new", "serving", "terminating")
_CELLS = 32_768
"""Largest matrix built at once: small enough to stay in a processor's cache, which makes it several times faster."""

Changes = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.float64]]
"""Times in order, container indices, and the change (+1 or -1) of that container's load."""

NO_CHANGES: Changes = (np.empty(0), np.empty(0, np.int64), np.empty(0))


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
        self.sets: dict[str, tuple[int, ...]] = dict.fromkeys(POD_SETS, ())
        self._since_s = 0.0
        self._totals = {(quantity, pods): SkewTotals() for quantity in QUANTITIES[:2] for pods in POD_SETS}
        self._loads = {quantity: np.zeros(64) for quantity in QUANTITIES[:2]}
        self._requests = {pods: np.zeros(64) for pods in POD_SETS}
        self._members: dict[str, set[int]] = {pods: set() for pods in POD_SETS}

    def start(self, now_s: float, *, in_flight: npt.NDArray[np.int64] | None) -> None:
        """Begin the window.

        Args:
            now_s: The time.
            in_flight: The container of each request in flight now; None to leave them out, which cost the most.
        """
        self.running = True
        self._since_s = now_s
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
                    arrays[key] = np.concatenate([loads, np.zeros(containers)])

    def advance(self, now_s: float, in_flight: Changes, sessions: Changes, sent: npt.NDArray[np.int64]) -> None:
        """Account for the segment that ends now.

        Args:
            now_s: End of the segment.
            in_flight: Changes of the requests in flight within it.
            sessions: Changes of the sessions that live on a container within it.
            sent: Container index of each request sent within it.
        """
        if self.running and now_s > self._since_s:
            if self.follows_requests:
                self._integrate("in_flight", in_flight, now_s)
            self._integrate("sessions", sessions, now_s)
            if len(sent):
                per_container = np.bincount(sent, minlength=len(self._requests["serving"]))
                for pods, members in self.sets.items():
                    index = list(members)
                    self._requests[pods][index] += per_container[index]
            for pods, members in self.sets.items():
                self._members[pods].update(members)
        elif self.evenness is not None and now_s > max(self._since_s, self._settle_s):
            for loads, edges in self._stretches("sessions", sessions, now_s, self.sets["serving"]):
                self.evenness.before(loads, np.diff(np.maximum(edges, self._settle_s)))
        self._since_s = now_s
        for quantity, (_, containers, deltas) in (("in_flight", in_flight), ("sessions", sessions)):
            loads = self._loads[quantity]
            loads += np.bincount(containers, weights=deltas, minlength=len(loads))

    def snapshot(self) -> dict[tuple[str, str], SkewTotals]:
        """Return the integrals so far, by (quantity, pod set)."""
        totals = {key: total.copy() for key, total in self._totals.items()}
        for pods, counts in self._requests.items():
            totals["requests", pods] = SkewTotals()
            seen = counts[sorted(self._members[pods])]
            totals["requests", pods].add(seen[:, np.newaxis], np.ones(1))
        return totals

    def _integrate(self, quantity: str, changes: Changes, now_s: float) -> None:
        members = sorted(set().union(*self.sets.values()))
        for loads, edges in self._stretches(quantity, changes, now_s, members):
            self._add(quantity, loads, edges, members)

    def _stretches(
        self, quantity: str, changes: Changes, now_s: float, members: Sequence[int]
    ) -> Iterator[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
        """Yield the loads of some containers, shape (members, steps), with the times at which steps begin and end."""
        if not members:
            return
        times, containers, deltas = changes
        column_of = np.full(len(self._loads[quantity]), -1, dtype=np.int64)
        column_of[list(members)] = np.arange(len(members))
        columns = column_of[containers]
        inside = columns >= 0
        if not inside.all():
            times, columns, deltas = times[inside], columns[inside], deltas[inside]
        loads = self._loads[quantity][list(members)]
        since = self._since_s
        step = max(64, _CELLS // len(members))
        for first in range(0, len(times) + 1, step):
            part = slice(first, first + step)
            last = first + step > len(times)
            # A step lasts from one change to the next that comes later: of several changes at one instant, such as the
            # two of a session that moves, only what they come to together lasts.
            later = np.diff(times[part], prepend=since) > 0.0
            edges = np.concatenate([[since], times[part][later], [now_s] if last else []])
            shape = len(members), 1 + int(later.sum())
            cells = columns[part] * shape[1] + np.cumsum(later)
            moves = np.bincount(cells, weights=deltas[part], minlength=shape[0] * shape[1]).reshape(shape)
            stretch = loads[:, np.newaxis] + np.cumsum(moves, axis=1)
            yield stretch[:, : len(edges) - 1], edges
            loads, since = stretch[:, -1].copy(), edges[-1]

    def _add(
        self, quantity: str, loads: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], members: list[int]
    ) -> None:
        seconds = np.diff(edges)
        if quantity == "sessions" and self.evenness is not None and not self.evenness.settled:
            self.evenness.after(loads[[members.index(container) for container in self.sets["serving"]]], edges)
        added: dict[tuple[int, ...], SkewTotals] = {}
        for pods, chosen in self.sets.items():
            if chosen not in added:
                added[chosen] = SkewTotals()
                rows = [members.index(container) for container in chosen]
                added[chosen].add(loads if len(rows) == len(members) else loads[rows], seconds)
            self._totals[quantity, pods].merge(added[chosen])
