"""The closed forms that the project itself states, against the tables of theory; and that no table lies unread.

What only a simulation can say is held to its tables in ``tests/validation``, which read the same folder.
"""

import re
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conformance_tables import tables_dir

from simsticky.scenario.model import Scenario
from simsticky.stats.skew import SkewTotals
from simsticky.workload.residual import residual_life

Row = dict[str, Any]

NO_COUNTERPART = {
    "jet_anchor": "counts of another simulator, of a hash with a table of recent connections",
    "power_of_d_sticky": "no algorithm here looks at d random pods",
}
"""Tables that the model has nothing like, and why."""

TESTS = Path(__file__).parents[1]
READ = re.compile(r'(?:mark\.table|load_table)\((?:[\w.]+, )?"theory", "(\w+)"')


def test_every_table_is_read(pytestconfig: pytest.Config) -> None:
    """Each table is the argument of a test, or is said to have no counterpart."""
    tests = [*TESTS.glob("validation/test_*.py"), *TESTS.glob("conformance/test_*.py")]
    read = {name for test in tests for name in READ.findall(test.read_text(encoding="utf-8"))}
    there = {file.stem for file in (tables_dir(pytestconfig) / "theory").glob("*.json")}
    assert there <= read | set(NO_COUNTERPART)
    assert not read & set(NO_COUNTERPART)


# Residual life ---------------------------------------------------------------------------------------------------


def residual_tail(row: Row, at_s: float) -> float:
    """Return P(R > t) of the project's own closed form, for sessions with the row's law of their length."""
    mean = row.get("mean") or row.get("L") or 300.0
    law = {
        "exponential": {"kind": "exponential", "mean": mean},
        "lognormal": {"kind": "lognormal", "mean": mean, "cv": row.get("cv", 2.0)},
        "pareto": {"kind": "pareto", "mean": mean, "alpha": row.get("alpha", 2.5)},
        "weibull": {"kind": "weibull", "mean": mean, "shape": row.get("k")},
        "deterministic": {"kind": "constant", "value": mean},
    }[row["law"]]
    traffic = {"sessions": {"kind": "poisson", "rate": 1}, "sessionDuration": law}
    known = residual_life(Scenario.model_validate({"schema": "simsticky/1", "traffic": traffic}))
    assert not isinstance(known, str), known
    return float(known.survival(np.array([at_s]))[0])


@pytest.mark.table("theory", "break_prob_lifetime", "rows")
def test_share_of_sessions_that_outlast_a_window(case: Row) -> None:
    """The decay drawn beside the simulated one is P(R > W) = (1/L) ∫ P(S > u) du from W on, for every law."""
    assert isclose(residual_tail(case, case["window"]), case["p_break"], rel_tol=1e-6, abs_tol=1e-9)


@pytest.mark.table("theory", "scale_up_skew", "rows")
def test_old_sessions_left_after_a_scale_up(case: Row) -> None:
    """The same decay, and the means of old and new pods that follow, with the project's own figures of skew."""
    law = {key: value for key, value in case.items() if key != "k"}  # the new pods, not a shape
    assert isclose(residual_tail(law, case["t"]), case["residual_tail"], rel_tol=1e-6, abs_tol=1e-9)
    loads = [case["old_over_mean"]] * case["n"] + [case["new_over_mean"]] * case["k"]
    figures = figures_of(loads)
    assert isclose(figures["max_to_mean"], case["max_over_mean"], abs_tol=ROUNDED)
    assert isclose(figures["cv"], case["cv_between_pod_means"], abs_tol=1e-6)


@pytest.mark.table("theory", "rebalance_time", "rows")
def test_time_until_pods_are_even(case: Row) -> None:
    """After the table's time the old pods are ``eps`` above the mean: P(R > t) = eps·n/k; least-loaded picks have
    caught up when P(R > t) = n/(n+k).
    """
    at_s = case.get("rebalance_time", case.get("catch_up_time"))
    old, new = case["n"], case["k"]
    tail = case["eps"] * old / new if "eps" in case else old / (old + new)
    law = {key: value for key, value in case.items() if key != "k"}
    assert isclose(residual_tail(law, at_s), tail, rel_tol=1e-5)


@pytest.mark.table("theory", "seed_scenarios", "rows")
def test_the_guides_scenarios(case: Row) -> None:
    """The residual life of the guide's sessions: what outlasts a window, and how long it takes to get even again."""
    if case["kind"] == "scale 3->2":
        assert isclose(residual_tail(case, case["window"]), case["p_break"], rel_tol=1e-6)
        return
    unit = {**case, "mean": 1.0}
    if case["kind"] == "rebalance after no-drain surge-1 update":
        excess = (1 + 1 / case["n"]) ** case["n"] - 2
        assert isclose(excess, case["excess0"], rel_tol=1e-9)
        assert isclose(excess * residual_tail(unit, case["t_over_L"]), case["eps"], rel_tol=1e-5)
    else:
        assert case["kind"].startswith("window needed")
        assert isclose(residual_tail(unit, case["window_over_L"]), case["target_p"], rel_tol=1e-5)


# Figures of skew -------------------------------------------------------------------------------------------------

ROUNDED = 1e-7


def figures_of(loads: list[float]) -> dict[str, float]:
    """Return the project's figures of skew of pods with these loads.

    It counts sessions, which are whole: so many of them are taken that their squares just fit into 62 bits, and that
    each load is the table's to ``ROUNDED``.
    """
    sessions = np.sqrt(2.0**62 / (len(loads) * np.square(loads).sum()))
    totals = SkewTotals()
    totals.add(np.rint(np.array(loads) * sessions).astype(np.int64)[:, None], np.ones(1, np.int64))
    return {name: value for name, value in totals.figures().items() if value is not None}


@pytest.mark.table("theory", "rolling_skew_fast", "rows")
def test_figures_of_pods_after_a_surge_of_one(case: Row) -> None:
    """max/mean, min/mean, CV, Jain and Gini of the loads that the i-th created pod ends with."""
    pods = case["n"]
    loads = [(1 + 1 / pods) ** pods - (1 + 1 / pods) ** rank for rank in range(pods)]
    assert case["load_by_rank"] is None or np.allclose(loads, case["load_by_rank"])
    check_figures(case, loads)
    assert isclose(figures_of(loads)["gini"], case["gini"], abs_tol=ROUNDED)


@pytest.mark.table("theory", "rolling_skew_strategies", "rows")
def test_figures_of_pods_after_any_strategy(case: Row) -> None:
    """The same of any surge and unavailable pods, where the table has the loads."""
    if case["load_by_rank"] is None:
        pytest.skip("the row has no loads; its figures are held to a simulation in tests/validation")
    check_figures(case, case["load_by_rank"])


def check_figures(case: Row, loads: list[float]) -> None:
    figures = figures_of(loads)
    for ours, theirs in (("max_to_mean", "max_over_mean"), ("min_to_mean", "min_over_mean"), ("jain", "jain")):
        assert isclose(figures[ours], case[theirs], abs_tol=ROUNDED)
    assert isclose(figures["cv"], case["cv"], abs_tol=1e-6)
