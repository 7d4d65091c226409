"""Objects show themselves in notebooks, and what others wrote in them is text."""

import subprocess
import sys

import pytest
from small_scenario import small
from sweeps import hand_made
from test_html import HOSTILE, Elements

import simsticky as ss
from simsticky.report.rows import rows_of, sections


@pytest.mark.parametrize("hostile", HOSTILE, ids=["script", "quote", "end", "template", "long"])
def test_a_hostile_scenario_is_shown_as_text(hostile):
    """Name, description and values of a scenario appear as they are, a description in part, and add no element."""
    scenario = small().evolve({"name": hostile, "about": hostile, "traffic.path": f"/{hostile.replace(' ', '%20')}"})
    shown = Elements(scenario._repr_html_())
    assert hostile in "".join(shown.text)
    assert not {"script", "img", "style"} & set(shown.tags)


def test_a_scenario_shows_what_was_stated():
    """The stated values with their places; defaults are left out."""
    shown = ss.load("scenarios/rolling.yaml")._repr_html_()
    assert "example-app.yaml:7" in shown
    assert "run.settle" not in shown


def test_a_result_shows_its_numbers():
    """The headline numbers of one replication."""
    result = ss.simulate(small())
    shown = "".join(Elements(result._repr_html_()).text)
    assert str(result.summary["broken_exposed_sessions"]) in shown
    assert result.digest[:16] in shown


def test_a_study_shows_the_terminal_s_table():
    """Every row of the terminal's report, with its interval."""
    study = hand_made().studies[0]
    shown = "".join(Elements(study._repr_html_()).text)
    for part in sections(study):
        for row in rows_of(part):
            assert all(cell.text in shown and cell.interval in shown for cell in row.cells)


def test_what_studies_say_is_shown_as_tables():
    """Comparisons, tornados and recommendations are tables of HTML, with the names of others as text."""
    base = small(run__record="summary", run__skewFloor=False)
    hostile = HOSTILE[0]
    found = ss.compare({hostile: base, "off": base.evolve({"kic.enableDrainSupport": False})}, n=2)
    shown = Elements(found._repr_html_())
    assert hostile in "".join(shown.text)
    assert {"table", "th", "td"} <= set(shown.tags)
    assert not {"script", "pre", "img"} & set(shown.tags)
    moved = ss.tornado(base, {"gateway.nodes": [1, 2]}, n=2)._repr_html_()
    assert "nodes" in moved
    assert "<table>" in moved
    best = ss.recommend(base, "broken_sessions < 50%", {"deployment.preStop": ["0s", "25s"]}, n=2)
    assert "<table>" in best._repr_html_()
    assert ss.sweep(base, {"gateway.nodes": [1, 2]}, n=2)._repr_html_().count("<tr>") == 3


def test_a_sweep_shows_its_points():
    """One row a point: its settings and the headline metrics; what cannot be shown is an error, not an empty cell."""
    from simsticky.report.notebook import as_html

    elements = Elements(as_html(hand_made()))
    assert elements.tags.count("tr") == 1 + 8
    with pytest.raises(TypeError, match="no way to show a int"):
        as_html(3)


def test_jupyter_s_own_display_shows_them():
    """What IPython makes of the last value of a cell has the table as HTML."""
    formatters = pytest.importorskip("IPython.core.formatters")
    shown, _ = formatters.DisplayFormatter().format(small())
    assert "Scenario small" in shown["text/html"]


def test_a_class_from_its_own_module_is_shown_as_well():
    """Who draws it is said at the top of the package, which is loaded whatever is imported of it."""
    code = "from simsticky.scenario.model import Scenario; print('</table>' in Scenario()._repr_html_())"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True\n"
