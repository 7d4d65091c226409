"""How far a study is: shown in notebooks, elsewhere only to those who ask, and gone when it is done."""

import io
import subprocess
import sys

import pytest
from small_scenario import small

import simsticky as ss
from simsticky.study import progress
from simsticky.study.progress import Bar, progress_of


def quick():
    return small(run__record="summary", run__skewFloor=False)


class Terminal(io.StringIO):
    """Standard error on a terminal."""

    def isatty(self):
        return True


class Clock:
    """A clock that a test moves on."""

    def __init__(self):
        self.s = 0.0

    def __call__(self):
        return self.s


class Place:
    """What a bar was shown as."""

    def __init__(self):
        self.shown = []

    def show(self, finished, wanted, left):
        self.shown.append((finished, wanted, left))

    def clear(self):
        self.shown.append("cleared")


@pytest.fixture
def notebook(monkeypatch):
    """A notebook's kernel, and what it is told to display."""
    pytest.importorskip("IPython.display")
    displayed = []

    class Shown:
        def update(self, data, raw):
            displayed.append(data["text/html"])

    def display(data, raw, display_id):
        displayed.append(data["text/html"])
        return Shown()

    class Kernel:
        kernel = object()

    monkeypatch.setattr("IPython.get_ipython", lambda: Kernel)
    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(progress, "_FIRST_S", 0.0)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    return displayed


def test_a_notebook_shows_a_bar_that_goes_away(notebook):
    """By default, of every verb, with how many of how many; in the end nothing of it is left."""
    ss.replicate(quick(), 3)
    assert 'value="1" max="3"' in notebook[0]
    assert "3 of 3 simulations" in notebook[-2]
    assert notebook[-1] == ""
    for verb in (
        lambda: ss.sweep(quick(), {"gateway.nodes": [1, 2]}, n=2),
        lambda: ss.compare({"a": quick(), "b": quick().evolve({"gateway.nodes": 2})}, n=2),
        lambda: ss.tornado(quick(), {"gateway.nodes": [1, 2]}, n=2),
        lambda: ss.recommend(quick(), "broken_sessions < 99%", {"gateway.nodes": [1, 2]}, n=2),
    ):
        notebook.clear()
        verb()
        assert "<progress" in notebook[0]
        assert notebook[-1] == ""


def test_a_notebook_shows_none_to_those_who_want_none(notebook):
    """``progress=False``, or somebody who draws their own."""
    told = []
    ss.replicate(quick(), 2, progress=False)
    ss.replicate(quick(), 2, on_progress=lambda finished, wanted: told.append((finished, wanted)))
    assert notebook == []
    assert told == [(1, 2), (2, 2)]


def test_it_goes_away_when_a_study_fails(notebook):
    """An error's traceback has no bar above it that stands still."""
    ran = []

    def fails_at_the_third(scenario, *, seed, replication):
        if replication == 2:
            raise ZeroDivisionError
        ran.append(replication)
        return ss.simulate(scenario, seed, replication)

    with pytest.raises(ZeroDivisionError):
        ss.replicate(quick(), 5, simulate=fails_at_the_third)
    assert ran == [0, 1]
    assert "2 of 5 simulations" in notebook[-2]
    assert notebook[-1] == ""


def test_a_script_shows_nothing_unless_asked(monkeypatch, capsys):
    """Nothing on standard error by default; with ``progress=True`` a line that is written over, and taken away."""
    ss.replicate(quick(), 2)
    assert capsys.readouterr() == ("", "")
    assert progress_of(None) is None
    monkeypatch.setattr(progress, "_FIRST_S", 0.0)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    ss.replicate(quick(), 2, progress=True)
    shown = terminal.getvalue().split("\r")
    assert shown[1].startswith("1/2 simulations [############............] about ")
    assert shown[2].startswith("2/2 simulations [########################]")
    assert shown[-2].strip() == shown[-1] == ""


def test_a_log_gets_a_line_a_tenth(monkeypatch):
    """No terminal: nothing is written over, and no line comes twice."""
    monkeypatch.setattr(progress, "_FIRST_S", 0.0)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    bar = progress_of(True)
    for finished in range(1, 101):
        bar(finished, 100)
    bar.close()
    lines = log.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[-1].startswith("100/100 simulations")
    assert "\r" not in log.getvalue()


def test_a_bar_waits_and_does_not_flicker():
    """Nothing is shown of what is over in half a second, and after that at most five times a second."""
    clock, place = Clock(), Place()
    bar = Bar(place, clock)
    for finished in range(1, 5):
        clock.s += 0.1
        bar(finished, 100)
    bar.close()
    assert place.shown == []
    for finished in range(5, 105):
        clock.s += 0.01
        bar(finished, 200)
    bar.close()
    assert 5 <= len(place.shown) <= 7
    assert place.shown[-1] == "cleared"


def test_it_says_how_long_the_rest_takes():
    """As long for each as so far."""
    clock, place = Clock(), Place()
    bar = Bar(place, clock)
    clock.s = 20.0
    bar(10, 40)
    assert place.shown == [(10, 40, "about 60 s left")]


def test_importing_the_package_imports_no_ipython():
    """Whether a notebook runs is asked of what is loaded already."""
    code = "import simsticky as ss, sys; from simsticky.study.progress import is_notebook; print(is_notebook())"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}; print('IPython' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["False", "False"]
