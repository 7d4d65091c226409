"""The line of sessions per pod in the terminal: it says what the load frame says, at any width."""

import io
import re

import numpy as np
import pytest
from shown import in_terminal
from small_scenario import small

import simsticky as ss
from simsticky.recording.record import Recording
from simsticky.report.render.lines import plain, write
from simsticky.report.render.terminal import render
from simsticky.report.sparkline import ABSENT, LEVELS, sparks
from simsticky.report.study import blocks, sparkline_figure


@pytest.fixture(scope="module")
def rolled():
    """A rolling update of three pods."""
    return ss.simulate(small())


def test_each_character_is_the_load_of_its_moment(rolled):
    """At every moment shown, the sessions are those of the load frame, and a pod without a container has a gap."""
    found = sparks(rolled.recording, 40)
    zero_s = rolled.operations["start_s"].iloc[0]
    times = np.linspace(found.start_s, found.end_s, 40) + zero_s
    assert len(found.pods) == len(rolled.pods)
    for spark, row in zip(found.pods, rolled.pods.itertuples(), strict=True):
        load = rolled.load[rolled.load["pod"] == row.pod]
        for at_s, sessions, character in zip(times, spark.sessions, found.line(spark), strict=True):
            runs = row.started_s <= at_s and not at_s >= row.dead_s
            assert (character == ABSENT) == (not runs)
            if runs:
                assert sessions == load.loc[load["time_s"] <= at_s, "sessions"].iloc[-1]


def test_the_fullest_pod_has_the_highest_character(rolled):
    """The scale is that of the fullest pod, the same for all pods."""
    found = sparks(rolled.recording, 40)
    fullest = max(found.pods, key=lambda spark: spark.most)
    assert LEVELS[-1] in found.line(fullest)
    least = min(found.pods, key=lambda spark: spark.most)
    assert least.most < fullest.most
    assert LEVELS[-1] not in found.line(least)


def test_the_most_is_the_same_at_every_width(rolled):
    """The number at the end of a line is the most that the load frame has in the time shown."""
    few, many = (sparks(rolled.recording, moments).pods for moments in (8, 60))
    assert [spark.most for spark in few] == [spark.most for spark in many]
    found = sparks(rolled.recording, 8)
    zero_s = rolled.operations["start_s"].iloc[0]
    for spark, row in zip(few, rolled.pods.itertuples(), strict=True):
        load = rolled.load[(rolled.load["pod"] == row.pod) & (rolled.load["time_s"] <= found.end_s + zero_s)]
        before = load["time_s"] <= found.start_s + zero_s
        shown = load[~before]["sessions"].tolist() + load[before]["sessions"].tolist()[-1:]
        assert spark.most == max(shown)


@pytest.mark.parametrize("width", [20, 26, 33, 40, 60, 80, 132])
def test_no_line_is_wider_than_the_terminal(rolled, width):
    """Lines fit, and every number stands whole on the line of its pod; where there is no room there is no drawing."""
    text = in_terminal([sparkline_figure(rolled.recording)], width)
    assert all(len(line) <= width for line in text.splitlines())
    if width < 26:
        assert text == ""
        return
    found = sparks(rolled.recording, 10)
    for spark in found.pods:
        assert re.search(rf"^  {spark.pod}  .*  \d+$", text, re.MULTILINE)


def test_many_pods_are_cut_short():
    """Of many pods the first are drawn, and the others counted."""
    result = ss.simulate(small(deployment__replicas=15))
    lines = in_terminal([sparkline_figure(result.recording)]).splitlines()
    assert len(lines) == 1 + 16 + 1
    assert lines[-1] == "  and 14 more pods; --report draws them all"


def test_a_recording_without_pods_has_no_lines():
    """Nothing to draw is no error."""
    assert in_terminal([sparkline_figure(Recording(level="sessions", settle_s=0.0))]) == ""


def test_the_table_shows_the_lines_above_its_notes(rolled):
    """The drawing is part of the table, in colour or plain, and a stream without Unicode gets letters it has."""
    study = ss.replicate(rolled.scenario, 2)
    lines = render(blocks(study, rolled.recording), 80)
    text = plain(lines)
    assert text.index("Sessions on each pod") < text.index("What a number means")

    class Ascii(io.StringIO):
        encoding = "ascii"

    stream = Ascii()
    write(lines, stream, color=False)
    assert stream.getvalue().isascii()
    assert "#" in stream.getvalue()
