"""Versions of Kong and its controller, read from the tags of their images."""

import pytest
from manifest_objects import example, notes, objects_of, read, workload

CONTROLLER = "kong/kubernetes-ingress-controller"


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("kong/kong-gateway:3.10", "3.10"),
        ("kong/kong-gateway:3.11.0.1-20250708-rhel", "3.11.0.1"),
        ("registry.example.com:5000/mirror/kong:3.9.1@sha256:00", "3.9.1"),
        ("kong:latest", None),
        ("kong", None),
        ("kong:3", None),
    ],
)
def test_the_gateways_version_is_its_tag(tmp_path, image, version):
    """A tag with two numbers is the gateway's version; one without is assumed aloud to be new enough."""
    found = read(tmp_path, [workload("kong", {"image": image}), *objects_of(example())])
    assert found.sections.get("gateway", {}).get("version") == version
    assumed = notes(found.assumed).get("Deployment kong: spec.template.spec.containers.0.image", "")
    assert ("tells no version" in assumed) == (version is None)


def test_the_controllers_version_is_its_tag(tmp_path):
    """The controller's image tells kic.version, the gateway's beside it in the same pod gateway.version."""
    controller = workload("kong", {"image": f"{CONTROLLER}:v3.4.1"})
    controller["spec"]["template"]["spec"]["containers"].append({"image": "kong:3.9"})
    found = read(tmp_path, [controller, *objects_of(example())]).sections
    assert (found["kic"]["version"], found["gateway"]["version"]) == ("3.4.1", "3.9")


def test_the_scenarios_own_versions_win(tmp_path):
    """What the scenario states is not read from the images."""
    objects = [workload("kong", {"image": "kong:3.9"}), workload("kic", {"image": f"{CONTROLLER}:3.4"})]
    found = read(tmp_path, [*objects, *objects_of(example())], gateway={"version": "3.11"}, kic={"version": "3.5"})
    assert "version" not in found.sections.get("kic", {})
    assert "gateway" not in found.sections
    ignored = notes(found.ignored)
    assert ignored["Deployment kong: spec.template.spec.containers.0.image"] == "the scenario states gateway.version"
    assert ignored["Deployment kic: spec.template.spec.containers.0.image"] == "the scenario states kic.version"
