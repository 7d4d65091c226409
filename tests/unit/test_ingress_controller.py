"""The ingress controller's own Deployment: what its image, flags and environment say."""

import json
from pathlib import Path

import pytest

from simsticky.errors import InputError
from simsticky.manifests.ingress_controller import flag_changes
from simsticky.manifests.reading import ManifestSet, load_manifests

EXAMPLE = Path(__file__).parents[2] / "scenarios" / "manifests" / "example-app.yaml"


@pytest.fixture
def with_controller(tmp_path):
    """Read the example application together with a controller of one container."""

    def read(container, **stated) -> ManifestSet:
        labels = {"app": "kic"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "kic"}, "spec": spec}
        (tmp_path / "kic.json").write_text(json.dumps(deployment))
        return load_manifests([tmp_path / "kic.json", EXAMPLE], stated=stated)

    return read


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"args": ["--enable-drain-support"]}, {"enableDrainSupport": True}),
        (
            {"args": ["--enable-drain-support=true", "--proxy-sync-seconds=1.5"]},
            {"enableDrainSupport": True, "proxySyncSeconds": 1.5},
        ),
        (
            {"args": ["--enable-drain-support=false", "--proxy-sync-seconds", "1.5"]},
            {"enableDrainSupport": False, "proxySyncSeconds": 1.5},
        ),
        ({"command": ["/manager", "--proxy-sync-seconds=2"]}, {"proxySyncSeconds": 2.0}),
        ({"env": [{"name": "CONTROLLER_ENABLE_DRAIN_SUPPORT", "value": "true"}]}, {"enableDrainSupport": True}),
        ({"env": [{"name": "CONTROLLER_PROXY_SYNC_SECONDS", "value": "5"}]}, {"proxySyncSeconds": 5.0}),
        (
            {
                "args": ["--enable-drain-support=false"],
                "env": [{"name": "CONTROLLER_ENABLE_DRAIN_SUPPORT", "value": "true"}],
            },
            {"enableDrainSupport": False},
        ),
        ({}, {}),
    ],
    ids=str,
)
def test_the_ingress_controller_is_recognised_by_image_flags_and_environment(with_controller, container, expected):
    """Its Deployment gives drain support and sync time, a flag wins over the environment, and it is no app."""
    image = "docker.io/kong/kubernetes-ingress-controller:3.5.1"
    found = with_controller({"name": "ingress-controller", "image": image, **container})
    assert found.sections["kic"] == {"version": "3.5.1", **expected}
    assert found.sections["deployment"]["name"] == "example-app"


def test_a_controller_of_another_image_is_known_by_its_flags(with_controller):
    """A mirror may rename the image."""
    found = with_controller({"image": "mirror.example.com/x/kic:prod", "args": ["--enable-drain-support"]})
    assert found.sections["kic"] == {"enableDrainSupport": True}


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ({"value": "maybe"}, "'maybe' is no value for --enable-drain-support"),
        ({"value": True}, "must be text, got true"),
        ({"valueFrom": {"configMapKeyRef": {"name": "c"}}}, "is not in the manifest"),
    ],
    ids=str,
)
def test_a_controller_setting_that_cannot_be_read_is_refused(with_controller, variable, message):
    """Whether drain support is on changes everything, so it is not guessed."""
    variable = {"name": "CONTROLLER_ENABLE_DRAIN_SUPPORT", **variable}
    container = {"image": "kong/kubernetes-ingress-controller:3.5", "env": [variable]}
    with pytest.raises(InputError) as caught:
        with_controller(container)
    assert message in str(caught.value)
    if "valueFrom" in variable:
        stated = with_controller(container, kic={"enableDrainSupport": True})
        assert stated.sections["kic"] == {"version": "3.5"}


def test_the_version_of_an_old_controller_is_read(with_controller):
    """A published guide pairs the flag with an image that predates it; the scenario then refuses drain support."""
    container = {"image": "kong/kubernetes-ingress-controller:2.11", "args": ["--enable-drain-support"]}
    assert with_controller(container).sections["kic"] == {"version": "2.11", "enableDrainSupport": True}
    found = with_controller(container, kic={"enableDrainSupport": False})
    assert "the scenario states kic.enableDrainSupport" in {note.note for note in found.ignored}


@pytest.mark.parametrize(
    ("script", "changed"),
    [
        ("exec /manager --enable-drain-support=false --x", "exec /manager --enable-drain-support=true --x"),
        ("/manager --enable-drain-support", "/manager --enable-drain-support=true"),
        (
            "/manager --proxy-sync-seconds 3 --enable-drain-support=0",
            "/manager --proxy-sync-seconds=9 --enable-drain-support=true",
        ),
    ],
)
def test_a_flag_in_a_shells_script_is_changed_where_it_stands(script, changed):
    """The rest of the script stays; what it does not set goes to the environment."""
    container = {"name": "c", "command": ["sh", "-c", script]}
    found = flag_changes(container, {"enableDrainSupport": True, "proxySyncSeconds": 9.0})
    assert found["command"] == ["sh", "-c", changed]
    assert bool(found.get("env")) == ("proxy-sync" not in script)
