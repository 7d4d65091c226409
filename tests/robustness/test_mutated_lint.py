"""Spoilt manifests under ``lint``, each with a fixed seed: findings in every format, or a list of places."""

import random

import mutations
import pytest
from hostile import unfit

from simsticky.annotations.record import Severity
from simsticky.errors import InputError
from simsticky.lint import formats
from simsticky.lint.engine import lint
from simsticky.lint.inputs import read_material
from simsticky.report.lint import render
from tests.unit.lint.small import CLEAN, SCALER

MANIFESTS = mutations.SCENARIOS.parent / "tests" / "unit" / "manifests"
SOURCES = [CLEAN + SCALER, *(path.read_text("utf-8") for path in sorted(MANIFESTS.glob("*.yaml")))]
FEWEST_READ = 0.3
"""Share of the inputs that are manifests still, and looked at."""


def looked_at(numbers, folder):
    """Lint spoilt manifests, up to three times over; return the share that could be read."""
    read, refused = 0, []
    for number in numbers:
        luck = random.Random(number)
        content = luck.choice(SOURCES).encode()
        for _ in range(luck.randint(1, 3)):
            content = mutations.spoilt_structure(content, luck)
        (folder / "app.yaml").write_bytes(content)
        try:
            found = lint(read_material([str(folder / "app.yaml")]))
        except InputError as error:
            refused.append((number, unfit(str(error.diagnostics[0]))))
            continue
        read += 1
        assert all(one.line for one in found.annotations), f"case {number}"
        assert render(found, 80)
        assert formats.to_json(found)
        assert formats.to_sarif(found)
        assert formats.to_junit(found, Severity.ERROR)
        assert formats.to_github_commands(found).count("\n") == len(found.findings)
    assert not [case for case in refused if case[1]]
    return read / len(numbers)


def test_sixty_spoilt_manifests(tmp_path):
    """No foreign exception, a line for every finding, a line of output for each."""
    assert looked_at(range(60), tmp_path) > FEWEST_READ


@pytest.mark.slow
def test_two_thousand_spoilt_manifests(tmp_path):
    """The same thirty times over."""
    assert looked_at(range(60, 2060), tmp_path) > FEWEST_READ
