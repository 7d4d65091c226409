"""The command line's contract: exit codes, what goes where, and what is written to disk."""

import csv
import importlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pandas as pd
import pytest
import stub_study
from command_line import command
from stub_study import StubScenario

from simsticky.cli import main as main_module
from simsticky.cli import run as run_module
from simsticky.cli import work as work_module
from simsticky.cli.console import warn
from simsticky.cli.main import main
from simsticky.errors import Diagnostic, InputError, InvariantError, SimstickyError
from simsticky.recording.record import Recording


class Scenario(StubScenario):
    """The stub with what only the command line asks for."""

    places: ClassVar = {}

    def evolve(self, changes, source=""):
        """A scenario that records more."""
        return self

    def to_json_dict(self):
        """The resolved scenario."""
        return {"name": self.name}


def simulate(scenario, *, seed, replication):
    """The stub's result with frames and a story."""
    result = stub_study.simulate(scenario, seed=seed, replication=replication)
    frame = pd.DataFrame({"time_s": [0.0, 1.5], "what": ["deleted", "killed"]})
    frames = dict.fromkeys(("sessions", "requests", "exposures", "pods", "load", "events"), frame)
    operations = pd.DataFrame({"operation": ["rollout app"], "broken": [result.summary["breaks"]]})
    story = ["600.0s rollout app begins", "630.0s app-1 is killed: 3 sessions break"]
    return SimpleNamespace(
        **{**vars(result), **frames, "operations": operations},
        replication=replication,
        story=lambda: story,
        recording=Recording(level="sessions", settle_s=0.0),
    )


@pytest.fixture
def stubbed(monkeypatch):
    """`simsticky run` on the stub, with the metrics of the stub."""
    for name in ("simsticky.cli.check", "simsticky.study.otherwise"):
        importlib.import_module(name)  # else it takes the stubs with it, for every test that comes after
    replicate = importlib.import_module("simsticky.study.replicate").replicate

    def with_stub_metrics(*arguments, **options):
        return replicate(*arguments, **options, metrics=stub_study.METRICS)

    monkeypatch.setattr("simsticky.study.replicate.replicate", with_stub_metrics)
    monkeypatch.setattr(run_module, "load_scenario", lambda file, changes, **_: Scenario())
    run_with(monkeypatch, simulate)
    monkeypatch.setattr(run_module, "_first", lambda study, _: simulate(study.scenario, seed=7, replication=0))


def run_with(monkeypatch, simulate):
    """Let `simsticky run` take its replications from somewhere else."""
    monkeypatch.setattr(run_module, "simulate_for", lambda *, verify: simulate)
    monkeypatch.setattr(work_module, "simulate_for", lambda *, verify: simulate)


def run(capsys, *arguments):
    """Exit code, standard output and standard error of `simsticky run`."""
    code = main(["run", "any.yaml", "--jobs", "1", "--reps", "12", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def fails_with(monkeypatch, error):
    """Let `simsticky run` end in an error."""

    def fail(file, changes, **_):
        raise error

    monkeypatch.setattr(run_module, "load_scenario", fail)


def in_a_process(code, **options):
    """Run Python code in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, **options)


def test_help_imports_nothing_heavy():
    """`simsticky --help` starts at once: no NumPy, pandas, SciPy, SimPy or pydantic, nothing that draws."""
    code = (
        "import sys\nfrom simsticky.cli.main import main\nassert main(['--help']) == 0\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'matplotlib', 'simpy', 'pydantic', 'ruamel', 'rich.console'}\n"
        "heavy = heavy & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = in_a_process(code)
    assert done.returncode == 0, done.stderr
    assert "explain" in done.stdout


LIGHT = ["-q", "--set", "traffic.sessions.rate=0.2/s", "--set", "run.horizon=20m"]
"""What makes a shipped scenario quick to simulate."""

SLOW_TO_IMPORT = {"pandas", "matplotlib", "scipy.stats", "scipy.optimize", "rich.console", "jinja2", "distributed"}


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (["run", "--reps", "1"], {"scipy"}),
        (["run", "--reps", "3", "-o", "json"], set()),
        (["compare", "--with", "deployment.preStop=1m", "--max-reps", "11"], set()),
        (["sweep", "--vary", "deployment.preStop=1m,2m", "--reps", "2"], set()),
    ],
)
def test_a_verb_loads_only_what_it_uses(arguments, more):
    """Libraries that take longer to import than a replication to simulate are for pages, frames and clusters.

    One replication has no interval, and so needs nothing of SciPy.
    """
    unwanted = SLOW_TO_IMPORT | more
    scenario = str(Path(__file__).parents[2] / "scenarios" / "scale_down.yaml")
    verb, *flags = arguments
    code = (
        f"import sys\nfrom simsticky.cli.main import main\nassert main({[verb, scenario, *flags, *LIGHT]!r}) == 0\n"
        f"loaded = {unwanted!r} & set(sys.modules)\nassert not loaded, loaded\n"
    )
    done = in_a_process(code)
    assert done.returncode == 0, done.stderr


def test_a_worker_is_forked_warm():
    """A worker imports nothing of ours, and none of the large libraries, for its first replication."""
    code = (
        "from simsticky.study import pool as execution\n"
        "from warm_worker import MESSAGE, first_replication, loaded\n"
        "if __name__ == '__main__':\n"
        "    with execution.workers(2) as where:\n"
        "        before = where.executor.submit(loaded).result()\n"
        "        print(sorted(where.executor.submit(first_replication, MESSAGE).result() - before))\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = in_a_process(code, env=env)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_help_lists_the_verbs(capsys):
    """Every verb and the common flags are in the help."""
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(verb in text for verb in ("run", "explain", "schema", "--version"))
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(flag in text for flag in ("--seed", "--reps", "--jobs", "--set", "--out", "--story", "--verify"))


def test_version(capsys):
    """`--version` is one line."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("simsticky ")


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["no-such-verb"], ["run", "a.yaml", "--reps", "0"], ["run", "a.yaml", "-o", "xml"], ["--nope"]],
)
def test_usage_errors_are_2(arguments, capsys):
    """A wrong command line is told on standard error and ends with 2."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err


def test_bad_input_is_2_with_one_line_each(monkeypatch, capsys):
    """All problems of a file are told, each with its place, and no traceback."""
    problems = [Diagnostic("a.yaml", 3, 5, "kic.drain", "unknown key", "did you mean enableDrainSupport?")]
    problems.append(Diagnostic("a.yaml", 9, 1, "run", "negative"))
    fails_with(monkeypatch, InputError(problems))
    code, out, err = run(capsys)
    assert (code, out) == (2, "")
    assert err.splitlines() == [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InvariantError("a dead container answered"), 70, "invariant violated: a dead container answered"),
        (SimstickyError("the disk is full"), 1, "error: the disk is full"),
        (RuntimeError("two\nlines"), 1, "internal error: RuntimeError: two lines (run again with"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_exit_codes(monkeypatch, capsys, error, code, message):
    """Every way to end has its own code; a bug of ours is one line and not a traceback."""
    fails_with(monkeypatch, error)
    ended, out, err = run(capsys)
    assert (ended, out) == (code, "")
    assert message in err
    assert "Traceback" not in err


def test_a_traceback_can_be_asked_for(monkeypatch, capsys):
    """SIMSTICKY_TRACEBACK=1 shows where an internal error came from."""
    monkeypatch.setenv(main_module.TRACEBACK, "1")
    fails_with(monkeypatch, RuntimeError("oops"))
    assert "Traceback" in run(capsys)[2]


@pytest.mark.usefixtures("stubbed")
def test_run_prints_a_table_and_ends_with_0(capsys, monkeypatch):
    """Data on standard output, warnings on standard error, 0 although a threshold is not met."""
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = run(capsys)
    assert code == 0
    assert "✗ broken_sessions" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert err == "warning: the rollout did not end (in 1 of 12 replications)\n"


@pytest.mark.usefixtures("stubbed")
def test_quiet_is_quiet(capsys):
    """-q leaves only the data."""
    assert run(capsys, "-q")[2] == ""


@pytest.mark.usefixtures("stubbed")
def test_json_is_the_same_to_the_byte(capsys):
    """The same seed gives the same bytes, another seed others."""
    first, again = run(capsys, "-o", "json")[1], run(capsys, "-o", "json")[1]
    assert first == again
    assert json.loads(first)["replications"] == 12
    assert run(capsys, "-o", "json", "--seed", "8")[1] != first


@pytest.mark.usefixtures("stubbed")
def test_csv_and_markdown(capsys):
    """Both carry the estimates."""
    rows = list(csv.DictReader(run(capsys, "-o", "csv")[1].splitlines()))
    assert rows[0]["metric"] == "broken_sessions"
    assert "| ✗ broken\\_sessions" in run(capsys, "-o", "markdown")[1]


@pytest.mark.usefixtures("stubbed")
def test_a_story_is_told(capsys):
    """The story follows the table, has a key in JSON, and is no CSV."""
    out = run(capsys, "--story")[1]
    assert out.index("thresholds not met") < out.index("  600.0s rollout app begins")
    assert json.loads(run(capsys, "--story", "-o", "json")[1])["story"][0] == "600.0s rollout app begins"
    assert "630.0s app-1" in run(capsys, "--story", "-o", "markdown")[1]
    assert run(capsys, "--story", "-o", "csv")[0] == 2


@pytest.mark.usefixtures("stubbed")
def test_verbose_lists_the_manifest_fields(capsys):
    """What was read from the manifests is one flag away."""
    assert "a.yaml:3: Deployment app: spec.replicas: 3" in run(capsys, "-v")[1]


@pytest.mark.usefixtures("stubbed")
@pytest.mark.parametrize(("name", "start"), [("a.json", "{"), ("a.csv", "metric,"), ("a.md", "**rolling")])
def test_out_file(capsys, tmp_path, name, start):
    """A file gets its format from its name; standard output stays as it is."""
    code, out, _ = run(capsys, "--out", str(tmp_path / name))
    assert code == 0
    assert "thresholds not met" in out
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.usefixtures("stubbed")
def test_out_directory(capsys, tmp_path):
    """A directory gets the frames of replication 0 and a summary that says what they are; it can be written again."""
    place = tmp_path / "frames"
    assert run(capsys, "--out", str(place))[0] == 0
    names = {path.name for path in place.iterdir()}
    frames = ("sessions", "requests", "exposures", "pods", "load", "events", "operations")
    assert names == {"summary.json", "study.json", *(f"{name}.csv" for name in frames)}
    assert (place / "events.csv").read_text() == "time_s,what\n0.0,deleted\n1.5,killed\n"
    summary = json.loads((place / "summary.json").read_text(encoding="utf-8"))
    assert summary["frames"]["replication"] == 0
    assert summary["scenario"]["resolved"] == {"name": "rolling"}
    assert place.stat().st_mode & 0o777 == 0o777 & ~_umask()
    (place / "notes.txt").write_text("mine")
    assert run(capsys, "--out", str(place), "--format", "parquet")[0] == 0
    assert pd.read_parquet(place / "events.parquet")["what"].tolist() == ["deleted", "killed"]
    assert not (place / "events.csv").exists(), "no frame of an earlier run stays beside the new ones"
    assert (place / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.usefixtures("stubbed")
def test_somebody_elses_directory_is_not_touched(capsys, tmp_path):
    """A directory with other files is refused before anything is simulated, unless forced."""
    (tmp_path / "thesis.txt").write_text("mine")
    code, out, err = run(capsys, "--out", str(tmp_path))
    assert (code, out) == (2, "")
    assert "--force" in err
    assert run(capsys, "--out", str(tmp_path), "--force")[0] == 0
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.usefixtures("stubbed")
@pytest.mark.parametrize("name", ["missing/a.json", "missing/frames", "a_file", "a_directory.json", "a.txt", "a.html"])
def test_out_that_cannot_be_is_2(capsys, tmp_path, name):
    """A place that cannot be written is told before a minute of simulation."""
    (tmp_path / "a_file").write_text("")
    (tmp_path / "a_directory.json").mkdir()
    code, out, err = run(capsys, "--out", str(tmp_path / name))
    assert (code, out) == (2, "")
    assert err.startswith("--out")


@pytest.mark.usefixtures("stubbed")
def test_a_full_disk_costs_the_file_and_not_the_numbers(capsys, tmp_path, monkeypatch):
    """The table is printed although the file could not be written; nothing half-written stays."""

    def full(*arguments, **options):
        raise OSError(28, "No space left on device", str(tmp_path / "a.json"))

    monkeypatch.setattr("pathlib.Path.replace", full)
    code, out, err = run(capsys, "-q", "--out", str(tmp_path / "a.json"))
    assert code == 1
    assert "thresholds not met" in out
    assert "No space left on device" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("stubbed")
def test_ctrl_c_is_130_and_says_how_far_it_came(capsys, monkeypatch):
    """Interrupted work says how many replications were finished."""
    run_with(monkeypatch, stub_study.interrupted_at_12)
    code, out, err = run(capsys, "--reps", "30")
    assert (code, out, err) == (130, "", "interrupted: 12 of 30 replications were finished\n")


def test_a_missing_file_is_bad_input(capsys, tmp_path):
    """A file that is not there is 2, without a traceback."""
    assert main(["run", str(tmp_path / "nowhere.yaml")]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err


def test_explain_names_the_nearest_metric(capsys):
    """`explain` prints a metric's definition, lists all, and helps with a typo."""
    assert main(["explain", "broken_sessions"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("broken_sessions\n")
    assert "broken_exposed_sessions ÷ exposed_sessions" in page
    assert "clumps" in page, "what a bound assumes where none is seen"
    assert main(["explain"]) == 0
    assert "failed_requests\n" in capsys.readouterr().out
    assert main(["explain", "broken_sesions"]) == 2
    assert "did you mean broken_sessions?" in capsys.readouterr().err


def test_schema_is_json(capsys):
    """`schema` prints a JSON schema that an editor can read."""
    assert main(["schema"]) == 0
    assert "properties" in json.loads(capsys.readouterr().out)


def test_a_reader_that_leaves_ends_the_tool_quietly():
    """`simsticky schema | head -1` prints no error."""
    code = f"set -o pipefail; {shlex.join(command('schema'))} | head -1"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "{\n"
    assert done.returncode in (0, 141), "0 when all was written before the reader left"


def test_many_warnings_are_cut_short(capsys):
    """A hundred warnings do not hide the table."""
    warn([f"w{number}" for number in range(100)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert "90 more" in lines[-1]


def test_warnings_that_nobody_reads_change_nothing():
    """`simsticky run ... 2>&1 | head` ends as if the warnings had been read."""
    read, write = os.pipe()
    os.close(read)
    code = "from simsticky.cli.console import warn; warn(['w1', 'w2'])"
    done = subprocess.run([sys.executable, "-c", code], stderr=write, check=False)
    os.close(write)
    assert done.returncode == 0


VERBS = (
    *("init", "run", "check", "compare", "sweep", "recommend", "report", "lint", "explain", "schema", "completion"),
)


@pytest.mark.parametrize("verb", VERBS)
def test_help_is_not_cut_at_80_columns(capsys, monkeypatch, verb):
    """No word of a help text is so long that a usual terminal ends it with an ellipsis."""
    monkeypatch.setenv("COLUMNS", "80")
    assert main([verb, "--help"]) == 0
    told = capsys.readouterr().out
    assert "Usage: simsticky" in told
    assert "…" not in told
