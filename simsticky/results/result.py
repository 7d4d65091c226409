"""The result of one replication: immutable, picklable, its tables built when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from simsticky.errors import InputError
from simsticky.notebook import ShownInNotebooks
from simsticky.recording.events import CanaryWaits, Stuck
from simsticky.recording.record import OperationRecord
from simsticky.results.metrics import Value, summarise
from simsticky.results.provenance import provenance
from simsticky.results.story.details import why_stuck
from simsticky.results.times import done_after_s, gone_after_s, waits_of
from simsticky.stats.incidence import Waits

if TYPE_CHECKING:
    from pandas import DataFrame

    from simsticky.recording.record import Recording
    from simsticky.scenario.model import Scenario

LISTED_BEFORE_LISTENING = (
    "pods are listed before their application listens, and requests to them fail; a readiness probe keeps them out"
    " until it does"
)
NOBODY_FOLLOWED = (
    "every session alive at an operation's start was still open at the run's end, so broken_any_cause is not known"
)
COUNTED = {LISTED_BEFORE_LISTENING: ("failed_before_listening", "request failed", "requests failed")}
"""Warnings that a study gives a number: the key of the summary that counts it, and what it counts, one and many."""

LEFT_OUT_LIMIT = 0.01
"""Share of sessions left out of ``broken_any_cause`` above which a result warns."""

CENSORED_LIMIT = 0.01
"""Share of censored sessions above which a result warns."""


@dataclass(frozen=True, eq=False, repr=False)
class Result(ShownInNotebooks):
    """What one replication of a scenario says.

    Attributes:
        scenario: What was simulated.
        seed: Seed of the study.
        replication: Number of the replication.
        summary: Every metric by name, see ``simsticky.results.metrics.METRICS``; None where there is nothing to
            measure. Shares are parts of 1, times are seconds.
        digest: 64 hex digits, the same for the same scenario, seed, replication and versions, whatever is recorded.
        warnings: What a reader should know before believing the numbers.
        recording: What the model left behind.
    """

    scenario: Scenario
    seed: int
    replication: int
    summary: Mapping[str, Value]
    digest: str
    warnings: tuple[str, ...]
    recording: Recording

    @classmethod
    def of(
        cls, scenario: Scenario, seed: int, replication: int, recording: Recording, floor: Recording | None = None
    ) -> Result:
        """Return the result of a recording; ``floor`` is that of the paired run without operations."""
        summary = summarise(recording, floor)
        return cls(
            scenario,
            seed,
            replication,
            summary,
            _digest(scenario, seed, replication, summary, recording),
            (*recording.warnings, *_warnings(summary, recording)),
            recording,
        )

    @property
    def operation_rows(self) -> list[dict[str, str | Value]]:
        """One flat row per operation of the timeline, without pandas; None where something did not happen."""
        return [_operation_row(operation) for operation in self.recording.operations]

    @property
    def waits(self) -> Waits | None:
        """The times without a connection, by how they ended; None where none was lost."""
        waits = waits_of(self.recording.connections)
        return waits if waits.total else None

    @property
    def diagnostics(self) -> Mapping[str, Value]:
        """Numbers about the run itself: kernel events and the simulated time at its end; in no digest."""
        recording = self.recording
        return MappingProxyType(
            {
                "kernel_events": recording.kernel_events,
                "control_events": recording.control_events,
                "end_s": recording.end_s,
            }
        )

    @property
    def provenance(self) -> dict[str, Any]:
        """Versions, scenario digest, seed and replication."""
        return provenance(self.scenario, self.seed, self.replication)

    @cached_property
    def requests(self) -> DataFrame:
        """One row per request sent; columns and units in ``simsticky.results.frames.requests``.

        Raises:
            InputError: The scenario's ``run.record`` is not ``requests``.
        """
        self._needs("requests", "requests")
        from simsticky.results import frames

        return frames.requests(self.recording)

    @cached_property
    def sessions(self) -> DataFrame:
        """One row per session; columns and units in ``simsticky.results.frames.sessions``.

        Raises:
            InputError: The scenario's ``run.record`` is ``summary``.
        """
        self._needs("sessions", "sessions", "requests")
        from simsticky.results import frames

        return frames.sessions(self.recording)

    @cached_property
    def exposures(self) -> DataFrame:
        """One row per exposure of a session; columns and units in ``simsticky.results.frames.exposures``.

        Raises:
            InputError: The scenario's ``run.record`` is ``summary``.
        """
        self._needs("exposures", "sessions", "requests")
        from simsticky.results import frames

        return frames.exposures(self.recording)

    @cached_property
    def load(self) -> DataFrame:
        """The load of each pod as a piecewise-constant series; see ``simsticky.results.frames.load``.

        Raises:
            InputError: The scenario's ``run.record`` is ``summary``.
        """
        self._needs("load", "sessions", "requests")
        from simsticky.results import frames

        return frames.load(self.recording)

    @cached_property
    def pods(self) -> DataFrame:
        """One row per pod; columns and units in ``simsticky.results.frames.pods``."""
        from simsticky.results import frames

        return frames.pods(self.recording)

    @cached_property
    def events(self) -> DataFrame:
        """One row per event of the control plane; columns and units in ``simsticky.results.frames.events``."""
        from simsticky.results import frames

        return frames.events(self.recording)

    @cached_property
    def operations(self) -> DataFrame:
        """One row per operation of the timeline; columns and units in ``simsticky.results.frames.operations``."""
        from simsticky.results import frames

        return frames.operations(self.operation_rows)

    def story(self) -> list[str]:
        """Return what happened as lines for people, in order of time.

        What broke on each pod is told only where ``run.record`` is ``requests``.
        """
        from simsticky.results.story import story

        return story(self.recording, self.scenario)

    def to_json_dict(self) -> dict[str, Any]:
        """Return the result without its tables as plain JSON types."""
        return {
            **self.provenance,
            "digest": self.digest,
            "summary": dict(self.summary),
            "operations": self.operation_rows,
            "warnings": list(self.warnings),
        }

    def _needs(self, frame: str, *levels: str) -> None:
        level = self.recording.level
        if level not in levels:
            raise InputError.of(
                f"the {frame} of a run are kept at the level {levels[0]}, and this one has {level}",
                path="run.record",
                hint=f"simulate(scenario.evolve({{'run.record': '{levels[0]}'}}))",
            )

    def __repr__(self) -> str:
        broken, exposed = self.summary["broken_exposed_sessions"], self.summary["exposed_sessions"]
        return (
            f"<Result {self.scenario.name} seed={self.seed} replication={self.replication}:"
            f" {broken} of {exposed} exposed sessions broken, digest {self.digest[:12]}>"
        )

    def __getstate__(self) -> dict[str, Any]:
        # Frames are built again where they are wanted: they are larger than what they are built from.
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _operation_row(operation: OperationRecord) -> dict[str, str | Value]:
    return {
        "operation": operation.number,
        "label": operation.label,
        "kind": operation.kind,
        "entry": operation.entry,
        "start_s": operation.start_s,
        "first_deletion_s": _time(operation.first_deletion_s),
        "rollout_done_s": _time(operation.done_s),
        "last_old_pod_gone_s": _time(operation.last_old_pod_gone_s),
        "rollout_done_after_s": done_after_s(operation),
        "last_old_pod_gone_after_s": gone_after_s(operation),
        "peak_pods": operation.peak_pods,
        "exposed": operation.exposed,
        "broken": operation.broken,
        "broken_share": operation.broken / operation.exposed if operation.exposed else None,
        "alive": operation.alive,
        "broken_alive": operation.broken_alive,
        "breaks": operation.breaks,
        "lost": operation.lost,
        "stale": operation.stale,
        "failed": operation.failed,
        "born_on_terminating": operation.born_on_terminating,
        "born_broken": operation.born_broken,
        "censored": operation.censored,
        "stuck": why_stuck(operation.stuck),
    }


def _time(at_s: float) -> float | None:
    return None if at_s != at_s else float(at_s)


def _digest(scenario: Scenario, seed: int, replication: int, summary: Mapping[str, Value], recording: Recording) -> str:
    # What is kept of a run changes none of its numbers, so it is no part of the result's identity.
    identity = {
        "scenario": scenario.digest(record="summary"),
        "seed": seed,
        "replication": replication,
        "summary": dict(summary),
        "requests": recording.digest,
    }
    return sha256(json.dumps(identity, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _why(stuck: Stuck) -> str:
    """Return why an operation is stuck without the numbers of this replication."""
    return why_stuck(stuck) if isinstance(stuck, CanaryWaits) else "no progress within progressDeadlineSeconds"


def _warnings(summary: Mapping[str, Value], recording: Recording) -> list[str]:
    """Return warnings without numbers of this replication, so that a study can count equal ones."""
    warnings = [
        f"the sticky cookie's path {one.cookie_path} does not cover the requested path {one.path}: "
        "clients never send it back"
        for one in recording.uncovered
    ]
    warnings += [
        f"an operation names pod {event.subject}, and there is none of it then"
        for event in recording.events
        if event.kind == "no_such_pod"
    ]
    warnings += [
        f"{operation.label} is stuck: {_why(operation.stuck)}" for operation in recording.operations if operation.stuck
    ]
    if summary["failed_before_listening"]:
        warnings.append(LISTED_BEFORE_LISTENING)
    if not summary["any_cause_sessions"] and summary["any_cause_left_out"]:
        warnings.append(NOBODY_FOLLOWED)
    elif (summary["any_cause_left_out"] or 0) > LEFT_OUT_LIMIT * (summary["any_cause_sessions"] or 0):
        warnings.append(
            f"more than {LEFT_OUT_LIMIT:.0%} of the sessions alive at an operation's start were still open at the run's"
            " end, and are not in broken_any_cause; run.until: drained or a later end lets them end"
        )
    if (summary["censored_sessions"] or 0.0) > CENSORED_LIMIT:
        warnings.append(
            f"more than {CENSORED_LIMIT:.0%} of the sessions on deleted pods had not shown at the run's end whether"
            " they break; run.until: drained or a longer run.horizon lets them"
        )
    return warnings
