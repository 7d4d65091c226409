"""`check` on synthetic studies: its own looks and its own verdicts keep the promised error, and decide soon.

Every study is one threshold of :class:`simsticky.study.check.deciding.Thresholds`, which asks each until a look tells
it.
"""

import math

import numpy as np
import pytest
from small_scenario import small
from synthetic_studies import SESSIONS, Decided, Sums, broken, smallest_n
from test_verdicts_with_looks import CAP, CLEAR, DESIGNS, most

from simsticky.results.metrics import METRICS
from simsticky.scenario.thresholds import Threshold
from simsticky.stats.intervals import Interval, share_interval
from simsticky.study.check.deciding import Thresholds, look_by_look
from simsticky.study.looks import FIRST
from simsticky.study.thresholds import verdict
from simsticky.study.verdicts import Mark

SCENARIO = small()
METRIC = METRICS["broken_sessions"]


def checked(p, icc, threshold, cap, studies, seed=2026):
    """Studies whose truth is ``p``, each checked against the threshold, by sums of their runs alone."""
    rng, sums, rows = np.random.default_rng(seed), Sums.of(studies), np.arange(studies)
    ends = {}

    def run(n):
        open_ones = [int(name) for name in checks.bounds if name not in checks.told or is_open(checks.told[name])]
        sums.add(rng, p, icc, n - sums.runs, rows[open_ones])
        return True

    def verdict_at(name, bound, look):
        if look.n not in ends:
            ends[look.n] = sums.limits(rows, look.level)
        at, (low, high, _) = int(name), ends[look.n]
        interval = Interval(sums.counts[at] / (look.n * SESSIONS), low[at], high[at], look.level, "logit t", look.n)
        totals = {
            "exposed_sessions": [look.n * SESSIONS],
            "broken_exposed_sessions": [sums.counts[at]],
            "sticky_bound_sessions": [look.n * SESSIONS],
            "requests_sent": [look.n * SESSIONS],
            "requests_answered": [look.n * SESSIONS],
            "requests_failed": [0],
        }
        return verdict(METRIC, bound, interval, lambda key: totals[key], SCENARIO, look.level)

    bound = Threshold.parse(f"< {100 * threshold:g}%")
    checks = Thresholds({str(study): bound for study in range(studies)}, verdict_at)
    look_by_look(cap, run, checks.ask)
    return decided(checks)


def is_open(told):
    return told.mark is Mark.OPEN


def decided(checks):
    """What the checks came to."""
    marks = [told.mark for told in checks.told.values()]
    numbers = [told.n for told in checks.told.values()]
    return Decided(np.mean([m is Mark.PASS for m in marks]), np.mean([m is Mark.FAIL for m in marks]), np.mean(numbers))


def checked_one_by_one(p, icc, threshold, cap, studies, seed=5):
    """The same with every run's own counts, and the interval of a share from them: all that a real check does."""
    counts = broken(np.random.default_rng(seed), p, icc, (studies, cap))
    bound = Threshold.parse(f"< {100 * threshold:g}%")

    def verdict_at(name, bound, look):
        columns = {"broken_exposed_sessions": counts[int(name), : look.n].tolist()}
        sizes = [SESSIONS] * look.n

        def column(key):
            return columns.get(key, sizes)

        interval = share_interval(column("broken_exposed_sessions"), sizes, look.level)
        return verdict(METRIC, bound, interval, column, SCENARIO, look.level)

    checks = Thresholds({str(study): bound for study in range(studies)}, verdict_at)
    look_by_look(cap, lambda n: True, checks.ask)
    return decided(checks)


@pytest.mark.slow
@pytest.mark.parametrize(("p", "icc"), DESIGNS)
def test_at_the_threshold_each_wrong_verdict_is_rare(p, icc):
    """Twenty thousand checks whose truth is the threshold: ✓ and ✗ in at most 2.5 % each, looks included."""
    found = checked(p, icc, p, CAP, 20_000)
    assert found.less <= most(20_000)
    assert found.more <= most(20_000)


@pytest.mark.slow
@pytest.mark.parametrize(("p", "icc", "truth"), CLEAR)
def test_what_is_clear_is_decided_soon_and_rightly(p, icc, truth):
    """Half and twice the threshold: 95 % right, after at most twice the fixed number that has that power.

    Ten replications are the first look, so a smaller fixed number counts as ten.
    """
    check_clear(p, icc, truth, 20_000)


@pytest.mark.parametrize(("p", "icc"), [(0.05, 0.01), (0.2, 0.005)])
def test_few_checks_at_the_threshold_are_rarely_wrong(p, icc):
    """The same with eight hundred, of at most 160 replications."""
    found = checked(p, icc, p, 160, 800)
    assert found.less <= most(800)
    assert found.more <= most(800)


@pytest.mark.parametrize("truth", [0.025, 0.1])
def test_few_clear_checks_are_decided_soon(truth):
    """The same with five hundred of the design that is clustered most."""
    check_clear(0.05, 0.01, truth, 500)


def check_clear(p, icc, truth, studies):
    """Checks whose truth is far from the threshold."""
    found = checked(truth, icc, p, CAP, studies)
    assert (found.less if truth < p else found.more) >= 0.95
    assert found.replications <= 2 * max(FIRST, smallest_n(truth, icc, p))


def test_counts_run_by_run_come_to_the_same():
    """Three hundred checks on every run's own counts: their errors and their pace are those of the sums."""
    own = checked_one_by_one(0.05, 0.01, 0.05, 80, 300)
    assert max(own.less, own.more) <= most(300)
    clear, by_sums = checked_one_by_one(0.025, 0.01, 0.05, 160, 300), checked(0.025, 0.01, 0.05, 160, 2000)
    assert clear.less >= 0.95
    assert clear.replications == pytest.approx(by_sums.replications, rel=4 * math.sqrt(1 / 300))
