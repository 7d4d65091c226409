"""Write the tables of docs/performance.md anew: python docs/performance.py. It takes two to five minutes, idle.

Numba (the extra ``fast``) must be there.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from simsticky.recording.recorder import Recorder
from simsticky.results.result import Result
from simsticky.scenario.reading.load import load
from simsticky.simulate import simulate

HERE = Path(__file__).parent
PAGE = HERE / "performance.md"
SCENARIO = HERE.parent / "scenarios" / "rolling.yaml"
COSTS = HERE.parent / "tests" / "perf" / "costs.py"
ENGINES = COSTS.with_name("engine_costs.py")
SCALE = COSTS.with_name("scale_costs.py")
ROUNDS = 7
SEALING = ("seal", "pod_sets", "start_window", "mark_window", "cut", "finish")


class Parts:
    """CPU seconds spent in functions that are watched, those of one that another calls not counted twice."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self.seconds: dict[str, float] = {}
        self._inside = False

    def watch(self, part: str, owner: Any, name: str) -> None:
        """Let a method, or a function of a class, count as a part."""
        inner: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **options: Any) -> Any:
            if self._inside:
                return inner(*arguments, **options)
            self._inside, begun = True, process_time()
            try:
                return inner(*arguments, **options)
            finally:
                self._inside = False
                self.seconds[part] = self.seconds.get(part, 0.0) + process_time() - begun

        setattr(owner, name, timed)


def replication() -> tuple[dict[str, float], int]:
    """Return the CPU seconds of each part of one replication, medians of some rounds, and its requests."""
    parts = Parts()
    for name in SEALING:
        parts.watch("sealing", Recorder, name)
    parts.watch("summary", Result, "of")
    rounds = []
    for _ in range(ROUNDS + 1):  # the first one imports, and is left out
        begun = process_time()
        paired = load(SCENARIO)
        reading = process_time() - begun
        alone = paired.evolve({"run.skewFloor": False})
        begun = process_time()
        simulate(paired, seed=7)
        whole = process_time() - begun
        parts.seconds.clear()
        begun = process_time()
        result = simulate(alone, seed=7)
        main = process_time() - begun
        rounds.append({"whole": whole, "reading": reading, "main": main, **parts.seconds})
    return {part: median(found[part] for found in rounds[1:]) for part in rounds[0]}, len(result.requests)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of Markdown, all columns but the first to the right."""
    head = list(head)
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def of_a_replication() -> str:
    """Return the table of where a replication's time goes."""
    found, requests = replication()
    rows = [
        ("clients, gateway, pods and control plane", found["main"] - found["sealing"] - found["summary"]),
        ("the paired run without the operation, its sealing included", found["whole"] - found["main"]),
        ("sealing: count, hash, measure, keep", found["sealing"]),
        ("summary", found["summary"]),
        (f"a replication, {requests:,} requests", found["whole"]),
    ]
    shown = [(what, f"{seconds * 1e3:.1f}", f"{seconds / found['whole']:.0%}") for what, seconds in rows]
    shown.append(("besides, once a study: reading the scenario", f"{found['reading'] * 1e3:.1f}", ""))
    return table(("part", "CPU ms", "share"), shown)


def of_a_request() -> str:
    """Return the table of what a request costs."""
    done = subprocess.run([sys.executable, COSTS], capture_output=True, text=True, check=True)
    rows = []
    for name, cost in json.loads(done.stdout).items():
        simpy = f"{cost['simpy'] / cost['model']:.1f}" if "simpy" in cost else ""
        rows.append((name, f"{cost['model'] * 1e6:.2f}", f"{cost['model'] / cost['bare']:.1f}", simpy))
    return table(("", "CPU µs a request", "times the bare loop", "SimPy model, times this one"), rows)


def of_engines() -> str:
    """Return the table of what a request costs with either engine."""
    done = subprocess.run([sys.executable, ENGINES], capture_output=True, text=True, check=True)
    return engines_table(json.loads(done.stdout))


def engines_table(found: dict[str, float]) -> str:
    """Return the table of costs that ``tests/perf/engine_costs.py`` has printed."""
    bare = found["bare"]
    rows = [("the bare loop: two events of a Python heap", "", f"{bare * 1e6:.2f}", "1.0")]
    for name, cost in found.items():
        what, _, engine = name.rpartition(" ")
        if engine in ("interpreted", "compiled", "auto"):
            rows.append((what, engine, f"{cost * 1e6:.2f}", f"{bare / cost:.2f}"))
    return table(("", "engine", "CPU µs a request", "times as fast as the bare loop"), rows)


def of_scale() -> str:
    """Return the table of what clusters of several sizes cost."""
    rows = []
    for pods, nodes in ((3, 1), (100, 4), (1000, 16)):
        for what in ("steady", "rollout"):
            command = [sys.executable, str(SCALE), str(pods), str(nodes), what]
            found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            counts = (f"{found[name]:,}" for name in ("requests", "events", "pushes"))
            size = f"{pods:,} pods, {nodes} nodes, {what}" if nodes > 1 else f"{pods} pods, 1 node, {what}"
            rows.append((size, *counts, f"{found['cpu_s']:.1f}", f"{found['peak_mb']:.0f}"))
    return table(("", "requests", "control events", "pushes applied", "CPU s", "peak MB"), rows)


def replaced(page: str, name: str, text: str) -> str:
    """Return the page with another table between the marks of that name."""
    marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
    assert pattern.search(page), f"{PAGE.name} has no {marks[0]}"
    return pattern.sub(lambda _: f"{marks[0]}\n\n{text}\n\n{marks[1]}", page)


if __name__ == "__main__":
    written = PAGE.read_text("utf-8")
    # Scale first: Linux counts what this process has held as its children's peak, too.
    tables = {"scale": of_scale, "replication": of_a_replication, "request": of_a_request, "engines": of_engines}
    for name, make in tables.items():
        written = replaced(written, name, make())
    PAGE.write_text(written, "utf-8")
