"""Folders as people have them: what is no manifest is left out in one line, and files of any making are read."""

import json
import shutil

import pytest
from manifest_objects import EXAMPLE

from simsticky.errors import InputError
from simsticky.manifests.reading import load_manifests

KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [app.yaml]\n"
CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
TEMPLATE = "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n"


@pytest.fixture
def folder(tmp_path):
    """Return a folder that holds the example's manifests."""
    made = tmp_path / "k8s"
    made.mkdir()
    shutil.copy(EXAMPLE, made / "app.yaml")
    return made


def said(found):
    """Return what was said aloud, as text."""
    return [str(note) for note in found.report.said_aloud]


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
@pytest.mark.parametrize(
    ("added", "why"),
    [
        ("namePrefix: prod-\nreplicas: [{name: example-app, count: 6}]\n", "namePrefix and replicas would change"),
        ("patches: [{path: more.yaml}]\n", "patches would change the answer and is not applied"),
        ("commonAnnotations: {konghq.com/retries: '1'}\n", "commonAnnotations would change"),
        ("", "it changes nothing that matters here"),
    ],
)
def test_a_kustomization_is_named_and_left_out(folder, name, added, why):
    """Its patches are parts of it, not objects; what would change the answer stands in the normal output."""
    (folder / name).write_text(KUSTOMIZATION + added)
    if "more.yaml" in added:
        (folder / "more.yaml").write_text(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: example-app}\nspec: {replicas: 9}\n"
        )
    found = load_manifests([folder])
    assert found.sections == load_manifests([EXAMPLE]).sections
    (line,) = said(found)
    assert line.startswith(f"{folder / name}:1: {name} skipped: ")
    assert why in line
    assert f"kustomize build {folder} > all.yaml" in line


def test_resources_of_another_folder_would_change_the_answer(folder):
    """An overlay adds to what lies elsewhere."""
    (folder / "kustomization.yaml").write_text(KUSTOMIZATION.replace("[app.yaml]", "[../base]"))
    assert "resources elsewhere would change the answer" in said(load_manifests([folder]))[0]


def test_a_chart_and_other_files_are_left_out_in_one_line(folder):
    """Values, templates, a Compose file and settings of other tools are no manifests."""
    for name, text in {
        "Chart.yaml": CHART,
        "values.yaml": "replicas: 3\n",
        "values-prod.yaml": "replicas: 9\n",
        "service.yaml": TEMPLATE,
        "docker-compose.yml": "services: {web: {image: nginx}}\n",
        "mkdocs.yml": "site_name: shop\n",
        "README.md": "# {{ not read at all }}\n",
    }.items():
        (folder / name).write_text(text)
    found = load_manifests([folder])
    assert found.sections == load_manifests([EXAMPLE]).sections
    (line,) = said(found)
    assert "Chart.yaml, service.yaml, values-prod.yaml, values.yaml and 2 more skipped" in line
    assert f"helm template {folder} > all.yaml" in line


def test_braces_in_the_text_of_an_object_make_no_template(folder):
    """Rules of Prometheus and dashboards hold the same braces as charts."""
    (folder / "rules.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rules}\ndata:\n  a: 'pod {{ $labels.pod }} {{ $value }}'\n"
    )
    found = load_manifests([folder])
    assert not said(found)
    assert any("ConfigMap rules" in str(note) for note in found.ignored)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"Chart.yaml": CHART, "values.yaml": "a: 1\n"}, "helm template"),
        ({"kustomization.yaml": KUSTOMIZATION}, "kustomize build"),
        ({"service.yaml": TEMPLATE}, "the directory holds no manifests (helm template"),
        ({"mkdocs.yml": "site_name: shop\n"}, "the directory holds no manifests"),
    ],
)
def test_a_folder_without_manifests_says_where_they_come_from(tmp_path, files, message):
    """A chart alone is an error with the way out, not an empty scenario."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        load_manifests([tmp_path])
    assert message in str(caught.value)


def test_folders_below_are_named(tmp_path):
    """Directories are not searched; the error says what could be named."""
    for name in ("base", "overlays", ".git"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"folders below are not read, name them: base and overlays"):
        load_manifests([tmp_path])


def test_the_templates_of_a_chart_name_the_chart(tmp_path):
    """``helm template`` wants the folder above."""
    templates = tmp_path / "chart" / "templates"
    templates.mkdir(parents=True)
    (templates / "service.yaml").write_text(TEMPLATE)
    with pytest.raises(InputError) as caught:
        load_manifests([templates])
    assert f"helm template {tmp_path / 'chart'} > all.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("kustomization.yaml", KUSTOMIZATION, "is a kustomization, which makes manifests and is none (kustomize build"),
        (
            "other.yaml",
            KUSTOMIZATION,
            "other.yaml:1:1: is a kustomization, which makes manifests and is none",
        ),
        ("values.yaml", "a: 1\n", "belongs to a Helm chart, which makes manifests (helm template"),
        ("docker-compose.yml", "services: {}\n", "is a Compose file and holds no Kubernetes objects"),
        ("service.yaml", TEMPLATE, "service.yaml:4:9: is a template that is not rendered (render it first: helm"),
    ],
)
def test_a_file_that_makes_manifests_is_refused_by_name(tmp_path, name, text, message):
    """Named itself, it is an error with the command that makes the manifests."""
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        load_manifests([tmp_path / name])
    assert message in str(caught.value)


def _objects():
    from simsticky.scenario.location import read_documents

    return [document.data for document in read_documents(EXAMPLE.read_text(), "example")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(lambda: "\n".join(json.dumps(obj, indent="\t") for obj in _objects()), id="JSON in a row, tabs"),
        pytest.param(lambda: "".join(json.dumps(obj) for obj in _objects()), id="JSON on one line"),
        pytest.param(lambda: "\n---\n".join(json.dumps(obj, indent="\t") for obj in _objects()), id="JSON parted"),
        pytest.param(lambda: "\ufeff" + EXAMPLE.read_text(), id="byte order mark"),
        pytest.param(lambda: EXAMPLE.read_text().replace("\n---", "\n---\n\ufeff"), id="byte order mark inside"),
        pytest.param(lambda: EXAMPLE.read_text().replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda: "---\n---\n# nothing\n---\n" + EXAMPLE.read_text() + "\n---\n", id="empty documents"),
        pytest.param(
            lambda: json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "List",
                    "metadata": {"resourceVersion": ""},
                    "items": [{"apiVersion": "v1", "kind": "List", "items": _objects()}],
                }
            ),
            id="a List of a List",
        ),
    ],
)
def test_texts_of_any_making_read_the_same(tmp_path, text):
    """What editors, Windows, kubectl and jq write are the same objects."""
    file = tmp_path / "all.json"
    file.write_bytes(text().encode())
    assert load_manifests([file]).sections == load_manifests([EXAMPLE]).sections


def test_places_in_a_row_of_json_are_those_of_the_file(tmp_path):
    """The second value of a line knows its line and column."""
    file = tmp_path / "all.json"
    file.write_text('{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"}}\n\n {"kind":"Pod"}')
    with pytest.raises(InputError, match=r"all\.json:3:2: Pod has no apiVersion"):
        load_manifests([file])


def test_halves_of_a_character_become_one(tmp_path):
    """JSON writes characters beyond 16 bits as two halves, which no terminal can print."""
    file = tmp_path / "all.json"
    text = '{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","annotations":{"note":"\\ud83d\\ude00"}}}'
    file.write_text(text)
    listed = [str(note) for note in load_manifests([file], stated={"deployment": {}}).report.ignored]
    assert all(note.encode() for note in listed)
