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
        read(f"{_APP}.{name}", "when the probe runs, and what it takes to pass or fail; its kind makes no difference"),
    )
)
_MESH_REQUESTS = (
    *(f"labels[{name}]" for name in ("sidecar.istio.io/inject", "istio.io/rev", "kuma.io/sidecar-injection")),
    *(
        f"annotations[{name}]"
        for name in (
            *("sidecar.istio.io/inject", "linkerd.io/inject", "kuma.io/sidecar-injection"),
            "consul.hashicorp.com/connect-inject",
        )
    ),
)
_TEMPLATE = (
    read("spec.template.metadata.labels", "which Services, budgets and selectors mean these pods"),
    read(
        "spec.template.metadata.annotations[proxy.istio.io/config]",
        "how long Istio's proxy serves on: terminationDrainDuration, EXIT_ON_ZERO_ACTIVE_CONNECTIONS",
    ),
    read(
        "spec.template.metadata.annotations[config.alpha.linkerd.io/proxy-wait-before-exit-seconds]",
        "how long Linkerd's proxy waits before it ends",
    ),
    *(
        said(f"spec.template.metadata.annotations[{name}]", "where there is no proxy that it could be about")
        for name in ("proxy.istio.io/config", "config.alpha.linkerd.io/proxy-wait-before-exit-seconds")
    ),
    *(
        said(f"spec.template.metadata.{name}", "the running pods have a proxy that the manifest does not show")
        for name in _MESH_REQUESTS
    ),
    said("metadata.annotations[proxy.istio.io/config]", "it belongs to the pod template, and has no effect here"),
    said("spec.template.metadata.annotations[konghq.com/upstream-policy]", "the controller reads it on Services"),
    read(f"{_POD}.terminationGracePeriodSeconds", "time from the deletion to SIGKILL"),
    refused(f"{_POD}.restartPolicy", "such pods are always restarted"),
    refused(f"{_POD}.activeDeadlineSeconds", "such pods have no deadline"),
    said(f"{_POD}.schedulingGates", "who takes them away is not in the manifest: a pod does not wait for them"),
    said(f"{_POD}.readinessGates", "who sets the conditions is not in the manifest: a pod is ready without them"),
    read(f"{_APP}.name", "the application's container is the one with the Service's port, else the first"),
    read(f"{_APP}.ports", "the Service's targetPort is looked up here, by name"),
    read(f"{_APP}.imagePullPolicy", "whether a node pulls an image that it has"),
    said(f"{_APP}.lifecycle.postStart", "probes wait for it, and it is not simulated: let app.startup hold its length"),
    read(f"{_APP}.lifecycle.preStop", "the wait before SIGTERM: sleep, or an exec of sleeps"),
    refused(f"{_APP}.lifecycle.preStop.httpGet", "its length is not in the manifest: state deployment.preStop"),
    read(f"{_APP}.lifecycle.preStop.exec", "the sum of its sleeps"),
    said(f"{_APP}.lifecycle.preStop.exec", "a command that may end the application itself, or fails at once"),
    read(f"{_APP}.lifecycle.preStop.tcpSocket", "a hook that fails: the kubelet does not run it"),
    said(f"{_APP}.lifecycle.preStop.tcpSocket", "SIGTERM comes at once"),
    *_PROBES,
    listed(f"{_APP}.resources", "requests and limits move no number, but for the target of an autoscaler"),
    read(f"{_POD}.initContainers[]", "a native sidecar if restartPolicy is Always, else nothing that runs on"),
)
_OF_KONG = (
    read(f"{_APP}.image", "of Kong and its controller: the version, by the tag; of a mesh's proxy: that it is one"),
    said(f"{_APP}", "of Kong without KONG_NGINX_WORKER_PROCESSES: one worker is simulated"),
    refused(f"{_POD}.containers", "a pod needs at least one"),
    read(f"{_APP}.env[]", "of Kong and its controller: KONG_NGINX_WORKER_PROCESSES, CONTROLLER_… flags"),
    read(f"{_APP}.envFrom[]", "the same, from ConfigMaps among the manifests"),
    said(f"{_APP}.envFrom[]", "of Kong and its controller, from what is not among the manifests"),
    read(f"{_APP}.args[]", "flags of the controller: --enable-drain-support, --proxy-sync-seconds"),
    read(f"{_APP}.command[]", "the same"),
)
_WORKLOAD = (
    read("metadata.name", "name of the application"),
    read("spec.replicas", "number of pods at the start; of Kong: nodes"),
    read("spec.minReadySeconds", "how long a new pod must be ready to count as available"),
    read("spec.revisionHistoryLimit", "how many old ReplicaSets are kept"),
    read("spec.selector", "must match the pods' labels"),
    *_TEMPLATE,
    *_OF_KONG,
)
_POD_OF_KONG = (
    read("podTemplateSpec.spec.containers[].image", "version of Kong or its controller"),
    read("podTemplateSpec.spec.containers[].env[]", "KONG_NGINX_WORKER_PROCESSES, CONTROLLER_… flags"),
)
_CONTROL_PLANE = (
    read("translation.drainSupport", "drain support; on by default from version 2 on"),
    read("dataplaneSync.interval", "time between pushes"),
)
_DATA_PLANE = (
    said("deployment", "without KONG_NGINX_WORKER_PROCESSES: one worker is simulated"),
    read("deployment.replicas", "nodes of the gateway"),
    said("deployment.scaling", "the gateway's own autoscaler is not simulated"),
    *(row._replace(path=f"deployment.{row.path}") for row in _POD_OF_KONG),
)


def _below(prefix: str, rows: tuple[FieldUse, ...]) -> tuple[FieldUse, ...]:
    return tuple(row._replace(path=f"{prefix}.{row.path}") for row in rows)


REGISTER: Final[Mapping[str, tuple[FieldUse, ...]]] = {
    "Deployment": (
        said("", "a second gateway: the nodes simulated are those of the first"),
        *_WORKLOAD,
        read("spec.paused", "a paused Deployment makes no rollout step"),
        read("spec.progressDeadlineSeconds", "when a rollout counts as stuck"),
        read("spec.strategy", "type, maxSurge and maxUnavailable of the rollout"),
    ),
    "StatefulSet": (
        *_WORKLOAD,
        read("spec.podManagementPolicy", "one pod after the other, or all at once"),
        read("spec.updateStrategy", "type and partition; maxUnavailable where it is modelled"),
    ),
    "Rollout": (
        read("kind", "Argo Rollouts: a canary is a rolling update that stops at its steps"),
        *_WORKLOAD,
        read("spec.paused", "a paused Rollout makes no step"),
        read("spec.progressDeadlineSeconds", "when a rollout counts as stuck"),
        read("spec.workloadRef", "the Deployment that holds the pod template"),
        refused("spec.strategy", "it needs canary or blueGreen"),
        read("spec.strategy.canary.maxSurge", "pods above replicas"),
        read("spec.strategy.canary.maxUnavailable", "pods below replicas"),
        read("spec.strategy.canary.steps[].setWeight", "share of new pods at this step"),
        read("spec.strategy.canary.steps[].pause", "how long the rollout stops"),
        said("spec.strategy.canary.steps[]", "other steps are not simulated: the rollout goes on at once"),
        said("spec.strategy.canary.trafficRouting", "weights follow the pods, as without a traffic router"),
        said("spec.strategy.canary.stableService", "where clients come through it: Argo narrows it to the old pods"),
        said("spec.strategy.canary.canaryService", "where clients come through it: Argo narrows it to the new pods"),
        said("spec.strategy.blueGreen", "both sides run, the Service switches, the old side is scaled away"),
        read("spec.strategy.blueGreen.scaleDownDelaySeconds", "how long the old side runs on"),
        said("spec.strategy.blueGreen.activeService", "where clients come through another Service"),
        read("spec.strategy.blueGreen.activeService", "the Service that switches"),
        read("spec.strategy.blueGreen.previewService", "the Service of the new side before"),
    ),
    "DaemonSet": (
        said("kind", "of Kong: a node on every machine, like kubernetes.nodes; of the application: not simulated"),
        *_OF_KONG,
    ),
    "Service": (
        read("metadata.name", "name of the Service"),
        read("spec.selector", "the pods behind it"),
        read("spec.ports", "the route's port, and the port of the pods that it leads to"),
        read("spec.publishNotReadyAddresses", "pods count as ready whatever their probes say"),
        refused("spec.type", "ExternalName: Kong has one target, a DNS name, and no pod to stick to"),
        listed("spec.sessionAffinity", "Kong sends to pod addresses itself, past the Service"),
        said("metadata.annotations", "all Services of a rule must name the same policy, or none is applied"),
        read("metadata.annotations[konghq.com/upstream-policy]", "the KongUpstreamPolicy of the upstream"),
        read("metadata.annotations[konghq.com/override]", "the KongIngress of the upstream, of controllers up to 3.5"),
        read("metadata.annotations[konghq.com/retries]", "how often Kong tries another target"),
        read("metadata.annotations[konghq.com/connect-timeout]", "milliseconds to connect"),
        read("metadata.annotations[konghq.com/read-timeout]", "milliseconds between two reads"),
        read("metadata.annotations[konghq.com/write-timeout]", "milliseconds between two writes"),
        refused(
            "metadata.annotations[ingress.kubernetes.io/service-upstream]",
            "Kong has one target, the Service's own address, and kube-proxy picks the pod",
        ),
        said("metadata.annotations", "one that sounds like Kong's, or another controller's affinity: nobody reads it"),
        listed("metadata.annotations[konghq.com/service-upstream]", "no annotation of the controller's"),
    ),
    "Ingress": (
        read("spec.rules[].http.paths[].path", "the path that clients request"),
        read("spec.rules[].http.paths[].backend", "the Service behind the route, and its port"),
        said("spec.rules[].http.paths[].backend", "a Service that is not there, where nothing else leads to the pods"),
        said("spec.rules[].http.paths[].backend.resource", "its requests are not simulated"),
        read("spec.defaultBackend", "the same, for all paths"),
        read("spec.backend", "the same, in old versions"),
        said("spec.ingressClassName", "Kong is simulated, whatever the class"),
        said("metadata.annotations[kubernetes.io/ingress.class]", "Kong is simulated, whatever the class"),
        read("metadata.annotations[konghq.com/strip-path]", "whether the application sees the path without its prefix"),
        said("metadata.annotations[konghq.com/upstream-policy]", "the controller reads it on Services"),
        said("metadata.annotations[konghq.com/override]", "of no use for the upstream: it is read on Services"),
        said("metadata.annotations[konghq.com/retries]", "like the timeouts: the controller reads it on Services"),
        said("metadata.annotations", "another controller's affinity: Kong does not read it"),
    ),
    "HTTPRoute": (
        read("spec.rules[].matches[].path", "the path that clients request"),
        read("spec.rules[].backendRefs[]", "the Service behind the route; a weight of 0 gets no request"),
        refused(
            "spec.rules[].backendRefs",
            "several with a weight: the scenario's companions and canary say it",
        ),
        read("spec.rules[].timeouts.backendRequest", "time to connect, read and write"),
        said("spec.rules[].sessionPersistence", "Kong does not implement it"),
        said("spec.rules[]", "a rule without backends, or to what is no Service, is not simulated"),
    ),
    "PodDisruptionBudget": (
        read("spec.selector", "the pods it is about; it binds evictions only"),
        read("spec.minAvailable", "pods that an eviction must leave"),
        read("spec.maxUnavailable", "pods that may be missing"),
        read("spec.unhealthyPodEvictionPolicy", "whether pods that are not ready may go"),
    ),
    "HorizontalPodAutoscaler": (
        said("", "of the gateway: not simulated, minReplicas nodes all along"),
        read("spec.scaleTargetRef", "the workload it scales"),
        said("spec.scaleTargetRef", "a workload that is not there: nothing is scaled by it"),
        read("spec.minReplicas", "fewest pods; the number at the start where replicas is left out"),
        read("spec.maxReplicas", "most pods"),
        read("spec.targetCPUUtilizationPercentage", "the target, in version 1"),
        read("spec.metrics[]", "CPU of the pod or container, as utilisation or average; the largest proposal counts"),
        said("spec.metrics[]", "a share of CPU that pods do not request: in a cluster the autoscaler stands still"),
        read("spec.behavior", "policies and stabilisation windows"),
    ),
    "KongUpstreamPolicy": (
        read("spec", "algorithm, slots, hashing, sticky sessions, health checks"),
        said("", "no Service names it: it has no effect"),
    ),
    "KongIngress": (
        said("", "read as controllers up to 3.5 do; Kong Operator does not know it; or no Service names it"),
        read("upstream", "algorithm, slots, hashing and health checks"),
        said("proxy", "without effect since 3.0"),
        said("route", "without effect since 3.0"),
    ),
    "IngressClassParameters": (refused("spec.serviceUpstream", "true: Kong has one target, the Service's address"),),
    "IngressClass": (said("", "Kong is simulated, whatever the default class"),),
    "Gateway": (said("spec.gatewayClassName", "Kong is simulated, whatever the class"),),
    "Namespace": (
        said("metadata.labels[istio-injection]", "its pods have a proxy that their manifest does not show"),
        said("metadata.labels[istio.io/rev]", "the same"),
        said("metadata.annotations[linkerd.io/inject]", "the same"),
        read(
            "metadata.annotations[config.alpha.linkerd.io/proxy-wait-before-exit-seconds]",
            "how long Linkerd's proxy waits, where the pods do not say",
        ),
    ),
    "ControlPlane": (
        said("", "version 1 runs the ingress controller, where drain support is off by default"),
        *_below("spec", _CONTROL_PLANE),
        *_below("spec.deployment", _POD_OF_KONG),
    ),
    "DataPlane": (
        *_below("spec", _DATA_PLANE),
        said("spec.extensions[]", "Konnect's hybrid path, on which drain support never works"),
    ),
    "GatewayConfiguration": (
        said("", "drain support is on by default, reliably since Kong Operator 2.1.0"),
        *_below("spec.controlPlaneOptions", (*_CONTROL_PLANE, *_below("deployment", _POD_OF_KONG))),
        *_below("spec.dataPlaneOptions", _DATA_PLANE),
        said("spec.konnect", "Konnect's hybrid path, on which drain support never works"),
    ),
    "ScaledObject": (said("", "KEDA scales the pods: not simulated"),),
    "Canary": (said("", "Flagger turns each rollout into a canary: not simulated"),),
    "VerticalPodAutoscaler": (said("", "it evicts pods to resize them: not simulated"),),
}
"""Rows by kind, for all versions of it."""
