"""What ``lint`` costs beside the reading of what it looks at: a ratio of processor times in one process."""

from pathlib import Path
from statistics import median
from time import process_time

import pytest

from simsticky.lint.engine import lint
from simsticky.lint.inputs import read_material
from simsticky.manifests.objects import read_objects
from tests.unit.lint.small import APP, CONTROLLER, SCALER

_APPS, _ROUNDS = 40, 3
_MOST = 3.0
"""Reading included; measured at about half of it, so that a busy machine does not fail it."""


@pytest.mark.perf
def test_two_hundred_documents_cost_at_most_three_times_their_reading(tmp_path: Path) -> None:
    for i in range(_APPS):
        text = (APP + SCALER).replace("name: web", f"name: web-{i}").replace("app: web", f"app: web-{i}")
        (tmp_path / f"app-{i:02}.yaml").write_text(
            text.replace("sticky", f"sticky-{i}").replace(f"sticky-{i}-", "sticky-")
        )
    (tmp_path / "kong.yaml").write_text(CONTROLLER)
    ratios = []
    for _ in range(_ROUNDS):
        begun = process_time()
        documents = len(read_objects([str(tmp_path)], Path()).objects)
        read = process_time()
        found = lint(read_material([str(tmp_path)]))
        ratios.append((process_time() - read) / (read - begun))
    print(f"linting {documents} documents: {median(ratios):.2f} times their reading")
    assert documents > 200
    assert found.apps == _APPS
    assert len(found.findings) >= _APPS  # replicas beside an autoscaler: it did look
    assert median(ratios) <= _MOST
