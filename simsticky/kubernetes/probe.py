"""Probes: ticks, thresholds, and the result they publish.

A worker looks at its container when the kubelet learns that it runs, and then once a period. The initial
delay is compared with whole elapsed seconds, so it ends on a tick.

Source: Kubernetes, kubelet/prober/worker.go (``run``, ``doProbe``), prober_manager.go, core/v1/defaults.go.
"""

import math
from dataclasses import dataclass
from typing import Literal

ProbeKind = Literal["readiness", "startup", "liveness"]
ProbeResult = Literal["success", "failure", "error"]
Outcome = Literal["success", "failure", "unknown"]

_INITIAL: dict[ProbeKind, Outcome] = {"readiness": "failure", "startup": "unknown", "liveness": "success"}


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """A probe as the pod template states it, with Kubernetes' defaults.

    ``termination_grace_s``: the grace of a container that fails this probe, ``None`` for the pod's; a
    readiness probe stops nothing and has none.
    """

    initial_delay_s: int = 0
    timeout_s: int = 1
    period_s: int = 10
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_s: int | None = None


@dataclass(slots=True)
class ProbeWorker:
    """Counts the results of one probe and says what it publishes.

    A readiness probe starts out as failure, a startup probe as unknown, a liveness probe as success.
    ``on_hold``: a startup or liveness probe that failed waits for the next container.
    """

    spec: ProbeSpec
    kind: ProbeKind = "readiness"
    outcome: Outcome = "unknown"
    on_hold: bool = False
    _last: ProbeResult | None = None
    _run: int = 0

    def __post_init__(self) -> None:
        self.outcome = _INITIAL[self.kind]

    @property
    def passed(self) -> bool:
        """Whether success is what is published: a readiness probe's container is ready."""
        return self.outcome == "success"

    def on_result(self, result: ProbeResult) -> bool:
        """Count one result and return whether what is published changed.

        An error (the probe could not be made, as opposed to a failure) is thrown away.
        """
        if self.on_hold or result == "error":
            return False
        self._run = self._run + 1 if result == self._last else 1
        self._last = result
        threshold = self.spec.success_threshold if result == "success" else self.spec.failure_threshold
        if self._run < threshold:
            return False
        if result == "failure" and self.kind != "readiness":
            self.on_hold = True
            self._run = 0
        changed = self.outcome != result
        self.outcome = result
        return changed

    def results_until_change(self, result: ProbeResult) -> float:
        """Return the how manieth of equal results from here on changes what is published, or ends the worker's work.

        Infinite where none does: those results may be counted all at once, with :meth:`repeat`.
        """
        if self.on_hold or result in ("error", self.outcome):
            return math.inf
        threshold = self.spec.success_threshold if result == "success" else self.spec.failure_threshold
        return max(1, threshold - (self._run if result == self._last else 0))

    def repeat(self, result: ProbeResult, times: int) -> None:
        """Count so many equal results, fewer than :meth:`results_until_change`."""
        if times and not self.on_hold:
            self._run = self._run + times if result == self._last else times
            self._last = result

    def on_new_container(self) -> bool:
        """Start over for another container and return whether what is published changed.

        The run of equal results is not forgotten, as in the kubelet.
        """
        before, self.outcome = self.outcome, _INITIAL[self.kind]
        self.on_hold = False
        return before != self.outcome


def restart_grace_s(failed: ProbeSpec, pod_grace_s: int) -> int:
    """Return the grace period of a container that failed its liveness or startup probe (rule P7).

    Source: kuberuntime_container.go:setTerminationGracePeriod.
    """
    return pod_grace_s if failed.termination_grace_s is None else failed.termination_grace_s


def due(spec: ProbeSpec, elapsed_s: float) -> bool:
    """Return whether the initial delay is over ``elapsed_s`` seconds after the container started."""
    return math.floor(elapsed_s) >= spec.initial_delay_s


def tick_s(first_look_s: float, period_s: float, tick: int) -> float:
    """Return the time of tick 0, 1, 2, …; the product keeps a long row of ticks free of accumulated error."""
    return first_look_s + tick * period_s


def first_tick(spec: ProbeSpec, first_look_s: float) -> int:
    """Return the number of the first tick that probes, the worker first looking at ``first_look_s``."""
    tick = max(0, math.ceil((spec.initial_delay_s - first_look_s) / spec.period_s))
    while not due(spec, tick_s(first_look_s, spec.period_s, tick)):
        tick += 1
    while tick > 0 and due(spec, tick_s(first_look_s, spec.period_s, tick - 1)):
        tick -= 1
    return tick


def first_tick_s(spec: ProbeSpec, first_look_s: float) -> float:
    """Return when the first probe is made, in seconds since the container started."""
    return tick_s(first_look_s, spec.period_s, first_tick(spec, first_look_s))


def next_tick_s(spec: ProbeSpec, first_look_s: float, after_s: float) -> float:
    """Return the first tick strictly after ``after_s``; all times since the container started."""
    tick = max(0, math.floor((after_s - first_look_s) / spec.period_s))
    while tick_s(first_look_s, spec.period_s, tick) <= after_s:
        tick += 1
    return tick_s(first_look_s, spec.period_s, tick)


def becomes_ready_at_s(spec: ProbeSpec, first_look_s: float, app_ready_s: float) -> float:
    """Return when the container becomes ready.

    Args:
        spec: Its readiness probe.
        first_look_s: When the worker first looks at the container.
        app_ready_s: From when on probes succeed, that moment included.

    All times are seconds since the container started; a probe takes no time here.
    """
    tick = first_tick(spec, first_look_s)
    while tick_s(first_look_s, spec.period_s, tick) < app_ready_s:
        tick += 1
    return tick_s(first_look_s, spec.period_s, tick + spec.success_threshold - 1)


def becomes_unready_at_s(spec: ProbeSpec, last_success_s: float, fails_from_s: float) -> float:
    """Return when a ready container stops being ready.

    Args:
        spec: Its readiness probe.
        last_success_s: When the last successful probe was made; the ticks go on from there.
        fails_from_s: From when on probes fail, that moment included.
    """
    tick = 1
    while tick_s(last_success_s, spec.period_s, tick) < fails_from_s:
        tick += 1
    return tick_s(last_success_s, spec.period_s, tick + spec.failure_threshold - 1)
