"""Durations, rates, percentages and int-or-percent as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsticky.units import (
    format_duration,
    format_rate,
    parse_duration,
    parse_percentage,
    parse_rate,
    scaled_int_or_percent,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h30m", 5400.0),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("2us", 2e-6),
        ("2µs", 2e-6),
        ("2μs", 2e-6),
        ("7ns", 7e-9),
        (".5m", 30.0),
        ("1.m", 60.0),
        ("1m30s", 90.0),
        ("0", 0.0),
        ("0s", 0.0),
        ("+5s", 5.0),
        ("45", 45.0),
        (45, 45.0),
        (0.5, 0.5),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text, seconds):
    """Go's duration grammar, and a bare number as seconds, give the seconds they mean."""
    assert parse_duration(text) == pytest.approx(seconds, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1h!!30m", "30x", "1:30", "five", "s", "1 h", "1h 30m", "--3s", "1d", "1,5s", "٣s", True, None, [], {}],
)
def test_what_is_no_duration_is_refused(text):
    """Anything outside the grammar is an error, where a lenient reader would guess."""
    with pytest.raises(ValueError, match=r"duration|unit"):
        parse_duration(text)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), "1e999", 10**400, pytest.param(10**5000, id="5001 digits"), "9999999h", 1e12],
)
def test_a_duration_is_finite_and_fits_into_go(value):
    """NaN, infinities and numbers beyond Go's range never reach the clock."""
    with pytest.raises(ValueError, match=r"finite|out of range"):
        parse_duration(value)


def test_negative_durations_need_permission():
    """A negative duration is an error unless the caller allows it."""
    with pytest.raises(ValueError, match="must not be negative"):
        parse_duration("-3s")
    assert parse_duration("-3s", allow_negative=True) == -3.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (90, "1m30s"),
        (0.25, "250ms"),
        (3600, "1h"),
        (5400, "1h30m"),
        (1.5, "1.5s"),
        (0.0015, "1.5ms"),
        (2e-6, "2µs"),
        (2e-9, "2ns"),
        (-5, "-5s"),
        (float("inf"), "inf"),
    ],
)
def test_durations_are_shown_in_go_style(seconds, text):
    """Durations are shown as people write them."""
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=10**18))
def test_what_is_shown_is_read_back(nanoseconds):
    """A shown duration reads back to the nanosecond, so that reports can be pasted into scenarios."""
    seconds = nanoseconds / 1e9
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "per_second"),
    [("4/s", 4.0), ("120/min", 2.0), ("120/m", 2.0), ("10/h", 10 / 3600), ("1/d", 1 / 86400), (3, 3.0), ("5/10s", 0.5)],
)
def test_rates(text, per_second):
    """Rates are events per time, a bare number is per second."""
    assert parse_rate(text) == pytest.approx(per_second, rel=1e-15)


@pytest.mark.parametrize("text", ["", "4/x", "4 per s", "-1/s", -1, float("nan"), 10**400, True, None, "1/0s"])
def test_what_is_no_rate_is_refused(text):
    """Units we do not know, negative and infinite rates are errors."""
    with pytest.raises(ValueError, match=r"rate|zero"):
        parse_rate(text)


@pytest.mark.parametrize(("rate", "text"), [(4, "4/s"), (1 / 3, "20/min"), (10 / 3600, "10/h"), (0, "0/s")])
def test_rates_are_shown_short(rate, text):
    """A rate is shown in the unit that keeps it short."""
    assert format_rate(rate) == text


def test_percentages():
    """1% is 0.01; a number without the sign is no percentage."""
    assert parse_percentage("1%") == 0.01
    assert parse_percentage("0.1 %") == pytest.approx(0.001)
    with pytest.raises(ValueError, match="not a percentage"):
        parse_percentage("1")


@pytest.mark.parametrize(
    ("value", "total", "up", "down"),
    [("25%", 3, 1, 0), ("25%", 4, 1, 1), ("25%", 10, 3, 2), ("100%", 7, 7, 7), ("0%", 5, 0, 0), (3, 1, 3, 3)],
)
def test_int_or_percent_rounds_as_asked(value, total, up, down):
    """A maxSurge rounds up and maxUnavailable down; integers stay as they are."""
    assert scaled_int_or_percent(value, total, round_up=True) == up
    assert scaled_int_or_percent(value, total, round_up=False) == down


@pytest.mark.parametrize("value", ["oops", "3", "1.5%", "%", "", True, 1.5, None])
def test_what_is_neither_int_nor_percent_is_refused(value):
    """Kubernetes refuses a string without a percent sign, and so do we."""
    with pytest.raises(ValueError, match="neither an integer nor a percentage"):
        scaled_int_or_percent(value, 10, round_up=True)
