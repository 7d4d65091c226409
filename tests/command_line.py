"""What tests of the command line share: a small scenario, and `simsticky` in a process or in this one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from simsticky.cli.main import main

TINY = """\
schema: simsticky/1
name: tiny
run: {until: drained, horizon: 30m, replications: 4, seed: 7}
traffic:
  sessions: {kind: poisson, rate: 0.5/s}
  requests: {kind: geometric, mean: 10}
  think: {kind: exponential, mean: 3s}
app: {startup: 2s}
deployment: {name: app, replicas: 2, preStop: 5s, terminationGracePeriodSeconds: 10}
upstream: {algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: sid}}
timeline:
  - {at: 2m, rollout: app}
"""
"""A rollout of two pods under light traffic; further sections may be added at its end."""

TINIEST = (
    TINY.replace("horizon: 30m, replications: 4", "horizon: 10m, replications: 2")
    .replace("rate: 0.5/s", "rate: 0.2/s")
    .replace("mean: 10}", "mean: 5}")
)
"""The same with a fifth of the requests, for tests that look at everything but the numbers."""

PROGRAM = (sys.executable, "-c", "import sys; from simsticky.cli.main import main; sys.exit(main())")
"""What `simsticky` is where it is not installed as a command."""

Ran = subprocess.CompletedProcess[str]


def command(*arguments: object) -> list[str]:
    """Return the command line of `simsticky` for a process of its own."""
    return [*PROGRAM, *map(str, arguments)]


def simsticky(*arguments: object, cwd: Path | None = None, **environment: str) -> Ran:
    """Run `simsticky` in a process of its own, with its output in pipes.

    For what only a process shows: streams, signals, workers, how it ends. Otherwise :func:`called` is quicker by the
    second that starting takes.
    """
    env = {**os.environ, **environment}
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, env=env, cwd=cwd, check=False, timeout=300
    )


def called(*arguments: object, **environment: str) -> Ran:
    """Run `simsticky` in this process; the same words go in and come out."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    argv = list(map(str, arguments))
    with mock.patch.dict(os.environ, environment), redirect_stdout(out), redirect_stderr(err):
        code = main(argv)
    return subprocess.CompletedProcess(argv, code, _text(out), _text(err))


def begun(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start `simsticky` in a process group of its own; its output goes where the options say, or nowhere."""
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options}
    return subprocess.Popen(command(*arguments), text=True, start_new_session=True, **streams)


def tiny_file(folder: Path, more: str = "", text: str = TINY) -> Path:
    """Write the small scenario into a folder, with further sections, and return its place."""
    path = folder / "tiny.yaml"
    path.write_text(text + more)
    return path


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()
