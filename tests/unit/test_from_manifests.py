"""A scenario of manifests alone: what `simsticky init` drafts from them, and its errors."""

import shutil
from pathlib import Path

import pytest

import simsticky as ss
from simsticky.cli.main import main

MANIFEST = "scenarios/manifests/example-app.yaml"


def drafted(capsys, *arguments):
    """The scenario that ``init`` writes, and what it complains of."""
    code = main(["init", *arguments, "-q"])
    text = capsys.readouterr()
    return (ss.loads(text.out) if code == 0 else None), text.err.strip()


@pytest.mark.parametrize(
    "path",
    [MANIFEST, *(pytest.param(path, marks=pytest.mark.slow) for path in (Path(MANIFEST), [MANIFEST]))],
    ids=["text", "path", "list"],
)
def test_it_is_the_scenario_that_init_drafts(capsys, path):
    """The same manifests and the same statements give the same scenario, to the digest."""
    stated = ["--rps", "20", "--session", "p50=2m,p95=9m", "--cookieless", "5%", "--set", "deployment.preStop=15s"]
    wanted, _ = drafted(capsys, MANIFEST, *stated)
    found = ss.Scenario.from_manifests(
        path,
        rps=20,
        session={"p50": "2m", "p95": "9m"},
        cookieless="5%",
        settings={"deployment.pre_stop": "15s"},
    )
    assert found.digest() == wanted.digest()
    assert found == wanted


@pytest.mark.slow
def test_a_directory_and_standard_guesses(capsys, tmp_path):
    """Nothing stated: all but the manifests is guessed, alike."""
    shutil.copy(MANIFEST, tmp_path / "app.yaml")
    wanted, _ = drafted(capsys, str(tmp_path))
    found = ss.Scenario.from_manifests(tmp_path)
    assert found == wanted
    assert ss.simulate(found.evolve({"traffic.rps": 5})).summary["exposed_sessions"] > 0


def test_it_says_where_each_value_is_from():
    """A line of a manifest, an argument, or a guess with its reason."""
    found = ss.Scenario.from_manifests(MANIFEST, rps=20, settings={"deployment.preStop": "15s"})
    assert found.provenance["deployment.replicas"] == "example-app.yaml:7"
    assert found.provenance["traffic.rps"] == "argument rps"
    assert found.provenance["deployment.preStop"] == "argument settings"
    assert found.provenance["traffic.service"].startswith("GUESS: ")
    assert not any("scenario.yaml" in place for place in found.provenance.values())


def test_an_unknown_field_is_refused_or_let_pass(capsys, tmp_path):
    """With the file's own line, as on the command line; ``lenient`` takes it as not there."""
    place = tmp_path / "app.yaml"
    place.write_text(Path(MANIFEST).read_text(encoding="utf-8").replace("  replicas: 3", "  replicsa: 3"), "utf-8")
    _, told = drafted(capsys, str(place))
    with pytest.raises(ss.InputError) as caught:
        ss.Scenario.from_manifests(place)
    assert str(caught.value) == told
    assert "replicsa" in told
    assert ss.Scenario.from_manifests(place, lenient=True).deployment.replicas == 1


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"session": "p50=2m"}, "session: p50: 1 of two quantiles"),
        ({"rps": "many"}, "rps: "),
        ({"cookieless": "200%"}, "cookieless: must be between 0% and 100%"),
        ({"settings": {"deployment.pre_stp": 1}}, "settings: deployment.pre_stp: unknown, did you mean"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_argument_is_told_by_its_name(stated, told):
    """Where the command line would name its flag."""
    with pytest.raises(ss.InputError) as caught:
        ss.Scenario.from_manifests(MANIFEST, **stated)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(("paths", "told"), [("nowhere.yaml", "nowhere.yaml: no such file"), ([], "paths: name the")])
def test_manifests_that_are_not_there(paths, told):
    """The name of what is missing; of nothing, what to name."""
    with pytest.raises(ss.InputError) as caught:
        ss.Scenario.from_manifests(paths)
    assert str(caught.value).startswith(told)
