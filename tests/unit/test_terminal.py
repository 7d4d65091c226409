"""What people read: numbers, rows, and a layout that no terminal breaks."""

import csv
import io
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from shown import as_csv, as_markdown, in_terminal
from small_scenario import small
from stub_study import METRICS, StubMetric, StubScenario, simulate

from simsticky.report.numbers import counted, duration, grouped, show
from simsticky.report.render.lines import plain, write
from simsticky.report.render.terminal import render
from simsticky.report.rows import sections
from simsticky.report.study import blocks, data_of, manifest_sections, story_section
from simsticky.scenario.report import ManifestNote, ManifestReport
from simsticky.stats.intervals import Interval, mean_count, share_interval
from simsticky.study.replicate import replicate


@pytest.fixture(scope="module")
def study():
    """Thirty replications of the stub."""
    return replicate(StubScenario(), 30, 7, simulate=simulate, metrics=METRICS)


def table(study, width=80):
    """The table as plain text with ordinary spaces."""
    return in_terminal(blocks(study), width).replace("\u202f", " ")


def line_of(text, label):
    """The only line with a label."""
    (line,) = [line for line in text.splitlines() if label in line]
    return line


@pytest.mark.parametrize(
    ("interval", "unit", "text"),
    [
        (Interval(0.3301, 0.3243, 0.3358), "share", "33.0 % [32.4, 33.6]"),
        (Interval(0.00012, 0.00008, 0.00017), "share", "0.012 % [0.008, 0.017]"),
        (Interval(1203.4, 1190.2, 1216.6), "count", "1 203 [1 190, 1 217]"),
        (Interval(5, 5, 5), "count", "5 [5, 5]"),
        (Interval(72.4, 69.1, 75.2), "seconds", "1m12s [1m09s, 1m15s]"),
        (Interval(3725.0, None, None), "seconds", "1h02m05s"),
        (Interval(0.0431, 0.0409, 0.0453), "seconds", "43 ms [41, 45]"),
        (Interval(1.4731, 1.4523, 1.4956), "ratio", "1.47 [1.45, 1.50]"),
        (Interval(None, None, None), "share", "–"),
        (Interval(0.0, None, None), "share", "none seen"),
        (Interval(0.342, None, None), "share", "34.2 %"),
    ],
)
def test_numbers_read_well(interval, unit, text):
    """A number is as long as its interval allows, with the units people use."""
    assert str(show(interval, unit)).replace("\u202f", " ") == text


def test_zero_seen_is_a_bound_and_never_zero_percent():
    """Nothing seen in 36 000 sessions is "< 0.052 %", rounded to the safe side."""
    interval = share_interval([0] * 30, [1200] * 30)
    shown = show(interval, "share").value
    assert shown == "< 0.052\u202f%"
    assert float(shown.strip("< %\u202f")) / 100 >= interval.high
    assert show(mean_count([0] * 30), "count").value == "< 0.62"


def test_all_broken_is_a_bound_too():
    """Everything broken is "> 99.89 %", below the true bound."""
    assert show(share_interval([600] * 30, [600] * 30), "share").value == "> 99.89\u202f%"


def test_a_value_is_never_rounded_to_zero():
    """A wide interval around a small value still shows the value."""
    assert show(Interval(0.004, 0.0, 0.4), "share").value == "0.4\u202f%"


def test_signs_and_thousands():
    """Differences carry their sign; a negative number has a minus and no hyphen."""
    assert str(show(Interval(0.31, 0.28, 0.34), "ratio", signed=True)) == "+0.31 [+0.28, +0.34]"
    assert grouped(-1203) == "−1\u202f203"
    assert duration(-72) == "−1m12s"


def test_verdicts_come_first(study):
    """The thresholds and their marks stand above every number."""
    text = table(study)
    assert text.index("✗ broken_sessions < 1%") < text.index("of exposed sessions")
    assert "✓ failed_requests < 0.1%" in text


def test_headlines_show_numerator_and_denominator(study):
    """At 80 columns both headlines say what was counted of what."""
    text = table(study)
    estimate = study.estimate("broken_sessions")
    counts = f"{estimate.numerator:,} of {estimate.denominator:,}".replace(",", " ")
    assert counts in line_of(text, "of exposed sessions")
    assert "none of 7 200 000" in line_of(text, "of requests sent")


def test_broken_sessions_and_failed_requests_are_never_one_row(study):
    """The two headlines have sections of their own, and so has what operations did not cause."""
    headings = [section.heading for section in sections(study)]
    assert [heading.split(":")[0] for heading in headings[:2]] == ["Broken sessions", "Failed requests"]
    assert "background, not above" in table(study)


def test_only_what_was_seen_has_a_row(study):
    """Mechanisms and failures that never happened take no line."""
    text = table(study)
    assert "target_removed" in text
    assert "502 bad gateway" not in text


def test_a_missing_end_is_told(study):
    """Three rollouts of thirty that did not end are not averaged away."""
    assert "in 27 of 30 runs" in line_of(table(study), "rollout done after")


@pytest.mark.parametrize("width", [20, 30, 47, 60, 79, 80, 100, 132, 200])
def test_nothing_is_wider_than_the_terminal(study, width):
    """No line is too long or ends in blanks, and no number is cut or wrapped, at any width."""
    text = table(study, width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert all(line == line.rstrip() for line in text.splitlines())
    assert not re.search(r"\d…", text)
    assert text.count("33.0 %") == 3
    assert text.count("[32.4, 33.6]") == 3
    assert re.search(r"11 714 of 35 494", text)


def test_definitions_show_where_there_is_room(study):
    """A wide terminal explains its numbers; a narrow one drops that first."""
    assert "whose state was on a deleted pod" not in table(study, 80)
    assert "Exposed sessions with at least one break" in table(study, 160)


def test_one_replication_promises_nothing():
    """One run shows numbers without intervals and judges nothing."""
    text = table(replicate(StubScenario(), 1, 7, simulate=simulate, metrics=METRICS))
    assert "1 replication ·" in text
    assert "[" not in text
    assert "? broken_sessions" in text


def test_without_an_operation_there_is_nothing_exposed():
    """No operation: the broken share is missing, not 0, and no end is waited for."""

    def quiet(scenario, *, seed, replication):
        result = simulate(scenario, seed=seed, replication=replication)
        changes = {"exposed_sessions": 0, "broken_exposed_sessions": 0, "alive_sessions": None, "breaks": 0}
        return SimpleNamespace(**{**vars(result), "summary": {**result.summary, **changes}})

    text = table(replicate(replace(StubScenario(), timeline=()), 5, 7, simulate=quiet, metrics=METRICS))
    assert "–" in line_of(text, "of exposed sessions")
    assert "done after" not in text


def test_operations_that_move_no_pod_have_no_end_of_pods(study):
    """A flap, a gateway's restart or a push is over with its time: no rollout is waited for, and no old pod."""
    timeline = small([{"at": "30s", "readinessFlap": "app", "for": "10s"}]).timeline
    text = table(replicate(replace(StubScenario(), timeline=timeline), 5, 7, simulate=simulate, metrics=METRICS))
    assert "done after" not in text
    assert "last old pod" not in text.split("Ends of the operations")[1]
    assert "peak pods" in text


def test_skew_is_told_with_its_excess(study):
    """Load skew shows what of it the operation added."""
    line = line_of(table(study), "sessions, serving")
    assert "1.47 " in line
    assert "excess +0.39" in line


def test_manifests_are_listed(study):
    """What was read and what ignored is one line, and a list when asked for."""
    assert "Manifests: 1 field read, 1 ignored" in table(study)
    text = in_terminal(manifest_sections(study.scenario.manifest_report))
    assert "  a.yaml:3: Deployment app: spec.replicas: 3\n" in text
    assert "Manifest fields ignored: 1\n" in text


def test_a_long_manifest_field_is_told_to_its_end():
    """Where the terminal is narrow a field goes on below itself: its name is what --verbose is asked for."""
    name = "spec.template.spec.containers.0.readinessProbe.periodSeconds"
    long = ManifestNote("scenarios/manifests/example-app.yaml", 28, f"Deployment example-app: {name}", "5")
    text = in_terminal(manifest_sections(ManifestReport(read=(long,))), 72)
    assert max(map(len, text.splitlines())) <= 72
    assert f"      {name}: 5\n" in text


def test_no_difference_is_zero():
    """Pods that did not change in number differ by 0; "none seen" is said of what was counted."""
    assert str(show(Interval(0.0, None, None), "count", signed=True)) == "0"


def test_a_story_keeps_to_the_width():
    """A long event goes on below itself."""
    text = in_terminal([story_section(["600.0s " + "pod app-1 is deleted; " * 8])], 60)
    assert max(map(len, text.splitlines())) <= 60


class Stream(io.StringIO):
    """A stream with an encoding."""

    encoding = "ascii"


def test_a_terminal_without_unicode_gets_ascii(study):
    """✗ must not turn into the ? of a threshold that is not certain."""
    stream = Stream()
    write(render(blocks(study), 80), stream, color=False)
    text = stream.getvalue()
    assert text.isascii()
    assert "x broken_sessions" in text
    assert "+ failed_requests" in text


def test_colour_changes_no_letter(study):
    """With the escape codes taken away the coloured table is the plain one."""
    stream = io.StringIO()
    write(render(blocks(study), 80), stream, color=True)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert "\x1b[" in stream.getvalue()
    assert [line.rstrip() for line in bare.splitlines()] == plain(render(blocks(study), 80)).splitlines()


def test_csv_has_every_metric_at_full_precision(study):
    """The CSV is for machines: one line a metric, shares as parts of 1, missing values empty."""
    rows = list(csv.DictReader(io.StringIO(as_csv(data_of(study)))))
    assert [row["metric"] for row in rows] == list(METRICS)
    by_name = {row["metric"]: row for row in rows}
    assert float(by_name["broken_sessions"]["value"]) == study.estimate("broken_sessions").interval.estimate
    assert by_name["load_skew.sessions.serving.cv"]["value"] == ""
    assert by_name["rollout_done_s"]["left_out"] == "3"


def test_markdown_says_what_the_terminal_says(study):
    """Markdown has the same rows, and no name of ours turns into emphasis or a cell border."""
    text = as_markdown(blocks(study))
    assert "| ✗ broken\\_sessions \\< 1% | 33.0\u202f% \\[32.4, 33.6] |" in text
    cells = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in cells} == {3, 4}  # thresholds, and numbers with counts


def test_an_unknown_part_is_shown_by_its_name():
    """A mechanism that the report has never heard of still gets its row."""
    metrics = {**METRICS, "mechanism.restarted": StubMetric("mechanism.restarted", "count")}

    def more(scenario, *, seed, replication):
        result = simulate(scenario, seed=seed, replication=replication)
        return SimpleNamespace(**{**vars(result), "summary": {**result.summary, "mechanism.restarted": 4}})

    assert "restarted" in table(replicate(StubScenario(), 3, 7, simulate=more, metrics=metrics))


def test_long_lived_connections_have_a_section_of_their_own():
    """The storm and the times without a connection are told where there are connections to lose, and nowhere else."""
    held = in_terminal(blocks(replicate(small(traffic__connections="long-lived", app__onSigterm="exit"), 2, jobs=1)))
    assert "Long-lived connections" in held
    assert "most connects in one second" in held
    assert "disconnected, longest" in held
    assert "Long-lived connections" not in in_terminal(blocks(replicate(small(), 1, jobs=1)))


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        *(("rollout", "rollouts"), ("crash", "crashes"), ("push", "pushes"), ("switch", "switches")),
        *(("canary", "canaries"), ("node loss", "node losses"), ("resume", "resumes"), ("delay", "delays")),
    ],
)
def test_nouns_have_their_plurals(noun, many):
    """Every operation is counted by its noun."""
    assert (counted(1, noun), counted(3, noun)) == (f"1 {noun}", f"3 {many}")
