"""The notebooks are stored as people should find them: all six, without output."""

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted(Path("notebooks").glob("*.ipynb"))


def test_the_notebooks_are_these():
    """The navigation of the site and the order of the tutorial rely on their names."""
    assert [path.stem for path in NOTEBOOKS] == [
        "01_rolling_update",
        "02_is_drain_worth_it",
        "03_choosing_prestop_and_grace",
        "04_load_skew_after_scale_up",
        "05_write_your_own_balancer",
        "06_your_own_logs",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_output(path):
    """Outputs would go stale and make every change a large diff."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 4
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
