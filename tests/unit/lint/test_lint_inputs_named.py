"""What reading tells of an object is never lost: not of one without a name, nor behind a lesser finding of its line."""

import pytest

from simsticky.cli.main import main

NAMELESS = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {}\nspec: {}\n"
HOLLOW = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n"


def test_an_object_without_a_name_is_refused(tmp_path, capsys):
    """As the API server refuses it, with its place; whatever else is in the file."""
    path = tmp_path / "app.yaml"
    path.write_text(f"{HOLLOW}---\n{NAMELESS}")
    assert main(["lint", str(path)]) == 2
    assert "app.yaml:7:11: Deployment: metadata.name: Required value" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["table", "github"])
def test_an_error_is_not_hidden_by_a_warning_of_its_line(tmp_path, capsys, output):
    """A Deployment without a template has all its findings in one line; that it cannot be is the first of them."""
    path = tmp_path / "app.yaml"
    path.write_text(HOLLOW)
    assert main(["lint", str(path), "-o", output]) == 3
    out = capsys.readouterr().out
    assert "SS027" in out
    assert "spec.template.spec.containers: Required value" in out
