"""The application's Deployment, StatefulSet or Rollout, read from its manifest.

Sources of the API server's rules and texts: Kubernetes, apps/validation.go and core/validation.go; of the
defaults: apps/v1/defaults.go and core/v1/defaults.go.
"""

from collections.abc import Mapping
from typing import Any, Final

from simsticky.kubernetes.selectors import label_selector, selects, violations
from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.meshes import Mesh
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import POD, TEMPLATE, Workload, labels_text
from simsticky.manifests.pre_stop import look_for_a_shell, read_hook
from simsticky.manifests.rollouts import read_rollout
from simsticky.manifests.sidecars import read_sidecars
from simsticky.scenario.location import Keys, dotted

_SPEC = {
    "replicas": "replicas",
    "minReadySeconds": "minReadySeconds",
    "progressDeadlineSeconds": "progressDeadlineSeconds",
    "revisionHistoryLimit": "revisionHistoryLimit",
}
_PROBE = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)
_NEVER_S: Final = 2**31 - 1
_OLD_DEFAULTS: Final[Mapping[tuple[Any, str], Mapping[Keys, Any]]] = {
    # Source: Kubernetes 1.15, pkg/apis/extensions/v1beta1/defaults.go, pkg/apis/apps/v1beta1/defaults.go.
    ("extensions/v1beta1", "Deployment"): {
        ("strategy", "rollingUpdate", "maxSurge"): 1,
        ("strategy", "rollingUpdate", "maxUnavailable"): 1,
        ("progressDeadlineSeconds",): _NEVER_S,
        ("revisionHistoryLimit",): _NEVER_S,
    },
    ("apps/v1beta1", "Deployment"): {("revisionHistoryLimit",): 2},
    ("apps/v1beta1", "StatefulSet"): {("updateStrategy", "type"): "OnDelete"},
}
"""Defaults of old API versions that differ from those of apps/v1, by API version and kind, below ``spec``."""
_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
_GRACE = "terminationGracePeriodSeconds"
_PROBES: Mapping[str, tuple[str, ...]] = {
    "readinessProbe": _PROBE,
    "startupProbe": (*_PROBE, _GRACE),
    "livenessProbe": (*_PROBE, _GRACE),
}
_NOTES = {"resources": "requests and limits have no effect on the model"}


def read_workload(found: Findings, workload: Workload, entrance: Keys | None, mesh: Mesh) -> None:
    """Read a Deployment, a StatefulSet or a Rollout into the scenario's ``deployment`` section.

    Args:
        found: Where the findings go.
        workload: The owner of the pods, and what holds their template.
        entrance: Path of the container that the Service's traffic enters, by which the application is known.
        mesh: What annotations and labels say of a service mesh's proxy.
    """
    owner, pods = workload.owner, workload.pods
    found.take(owner, ("metadata", "name"), ("deployment", "name"))
    for field, target in _SPEC.items():
        found.take_whole_number(owner, ("spec", field), ("deployment", target))
    if "replicas" not in found.sections["deployment"] and not found.states("deployment", "replicas"):
        found.assume(owner, ("spec",), "replicas is 1, the API server's default")
    if owner.kind == "StatefulSet":
        _ordered(found, owner)
    elif owner.kind == "Rollout":
        read_rollout(found, workload)
    else:
        found.take(owner, ("spec", "paused"), ("deployment", "paused"))
        _strategy(found, owner)
    _defaults(found, owner)
    _selector(found, workload)
    grace_keys = (*POD, "terminationGracePeriodSeconds")
    found.take_whole_number(pods, grace_keys, ("deployment", "terminationGracePeriodSeconds"))
    container = _container(found, pods, entrance)
    found.fill("deployment", owner)
    found.fill("pods", pods, container or ())
    if container is not None:
        _pre_stop(found, pods, container)
        _post_start(found, pods, container)
        for probe in _PROBES:
            _probe(found, pods, container, probe)
        found.take(pods, (*container, "imagePullPolicy"), ("deployment", "imagePullPolicy"))
        _restart_rules(found, pods, container)
        read_sidecars(found, pods, container, entrance, mesh)
        for field, note in _NOTES.items():
            if pods.get(*container, field) is not None:
                found.ignore(pods, (*container, field), note)
    if pods.items(*POD, "readinessGates"):
        text = (
            "a pod is ready only when others have set these conditions too; they are taken to be true as soon as its"
            " containers are ready"
        )
        found.say_aloud(pods, (*POD, "readinessGates"), text)
    _life(found, pods)
    found.list_the_rest(owner)
    if pods is not owner:
        _owned(found, workload)
        found.list_the_rest(pods)


def _restart_rules(found: Findings, pods: KubernetesObject, container: Keys) -> None:
    """Read a container's own restart policy and rules."""
    found.take(pods, (*container, "restartPolicy"), ("deployment", "restartPolicy"))
    if rules := pods.items(*container, "restartPolicyRules"):
        keys = (*container, "restartPolicyRules")
        found.look(pods, keys)
        found.put(("deployment", "restartPolicyRules"), rules, pods.place(*keys))
        found.read(pods, keys, "exit codes of app.crash restart in place")


def _life(found: Findings, pods: KubernetesObject) -> None:
    """Refuse what the API server refuses of pods that are replaced for ever; say what keeps a pod from starting.

    Source: Kubernetes, apps/validation.go: ValidatePodTemplateSpecForReplicaSet.
    """
    restart: Keys = (*POD, "restartPolicy")
    if pods.get(*restart) not in (None, "Always"):
        text = f'Unsupported value: "{pods.get(*restart)}": supported values: "Always"'
        found.problem(pods, restart, text, Hint.LEAVE_OUT.of())
    deadline: Keys = (*POD, "activeDeadlineSeconds")
    if pods.get(*deadline) is not None:
        text = f"Forbidden: activeDeadlineSeconds in {pods.kind} is not Supported"
        found.problem(pods, deadline, text, Hint.LEAVE_OUT.of())
    if pods.items(*POD, "schedulingGates"):
        text = "pods wait until somebody takes the gates away; that is taken to happen at once"
        found.say_aloud(pods, (*POD, "schedulingGates"), text)


def _owned(found: Findings, workload: Workload) -> None:
    """Say what becomes of the Deployment whose template a Rollout has taken over."""
    replicas = workload.pods.get("spec", "replicas")
    if replicas == 0:
        found.ignore(workload.pods, ("spec", "replicas"), f"{workload.label} has taken the pods over")
    else:
        text = (
            f"its own pods are behind the Service too until it is scaled to 0; only those of {workload.label} run here"
        )
        found.say_aloud(workload.pods, ("spec", "replicas"), text)


def _defaults(found: Findings, owner: KubernetesObject) -> None:
    """Take the defaults of old API versions, where they differ from those of apps/v1."""
    for keys, value in _OLD_DEFAULTS.get((owner.get("apiVersion"), owner.kind), {}).items():
        rolling = "rollingUpdate" in keys
        if rolling and owner.get("spec", "strategy", "type") == "Recreate":
            continue
        if owner.get("spec", *keys) is None and not (rolling and owner.mapping("spec", "strategy", "rollingUpdate")):
            found.put(("deployment", *keys), value, owner.place("apiVersion"))
            found.assume(owner, ("apiVersion",), f"{dotted(keys)} is {value}, the default of {owner.get('apiVersion')}")


def _strategy(found: Findings, obj: KubernetesObject) -> None:
    strategy: Keys = ("spec", "strategy")
    found.take(obj, (*strategy, "type"), ("deployment", "strategy", "type"))
    rolling: Keys = (*strategy, "rollingUpdate")
    if obj.get(*strategy, "type") == "Recreate" and obj.get(*rolling) is not None:
        found.look(obj, rolling)
        text = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        found.problem(obj, rolling, text, Hint.LEAVE_ROLLING_UPDATE_OUT.of(), of_key=True)
        return
    for field in ("maxSurge", "maxUnavailable"):
        found.take(obj, (*rolling, field), ("deployment", "strategy", "rollingUpdate", field))


def _ordered(found: Findings, obj: KubernetesObject) -> None:
    """Read what only a StatefulSet has."""
    found.put(("deployment", "kind"), "StatefulSet", obj.place("kind"))
    found.take(obj, ("spec", "podManagementPolicy"), ("deployment", "podManagementPolicy"))
    update: Keys = ("spec", "updateStrategy")
    found.take(obj, (*update, "type"), ("deployment", "updateStrategy", "type"))
    partition: Keys = (*update, "rollingUpdate", "partition")
    found.take_whole_number(obj, partition, ("deployment", "updateStrategy", "partition"))
    most: Keys = (*update, "rollingUpdate", "maxUnavailable")
    found.take(obj, most, ("deployment", "updateStrategy", "maxUnavailable"))
    if obj.get(*most) is not None and not found.states("kubernetes", "version"):
        text = "heeded, as from Kubernetes 1.37 on; most older releases update one pod at a time: kubernetes.version"
        found.say_aloud(obj, most, text)


def _selector(found: Findings, workload: Workload) -> None:
    owner, pods = workload.owner, workload.pods
    written = owner.mapping("spec", "selector")
    selector = label_selector(written)
    found.read(pods, (*TEMPLATE, "metadata", "labels"), labels_text(workload.labels))
    if not written:
        return
    found.read(owner, ("spec", "selector"), str(selector))
    for keys, text in violations(written):
        found.problem(owner, ("spec", "selector", *keys), text)
    if not selects(selector, workload.labels):
        text = "Invalid value: `selector` does not match template `labels`"
        keys = (*TEMPLATE, "metadata", "labels")
        found.problem(pods, keys, text, Hint.SELECTOR_WANTS.of(labels=selector))


def _container(found: Findings, obj: KubernetesObject, entrance: Keys | None) -> Keys | None:
    """Return the path of the application's container: the one that traffic enters, else the first."""
    containers: Keys = (*POD, "containers")
    if not obj.items(*containers):
        found.problem(obj, containers, "Required value: a pod needs at least one container")
        return None
    # Where traffic enters a native sidecar, that is a proxy of the application in the first container.
    chosen = entrance if entrance is not None and entrance[:-1] == containers else (*containers, 0)
    if obj.get(*chosen, "name") is not None:
        found.read(obj, (*chosen, "name"), str(obj.get(*chosen, "name")))
    if obj.items(*chosen, "ports"):
        found.read(obj, (*chosen, "ports"), "tell the application's container from others")
    return chosen


def _probe(found: Findings, obj: KubernetesObject, container: Keys, name: str) -> None:
    keys = (*container, name)
    if not isinstance(obj.get(*keys), Mapping):
        if obj.get(*keys) is not None:
            found.look(obj, keys)
            found.problem(obj, keys, "must be a mapping")
        return
    found.put(("deployment", name), {}, obj.place(*keys))
    for field in _PROBES[name]:
        if obj.get(*keys, field) == 0 and field != "initialDelaySeconds":
            found.look(obj, (*keys, field))
            found.assume(obj, (*keys, field), "0 stands for the API server's default")
        else:
            found.take_whole_number(obj, (*keys, field), ("deployment", name, field))
    for handler in _HANDLERS:
        if obj.get(*keys, handler) is not None:
            found.read(obj, (*keys, handler), "what is probed; the kind of probe makes no difference here")
            _probed_port(found, obj, container, (*keys, handler, "port"))


def _probed_port(found: Findings, obj: KubernetesObject, container: Keys, keys: Keys) -> None:
    """Refuse a probe of a port that its container does not name: it never passes (prober: extractPort)."""
    port = obj.get(*keys)
    ports = [declared for declared in obj.items(*container, "ports") if isinstance(declared, Mapping)]
    names = [str(declared["name"]) for declared in ports if declared.get("name")]
    if isinstance(port, str) and not port.isdigit() and port not in names:
        text = f"the container names no port {port!r}: the probe never passes, and no pod becomes ready"
        named = Hint.PORTS_OF_CONTAINER.of(ports=", ".join(names))
        found.problem(obj, keys, text, named if names else Hint.NAME_THE_PORT.of(name=port))


def _post_start(found: Findings, obj: KubernetesObject, container: Keys) -> None:
    """Name a hook that a container's start waits for (kubelet: startContainer runs it before any probe)."""
    keys = (*container, "lifecycle", "postStart")
    if obj.get(*keys) is not None:
        text = (
            "the kubelet begins to probe only after this hook, which is not simulated; let app.startup hold its length"
        )
        found.say_aloud(obj, keys, text)


def _pre_stop(found: Findings, obj: KubernetesObject, container: Keys) -> None:
    keys = (*container, "lifecycle", "preStop")
    hook = obj.get(*keys)
    if hook is None:
        return
    if found.states("deployment", "preStop"):
        found.ignore(obj, keys, "the scenario states deployment.preStop")
        return
    if (read := read_hook(found, obj, keys, Hint.STATE_HOOK.of())) is not None:
        found.put(("deployment", "preStop"), *read)
        look_for_a_shell(found, obj, container, keys)
