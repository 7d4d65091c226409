"""Given inputs that once ran with a field in the wrong place: each ends in an error that names it, or is said aloud."""

import re
from pathlib import Path

import pytest
from command_line import called
from manifest_cases import CONTAINER, app, obj, put, read, refused

from simsticky.errors import InputError

CASES = Path(__file__).parent


def run(case, monkeypatch, *flags):
    """Run a case in its folder; return the exit code and what was printed to both outputs."""
    monkeypatch.chdir(CASES / case)
    told = called("run", "s.yaml", "--reps", 1, "--jobs", 1, "--no-progress", *flags)
    return told.returncode, told.stdout, told.stderr


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("lifecycle-pre-stop-hook", r"^app\.yaml:18:13: .*unknown field preStopHook, did you mean preStop\?$"),
        (
            "grace-in-container",
            r"^app\.yaml:17:11: .*unknown field terminationGracePeriodSeconds"
            r" \(terminationGracePeriodSeconds belongs to spec\.template\.spec\)$",
        ),
    ],
)
def test_a_field_that_the_api_server_does_not_know_ends_the_run(case, told, monkeypatch):
    """Under strict validation the API server refuses it; here a default would have held in silence."""
    code, out, err = run(case, monkeypatch)
    assert (code, out) == (2, "")
    assert re.search(told, err, re.MULTILINE), err


def test_lenient_makes_it_a_warning(monkeypatch):
    """As the API server where it only warns: the field is ignored, and that is said."""
    code, out, err = run("lifecycle-pre-stop-hook", monkeypatch, "--lenient")
    assert code == 0
    assert "Broken sessions" in out
    assert "app.yaml:18: " in err
    assert "unknown field preStopHook, did you mean preStop?; ignored" in err


def test_a_kustomization_beside_its_base_is_named(monkeypatch):
    """The base is simulated as it stands, and the output says what the kustomization would change."""
    code, out, err = run("kustomization-in-directory", monkeypatch)
    assert code == 0
    assert "Broken sessions" in out
    assert "namePrefix and replicas would change the answer and are not applied" in err
    assert "kustomize build base > all.yaml" in err


def _move(obj, path, to):
    """Take a field out and put it where it belongs; return the object."""
    *above, name = path
    node = obj
    for key in above:
        node = node[key]
    return put(obj, *to, node.pop(name))


POD = ("spec", "template", "spec")


@pytest.mark.parametrize(
    ("path", "value", "hint", "to"),
    [
        (("replicas",), 2, "replicas belongs to spec", ("spec", "replicas")),
        ((*POD, "lifecycle"), {}, r"lifecycle belongs to spec.template.spec.containers\[\]", (*CONTAINER, "lifecycle")),
        (
            (*CONTAINER, "terminationGracePeriodSeconds"),
            90,
            "terminationGracePeriodSeconds belongs to spec.template.spec",
            (*POD, "terminationGracePeriodSeconds"),
        ),
        (
            ("spec", "maxSurge"),
            2,
            "maxSurge belongs to spec.strategy.rollingUpdate",
            ("spec", "strategy", "rollingUpdate", "maxSurge"),
        ),
        (("spec", "minReadySecond"), 5, "did you mean minReadySeconds", ("spec", "minReadySeconds")),
        (("spec", "updateStrategy"), {"type": "Recreate"}, "did you mean strategy", ("spec", "strategy")),
    ],
)
def test_a_field_that_goes_where_the_error_says_is_taken(tmp_path, path, value, hint, to):
    """Every hint works when it is followed."""
    objects = app()
    put(objects[0], *path, value)
    with pytest.raises(InputError, match=hint):
        read(tmp_path, objects)
    _move(objects[0], path, to)
    read(tmp_path, objects)


@pytest.mark.parametrize(
    ("path", "value", "hint", "instead"),
    [
        ((*CONTAINER, "env"), [{"name": "A", "value": 2}], 'put it in quotes: "2"', [{"name": "A", "value": "2"}]),
        (("spec", "replicas"), "4", "write it without quotes: 4", 4),
        ((*POD, "hostNetwork"), "true", "write it without quotes: true", True),
        ((*CONTAINER, "args"), "serve", "begin each item with a dash", ["serve"]),
        (("apiVersion",), "v1", "write apps/v1", "apps/v1"),
    ],
)
def test_a_value_that_is_written_as_the_error_says_is_taken(tmp_path, path, value, hint, instead):
    """Quotes, lists and versions alike."""
    objects = app()
    put(objects[0], *path, value)
    with pytest.raises(InputError, match=hint):
        read(tmp_path, objects)
    put(objects[0], *path, instead)
    read(tmp_path, objects)


OPERATOR = "gateway-operator.konghq.com"


@pytest.mark.parametrize(
    ("kind", "version", "spec", "told"),
    [
        ("ControlPlane", "v2beta1", {"drainSupport": "disabled"}, "drainSupport belongs to spec.translation"),
        ("ControlPlane", "v2beta1", {"translations": {}}, "did you mean translation"),
        ("ControlPlane", "v2beta1", {"translation": {"drain_support": "disabled"}}, "did you mean drainSupport"),
        ("GatewayConfiguration", "v2beta1", {"translation": {}}, "translation belongs to spec.controlPlaneOptions"),
        ("DataPlane", "v1beta1", {"replicas": 3}, "replicas belongs to spec.deployment"),
        ("ControlPlane", "v3", {}, f"no ControlPlane in {OPERATOR}/v3"),
        ("DataPlane", "v2beta1", {}, f"no DataPlane in {OPERATOR}/v2beta1 .did you mean {OPERATOR}/v1beta1"),
    ],
)
def test_operators_kinds_are_held_to_what_is_known_of_them(tmp_path, kind, version, spec, told):
    """They may have fields that are not known here; a known one that is misspelt or misplaced is no such field."""
    text = refused(tmp_path, [*app(), obj(kind, f"{OPERATOR}/{version}", spec, "x")])
    assert re.search(told, text), text


def test_operators_kinds_may_have_fields_that_are_not_known_here(tmp_path):
    """Neither a new field nor one whose name only pods know is taken for a known one."""
    spec = {"somethingNew": {"a": 1}, "tolerations": [], "translation": {"new": "enabled", "drainSupport": "enabled"}}
    assert read(tmp_path, [*app(), obj("ControlPlane", f"{OPERATOR}/v2beta1", spec, "x")]).kic.enable_drain_support


@pytest.mark.parametrize(
    ("index", "path", "value", "told"),
    [
        (0, "kind", "deployment", "there is no deployment in apps/v1 .did you mean Deployment"),
        (1, "kind", "Servise", "there is no Servise in v1 .did you mean Service"),
        (2, "kind", "KongUpsteamPolicy", "did you mean KongUpstreamPolicy"),
        (2, "apiVersion", "configuration.konghq.com/v1", "did you mean configuration.konghq.com/v1beta1"),
        (2, "apiVersion", "konghq.com/v1beta1", "did you mean configuration.konghq.com/v1beta1"),
    ],
)
def test_a_kind_or_version_that_nobody_knows_is_no_object_to_pass_over(tmp_path, index, path, value, told):
    """A misspelt Service or policy would else be an object of another kind, and its absence taken for what is meant."""
    objects = app()
    objects[index][path] = value
    text = refused(tmp_path, objects)
    assert re.search(told, text), text


def test_kinds_that_only_sound_alike_are_other_kinds(tmp_path):
    """A ServiceAccount is no Service, and a TCPRoute no HTTPRoute."""
    others = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}},
        obj("TCPRoute", "gateway.networking.k8s.io/v1alpha2", {"rules": []}),
        obj("ReplicaSet", "apps/v1", {}),
    ]
    read(tmp_path, [*app(), *others])


TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
SCALER = obj("HorizontalPodAutoscaler", "autoscaling/v2", {"scaleTargetRef": TARGET, "maxReplicas": 9})


@pytest.mark.parametrize(
    ("objects", "told"),
    [
        (put(app(), 1, "spec", "selector", {"matchLabels": {"app": "web"}}), "selector: {app: web}"),
        (
            [*app(), obj("PodDisruptionBudget", "policy/v1", {"minAvailable": 1, "selector": {"app": "web"}})],
            "labels stand below matchLabels: {app: web}",
        ),
        (put(app(), 2, "spec", {"upstream": {"algorithm": "latency"}}), "write algorithm in its place"),
        (put(app(), 2, "spec", "stickySessions", {"cookies": "sid"}), "did you mean cookie"),
        (
            [*app(), put(SCALER, "spec", "behavior", {"scaleDown": {"policies": [{"type": "Pods", "period": 9}]}})],
            "did you mean periodSeconds",
        ),
    ],
    ids=["service", "budget", "policy", "cookie", "autoscaler"],
)
def test_one_fault_is_told_once_with_what_to_write(tmp_path, objects, told):
    """What only follows from a field that cannot be there is not told beside it."""
    text = refused(tmp_path, objects)
    assert told in text
    assert text.count("\n") == 0
