"""The directory of a study: what is finished is kept, what is damaged is no data, and nobody shares it."""

import errno
import json
import os
import subprocess
import sys

import pytest
import stub_study
from stub_study import METRICS, StubScenario

from simsticky.errors import InputError, SimstickyError
from simsticky.study.journal import RECORDS, STUDY, Journal
from simsticky.study.pool import Interrupted
from simsticky.study.replicate import replicate
from simsticky.study.store import Replication


class OtherScenario(StubScenario):
    """The same with another digest."""

    def digest(self):
        return "fedcba9876543210"


def study(n=20, seed=7, scenario=None, simulate=stub_study.simulate, **how):
    """A study of the stub."""
    return replicate(scenario or StubScenario(), n, seed, simulate=simulate, metrics=METRICS, **how)


def never(scenario, *, seed, replication):
    """Nothing is left to simulate."""
    raise AssertionError("it ran")


def replication(number):
    """One of the stub."""
    return Replication.of(stub_study.simulate(StubScenario(), seed=7, replication=number))


def test_a_finished_study_is_read_and_not_run_again(tmp_path):
    """The second run of the same command simulates nothing and prints the same bytes."""
    whole = study(directory=tmp_path / "s").to_json()
    assert whole == study().to_json()
    assert study(directory=tmp_path / "s", simulate=never).to_json() == whole


def test_more_replications_go_on_from_there(tmp_path):
    """Another number of replications is the same study: 20 of 30 are there."""
    study(20, directory=tmp_path / "s")
    asked = []

    def noted(scenario, *, seed, replication):
        asked.append(replication)
        return stub_study.simulate(scenario, seed=seed, replication=replication)

    assert study(30, directory=tmp_path / "s", simulate=noted).to_json() == study(30).to_json()
    assert asked == list(range(20, 30))
    assert study(5, directory=tmp_path / "s", simulate=never).to_json() == study(5).to_json()


def test_a_study_of_two_workers_is_the_same(tmp_path):
    """In which order replications finished is no part of the result."""
    assert study(directory=tmp_path / "s", jobs=2).to_json() == study().to_json()
    assert study(directory=tmp_path / "s", simulate=never).to_json() == study().to_json()


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(tmp_path):
    """Ctrl-C names the directory; the next run does only what is missing."""
    with pytest.raises(Interrupted) as caught:
        study(30, directory=tmp_path / "s", simulate=stub_study.interrupted_at_12)
    told = f"12 of 30 replications were finished; 12 are kept in {tmp_path / 's'}"
    assert str(caught.value) == f"{told}, and the same command goes on from there"
    assert len((tmp_path / "s" / RECORDS).read_bytes().splitlines()) == 12
    assert study(30, directory=tmp_path / "s").to_json() == study(30).to_json()


@pytest.mark.parametrize("cut", [1, 2, 40, 400])
def test_half_a_record_is_dropped_with_a_word(tmp_path, cut):
    """What a killed process was writing is no data; its replication is simulated again."""
    study(directory=tmp_path / "s")
    records = tmp_path / "s" / RECORDS
    records.write_bytes(records.read_bytes()[:-cut])
    told = []
    assert study(directory=tmp_path / "s", on_note=told.append).to_json() == study().to_json()
    assert len(told) == 1
    assert told[0].startswith("1 damaged record was dropped")
    assert len(records.read_bytes().splitlines()) == 20
    assert study(directory=tmp_path / "s", simulate=never, on_note=never).to_json() == study().to_json()


def test_a_changed_byte_is_noticed(tmp_path):
    """A number that the disk has changed is never read as data, wherever it is."""
    study(directory=tmp_path / "s")
    records = tmp_path / "s" / RECORDS
    lines = records.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"breaks":', b'"breaks":1', 1)
    records.write_bytes(b"".join(lines))
    with pytest.warns(RuntimeWarning, match="1 damaged record was dropped"):
        again = study(directory=tmp_path / "s")
    assert again.to_json() == study().to_json()


@pytest.mark.parametrize(
    ("how", "told"),
    [({"seed": 8}, "its seed is 7 and not 8"), ({"scenario": OtherScenario()}, "its scenario is 0123456789abcdef")],
)
def test_another_study_is_refused(tmp_path, how, told):
    """Numbers of another scenario or seed never get into a study."""
    study(directory=tmp_path / "s")
    with pytest.raises(InputError, match=told):
        study(directory=tmp_path / "s", **how)


def test_another_version_is_refused(tmp_path):
    """Another version may have other numbers."""
    study(directory=tmp_path / "s")
    said = tmp_path / "s" / STUDY
    said.write_text(json.dumps({**json.loads(said.read_text()), "simsticky": "0.0.9"}))
    with pytest.raises(InputError, match=r"its simsticky is 0\.0\.9"):
        study(directory=tmp_path / "s")
    said.write_text("{")
    with pytest.raises(InputError, match="is damaged"):
        study(directory=tmp_path / "s")


def test_somebody_elses_directory_is_not_touched(tmp_path):
    """A directory that holds other files, a file, and a place that is not there are refused."""
    (tmp_path / "thesis.txt").write_text("mine")
    for place, told in (
        (tmp_path, "no study"),
        (tmp_path / "thesis.txt", "is a file"),
        (tmp_path / "a/b", "there is no"),
    ):
        with pytest.raises(InputError, match=told):
            study(directory=place)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


HOLD = """
import sys
from simsticky.study.journal import Journal
with Journal(sys.argv[1], {"seed": 7}):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_runs_on_one_directory(tmp_path):
    """The second is refused while the first lives, and let in the moment it was killed."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "s")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as first:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="another run is working in"):
            Journal(tmp_path / "s", {"seed": 7})
        first.kill()
        first.wait()
        Journal(tmp_path / "s", {"seed": 7}).close()


@pytest.mark.parametrize("broken", ["write", "fsync"])
def test_a_full_disk_keeps_what_is_finished(tmp_path, monkeypatch, broken):
    """A disk that is full in the middle of a record ends the study in words; nothing half-written stays."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    write, wrote = Journal._write, []

    def write_half(self, line):
        wrote.append(line)
        if len(wrote) == 6:
            self._file.write(line[:100])
            raise full
        write(self, line)

    def no_sync(descriptor):
        if len(wrote) == 6:
            raise full

    monkeypatch.setattr(
        Journal, "_write", write_half if broken == "write" else lambda self, line: (wrote.append(1), write(self, line))
    )
    monkeypatch.setattr(os, "fsync", no_sync)
    with pytest.raises(SimstickyError, match="No space left on device; 5 are kept in"):
        study(directory=tmp_path / "s")
    monkeypatch.undo()
    told = []
    assert study(directory=tmp_path / "s", on_note=told.append).to_json() == study().to_json()
    assert told == []


def test_a_dead_worker_keeps_what_is_finished(tmp_path):
    """The error of a killed worker names what was kept."""
    with pytest.raises(SimstickyError, match=r"died after \d+ of 30 replications: .*; \d+ are kept in"):
        study(30, directory=tmp_path / "s", jobs=2, simulate=stub_study.dies_at_12)
    assert study(30, directory=tmp_path / "s").to_json() == study(30).to_json()


def test_a_record_is_read_back_without_loss(tmp_path):
    """Integers stay integers, floats keep every digit, missing stays missing."""
    with Journal(tmp_path / "s", {"seed": 7}) as journal:
        journal.add(("d", 7, 3), replication(3))
        assert journal.get(("d", 7, 3)) == replication(3)
    with Journal(tmp_path / "s", {"seed": 7}) as journal:
        assert ("d", 7, 3) in journal
        assert journal.get(("d", 7, 3)) == replication(3)
        assert len(journal) == 1
