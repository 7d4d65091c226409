"""Verdicts that are tried again at every look: how often they are wrong, and what they cost."""

import math

import pytest
from synthetic_studies import decided, smallest_n

from simsticky.study.looks import ERROR, FIRST

CAP = 1000
DESIGNS = [(0.01, 0.0), (0.05, 0.0), (0.05, 0.01), (0.2, 0.005), (0.5, 0.002)]
CLEAR = [(p, icc, truth) for p, icc in DESIGNS for truth in ((p / 2, 2 * p) if p < 0.5 else (0.35, 0.65))]


def most(studies: int) -> float:
    """The promised error and three standard errors of its count."""
    return ERROR + 3 * math.sqrt(ERROR * (1 - ERROR) / studies)


@pytest.mark.slow
@pytest.mark.parametrize(("p", "icc"), DESIGNS)
def test_at_the_threshold_each_wrong_verdict_is_rare(p: float, icc: float) -> None:
    """Twenty thousand studies whose truth is the threshold: ✓ and ✗ are said by at most 2.5 % each, looks included.

    See rule Q8.
    """
    found = decided(p, icc, p, CAP, 20_000)
    assert found.less <= most(20_000)
    assert found.more <= most(20_000)
    assert found.replications > 0.9 * CAP


@pytest.mark.parametrize("cap", [10, 30, 100])
def test_with_fewer_replications_at_the_most_too(cap: int) -> None:
    """A cap of 30 has its own levels; 20,000 studies at the threshold where clusters matter most."""
    found = decided(0.05, 0.01, 0.05, cap, 20_000)
    assert found.less <= 0.035
    assert found.more <= most(20_000)


@pytest.mark.slow
@pytest.mark.parametrize(("p", "icc", "truth"), CLEAR)
def test_what_is_clear_is_decided_soon_and_rightly(p: float, icc: float, truth: float) -> None:
    """Half and twice the threshold: 95 % decided rightly, on average after at most twice the fixed n with that power.

    Ten replications are the first look, so a smaller fixed n counts as ten.
    """
    check_clear(p, icc, truth, 20_000)


@pytest.mark.parametrize("truth", [0.025, 0.1])
def test_clustered_breaks_are_decided_soon_too(truth: float) -> None:
    """The same in two thousand studies of the design that is clustered most."""
    check_clear(0.05, 0.01, truth, 2000)


def check_clear(p: float, icc: float, truth: float, studies: int) -> None:
    """Studies whose truth is far from the threshold."""
    found = decided(truth, icc, p, CAP, studies)
    assert (found.less if truth < p else found.more) >= 0.95
    assert found.replications <= 2 * max(FIRST, smallest_n(truth, icc, p))


def test_looking_at_95_percent_each_time_would_be_wrong_too_often() -> None:
    """What the levels are for: the same looks at 95 % each let the threshold pass in more than 6 % of the studies."""
    from unittest import mock

    from simsticky.study import looks

    with mock.patch.object(looks, "_levels", lambda at, error: (0.95,) * len(at)):
        assert decided(0.2, 0.005, 0.2, 160, 4000).less > 0.06
