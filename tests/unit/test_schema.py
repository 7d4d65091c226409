"""The JSON schema of scenario files: what an editor shows and checks."""

from pathlib import Path

import jsonschema
import pytest

from simsticky.scenario.location import read_documents
from simsticky.scenario.model import Scenario
from simsticky.scenario.schema import ID, keys_below, properties_at

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
SCHEMA = Scenario.json_schema()


def properties(node, path=""):
    """Yield every property of the schema with its path."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and "type" in node:
            yield from ((f"{path}.{name}", below) for name, below in node["properties"].items())
        for key, below in node.items():
            if key not in ("default", "examples"):
                yield from properties(below, path if key in ("properties", "anyOf", "$defs") else f"{path}.{key}")
    elif isinstance(node, list):
        for below in node:
            yield from properties(below, path)


def test_it_is_a_schema_with_an_identity():
    """Editors and validators accept it, and can tell it from others."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == ID
    assert SCHEMA["$schema"].endswith("2020-12/schema")


def test_every_property_has_a_description_and_examples_that_fit():
    """What a person hovers over says what it is and how it is written; no example is one that would be refused."""
    found = list(properties(SCHEMA))
    assert len(found) > 400
    assert [path for path, node in found if not node.get("description")] == []
    assert [path for path, node in found if not node.get("examples")] == []
    wrong = [
        (path, example)
        for path, node in found
        for example in node["examples"]
        if not jsonschema.Draft202012Validator({**node, "$defs": SCHEMA["$defs"]}).is_valid(example)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_shipped_scenarios_fit(path):
    """No editor marks what runs; what manifests or a base fill in need not be there."""
    (document,) = read_documents(path.read_text(), path.name)
    assert [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(document.data)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"traffic": {"session": {"p80": "6m"}}},
        {"traffic": {"service": {"mean": "6s"}, "think": {"kind": "gama", "mean": 1}}},
        {"autoscaler": {"maxReplica": 3}},
        {"deployment": {"preStop": {"waitUntil": "noSessions"}}},
    ],
    ids=str,
)
def test_what_is_refused_does_not_fit(wrong):
    """An editor sees the misspelt word before the tool does."""
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid({"schema": "simsticky/1", **wrong})


def test_properties_are_found_by_path():
    """References, forms and lists are gone through, as a person writes the path."""
    (hook,) = properties_at(SCHEMA, ("deployment", "preStop"))
    assert keys_below(SCHEMA, hook) == ["sleep", "fails", "waitUntil", "atMost"]
    assert properties_at(SCHEMA, ("timeline", "rollout"))[0]["description"] == "Name of the Deployment."
    assert properties_at(SCHEMA, ("timeline", 0, "rollout")) == properties_at(SCHEMA, ("timeline", "rollout"))
    assert properties_at(SCHEMA, ("deployment", "preStops")) == []
