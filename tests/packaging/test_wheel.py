"""The wheel, built and installed as ``pipx install`` and ``uvx`` do, away from the source tree: nothing is left behind.

The environment is fresh; only what simsticky depends on comes from the one of the tests, so that nothing is fetched but
the build backend, and that only where it is not installed.
"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
DATA = {".json", ".css", ".js", ".j2", ".yaml", ".typed", ".csv", ".sh"}
"""Endings of files in the package that are read while it runs."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("pip") is None, reason="pip builds and installs the wheel"),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that a release would publish."""
    dist = tmp_path_factory.mktemp("dist")
    offline = ["--no-build-isolation"] if find_spec("hatchling") is not None else []
    done("-m", "pip", "wheel", "--quiet", "--no-deps", *offline, "--wheel-dir", str(dist), str(ROOT))
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands of an environment lie that holds the wheel; its other packages are those of the tests."""
    home = tmp_path_factory.mktemp("fresh")
    venv.create(home)
    paths = sysconfig.get_paths("venv", {"base": str(home), "platbase": str(home)})
    python = Path(paths["scripts"]) / Path(sys.executable).name
    done("-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel))
    others = "; ".join(f"site.addsitedir({path!r})" for path in sys.path if Path(path).name.endswith("-packages"))
    Path(paths["purelib"], "others.pth").write_text(f"import site; {others}\n", encoding="utf-8")
    return python.parent


def done(*arguments: str, program: str | Path = sys.executable, cwd: Path | None = None) -> str:
    """Run a command, without what a developer's shell may carry; return its output, or fail with what it said."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, cwd=cwd, env=environment, timeout=300)
    assert ran.returncode == 0, f"{program} {' '.join(arguments)}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def test_every_file_that_is_read_while_it_runs_is_in_the_wheel(wheel: Path) -> None:
    """Templates, tables, scenarios and the mark of types are in the wheel, not only in a source tree."""
    names = set(ZipFile(wheel).namelist())
    inside = {path for path in (ROOT / "simsticky").rglob("*") if path.suffix in DATA or path.name == "py.typed"}
    wanted = {path.relative_to(ROOT).as_posix() for path in inside}
    scenarios = {path.relative_to(ROOT / "scenarios") for path in (ROOT / "scenarios").rglob("*.yaml")}
    wanted |= {f"simsticky/shipped/{path.as_posix()}" for path in scenarios}
    assert {"simsticky/py.typed", "simsticky/shipped/rolling.yaml", "simsticky/manifests/fields.json"} <= wanted
    assert wanted <= names, sorted(wanted - names)


def test_no_file_of_the_package_is_of_an_unknown_kind() -> None:
    """A new kind of file is looked for, too."""
    kinds = {
        path.suffix for path in (ROOT / "simsticky").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert kinds <= {*DATA, ".py"}


def test_what_is_imported_is_the_wheel(scripts: Path, tmp_path: Path) -> None:
    """The tests below import the wheel, and not the source tree's own modules."""
    python = scripts / Path(sys.executable).name
    place = done("-c", "import simsticky; print(simsticky.__file__)", program=python, cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(scripts.parent)


def test_the_command_of_the_wheel_runs(scripts: Path, tmp_path: Path) -> None:
    """Version, schema, a shipped scenario and its page need no source tree."""
    simsticky = scripts / "simsticky"
    assert done("--version", program=simsticky, cwd=tmp_path).startswith("simsticky 0.")
    assert json.loads(done("schema", program=simsticky, cwd=tmp_path))["title"] == "Scenario"
    where = "import simsticky; print(simsticky.__file__)"
    shipped = (
        Path(done("-c", where, program=scripts / Path(sys.executable).name, cwd=tmp_path).strip()).parent / "shipped"
    )
    asked = [str(shipped / "howto.yaml"), "--reps", "2", "--jobs", "1", "-o", "json", "--report", "page.html"]
    answer = json.loads(done("run", *asked, program=simsticky, cwd=tmp_path))
    assert answer["replications"] == 2
    assert "</html>" in (tmp_path / "page.html").read_text(encoding="utf-8")
