"""What `check` decides: thresholds look by look, regressions against a baseline, budgets."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from drain_stub import EXPOSED, result, simulate, simulate_by_algorithm, simulate_on_the_line, window_s
from shown import as_markdown, in_terminal
from small_scenario import small

from simsticky.errors import InputError
from simsticky.report.check import blocks, budget_sentence, comment, headline
from simsticky.report.check_annotations import cases, deciding_field, findings, place_of
from simsticky.scenario.reading.load import load
from simsticky.study.check import deciding as module
from simsticky.study.check.baseline import Baseline
from simsticky.study.check.budget import Budget
from simsticky.study.check.deciding import check
from simsticky.study.looks import plan
from simsticky.study.replicate import replicate
from simsticky.study.sides import Side
from simsticky.study.verdicts import Mark


def setting(stop, **changes):
    """The stub's scenario with a preStop hook that its grace period waits for."""
    return small(deployment__preStop=f"{stop}s", deployment__grace="10m", **changes)


def bounded(stop, **thresholds):
    """The same with thresholds; of names like ``broken_sessions``."""
    return setting(stop).evolve({f"thresholds.{name}": bound for name, bound in thresholds.items()})


def held_against(before, now, simulated=simulate, **more):
    """A scenario checked against another."""
    return check(now, Baseline("before", before, now="now"), simulate=simulated, **more)


def counting(simulated, counted):
    """A simulate that notes which replications of which scenario it ran."""

    def run(scenario, *, seed, replication):
        counted.append((scenario.digest(), replication))
        return simulated(scenario, seed=seed, replication=replication)

    return run


@pytest.mark.parametrize(("bound", "mark"), [("< 60%", Mark.PASS), ("< 10%", Mark.FAIL)])
def test_what_is_clear_is_told_by_the_first_look(bound, mark):
    """37 % break: ten replications are enough for 60 % and for 10 %."""
    found = check(bounded(60, broken_sessions=bound), simulate=simulate)
    assert (found.outcome, found.n) == (mark, 10)
    (told,) = found.thresholds
    assert told.level == plan(1000)[0].level


def test_each_threshold_is_told_by_its_own_look():
    """What the first look has told is not asked again, while another threshold takes more replications."""
    found = check(bounded(60, broken_sessions="< 37.5%", failed_requests="< 5%"), most=80, simulate=simulate)
    broken, failed = found.thresholds
    assert (failed.mark, failed.n) == (Mark.PASS, 10)
    assert broken.n > 10


def test_on_the_line_nothing_is_certain():
    """A truth that is the threshold stays open until the most replications there may be; exit 4 is for that."""
    found = check(bounded(60, broken_sessions="< 5%"), most=40, simulate=simulate_on_the_line)
    assert (found.outcome, found.n) == (Mark.OPEN, 40)
    assert not found.is_late


def test_the_time_turns_only_an_open_verdict_into_not_certain(monkeypatch):
    """With the time over at once nothing is told, and that is said; what a look has told stays told."""
    over = SimpleNamespace(most_s=1.0, is_over=lambda: True)
    monkeypatch.setattr(module, "Clock", lambda most_s: over)
    found = check(bounded(60, broken_sessions="< 10%"), max_time=1, simulate=simulate)
    assert (found.outcome, found.is_late) == (Mark.OPEN, True)
    assert found.n < 10
    assert "the time was over" in headline(found)
    assert any("next time" in warning for warning in found.warnings)
    asked = iter([False, False, True] + [True] * 99)
    monkeypatch.setattr(over, "is_over", lambda: next(asked))
    late = check(bounded(60, broken_sessions="< 37.5%", failed_requests="< 5%"), max_time=1, simulate=simulate)
    broken, failed = late.thresholds
    assert (late.n, failed.mark, broken.mark, late.outcome) == (10, Mark.PASS, Mark.OPEN, Mark.OPEN)


def test_nothing_measured_is_told_soon():
    """Operations that nobody meets leave a threshold on broken sessions open, however often that is looked at.

    See rule Q14.
    """
    nobody = {"exposed_sessions": 0, "broken_exposed_sessions": 0, "requests_sent": 0, "requests_answered": 0}

    def empty(scenario, *, seed, replication):
        found = simulate(scenario, seed=seed, replication=replication)
        found.summary.update(nobody)
        return found

    found = check(bounded(60, broken_sessions="< 5%"), simulate=empty)
    assert (found.outcome, found.n) == (Mark.OPEN, 10)
    assert "nothing was measured" in headline(found)


def test_without_anything_to_check_it_says_what_to_give():
    """No threshold and no baseline is bad input."""
    with pytest.raises(InputError, match=r"--threshold .* --baseline"):
        check(small(), simulate=simulate)


def test_what_became_worse_is_a_regression():
    """A shorter window: ✗ after ten replications, a sentence with the setting, its old and its new value."""
    found = held_against(setting(60), setting(30))
    assert (found.outcome, found.n) == (Mark.FAIL, 10)
    said = headline(found)
    assert said.startswith("Broken sessions ")
    assert ", worse than before: deployment.preStop.sleep 1m → 30s" in said
    assert as_markdown(comment(found)).splitlines()[0] == f"**✗ {said}.**".replace("_", r"\_")


def test_what_became_better_passes():
    """A longer window, and a threshold missed before and after: nothing became worse, and that is all that counts."""
    found = held_against(bounded(30, broken_sessions="< 1%"), bounded(60, broken_sessions="< 1%"))
    assert found.outcome is Mark.PASS
    assert "better than before" in headline(found)
    assert "Missed before as well" in in_terminal(blocks(found))
    assert findings(found) == []


def test_lost_stickiness_is_a_regression():
    """Nobody is exposed under least connections, and nearly everybody breaks: the sentence says what was lost."""
    now = setting(60).evolve({"upstream.algorithm": "least-connections"})
    found = held_against(setting(60), now, simulate_by_algorithm)
    assert found.outcome is Mark.FAIL
    assert headline(found).startswith("Stickiness is lost, ")


def test_a_threshold_that_a_change_may_cross_leaves_it_open():
    """Half a point more of sessions that are no guard's: not worse by the guards, and 8 % may be crossed or not."""

    def near(scenario, *, seed, replication):
        share = 0.079 if window_s(scenario) < 60 else 0.06
        rng = np.random.default_rng([seed, replication])
        broken = int((rng.random(EXPOSED) < share).sum())
        found = result(broken, window_s(scenario), scenario, replication)
        found.summary["broken_any_cause_sessions"] = 50
        return found

    found = held_against(bounded(60, broken_sessions="< 8%"), bounded(30, broken_sessions="< 8%"), near, most=40)
    assert found.outcome is Mark.OPEN
    assert found.standing.crossing == ("broken_sessions",)
    assert "not certain whether broken_sessions < 8% is still met" in headline(found)


def test_a_change_cannot_loosen_the_threshold_it_is_measured_by():
    """The baseline's bound holds, whatever the change says."""
    found = held_against(bounded(60, broken_sessions="< 50%"), bounded(30, broken_sessions="< 99%"))
    assert found.outcome is Mark.FAIL
    assert found.thresholds[0].verdict.threshold.text == "< 50%"


def test_nothing_is_simulated_where_nothing_matters():
    """Another name, threshold, number of replications or seed: not one replication is run (rule Q14)."""
    counted = []
    now = bounded(60, broken_sessions="< 1%").evolve({"name": "other", "run.replications": 99, "run.seed": 4})
    found = held_against(setting(60), now, counting(simulate, counted))
    assert (counted, found.outcome, found.is_unchanged) == ([], Mark.PASS, True)
    assert as_markdown(comment(found)) == ""
    assert in_terminal(blocks(found)) == "Nothing that the model reads differs from before; nothing was simulated.\n"


def test_both_sides_run_the_same_replications():
    """Ten of each at the first look, and nothing beyond what the looks need."""
    counted = []
    held_against(setting(60), setting(30), counting(simulate, counted))
    assert sorted({number for _, number in counted}) == list(range(10))
    assert len(counted) == len(set(counted)) == 20


def test_a_stored_result_is_a_baseline(tmp_path):
    """What run --out kept is not simulated again, and ends the looks where it ends."""
    study = replicate(setting(60), 15, 3, simulate=simulate)
    path = tmp_path / "main.json"
    path.write_text(study.to_json())
    counted = []
    stored = Baseline("main.json", side=Side.read(path, "main.json"), now="now")
    found = check(setting(30), stored, simulate=counting(simulate, counted))
    assert found.outcome is Mark.FAIL
    assert {digest for digest, _ in counted} == {setting(30).digest()}
    live = held_against(setting(60), setting(30), seed=3, most=15)
    assert found.comparison.to_json_dict()["standings"] == live.comparison.to_json_dict()["standings"]
    slight = check(setting(59.9), stored, simulate=simulate)
    assert slight.n <= 15
    with pytest.raises(InputError, match="seed 3"):
        check(setting(30), stored, seed=8, simulate=simulate)
    assert check(setting(60), stored, simulate=simulate).is_unchanged


def test_json_is_the_same_for_the_same_input():
    """Everything a pipeline needs, to the byte."""
    found = held_against(setting(60), setting(30))
    assert found.to_json() == held_against(setting(60), setting(30)).to_json()
    written = json.loads(found.to_json())
    assert written["outcome"] == "not met"
    assert written["comparison"]["standings"]["now"]["standing"] == "worse"
    assert written["unchanged"] is False


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    """Whatever is told."""
    for found in (
        held_against(setting(60), setting(30)),
        check(bounded(60, broken_sessions="< 10%", failed_requests="< 5%"), simulate=simulate),
    ):
        assert max(map(len, in_terminal(blocks(found), width).splitlines())) <= width


@pytest.mark.parametrize(
    ("text", "most", "span"),
    [
        ("2000 broken sessions a day", 2000, "day"),
        ("1 broken session an hour", 1, "hour"),
        ("2,000 broken sessions per week", 2000, "week"),
        ("0.5 broken_sessions/day", 0.5, "day"),
        ("10 Broken sessions every month", 10, "month"),
    ],
)
def test_budgets_are_read_as_people_write_them(text, most, span):
    """A number, what it counts, and a span."""
    assert Budget.parse(text) == Budget(most, span)


@pytest.mark.parametrize(
    "text",
    ["", "2000", "2000 a day", "many broken sessions a day", "-1 broken sessions a day", "0 broken sessions a day",
     "5 broken sessions a fortnight", "5% broken sessions a day", "inf broken sessions a day",
     "2000 failed requests a day", "2000 broken sessionsaday"],
)  # fmt: skip
def test_what_is_no_budget_is_bad_input(text):
    """With what to write instead."""
    with pytest.raises(InputError, match=r"--budget.*write for example '2000 broken sessions a day'"):
        Budget.parse(text)


def test_a_budget_says_how_many_deploys():
    """As many as the broken sessions of one go into it, by the ends of their interval the other way round."""
    found = check(bounded(60, broken_sessions="< 60%"), budget=Budget(1500, "day"), simulate=simulate)
    deploys = found.deploys
    mean = deploys.broken.estimate
    assert 0.3 * EXPOSED < mean < 0.45 * EXPOSED
    assert deploys.allowed.estimate == pytest.approx(1500 / mean)
    assert deploys.allowed.low == pytest.approx(1500 / deploys.broken.high)
    assert deploys.allowed.high == pytest.approx(1500 / deploys.broken.low)
    many = f"{1500 / mean:.3g}"
    assert budget_sentence(deploys).startswith(f"1\u202f500 broken sessions a day allow {many} deploys a day [")
    assert f"allow {many} deploys" in in_terminal(blocks(found)).replace("\n", " ")


def test_a_budget_counts_each_deploy_of_the_timeline():
    """Two rollouts in a run break what they break together; another operation beside them makes it a timeline."""
    two = small([{"at": "30s", "rollout": "app", "every": "2m", "times": 2}], deployment__preStop="60s")
    found = check(two, budget=Budget(1000, "hour"), simulate=simulate)
    assert found.deploys.each == 2
    assert found.deploys.allowed.estimate == pytest.approx(2000 / found.deploys.broken.estimate)
    mixed = small([{"at": "30s", "rollout": "app"}, {"at": "60s", "scale": "app", "replicas": 2}])
    assert "runs of the timeline an hour" in budget_sentence(
        check(mixed, budget=Budget(1000, "hour"), simulate=simulate).deploys
    )


def test_a_budget_of_a_deploy_that_breaks_none_has_no_upper_end():
    """None seen is no licence for any number."""

    def none(scenario, *, seed, replication):
        return result(0, window_s(scenario), scenario, replication)

    found = check(setting(60), budget=Budget(100, "day"), simulate=none)
    assert found.deploys.allowed.estimate is None
    assert found.deploys.allowed.low > 0
    assert "at least" in budget_sentence(found.deploys)


SCENARIO = """\
schema: simsticky/1
traffic:
  sessions: {kind: poisson, rate: 1/s}
deployment:
  preStop: 30s
  terminationGracePeriodSeconds: 60
upstream:
  algorithm: sticky-sessions
  hashOn: {input: none}
  stickySessions: {cookie: id}
kic: {enableDrainSupport: true}
timeline: [{at: 60s, rollout: app}]
thresholds:
  broken_sessions: "< 1%"
  failed_requests: "< 1%"
  latency_p99_s: "< 1s"
"""


@pytest.mark.parametrize(
    ("changes", "counts", "metric", "field", "line"),
    [
        ({}, {"origin.drain_window_too_short": 9}, "broken_sessions", "deployment.preStop", 5),
        ({"deployment.preStop": "60s"}, {"origin.drain_window_too_short": 9}, "broken_sessions",
         "deployment.terminationGracePeriodSeconds", 6),
        ({}, {"origin.drain_off": 9, "origin.race": 3}, "broken_sessions", "kic.enableDrainSupport", 11),
        ({}, {"sticky_bound_sessions": 0, "exposed_sessions": 0}, "broken_sessions", "upstream.algorithm", 8),
        ({}, {"requests_failed": 9}, "failed_requests", "deployment.preStop", 5),
        ({}, {}, "latency_p99_s", "thresholds.latency_p99_s", 16),
    ],
)  # fmt: skip
def test_the_field_that_decides_is_where_the_breaks_come_from(tmp_path, changes, counts, metric, field, line):
    """Without a baseline the annotation is on the setting that most breaks hang on."""
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    scenario = load(path).evolve(changes)

    def counted(scenario, *, seed, replication):
        found = result(99, 30, scenario, replication)
        clean = {key: 0 for key in found.summary if key.startswith("origin.")}
        found.summary.update({**clean, **counts})
        return found

    study = replicate(scenario, 2, 1, simulate=counted)
    found = deciding_field(study, study.metrics[metric])
    assert found == field
    if not changes:
        assert place_of(scenario, found).line == line


def test_a_field_that_was_taken_away_is_told_at_its_section(tmp_path):
    """A line that is gone has no place any more; the nearest is one of the same object."""
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO.replace("  terminationGracePeriodSeconds: 60\n", ""))
    place = place_of(load(path), "deployment.terminationGracePeriodSeconds")
    assert place.line in (4, 5)


def test_each_setting_that_differs_is_annotated_once(tmp_path):
    """The whole sentence on the first, at their lines; an error for worse, a warning for what is not certain."""
    before, now = tmp_path / "a.yaml", tmp_path / "b.yaml"
    before.write_text(SCENARIO)
    now.write_text(SCENARIO.replace("preStop: 30s", "preStop: 5s").replace("Seconds: 60", "Seconds: 20"))
    found = held_against(load(before), load(now))
    first, second = findings(found)
    assert {first.line, second.line} == {5, 6}
    assert first.message == headline(found)
    assert "one of the 2 settings" in second.message
    assert {one.severity for one in (first, second)} == {"error"}
    assert first.file == str(now)


def test_junit_has_a_test_for_each_threshold_and_guard():
    """What is open is skipped, or fails where it ends the pipeline."""
    found = check(bounded(60, broken_sessions="< 10%", failed_requests="< 5%"), simulate=simulate)
    failed, passed = cases(found, open_fails=True)
    assert (failed.name, bool(failed.failures)) == ("broken_sessions < 10%", True)
    assert (passed.name, passed.failures, passed.skipped) == ("failed_requests < 5%", (), "")
    open_one = check(bounded(60, broken_sessions="< 5%"), most=10, simulate=simulate_on_the_line)
    assert cases(open_one, open_fails=True)[0].failures
    assert "not certain" in cases(open_one, open_fails=False)[0].skipped
    worse = cases(held_against(setting(60), setting(30)), open_fails=True)
    assert [(case.name.split()[0], bool(case.failures)) for case in worse] == [
        ("broken_any_cause", True),
        ("failed_requests", False),
    ]
