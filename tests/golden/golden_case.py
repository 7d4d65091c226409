"""A golden case: one shipped scenario, run once, and the numbers and the story it is to give.

``scenarios/NAME.yaml`` makes the case NAME; what it gives is kept in ``tests/golden/cases/NAME``. A file
``overrides.yaml`` there, values by dotted path, makes a heavy scenario lighter and says why.
"""

import json
import math
from dataclasses import dataclass
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from simsticky.results.provenance import library_versions
from simsticky.results.result import Result
from simsticky.scenario.reading.load import load
from simsticky.simulate import simulate

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
CASES = Path(__file__).parent / "cases"
VERSIONS = CASES / "versions.json"
COMMAND = "pytest tests/golden --rewrite-golden"
DIGEST = "digest.txt"
"""Holds every bit of every number of a case, and so only for machines of one kind (:func:`rounding`)."""

SHORTER = {"run.replications": 1, "run.skewFloor": False}
"""For every case: the paired run without operations would only double the time."""
_DECIMALS = 4
_LINES_SHOWN = 60


@dataclass(frozen=True)
class Case:
    """One case."""

    name: str
    cases: Path = CASES
    scenarios: Path = SCENARIOS

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.cases / self.name

    def overrides(self) -> dict[str, object]:
        """Return what makes it lighter."""
        path = self.folder / "overrides.yaml"
        return {**SHORTER, **(YAML(typ="safe").load(path.read_text("utf-8")) if path.exists() else {})}

    def run(self) -> dict[str, str]:
        """Run it, its invariants checked; return its files by name."""
        scenario = load(self.scenarios / f"{self.name}.yaml").evolve(self.overrides())
        result = simulate(scenario, verify=True)
        story = "\n".join(result.story()) + "\n"
        return {"summary.json": numbers(result), "story.txt": story, DIGEST: result.digest + "\n"}

    def kept(self) -> dict[str, str]:
        """Return the files that are kept, by name."""
        found = [self.folder / name for name in ("summary.json", "story.txt", DIGEST)]
        return {path.name: path.read_text("utf-8") for path in found if path.exists()}

    def write(self, files: dict[str, str]) -> None:
        """Keep these files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (self.folder / name).write_text(text, "utf-8")


def numbers(result: Result) -> str:
    """Return the summary as JSON: keys sorted, few decimals; of load skew only that of sessions on serving pods."""
    kept = {
        name: round(value, _DECIMALS) if isinstance(value, float) else value
        for name, value in result.summary.items()
        if not name.startswith("load_skew") or name.startswith("load_skew.sessions.serving.")
    }
    return json.dumps(kept, indent=2, sort_keys=True) + "\n"


def names(scenarios: Path = SCENARIOS) -> list[str]:
    """Return the name of every case."""
    return sorted(path.stem for path in scenarios.glob("*.yaml"))


def orphans(cases: Path = CASES, scenarios: Path = SCENARIOS) -> list[Path]:
    """Return the folders that no scenario belongs to."""
    return sorted(path for path in cases.iterdir() if path.is_dir() and path.name not in names(scenarios))


def versions() -> str:
    """Return the versions that a number may depend on, as JSON; a digest depends on the kind of machine, too."""
    return json.dumps({**library_versions(), "rounding": rounding()}, indent=2, sort_keys=True) + "\n"


def rounding() -> str:
    """Return what tells machines apart that round exp, log and powers otherwise, and so draw other last digits."""
    steps = np.arange(1, 20_000) / 777.0
    found = [[math.exp(-step), math.log(step), step**0.37] for step in steps.tolist()]
    draws = np.random.default_rng(1)
    drawn = [draws.lognormal(size=20_000), draws.weibull(0.7, 20_000), draws.pareto(1.5, 20_000)]
    return sha256(np.concatenate([np.ravel(found), *drawn]).tobytes()).hexdigest()[:16]


def same_machine() -> bool:
    """Return whether this machine rounds as that on which the files were made."""
    kept: dict[str, str] = json.loads(VERSIONS.read_text("utf-8"))
    return kept.get("rounding") == rounding()


def difference(case: Case, kept: dict[str, str], made: dict[str, str]) -> str:
    """Return what to read when a case does not give what it gave: the change, and what may be behind it."""
    if not kept:
        return f"scenario {case.name} has no golden files yet; make them with\n    {COMMAND}"
    lines: list[str] = []
    for name, text in made.items():
        before = kept.get(name, "").splitlines(keepends=True)
        lines += unified_diff(before, text.splitlines(keepends=True), f"kept/{name}", f"now/{name}", n=1)
    shown = "".join(lines[:_LINES_SHOWN]) + (
        f"… {len(lines) - _LINES_SHOWN} lines more\n" if lines[_LINES_SHOWN:] else ""
    )
    return f"scenario {case.name} gives something else than what is kept:\n{shown}{behind()}"


def behind(kept: str | None = None, now: str | None = None) -> str:
    """Return what may be behind a change: other libraries, or a change of the model."""
    before: dict[str, str] = json.loads(VERSIONS.read_text("utf-8") if kept is None else kept)
    here: dict[str, str] = json.loads(versions() if now is None else now)
    other = [f"{name} {before.get(name)} (here {here[name]})" for name in here if before.get(name) != here[name]]
    if other:
        return (
            f"\nWhat is kept was made with {', '.join(other)}. NumPy may draw other numbers from the same seed in "
            "another version (NEP 19), and floating point may differ by a last digit. Run this test with those "
            "versions first: if it passes there, only the libraries have changed, and the files may be rewritten "
            f"with\n    {COMMAND}\n"
        )
    return (
        "\nThe libraries are those of the kept files, so the model, a scenario or a sentence has changed. If every "
        f"line of this is meant, add a 'Results change' to CHANGELOG.md for changed numbers, and rewrite with\n"
        f"    {COMMAND}\n"
    )
