"""Given inputs that once ran with a field in the wrong place: each ends in an error that names it, or is said aloud."""

import re
from pathlib import Path

import pytest

from simsticky.cli.main import main

CASES = Path(__file__).parent


def run(case, capsys, monkeypatch, *flags):
    """Run a case in its folder; return the exit code and what was printed to both outputs."""
    monkeypatch.chdir(CASES / case)
    code = main(["run", "s.yaml", "--reps", "1", "--jobs", "1", "--no-progress", *flags])
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("lifecycle-pre-stop-hook", r"^app\.yaml:18:13: .*unknown field preStopHook, did you mean preStop\?$"),
        (
            "grace-in-container",
            r"^app\.yaml:17:11: .*unknown field terminationGracePeriodSeconds"
            r" \(terminationGracePeriodSeconds belongs to spec\.template\.spec\)$",
        ),
    ],
)
def test_a_field_that_the_api_server_does_not_know_ends_the_run(case, told, capsys, monkeypatch):
    """Under strict validation the API server refuses it; here a default would have held in silence."""
    code, out, err = run(case, capsys, monkeypatch)
    assert (code, out) == (2, "")
    assert re.search(told, err, re.MULTILINE), err


def test_lenient_makes_it_a_warning(capsys, monkeypatch):
    """As the API server where it only warns: the field is taken as not there, and that is said."""
    code, out, err = run("lifecycle-pre-stop-hook", capsys, monkeypatch, "--lenient")
    assert code == 0
    assert "Broken sessions" in out
    assert "app.yaml:18: " in err
    assert "unknown field preStopHook, did you mean preStop?; taken as not there" in err


def test_a_kustomization_beside_its_base_is_named(capsys, monkeypatch):
    """The base is simulated as it stands, and the output says what the kustomization would change."""
    code, out, err = run("kustomization-in-directory", capsys, monkeypatch)
    assert code == 0
    assert "Broken sessions" in out
    assert "namePrefix and replicas would change the answer and are not applied" in err
    assert "kustomize build base > all.yaml" in err
