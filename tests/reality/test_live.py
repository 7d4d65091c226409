"""A real HAProxy and a real nginx: their own access logs, read and replayed, against what the backends saw.

Criterion: sessions that the backends answered without their state, within 3 or 10 %, both as seen in the log and as
predicted by the mean of the replications. The proxies deal sessions out in the order of their configuration; so does
the model here, and which pod goes is stated, as in ``prediction``.
"""

from pathlib import Path

import numpy as np
import pytest
from live.bench import PODS, run
from live.proxies import missing
from prediction import allowance, experiment
from stored import NAMES, Run, config, load

import simsticky as ss
from simsticky.logs.backtest import Backtest, backtest
from simsticky.logs.read import read_logs
from simsticky.stats.prediction import fewest_runs

MOST_LATE_S = 0.1
"""A run in which clients were kept waiting by their own machine measures that machine."""

CASES = [
    (proxy, action, drain) for proxy in ("haproxy", "nginx") for action in ("scale", "rolling") for drain in (0, 1)
]


def bench(made: Run, pick: str) -> ss.Scenario:
    """Return the bench as a scenario; its traffic is not used, the log has its own."""
    of = experiment(made.config).evolve({"gateway.stickyNewPick": pick})
    return of.evolve({"timeline.0.pod": PODS}) if made.config["action"] == "scale" else of


def backtested(made: Run, scratch: Path, pick: str) -> Backtest:
    """Return the backtest of a run's log; when the operation was is stated."""
    log = read_logs(made.log, events=made.operation_at(scratch))
    return backtest(bench(made, pick), log, reps=fewest_runs())


def check(made: Run, found: Backtest) -> None:
    """Hold a backtest against what the backends and the clients saw."""
    rows = {row.figure.key: row for row in found.rows}
    for figure, was in (("broken", made.broken), ("moves", made.moves), ("failed", made.errors)):
        assert abs(rows[figure].observed - was) <= allowance(was), f"{figure}: {was}, seen in the log: {rows[figure]}"
        assert abs(rows[figure].mean - was) <= allowance(was), f"{figure}: {was}, predicted: {rows[figure]}"
    in_log = sum(row.observed for row in found.rows if row.figure.key.startswith("load_"))
    assert in_log == sum(made.per_pod.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_log_is_predicted(name: str, tmp_path: Path) -> None:
    """Fast tier: logs that real proxies wrote."""
    made = load(name)
    check(made, backtested(made, tmp_path, "in_order"))


def test_a_stored_log_is_compatible_with_the_model_and_not_with_another(tmp_path: Path) -> None:
    """Where luck deals out the sessions, as a gateway of several workers does, the log is one run among others.

    A model that drains where the bench did not is told apart.
    """
    made = load("haproxy-rolling-d0")
    log = read_logs(made.log, events=made.operation_at(tmp_path))
    right = bench(made, "round_robin")
    assert backtest(right, log, reps=fewest_runs()).compatible is True
    wrong = backtest(right.evolve({"kic.enableDrainSupport": True}), log, reps=fewest_runs())
    assert wrong.compatible is False
    assert "broken" in {row.figure.key for row in wrong.outside}


@pytest.mark.slow
@pytest.mark.parametrize(("proxy", "action", "drain"), CASES)
def test_a_run_is_predicted_from_its_own_log(proxy: str, action: str, drain: int, tmp_path: Path) -> None:
    """Each case is run here and now, on loopback, for about 40 s."""
    if why := missing(proxy):
        pytest.skip(why)
    settings = config(action, drain)
    seen = run(proxy, settings, tmp_path)
    late_s = float(np.quantile(seen.answers.lag_s, 0.99))
    if late_s > MOST_LATE_S:
        pytest.skip(f"this machine is too busy: one request in a hundred was sent {late_s:.2f} s late")
    made = Run.of(settings, seen)
    assert made.errors == 0
    check(made, backtested(made, tmp_path, "in_order"))
