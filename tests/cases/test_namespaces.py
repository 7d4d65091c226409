"""Two objects of one name in two namespaces, and the ways to say which is meant."""

import pytest
from manifest_cases import app, obj, put, read, refused

from simsticky.cli.main import main


@pytest.fixture
def two():
    """The application in the namespaces ``shop`` (3 pods) and ``stage`` (2 pods), policies and all."""
    shop, stage = app(), app()
    put(stage[0], "spec", "replicas", 2)
    for name, objects in (("shop", shop), ("stage", stage)):
        for one in objects:
            put(one, "metadata", "namespace", name)
    return [*shop, *stage]


def test_two_namespaces_need_a_choice(tmp_path, two):
    """The refusal names both places, and the choice it offers works, in the file as on the command line."""
    text = refused(tmp_path, two)
    assert "several Deployments, one is wanted: web" in text
    assert "choose one: namespace: shop in the scenario, or -n shop" in text
    assert read(tmp_path, two, "namespace: shop").deployment.replicas == 3
    assert read(tmp_path, two, "namespace: stage").deployment.replicas == 2
    assert read(tmp_path, two, "namespace: shop", namespace="stage").deployment.replicas == 2


@pytest.mark.parametrize("order", [1, -1])
def test_the_choice_leaves_the_others_out_in_any_order(tmp_path, two, order):
    """What is in another namespace is listed with that reason; Service and policy are those beside the pods."""
    scenario = read(tmp_path, two[::order], "namespace: stage")
    ignored = "\n".join(str(note) for note in scenario.manifest_report.ignored)
    assert ignored.count("in namespace shop, and the scenario is about stage") == 3
    assert scenario.upstream.algorithm == "sticky-sessions"


def test_objects_without_a_namespace_may_be_in_any(tmp_path):
    """A file leaves its namespace to kubectl: the choice does not take it away."""
    assert read(tmp_path, app(), "namespace: shop").deployment.replicas == 3


def test_kong_lives_where_it_will(tmp_path, two):
    """The gateway's own namespace is another than the application's."""
    container = {"name": "proxy", "image": "kong/kong-gateway:3.11"}
    kong = obj("Deployment", "apps/v1", {"replicas": 4}, "kong", namespace="kong")
    put(kong, "spec", "selector", {"matchLabels": {"app": "kong"}})
    put(kong, "spec", "template", {"metadata": {"labels": {"app": "kong"}}, "spec": {"containers": [container]}})
    assert read(tmp_path, [kong, *two], "namespace: shop").gateway.nodes == 4


def test_an_empty_namespace_is_told(tmp_path, two):
    """Nothing of an application is in the namespace that was chosen."""
    assert "no Deployment of an application in namespace prod" in refused(tmp_path, two, "namespace: prod")
    assert "is the name of a namespace" in refused(tmp_path, two, "namespace: 5")


def test_the_flag_chooses(tmp_path, two, monkeypatch, capsys):
    """``-n`` is kubectl's flag."""
    read(tmp_path, two, "namespace: shop")
    (tmp_path / "s.yaml").write_text(
        "schema: simsticky/1\nmanifests: [app.yaml]\nrun: {until: 2m, replications: 1}\n"
        "traffic: {sessions: {kind: poisson, rate: 1/s}, requests: {kind: geometric, mean: 5}}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["run", "s.yaml"]) == 2
    assert "-n shop" in capsys.readouterr().err
    assert main(["run", "s.yaml", "-n", "stage", "-o", "csv"]) == 0
