"""Better, not worse, worse or not certain against a named reference, on numbers whose answers are known."""

import random
from types import SimpleNamespace

import pytest
from small_scenario import small

from simsticky.results.metrics import METRICS
from simsticky.scenario.thresholds import Threshold
from simsticky.study.better import Standing, against
from simsticky.study.compare import compare
from simsticky.study.pairs import Pair
from simsticky.study.runner import Runner
from simsticky.study.sweep import sweep

ALIVE = 2000
REQUESTS = 50_000


def runs(any_cause, failed=0.0, broken=0.2, n=30, bound=1000, salt=""):
    """The summaries of a setting whose sessions break with given probabilities, each run a little off on its own."""
    summaries = []
    for replication in range(n):
        luck = random.Random(f"{replication}/{salt}").gauss(0, 1)
        summaries.append(
            {
                "any_cause_sessions": ALIVE,
                "broken_any_cause_sessions": round(ALIVE * any_cause + 4 * luck),
                "requests_sent": REQUESTS,
                "requests_failed": max(0, round(REQUESTS * failed + 5 * luck)) if failed else 0,
                "exposed_sessions": 600 if bound else 0,
                "broken_exposed_sessions": round(600 * broken + luck) if bound else 0,
                "sticky_bound_sessions": bound,
            }
        )
    return lambda key: [summary.get(key) for summary in summaries]


def stands(reference, setting, same=0, **thresholds):
    bounds = {name: Threshold.parse(text) for name, text in thresholds.items()}
    return against(Pair(reference, setting, same=same), METRICS, bounds)


@pytest.mark.parametrize(
    ("reference", "setting", "standing"),
    [
        ({"any_cause": 0.10}, {"any_cause": 0.1005, "salt": "b"}, Standing.NOT_WORSE),
        ({"any_cause": 0.10}, {"any_cause": 0.1050, "salt": "b"}, Standing.UNCERTAIN),
        ({"any_cause": 0.10}, {"any_cause": 0.11}, Standing.WORSE),
        ({"any_cause": 0.10}, {"any_cause": 0.09}, Standing.BETTER),
        ({"any_cause": 0.10}, {"any_cause": 0.10, "broken": 0.1}, Standing.BETTER),
        ({"any_cause": 0.10}, {"any_cause": 0.10, "broken": 0.1, "failed": 0.002}, Standing.WORSE),
        ({"any_cause": 0.10, "failed": 0.003}, {"any_cause": 0.10, "failed": 0.0031}, Standing.NOT_WORSE),
    ],
)
def test_the_margins_are_half_a_point_of_sessions_and_a_tenth_of_requests(reference, setting, standing):
    """Not worse ends below the margin, worse begins above it; a better headline makes up for neither (rule Q10)."""
    assert stands(runs(**reference), runs(**setting)).standing is standing


def test_breaks_that_move_out_of_sight_are_no_gain():
    """Without stickiness nobody is exposed and the headline is gone, while nearly every session breaks anyway."""
    sticky, lost = runs(0.3, broken=0.4), runs(0.95, bound=0)
    found = stands(sticky, lost, broken_sessions="< 5%")
    assert found.standing is Standing.WORSE
    assert found.worse[0] == "broken_any_cause"
    assert Pair(sticky, lost).has_lost_stickiness
    assert not Pair(lost, sticky).has_lost_stickiness


def test_a_threshold_replaces_the_margin():
    """Who allows a tenth of the sessions to break is not told that five points more are too many (rule Q10)."""
    assert stands(runs(0.02), runs(0.07)).standing is Standing.WORSE
    assert stands(runs(0.02), runs(0.07), broken_any_cause="< 10%").standing is Standing.NOT_WORSE
    assert stands(runs(0.02), runs(0.12), broken_any_cause="< 10%").standing is Standing.WORSE


def test_a_threshold_that_was_missed_before_is_a_regression_only_where_it_is_missed_by_more():
    """Forty per cent instead of sixty miss 5 % and are no regression; sixty instead of forty are one."""
    half, more = runs(0.2, broken=0.4), runs(0.2, broken=0.6)
    assert stands(more, half, broken_sessions="< 5%").standing is Standing.BETTER
    assert stands(half, more, broken_sessions="< 5%").worse == ("broken_sessions",)
    assert stands(half, half, broken_sessions="< 5%").standing is Standing.NOT_WORSE


def test_equal_digests_differ_by_exactly_nothing():
    """Two runs that are the same to the byte are not worse, however few there are; two that look alike may be.

    See rule Q11.
    """
    few = runs(0.0, n=2, broken=0.0)
    alike = stands(few, runs(0.0, n=2, broken=0.0))
    assert stands(few, few, same=2).standing is Standing.NOT_WORSE
    assert stands(few, few, same=2, failed_requests="< 0.0001%").standing is Standing.NOT_WORSE
    assert Pair(few, few, same=2).difference(METRICS["failed_requests"]).interval.high == 0
    assert Pair(few, few).difference(METRICS["failed_requests"]).interval.high > 0
    assert alike.standing in (Standing.NOT_WORSE, Standing.UNCERTAIN)


def test_without_a_guard_nothing_is_certain():
    """Results that count neither guard stand nowhere."""
    assert against(Pair(runs(0.1), runs(0.1)), {}, {}).standing is Standing.UNCERTAIN


def noisy(scenario, *, seed, replication):
    """Sessions break by the length of preStop; 10 s is hard to tell from 11 s, and easy from a minute."""
    luck = random.Random(f"{seed}/{replication}/{scenario.deployment.pre_stop.seconds}").gauss(0, 1)
    share = 0.5 - scenario.deployment.pre_stop.seconds / 200
    summary = {key: column[0] for key in _KEYS for column in [runs(share, n=1)(key)]}
    summary["broken_any_cause_sessions"] = round(ALIVE * share + 40 * luck)
    return SimpleNamespace(
        summary=summary, digest=f"{seed}/{replication}/{share}", warnings=(), operation_rows=[], waits=None
    )


_KEYS = ("any_cause_sessions", "broken_any_cause_sessions", "requests_sent", "requests_failed", "exposed_sessions",
         "broken_exposed_sessions", "sticky_bound_sessions")  # fmt: skip


def test_what_is_certain_is_not_run_any_further():
    """A minute is told from 10 s at the first look; 10.6 s goes on, and the reference with it."""
    sides = {f"{stop}s": small(deployment__preStop=f"{stop}s", deployment__grace="10m") for stop in (10, 60, 10.6)}
    found = compare(sides, seed=3, max_reps=60, simulate=noisy)
    runs_of = {side.name: side.n for side in found.sides}
    assert runs_of["60s"] == 10
    assert runs_of["10s"] == runs_of["10.6s"] > 10
    assert found.against("60s").standing is Standing.BETTER
    assert found.to_json_dict()["standings"]["60s"]["standing"] == "better"


def test_looks_do_not_depend_on_the_workers():
    """One worker or three: the same bytes, though three finish in another order."""
    sides = {f"{stop}s": small(deployment__preStop=f"{stop}s", deployment__grace="10m") for stop in (10, 60, 10.6)}
    alone = compare(sides, seed=3, max_reps=40, simulate=noisy).to_json()
    with Runner(simulate=noisy, jobs=3) as runner:
        assert compare(sides, seed=3, max_reps=40, runner=runner).to_json() == alone


def test_a_sweep_lists_the_scenario_as_it_is_and_marks_what_is_worse():
    """The reference runs though no point is it; a point is held against it, and clear points stop early."""
    settings = {"deployment.preStop": ["0s", "10.6s", "60s"], "deployment.grace": "10m"}
    found = sweep(small(), settings, seed=3, max_reps=40, simulate=noisy)
    assert [standing.value for standing in found.standings][::2] == ["worse", "better"]
    document = found.to_json_dict()
    assert document["reference"]["settings"]["deployment.preStop"] == "10s"
    assert document["reference"]["replications"] == 40
    assert [point["replications"] for point in document["points"]] == [10, 40, 10]
    assert document["points"][0]["standing"] == "worse"
