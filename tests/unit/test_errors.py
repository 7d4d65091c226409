"""Diagnostics and the errors that carry them."""

import pickle

import pytest

from simsticky.errors import Diagnostic, InputError, InvariantError, SimstickyError


def test_a_diagnostic_names_its_place():
    """A problem is shown as file:line:column: path: message, with the hint behind."""
    problem = Diagnostic("rolling.yaml", 9, 3, "kic.drain", "unknown", "did you mean enableDrainSupport?")
    assert str(problem) == "rolling.yaml:9:3: kic.drain: unknown (did you mean enableDrainSupport?)"


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Diagnostic("a.yaml", None, None, "", "no such file"), "a.yaml: no such file"),
        (Diagnostic("--set", None, None, "kic.drain", "unknown"), "--set kic.drain: unknown"),
        (Diagnostic("", None, None, "kic.drain", "unknown"), "kic.drain: unknown"),
        (Diagnostic("", None, None, "", "unknown"), "unknown"),
        (Diagnostic("a.yaml", 4, None, "run", "bad"), "a.yaml:4: run: bad"),
    ],
)
def test_a_diagnostic_leaves_out_what_is_not_known(problem, text):
    """Places without line, flags and values from Python read well too."""
    assert str(problem) == text


def test_a_very_long_message_is_cut():
    """A quoted script does not fill the screen."""
    assert len(str(Diagnostic("a.yaml", 1, 1, "x", "y" * 10_000))) < 600


def test_an_input_error_lists_every_problem():
    """All problems are shown, one a line, in their order."""
    problems = [Diagnostic("a.yaml", i, 1, "", f"problem {i}") for i in (1, 2)]
    error = InputError(problems)
    assert str(error).splitlines() == ["a.yaml:1:1: problem 1", "a.yaml:2:1: problem 2"]
    assert error.diagnostics == tuple(problems)


def test_an_input_error_needs_a_problem():
    """An error without a reason would be a bug of ours."""
    with pytest.raises(ValueError, match="at least one"):
        InputError([])


def test_errors_survive_the_way_between_processes():
    """A worker's error arrives with its diagnostics."""
    error = InputError.of("unknown", path="kic", file="a.yaml", hint="look")
    assert pickle.loads(pickle.dumps(error)).diagnostics == error.diagnostics


def test_the_tree():
    """One except clause catches everything that simsticky raises on purpose."""
    assert issubclass(InputError, SimstickyError)
    assert issubclass(InvariantError, SimstickyError)
