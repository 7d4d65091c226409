"""What was found when traffic was fitted to a log: laws, counts, and what to know before believing them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from simsticky.logs.heavy import Heavy
from simsticky.logs.laws import Fitted
from simsticky.logs.rates import Arrivals
from simsticky.logs.requests import SessionKey
from simsticky.logs.search import Bounds
from simsticky.logs.shapes import Shape
from simsticky.logs.tails import Tail
from simsticky.logs.visits import Booleans, Visits
from simsticky.notebook import ShownInNotebooks


@dataclass(frozen=True, slots=True)
class PodService:
    """How long requests took one pod.

    Attributes:
        requests: How many it answered.
        mean_s: Their mean.
        p50_s: Their median.
        p95_s: The time that 95 % of them took at most.
    """

    requests: int
    mean_s: float
    p50_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Source:
    """What was read, without a name of anything in it.

    Attributes:
        format: Of the log.
        lines: How many it has.
        damaged: How many were of no use.
        key: What tells sessions apart.
        requests: How many requests.
        sessions: How many sessions, seen in part or whole.
        cohort: Sessions that the laws are fitted to.
        window_s: How long the log is.
        began: When it begins.
        gap_s: How long nothing is sent when a session has ended.
        quiet_s: The same at the edges of the log.
        opening: What was read, as sentences; the beginning of a damaged line may be among them.
        notes: What the readers say.
    """

    format: str
    lines: int
    damaged: int
    key: SessionKey
    requests: int
    sessions: int
    cohort: int
    window_s: float
    began: datetime
    gap_s: float
    quiet_s: float
    opening: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fit(ShownInNotebooks):
    """What a log says of a scenario's traffic.

    Attributes:
        source: What was read.
        arrivals: When sessions start.
        shape: The laws of a session.
        heavy: Whether clients differ in pace.
        think_off_by: Largest distance of the measured distribution of thinks and the law's, all clients together.
        service: The law of service; None where the log does not have it.
        service_pods: How it was on each pod, in order of their first request.
        pods_differ: Whether pods differ by more than a tenth in medians and means, beyond chance (Kruskal and Wallis).
        cookieless: Share of clients that keep no cookie; missing where the log does not show it.
        length: p50 and p95 of the time from a session's first sending to its last answer; None where not reached.
        busiest: Share of all requests that the busiest tenth of sessions makes.
        failed: Share of requests that failed: status 5xx, or none.
        tails: The tail of each quantity that has enough values.
        notes: What to know before these laws are believed.
        visits: The sessions that they were fitted to, and all others.
        used: Which of the visits these are.
    """

    source: Source
    arrivals: Arrivals
    shape: Shape
    heavy: Heavy
    think_off_by: float
    service: Fitted | None
    service_pods: tuple[PodService, ...]
    pods_differ: bool
    cookieless: Bounds | None
    length: tuple[float | None, float | None]
    busiest: float
    failed: Bounds
    tails: dict[str, Tail]
    notes: tuple[str, ...]
    visits: Visits
    used: Booleans

    @property
    def think_mean(self) -> Bounds:
        """Mean think of a client of rate 1, in seconds."""
        return self.shape.think.chosen.mean if self.heavy.think_mean is None else self.heavy.think_mean
