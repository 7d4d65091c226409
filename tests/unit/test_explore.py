"""Sliders in a notebook: what they choose is shown, and kept where there are no sliders."""

import base64
import re
import sys

import pytest
from small_scenario import small

import simsticky as ss


@pytest.fixture
def cell(monkeypatch):
    """What a cell has for its output, in order, as it stands: an update replaces what it updates."""
    pytest.importorskip("IPython.display")
    outputs = []

    class Handle:
        def __init__(self, place):
            self.place = place

        def update(self, data, raw):
            outputs[self.place] = data

    def display(data, raw, display_id=None):
        outputs.append(data)
        return Handle(len(outputs) - 1)

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


@pytest.fixture
def sliders(monkeypatch):
    """The sliders that are made."""
    widgets = pytest.importorskip("ipywidgets")
    made = []
    usual = widgets.SelectionSlider.__init__

    def noted(self, *args, **kwargs):
        usual(self, *args, **kwargs)
        made.append(self)

    monkeypatch.setattr(widgets.SelectionSlider, "__init__", noted)
    return made


def double(number, word):
    print(f"twice {number} is {2 * number}")
    return word


def test_the_present_values_are_an_output_of_the_cell(cell, sliders):
    """Shown before any slider, with the values that it is of, and in words where there is no HTML."""
    ss.explore(double, number=[1, 2, 3], word=["a", "b"], start={"number": 2})
    assert "<strong>number 2, word a</strong>" in cell[0]["text/html"]
    assert "twice 2 is 4" in cell[0]["text/html"]
    assert cell[0]["text/plain"] == "number 2, word a\ntwice 2 is 4"
    assert [slider.value for slider in sliders] == [2, "a"]
    assert [output["text/plain"] for output in cell[1:]] == ["", ""]
    assert all("application/vnd.jupyter.widget-view+json" in output for output in cell[1:])


def test_a_slider_replaces_what_is_shown(cell, sliders):
    """In place, so that whoever exports the notebook then has the values chosen last."""
    ss.explore(double, number=[1, 2, 3], word=["a", "b"])
    sliders[0].value = 3
    sliders[1].value = "b"
    assert "<strong>number 3, word b</strong>" in cell[0]["text/html"]
    assert "twice 3 is 6" in cell[0]["text/html"]
    assert len(cell) == 3


def test_a_figure_is_a_picture_with_a_text_and_stays_open_nowhere(cell):
    """Axes, a figure, one of several: a PNG in the output, and no figure is left for the cell's end to show again."""
    from matplotlib import pyplot as plt

    run = ss.simulate(small())
    ss.explore(lambda pre_stop: [ss.plots.timeline(run), plt.figure()], pre_stop=["10s"])
    pictures = re.findall(r'<img alt="pre stop 10s"[^>]*src="data:image/png;base64,([^"]*)"', cell[0]["text/html"])
    assert len(pictures) == 2
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    assert plt.get_fignums() == []


def test_objects_show_themselves(cell):
    """A result as the table that it is in a notebook; text of others is text."""
    ss.explore(lambda n: [ss.simulate(small()), "<script>"], n=[1])
    assert "<table>" in cell[0]["text/html"]
    assert "&lt;script&gt;" in cell[0]["text/html"]


def test_without_widgets_there_is_the_picture(cell, monkeypatch):
    """Who has no ipywidgets sees what it is of the first values."""
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    ss.explore(double, number=[1, 2], word=["a"])
    assert len(cell) == 1
    assert "twice 1 is 2" in cell[0]["text/html"]


@pytest.mark.parametrize(
    ("choices", "start", "told"),
    [({}, {}, "values to choose from"), ({"a": []}, {}, "values to choose from"), ({"a": [1]}, {"a": 2}, "a=2"),
     ({"a": [1]}, {"b": 1}, "b=1 cannot be chosen")],
    ids=["nothing", "no values", "another value", "another name"],
)  # fmt: skip
def test_what_cannot_be_chosen_is_told(choices, start, told):
    """Before anything is drawn."""
    with pytest.raises(ValueError, match=told):
        ss.explore(print, start=start, **choices)
