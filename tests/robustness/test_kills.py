"""Sixty kills of the four verbs while their journals are part full: the same bytes come out in the end."""

import json
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from command_line import TINIEST, begun, simsticky

from simsticky.cli.main import main
from simsticky.errors import SimstickyError
from simsticky.scenario.reading.load import loads
from simsticky.study.journal import RECORDS, Journal
from simsticky.study.pool import LostWorkerError
from simsticky.study.replicate import replicate
from simsticky.study.runner import simulate_numbers

KILLS = 15
"""Of each verb."""

VERBS = {
    "run": ["run", "t.yaml", "--reps", "60"],
    "sweep": ["sweep", "t.yaml", "--vary", "deployment.preStop=0s,2s,5s", "--reps", "20"],
    "compare": ["compare", "t.yaml", "--with", "deployment.preStop=0s", "--reps", "30"],
    "recommend": [
        "recommend",
        "t.yaml",
        "--threshold",
        "broken_sessions < 60%",
        "--vary",
        "deployment.preStop=0s..5s",
        "--reps",
        "10",
    ],
}


def records(place):
    """Whole records of a journal."""
    path = place / RECORDS
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_killed_within_its_journal(tmp_path, verb):
    """Each kill comes when the journal has grown by a number of records that was drawn, and before it is whole."""
    luck = random.Random(verb)
    (tmp_path / "t.yaml").write_text(TINIEST)
    asked = [*VERBS[verb], "-q", "-o", "json", "-j", "2"]
    whole = simsticky(*asked, cwd=tmp_path)
    assert whole.returncode in (0, 3, 4), whole.stderr
    place, killed, studies = tmp_path / "study", 0, 0
    while killed < KILLS:
        if place.exists() and records(place) > 45:  # nearly whole: let it finish, and begin another one
            check(asked, place, whole, tmp_path)
            studies += 1
            place = tmp_path / f"study-{studies}"
        wanted = records(place) + luck.randint(1, 6)
        with begun(*asked, "--study", place, cwd=tmp_path) as process:
            while process.poll() is None and records(place) < wanted:
                time.sleep(0.005)
            if process.poll() is None:
                process.send_signal(luck.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)))
                killed += 1
        if process.returncode in (0, 3, 4):
            check(asked, place, whole, tmp_path)
            studies += 1
            place = tmp_path / f"study-{studies}"
    check(asked, place, whole, tmp_path)


def check(asked, place, whole, folder):
    """The study that goes on from there prints the bytes of the undisturbed one; nothing is simulated twice."""
    again = simsticky(*asked, "--study", place, cwd=folder)
    assert (again.returncode, again.stdout) == (whole.returncode, whole.stdout), again.stderr
    keys = [str(json.loads(line[17:])["key"]) for line in (place / RECORDS).read_text().splitlines()]
    assert len(keys) == len(set(keys))


def test_a_clock_that_goes_back(tmp_path, monkeypatch, capsys):
    """No figure and no journal hangs on the time of day."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(TINIEST)
    asked = ["run", "t.yaml", "--reps", "3", "-j", "1", "-q", "-o", "json"]
    assert main(asked) == 0
    whole = capsys.readouterr().out
    now = iter(range(2_000_000_000, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    assert main([*asked, "--study", "study"]) == 0
    assert capsys.readouterr().out == whole
    assert main([*asked, "--study", "study"]) == 0
    assert capsys.readouterr().out == whole


def test_a_journal_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    """A directory on a full disk: what is finished is kept, the error names the file, and the same command goes on."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(TINIEST)
    asked = ["run", "t.yaml", "--reps", "6", "-j", "1", "-q", "-o", "json", "--study", "study"]
    write, written = Journal._write, []

    def full(journal, line):
        written.append(line)
        if len(written) == 4:
            raise OSError(28, os.strerror(28))
        write(journal, line)

    monkeypatch.setattr(Journal, "_write", full)
    assert main(asked) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "No space left on device; 3 are kept in study" in told.err
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert main(asked) == 0
    assert len(json.loads(capsys.readouterr().out)["digests"]) == 6


def test_a_lost_worker_of_a_cluster(tmp_path):
    """When Dask says that a worker was killed, what is finished is kept and the error says so."""
    distributed = pytest.importorskip("distributed", reason="the extra distributed is not installed")
    scenario, done = loads(TINIEST), []

    def simulate(scenario, *, seed, replication):
        if len(done) == 3:
            raise distributed.scheduler.KilledWorker("task", "tcp://127.0.0.1:1", 3)
        done.append(replication)
        return simulate_numbers(scenario, seed=seed, replication=replication)

    with ThreadPoolExecutor(1) as threads, pytest.raises(SimstickyError, match="3 are kept in") as told:
        replicate(scenario, n=8, executor=threads, directory=tmp_path / "study", simulate=simulate)
    assert isinstance(told.value, LostWorkerError)
    assert records(tmp_path / "study") == 3
