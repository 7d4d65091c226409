"""``--engine`` on machines as they are: without Numba, with a broken one, with nothing writable, with two at once."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from command_line import TINIEST, Ran, command, simsticky, tiny_file

from simsticky.sim.plane import engine

VERBS = {
    "run": ["run", "tiny.yaml", "--reps", "2"],
    "check": ["check", "tiny.yaml", "--threshold", "failed_requests < 50%", "--max-reps", "10"],
    "compare": ["compare", "tiny.yaml", "--with", "deployment.preStop=0s", "--reps", "2"],
    "sweep": ["sweep", "tiny.yaml", "--vary", "deployment.preStop=0s,2s", "--reps", "2"],
    "recommend": [
        *("recommend", "tiny.yaml", "--threshold", "broken_sessions < 99%"),
        *("--vary", "deployment.preStop=0s,2s", "--reps", "10"),
    ],
}
NEEDS_NUMBA = pytest.mark.skipif(not engine.is_installed(), reason="the extra fast is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small scenario."""
    tiny_file(tmp_path, text=TINIEST)
    return tmp_path


def _ahead(folder: Path, name: str, text: str) -> str:
    """Return a ``PYTHONPATH`` with a module of these lines in front of everything."""
    place = folder / "ahead" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return os.pathsep.join([str(folder / "ahead"), *sys.path])


def _without_numba(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": _ahead(folder, "sitecustomize.py", "import sys\nsys.modules['numba'] = None\n")}


def _with_broken_numba(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": _ahead(folder, "numba.py", "raise ImportError('Numba needs NumPy 0.1 or less')\n")}


def _json(verb: str, folder: Path, *more: object, **environment: str) -> Ran:
    return simsticky(*VERBS[verb], "-o", "json", *more, cwd=folder, **environment)


def _wrong(ran: Ran) -> str:
    """Return what is said when a verb ends otherwise than with a result."""
    return f"{ran.returncode}: {ran.stderr}"


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("verb", VERBS)
def test_without_numba_the_compiled_engine_is_refused(folder: Path, verb: str) -> None:
    """Exit 2, one line, and the way to get it."""
    ran = _json(verb, folder, "--engine", "compiled", **_without_numba(folder))
    assert (ran.returncode, ran.stdout) == (2, ""), _wrong(ran)
    assert "the compiled engine needs Numba" in ran.stderr
    assert "pip install 'simsticky[fast]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_without_numba_nobody_is_told(folder: Path) -> None:
    """``auto`` is what there is."""
    ran = simsticky("run", "tiny.yaml", "--reps", 2, "--verbose", cwd=folder, **_without_numba(folder))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Engine: interpreted. Irregular sends: " in ran.stdout


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_broken_numba_is_one_line_and_no_error(folder: Path, jobs: int) -> None:
    """A Numba that cannot be imported, after an upgrade of NumPy say: interpreted, with the same bytes."""
    plain = _json("run", folder, "--engine", "interpreted", "--jobs", jobs)
    ran = _json("run", folder, "--engine", "compiled", "--jobs", jobs, **_with_broken_numba(folder))
    assert (ran.returncode, ran.stdout) == (0, plain.stdout), _wrong(ran)
    (line,) = ran.stderr.splitlines()
    assert line == (
        "warning: the compiled engine does not work here: ImportError: Numba needs NumPy 0.1 or less;"
        " going on without it, with the same results"
    )


@NEEDS_NUMBA
def test_a_function_that_numba_refuses_is_one_line_and_no_error(folder: Path) -> None:
    """What a newer Numba refuses to compile is interpreted."""
    text = (
        "import numba\nfrom numba.core.errors import TypingError\n"
        "def njit(*a, **k):\n    raise TypingError('no such thing\\n in this version')\n"
        "numba.njit = njit\n"
    )
    environment = {"PYTHONPATH": _ahead(folder, "sitecustomize.py", text)}
    ran = _json("run", folder, "--engine", "compiled", **environment)
    assert ran.returncode == 0, _wrong(ran)
    (line,) = ran.stderr.splitlines()
    assert "TypingError: no such thing; going on without it" in line


@pytest.mark.quick_cases(2)
@NEEDS_NUMBA
@pytest.mark.parametrize("verb", VERBS)
def test_both_engines_give_the_same_bytes(folder: Path, verb: str) -> None:
    """The engine is in no result."""
    interpreted, compiled = (_json(verb, folder, "-q", "--engine", name) for name in ("interpreted", "compiled"))
    assert interpreted.returncode in (0, 3, 4), _wrong(interpreted)
    assert (compiled.returncode, compiled.stdout) == (interpreted.returncode, interpreted.stdout), compiled.stderr
    assert "numba" not in interpreted.stdout.lower()


@pytest.mark.quick_cases(1)
@NEEDS_NUMBA
@pytest.mark.parametrize(("first", "then"), [("interpreted", "compiled"), ("compiled", "interpreted")])
def test_a_study_goes_on_with_the_other_engine(folder: Path, first: str, then: str) -> None:
    """Also on a machine without Numba: what is kept names no library that only one engine has."""
    whole = simsticky("run", "tiny.yaml", "--reps", 6, "-o", "json", cwd=folder)
    begun = simsticky("run", "tiny.yaml", "--reps", 3, "-o", "json", "--study", "s", "--engine", first, cwd=folder)
    assert begun.returncode == 0, _wrong(begun)
    environment = _without_numba(folder) if then == "interpreted" else {}
    ran = simsticky(
        "run", "tiny.yaml", "--reps", 6, "-o", "json", "--study", "s", "--engine", then, cwd=folder, **environment
    )
    assert (ran.returncode, ran.stdout) == (0, whole.stdout), _wrong(ran)
    assert not any(b"numba" in file.read_bytes().lower() for file in (folder / "s").iterdir() if file.is_file())


@NEEDS_NUMBA
def test_where_nothing_can_be_written_auto_interprets_what_is_small(folder: Path) -> None:
    """Nothing is compiled in memory for a moment's work, nothing is said, and nothing fails."""
    (folder / "file").write_text("")
    nowhere = {"SIMSTICKY_CACHE_DIR": str(folder / "file"), "TMPDIR": str(folder / "file"), "NUMBA_CACHE_DIR": ""}
    ran = simsticky("run", "tiny.yaml", "--reps", 2, "--verbose", "--jobs", 1, cwd=folder, **nowhere)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Engine: interpreted" in ran.stdout


# Compiling, which takes a quarter of a minute -------------------------------------------------------------------------


def _on_a_terminal(folder: Path, *arguments: object, **environment: str) -> str:
    """Run a command whose standard error is a terminal; return what is said there."""
    terminal, end = pty.openpty()
    asked = subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=end, cwd=folder, env={**os.environ, **environment}
    )
    os.close(end)
    said = b""
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:  # Linux's way to say that nobody holds the other end
            break
        if not more:
            break
        said += more
    os.close(terminal)
    asked.communicate(timeout=300)
    assert asked.returncode == 0, said.decode()
    return said.decode()


def _compiled_in(home: Path) -> dict[str, int]:
    """Return the files of compiled code below a home, and when each was written."""
    return {str(file): file.stat().st_mtime_ns for file in home.rglob("*.nb[ic]")}


_CALLED = (
    "advance",
    "arrive",
    "leave",
    "vacate_first",
    "retire_all",
    "put_down_first",
    "log_ends",
    "first_end",
    "drop_end",
    "swap_copies",
)
"""Functions that Python calls; what they call among themselves may be compiled for a constant as well."""


def _compiled_twice(kept: Iterable[str]) -> list[str]:
    """Return the files of a second signature of a function that Python calls: each is compiled for one."""
    return [name for name in kept if ".2.nbc" in name and Path(name).name.split(".")[1].split("-")[0] in _CALLED]


@NEEDS_NUMBA
@pytest.mark.slow
def test_it_is_compiled_once_before_workers_start(folder: Path) -> None:
    """Said on a terminal only; two workers, and the next command, write nothing more."""
    home = folder / "home"
    asked = ["run", "tiny.yaml", "--reps", 4, "--jobs", 2, "--engine", "compiled", "--no-progress"]
    said = _on_a_terminal(folder, *asked, SIMSTICKY_CACHE_DIR=str(home))
    assert said.count("compiling the engine, once") == 1
    assert "warning" not in said
    kept = _compiled_in(home)
    assert any(".advance-" in name for name in kept)
    assert not _compiled_twice(kept)
    assert "compiling" not in _on_a_terminal(folder, *asked, SIMSTICKY_CACHE_DIR=str(home))
    assert _compiled_in(home) == kept


@NEEDS_NUMBA
@pytest.mark.slow
def test_two_processes_at_once_and_damaged_files(folder: Path) -> None:
    """The second waits for the first; truncated files are compiled anew; in a pipe nothing is said."""
    home, asked = folder / "home", ["run", "tiny.yaml", "--reps", 2, "--jobs", 1, "--engine", "compiled", "-o", "json"]
    environment = {"SIMSTICKY_CACHE_DIR": str(home)}
    env = {**os.environ, **environment}
    both = [
        subprocess.Popen(command(*asked), cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=500) for process in both]
    assert said[0] == said[1]
    assert said[0][1] == b""
    kept = list(_compiled_in(home))
    assert not _compiled_twice(kept)
    for file in kept[::2]:
        Path(file).write_bytes(Path(file).read_bytes()[:30])
    ran = simsticky(*asked, cwd=folder, **environment)
    assert (ran.returncode, ran.stdout.encode(), ran.stderr) == (0, said[0][0], "")


@NEEDS_NUMBA
@pytest.mark.slow
def test_workers_of_a_cluster_go_on_with_what_they_have(folder: Path) -> None:
    """One without Numba interprets; the bytes are the same."""
    distributed = pytest.importorskip("distributed", reason="the extra distributed is not installed")
    plain = _json("run", folder, "--engine", "interpreted")
    port = str(20_000 + os.getpid() % 20_000)
    address = f"tcp://127.0.0.1:{port}"
    assert distributed
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    begun = [
        subprocess.Popen([*dask, "--host", "127.0.0.1", "--port", port, "--no-dashboard"], cwd=folder, **quiet),
        subprocess.Popen(worker, cwd=folder, env={**os.environ, **_without_numba(folder)}, **quiet),
    ]
    try:
        ran = _json("run", folder, "--engine", "compiled", "--scheduler", address)
        assert (ran.returncode, ran.stdout) == (0, plain.stdout), _wrong(ran)
    finally:
        for process in reversed(begun):
            process.terminate()
            process.wait(30)
