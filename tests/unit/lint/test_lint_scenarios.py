"""``lint`` of scenario files: what a scenario says of users and application is used, and shipped ones have no error."""

from pathlib import Path

import pytest

from simsticky.annotations.record import Severity
from simsticky.errors import InputError
from simsticky.lint.engine import Lint, lint
from simsticky.lint.evidence import with_evidence
from simsticky.lint.inputs import read_material
from tests.unit.lint.small import CLEAN, edited, numbers, one_of

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.yaml"))

_SCENARIO = """\
schema: simsticky/1
manifests: [app.yaml]
traffic:
  sessions: {kind: poisson, rate: 2/s}
  requests: {kind: geometric, mean: 20}
  think: {kind: exponential, mean: 6s}
  service: 40ms
app: {startup: 8s}
run: {horizon: 30m}
timeline: [{at: 5m, rollout: web}]
thresholds: {broken_sessions: "< 5%"}
"""


def _found(folder: Path, scenario: str, manifests: str = CLEAN) -> Lint:
    (folder / "app.yaml").write_text(manifests, encoding="utf-8")
    (folder / "s.yaml").write_text(scenario, encoding="utf-8")
    return lint(read_material([str(folder / "s.yaml")]))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_shipped_scenario_has_no_error(path: Path) -> None:
    found = lint(read_material([str(path)]))
    assert found.count(Severity.ERROR) == 0
    assert all(Path(one.file).is_file() and one.line for one in found.annotations)


def test_the_window_is_judged_by_the_residual_life_and_the_threshold(tmp_path: Path) -> None:
    # Geometric requests with exponential thinks are memoryless: e^(−30 s / (20 × 6.04 s)) = 78 %; ln(20) L = 362 s.
    one = one_of(_found(tmp_path, _SCENARIO), "SS024")
    assert "78 % of the sessions" in one.message
    assert "P(R > 6m2s) = 5.0 %" in one.evidence
    assert one.place.endswith("app.yaml:17:49")


@pytest.mark.parametrize(
    "edit",
    [
        ("app: {startup: 8s}", "app: {startup: 8s}\ndeployment: {preStop: 6m5s, grace: 7m}"),
        ("app: {startup: 8s}", "app: {startup: 8s, state: external}"),
        ("requests: {kind: geometric, mean: 20}", "requests: 20"),  # no closed form
    ],
)
def test_a_window_is_not_judged_where_it_is_long_enough_or_nobody_knows(edit: tuple[str, str], tmp_path: Path) -> None:
    assert "SS024" not in numbers(_found(tmp_path, edited(_SCENARIO, edit)))


def test_the_applications_time_to_end_counts(tmp_path: Path) -> None:
    slow = edited(_SCENARIO, ("startup: 8s", "startup: 8s, onSigterm: {listener: close, exit: {after: 70s}}"))
    one = one_of(_found(tmp_path, slow), "SS004")
    assert one.evidence.startswith("30s + 1m10s = 1m40s > 1m30s")
    assert "set terminationGracePeriodSeconds to 100" in one.fix
    in_time = edited(slow, ("after: 70s", "after: 60s"))
    assert "SS004" not in numbers(_found(tmp_path, in_time))


def test_an_application_that_ignores_sigterm_is_always_killed(tmp_path: Path) -> None:
    found = _found(tmp_path, edited(_SCENARIO, ("startup: 8s", "startup: 8s, onSigterm: ignore")))
    assert "ignores SIGTERM" in one_of(found, "SS004").message


def test_a_release_that_heeds_max_unavailable_is_believed(tmp_path: Path) -> None:
    ordered = edited(CLEAN, ("kind: Deployment\nmetadata:\n  name: web\nspec:\n",
                             "kind: StatefulSet\nmetadata:\n  name: web\nspec:\n  serviceName: web\n"
                             "  updateStrategy: {rollingUpdate: {maxUnavailable: 2}}\n"))  # fmt: skip
    for version, heeds in (("1.35.3", True), ("1.35.4", False), ("1.36", False), ("1.37", True)):
        found = _found(tmp_path, _SCENARIO + f'kubernetes: {{version: "{version}"}}\n', ordered)
        assert ("SS018" in numbers(found)) is not heeds


def test_stated_sections_win_over_the_manifests(tmp_path: Path) -> None:
    off = _found(tmp_path, _SCENARIO + "kic: {enableDrainSupport: false}\n")
    one = one_of(off, "SS003")
    assert one.place.endswith("s.yaml:12:27")
    (patch,) = [patch for patch in off.patches if not patch.kind]
    assert patch.body["kic"] == {"enableDrainSupport": True}


def test_a_scenario_whose_manifests_are_refused_still_has_them_linted(tmp_path: Path) -> None:
    found = _found(tmp_path, _SCENARIO, edited(CLEAN, ("  hashOn: {input: none}\n", "")))
    assert "SS001" in numbers(found)


def test_a_scenario_that_is_wrong_itself_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"s\.yaml:4:3"):
        _found(tmp_path, edited(_SCENARIO, ("  sessions:", "  sesions:")))


def test_a_readiness_probe_is_missed_where_the_start_takes_time(tmp_path: Path) -> None:
    bare = edited(CLEAN, ("readinessProbe: {httpGet: {path: /, port: http}}", "imagePullPolicy: Always"))
    one = one_of(_found(tmp_path, _SCENARIO, bare), "SS022")
    assert "2/s ÷ 4 × 8s = 4 new sessions" in one.evidence
    at_once = edited(_SCENARIO, ("startup: 8s", "startup: 0s"))
    assert "SS022" not in numbers(_found(tmp_path, at_once, bare))


@pytest.mark.slow
def test_evidence_is_a_simulation_of_now_and_of_the_fix(tmp_path: Path) -> None:
    # Its size follows from the estimate alone, so that the same files give the same text.
    quick = edited(
        _SCENARIO, ("rate: 2/s", "rate: 0.2/s"), ("mean: 6s", "mean: 1500ms"), ("horizon: 30m", "horizon: 12m")
    )
    first, second = (one_of(with_evidence(_found(tmp_path, quick)), "SS024").evidence for _ in range(2))
    assert first == second
    before, after = (float(part.split(" %")[0]) for part in first.partition("broken_sessions ")[2].split("fix ")[:2])
    assert "simulated (20 replications)" in first
    assert after < before / 3
