"""Rates of arrivals as stages of k6: the sessions until any moment are those that the scenario's rate expects."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsticky.report.k6.arrivals import CHORDS, Arrivals, arrivals
from simsticky.scenario.traffic import Diurnal, Piecewise, Poisson
from simsticky.workload.arrivals import changed_rate, rate_profile


def expected(told: Arrivals) -> list[tuple[float, float]]:
    """Return the end of each stage, and the iterations that k6 starts until then: the area under its straight lines."""
    rates = [told.start_rate, *(stage.target for stage in told.stages)]
    areas = [
        stage.duration_s * (before + stage.target) / 2 / told.unit_s
        for before, stage in zip(rates, told.stages, strict=False)
    ]
    return list(zip(accumulate(stage.duration_s for stage in told.stages), accumulate(areas), strict=True))


def test_a_constant_rate_is_one_stage_after_the_warm_up() -> None:
    """4/s for a minute, held for 90 s before: whole in seconds, with the peak for the number of virtual users."""
    told = arrivals(Poisson(rate="4/s"), [], 60.0, 90.0)
    assert (told.unit_s, told.start_rate, told.peak) == (1, 4, 4.0)
    assert [(stage.duration_s, stage.target) for stage in told.stages] == [(90.0, 4), (60.0, 4)]


@pytest.mark.parametrize(
    ("rate", "unit_s", "target"),
    [("4/s", 1, 4), ("0.7/s", 10, 7), ("20/m", 60, 20), ("90/h", 600, 15), (1 / 7, 3600000, 514286)],
)
def test_the_unit_makes_rates_whole(rate: str | float, unit_s: int, target: int) -> None:
    """k6 takes whole numbers only: 0.7/s is 7 in 10 s, and not 1/s."""
    told = arrivals(Poisson(rate=rate), [], 60.0, 0.0)
    assert (told.unit_s, told.start_rate, told.stages[-1].target) == (unit_s, target, target)


def test_steps_are_jumps() -> None:
    """2/s, nobody, 1/s: a stage of no length between them, and none where nothing changes."""
    steps = [{"from": "0s", "rate": "2/s"}, {"from": "10s", "rate": 0}, {"from": "20s", "rate": "1/s"}]
    told = arrivals(Piecewise(steps=steps), [], 30.0, 0.0)
    stages = [(stage.duration_s, stage.target) for stage in told.stages]
    assert stages == [(10.0, 2), (0.0, 0), (10.0, 0), (0.0, 1), (10.0, 1)]


RATES = st.integers(0, 50)
TIMES = st.integers(1, 500)


@given(
    st.dictionaries(TIMES, RATES, max_size=5),
    st.lists(st.tuples(TIMES, st.sampled_from([0.0, 0.5, 1.0, 2.0])), max_size=4, unique_by=lambda change: change[0]),
    st.integers(1, 600),
)
def test_steps_and_changes_of_traffic_agree_with_the_rate_they_stand_for(
    steps: dict[int, int], changes: list[tuple[float, float]], end_s: int
) -> None:
    """At the end of each stage k6 has started as many as Λ says, whatever the steps and the timeline's changes."""
    stated = [{"from": at_s, "rate": rate} for at_s, rate in sorted({0: 3, **steps}.items())]
    sessions = Piecewise(steps=stated)
    profile = changed_rate(rate_profile(sessions), changes)
    told = arrivals(sessions, changes, float(end_s), 0.0)
    ends = expected(told)
    assert ends[-1][0] == pytest.approx(end_s)
    for at_s, started in ends:
        assert started == pytest.approx(profile.cumulate(at_s), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("amplitude", [0.2, 1.0])
def test_the_chords_of_a_daily_course_are_close_to_it(amplitude: float) -> None:
    """After a whole period the sessions agree to 0.01 %, and before to a quarter of a per cent of a period's."""
    sessions = Diurnal(mean="3/s", amplitude=amplitude, period="1h", peakAt="20m")
    profile = rate_profile(sessions)
    told = arrivals(sessions, [(600.0, 2.0), (1800.0, 1.0)], 7200.0, 0.0)
    changed = changed_rate(profile, [(600.0, 2.0), (1800.0, 1.0)])
    ends = expected(told)
    assert len(told.stages) == pytest.approx(2 * CHORDS, abs=4)
    assert ends[-1][1] == pytest.approx(changed.cumulate(7200.0), rel=1e-3)
    for at_s, started in ends:
        assert abs(started - changed.cumulate(at_s)) <= 0.0025 * 3600 * 3
