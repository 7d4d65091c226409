"""The change to a recommended setting: applied to the manifests as kubectl would, it gives that setting."""

import json
import shlex
from io import StringIO

import pytest
from ruamel.yaml import YAML

from simsticky.manifests.patches import patches
from simsticky.report.recommendation import lines_to_copy
from simsticky.scenario.reading.load import load

SCENARIO = """\
schema: simsticky/1
name: shop
manifests: [app.yaml]
traffic: {sessions: {kind: poisson, rate: 1/s}}
timeline: [{at: 1m, rollout: web}]
"""
APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: proxy
          image: proxy:1
        - name: web
          image: web:1
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 5}
          lifecycle: {preStop: {exec: {command: [sleep, "30"]}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, annotations: {konghq.com/upstream-policy: sticky}}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: configuration.konghq.com/v1beta1
kind: KongUpstreamPolicy
metadata: {name: sticky, namespace: shop}
spec:
  algorithm: sticky-sessions
  hashOn: {input: none}
  stickySessions: {cookie: id}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 6
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}
"""
CONTROLLER = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: kong, namespace: kong}
spec:
  selector: {matchLabels: {app: kong}}
  template:
    metadata: {labels: {app: kong}}
    spec:
      containers:
        - name: ingress-controller
          image: kong/kubernetes-ingress-controller:3.5
"""
ENV = """\
          env:
            - {name: CONTROLLER_ENABLE_DRAIN_SUPPORT, value: "false"}
            - {name: CONTROLLER_PUBLISH_SERVICE, value: kong/proxy}
"""
ARGS = """\
          args: [--publish-service=kong/proxy, --proxy-sync-seconds, "3", --enable-drain-support=false]
"""


def loaded(folder, app=APP, scenario=SCENARIO):
    (folder / "app.yaml").write_text(app)
    (folder / "s.yaml").write_text(scenario)
    return load(folder / "s.yaml")


def edits(folder, changes, app=APP, scenario=SCENARIO):
    today = loaded(folder, app, scenario)
    return today, patches(today, today.evolve(changes, source="--vary"), list(changes))


def merged(node, patch, *, strategic):
    """What the API server makes of a patch: null takes away; strategically, lists of named things merge by name."""
    for key, value in patch.items():
        if value is None:
            node.pop(key, None)
        elif isinstance(value, dict):
            node[key] = merged(node.get(key) or {}, value, strategic=strategic)
        elif strategic and key in ("containers", "env"):
            for item in value:
                found = next((old for old in node.setdefault(key, []) if old["name"] == item["name"]), None)
                if found is None:
                    node[key].append(found := {})
                merged(found, item, strategic=True)
        else:
            node[key] = value
    return node


def applied(folder, found, app):
    """Apply patches as ``kubectl`` reads them from the printed lines, and load the scenario anew."""
    objects = list(YAML(typ="safe").load_all(app))
    for patch in found:
        words = shlex.split("\n".join(lines_to_copy(patch)))
        kind, name = words[2], words[3]
        way = words[words.index("--type") + 1]
        assert (way == "merge") == ("." in kind), "a strategic merge is for core kinds alone"
        (target,) = [
            obj
            for obj in objects
            if obj["metadata"]["name"] == name
            and kind.startswith(obj["kind"].lower().removesuffix("y"))
            and obj["metadata"].get("namespace", "") == (words[words.index("-n") + 1] if "-n" in words else "")
        ]
        body = YAML(typ="safe").load(words[words.index("--patch") + 1])
        assert body == json.loads(shlex.split(patch.command)[-1])
        merged(target, body, strategic=way == "strategic")
    text = StringIO()
    YAML(typ="safe").dump_all(objects, text)
    return loaded(folder, text.getvalue())


CHANGES = [
    {"deployment.preStop": "5m", "deployment.grace": "330s"},
    {"deployment.preStop": "0s"},
    {"deployment.maxSurge": "100%", "deployment.maxUnavailable": 0},
    {"deployment.strategy.type": "Recreate"},
    {"deployment.replicas": 5, "deployment.minReadySeconds": "15s"},
    {"deployment.readinessProbe.periodSeconds": "1s"},
    {"upstream.algorithm": "least-connections"},
    {"upstream.stickySessions.cookie": "it's"},
    {"autoscaler.maxReplicas": 9, "autoscaler.behavior.scaleDown.stabilizationWindowSeconds": "600s"},
    {"gateway.connectTimeout": "2s", "gateway.retries": 1},
    {"service.publishNotReadyAddresses": True},
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: next(iter(changes)))
def test_the_patched_manifests_are_the_setting(tmp_path, changes):
    """Apply, load again: the very scenario that was recommended, with nothing left over."""
    today, found = edits(tmp_path, changes)
    wanted = today.evolve(changes)
    after = applied(tmp_path, found, APP)
    assert found
    assert all(patch.kind for patch in found)
    strip = {"deployment.preStop": None} if changes.get("deployment.preStop") == "0s" else {}
    assert after.to_json_dict() == wanted.evolve(strip).to_json_dict()


def test_a_longer_drain_is_one_patch_of_the_deployment(tmp_path):
    """The hook becomes Kubernetes' own sleep, the former handler goes, and only what changes is named."""
    _, (patch,) = edits(tmp_path, {"deployment.preStop": "300s", "deployment.grace": "330s"})
    assert (patch.kind, patch.name, patch.namespace, patch.line) == ("Deployment", "web", "shop", 1)
    assert patch.file.endswith("app.yaml")
    assert patch.kubectl == "kubectl patch deployment web -n shop --type strategic --patch"
    container = {"name": "web", "lifecycle": {"preStop": {"exec": None, "sleep": {"seconds": 300}}}}
    pod = {"containers": [container], "terminationGracePeriodSeconds": 330}
    assert patch.body == {"spec": {"template": {"spec": pod}}}


def test_a_stateful_set_is_patched_as_one(tmp_path):
    """Kind and fields are the set's own."""
    app = APP.replace("kind: Deployment", "kind: StatefulSet", 1).partition("---\napiVersion: autoscaling")[0]
    changes = {"deployment.preStop": "2m", "deployment.grace": "150s", "deployment.updateStrategy.partition": 1}
    _, (patch,) = edits(tmp_path, changes, app)
    assert patch.kubectl.startswith("kubectl patch statefulset web ")
    assert patch.body["spec"]["updateStrategy"] == {"rollingUpdate": {"partition": 1}}


@pytest.mark.parametrize("how", [ENV, ARGS, ""], ids=["variable", "flag", "neither"])
def test_drain_support_is_switched_where_it_is_set(tmp_path, how):
    """In the variable, in the flag, or in a new variable; the controller's other flags stay."""
    app = APP + CONTROLLER + how
    changes = {"kic.enableDrainSupport": True, "kic.proxySyncSeconds": "1s"}
    today, found = edits(tmp_path, changes, app)
    (patch,) = found
    assert (patch.kind, patch.name, patch.namespace) == ("Deployment", "kong", "kong")
    after = applied(tmp_path, found, app)
    assert (after.kic.enable_drain_support, after.kic.proxy_sync_seconds) == (True, 1)
    if how == ARGS:
        (container,) = patch.body["spec"]["template"]["spec"]["containers"]
        assert container["args"][0] == "--publish-service=kong/proxy"
    assert today.kic.enable_drain_support is False


def test_what_the_scenario_states_is_a_line_of_the_scenario(tmp_path):
    """It wins over the manifest, so the scenario is what has to change; its short names stay."""
    stated = SCENARIO + "deployment: {grace: 40s}\nkic: {enableDrainSupport: false}\n"
    changes = {"deployment.preStop": "5m", "deployment.grace": "330s", "kic.enableDrainSupport": True}
    _, (of_object, own) = edits(tmp_path, changes, scenario=stated)
    assert of_object.kind == "Deployment"
    assert "terminationGracePeriodSeconds" not in json.dumps(of_object.body)
    assert (own.kind, own.command, own.line) == ("", "", 6)
    assert own.file.endswith("s.yaml")
    assert own.body == {"deployment": {"grace": "5m30s"}, "kic": {"enableDrainSupport": True}}
    assert own.yaml == "deployment:\n  grace: 5m30s\nkic:\n  enableDrainSupport: true\n"


OPERATOR = """\
---
apiVersion: gateway-operator.konghq.com/v2beta1
kind: ControlPlane
metadata: {name: plane, namespace: kong}
spec:
  translation: {drainSupport: disabled}
"""


def test_the_operators_control_plane_is_patched_by_a_merge(tmp_path):
    """Its kind is a definition of its own, so the patch is no strategic one."""
    app = APP + OPERATOR
    _, found = edits(tmp_path, {"kic.enableDrainSupport": True, "kic.proxySyncSeconds": "2s"}, app)
    (patch,) = found
    assert patch.kubectl.startswith(
        "kubectl patch controlplanes.gateway-operator.konghq.com plane -n kong --type merge"
    )
    after = applied(tmp_path, found, app)
    assert (after.kic.enable_drain_support, after.kic.proxy_sync_seconds) == (True, 2)


def test_a_container_of_a_kind_that_merges_no_lists_is_the_scenarios(tmp_path):
    """A merge would replace all containers of an Argo Rollout; its replicas can be patched."""
    app = APP.replace("apiVersion: apps/v1\nkind: Deployment", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout", 1)
    app = app.partition("---\napiVersion: autoscaling")[0].replace(
        "  replicas: 3\n", "  replicas: 3\n  strategy: {canary: {}}\n"
    )
    _, (of_rollout, own) = edits(tmp_path, {"deployment.replicas": 5, "deployment.preStop": "20s"}, app)
    assert (of_rollout.kubectl.split()[2], of_rollout.body) == ("rollouts.argoproj.io", {"spec": {"replicas": 5}})
    assert (own.kind, own.body) == ("", {"deployment": {"preStop": "20s"}})


def test_only_what_changes_is_patched(tmp_path):
    """A setting that stays as it is takes no edit, and a hook that Kubernetes cannot sleep is the scenario's."""
    assert edits(tmp_path, {"deployment.replicas": 3})[1] == ()
    wait = {"deployment.preStop": {"waitUntil": "noSessions", "atMost": "25s"}}
    _, (own,) = edits(tmp_path, wait)
    assert own.kind == ""
