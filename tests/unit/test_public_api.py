"""The names that `import simsticky as ss` gives, and what they cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import simsticky

SOURCE = ast.parse(Path(simsticky.__file__).read_text(encoding="utf-8"))


def fresh(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}; {code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_type_checkers_see_the_public_names():
    """What is imported for type checkers alone is what is there when the program runs, from the same places."""
    (seen,) = (part for part in SOURCE.body if isinstance(part, ast.If))
    imports = [part for part in seen.body if isinstance(part, ast.ImportFrom) and part.module.startswith("simsticky")]
    homes = {alias.asname: part.module for part in imports for alias in part.names}
    assert all(alias.name == alias.asname for part in imports for alias in part.names)
    assert sorted([*homes, "report", "simulate"]) == simsticky.__all__
    modules = {name: vars(simsticky)["_MODULES"][name].rpartition(".")[0] for name in vars(simsticky)["_MODULES"]}
    assert homes == {**vars(simsticky)["_HOME_OF"], **modules}


def test_only_public_names_are_listed():
    """What a notebook offers behind ``ss.`` is what is meant to be used, whatever modules are loaded."""
    code = "import simsticky as ss; import simsticky.study.sweep, simsticky.report.html; print(dir(ss) == ss.__all__)"
    assert fresh(code) == "True"
    assert dir(simsticky) == simsticky.__all__
    assert not [name for name in dir(simsticky) if name.startswith("_") and name != "__version__"]


@pytest.mark.parametrize("name", simsticky.__all__)
def test_every_public_name_is_there(name):
    """A lazy name that points to a place that has moved fails only when somebody uses it."""
    assert getattr(simsticky, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    """`hasattr` and completion rely on it."""
    with pytest.raises(AttributeError, match="no attribute 'simulat'"):
        _ = simsticky.simulat


def test_importing_the_package_imports_nothing_heavy():
    """`simsticky --help` is to be quick; pandas alone takes half a second."""
    heavy = {"numpy", "pandas", "scipy", "matplotlib", "simpy", "pydantic", "ruamel"}
    code = f"import simsticky; simsticky.simulate; print(sorted({heavy!r} & set(sys.modules)))"
    assert fresh(code) == "[]"


def test_simulating_needs_neither_pandas_nor_scipy():
    """Worker processes start in the time that these imports take; frames import pandas when they are asked for."""
    code = (
        "from small_scenario import small; import simsticky as ss; r = ss.simulate(small()); r.operation_rows;"
        " print(sorted({'pandas', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    assert fresh(code) == "[]"


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("first", ["import simsticky.report.html", "from simsticky.report import plots", "pass"])
def test_report_is_the_function_whatever_is_imported(first):
    """The package of the same name must never take the function's place."""
    assert fresh(f"{first}; import simsticky as ss; ss.plots; print(ss.report.__name__)") == "report"


@pytest.mark.parametrize(
    "first",
    ["import simsticky.simulate", "from simsticky.simulate import simulate", "import simsticky.study.replicate"],
)
def test_simulate_is_the_function_whatever_is_imported(first):
    """The function lives in a module of its own name, which must never take its place."""
    assert (
        fresh(f"{first}; import simsticky as ss; import simsticky.simulate; print(ss.simulate.__name__)") == "simulate"
    )
    assert fresh(f"{first}; import pickle, simsticky as ss; print(pickle.loads(pickle.dumps(ss.simulate)).__name__)")
