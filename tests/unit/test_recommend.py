"""The search for the cheapest setting, on a formula whose answers are known."""

import math

import pytest
from drain_stub import (
    MEAN_S,
    simulate,
    simulate_by_algorithm,
    simulate_by_duration,
    simulate_on_the_line,
    simulate_with_a_bump,
    simulate_with_failures,
)
from shown import as_csv, as_markdown, in_terminal
from small_scenario import small

from simsticky.errors import InputError
from simsticky.report.numbers import THIN
from simsticky.report.recommendation import blocks, data_of
from simsticky.scenario.model import Scenario
from simsticky.study.better import Standing
from simsticky.study.recommend.costs import cheapest
from simsticky.study.recommend.recommending import recommend
from simsticky.study.runner import Runner
from simsticky.study.verdicts import Mark

DRAIN = {"deployment.preStop": "0s..10m", "deployment.grace": "preStop + 30s"}


def search(thresholds="broken_sessions < 5%", vary=None, n=20, by=simulate, scenario=None, **options):
    with Runner(simulate=by) as runner:
        return recommend(scenario or small(), thresholds, vary or DRAIN, n, 1, runner=runner, **options)


def test_the_pick_is_the_shortest_window_that_is_certain():
    """The pick meets the threshold with its whole interval, and one step less does not."""
    found = search()
    crossing = found.crossings[0].number
    assert found.status == "found"
    assert found.monotone
    assert crossing == pytest.approx(MEAN_S * math.log(20), rel=0.05)
    assert found.pick.settings["deployment.preStop"] >= crossing
    assert found.pick.estimates["broken_sessions"].interval.high < 0.05
    before = [o for o in found.tried if o.settings["deployment.preStop"] < found.pick.settings["deployment.preStop"]]
    assert max(o.settings["deployment.preStop"] for o in before) == found.pick.settings["deployment.preStop"] - 5
    assert all(option.mark != "✓" for option in before)


def test_bisection_tries_few_of_many_settings():
    """Of 121 settings fewer than a fifth is tried."""
    found = search()
    assert len(found.tried) < 25


def test_a_search_simulates_no_more_than_its_verdicts_need():
    """An exact count for this formula and seed; halving from end to end, with nothing given up, took 480."""
    found = search(n=30)
    assert found.simulations == sum(option.replications for option in (found.today, *found.tried)) + 50
    assert found.simulations == 260
    assert found.to_json_dict()["simulations"] == 260
    assert "in 260 simulations" in " ".join(in_terminal(blocks(found), 80).split())


def test_what_is_clear_at_a_look_is_not_run_any_further():
    """A setting far from the threshold has 10 replications, one near it all of them; each tells how many it had."""
    found = search(n=40)
    runs = {option.settings["deployment.preStop"]: option.replications for option in found.tried}
    assert runs[0] == runs[600] == 10
    assert max(runs.values()) == 40
    assert found.today.estimates["broken_sessions"].interval.used == 10
    assert [look.n for look in found.looks] == [10, 20, 40]


def test_the_price_of_a_step_is_on_the_ladder():
    """5 % is priced against 2 % and 10 %, in seconds of the window."""
    found = search()
    assert (found.stricter.threshold, found.looser.threshold) == ("broken_sessions < 2%", "broken_sessions < 10%")
    stops = [
        option.settings["deployment.preStop"] for option in (found.looser.option, found.pick, found.stricter.option)
    ]
    assert stops == sorted(stops)
    assert stops[2] >= MEAN_S * math.log(50) * 0.95


def test_the_verdict_flips_with_longer_sessions():
    """The pick fails where sessions are longer by what its window has to spare."""
    scenario = small(traffic__think={"kind": "exponential", "mean": 60}, traffic__requests=2)
    found = search(by=simulate_by_duration, scenario=scenario)
    window = found.pick.settings["deployment.preStop"]
    assert found.flip.mean_s == 60
    assert found.flip.flips_at_s == pytest.approx(window / math.log(20), rel=0.06)


def test_a_verdict_that_does_not_hang_on_the_sessions_says_so():
    """Where longer sessions change nothing, the longest ones tried are named."""
    found = search()
    assert found.flip.flips_at_s is None
    assert found.flip.held_to_s == pytest.approx(8 * found.flip.mean_s)


def test_a_fixed_grace_period_is_the_reason():
    """A preStop hook longer than a fixed grace period helps nobody, and that is said."""
    found = search(vary={"deployment.preStop": "0s..10m"}, scenario=small(deployment__grace="60s"))
    assert found.status == "none"
    assert found.pick is None
    assert "terminationGracePeriodSeconds is fixed at 1m" in found.reason
    assert found.closest.mark == "✗"


def test_no_drain_support_is_the_reason():
    """Without drain support no window is served."""
    found = search(scenario=small(kic__enableDrainSupport=False))
    assert found.status == "none"
    assert "drain support is off" in found.reason


def test_a_range_that_ends_too_early_is_the_reason():
    """Where the metric still improves at the end of the range, the answer says where it might be met."""
    found = search(vary={**DRAIN, "deployment.preStop": "0s..2m"})
    assert found.status == "none"
    assert "at 2m" in found.reason
    assert "at about 2m5" in found.reason or "at about 3m" in found.reason


def test_round_robin_is_no_cure():
    """Where nothing is sticky nobody is exposed: the threshold is missed all the same, and the pick is another."""
    vary = {"upstream.algorithm": ["round-robin", "sticky-sessions"], "deployment.preStop": ["1m", "5m"]}
    found = search(vary={**vary, "deployment.grace": "preStop + 30s"}, by=simulate_by_algorithm)
    assert found.pick.settings["upstream.algorithm"] == "sticky-sessions"
    assert found.pick.standing is Standing.BETTER
    lost = [option for option in found.tried if option.settings["upstream.algorithm"] == "round-robin"]
    assert {(option.mark, option.standing) for option in lost} == {(Mark.FAIL, Standing.WORSE)}
    alone = search(vary={"upstream.algorithm": ["sticky-sessions", "round-robin"]}, by=simulate_by_algorithm)
    assert alone.status == "none"
    assert alone.closest.settings["upstream.algorithm"] == "sticky-sessions"


def test_no_pick_is_worse_than_today():
    """A drain window that fails requests keeps the threshold on sessions, and is no answer; the reason names it.

    See rule Q12.
    """
    found = search("broken_sessions < 5%", by=simulate_with_failures)
    assert found.pick is None
    assert found.status == "none"
    assert "every setting that keeps broken_sessions is worse than today in failed_requests" in found.reason
    allowed = search(["broken_sessions < 5%", "failed_requests < 5%"], by=simulate_with_failures)
    assert allowed.status == "found"
    assert allowed.pick.standing is Standing.BETTER


def test_a_setting_that_is_worse_than_today_by_little_is_not_told_from_it():
    """Today breaks nobody: what breaks four per cent of the exposed keeps the threshold and is worse."""
    today = small(deployment__preStop="10m", deployment__grace="11m")
    found = search(scenario=today)
    assert found.pick.settings["deployment.preStop"] > MEAN_S * math.log(0.4 / 0.005)
    assert found.pick.standing is Standing.NOT_WORSE


def test_no_setting_can_is_said_only_where_it_is_shown():
    """A truth just above the threshold is not certain after 20 replications, and shown after enough of them.

    See rule Q12.
    """
    window = {"deployment.preStop": "0s..178s", "deployment.grace": "preStop + 30s"}
    assert math.exp(-178 / MEAN_S) == pytest.approx(0.0515, abs=0.0001)
    few = search(vary=window, n=20)
    assert few.status == "not certain"
    assert few.gap.passing is None
    assert search(vary=window, n=400).status == "none"


def test_raced_settings_that_were_not_all_tried_show_nothing():
    """Up and down along the range, and none of the settings raced keeps 1 %: another might, so it is not certain."""
    found = search("broken_sessions < 1%", by=simulate_with_a_bump)
    assert found.monotone is False
    assert found.status == "not certain"
    assert "not every setting of it was tried" in found.reason


def test_how_many_replications_would_tell_all():
    """As many as are named bring the dearest setting that fails next to the cheapest that passes."""
    vary = {"deployment.preStop": "0s..10m/8s", "deployment.grace": "preStop + 30s"}
    low, high = (math.exp(-stop / MEAN_S) for stop in (176, 184))
    assert low - 0.05 == pytest.approx(0.05 - high, abs=0.0003), "the threshold lies amid two settings"
    found = search(vary=vary, n=20)
    assert found.gap.between >= 1
    steps = (found.gap.passing["deployment.preStop"] - found.gap.failing["deployment.preStop"]) / 8
    assert steps == found.gap.between + 1
    again = search(vary=vary, n=2 * found.gap.replications)
    assert again.gap.between == 0
    assert (again.gap.failing["deployment.preStop"], again.pick.settings["deployment.preStop"]) == (176, 184)


def test_drain_support_that_nobody_states_is_answered_both_ways():
    """Off no window helps, on one does: both are told, and the whole is not certain (rule Q13)."""
    given = small().to_json_dict()
    del given["kic"]["enableDrainSupport"]
    found = search(scenario=Scenario.model_validate(given))
    assert (found.drain, found.status) == (False, "none")
    assert (found.otherwise.drain, found.otherwise.status) == (True, "found")
    assert found.ending == "not certain"
    text = " ".join(in_terminal(blocks(found), 80).split())
    assert "With drain support off" in text
    assert "With drain support on" in text
    both = search("broken_sessions < 99%", scenario=Scenario.model_validate(given))
    assert (both.status, both.otherwise.status, both.ending) == ("none", "found", "not certain")
    turned = search(vary={**DRAIN, "kic.enableDrainSupport": [True, False]}, scenario=Scenario.model_validate(given))
    assert turned.otherwise is None


def test_when_the_time_is_over_the_verdict_is_open():
    """No time at all leaves it open with a word about it; enough time changes nothing."""
    late = search(max_time=1e-9)
    assert late.status == "not certain"
    assert "--max-time" in late.reason
    assert "may differ from run to run" in late.reason
    assert search(max_time=3600).to_json() == search().to_json()


def test_the_autoscaler_is_named_where_it_cuts_replicas_off():
    """More replicas than it allows have no effect, and that is said."""
    scaled = small().evolve({"autoscaler": {"minReplicas": 2, "maxReplicas": 4}})
    found = search(vary={"deployment.replicas": [3, 6]}, scenario=scaled)
    assert found.status == "none"
    assert "the autoscaler keeps 2 to 4 replicas" in found.reason


def test_nobody_can_tell_is_not_certain():
    """A truth that sits on the threshold is neither found nor impossible."""
    found = search(by=simulate_on_the_line)
    assert found.status == "not certain"
    assert "too uncertain" in found.reason


def test_a_bump_is_raced_over_instead_of_bisected():
    """Where the metric goes up and down along the range, bisection is not trusted and the cheap dip is found."""
    found = search(by=simulate_with_a_bump)
    assert found.monotone is False
    assert 100 <= found.pick.settings["deployment.preStop"] < 200


def test_choices_are_raced_and_the_level_pays_for_their_number():
    """Of listed values the cheapest certain one is picked."""
    found = search(vary={"deployment.preStop": ["1m", "3m", "4m", "9m"], "deployment.grace": "preStop + 30s"})
    assert found.monotone is None
    assert found.pick.settings["deployment.preStop"] == 240
    assert not found.crossings


def test_other_knobs_make_lines_of_their_own():
    """With drain support as a second knob the line without it has no pick, and the level pays for two lines."""
    found = search(vary={**DRAIN, "kic.enableDrainSupport": [True, False]})
    assert found.pick.settings["kic.enableDrainSupport"] is True
    assert found.level == pytest.approx(0.975)


def test_two_thresholds_bound_a_range_from_both_sides():
    """A time limit bounds the window from above, broken sessions from below."""
    found = search(["broken_sessions < 5%", "last_old_pod_gone_s < 4m"])
    assert 180 < found.pick.settings["deployment.preStop"] < 239
    none = search(["broken_sessions < 5%", "last_old_pod_gone_s < 2m"])
    assert none.status == "none"
    assert "no setting keeps broken_sessions and last_old_pod_gone_s together" in none.reason


def test_cost_is_one_after_the_other_with_ties():
    """Times within 5 % are equal, then pods decide; another order decides otherwise."""
    costs = [
        {"last_old_pod_gone_s": 100, "peak_pods": 8, "extra_pod_s": 300},
        {"last_old_pod_gone_s": 104, "peak_pods": 4, "extra_pod_s": 320},
        {"last_old_pod_gone_s": 150, "peak_pods": 3, "extra_pod_s": 100},
        {"last_old_pod_gone_s": None, "peak_pods": 1, "extra_pod_s": 1},
    ]
    order = ("last_old_pod_gone_s", "peak_pods", "extra_pod_s")
    assert cheapest("abcd", costs, order) == "b"
    assert cheapest("abc", costs[:3], ("peak_pods", "last_old_pod_gone_s", "extra_pod_s")) == "c"


@pytest.mark.parametrize(
    ("thresholds", "vary", "says"),
    [
        ("broken_session < 5%", DRAIN, "broken_sessions"),
        ("broken_sessions", DRAIN, "no threshold"),
        ("broken_sessions < 5%", {"deployment.preStopp": "0s..10m"}, "preStop"),
        ("broken_sessions < 5%", {"deployment.preStopp": "0s..10m"}, "unknown, did you mean deployment.preStop?"),
        ("broken_sessions < 5%", {"deployment.preStop": "10m..0s"}, "empty"),
        ("broken_sessions < 5%", {"deployment.grace": "60s"}, "nothing is varied"),
        ("broken_sessions < 5%", {"upstream.algorithm": "a..b"}, "takes no numbers"),
        ("broken_sessions < 5%", {"deployment.preStop": "0s..10m", "deployment.maxSurge": ["x"]}, "maxSurge"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(thresholds, vary, says):
    """A wrong metric, path, range or value is bad input with a word about it."""

    def never(scenario, *, seed, replication):
        raise AssertionError("it ran")

    with pytest.raises(InputError, match=says):
        search(thresholds, vary, by=never)


def test_one_replication_is_bad_input():
    """Without an interval nothing can be recommended, and that is the person's to mend."""
    with pytest.raises(InputError, match="two replications or more"):
        search(n=1)


def test_a_timeline_without_operation_is_refused():
    """There is nothing to recommend about a cluster that nobody touches."""
    with pytest.raises(InputError, match="timeline"):
        search(scenario=small([]))


def test_the_table_fits_80_columns_and_says_it_all():
    """On 80 columns every line fits; verdict, prices, crossing and flip are there."""
    found = search(by=simulate_by_duration, scenario=small(traffic__think={"kind": "exponential", "mean": 60}))
    text = in_terminal(blocks(found), 80)
    assert max(map(len, text.splitlines())) <= 80
    for words in (
        "✗ today",
        "✓ pick",
        "stricter",
        "looser",
        "crosses 5% at preStop",
        "The verdict flips if mean session >",
    ):
        assert words in text
    assert f"{THIN}%" in text
    narrow = in_terminal(blocks(found), 40)
    assert max(map(len, narrow.splitlines())) <= 40


def test_the_answer_no_setting_can_is_told_in_every_format():
    """No setting can, and why, stand in the table and in bold in Markdown; CSV lists what was tried."""
    found = search(vary={"deployment.preStop": "0s..10m"}, scenario=small(deployment__grace="60s"))
    table = " ".join(in_terminal(blocks(found), 80).split())
    assert "No setting can keep broken sessions < 5%: terminationGracePeriodSeconds" in table
    assert as_markdown(blocks(found)).startswith("**✗ No setting can keep broken sessions \\< 5%")
    assert len(as_csv(data_of(found)).splitlines()) == 2 + len(found.tried)
    assert found.to_json_dict()["status"] == "none"


def test_the_answer_does_not_depend_on_the_workers():
    """One worker or three: the same bytes."""
    one = search().to_json()
    with Runner(simulate=simulate, jobs=3) as runner:
        assert recommend(small(), "broken_sessions < 5%", DRAIN, 20, 1, runner=runner).to_json() == one
