"""Standard streams, places and signals as a shell can leave them: the answer comes through, or a clear error does."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import PROGRAM, TINIEST, begun

RUN = "simsticky run t.yaml -q -j 1 --reps 1"
SIMSTICKY = f'simsticky() {{ {shlex.join(PROGRAM)} "$@"; }}\n'


def shell(line, folder, **environment):
    """Run a line of bash in a folder that holds ``t.yaml``; return what it printed, and how it ended."""
    (folder / "t.yaml").write_text(TINIEST)
    env = {**os.environ, "PYTHONSAFEPATH": "1", **environment}
    script = f"set -o pipefail\n{SIMSTICKY}{line}"
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, timeout=300, check=False)
    out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    assert "Traceback" not in err, err
    assert "internal error" not in err, err
    assert "Exception ignored" not in err, err
    return done.returncode, out, err


@pytest.mark.quick_cases(6)
@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        (f"{RUN} 2>&-", 0, "tiny · 1 replication", ""),
        (f"{RUN} --out x.json 2>&-; cat x.json", 0, '"schemaVersion"', ""),
        (f"{RUN} 2>/dev/full", 0, "tiny · 1 replication", ""),
        (f"{RUN} >&-", 1, "", "error: standard output is closed"),
        (f"{RUN} --out x.json >&-; grep -c schemaVersion x.json", 0, "1", "standard output is closed"),
        (f"{RUN} >/dev/full", 1, "", "error: cannot write standard output: No space left on device"),
        (f"{RUN} -o json >/dev/full", 1, "", "error: cannot write standard output: No space left on device"),
        ("simsticky --help >/dev/full", 1, "", "error: cannot write standard output: No space left on device"),
        ("simsticky --help | head -1 >/dev/null", None, "", ""),
        (f"{RUN} -o json | head -1", None, "{", ""),
        ("simsticky run no.yaml 2>&1 | head -1", 2, "no.yaml: no such file", ""),
        (f"{RUN} 0<&-", 0, "tiny", ""),
        ("simsticky run - <t.yaml -q -j 1 --reps 1", 0, "tiny", ""),
        ("simsticky run - -q 0<&-", 2, "", "<stdin>"),
        ("mkdir gone && cd gone && rmdir ../gone && simsticky --version", 0, "simsticky", ""),
        (f'mkdir gone && P="$PWD" && cd gone && rmdir ../gone && {RUN.replace("t.yaml", "$P/t.yaml")}', 0, "tiny", ""),
        (
            'mkdir gone && P="$PWD" && cd gone && rmdir ../gone && ' + RUN.replace("t.yaml", "$P/t.yaml --out x.json"),
            2,
            "",
            "--out",
        ),
        (f"env -u HOME -u XDG_CONFIG_HOME bash -c {shlex.quote(SIMSTICKY + RUN + ' --report x.html')}", 0, "tiny", ""),
    ],
)
def test_a_line_of_shell(tmp_path, line, code, out, err):
    """Exit code, a part of standard output, a part of standard error; None where either side may end first."""
    ended, printed, told = shell(line, tmp_path)
    assert out in printed, told
    assert err in told
    assert code is None or ended == code, told
    assert ended in (0, 1, 2, 141)


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(encoding, marks=pytest.mark.slow) for encoding in ("latin-1", "utf-8"))]
)
def test_a_terminal_of_few_letters(tmp_path, encoding):
    """What it cannot show is written out or drawn in ASCII; JSON stays JSON."""
    more = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    line = f"{RUN} --set name=Łódź && {RUN} --set name=Łódź -o json | {sys.executable} -m json.tool"
    ended, out, err = shell(line, tmp_path, **more)
    assert ended == 0, err
    assert ("Łódź" in out) == (encoding == "utf-8") or "\\u0141" in out
    assert shell("simsticky --help && simsticky run --help && simsticky explain", tmp_path, **more)[0] == 0


@pytest.mark.slow
def test_a_home_that_cannot_be_written(tmp_path):
    """The figures need no cache, and nobody is told of one."""
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    ended, _, err = shell(f"{RUN} --report x.html", tmp_path, HOME=str(home), MPLCONFIGDIR="/proc/none")
    assert (ended, err) == (0, "")


def test_a_place_that_an_ordinary_user_cannot_write(tmp_path):
    """It is told before anything is simulated."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    tmp_path.chmod(0o755)
    (tmp_path / "t.yaml").write_text(TINIEST)
    (tmp_path / "own").mkdir(mode=0o755)
    for place in ("own/x.json", "own/frames"):
        code = f"import os, sys; os.setgid(65534); os.setuid(65534); {PROGRAM[2]}"
        arguments = ["run", "t.yaml", "--reps", "100000", "--out", place]
        for folder in tmp_path.parents:
            if not folder.stat().st_mode & 0o001:
                pytest.skip("the folder of tests is closed to others")
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 2, done.stderr
        assert "cannot be written: Permission denied" in done.stderr


def heard(*arguments, folder):
    """Start ``simsticky`` in a process group of its own, where Ctrl-C is heard."""
    (folder / "t.yaml").write_text(TINIEST)
    return begun(
        *arguments,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def in_python(process):
    """Wait until the process is past the start of Python itself, which answers Ctrl-C in its own way."""
    while process.poll() is None and "simsticky" not in Path(f"/proc/{process.pid}/maps").read_text():
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        if "_signal" in maps or "libm" in maps:
            break
        time.sleep(0.001)


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("after_s", [0.1, 0.2, 0.4, 0.8])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_it_starts(tmp_path, after_s, number):
    """At whatever import it is, the end is 130 and one word."""
    code = "import sys; from simsticky.cli.main import main; print('ready', flush=True); sys.exit(main())"
    (tmp_path / "t.yaml").write_text(TINIEST)
    with subprocess.Popen(
        [sys.executable, "-c", code, "run", "t.yaml", "--reps", "9000", "-j", "2", "-q"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(after_s if number == signal.SIGINT else after_s + 0.1)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.startswith("interrupted"), err
    assert err.count("\n") == 1, err


def children(process):
    """The processes that a process has started, and theirs."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    found = [int(child) for child in listed.stdout.split()]
    return found + [below for child in found for below in children(child)]


def runs(pid):
    """Whether a process is there and not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGTERM, signal.SIGSEGV))]
)
def test_workers_end_with_their_parent(tmp_path, number):
    """However it ended, none runs a second later; who reaps an orphan's remains, and when, is not ours."""
    place = tmp_path / "study"
    with heard("run", "t.yaml", "--reps", "9000", "-j", "2", "-q", "--study", str(place), folder=tmp_path) as process:
        journal = place / "replications.jsonl"
        while not journal.exists() or journal.read_bytes().count(b"\n") < 3:
            time.sleep(0.05)
        left = children(process.pid)
        assert len(left) >= 2
        process.send_signal(number)
        process.wait(timeout=60)
        for _ in range(20):
            if not any(runs(pid) for pid in left):
                break
            time.sleep(0.05)
        process.stdout.close()
        process.stderr.close()
    assert not any(runs(pid) for pid in left)
