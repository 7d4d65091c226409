"""A check as annotations on the lines that are responsible, and as JUnit's tests.

With a baseline those are the fields that differ; without one the field that decides, by what most breaks come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from simsticky.annotations.junit import Case
from simsticky.annotations.record import Annotation, Rule, Severity
from simsticky.report.check import headline, line_of
from simsticky.report.comparison import changed
from simsticky.results.absence import Absence
from simsticky.study.better import MARGINS
from simsticky.study.thresholds import absence_of, breaks_by_operations
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.location import Place
    from simsticky.scenario.model import Scenario
    from simsticky.study.check.answer import Check, Told
    from simsticky.study.replicate import Study

_MOST_ANNOTATED = 10
"""As many errors of one step GitHub shows."""

GRACE, PRE_STOP = "deployment.terminationGracePeriodSeconds", "deployment.preStop"

_BY_ORIGIN = {
    "drain_off": "kic.enableDrainSupport",
    "killed": GRACE,
    "race": PRE_STOP,
    "retargeted": "upstream.algorithm",
}
"""The field that decides how many sessions break so, see the metrics ``origin.*``."""

_BY_METRIC = {
    "failed": PRE_STOP,
    "peak_pods": "deployment.strategy.rollingUpdate.maxSurge",
    "rollout_done_s": "deployment.readinessProbe",
    "last_old_pod_gone_s": GRACE,
    "recovery_s": PRE_STOP,
}

_SEVERITIES = {Mark.FAIL: Severity.ERROR, Mark.OPEN: Severity.WARNING}


def findings(check: Check) -> list[Annotation]:
    """Return what is to be told at a line; nothing where all is well."""
    if check.outcome is Mark.PASS:
        return []
    if check.comparison is None:
        return [_of_threshold(check, told) for told in check.thresholds if told.mark is not Mark.PASS]
    return list(_of_changes(check))


def _of_changes(check: Check) -> Iterator[Annotation]:
    """One a setting that differs, the whole sentence on the first."""
    assert check.comparison is not None
    name = check.comparison.others[0].name
    changes = check.comparison.changes(name)
    severity = _SEVERITIES[check.outcome]
    is_worse = check.outcome is Mark.FAIL
    rule = Rule("check", f"worse than {check.baseline}" if is_worse else "not certain", severity)
    said = headline(check)
    if not changes:
        yield Annotation(rule, severity, said)
    told: set[tuple[str, int | None]] = set()
    for change in changes:
        place = place_of(check.scenario, change.path)
        at = ("", None) if place is None else (place.file, place.line)
        if at in told or len(told) == _MOST_ANNOTATED:
            continue
        text = said if not told else f"{changed(change)}: one of the {len(changes)} settings that differ"
        told.add(at)
        yield _annotation(rule, severity, text, place)


def _of_threshold(check: Check, told: Told) -> Annotation:
    assert check.study is not None
    line, name = line_of(check, told), told.verdict.metric
    severity = _SEVERITIES[told.mark]
    path = deciding_field(check.study, check.study.metrics[name])
    place = place_of(check.scenario, path) or place_of(check.scenario, f"thresholds.{name}")
    note = f" ({line.note})" if line.note else ""
    decides = "" if path.startswith("thresholds.") else f"; what decides it most is {path}"
    rule = Rule(name, f"{told.verdict.threshold.text} is {told.mark.word}", severity)
    return _annotation(rule, severity, f"{name} is {line.shown}{note}{decides}", place)


def _annotation(rule: Rule, severity: Severity, text: str, place: Place | None) -> Annotation:
    if place is None:
        return Annotation(rule, severity, text)
    return Annotation(rule, severity, text, place.file, place.line, place.column)


def deciding_field(study: Study, metric: Metric) -> str:
    """Return the dotted path of the setting that a metric hangs on most, by what the replications show."""
    if breaks_by_operations(metric) or metric.name.startswith(("broken", "breaks")):
        if absence_of(study.replications.column, study.scenario) is Absence.NOT_STICKY:
            return "upstream.algorithm"
        return _by_breaks(study) or f"thresholds.{metric.name}"
    part = metric.name.partition(".")[0].partition("_requests")[0]
    return _BY_METRIC.get(metric.name) or _BY_METRIC.get(part) or f"thresholds.{metric.name}"


def _by_breaks(study: Study) -> str:
    counts = {origin: _total(study, f"origin.{origin}") for origin in (*_BY_ORIGIN, "drain_window_too_short")}
    most = max(counts, key=counts.__getitem__)
    if not counts[most]:
        return ""
    return _BY_ORIGIN.get(most) or _drain_window(study.scenario)


def _drain_window(scenario: Scenario) -> str:
    """Whether it is the grace period that ends the drain, or the hook that is over before it."""
    hook = scenario.deployment.pre_stop
    hook_s = 0.0 if hook is None else max(hook.seconds, hook.at_most_s)
    return GRACE if hook_s >= scenario.deployment.termination_grace_period_seconds else PRE_STOP


def _total(study: Study, key: str) -> float:
    return sum(value for value in study.replications.column(key) if value is not None)


def place_of(scenario: Scenario, path: str) -> Place | None:
    """Return where a setting stands; where nobody states it, the nearest place that could: its section's, a sibling's.

    A field that was taken away has no line any more; then it is a line of the same object.
    """
    places = {known: place for known, place in scenario.places.items() if place.line is not None}
    above = path
    while above:
        if above in places:
            return places[above]
        within = [place for known, place in places.items() if known.startswith(f"{above}.")]
        if within:
            return within[0]
        above = above.rpartition(".")[0]
    return None


def cases(check: Check, *, open_fails: bool) -> Sequence[Case]:
    """Return one test a threshold, and with a baseline one a guard.

    Args:
        check: The check.
        open_fails: Whether what is not certain fails; else it is skipped.
    """
    group = "simsticky.check"
    if check.is_unchanged:
        return [Case(f"not worse than {check.baseline}", group, output=headline(check))]
    if check.comparison is None or check.standing is None:
        return [_case_of(check, told, open_fails) for told in check.thresholds]
    against, crossing = check.standing.against, check.standing.crossing
    names = dict.fromkeys([*MARGINS, *(told.verdict.metric for told in check.thresholds)])
    found = []
    for name in names:
        name_of_test = f"{name} is not worse than {check.baseline}"
        is_open = (
            name in against.uncertain
            or name in crossing
            or (check.outcome is Mark.OPEN and not crossing and not against.uncertain)
        )
        if name in against.worse:
            found.append(Case(name_of_test, group, ((headline(check), headline(check)),)))
        elif is_open and check.outcome is not Mark.FAIL:
            found.append(_open(name_of_test, group, headline(check), open_fails))
        else:
            found.append(Case(name_of_test, group))
    return found


def _case_of(check: Check, told: Told, open_fails: bool) -> Case:
    line = line_of(check, told)
    found = "; ".join(part for part in (f"{line.metric} is {line.shown}", line.note) if part)
    if told.mark is Mark.OPEN:
        return _open(line.label, "simsticky.check", f"not certain: {found}", open_fails)
    failures = ((f"not met: {found}", _of_threshold(check, told).text),) if told.mark is Mark.FAIL else ()
    return Case(line.label, "simsticky.check", failures, output="" if failures else found)


def _open(name: str, group: str, said: str, open_fails: bool) -> Case:
    return Case(name, group, ((said, said),)) if open_fails else Case(name, group, skipped=said)
