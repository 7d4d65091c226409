"""The one sentence about a study: what happens to the sessions, by what cause, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from simsticky.report.numbers import counted, grouped
from simsticky.report.seen import Seen, total_of
from simsticky.results.absence import Absence, why_nothing
from simsticky.scenario.entries import timeline_entries
from simsticky.study.otherwise import is_of_the_model
from simsticky.study.thresholds import FEWEST
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.replicate import Study

_A_WHILE_S = 600.0
"""When an operation begins that is only proposed: by then a run is in equilibrium."""
_MANY_FAIL = 0.05
"""Share of failed requests that is told before anything else."""
_SOME_FAIL, _HARDLY_ANY = 0.001, 0.01
"""Share of failed requests that is told where hardly any session breaks, and which share of the exposed that is."""
_MUCH_MORE = 0.05
"""Difference of ``broken_any_cause`` and ``broken_of_alive`` from which the background is what happens."""
_STICKY = "upstream={algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: session-id}}"


class Kind(Enum):
    """What a study comes to; the sentence follows from it."""

    NO_TIMELINE = "nothing happens on the timeline"
    NOTHING_MEASURED = "nothing was measured"
    NOT_STICKY = "no session is bound to a pod"
    STATE_OUTSIDE = "the state is outside the pods"
    FAILING = "requests fail"
    FEW_EVENTS = "too few sessions were exposed to judge"
    BACKGROUND = "sessions break without an operation"
    NOTHING_BREAKS = "no exposed session breaks"
    BREAKS = "exposed sessions break"
    MOVED = "a changed hash ring moves sessions"


@dataclass(frozen=True, slots=True)
class Next:
    """What to do next.

    Attributes:
        why: What it tells; half a sentence.
        verb: The verb.
        words: What follows the file.
    """

    why: str
    verb: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a study comes to.

    Attributes:
        kind: What it is.
        sentence: The sentence, with its full stop.
        next: What to do next.
    """

    kind: Kind
    sentence: str
    next: Next


def outcome(study: Study) -> Outcome | None:
    """Return what a study comes to; None of a study of other numbers than the model's."""
    if not is_of_the_model(study):
        return None
    seen = Seen(study)
    return _TOLD[_kind(seen)](seen)


def _kind(seen: Seen) -> Kind:
    """What is told: what leaves no number first, then what hides all others."""
    failing, broken = seen.share("failed_requests"), seen.share("broken_sessions")
    if seen.totals["requests_answered"] == 0:
        return Kind.NOTHING_MEASURED
    lost = broken >= _HARDLY_ANY or seen.absent is Absence.NOT_STICKY
    if failing >= _MANY_FAIL or (failing >= _SOME_FAIL and not lost):
        return Kind.FAILING
    if not timeline_entries(seen.scenario):
        return Kind.NO_TIMELINE
    if seen.absent is not Absence.NONE:
        return _ABSENT[seen.absent]
    if seen.totals["exposed_sessions"] < FEWEST:
        return Kind.FEW_EVENTS
    anyway, owed = seen.share("broken_any_cause"), seen.share("broken_of_alive")
    if anyway - owed >= max(_MUCH_MORE, owed):
        return Kind.BACKGROUND
    return Kind.BREAKS if seen.totals["broken_exposed_sessions"] else Kind.NOTHING_BREAKS


def _no_timeline(seen: Seen) -> Outcome:
    anyway = seen.shown("broken_any_cause")
    text = (
        f"Nothing was measured: there is no operation on the timeline, and {anyway} of the sessions break on an"
        " ordinary day."
    )
    at = format_duration(round(min(_A_WHILE_S, _end_s(seen.scenario) / 2)))
    words = ("--set", f"timeline=[{{at: {at}, rollout: {seen.scenario.deployment.name}}}]")
    return Outcome(Kind.NO_TIMELINE, text, Next("what a rollout does", "run", words))


def _nothing_measured(seen: Seen) -> Outcome:
    text = f"Nothing was measured: {why_nothing(seen.totals, seen.scenario)}."
    return Outcome(Kind.NOTHING_MEASURED, text, _after_nothing(seen))


def _after_nothing(seen: Seen) -> Next:
    scenario, run = seen.scenario, seen.scenario.run
    if scenario.deployment.replicas == 0 and scenario.autoscaler is None:
        return Next("with pods", "run", ("--set", "deployment.replicas=3"))
    last_s = max((entry.at_s for entry in scenario.timeline), default=0.0)
    if last_s and last_s >= _end_s(scenario):
        longer = format_duration(max(last_s + 3600, run.horizon))
        return Next("a longer run", "run", ("--set", "run.until=drained", "--set", f"run.horizon={longer}"))
    return Next("what happened, event by event", "run", ("--reps", "1", "--story"))


def _end_s(scenario: Scenario) -> float:
    """Until when a run goes on at the latest."""
    until = scenario.run.until
    return scenario.run.horizon if isinstance(until, str) else until


def _not_sticky(seen: Seen) -> Outcome:
    anyway = seen.shown("broken_any_cause")
    text = (
        f"No session was bound to a pod (upstream.algorithm: {seen.scenario.upstream.algorithm}), so this gateway is"
        f" not sticky: {anyway} of the sessions alive break anyway."
    )
    if seen.scenario.upstream.algorithm == "sticky-sessions":
        return Outcome(
            Kind.NOT_STICKY, text, Next("with clients that keep cookies", "compare", _with("traffic.cookies.keep=1"))
        )
    return Outcome(Kind.NOT_STICKY, text, Next("the same with sticky sessions", "compare", _with(_STICKY)))


def _state_outside(seen: Seen) -> Outcome:
    failed = seen.shown("failed_requests")
    text = f"The sessions keep their state outside the pods: none can lose it; failed requests: {failed}."
    return Outcome(Kind.STATE_OUTSIDE, text, Next("what requests meet", "run", ("--reps", "1", "--story")))


_FAILURES = {
    "bad_gateway_502": "502, every pod that was tried refused the connection",
    "no_target_503": "503, the gateway had no pod to send them to",
    "timeout_504": "504, no answer came within the gateway's timeouts",
    "reset": "reset, their container died while they were in flight",
}


def _failing(seen: Seen) -> Outcome:
    failed, sent = (total_of(seen.study, name) for name in ("requests_failed", "requests_sent"))
    most = seen.most("failed.")
    because = f", most of them with {_FAILURES[most]}" if most in _FAILURES else ""
    n = seen.study.n
    each = f"{grouped(round(failed / n))} of {grouped(round(sent / n))} requests"
    text = f"About {each} fail{because}."
    if most in ("bad_gateway_502", "reset") and timeline_entries(seen.scenario):
        words = ("--threshold", "failed_requests < 0.1%")
        return Outcome(Kind.FAILING, text, Next("a setting that fails fewer", "recommend", words))
    return Outcome(Kind.FAILING, text, Next("when they fail", "run", ("--reps", "1", "--story")))


def _few_events(seen: Seen) -> Outcome:
    broken, exposed = seen.totals["broken_exposed_sessions"], seen.totals["exposed_sessions"]
    text = (
        f"Only {counted(exposed, 'session')} {'was' if exposed == 1 else 'were'} exposed in"
        f" {counted(seen.study.n, 'replication')}, {grouped(broken)} of them broke: under {FEWEST} nothing is judged."
    )
    enough = -(-2 * FEWEST * seen.study.n // max(exposed, 1))
    return Outcome(Kind.FEW_EVENTS, text, Next("enough to judge", "run", ("--reps", str(max(enough, 10)))))


def _background(seen: Seen) -> Outcome:
    anyway, owed = seen.shown("broken_any_cause"), seen.shown("broken_of_alive")
    keep = seen.scenario.traffic.cookies.keep
    without = f": {100 * (1 - keep):.3g} % of the clients keep no cookie" if keep < 1 else ""
    text = (
        f"Operations break {owed} of the sessions alive, but {anyway} break for whatever cause, most of them without an"
        f" operation{without}."
    )
    if keep < 1:
        return Outcome(Kind.BACKGROUND, text, Next("if all kept it", "compare", _with("traffic.cookies.keep=1")))
    return Outcome(Kind.BACKGROUND, text, Next("what happened, event by event", "run", ("--reps", "1", "--story")))


def _nothing_breaks(seen: Seen) -> Outcome:
    n, exposed = seen.study.n, seen.totals["exposed_sessions"]
    kept = f": {_held(seen)}, {seen.length}" if seen.length and _held(seen) else ""
    text = f"{seen.actor} {seen.breaks} none of about {grouped(round(exposed / n))} sessions {seen.where}{kept}."
    return Outcome(Kind.NOTHING_BREAKS, text, Next("whether less would do", "recommend", seen.threshold))


def _breaks(seen: Seen) -> Outcome:
    origin = seen.most("origin.")
    if origin == "retargeted" and seen.scenario.upstream.algorithm == "consistent-hashing":
        return _moved(seen)
    cause = _CAUSES.get(origin, _nothing_known)(seen)
    text = f"{seen.actor} {seen.breaks} {seen.broken}{f': {cause}' if cause else ''}."
    return Outcome(Kind.BREAKS, text, _AFTER.get(origin, _recommend)(seen))


def _moved(seen: Seen) -> Outcome:
    """Of sessions that a ring has moved next to all break; the figure to compare is how many of all it moves."""
    n, moved, alive = seen.study.n, seen.totals["broken_alive_sessions"], seen.totals["alive_sessions"]
    text = (
        f"{seen.actor} {'change' if seen.breaks == 'break' else 'changes'} the hash ring (consistent-hashing):"
        f" {grouped(round(moved / n))} of {grouped(round(alive / n))} alive were moved to pods without their state;"
        " broken_of_alive is the share to compare."
    )
    return Outcome(Kind.MOVED, text, _sticky(seen))


def _hook_s(scenario: Scenario) -> float:
    hook = scenario.deployment.pre_stop
    return 0.0 if hook is None else max(hook.seconds, hook.at_most_s)


def _held(seen: Seen) -> str:
    """How long a deleted pod goes on serving."""
    hook_s, grace_s = _hook_s(seen.scenario), seen.scenario.deployment.termination_grace_period_seconds
    if not hook_s:
        return "pods have no preStop hook"
    if hook_s >= grace_s:
        return f"the grace period ends preStop after {format_duration(grace_s)}"
    return f"preStop ends after {format_duration(hook_s)}"


def _window(seen: Seen) -> str:
    return ", ".join(part for part in (_held(seen), seen.length) if part)


def _drain_off(seen: Seen) -> str:
    return "drain support is off, so a deleted pod leaves the gateway's upstream at the next push"


def _race(seen: Seen) -> str:
    push = format_duration(seen.scenario.kic.proxy_sync_seconds)
    return f"pods stop listening before the gateway hears of it ({_held(seen)}, a push every {push})"


def _killed(seen: Seen) -> str:
    grace = format_duration(seen.scenario.deployment.termination_grace_period_seconds)
    return f"pods are killed when their grace period of {grace} is over"


def _crash(seen: Seen) -> str:
    return "containers end without warning, and their memory with them"


def _nothing_known(_: Seen) -> str:
    return ""


def _retargeted(_: Seen) -> str:
    return "the gateway sends them to other pods while theirs live on"


_CAUSES = {
    "drain_window_too_short": _window,
    "drain_off": _drain_off,
    "race": _race,
    "killed": _killed,
    "crash": _crash,
    "retargeted": _retargeted,
}


def _recommend(seen: Seen) -> Next:
    return Next("the cheapest setting that keeps the thresholds", "recommend", seen.threshold)


def _drain_on(seen: Seen) -> Next:
    return Next("the same with drain support", "compare", _with("kic.enableDrainSupport=true"))


def _outside(seen: Seen) -> Next:
    return Next("the same with the state outside the pods", "compare", _with("app.state=external"))


def _sticky(seen: Seen) -> Next:
    if seen.scenario.upstream.algorithm == "sticky-sessions":
        return _outside(seen)
    return Next("the same with sticky sessions", "compare", _with(_STICKY))


_AFTER = {"drain_off": _drain_on, "crash": _outside, "retargeted": _sticky}


def _with(change: str) -> tuple[str, str]:
    return ("--with", change)


_ABSENT = {
    Absence.NOT_STICKY: Kind.NOT_STICKY,
    Absence.STATE_OUTSIDE: Kind.STATE_OUTSIDE,
    Absence.NOTHING_MEASURED: Kind.NOTHING_MEASURED,
}

_TOLD = {
    Kind.NO_TIMELINE: _no_timeline,
    Kind.NOTHING_MEASURED: _nothing_measured,
    Kind.NOT_STICKY: _not_sticky,
    Kind.STATE_OUTSIDE: _state_outside,
    Kind.FAILING: _failing,
    Kind.FEW_EVENTS: _few_events,
    Kind.BACKGROUND: _background,
    Kind.NOTHING_BREAKS: _nothing_breaks,
    Kind.BREAKS: _breaks,
}
