"""Comparisons of scenarios and of results from files, on numbers small enough to check."""

import json
from dataclasses import replace

import pytest
from drain_stub import simulate
from shown import as_csv, as_markdown, in_terminal
from small_scenario import small

from simsticky.cli.main import main
from simsticky.errors import InputError
from simsticky.report.comparison import blocks, data_of
from simsticky.study.compare import compare, compare_sides
from simsticky.study.replicate import replicate
from simsticky.study.sides import Side, changes_between


def windows(*stops, n=20, seed=1, **changes):
    """The stub's scenario with several preStop hooks, compared."""
    sides = {f"{stop}s": small(deployment__preStop=f"{stop}s", deployment__grace="10m", **changes) for stop in stops}
    return compare(sides, n, seed, simulate=simulate)


def side(name, stop, n=20, seed=1):
    """A result, as if read from a file."""
    scenario = small(deployment__preStop=f"{stop}s", deployment__grace="10m")
    return Side.of_study(name, replicate(scenario, n, seed, simulate=simulate))


def test_the_difference_is_of_the_second_less_the_first():
    """A longer window breaks fewer: the difference is negative and certain."""
    (contrast,) = windows(30, 60).contrasts("broken_sessions")
    interval = contrast.difference.interval
    assert interval.estimate == pytest.approx(contrast.other.interval.estimate - contrast.base.interval.estimate)
    assert interval.kind == "paired ratio t"
    assert interval.high < 0
    assert contrast.is_certain


def test_pairing_is_worth_what_the_shared_lives_make_it():
    """Common lives cut the variance of the difference; the same runs as independent ones leave it wider."""
    (paired,) = windows(30, 40).contrasts("broken_sessions")
    apart = compare_sides([side("a", 30), side("b", 40, seed=2)])
    (independent,) = apart.contrasts("broken_sessions")
    assert not apart.paired
    assert paired.difference.variance_ratio > 3
    widths = [c.difference.interval.high - c.difference.interval.low for c in (paired, independent)]
    assert widths[0] < widths[1] / 1.5
    assert any("compared as independent runs" in text for text in apart.warnings)


def test_several_differences_are_adjusted_together():
    """Of two comparisons each p-value is Holm's, and the least certain interval is no narrower than alone."""
    both = windows(30, 31, 60).contrasts("broken_sessions")
    (alone,) = windows(30, 31).contrasts("broken_sessions")
    assert [contrast.name for contrast in both] == ["31s", "60s"]
    assert both[1].p_adjusted >= both[1].difference.p_value
    assert both[1].difference.interval.level == pytest.approx(0.975)
    assert both[0].p_adjusted >= alone.p_adjusted


def test_the_frame_has_one_row_a_metric_and_scenario():
    """The frame is tidy: every metric of every scenario but the first, NaN where nothing was measured."""
    comparison = windows(30, 40, 50)
    frame = comparison.frame
    assert len(frame) == 2 * len(comparison.metrics)
    row = frame[(frame["metric"] == "broken_sessions") & (frame["scenario"] == "50s")].squeeze()
    assert row["low"] < row["difference"] < row["high"] < 0
    assert frame.loc[frame["metric"] == "latency_p99_s", "difference"].isna().all()


def test_settings_that_differ_are_named():
    """Only what differs is named, with its place."""
    (change,) = windows(30, 60).changes("60s")
    assert (change.path, change.before, change.after) == ("deployment.preStop.sleep", 30, 60)


def test_two_results_of_the_same_seed_are_paired_as_the_scenarios_are(tmp_path):
    """What run --out wrote compares to the same bytes of differences as the scenarios themselves."""
    files = []
    for stop in (30, 60):
        scenario = small(deployment__preStop=f"{stop}s", deployment__grace="10m")
        files.append(tmp_path / f"{stop}s.json")
        files[-1].write_text(replicate(scenario, 20, 1, simulate=simulate).to_json())
    read = compare_sides([Side.read(path, path.stem) for path in files])
    assert read.paired
    assert read.to_json_dict()["differences"] == windows(30, 60).to_json_dict()["differences"]
    assert read.changes("60s") == windows(30, 60).changes("60s")


def test_results_of_unequal_size_are_paired_as_far_as_they_go():
    """Twenty replications against twelve: the first twelve are paired, and that is said."""
    comparison = compare_sides([side("a", 30), side("b", 60, n=12)])
    (contrast,) = comparison.contrasts("broken_sessions")
    assert (comparison.n, contrast.difference.interval.used) == (12, 12)
    assert "a has 20 replications, b 12: the first 12 are paired" in comparison.warnings


def test_other_versions_and_definitions_are_warned_of():
    """Results that mean something else by a name are not compared in silence."""
    a, b = side("a", 30), side("b", 60)
    other = replace(b, version="0.0.1", definitions={**b.definitions, "broken_sessions": "something else"})
    warnings = compare_sides([a, other]).warnings
    assert any("version" in text and "0.0.1" in text for text in warnings)
    assert "broken_sessions: defined differently in a and b" in warnings
    assert compare_sides([a, b]).warnings == ()
    assert "a and b are the same scenario" in compare_sides([a, replace(a, name="b")]).warnings


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "is no JSON"), ("[]", "is no result"), ('{"values": {}, "estimates": {}, "schemaVersion": 99}', "99")],
)
def test_a_file_that_is_no_result_is_bad_input(tmp_path, capsys, text, says):
    """A broken, foreign or newer file is named, with exit 2."""
    path = tmp_path / "x.json"
    path.write_text(text)
    assert main(["compare", str(path), str(path)]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "x.json" in error


def test_a_regression_is_a_certain_change_for_the_worse():
    """Less drain is a regression of broken sessions, more is none, and neither is what hardly changes."""
    assert [contrast.metric.name for contrast in windows(60, 30).regressions()] == ["broken_any_cause"]
    assert windows(30, 60).regressions() == []
    assert compare_sides([side("a", 60), side("b", 60)]).regressions() == []


def test_the_comment_says_one_thing_and_folds_the_rest():
    """Markdown: one bold sentence with the cause, Previous, New, Difference, and the details folded."""
    text = as_markdown(blocks(windows(60, 30)))
    first = text.splitlines()[0]
    assert first.startswith("**✗ Broken sessions ")
    assert ", worse than 60s" in first
    assert first.endswith(": deployment.preStop.sleep 1m → 30s.**")
    assert "|  | previous | new | difference |" in text
    assert text.index("| broken sessions |") < text.index("<details>") < text.index("variance cut by pairing")
    assert text.rstrip().endswith("</details>")
    assert "points" in text


def test_no_certain_difference_is_said_in_the_first_sentence():
    """Two settings that nobody can tell apart get no headline of a change."""
    text = as_markdown(blocks(windows(60, 60.2, n=3)))
    assert text.startswith("**✓ Broken sessions ")
    assert "no difference that is certain" in text.splitlines()[0]
    assert "not worse than 60s" in text.splitlines()[0]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_table_fits(width):
    """No line is wider than the terminal."""
    text = in_terminal(blocks(windows(30, 40, 60)), width)
    assert max(map(len, text.splitlines())) <= width
    assert "the same in every replication" in text or width < 60


def test_csv_has_the_frames_columns():
    """CSV is the frame."""
    comparison = windows(30, 60)
    lines = as_csv(data_of(comparison)).splitlines()
    assert lines[0].split(",") == list(comparison.frame.columns)
    assert len(lines) == 1 + len(comparison.frame)


def test_one_scenario_is_no_comparison():
    """A comparison needs two."""
    with pytest.raises(InputError, match="two scenarios"):
        compare({"a": small()})


def test_an_unknown_metric_is_named():
    """A metric that is not there comes with the nearest one that is."""
    with pytest.raises(InputError, match="broken_sessions"):
        windows(30, 60).contrasts("broken_session")


SCENARIO = """
schema: simsticky/1
name: tiny
run: {settle: 1s, replications: 3, seed: 5, skewFloor: false}
traffic:
  sessions: {kind: poisson, rate: 3/s}
  requests: {kind: geometric, mean: 4}
  think: {kind: exponential, mean: 5s}
deployment: {replicas: 3, preStop: 5s}
upstream: {algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: id}}
kic: {enableDrainSupport: true}
timeline: [{at: 20s, scale: app, replicas: 2}]
"""


def test_the_command_compares_a_file_with_its_variants(tmp_path, capsys):
    """--with changes the only file; -o json carries the differences, --out writes the comment."""
    path = tmp_path / "tiny.yaml"
    path.write_text(SCENARIO)
    comment = tmp_path / "comment.md"
    argv = [
        "compare",
        str(path),
        "--with",
        "deployment.preStop=20s; deployment.grace=60s",
        "-o",
        "json",
        "-j",
        "1",
        "-q",
    ]
    assert main([*argv, "--out", str(comment)]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    names = [side["name"] for side in document["scenarios"]]
    assert names == [str(path), "deployment.preStop=20s; deployment.grace=60s"]
    (broken,) = [d for d in document["differences"] if d["metric"] == "broken_sessions"]
    assert broken["difference"]["value"] < 0
    assert err == ""
    assert comment.read_text().startswith("**")


def test_a_regression_fails_only_when_asked(tmp_path, capsys):
    """Comparing exits with 0 whatever it finds, and with 3 on a regression with --fail-on-regression."""
    path = tmp_path / "tiny.yaml"
    path.write_text(SCENARIO)
    argv = ["compare", str(path), "--with", "kic.enableDrainSupport=false", "-j", "1", "--reps", "20", "-q"]
    assert main(argv) == 0
    assert main([*argv, "--fail-on-regression"]) == 3
    assert f"worse than {path}" in capsys.readouterr().err


def test_files_are_named_by_their_paths(tmp_path, monkeypatch, capsys):
    """What lies in two directories under one name is told apart, and so are the lines that changed."""
    for folder, stop in (("before", "5s"), ("after", "20s")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tiny.yaml").write_text(SCENARIO.replace("preStop: 5s", f"preStop: {stop}"))
    monkeypatch.chdir(tmp_path)
    files = ["before/tiny.yaml", "after/tiny.yaml"]
    assert main(["compare", *files, "-j", "1", "-q", "--reps", "2", "-o", "markdown"]) == 0
    out = capsys.readouterr().out
    assert "before/tiny.yaml → after/tiny.yaml" in out
    assert "deployment.preStop.sleep 5s → 20s (after/tiny.yaml:9)" in out
    for file in files:
        assert main(["run", file, "-j", "1", "-q", "--reps", "2", "--out", file.replace("yaml", "json")]) == 0
    capsys.readouterr()
    results = [file.replace("yaml", "json") for file in files]
    assert main(["compare", *results, "-q", "-o", "json"]) == 0
    assert [side["name"] for side in json.loads(capsys.readouterr().out)["scenarios"]] == results


def test_without_stickiness_the_sentence_says_so(tmp_path, capsys):
    """From sticky sessions to least connections is a regression, for all that no session is exposed any more."""
    path = tmp_path / "tiny.yaml"
    path.write_text(SCENARIO)
    argv = ["compare", str(path), "--with", "upstream.algorithm=least-connections", "-j", "1", "--reps", "5", "-q"]
    assert main([*argv, "--fail-on-regression", "-o", "markdown"]) == 3
    told = capsys.readouterr()
    assert told.out.startswith("**✗ Stickiness is lost, broken by any cause ")
    assert "tickiness is lost" in told.err


def test_what_is_not_certain_fails_with_4(tmp_path, capsys):
    """Hardly a difference in three short replications: nobody can say that it is not worse."""
    path = tmp_path / "tiny.yaml"
    path.write_text(SCENARIO)
    argv = ["compare", str(path), "--with", "kic.proxySyncSeconds=3.1s", "-j", "1", "-q"]
    assert main(argv) == 0
    assert main([*argv, "--fail-on-regression"]) == 4
    assert "not certain whether it is worse" in capsys.readouterr().err


def test_a_result_of_older_definitions_is_refused_in_one_line(tmp_path, capsys):
    """Figures that meant something else by the same names are not compared."""
    path = tmp_path / "old.json"
    path.write_text('{"values": {}, "estimates": {}, "schemaVersion": 0}')
    assert main(["compare", str(path), str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "old.json" in line
    assert "older definitions" in line


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["compare", "tiny.yaml"], "two scenarios"),
        (["compare", "tiny.yaml", "--with", "kic.enableDrainSuport=false"], "did you mean"),
        (["compare", "tiny.yaml", "a.json"], "results from files"),
        (["compare", "tiny.yaml", "--with", "kic.enableDrainSupport=false", "--out", "x.txt"], ".md"),
        (["recommend", "tiny.yaml", "--threshold", "broken_session < 5%"], "broken_sessions"),
        (["recommend", "tiny.yaml"], "no threshold"),
        (["recommend", "tiny.yaml", "--threshold", "broken_sessions < 5%", "--vary", "preStop"], "no key=values"),
        (["recommend", "tiny.yaml", "--threshold", "broken_sessions < 5%", "--cost", "money"], "peak_pods"),
    ],
)
def test_wrong_use_is_exit_2(tmp_path, monkeypatch, capsys, argv, says):
    """Wrong paths, metrics and endings are named before anything is simulated."""
    (tmp_path / "tiny.yaml").write_text(SCENARIO)
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("bound", "stops", "most", "code"),
    [pytest.param("< 60%", "20s..22s", "40", 0, marks=pytest.mark.slow), ("< 1%", "0s..10s", "20", 3)],
)
def test_the_exit_code_of_recommend_says_whether_there_is_one(tmp_path, capsys, bound, stops, most, code):
    """0 when a setting is found, 3 when none can."""
    path = tmp_path / "tiny.yaml"
    path.write_text(SCENARIO)
    argv = ["recommend", str(path), "--threshold", f"broken_sessions {bound}", "--vary", f"deployment.preStop={stops}"]
    assert main([*argv, "--vary", "deployment.grace=preStop + 30s", "-j", "1", "--reps", most]) == code
    out = capsys.readouterr().out
    assert ("✓ pick" in out) == (code == 0)


def test_what_follows_from_users_units_is_no_change_of_its_own():
    """A comparison of two request rates names the rate that was stated, and not the laws it comes to."""
    base = small(traffic__requests=None, traffic__rps=20, traffic__session={"p50": "1m", "p95": "4m"})
    sides = [
        Side.of_study(name, replicate(base.evolve({"traffic.rps": rps}), 1, jobs=1))
        for name, rps in (("a", 2), ("b", 3))
    ]
    assert [change.path for change in changes_between(*sides)] == ["traffic.rps"]
