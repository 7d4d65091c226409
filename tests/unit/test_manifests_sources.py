"""Where manifests come from: files, directories, lists, standard input, and texts that are none."""

import io
import json
import sys
from types import SimpleNamespace

import pytest
from manifest_objects import CONTAINER, EXAMPLE, example, notes, objects_of, put, read

from simsticky.errors import InputError
from simsticky.manifests.reading import load_manifests


@pytest.fixture
def app():
    """The example's four objects, free to be changed."""
    return example()


def test_one_file_of_several_documents():
    """The example file gives all five sections."""
    found = load_manifests([EXAMPLE])
    assert set(found.sections) == {"deployment", "service", "upstream", "ingress"}
    assert found.sections["deployment"]["preStop"] == {"sleep": 30}


def test_the_same_objects_in_any_packing_read_the_same(tmp_path, app, monkeypatch):
    """A directory, a List, JSON, several files and standard input say what the one file says."""
    expected = load_manifests([EXAMPLE]).sections
    assert read(tmp_path, objects_of(app)).sections == expected

    folder = tmp_path / "k8s"
    folder.mkdir()
    for i, (suffix, obj) in enumerate(zip(("yaml", "yml", "json", "yaml"), objects_of(app), strict=True)):
        (folder / f"{i}.{suffix}").write_text(json.dumps(obj))
    (folder / "notes.txt").write_text("not a manifest")
    assert load_manifests([folder]).sections == expected
    assert load_manifests(sorted(folder.glob("*.[jy]*"))).sections == expected

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(EXAMPLE.read_bytes())))
    found = load_manifests(["-"])
    assert found.sections == expected
    assert found.read[0].file == "<stdin>"


def test_lists_of_one_kind_are_lists(tmp_path, app):
    """``kind: DeploymentList`` is what an API client may print."""
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [app.deployment]}))
    assert load_manifests([file]).sections["deployment"]["replicas"] == 3


def test_an_empty_list_may_be_null(tmp_path, app):
    """Go writes a list without items as ``null``; such a List holds nothing, and is no fault."""
    nothing = {"apiVersion": "v1", "kind": "List", "items": None}
    file = tmp_path / "list.json"
    file.write_text("\n".join(json.dumps(one) for one in (nothing, app.deployment)))
    assert load_manifests([file]).sections["deployment"]["replicas"] == 3


def test_what_kubectl_prints_can_be_read(tmp_path, app):
    """Defaults, status and bookkeeping of a live object are listed as ignored and do not disturb."""
    put(app.deployment, "status", {"replicas": 3, "conditions": [{"type": "Available"}]})
    put(app.deployment, "metadata", "uid", "1-2-3")
    put(app.deployment, "metadata", "managedFields", [{"manager": "kubectl"}])
    put(app.deployment, *CONTAINER, "terminationMessagePath", "/dev/termination-log")
    ignored = notes(read(tmp_path, objects_of(app)).ignored)
    for field in ("status", "metadata.uid", "metadata.managedFields"):
        assert f"Deployment example-app: {field}" in ignored


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.yaml", None, "no such file"),
        ("empty", "dir", "has no .yaml, .yml, .json file"),
        ("kindless.yaml", "a: 1\n", "kindless.yaml:1:1: is not a Kubernetes object: it has no kind"),
        ("list.yaml", "- 1\n", "is not a Kubernetes object: a mapping is wanted"),
        ("old.yaml", "kind: Deployment\n", "Deployment has no apiVersion"),
        ("helm.yaml", "kind: {{ .Values.kind }}\n", "helm template"),
        ("twice.yaml", "kind: A\nkind: B\n", "twice.yaml:2:1: kind: duplicate key, first given on line 1"),
        ("anonymous.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {}\n", "known by its name here"),
        ("list2.yaml", "apiVersion: v1\nkind: List\n", "a List needs items"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path, name, content, message):
    """Missing files and texts that are no manifests are told by name and line."""
    if content == "dir":
        (tmp_path / name).mkdir()
    elif content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        load_manifests([tmp_path / name])
    assert message in str(caught.value)


def test_a_file_named_twice_is_one_file(tmp_path, app):
    """Beside its folder, or twice itself: applied twice it would be the same objects."""
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "app.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": objects_of(app)})
    )
    for paths in (["all", "all/app.json"], ["all/app.json", "all/app.json"]):
        assert load_manifests(paths, base_dir=tmp_path).sections["deployment"]["name"] == "example-app"


def test_a_tools_own_file_in_a_folder_is_left_out(tmp_path, app):
    """A kubeconfig, or what kind and skaffold are told by, has a kind and is no object; named itself it is refused."""
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "app.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": objects_of(app)})
    )
    (tmp_path / "all" / "config.yaml").write_text("apiVersion: v1\nkind: Config\nclusters: []\n")
    found = load_manifests(["all"], base_dir=tmp_path)
    assert [note.note for note in found.report.said_aloud] == ["config.yaml skipped: no Kubernetes objects"]
    with pytest.raises(InputError):
        load_manifests(["all/config.yaml"], base_dir=tmp_path)


def test_the_items_of_a_list_of_one_kind_need_no_kind(tmp_path, app):
    """As the API itself answers."""
    items = [{key: value for key, value in app.deployment.items() if key not in ("kind", "apiVersion")}]
    listed = {"apiVersion": "apps/v1", "kind": "DeploymentList", "items": items}
    (tmp_path / "app.json").write_text(json.dumps(listed))
    assert load_manifests(["app.json"], base_dir=tmp_path).sections["deployment"]["name"] == "example-app"


@pytest.mark.parametrize(
    ("path", "hint"), [("https://example.com/a.yaml", "fetch it first"), ("all/*.yaml", "the folder")]
)
def test_what_is_no_path_has_a_way_out(tmp_path, path, hint):
    """Addresses and patterns are nothing to read from."""
    with pytest.raises(InputError, match=hint):
        load_manifests([path], base_dir=tmp_path)
