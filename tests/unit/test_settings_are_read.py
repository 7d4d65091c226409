"""Each setting of a scenario is read by some line: one that nobody reads changes nothing, and no test would see it."""

import ast
from collections.abc import Iterator

from markdown_page import ROOT

from simsticky.scenario.model import Scenario
from simsticky.scenario.paths.vocabulary import models_below

READ_BY_NAME = {"Lognormal": {"p10", "p25", "p50", "p75", "p90", "p95", "p99"}}
"""Read in a loop over their names."""
WITHOUT_EFFECT = {
    "Scenario": {"schema_"},
    "Deployment": {"revision_history_limit"},
    "Ingress": {"strip_path"},
    "ActiveCheck": {"headers", "https_sni", "https_verify_certificate"},
    "Gateway": {"write_timeout"},
}
"""Checked when they are read, and moving no number."""


def fields(model: type, seen: set[type]) -> Iterator[tuple[str, str]]:
    """Yield the class and name of each field of a model, and of those below it."""
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        yield model.__name__, name
        for below in models_below(model, field.alias or name):
            yield from fields(below, seen)


def test_every_setting_is_read() -> None:
    """A new one is an attribute that some line reads."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "simsticky").rglob("*.py")]
    read = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found = list(fields(Scenario, set()))
    assert len(found) > 200
    left = {(model, name) for model, name in found if name not in read}
    told = {(model, name) for known in (READ_BY_NAME, WITHOUT_EFFECT) for model in known for name in known[model]}
    assert left == told
