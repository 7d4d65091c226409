"""The connection meter: the most connects in one second, and times without a connection, after the settling."""

from collections import Counter

import pytest

from simsticky.recording.connection_meter import ConnectionMeter
from simsticky.recording.record import Recording
from simsticky.results.metrics import summarise


def meter(settle_s=10.0):
    recording = Recording(level="summary", settle_s=settle_s)
    counts = Counter()
    made = ConnectionMeter(recording.connections, settle_s, lambda key: counts.update([key]))
    return made, recording, counts


def test_the_peak_is_of_any_one_second_of_the_window():
    """Half-open spans: connects at 30.0 and 31.0 s are not within one second, those before the window never count."""
    made, recording, counts = meter()
    for at_s in (11.0, 11.1, 11.2, 11.3, 20.0):
        made.connect(at_s, again=False)
    made.start(30.0)
    for at_s in (30.0, 30.6, 31.0, 40.0, 40.5, 40.875):
        made.connect(at_s, again=True)
    assert recording.connections.peak == 3
    assert counts == {"connects": 11, "reconnects": 6}
    # Five in the 20 s between the settling and the window.
    assert summarise(recording, None)["reconnect_storm"] == pytest.approx(3 / (5 / 20))


def test_nothing_counts_before_the_settling():
    """Warm-up is left out: connects, losses, those that give up, and gaps that began in it."""
    made, recording, counts = meter()
    made.connect(9.0, again=True)
    made.lost(9.0)
    made.given_up(8.0, 9.0)
    made.regained(9.0, 12.0)
    assert not counts
    assert summarise(recording, None)["disconnected_mean_s"] is None


def test_gaps_have_mean_and_extremes():
    """Mean and longest are exact; without any gap there is nothing to tell, not 0 s."""
    made, recording, _ = meter()
    assert summarise(recording, None)["disconnected_longest_s"] is None
    for gap_s in (1.0, 2.0, 6.0):
        made.regained(20.0, 20.0 + gap_s)
    found = summarise(recording, None)
    assert found["disconnected_mean_s"] == pytest.approx(3.0)
    assert found["disconnected_p95_s"] == found["disconnected_longest_s"] == 6.0
