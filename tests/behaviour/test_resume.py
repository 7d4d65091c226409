"""A study that is killed, starved or interrupted goes on from where it was, through the real command line."""

import json
import os
import random
import re
import resource
import signal
import subprocess
import time

import pytest
from command_line import begun, command, simsticky, tiny_file

KILLS = 3
"""Of each verb's study."""


@pytest.fixture
def tiny(tmp_path):
    """A rollout of two pods under light traffic."""
    return tiny_file(tmp_path)


def records(directory):
    """Replications that a directory holds."""
    path = directory / "replications.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def verbs(tiny):
    """A study of each kind, of some fifty replications."""
    return [
        ["run", tiny, "--reps", 60],
        [
            "sweep",
            tiny,
            "--vary",
            "deployment.preStop=0s,5s,10s",
            "--vary",
            "deployment.grace=preStop + 5s",
            "--reps",
            20,
        ],
        [
            "recommend",
            tiny,
            "--threshold",
            "broken_sessions < 60%",
            "--vary",
            "deployment.preStop=0s..1m",
            "--vary",
            "deployment.grace=preStop + 5s",
            "--reps",
            10,
        ],
        ["compare", tiny, "--with", "kic.enableDrainSupport=true", "--reps", 30],
    ]


@pytest.mark.slow
def test_kill_9_at_random_moments(tiny, tmp_path):
    """Killed without a chance to tidy up and started again, a study ends with the bytes of an undisturbed one.

    Each verb's study is killed three times over, some time after it has kept something more, and nothing is simulated
    twice.
    """
    luck = random.Random(20)
    for number, verb in enumerate(verbs(tiny)):
        place = tmp_path / f"study-{number}"
        arguments = [*verb, "-q", "-o", "json", "--jobs", 2, "--study", place]
        for _ in range(KILLS):
            before = records(place)
            with begun(*arguments) as killed:
                while records(place) == before and killed.poll() is None:
                    time.sleep(0.02)
                time.sleep(luck.uniform(0, 0.3))
                killed.kill()
                killed.wait()
        again = simsticky(*arguments)
        assert again.returncode in (0, 3, 4), again.stderr
        whole = simsticky(*arguments[:-2])
        assert again.returncode == whole.returncode, again.stderr
        assert again.stdout == whole.stdout, verb[0]
        lines = (place / "replications.jsonl").read_text().splitlines()
        keys = [str(json.loads(line[17:])["key"]) for line in lines]  # behind the checksum
        assert len(keys) == len(set(keys))


@pytest.mark.slow
def test_a_killed_study_leaves_no_worker_behind(tiny, tmp_path):
    """Workers of a killed study end by themselves instead of waiting for ever."""
    process = begun("run", tiny, "--reps", 100_000, "--jobs", 2, "--study", tmp_path / "s")
    with process:
        while records(tmp_path / "s") < 3:
            time.sleep(0.05)
        process.kill()
        process.wait()
    deadline = time.monotonic() + 20
    while is_alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(process.pid)


@pytest.mark.slow
def test_a_killed_worker_is_told_and_what_is_finished_is_kept(tiny, tmp_path):
    """A worker that the kernel kills ends the study with 1 in one sentence, and the same command goes on from there."""
    place = tmp_path / "s"
    arguments = ["run", tiny, "--reps", 300, "-q", "-o", "json", "--jobs", 2]
    with begun(*arguments, "--study", place, stderr=subprocess.PIPE) as process:
        while records(place) < 3:
            time.sleep(0.02)
        worker = next(child for server in children(process.pid) for child in children(server))
        os.kill(worker, signal.SIGKILL)
        err = process.stderr.read()
    assert process.returncode == 1
    told = r"error: a worker process died after \d+ of 300 replications: .*; (\d+) are kept in .*\n"
    assert re.fullmatch(told, err), err
    assert 3 <= records(place) < 300
    again = simsticky(*arguments, "--study", place)
    assert again.stdout == simsticky(*arguments).stdout


def children(process):
    """The processes that a process has started and that still run."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return [int(child) for child in listed.stdout.split()]


def is_alive(group):
    """Whether a process group has a process left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_says_how_to_go_on(tiny, tmp_path):
    """Ctrl-C ends with 130, keeps what is finished and names the directory; the same command goes on from there."""
    place = tmp_path / "s"
    with begun("run", tiny, "--reps", 30, "--jobs", 2, "--study", place, stderr=subprocess.PIPE) as process:
        while records(place) < 3:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        err = process.stderr.read()
    assert process.returncode == 130
    told = re.fullmatch(r"interrupted: (\d+) of 30 replications were finished; (\d+) are kept in (.*), and .*\n", err)
    assert told, err
    assert told[1] == told[2] == str(records(place))
    assert told[3] == str(place)
    again = simsticky("run", tiny, "--reps", 30, "-q", "-o", "json", "--study", place)
    assert again.stdout == simsticky("run", tiny, "--reps", 30, "-q", "-o", "json").stdout


@pytest.mark.slow
def test_a_full_disk_is_told_and_what_is_finished_is_kept(tiny, tmp_path):
    """When no more can be written the study ends with 1 in one sentence, and goes on once there is room again."""
    place = tmp_path / "s"
    arguments = ["run", tiny, "--reps", 12, "--jobs", 1, "-q", "-o", "json", "--study", place]

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    full = subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, timeout=300, preexec_fn=little_room
    )
    assert (full.returncode, full.stdout) == (1, "")
    told = (
        r"error: cannot use .*replications\.jsonl: File too large; \d+ are kept in .*, and the same command goes on.*\n"
    )
    assert re.fullmatch(told, full.stderr), full.stderr
    assert 0 < records(place) < 12
    again = simsticky(*arguments)
    assert again.stdout == simsticky(*arguments[:-2]).stdout
    assert again.stderr == "", "a record that did not fit is not there by halves"


def test_two_runs_on_one_directory(tiny, tmp_path):
    """The second run is refused with 2 while the first works."""
    place = tmp_path / "s"
    with begun("run", tiny, "--reps", 100_000, "--jobs", 1, "--study", place) as first:
        while records(place) < 1:
            time.sleep(0.05)
        second = simsticky("run", tiny, "--study", place)
        first.kill()
        first.wait()
    assert second.returncode == 2
    assert "another run is working in" in second.stderr


def test_another_scenario_is_refused(tiny, tmp_path):
    """A directory is not mixed up between scenarios or seeds."""
    place = tmp_path / "s"
    assert simsticky("run", tiny, "--reps", 2, "--study", place).returncode == 0
    for change in (["--set", "deployment.preStop=6s"], ["--seed", 8]):
        refused = simsticky("run", tiny, "--reps", 2, "--study", place, *change)
        assert refused.returncode == 2
        assert "is of another study" in refused.stderr


@pytest.mark.slow
def test_a_scheduler_that_is_not_there(tiny):
    """Nobody at the address is 1 and a sentence, within seconds."""
    pytest.importorskip("distributed", reason="the extra distributed is not installed")
    done = simsticky("run", tiny, "--scheduler", "tcp://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no scheduler answers at tcp://127.0.0.1:9")
    assert simsticky("run", tiny, "--scheduler", "127.0.0.1:9").returncode == 2
