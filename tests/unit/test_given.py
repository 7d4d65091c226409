"""A scenario is taken in whatever form somebody has it, and names in either spelling."""

from pathlib import Path

import pytest
from small_scenario import small

import simsticky as ss
from simsticky.scenario.reading.given import scenario_of

ROLLING = "scenarios/rolling.yaml"
MANIFEST = "scenarios/manifests/example-app.yaml"


def quick(**changes):
    return small(run__record="summary", run__skewFloor=False, **changes)


def test_a_path_its_text_and_what_it_says_are_one_scenario():
    """The file by name and by path, its text, and the mapping that it is give the same results."""
    from ruamel.yaml import YAML

    text = Path(ROLLING).read_text(encoding="utf-8").replace("manifests/", "scenarios/manifests/")
    forms = [ROLLING, Path(ROLLING), text, YAML(typ="safe").load(text), ss.load(ROLLING)]
    assert len({scenario_of(form).digest() for form in forms}) == 1
    assert scenario_of(forms[-1]) is forms[-1]


def test_every_verb_takes_them(tmp_path):
    """``simulate``, ``replicate``, ``sweep``, ``compare``, ``tornado`` and ``recommend`` take a path or a mapping."""
    said = quick().to_json_dict()
    digest = quick().digest()
    assert ss.simulate(said).scenario.digest() == ss.replicate(said, 2).scenario.digest() == digest
    assert ss.sweep(said, {"gateway.nodes": [1, 2]}, n=2).base.digest() == digest
    assert ss.tornado(said, {"gateway.nodes": [1, 2]}, n=2).base.scenario.digest() == digest
    assert ss.compare({"a": said, "b": quick(deployment__preStop="5s")}, n=2).base.digest == digest
    found = ss.recommend(said, "broken_sessions < 50%", {"deployment.preStop": ["0s", "25s"]}, n=2)
    assert found.scenario.evolve({"thresholds": {}}).digest() == digest


@pytest.mark.parametrize("odd", [3, None, ["scenario.yaml"], b"x"], ids=str)
def test_what_is_no_scenario_is_told_so(odd):
    """Nobody has to read a traceback of attributes that are not there."""
    with pytest.raises(TypeError, match="a scenario is a Scenario, the path of its file or a mapping"):
        ss.simulate(odd)


def test_a_missing_file_is_told_as_on_the_command_line():
    """The file's name and that it is not there."""
    with pytest.raises(ss.InputError, match=r"^nowhere\.yaml: no such file$"):
        ss.simulate("nowhere.yaml")


def test_a_mapping_reads_manifests_and_wins_over_them():
    """What it says is from Python, what it leaves out from the manifest's line."""
    said = {"manifests": [MANIFEST], "deployment": {"pre_stop": "5s", "grace": "40s"}, "run": {"seed": 9}}
    found = scenario_of(said)
    assert (found.deployment.pre_stop.seconds, found.deployment.termination_grace_period_seconds) == (5, 40)
    assert found.deployment.replicas == 3
    assert found.provenance["deployment.preStop"] == found.provenance["run.seed"] == "Python"
    assert found.provenance["deployment.terminationGracePeriodSeconds"] == "Python"
    assert found.provenance["deployment.replicas"] == "example-app.yaml:7"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"deployment": {"pre_stp": "5s"}}, "deployment.preStp: unknown, did you mean deployment.preStop?"),
        ({"deploymnt": {}}, "deploymnt: unknown, did you mean deployment?"),
        (
            {"deployment": {"pre_stop": 1, "preStop": 2}},
            "deployment.preStop: is given twice, as pre_stop and as preStop",
        ),
        ({"manifests": ["nix.yaml"]}, "manifests.0: nix.yaml: no such file"),
        ({"timeline": [{"at": "2m", "rollout": "b"}]}, "timeline.0.rollout: there is no Deployment 'b'"),
        ({"run": {"seed": "x"}}, "run.seed: 'x' is not a whole number"),
        ({"kind": "Deployment", "apiVersion": "apps/v1"}, "this is a Kubernetes manifest, not a scenario"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_a_mapping_is_told_by_its_path(said, told):
    """No line, since there is no file; the path, and the nearest known name."""
    with pytest.raises(ss.InputError) as caught:
        scenario_of(said)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("name", ["preStop", "pre_stop"])
def test_both_spellings_are_one_setting(name):
    """In a scenario's own arguments, in a mapping, in changes, in what follows, and in every study."""
    assert ss.Scenario(deployment={"name": "a", name: "7s"}).deployment.pre_stop.seconds == 7
    assert scenario_of({"deployment": {name: "7s"}}).deployment.pre_stop.seconds == 7
    path = f"deployment.{name}"
    base = quick()
    assert base.evolve({path: "7s"}).deployment.pre_stop.seconds == 7
    assert base.evolve({"deployment": {"name": "app", name: "7s"}}).deployment.pre_stop.seconds == 7
    follows = {path: ["1s", "5s"], "deployment.termination_grace_period_seconds": f"{name} + 30s"}
    swept = ss.sweep(base, follows, n=2)
    assert swept.settings == ("deployment.preStop", "deployment.terminationGracePeriodSeconds")
    assert [scenario.deployment.termination_grace_period_seconds for scenario in swept.scenarios] == [31, 35]
    assert ss.tornado(base, {path: ["1s", "5s"]}, n=2).bars[0].setting == "deployment.preStop"
    found = ss.recommend(base, "broken_sessions < 99%", {path: ["1s", "5s"]}, n=2)
    told = found.to_json()
    assert "deployment.preStop" in told
    assert "pre_stop" not in told


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: ss.Scenario(deployment={"pre_stp": "5s"}), "deployment.pre_stp: unknown, did you mean"),
        (lambda: ss.Scenario(deploymnt={}), "deploymnt: unknown, did you mean deployment?"),
        (lambda: quick().evolve({"deployment.pre_stp": "5s"}), "deployment.pre_stp: unknown, did you mean"),
        (lambda: quick().evolve({"pre_stop": "5s"}), "pre_stop: unknown, did you mean deployment.preStop?"),
        (lambda: ss.sweep(quick(), {"deployment.pre_stp": ["5s", "9s"]}), "deployment.pre_stp: unknown, did you mean"),
        (lambda: quick().evolve({"deployment.grace": "pre_stp + 30s"}), "deployment.grace: there is no setting"),
    ],
    ids=["Scenario", "section", "evolve", "without a section", "sweep", "expression"],
)
def test_an_unknown_name_is_told_with_the_nearest(ask, told):
    """Every way in says the same: which name, and which was meant."""
    with pytest.raises(ss.InputError) as caught:
        ask()
    assert str(caught.value).startswith(told)
    assert "preStop" in str(caught.value) or "deployment?" in str(caught.value)


def test_a_scenario_that_is_wrong_tells_everything_at_once():
    """As from a file: each problem at its path."""
    with pytest.raises(ss.InputError) as caught:
        ss.Scenario(run={"seed": "x"}, timeline=[{"at": "10m", "rollout": "shoop"}])
    assert {problem.path for problem in caught.value.diagnostics} == {"run.seed", "timeline.0.rollout"}
