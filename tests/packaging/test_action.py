"""``action.yml``: what it declares is what it uses, and its steps do in a repository what a runner would do there."""

import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pipelines import ROOT, commit, environment, git, read, replaced, repository, shell, without_dependencies

from simsticky import __version__

pytestmark = pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("git")), reason="the steps are bash, in a repository of git"
)

__all__ = ["environment", "repository"]

ACTION = read(ROOT / "action.yml")
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
SCRIPTS = [step for step in STEPS.values() if "run" in step]
GRACE = ("terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 10")
IMAGE = ("example-app:1.0.0", "example-app:1.0.1")


def expressions(text: str) -> list[str]:
    """Return the expressions ``${{ … }}`` of a text."""
    return [found.strip() for found in re.findall(r"\$\{\{(.*?)\}\}", text)]


def used(step: dict[str, Any]) -> str:
    """Return all of a step that a runner evaluates."""
    return repr({key: value for key, value in step.items() if key != "run"})


def test_it_is_composite_and_every_script_names_its_shell() -> None:
    """The action has what a runner asks for before it runs anything."""
    assert ACTION["runs"]["using"] == "composite"
    assert {"name", "description", "inputs", "outputs", "runs"} <= set(ACTION)
    assert [step["shell"] for step in SCRIPTS] == ["bash"] * len(SCRIPTS)
    for declared in (*ACTION["inputs"].values(), *ACTION["outputs"].values()):
        assert declared["description"]


def test_inputs_are_declared_and_used_and_have_a_default() -> None:
    """Every input is read by something, and nothing reads an input that does not exist."""
    written = " ".join(used(step) for step in STEPS.values())
    assert set(re.findall(r"inputs\.([\w-]+)", written)) == set(ACTION["inputs"])
    assert all("default" in declared for declared in ACTION["inputs"].values())


def test_no_input_becomes_part_of_a_script() -> None:
    """A branch's name or a threshold cannot be code, for it comes as a variable."""
    for step in SCRIPTS:
        assert expressions(step["run"]) == []
        assert set(re.findall(r"\$\{?([A-Z][A-Z_]*)", step["run"])) <= {
            *step.get("env", {}),
            "GITHUB_OUTPUT",
            "GITHUB_PATH",
        }


def test_outputs_of_steps_are_written_by_them() -> None:
    """Every exit code that is read was written by a step."""
    by_id = {step["id"]: step for step in STEPS.values() if "id" in step}
    written = " ".join([*(used(step) for step in STEPS.values()), repr(ACTION["outputs"])])
    for of, name in re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", written):
        step = by_id[of]
        assert name == "python-path" if "uses" in step else f'"{name}=$code" >> "$GITHUB_OUTPUT"' in step["run"]


class Runner:
    """As much of GitHub's runner as the steps need.

    Args:
        folder: The checkout.
        environment: What every step finds.
        scratch: The runner's own place.
        base: The commit that a pull request is to be merged into; "" for another event.
        given: The inputs that a workflow states.
    """

    def __init__(
        self, folder: Path, environment: dict[str, str], scratch: Path, base: str, given: dict[str, str]
    ) -> None:
        self.folder, self.environment = folder, environment
        self.summary, self.outputs = scratch / "summary.md", scratch / "output"
        self.said = ""
        assert set(given) <= set(ACTION["inputs"])
        inputs = {name: given.get(name, declared["default"]) for name, declared in ACTION["inputs"].items()}
        self.known = {f"inputs.{name}": value for name, value in inputs.items()}
        self.known |= {"github.event.pull_request.base.sha": base, "runner.temp": str(scratch)}
        self.known |= {f"steps.{of}.outputs.exit-code": "" for of in ("lint", "check")}

    def evaluated(self, text: str) -> str:
        """Return text with its expressions worked out."""
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: self.known[found[1].strip()], str(text))

    def is_due(self, step: dict[str, Any]) -> bool:
        """Return whether a step's condition, ``inputs.NAME != ''``, holds."""
        if "if" not in step:
            return True
        (name,) = re.fullmatch(r"(inputs\.[\w-]+) != ''", step["if"]).groups()  # type: ignore[union-attr]
        return self.known[name] != ""

    def run(self, *names: str) -> int:
        """Run steps until one fails; return the exit code of the last one that ran."""
        for name in names:
            step = STEPS[name]
            if not self.is_due(step):
                continue
            self.outputs.write_text("", encoding="utf-8")
            variables = {key: self.evaluated(value) for key, value in step.get("env", {}).items()}
            files = {"GITHUB_OUTPUT": str(self.outputs), "GITHUB_STEP_SUMMARY": str(self.summary)}
            folder = self.folder / self.evaluated(step.get("working-directory", "."))
            ran = shell(step["run"], folder, self.environment | variables | files)
            self.said += ran.stdout + ran.stderr
            if ran.returncode != 0:
                return ran.returncode
            for line in self.outputs.read_text(encoding="utf-8").splitlines():
                key, _, value = line.partition("=")
                self.known[f"steps.{step['id']}.outputs.{key}"] = value
        return 0


CHECKED = {"scenario": "scenario.yaml", "lint": "k8s", "comment-file": "comment.md"}
ALL = ("Lint", "Check", "Result")


def test_a_pull_request_that_shortens_the_grace_period_fails_on_its_line(
    repository: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """Exit 3, the annotation on the line that was changed, one bold sentence in the summary and in the comment."""
    base = git(repository, "rev-parse", "HEAD")
    line = replaced(repository, *GRACE)
    commit(repository, "Shorten the grace period")
    asked = CHECKED | {"junit-file": "check.xml", "sarif-file": "lint.sarif"}
    runner = Runner(repository, environment, tmp_path, base, asked)
    assert runner.run(*ALL) == 3, runner.said
    assert re.search(rf"^::error file=k8s/example-app\.yaml,line={line},", runner.said, re.MULTILINE)
    summary = runner.summary.read_text(encoding="utf-8")
    comment = (repository / "comment.md").read_text(encoding="utf-8")
    assert re.match(r"\*\*.*terminationGracePeriodSeconds 1m → 10s.*\*\*", comment)
    assert comment.splitlines()[0] in summary
    assert "broken sessions" in runner.said  # the table, for the log
    assert "<testsuite" in (repository / "check.xml").read_text(encoding="utf-8")
    assert '"2.1.0"' in (repository / "lint.sarif").read_text(encoding="utf-8")
    assert runner.known["steps.check.outputs.exit-code"] == "3"


def test_a_pull_request_that_changes_an_image_passes(
    repository: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """Exit 0, no annotation of the check, and an empty comment, which nobody posts."""
    base = git(repository, "rev-parse", "HEAD")
    replaced(repository, *IMAGE)
    commit(repository, "Take the next image")
    runner = Runner(repository, environment, tmp_path, base, CHECKED | {"lint": ""})
    assert runner.run(*ALL) == 0, runner.said
    assert "::error" not in runner.said
    assert (repository / "comment.md").read_text(encoding="utf-8") == ""
    assert runner.known["steps.lint.outputs.exit-code"] == ""


@pytest.mark.parametrize("baseline", ["auto", pytest.param("git:origin/main", marks=pytest.mark.slow)])
def test_a_shallow_checkout_fetches_the_base(
    baseline: str, repository: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """``actions/checkout`` brings one commit: the base of a pull request, or another branch, is fetched."""
    base = git(repository, "rev-parse", "HEAD")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")  # as GitHub does
    git(repository, "switch", "--quiet", "--create", "change")
    replaced(repository, *IMAGE)
    commit(repository, "Take the next image")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "change", f"file://{repository}", str(shallow))
    asked = CHECKED | {"lint": "", "baseline": baseline}
    runner = Runner(shallow, environment, tmp_path, base, asked)
    assert runner.run(*ALL) == 0, runner.said


@pytest.mark.slow
def test_without_a_base_the_thresholds_decide(repository: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """On a push there is no baseline; each line of the input is a threshold, blanks and all."""
    asked = {"scenario": "scenario.yaml", "thresholds": "broken_sessions < 99%\npeak_pods <= 4\n"}
    runner = Runner(repository, environment, tmp_path, "", asked)
    assert runner.run(*ALL) == 3, runner.said
    assert "peak_pods <= 4 is not met" in runner.said
    assert "broken_sessions < 99% is not met" not in runner.said


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "neither lint nor scenario is given"),
        ({"lint": "nowhere"}, "nowhere"),
        ({"scenario": "nowhere.yaml"}, "nowhere.yaml"),
        ({"scenario": "scenario.yaml", "thresholds": "broken_sessions ! 1"}, "--threshold"),
        ({"scenario": "scenario.yaml", "inconclusive": "perhaps"}, "--inconclusive"),
    ],
    ids=["nothing", "no manifests", "no scenario", "no threshold", "no such word"],
)
def test_wrong_input_fails_with_2(
    asked: dict[str, str], told: str, repository: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """A mistake in a workflow never looks like a change that passes, nor like one that is worse."""
    runner = Runner(repository, environment, tmp_path, "", asked)
    assert runner.run(*ALL) == 2
    assert told in runner.said


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pip") is None, reason="the virtual environment of the action brings pip along")
def test_the_action_installs_itself(environment: dict[str, str], tmp_path: Path) -> None:
    """The install step puts a simsticky of the action's own version on the path of the later steps."""
    source = without_dependencies(
        tmp_path / "action", ["pyproject.toml", "README.md", "LICENSE", "simsticky", "scenarios"]
    )
    environment.pop("PYTHONPATH")
    runner = Runner(tmp_path, environment | {"GITHUB_PATH": str(tmp_path / "path")}, tmp_path, "", {})
    runner.known |= {"steps.python.outputs.python-path": sys.executable, "github.action_path": str(source)}
    assert runner.run("Install simsticky") == 0, runner.said
    scripts = Path((tmp_path / "path").read_text(encoding="utf-8").strip())
    assert (scripts / "simsticky").exists()
    asked = f'"{scripts}/python" -c "import importlib.metadata as found; print(found.version(\'simsticky\'))"'
    assert shell(asked, tmp_path, environment).stdout.strip() == __version__
