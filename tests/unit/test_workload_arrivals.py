"""Arrival processes as one unit-rate process read through the inverse of the cumulated rate."""

from itertools import repeat

import numpy as np
import pytest
from watched import Watched

from simsticky.scenario.model import Traffic
from simsticky.workload.arrivals import (
    ConstantRate,
    DiurnalRate,
    RateProfile,
    StepRate,
    arrival_times,
    changed_rate,
    rate_profile,
)


def test_constant_rate() -> None:
    """At rate λ the time is the cumulated rate over λ; at rate 0 nobody comes."""
    assert ConstantRate(4.0).invert(np.array([1.0, 8.0])).tolist() == [0.25, 2.0]
    assert ConstantRate(0.0).invert(np.array([1.0])).tolist() == [np.inf]


def test_no_time_goes_through_a_function_that_rounds_by_the_processor() -> None:
    """Sines of phases are left to the C library."""
    cumulated = np.cumsum(np.random.default_rng(3).exponential(size=200)).view(Watched)
    for rate in (ConstantRate(4.0), StepRate([0.0, 10.0], [2.0, 1.0]), DiurnalRate(2.0, 0.9, 90.0, 20.0)):
        assert len(rate.invert(cumulated)) == 200


def test_steps_are_inverted_exactly() -> None:
    """Λ of steps 2/s, 0, 1/s is read back at hand-worked points; the empty step has no arrival (rule W1)."""
    profile = StepRate([0.0, 10.0, 20.0], [2.0, 0.0, 1.0])
    times = profile.invert(np.array([0.5, 19.0, 19.999, 20.5, 30.0]))
    assert times.tolist() == pytest.approx([0.25, 9.5, 9.9995, 20.5, 30.0])
    assert profile.rate_at(0.0) == 2.0


def test_a_rate_that_stays_zero_ends_the_arrivals() -> None:
    """After a last step of rate 0 the iterator ends, with the arrivals that still happened."""
    times = list(arrival_times(StepRate([0.0, 10.0], [30.0, 0.0]), np.random.default_rng(1), repeat(64)))
    assert 200 < sum(block.size for block in times) < 400
    assert max(block.max() for block in times) < 10.0


@pytest.mark.parametrize("amplitude", [0.0, 0.3, 0.9, 0.999, 1.0])
@pytest.mark.parametrize("peak_at_s", [0.0, 50_000.0])
def test_diurnal_rate_is_inverted(amplitude: float, peak_at_s: float) -> None:
    """Λ(Λ⁻¹(u)) = u to 1e-9 relative, also at amplitude 1 where the rate touches 0."""
    mean, period = 3.0, 86_400.0
    cumulated = np.cumsum(np.random.default_rng(2).exponential(50.0, 20_000))
    times = DiurnalRate(mean, amplitude, period, peak_at_s).invert(cumulated)
    w = 2 * np.pi / period
    back = mean * (times + amplitude / w * (np.sin(w * (times - peak_at_s)) + np.sin(w * peak_at_s)))
    assert np.all(np.diff(times) >= 0)
    assert np.max(np.abs(back / cumulated - 1)) < 1e-9


def test_diurnal_rate_at_zero() -> None:
    """λ(0) follows the place of the peak."""
    assert DiurnalRate(2.0, 0.5, 100.0, 0.0).rate_at(0.0) == pytest.approx(3.0)
    assert DiurnalRate(2.0, 0.5, 100.0, 50.0).rate_at(0.0) == pytest.approx(1.0)
    assert DiurnalRate(2.0, 0.5, 100.0, 25.0).rate_at(0.0) == pytest.approx(2.0)


@pytest.mark.parametrize(
    "rate", [ConstantRate(2.0), StepRate([0.0, 10.0, 20.0], [2.0, 0.0, 1.0]), DiurnalRate(2.0, 0.8, 100.0, 30.0)]
)
def test_every_rate_cumulates_to_what_it_inverts(rate: RateProfile) -> None:
    """Λ and Λ⁻¹ are each other's inverse wherever somebody may come."""
    times = rate.invert(np.array([0.5, 7.0, 19.0, 31.0]))
    assert [rate.cumulate(float(at_s)) for at_s in times] == pytest.approx([0.5, 7.0, 19.0, 31.0])
    assert rate.cumulate(0.0) == pytest.approx(0.0)
    for at_s in (3.0, 15.0, 27.0):  # λ is how fast Λ grows
        assert rate.rate_at(at_s) == pytest.approx((rate.cumulate(at_s + 1e-3) - rate.cumulate(at_s - 1e-3)) / 2e-3)


def test_changes_of_traffic_multiply_the_rate_and_keep_the_luck() -> None:
    """2/s doubled from 10 s on and stopped from 20 to 30 s: read back by hand, and untouched before the change.

    See rule O8.
    """
    rate = ConstantRate(2.0)
    changed = changed_rate(rate, [(30.0, 1.0), (10.0, 2.0), (20.0, 0.0)])
    times = changed.invert(np.array([1.0, 20.0, 24.0, 59.0, 61.0, 70.0]))
    assert times.tolist() == pytest.approx([0.5, 10.0, 11.0, 19.75, 30.5, 35.0])
    assert changed.cumulate(35.0) == pytest.approx(70.0)
    assert changed.rate_at(0.0) == 2.0
    assert changed_rate(rate, []) is rate
    assert changed_rate(rate, [(0.0, 3.0)]).rate_at(0.0) == 6.0


def test_traffic_that_stops_for_good_ends_the_arrivals() -> None:
    """A last factor of 0 is the end of all arrivals, also under a daily course."""
    stopped = changed_rate(DiurnalRate(2.0, 0.8, 100.0, 30.0), [(50.0, 0.0)])
    times = np.concatenate(list(arrival_times(stopped, np.random.default_rng(1), repeat(16))))
    assert times.max() < 50.0


def test_blocks_may_be_cut_anywhere() -> None:
    """Arrival times are the same to the last bit however they are cut into blocks."""
    profile = DiurnalRate(1.0, 0.8, 3_600.0, 600.0)
    cuts = [arrival_times(profile, np.random.default_rng(3), iter(sizes)) for sizes in ([600], [1, 99, 500])]
    whole, parts = (np.concatenate(list(blocks)) for blocks in cuts)
    assert whole.tolist() == parts.tolist()


def test_scenario_models_become_profiles() -> None:
    """The three open processes of the scenario file arrive here with their units."""

    def profile(sessions: dict[str, object]) -> object:
        return rate_profile(Traffic.model_validate({"sessions": sessions}).sessions)

    assert profile({"kind": "poisson", "rate": "120/min"}) == ConstantRate(2.0)
    steps = profile({"kind": "piecewise", "steps": [{"from": "0s", "rate": 1}, {"from": "1m", "rate": "10/s"}]})
    assert isinstance(steps, StepRate)
    assert steps.invert(np.array([60.0, 70.0])).tolist() == pytest.approx([60.0, 61.0])
    assert profile({"kind": "diurnal", "mean": 5, "amplitude": 0.5, "peakAt": "14h"}) == DiurnalRate(
        5.0, 0.5, 86_400.0, 50_400.0
    )
