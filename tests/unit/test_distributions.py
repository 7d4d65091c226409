"""The laws: moments, draws, length-biased draws, caps, short forms, refusals."""

import math

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from watched import WatchedGenerator

from simsticky.scenario.distributions import Constant, CountLaw, Law

LAW = TypeAdapter(Law)
SIZE = 200_000

FINITE = [
    ({"kind": "constant", "value": 3}, 3, 0),
    ({"kind": "uniform", "low": 1, "high": 4}, 2.5, 3 / math.sqrt(12)),
    ({"kind": "uniform", "low": 2, "high": 2}, 2, 0),
    ({"kind": "exponential", "mean": "7s"}, 7, 7),
    ({"kind": "lognormal", "mean": 3, "cv": 0.8}, 3, 2.4),
    (
        {"kind": "lognormal", "median": "40ms", "sigma": 0.6},
        0.04 * math.exp(0.18),
        0.04 * math.exp(0.18) * math.sqrt(math.expm1(0.36)),
    ),
    ({"kind": "gamma", "mean": 3, "cv": 0.5}, 3, 1.5),
    ({"kind": "gamma", "shape": 2.5, "scale": 2}, 5, math.sqrt(10)),
    (
        {"kind": "weibull", "shape": 0.7, "scale": 2},
        2 * math.gamma(1 + 1 / 0.7),
        2 * math.sqrt(math.gamma(1 + 2 / 0.7) - math.gamma(1 + 1 / 0.7) ** 2),
    ),
    ({"kind": "weibull", "shape": 1, "mean": 5}, 5, 5),
    ({"kind": "pareto", "alpha": 6, "minimum": 2}, 2.4, math.sqrt(6 / (25 * 4)) * 2),
    ({"kind": "pareto", "alpha": 6, "mean": 2.4}, 2.4, math.sqrt(6 / (25 * 4)) * 2),
    ({"kind": "geometric", "mean": 10}, 10, math.sqrt(90)),
    ({"kind": "geometric", "mean": 1}, 1, 0),
    ({"kind": "empirical", "values": ["1s", "3s"]}, 2, 1),
    ({"kind": "empirical", "values": [1, 4], "weights": [2, 1]}, 2, math.sqrt(2)),
]
CAPPED = [
    {"kind": "uniform", "low": 1, "high": 4, "cap": 2.5},
    {"kind": "exponential", "mean": 7, "cap": 70},
    {"kind": "exponential", "mean": 7, "cap": 2},
    {"kind": "lognormal", "mean": 3, "cv": 2, "cap": 10},
    {"kind": "lognormal", "mean": 3, "cv": 2, "cap": 1},
    {"kind": "gamma", "shape": 0.6, "scale": 2, "cap": 3},
    {"kind": "weibull", "shape": 0.5, "mean": 3, "cap": 2},
    {"kind": "pareto", "alpha": 1.5, "minimum": 1, "cap": 20},
    {"kind": "pareto", "alpha": 1, "minimum": 1, "cap": 20},
    {"kind": "pareto", "alpha": 0.8, "minimum": 1, "cap": 20},
    {"kind": "pareto", "alpha": 2, "minimum": 1, "cap": 20},
    {"kind": "pareto", "alpha": 2.5, "minimum": 3, "cap": 2},
]
INFINITE = [
    {"kind": "pareto", "alpha": 1.5, "mean": 3},
    {"kind": "pareto", "alpha": 2, "minimum": 3},
]


def _name(value):
    return "-".join(str(part) for part in value.values()) if isinstance(value, dict) else str(value)


@pytest.mark.parametrize(("written", "mean", "sd"), FINITE, ids=_name)
def test_mean_and_sd_are_the_closed_forms(written, mean, sd):
    """Each law states its exact mean and standard deviation."""
    law = LAW.validate_python(written)
    assert law.mean == pytest.approx(mean, rel=1e-12)
    assert law.sd == pytest.approx(sd, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("written", [case[0] for case in FINITE] + CAPPED, ids=_name)
def test_draws_have_the_stated_mean_and_sd(written):
    """Draws agree with the stated moments within 4 standard errors."""
    law = LAW.validate_python(written)
    drawn = law.sample(np.random.default_rng(11), SIZE)
    assert drawn.shape == (SIZE,)
    assert drawn.dtype == np.float64
    error = law.sd / math.sqrt(SIZE)
    assert abs(drawn.mean() - law.mean) <= 4 * error + 1e-12
    fourth = ((drawn - drawn.mean()) ** 4).mean()
    sd_error = math.sqrt(max(fourth - drawn.var() ** 2, 0) / SIZE) / (2 * drawn.std()) if drawn.std() else 0
    assert abs(drawn.std() - law.sd) <= 5 * sd_error + 1e-9


@pytest.mark.parametrize("written", [case[0] for case in FINITE] + CAPPED, ids=_name)
def test_length_biased_draws_have_the_mean_of_the_met_quantity(written):
    """The mean of length-biased draws is E[X^2] / E[X], the mean as met by a random instant."""
    law = LAW.validate_python(written)
    drawn = law.sample_length_biased(np.random.default_rng(12), SIZE)
    expected = (law.sd**2 + law.mean**2) / law.mean
    assert drawn.shape == (SIZE,)
    assert abs(drawn.mean() - expected) <= 4 * drawn.std() / math.sqrt(SIZE) + 1e-9


@pytest.mark.parametrize("written", CAPPED, ids=_name)
def test_length_biased_draws_of_a_capped_law_have_the_right_distribution(written):
    """The whole length-biased distribution agrees with reweighted plain draws, the atom at the cap included."""
    law = LAW.validate_python(written)
    plain = law.sample(np.random.default_rng(13), SIZE)
    biased = law.sample_length_biased(np.random.default_rng(14), SIZE)
    for x in np.quantile(plain, [0.1, 0.3, 0.5, 0.7, 0.9]):
        expected = plain[plain <= x].sum() / plain.sum()
        assert (biased <= x).mean() == pytest.approx(expected, abs=0.008)


@pytest.mark.parametrize("written", CAPPED, ids=_name)
def test_the_mean_of_a_capped_law_is_the_area_under_its_survival(written):
    """E[min(X, cap)] is the integral of P(X > x) up to the cap, whatever closed form gave it."""
    law = LAW.validate_python(written)
    steps = 50_000
    x = (np.arange(steps) + 0.5) * law.cap / steps
    area = sum(law._survival(point) for point in x) * law.cap / steps
    assert law.mean == pytest.approx(area, rel=1e-3)


@pytest.mark.parametrize("written", INFINITE, ids=_name)
def test_a_law_without_second_moment_says_so(written):
    """The standard deviation is infinite where there is none, so that a warning can be given."""
    law = LAW.validate_python(written)
    assert law.mean == pytest.approx(3 if "mean" in written else 6)
    assert law.sd == math.inf
    least = law.minimum or 1.0
    assert (law.sample_length_biased(np.random.default_rng(1), 1000) >= least).all()


def test_a_tight_cap_keeps_length_biased_draws_cheap():
    """A cap far below the mean takes few proposals, not hundreds a value."""

    class Counting:
        def __init__(self):
            self.rng, self.drawn = np.random.default_rng(5), 0

        def __getattr__(self, name):
            def call(*arguments):
                self.drawn += arguments[-1] if isinstance(arguments[-1], int) else 0
                return getattr(self.rng, name)(*arguments)

            return call

    counting = Counting()
    LAW.validate_python({"kind": "exponential", "mean": 100, "cap": 1}).sample_length_biased(counting, 10_000)
    assert counting.drawn < 60_000


@pytest.mark.parametrize("written", ["6s", 6, 6.0, "6", {"kind": "constant", "value": "6s"}])
def test_a_plain_duration_or_number_is_a_constant(written):
    """Anywhere a law is wanted, a constant can be written short."""
    assert LAW.validate_python(written) == Constant(value=6)


def test_zero_is_known_as_zero():
    """A delay of 0s is recognised, so that the model can skip it."""
    rng = np.random.default_rng(1)
    zero, none = LAW.validate_python("0s"), LAW.validate_python({"kind": "empirical", "values": [0, 0]})
    assert zero.is_zero
    assert none.is_zero
    assert not LAW.validate_python("1ns").is_zero
    assert not zero.sample_length_biased(rng, 3).any()
    assert not none.sample_length_biased(rng, 3).any()


@pytest.mark.parametrize("written", [case[0] for case in FINITE] + CAPPED + INFINITE, ids=_name)
def test_what_is_dumped_is_read_back(written):
    """A law's canonical form validates to the same law and keeps the parameters that were given."""
    law = LAW.validate_python(written)
    dumped = law.model_dump(mode="json", by_alias=True)
    assert set(dumped) == set(written)
    assert LAW.validate_python(dumped) == law


def test_the_same_generator_gives_the_same_draws():
    """Draws depend on the generator alone."""
    law = LAW.validate_python({"kind": "lognormal", "mean": 3, "cv": 2, "cap": 10})
    first = law.sample_length_biased(np.random.default_rng(9), 100)
    assert (first == law.sample_length_biased(np.random.default_rng(9), 100)).all()


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "lognormal", "mean": 3},
        {"kind": "lognormal", "mean": 3, "cv": 1, "sigma": 2},
        {"kind": "lognormal", "mean": 3, "sigma": 2},
        {"kind": "gamma", "mean": 3},
        {"kind": "weibull", "shape": 1},
        {"kind": "weibull", "shape": 1, "mean": 1, "scale": 1},
        {"kind": "pareto", "alpha": 3},
        {"kind": "pareto", "alpha": 1, "minimum": 1},
        {"kind": "pareto", "alpha": 1, "mean": 1, "cap": 5},
        {"kind": "uniform", "low": 3, "high": 2},
        {"kind": "exponential", "mean": 0},
        {"kind": "exponential", "mean": -1},
        {"kind": "exponential", "mean": float("nan")},
        {"kind": "exponential", "mean": 1, "cap": 0},
        {"kind": "lognormal", "median": 1, "sigma": 1e9},
        {"kind": "geometric", "mean": 0.5},
        {"kind": "geometric", "mean": 5, "cap": 3},
        {"kind": "empirical", "values": []},
        {"kind": "empirical", "values": [1, 2], "weights": [1]},
        {"kind": "empirical", "values": [1, 2], "weights": [0, 0]},
        {"kind": "empirical", "values": [1, 2], "weights": [1, float("inf")]},
        {"kind": "constant", "value": -1},
        {"kind": "normal", "mean": 1},
        {"mean": 1},
        {},
        [],
        None,
        True,
    ],
    ids=str,
)
def test_what_is_no_law_is_refused(written):
    """Parameters that are missing, contradictory or out of range never make a law."""
    with pytest.raises(ValidationError):
        LAW.validate_python(written)


def test_a_number_of_requests_has_no_unit():
    """A duration where a count is wanted is a slip, not a count."""
    counts = TypeAdapter(CountLaw)
    assert counts.validate_python(5).mean == 5
    for written in ("5s", {"kind": "geometric", "mean": "10m"}):
        with pytest.raises(ValidationError, match="number of requests"):
            counts.validate_python(written)


@pytest.mark.parametrize("given", [*(given for given, *_ in FINITE), *CAPPED, *INFINITE], ids=_name)
def test_no_draw_goes_through_a_function_that_rounds_by_the_processor(given):
    """Powers of draws are left to the C library."""
    law = LAW.validate_python(given)
    for draw in (law.sample, law.sample_length_biased):
        if draw == law.sample or math.isfinite(law.mean):
            assert len(draw(WatchedGenerator(), 100)) == 100
