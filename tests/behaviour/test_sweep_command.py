"""`simsticky sweep` and `--precision` as a person runs them."""

import csv
import io
import json
import re

import pandas as pd
import pytest
from command_line import called, simsticky, tiny_file

MORE = 'kic: {enableDrainSupport: true}\nthresholds: {broken_sessions: "< 80%"}\n'
GRID = ["--vary", "deployment.preStop=0s,20s", "--vary", "deployment.grace=preStop + 10s"]


@pytest.fixture
def tiny(tmp_path):
    """A rollout of two pods under light traffic, drain support on."""
    return tiny_file(tmp_path, MORE)


def test_a_grid_is_a_table(tiny):
    """A sentence, then a row a point with its verdict, followers worked out, 80 columns, nothing but data on standard
    output.
    """
    done = called("sweep", tiny, *GRID, "--reps", 6, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    sentence, _, rest = done.stdout.partition("\n\n")
    assert sentence.startswith("None of 2 points is certainly better than the scenario as it is, which breaks")
    lines = rest.splitlines()
    assert lines[0].startswith("tiny · 2 points · 6 replications each · seed 7")
    assert lines[2].split()[:2] == ["preStop", "grace"]
    assert lines[3].split()[:3] == ["5s", "10s", "?"]  # the scenario as it is
    assert lines[4].split()[1:4] == ["0s", "10s", "✗"]
    assert lines[5].split()[1:3] == ["20s", "30s"]
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_wide_grid_stays_a_table(tiny, columns):
    """Four settings and five metrics: every point keeps a row with its settings and values, cut by no line."""
    vary = ("deployment.replicas=2,3", "kic.proxySyncSeconds=1,3", "kic.enableDrainSupport=true", "gateway.nodes=1,2")
    metrics = ("broken_sessions", "broken_any_cause", "failed_requests", "last_old_pod_gone_s", "peak_pods")
    arguments = [word for setting in vary for word in ("--vary", setting)]
    arguments += [word for metric in metrics for word in ("--metric", metric)]
    done = called("sweep", tiny, *arguments, "--reps", 2, "-q", COLUMNS=str(columns))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    tables = sum("Drain" in line for line in lines)
    rows = [line.split() for line in lines if re.match(r"[+=−?] .*\btrue\b", line)]
    assert len(rows) == 8 * tables
    assert {tuple(row[1:5]) for row in rows} == {
        (replicas, sync, "true", nodes) for replicas in "23" for sync in ("1s", "3s") for nodes in "12"
    }
    assert done.stdout.replace("\n", " ").count("peak") == 1


@pytest.mark.slow
def test_the_bytes_are_the_same_on_any_number_of_workers(tiny, tmp_path):
    """JSON is identical on one worker, on two, and from the directory of a finished study."""
    arguments = ["sweep", tiny, *GRID, "--reps", 3, "-q", "-o", "json"]
    alone = simsticky(*arguments, "--jobs", 1)
    assert alone.returncode == 0, alone.stderr
    assert simsticky(*arguments, "--jobs", 2, "--study", tmp_path / "s").stdout == alone.stdout
    assert simsticky(*arguments, "--study", tmp_path / "s").stdout == alone.stdout
    points = json.loads(alone.stdout)["points"]
    assert [point["settings"] for point in points] == [
        {"deployment.preStop": "0s", "deployment.grace": "10s"},
        {"deployment.preStop": "20s", "deployment.grace": "30s"},
    ]


def test_set_may_follow_what_is_varied(tiny):
    """A --set value that names a varied setting follows it; any other holds for all points."""
    follows = ["--vary", "deployment.preStop=0s,20s", "--set", "deployment.grace=preStop + 10s"]
    done = called("sweep", tiny, *follows, "--set", "kic.proxySyncSeconds=1", "--reps", 2, "-q", "-o", "csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {(row["deployment.preStop"], row["deployment.grace"]) for row in rows} == {("0.0", "10.0"), ("20.0", "30.0")}


@pytest.mark.parametrize("suffix", ["json", "csv", "parquet", "md"])
def test_files(tiny, tmp_path, suffix):
    """The name of a file says what goes into it; standard output stays a table."""
    place = tmp_path / f"grid.{suffix}"
    done = called("sweep", tiny, *GRID, "--reps", 2, "-q", "--out", place)
    assert done.returncode == 0, done.stderr
    assert "\ntiny · 2 points" in done.stdout
    if suffix == "parquet":
        assert set(pd.read_parquet(place)["point"]) == {0, 1}
    else:
        assert place.read_text(encoding="utf-8").startswith(
            {"json": "{", "csv": "point,", "md": "**None of 2 points"}[suffix]
        )


def test_a_tornado(tiny):
    """The setting that moves the metric most comes first: preStop, not the sync period."""
    ranges = ["--vary", "kic.proxySyncSeconds=1s..5s", "--vary", "deployment.preStop=0s..1m"]
    follow = ["--vary", "deployment.grace=preStop + 10s"]
    done = called("sweep", tiny, "--tornado", *ranges, *follow, "--reps", 4, "-q", "-o", "json")
    assert done.returncode == 0, done.stderr
    bars = json.loads(done.stdout)["bars"]
    assert [bar["setting"] for bar in bars] == ["deployment.preStop", "kic.proxySyncSeconds"]
    assert bars[0]["swing"]["high"] < 0
    table = called("sweep", tiny, "--tornado", *ranges, *follow, "--reps", 4, "-q", COLUMNS="80").stdout
    assert table.startswith("What moves broken sessions")
    assert max(map(len, table.splitlines())) <= 80


def test_sobol_indices_are_printed(tiny):
    """A Saltelli design says which share of the variance a setting brings about."""
    ranges = ["--vary", "deployment.preStop=0s..1m", "--vary", "deployment.grace=preStop + 10s"]
    done = called("sweep", tiny, *ranges, "--design", "saltelli", "--samples", 2, "--reps", 2, "-q")
    assert done.returncode == 0, done.stderr
    assert "6 points (saltelli)" in done.stdout
    assert "with all others" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--vary", "deployment.preStp=0s,1s"], "did you mean deployment.preStop?"),
        (["--vary", "deployment.preStop=0s,1x"], "--vary deployment.preStop: '1x' has no unit we know"),
        (["--vary", "deployment.preStop=1s", "--vary", "deployment.grace=preStp + 1s"], "did you mean preStop?"),
        (["--vary", "deployment.preStop=0s..1m"], "a grid needs values"),
        (["--vary", "deployment.preStop"], "is not a setting"),
        (["--vary", "deployment.preStop=1s", "--vary", "deployment.preStop=2s"], "is varied twice"),
        ([*GRID, "--metric", "broken_sesions"], "did you mean broken_sessions?"),
        ([*GRID, "--design", "latin"], "no design 'latin'"),
        ([*GRID, "--out", "grid.xlsx"], "no ending that says what to write"),
        ([*GRID, "--tornado", "-o", "csv"], "a tornado is no CSV"),
        ([], "--vary"),
    ],
)
def test_wrong_paths_and_units_are_2(tiny, arguments, told):
    """What a person wrote wrong ends with 2 before anything runs, with the nearest right thing."""
    done = called("sweep", tiny, *arguments, COLUMNS="200")
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert told in done.stderr


def test_run_to_a_precision(tiny):
    """The table says after how many replications it stopped and why; at the most allowed there is a warning."""
    reached = called("run", tiny, "--precision", "20%")
    assert reached.returncode == 0, reached.stderr
    assert "\ntiny · 10 replications" in reached.stdout
    assert "Stopped after 10 replications: broken_sessions to ± 20 percentage points is" in reached.stdout
    capped = called("run", tiny, "--precision", "1% relative", "--max-reps", 12)
    assert capped.returncode == 0
    assert "warning: Stopped after 12 replications, the most allowed" in capped.stderr
    for wrong in (["--precision", "1%", "--reps", 5], ["--max-reps", 50], ["--precision", "5m"]):
        assert called("run", tiny, *wrong).returncode == 2
