"""`simsticky` as a person runs it: a process, a file, a terminal, Ctrl-C."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from command_line import TINY, begun, called, command, simsticky, tiny_file

THRESHOLDS = 'thresholds: {broken_sessions: "< 99.9%", failed_requests: "< 5%"}\n'


@pytest.fixture
def tiny(tmp_path):
    """A rollout of two pods under light traffic."""
    return tiny_file(tmp_path, THRESHOLDS)


def test_run_prints_the_verdicts_first(tiny):
    """A run ends with 0, verdicts on top, plain text of the columns asked for, nothing but warnings beside it."""
    done = simsticky("run", tiny, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.match(r"(A|The|Only|About|No|Nothing|Operations) ", lines[0])
    assert any(line.startswith("tiny · 4 replications · seed 7") for line in lines[:6])
    (verdict,) = [number for number, line in enumerate(lines) if re.match(r"[✓✗?] ", line)]
    assert verdict < 12
    assert re.match(r"  [✓✗?] broken_sessions < 99\.9%", lines[verdict + 1])
    assert max(len(line) for line in lines if not line.startswith("  simsticky ")) <= 80  # a command is never wrapped
    assert "\x1b" not in done.stdout
    assert all(line.startswith("warning: ") for line in done.stderr.splitlines())


def test_nothing_is_wrapped_in_a_pipe(tiny):
    """Whoever greps finds whole lines: the sentence about a change, a warning's row, a note below a table."""
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    for arguments, line in (
        (("run", tiny, "-q"), r"< n: none seen; .* count as one\."),
        (("compare", tiny, "--with", "kic.enableDrainSupport=false", "-q"), r"✓ Broken sessions .* → .*, .* than .*"),
        (("explain", "broken_any_cause"), r"  Sessions that from the start .* are left out \(any_cause_left_out\)\."),
    ):
        done = subprocess.run(command(*arguments), capture_output=True, text=True, env=environment, check=True)
        assert any(re.fullmatch(line, found) for found in done.stdout.splitlines()), done.stdout


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_workers(tiny):
    """JSON is identical between two runs and between one worker and two, and differs with the seed."""
    run = ("run", tiny, "-o", "json", "--reps", 4)
    first = simsticky(*run, "--seed", 7, "--jobs", 1)
    assert first.returncode == 0, first.stderr
    assert simsticky(*run, "--seed", 7, "--jobs", 1).stdout == first.stdout
    assert simsticky(*run, "--seed", 7, "--jobs", 2).stdout == first.stdout
    assert simsticky(*run, "--seed", 8, "--jobs", 2).stdout != first.stdout


def test_set_changes_the_scenario(tiny):
    """--set reaches the model: with nothing on the timeline nothing is exposed."""
    done = called("run", tiny, "-o", "json", "--set", "timeline=[]", "--set", "run.until=5m")
    assert done.returncode == 0, done.stderr
    broken = json.loads(done.stdout)["estimates"]["broken_sessions"]
    assert broken["value"] is None
    assert not broken["numerator"]


def test_story_and_frames(tiny, tmp_path):
    """The story names the rollout; the directory holds the same replication in frames that agree with it."""
    frames = tmp_path / "frames"
    done = called("run", tiny, "-o", "json", "--story", "--out", frames, "--verify")
    assert done.returncode == 0, done.stderr
    assert any("rollout" in line for line in json.loads(done.stdout)["story"])
    summary = json.loads((frames / "summary.json").read_text(encoding="utf-8"))
    assert summary["frames"]["replication"] == 0
    assert summary["scenario"]["resolved"]["deployment"]["replicas"] == 2
    requests, operations = (pd.read_csv(frames / f"{name}.csv") for name in ("requests", "operations"))
    assert len(requests) > 100
    assert len(operations) == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("requests:", "requets:", "requests"),
        ("preStop: 5s", "preStop: -5s", "preStop"),
        ("rate: 0.5/s}", "rate: 0.5/s", "tiny.yaml:"),
        ("broken_sessions:", "broken_sesions:", "broken_sessions"),
        ("rollout: app", "rollout: ap", "app"),
    ],
)
def test_a_wrong_scenario_is_told_with_its_place(tiny, old, new, told):
    """A mistake in the file ends with 2, names file and line, prints no data and no traceback."""
    tiny.write_text((TINY + THRESHOLDS).replace(old, new))
    done = called("run", tiny)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert re.search(r"tiny\.yaml:\d+", done.stderr)
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_says_what_was_finished(tiny):
    """Ctrl-C during a long study ends with 130 and the number of finished replications, workers and all."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with begun("run", tiny, "--reps", 100_000, "--jobs", 2, **pipes) as process:
        time.sleep(3)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert re.fullmatch(r"(warning: this will take .*\n)?interrupted: \d+ of 100000 replications were finished\n", err)


def in_a_terminal(arguments, **environment):
    """Run `simsticky` in a terminal of 80 columns and return all that it showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update({"TERM": "xterm", "COLUMNS": "80", **environment})
        os.execv(sys.executable, command(*arguments))
    shown = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that the other side has gone
            break
        if not part:
            break
        shown += part
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    return shown.decode()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_single_simulation_shows_how_far_it_has_come(tiny):
    """Protects the wait for a long run: the bar tells the share of the simulated time, not 0 of 1."""
    shown = in_a_terminal(["run", tiny, "--reps", "1"])
    assert "of the simulated time" in shown
    assert "1/1" not in shown


def test_a_terminal_gets_colour_and_progress(tiny):
    """On a terminal there is a bar while it runs and colour after; NO_COLOR, --no-color and --no-progress are heard."""
    arguments = ["run", tiny, "--reps", "6", "--jobs", "1"]
    shown = in_a_terminal(arguments)
    assert "6/6" in shown
    assert "\x1b[1m" in shown
    plain = in_a_terminal([*arguments, "--no-progress"], NO_COLOR="1")
    assert "6/6" not in plain
    assert "\x1b" not in plain
    assert "\x1b" not in in_a_terminal([*arguments, "--no-progress", "--no-color"])
