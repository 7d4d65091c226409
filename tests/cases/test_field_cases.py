"""Given inputs that once ran with a field in the wrong place: each ends in an error that names it, or is said aloud."""

import re
from pathlib import Path

import pytest
from manifest_cases import CONTAINER, app, put, read

from simsticky.cli.main import main
from simsticky.errors import InputError

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


def _move(obj, path, to):
    """Take a field out and put it where it belongs; return the object."""
    *above, name = path
    node = obj
    for key in above:
        node = node[key]
    return put(obj, *to, node.pop(name))


POD = ("spec", "template", "spec")


@pytest.mark.parametrize(
    ("path", "value", "hint", "to"),
    [
        (("replicas",), 2, "replicas belongs to spec", ("spec", "replicas")),
        ((*POD, "lifecycle"), {}, r"lifecycle belongs to spec.template.spec.containers\[\]", (*CONTAINER, "lifecycle")),
        (
            (*CONTAINER, "terminationGracePeriodSeconds"),
            90,
            "terminationGracePeriodSeconds belongs to spec.template.spec",
            (*POD, "terminationGracePeriodSeconds"),
        ),
        (
            ("spec", "maxSurge"),
            2,
            "maxSurge belongs to spec.strategy.rollingUpdate",
            ("spec", "strategy", "rollingUpdate", "maxSurge"),
        ),
        (("spec", "minReadySecond"), 5, "did you mean minReadySeconds", ("spec", "minReadySeconds")),
        (("spec", "updateStrategy"), {"type": "Recreate"}, "did you mean strategy", ("spec", "strategy")),
    ],
)
def test_a_field_that_goes_where_the_error_says_is_taken(tmp_path, path, value, hint, to):
    """Every hint works when it is followed."""
    objects = app()
    put(objects[0], *path, value)
    with pytest.raises(InputError, match=hint):
        read(tmp_path, objects)
    _move(objects[0], path, to)
    read(tmp_path, objects)


@pytest.mark.parametrize(
    ("path", "value", "hint", "instead"),
    [
        ((*CONTAINER, "env"), [{"name": "A", "value": 2}], 'put it in quotes: "2"', [{"name": "A", "value": "2"}]),
        (("spec", "replicas"), "4", "write it without quotes: 4", 4),
        ((*POD, "hostNetwork"), "true", "write it without quotes: true", True),
        ((*CONTAINER, "args"), "serve", "begin each item with a dash", ["serve"]),
        (("apiVersion",), "v1", "write apps/v1", "apps/v1"),
    ],
)
def test_a_value_that_is_written_as_the_error_says_is_taken(tmp_path, path, value, hint, instead):
    """Quotes, lists and versions alike."""
    objects = app()
    put(objects[0], *path, value)
    with pytest.raises(InputError, match=hint):
        read(tmp_path, objects)
    put(objects[0], *path, instead)
    read(tmp_path, objects)
