"""A threshold against all operations together and against each entry of the timeline."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from stub_study import METRICS, StubScenario, rollout

from simsticky.report.verdict_lines import verdict_lines
from simsticky.scenario.thresholds import Threshold
from simsticky.stats.intervals import ratio_of_sums, share_interval
from simsticky.study.replicate import Study
from simsticky.study.replications import Replication, Replications
from simsticky.study.thresholds import together, verdict
from simsticky.study.verdicts import Mark

RUNS = 30
TWO = StubScenario(timeline=(rollout("web"), rollout("api", 1200.0)))


def columns(*entries, **more):
    """Columns of a study whose runs are alike: exposed and broken of each entry, and the sums as their union."""
    found = {"sticky_bound_sessions": [100] * RUNS, "requests_sent": [1000] * RUNS}
    found["requests_answered"] = found["requests_sent"]
    for number, (broken, exposed) in enumerate(entries, start=1):
        counted = broken if isinstance(broken, list) else [broken] * RUNS
        found[f"entries.{number}.exposed_sessions"] = [exposed] * RUNS
        found[f"entries.{number}.broken_exposed_sessions"] = counted
    rows = [[found[f"entries.{k}.{name}"] for k in range(1, len(entries) + 1)] for name in NAMES]
    for name, of in zip(NAMES, rows, strict=True):
        found[name] = [sum(run) for run in zip(*of, strict=True)] if of else [0] * RUNS
    return found | more


NAMES = ("exposed_sessions", "broken_exposed_sessions")


def judged(found, text="< 10%", scenario=TWO, level=0.95):
    """The verdict on broken sessions."""
    metric = METRICS["broken_sessions"]

    def column(key):
        return found.get(key, [None] * RUNS)

    interval = share_interval(column(metric.numerator), column(metric.denominator), level)
    return verdict(metric, Threshold.parse(text), interval, column, scenario, level)


def test_met_only_by_the_union_and_every_entry():
    """Both entries below the threshold, and so is their union."""
    found = judged(columns((2, 50), (1, 50)))
    assert found.mark is Mark.PASS
    assert [entry.mark for entry in found.entries] == [Mark.PASS, Mark.PASS]
    assert [entry.label for entry in found.entries] == ["rollout web at 10m", "rollout api at 20m"]
    assert (found.decisive, found.unjudged) == ((), ())


def test_a_harmless_second_operation_does_not_turn_it():
    """12 % of the first entry break, none of the second: the union has 6 %, and the threshold of 10 % is missed."""
    found = judged(columns((12, 100), (0, 100)))
    assert found.interval.high < 0.1
    assert found.mark is Mark.FAIL
    assert [entry.key for entry in found.decisive] == ["1"]


def test_an_entry_on_the_line_leaves_it_open():
    """The union meets it, an entry may or may not."""
    found = judged(columns((10, 100), (0, 100)))
    assert found.mark is Mark.OPEN
    assert [entry.key for entry in found.decisive] == ["1"]


def test_the_union_alone_can_miss_it():
    """Every entry is a little below, with much doubt; the union says no."""
    assert judged(columns((11, 50), (11, 50))).mark is Mark.FAIL
    assert judged(columns((11, 50), (11, 50))).decisive == ()


def test_an_entry_fails_only_at_bonferronis_level():
    """The worst of two entries is looked at with 97.5 %: what misses by a hair at 95 % leaves it open (rule Q7)."""
    broken = [11] * 13 + [9] * 17
    exposed, entry = [80] * RUNS, share_interval(broken, [80] * RUNS, 0.95)
    strict = share_interval(broken, exposed, 0.975)
    between = (entry.low + strict.low) / 2
    found = judged(columns((broken, 80), (0, 2000)), f"< {100 * between:.4f}%")
    assert strict.low < between < entry.low
    assert found.mark is Mark.OPEN
    alone = judged(columns((broken, 80)), f"< {100 * between:.4f}%", StubScenario())
    assert alone.mark is Mark.FAIL


def test_an_entry_of_few_exposed_is_not_judged_but_named():
    """Twenty-nine exposed sessions of an entry turn nothing; the line says what became of them (rule Q7)."""
    few = [1] * 15 + [0] * 15
    found = columns((2, 100), (few, 1))
    found["entries.2.exposed_sessions"] = [1] * 29 + [0]
    told = judged(found)
    assert told.mark is Mark.PASS
    assert [(entry.key, entry.mark) for entry in told.unjudged] == [("2", None)]
    found["entries.2.exposed_sessions"] = [1] * RUNS
    assert judged(found).mark is Mark.FAIL


def test_a_union_of_few_exposed_is_open():
    """None of 29 broken is no ✓, all of 29 broken no ✗; of 30 it is (rule Q6)."""
    one = StubScenario()
    for broken in (0, 1):
        found = columns((broken, 1))
        found["exposed_sessions"] = [1] * 29 + [0]
        found["broken_exposed_sessions"] = [broken] * 29 + [0]
        told = judged(found, "< 50%", one)
        assert told.mark is Mark.OPEN
        assert "29 exposed sessions" in told.reason
        assert judged(columns((broken, 1)), "< 50%", one).mark is not Mark.OPEN


def test_one_entry_is_the_union():
    """A timeline of one entry is not judged twice."""
    assert judged(columns((2, 50)), scenario=StubScenario()).entries == ()


@pytest.mark.parametrize(
    ("more", "state", "mark", "reason"),
    [
        ({"sticky_bound_sessions": [0] * RUNS}, "pod", Mark.FAIL, "not sticky"),
        ({}, "external", Mark.PASS, "outside the pods"),
        ({}, "pod", Mark.OPEN, "nothing was measured"),
    ],
)
def test_what_is_missing_is_said_in_words(more, state, mark, reason):
    """Nothing bound misses the threshold, state elsewhere meets it, nothing exposed leaves it open (rule Q6)."""
    scenario = replace(TWO, app=SimpleNamespace(state=state))
    found = judged(columns(**more), scenario=scenario)
    assert found.mark is mark
    assert reason in found.reason
    assert found.interval.estimate == (0 if state == "external" else None)


def test_other_metrics_have_their_interval_alone():
    """Failed requests belong to no entry."""
    found = verdict(
        METRICS["failed_requests"], Threshold.parse("< 1%"), share_interval([0] * 9, [999] * 9), lambda key: [], TWO
    )
    assert (found.mark, found.entries) == (Mark.PASS, ())


def test_a_ratio_of_breaks_has_no_entries():
    """Breaks per session are not counted by entry; the interval over all of them decides."""
    found = columns((2, 50), (1, 50)) | {"breaks": [4, 6] * (RUNS // 2)}
    metric = METRICS["breaks_per_session"]
    interval = ratio_of_sums(found["breaks"], found["exposed_sessions"])
    told = verdict(metric, Threshold.parse("< 0.1"), interval, lambda key: found.get(key, []), TWO)
    assert (told.mark, told.entries) == (Mark.PASS, ())


def study(*entries, **more):
    """A study of such columns."""
    rows = columns(*entries, **more)
    replications = Replications()
    for run in range(RUNS):
        summary = {key: column[run] for key, column in rows.items()}
        replications.append(Replication(summary, f"{run:016x}", (), ()))
    return Study(replace(TWO, thresholds={"broken_sessions": "< 10%"}), 7, replications, METRICS)


def test_the_line_names_the_entry_that_decides():
    """One line a threshold, with the union's figure, and why it is not what the figure says."""
    (line,) = verdict_lines(study((12, 100), (0, 100)))
    assert (line.label, line.mark.word) == ("broken_sessions < 10%", "not met")
    assert line.shown.value.startswith("6.0")
    assert line.note.startswith("rollout web at 10m alone: 12.0")


def test_the_sentence_says_why_nothing_is_certain():
    """A reason where there is one; else that replications are lacking."""
    assert together(study((10, 100), (0, 100)).verdicts())[0].endswith("more replications are needed")
    assert together(study().verdicts())[0].startswith("Not certain: nothing was measured")


def test_json_has_every_entry():
    """The verdict's word, and each entry's own."""
    found = study((12, 100), (0, 100)).to_json_dict()["verdicts"][0]
    assert found["verdict"] == "not met"
    assert [(entry["entry"], entry["verdict"]) for entry in found["entries"]] == [("1", "not met"), ("2", "met")]
