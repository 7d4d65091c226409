"""The rows of :mod:`simsticky.manifests.uses`, kind by kind: add a row where you teach the reader a field."""

from collections.abc import Mapping
from typing import Final

from simsticky.manifests.uses import FieldUse, listed, read, refused, said

_POD = "spec.template.spec"
_APP = f"{_POD}.containers[]"
_PROBES = tuple(
    row
    for name in ("readinessProbe", "livenessProbe", "startupProbe")
    for row in (
        read(f"{_APP}.{name}", "when the probe runs, and what it takes to pass or fail"),
        *(
            read(f"{_APP}.{name}.{handler}", "that there is a probe; its kind makes no difference")
            for handler in ("httpGet", "tcpSocket", "exec", "grpc")
        ),
    )
)
_WORKLOAD = (
    read("metadata.name", "name of the application"),
    read("spec.replicas", "number of pods at the start"),
    read("spec.minReadySeconds", "how long a new pod must be ready to count as available"),
    read("spec.revisionHistoryLimit", "has no effect on the answer"),
    read("spec.selector", "must match the pods' labels"),
    read("spec.template.metadata.labels", "which Services, budgets and selectors mean these pods"),
    read(f"{_POD}.terminationGracePeriodSeconds", "time from the deletion to SIGKILL"),
    read(f"{_APP}.name", "name of the application's container, and of sidecars"),
    read(f"{_APP}.ports", "tell the application's container from others"),
    read(f"{_APP}.image", "a mesh's proxy, the gateway or the controller are known by it; its tag is their version"),
    read(f"{_APP}.imagePullPolicy", "whether a node pulls an image that it has"),
    read(f"{_APP}.lifecycle.preStop", "wait before SIGTERM"),
    *_PROBES,
    listed(f"{_APP}.resources", "requests and limits have no effect on the model"),
    read(f"{_POD}.initContainers[]", "a native sidecar if restartPolicy is Always"),
)

_MESH = (
    read("spec.template.metadata.annotations[proxy.istio.io/config]", "how long Istio's proxy serves on after SIGTERM"),
    read(
        "spec.template.metadata.annotations[config.alpha.linkerd.io/proxy-wait-before-exit-seconds]",
        "how long Linkerd's proxy waits before it ends",
    ),
    *(
        said(f"spec.template.metadata.{where}", "a proxy that will be injected, and what is assumed of it")
        for where in (
            "labels[sidecar.istio.io/inject]",
            "labels[istio.io/rev]",
            "annotations[sidecar.istio.io/inject]",
            "annotations[linkerd.io/inject]",
            "annotations[consul.hashicorp.com/connect-inject]",
            "labels[kuma.io/sidecar-injection]",
        )
    ),
    *(
        said(f"metadata.annotations[{name}]", "has no effect beside the pod template, where it belongs")
        for name in ("proxy.istio.io/config", "linkerd.io/inject", "sidecar.istio.io/inject")
    ),
    *(
        said(f"{where}.annotations[{name}]", "has no effect here: the controller reads it on Services")
        for where in ("metadata", "spec.template.metadata")
        for name in ("konghq.com/upstream-policy", "konghq.com/override")
    ),
)
_REFUSED_HOOKS = (
    refused(f"{_APP}.lifecycle.preStop.httpGet", "its length is not in the manifest; state deployment.preStop"),
    said(f"{_APP}.lifecycle.preStop.tcpSocket", "the kubelet does not run it: the hook fails"),
)
_GATES = (said(f"{_POD}.readinessGates", "who sets these conditions is not known; they are taken to be true"),)
_GATEWAY = (
    read("spec.replicas", "of Kong's own workload: nodes of the gateway"),
    read(f"{_APP}.env", "of Kong: workers (KONG_NGINX_WORKER_PROCESSES), role; of the controller: its settings"),
    read(f"{_APP}.args", "of the controller: drain support, time between pushes, its class"),
    read(f"{_APP}.command", "of the controller: drain support, time between pushes, its class"),
)
_ROUTE = (
    read("metadata.annotations[konghq.com/strip-path]", "whether the path is cut off"),
    listed("metadata.annotations[ingress.kubernetes.io/strip-path]", "the controller reads konghq.com/strip-path"),
    said("metadata.annotations[konghq.com/upstream-policy]", "has no effect here: the controller reads it on Services"),
    said("metadata.annotations[konghq.com/override]", "has no effect here: the controller reads it on Services"),
)
_CONTROL_PLANE = "spec.controlPlaneOptions"
_DATA_PLANE = "spec.dataPlaneOptions.deployment"


def _operator(control: str, data: str) -> tuple[FieldUse, ...]:
    """Return the rows of a kind of Kong Operator, with the paths of its options; empty where it has none."""
    rows: list[FieldUse] = []
    if control:
        rows += [
            read(f"{control}.translation.drainSupport", "whether terminating pods stay targets of weight 0"),
            read(f"{control}.dataplaneSync.interval", "time between pushes of the configuration"),
            read(f"{control}.deployment", "of version 1: flags and environment of the controller"),
        ]
    if data:
        rows += [
            read(f"{data}.replicas", "nodes of the gateway"),
            said(f"{data}.scaling", "its autoscaler is not simulated: minReplicas nodes all along"),
            read(f"{data}.podTemplateSpec", "version and workers of the gateway"),
        ]
    return tuple(rows)


REGISTER: Final[Mapping[str, tuple[FieldUse, ...]]] = {
    "Deployment": (
        *_WORKLOAD,
        *_REFUSED_HOOKS,
        *_GATES,
        *_MESH,
        *_GATEWAY[1:],
        read("spec.paused", "a paused Deployment makes no rollout step"),
        read("spec.progressDeadlineSeconds", "when a rollout counts as stuck"),
        read("spec.strategy", "type, maxSurge and maxUnavailable of the rollout"),
        read("apiVersion", "defaults of old versions, where they differ from those of apps/v1"),
    ),
    "StatefulSet": (
        *_WORKLOAD,
        *_REFUSED_HOOKS,
        *_GATES,
        *_MESH,
        read("kind", "that its pods keep their names, and go one after the other"),
        read("spec.podManagementPolicy", "whether scaling goes one pod after the other"),
        read("spec.updateStrategy", "type, partition and maxUnavailable of the rollout"),
        read("apiVersion", "defaults of old versions, where they differ from those of apps/v1"),
    ),
    "Rollout": (
        *_WORKLOAD,
        *_REFUSED_HOOKS,
        *_GATES,
        *_MESH,
        read("kind", "that an Argo Rollout owns the pods"),
        read("spec.paused", "a paused Rollout makes no step"),
        read("spec.progressDeadlineSeconds", "when a rollout counts as stuck"),
        read("spec.workloadRef", "the Deployment that holds the pod template"),
        read("spec.strategy.canary.maxSurge", "pods above replicas"),
        read("spec.strategy.canary.maxUnavailable", "pods below replicas"),
        read("spec.strategy.canary.steps", "where the rollout stops: setWeight and pause; other steps are said aloud"),
        said("spec.strategy.canary.trafficRouting", "what it routes is not simulated: weights are shares of the pods"),
        said("spec.strategy.blueGreen", "the switch and the scale-down are simulated, not what goes before"),
        read("spec.strategy.blueGreen.scaleDownDelaySeconds", "from the switch until the old pods go"),
        *(
            read(f"spec.strategy.blueGreen.{field}", "listed with the switch")
            for field in ("activeService", "previewService", "autoPromotionEnabled", "autoPromotionSeconds")
        ),
    ),
    "DaemonSet": (
        *_GATEWAY[1:],
        read(f"{_APP}.image", "version of the gateway"),
        said("kind", "of Kong: a node of the gateway on every machine; of an application: not simulated"),
    ),
    "Service": (
        read("metadata.name", "name of the Service; operations name it"),
        read("spec.selector", "which pods are behind it"),
        read("spec.ports", "which container a route leads to"),
        refused("spec.ports[].targetPort", "a name that no container has: every request would be a 503"),
        read("spec.publishNotReadyAddresses", "endpoints count as ready whatever the pods' readiness"),
        listed("spec.sessionAffinity", "Kong sends to pod addresses itself, past the Service"),
        refused("spec.type", "ExternalName: Kong then has one target, a DNS name"),
        read("metadata.annotations[konghq.com/upstream-policy]", "the policy of the upstream"),
        read("metadata.annotations[konghq.com/override]", "the KongIngress of the upstream"),
        read("metadata.annotations[konghq.com/retries]", "further attempts of the gateway"),
        *(
            read(f"metadata.annotations[konghq.com/{name}-timeout]", f"{name} timeout of the gateway")
            for name in ("connect", "read", "write")
        ),
        refused("metadata.annotations[ingress.kubernetes.io/service-upstream]", "kube-proxy would pick the pod"),
        listed("metadata.annotations[konghq.com/service-upstream]", "the controller reads another annotation"),
        listed("metadata.annotations[service-upstream]", "the controller reads another annotation"),
        said("metadata.annotations[configuration.konghq.com]", "the controller reads konghq.com/override"),
        said("metadata.annotations", "Services of one rule that name different policies: none is applied"),
    ),
    "Ingress": (
        *_ROUTE,
        read("spec.rules[].http.paths[].path", "the path of the route"),
        read("spec.rules[].http.paths[].backend", "the Service in front of the pods, and its port"),
        read("spec.defaultBackend", "the Service in front of the pods"),
        read("spec.backend", "the same in old versions"),
        said("spec.ingressClassName", "another controller's class: Kong is simulated"),
        said("metadata.annotations[kubernetes.io/ingress.class]", "another controller's class: Kong is simulated"),
    ),
    "HTTPRoute": (
        *_ROUTE,
        read("spec.rules[].backendRefs", "the Service in front of the pods; weight 0 gets no request"),
        refused("spec.rules[].backendRefs[].weight", "several backends with a weight: describe a canary"),
        read("spec.rules[].matches", "the path of the route"),
        read("spec.rules[].timeouts.backendRequest", "connect, read and write timeout of the gateway"),
        said("spec.rules[].sessionPersistence", "no controller of Kong implements it"),
        said("spec.rules[]", "a rule without backends: Kong answers 503"),
    ),
    "KongUpstreamPolicy": (
        read("spec", "how the upstream picks its targets: algorithm, hashing, cookie, health checks"),
    ),
    "KongIngress": (
        read("upstream", "how the upstream picks its targets, as Kong Ingress Controller up to 3.5 reads it"),
        said("proxy", "has had no effect since Kong Ingress Controller 3.0"),
        said("route", "has had no effect since Kong Ingress Controller 3.0"),
    ),
    "IngressClassParameters": (refused("spec.serviceUpstream", "kube-proxy would pick the pod"),),
    "HorizontalPodAutoscaler": (
        read("spec.scaleTargetRef", "whose pods it scales"),
        read("spec.minReplicas", "never fewer; where the workload leaves replicas out, the number at the start"),
        read("spec.maxReplicas", "never more"),
        read("spec.targetCPUUtilizationPercentage", "wanted utilisation"),
        read("spec.metrics", "targets on CPU, as utilisation or value, of the pod or of the application's container"),
        refused("spec.metrics[]", "other metrics; state autoscaler.targetUtilization"),
        read("spec.behavior", "how fast it moves"),
    ),
    "PodDisruptionBudget": (
        read("spec.selector", "whose evictions it binds"),
        read("spec.minAvailable", "pods that must stay healthy"),
        read("spec.maxUnavailable", "pods that may be missing"),
        read("spec.unhealthyPodEvictionPolicy", "whether pods that are not ready may go"),
    ),
    "ControlPlane": _operator("spec", ""),
    "GatewayConfiguration": (
        *_operator(_CONTROL_PLANE, _DATA_PLANE),
        said("spec.konnect", "the hybrid gateway, on which drain support never works"),
    ),
    "DataPlane": (
        *_operator("", "spec.deployment"),
        said("spec.extensions", "Konnect without a control plane here: drain support never works"),
    ),
    "Namespace": (
        said("metadata.labels[istio-injection]", "a proxy that will be injected"),
        said("metadata.labels[istio.io/rev]", "a proxy that will be injected"),
        said("metadata.annotations[linkerd.io/inject]", "a proxy that will be injected"),
    ),
    "IngressClass": (said("metadata.name", "the default class, if it is another controller's"),),
    "Gateway": (said("spec.gatewayClassName", "another controller's class: Kong is simulated"),),
    "ConfigMap": (read("data", "values that Kong's environment takes from it"),),
    "ScaledObject": (said("spec", "KEDA is not simulated; minReplicaCount is the number at the start"),),
    "Canary": (said("spec", "Flagger is not simulated"),),
    **dict.fromkeys(
        ("IngressRoute", "VirtualService", "DestinationRule", "GRPCRoute", "HTTPProxy", "TCPIngress", "UDPIngress"),
        (said("spec", "another route to the Service is not simulated"),),
    ),
    "VerticalPodAutoscaler": (said("spec", "its evictions are not simulated"),),
}
"""Rows by kind."""
