"""The script that distils the table of fields, on a small directory of schemas, and the table that ships."""

import importlib.util
import json
from pathlib import Path

import pytest

from simsticky.manifests.field_table import REST, SCALARS, Field, FieldTable, parse, shipped

SCRIPT = Path(__file__).parents[2] / "docs" / "distil_fields.py"
META, CORE, APPS = "io.k8s.apimachinery.pkg.", "io.k8s.api.core.v1.", "io.k8s.api.apps.v1."


@pytest.fixture(scope="module")
def script():
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("distil_fields", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ref(name):
    return {"$ref": f"#/definitions/{name}"}


def definitions(pod, extra=None):
    """Return a release's definitions: a Deployment whose pods have some fields."""
    return {
        f"{APPS}Deployment": {
            "properties": {
                "kind": {"type": ["string", "null"]},
                "metadata": {"allOf": [ref(f"{META}apis.meta.v1.ObjectMeta")]},
                "spec": {
                    "$ref": f"/api/_definitions.json#/$defs/{CORE}PodSpec",
                    "description": "as newer releases refer to it",
                },
                "status": ref(f"{CORE}Unreached"),
            }
        },
        f"{META}apis.meta.v1.ObjectMeta": {
            "properties": {
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "managedFields": {"type": "array", "items": {"type": "object"}},
                "creationTimestamp": ref(f"{META}apis.meta.v1.Time"),
            }
        },
        f"{META}apis.meta.v1.Time": {"type": "string", "format": "date-time"},
        f"{META}util.intstr.IntOrString": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        f"{META}api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
        f"{CORE}PodSpec": {"properties": pod},
        f"{CORE}Unreached": {"properties": {"a": {"type": "string"}}},
        f"{CORE}Secret": {"properties": {"data": {"type": "object"}}},
        **(extra or {}),
    }


def write(folder, release, found, key="definitions"):
    place = folder / f"v{release}.0-local"
    place.mkdir(parents=True)
    (place / "_definitions.json").write_text(json.dumps({key: found}))


@pytest.fixture
def table(script, tmp_path):
    """Return the table of three releases, in two directories as two versions of the package hold them."""
    grace = {"type": "integer", "format": "int64"}
    old, new = tmp_path / "old", tmp_path / "new"
    handler = {"properties": {"exec": {"type": "boolean"}}}
    write(old, "1.9", definitions({"grace": grace, "hook": ref(f"{CORE}Handler")}, {f"{CORE}Handler": handler}))
    renamed = {f"{CORE}Hook": handler}
    pod = {"grace": grace, "hook": ref(f"{CORE}Hook"), "port": ref(f"{META}util.intstr.IntOrString")}
    write(new, "1.10", definitions({**pod, "gone": {"type": "boolean"}}, renamed), "$defs")
    quantities = {"type": ["object", "null"], "additionalProperties": ref(f"{META}api.resource.Quantity")}
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": {"type": "string"}}}
    lists = {"type": "array", "items": {"type": ["number", "null"]}}
    write(new, "1.11", definitions({**pod, "limits": quantities, "free": free, "numbers": lists}, renamed), "$defs")
    (new / "notes").mkdir()
    return script.distil(script.releases_in([new, old]))


def test_the_table_is_the_union_of_the_releases_in_order(table):
    """1.10 follows 1.9; kinds that nobody reads and what only a status is made of are left out."""
    assert table["releases"] == ["1.9", "1.10", "1.11"]
    assert table["kinds"] == {"apps/v1 Deployment": "apps.v1.Deployment"}
    assert set(table["types"]) == {"apps.v1.Deployment", "apis.meta.v1.ObjectMeta", "core.v1.PodSpec", "core.v1.Hook"}
    assert table["types"]["apps.v1.Deployment"] == {
        "kind": "string",
        "metadata": "apis.meta.v1.ObjectMeta",
        "spec": "core.v1.PodSpec",
        "status": "any",
    }
    assert table["types"]["apis.meta.v1.ObjectMeta"] == {
        "creationTimestamp": "string",
        "labels": "{}string",
        "managedFields": "any",
    }


def test_each_field_says_when_it_came_and_went(table):
    """A type that has been renamed is no new field, and its fields are as old as it."""
    assert table["types"]["core.v1.PodSpec"] == {
        "free": "any since 1.11",
        "gone": "boolean since 1.10 until 1.10",
        "grace": "integer",
        "hook": "core.v1.Hook",
        "limits": "{}quantity since 1.11",
        "numbers": "[]number since 1.11",
        "port": "int-or-string since 1.10",
    }
    assert table["types"]["core.v1.Hook"] == {"exec": "boolean"}


def test_what_is_written_is_read_back(script, table):
    """The file is JSON, a type a line."""
    text = script.written(table)
    assert json.loads(text) == table
    assert text.count("\n") == 1 + 1 + 2 + 1 + 1 + 4 + 2
    read = FieldTable(json.loads(text))
    assert read.kind("apps/v1", "Deployment") == Field("", "apps.v1.Deployment")
    assert read.kind("apps/v2", "Deployment") is None
    assert read.fields("core.v1.PodSpec")["gone"] == Field("", "boolean", (1, 10), (1, 10))
    assert read.fields("core.v1.PodSpec")["numbers"] == Field("list", "number", (1, 11))
    assert read.type_at("apps.v1.Deployment", ("spec", "hook")) == "core.v1.Hook"
    assert read.type_at("apps.v1.Deployment", ("spec", "nothing", "at", "all")) == ""


def test_every_type_of_the_shipped_table_is_there():
    """No field leads to a type that the table does not hold, in the hand-written part either."""
    table = shipped()
    for version, kind in table.kinds():
        root = table.kind(version, kind)
        assert {"apiVersion", "kind", "metadata"} <= set(table.fields(root.type)), (version, kind)
        for path, name in table.paths(root.type):
            for key, field in table.fields(name).items():
                assert field.type in SCALARS or table.fields(field.type), (version, kind, path, key)
                assert key != REST or field == parse("any")


@pytest.mark.parametrize(
    ("version", "kind", "path", "field", "since", "until"),
    [
        ("apps/v1", "Deployment", ("spec", "template", "spec", "containers[]"), "startupProbe", (1, 16), None),
        ("apps/v1", "Deployment", ("spec", "template", "spec", "initContainers[]"), "restartPolicy", (1, 28), None),
        (
            "apps/v1",
            "StatefulSet",
            ("spec", "template", "spec", "containers[]", "lifecycle", "preStop"),
            "sleep",
            (1, 29),
            None,
        ),
        ("apps/v1", "StatefulSet", ("spec", "updateStrategy", "rollingUpdate"), "maxUnavailable", (1, 24), None),
        ("apps/v1", "Deployment", ("metadata",), "clusterName", None, (1, 24)),
        ("v1", "Service", ("spec",), "topologyKeys", (1, 17), (1, 21)),
    ],
)
def test_the_shipped_table_knows_when_fields_came_and_went(version, kind, path, field, since, until):
    """Spot checks against the releases' own changelogs."""
    table = shipped()
    found = table.fields(table.type_at(table.kind(version, kind).type, path))[field]
    assert (found.since, found.until) == (since, until)
