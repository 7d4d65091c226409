"""How long the command takes to start: CPU seconds of child processes against those of imports it cannot do without.

Each side is measured :data:`ROUNDS` times in turn, once, and the medians are compared. Processes of one machine share
its load, so that the ratio holds where seconds would not.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import command

pytestmark = pytest.mark.perf

ROUNDS = 5
SCENARIO = Path(__file__).parents[2] / "scenarios" / "scale_down.yaml"

MOST_FOR_HELP = 1.5
"""``--help`` against ``import typer, rich``: 1.2 where nothing else runs; the rest is for other versions of typer."""

MOST_FOR_A_RUN = 2.5
"""One replication of ``scale_down.yaml``, 56,000 requests and its floor, against SimPy, NumPy, pandas and pydantic's
imports: 2.2 where nothing else runs. The run computes where imports read files, and so gains less from a fast disk:
what is left of the margin is for that."""


def cpu_s(command: list[str], env: dict[str, str]) -> float:
    """Return the CPU seconds, user and system, of a process and all it has waited for."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


def ratio(command: list[str], imports: str, tmp_path: Path) -> float:
    """Return what a command takes over what some imports take, both compiled to byte code before."""
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    sides = (command, [sys.executable, "-c", f"import {imports}"])
    for side in sides:
        cpu_s(side, env)
    rounds = [[cpu_s(side, env) for side in sides] for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(side) for side in zip(*rounds, strict=True))
    print(f"{ours:.3f} s against {theirs:.3f} s of {imports}: {ours / theirs:.2f}")
    return ours / theirs


def test_help_starts_at_once(tmp_path: Path) -> None:
    """``simsticky --help`` is there in about the time that typer takes to be imported."""
    assert ratio(command("--help"), "typer, rich", tmp_path) <= MOST_FOR_HELP


def test_a_run_starts_quickly(tmp_path: Path) -> None:
    """A run of one replication takes little more than the libraries it is made of."""
    run = command("run", SCENARIO, "--reps", 1, "--quiet")
    assert ratio(run, "simpy, numpy, pandas, pydantic", tmp_path) <= MOST_FOR_A_RUN
