import json
import subprocess
import sys
from pathlib import Path

import pytest
from conformance_tables import OWN_TABLES, case_id, load_table, section, tables_dir


class Config:
    """As much of pytest's configuration as the loader asks for."""

    def __init__(self, chosen: str | None, start: Path) -> None:
        self._chosen = chosen
        self.invocation_params = type("Params", (), {"dir": start})

    def getoption(self, _name: str, default: object = None) -> object:
        return self._chosen or default


def config(chosen: str | None, start: Path) -> pytest.Config:
    return Config(chosen, start)  # type: ignore[return-value]  # a stand-in


def test_other_folder_replaces_our_own(tmp_path: Path) -> None:
    """--conformance-tables reads the same names from another folder, also a relative one."""
    (tmp_path / "other" / "kong").mkdir(parents=True)
    (tmp_path / "other" / "kong" / "round_robin.json").write_text('{"cases": [1]}')
    chosen = config("other", tmp_path)
    assert tables_dir(chosen) == tmp_path / "other"
    assert load_table(chosen, "kong", "round_robin") == {"cases": [1]}


def test_missing_table(tmp_path: Path) -> None:
    """A table may be missing from another folder; from our own it may not."""
    assert load_table(config(str(tmp_path), tmp_path), "kong", "no_such") is None
    with pytest.raises(FileNotFoundError):
        load_table(config(None, tmp_path), "kong", "no_such")
    with pytest.raises(FileNotFoundError):
        load_table(config(str(OWN_TABLES), tmp_path), "kong", "no_such")


def test_section_shapes() -> None:
    """Lists, plain objects, other objects and everything two levels deep are read as documented."""
    table = {"note": "n", "a": {"cases": [1, 2], "plain": {"x": 1, "_src": "s"}}, "b": {"y": 2}}
    assert section(table, "a.cases") == [1, 2]
    assert section(table, "a.plain") == [("x", 1)]
    assert section(table, "a") == [table["a"]]
    assert section(table, "a.none") is None
    assert section(table, "*")[-1] == ("b", "y", 2)


def test_cases_of_a_kind() -> None:
    """Fields given by name take the cases that have these values; a table without any of them lacks the section."""
    table = {"rows": [{"kind": "a", "x": 1}, {"kind": "b", "x": 2}, {"kind": "a", "x": 3}]}
    assert [case["x"] for case in section(table, "rows", {"kind": "a"}) or ()] == [1, 3]
    assert section(table, "rows", {"kind": "c"}) is None
    assert section(table, "none", {"kind": "a"}) is None


@pytest.mark.slow
def test_theory_is_run_on_another_folder_too(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """`pytest tests/conformance --conformance-tables DIR` also runs theory's tables, whose tests stand elsewhere."""
    (tmp_path / "theory").mkdir()
    rows = {"rows": [{"kind": "95% CI coverage", "runs": 12, "sessions_per_run": 90, "p": 0.4, "icc": 0.03}]}
    (tmp_path / "theory" / "stats.json").write_text(json.dumps(rows))
    command = ["-m", "pytest", "tests/conformance", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, *command, "--conformance-tables", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=pytestconfig.rootpath,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("tests/validation")]
    covered = [line for line in found if "runs=12" in line]
    assert len(covered) == 3
    assert all("missing" in line for line in found if line not in covered)


def test_case_ids_are_readable() -> None:
    """A test is named by its case's label, or by what goes into the case and not by what is expected."""
    assert case_id({"label": "budget 0", "expect": 1}, 2) == "2: budget 0"
    assert case_id({"replicas": 3, "expect": 1}, 1) == "1: replicas=3"
    assert case_id(("pod", "grace", 30), 4) == "4: pod.grace"
