"""A real HAProxy and a real nginx: their own access logs, read and replayed, against what the backends saw.

Criterion: sessions that the backends answered without their state, within 3 or 10 %, both as seen in the log and as
predicted by the mean of eight replications whose pods hold the same sessions (``log_prediction``).
"""

from pathlib import Path

import numpy as np
import pytest
from live.bench import run
from live.proxies import missing
from log_prediction import bench, predicted
from prediction import allowance
from sessions import draw
from stored import NAMES, Run, config, load

from simsticky.logs.backtest import backtest
from simsticky.logs.fit import fit
from simsticky.logs.read import read_logs
from simsticky.logs.replay import replay_of
from simsticky.logs.requests import LogRead
from simsticky.logs.watched import moves_of
from simsticky.stats.prediction import fewest_runs

MOST_LATE_S = 0.1
"""A run in which clients were kept waiting by their own machine measures that machine."""

CASES = [
    (proxy, action, drain) for proxy in ("haproxy", "nginx") for action in ("scale", "rolling") for drain in (0, 1)
]


def read(made: Run, scratch: Path) -> LogRead:
    """Read a run's log; when the operation was is stated."""
    return read_logs(made.log, events=made.operation_at(scratch))


def check_fit(made: Run, log: LogRead) -> None:
    """Hold the fitted laws against the plan of the clients: means within 10 %, for the machine has its part in both."""
    found, plans = fit(log), draw(made.config)
    requests = np.mean([len(plan.thinks_s) for plan in plans])
    think_s = np.mean(np.concatenate([plan.thinks_s[1:] for plan in plans]))
    assert found.shape.requests is not None
    assert found.shape.requests.chosen.mean.value == pytest.approx(requests, rel=0.1)
    assert found.shape.think.chosen.mean.value == pytest.approx(think_s, rel=0.1)


def check(made: Run, log: LogRead, scratch: Path) -> None:
    """Hold a log, and what is predicted from it, against what the backends and the clients saw."""
    replay = replay_of(log)
    moves = moves_of(replay.log)
    in_log = {"broken": len(np.unique(moves.session)), "moves": len(moves.session), "failed": replay.log.failed.sum()}
    told = predicted(made, log, scratch)
    for figure, was in (("broken", made.broken), ("moves", made.moves), ("failed", made.errors)):
        assert abs(in_log[figure] - was) <= allowance(was), f"{figure}: {was}, seen in the log: {in_log[figure]}"
        assert abs(told[figure] - was) <= allowance(was), f"{figure}: {was}, predicted: {told[figure]}"
    assert np.sum(replay.log.pod >= 0) == sum(made.per_pod.values())


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", NAMES)
def test_a_stored_log_is_predicted(name: str, tmp_path: Path) -> None:
    """Fast tier: logs that real proxies wrote."""
    made = load(name)
    log = read(made, tmp_path)
    check_fit(made, log)
    check(made, log, tmp_path)


@pytest.mark.slow
def test_a_stored_log_is_compatible_with_the_model_and_not_with_another(tmp_path: Path) -> None:
    """Where luck deals out the sessions, as a gateway of several workers does, the log is one run among others.

    A model that drains where the bench did not is told apart.
    """
    made = load("haproxy-rolling-d0")
    log = read(made, tmp_path)
    right = bench(made)
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
    log = read(made, tmp_path)
    check_fit(made, log)
    check(made, log, tmp_path)
