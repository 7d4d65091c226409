"""The rows of :mod:`simsticky.manifests.uses`, kind by kind: add a row where you teach the reader a field."""

from collections.abc import Mapping
from typing import Final

from simsticky.manifests.uses import FieldUse, listed, read

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

REGISTER: Final[Mapping[str, tuple[FieldUse, ...]]] = {
    "Deployment": (
        *_WORKLOAD,
        read("spec.paused", "a paused Deployment makes no rollout step"),
        read("spec.progressDeadlineSeconds", "when a rollout counts as stuck"),
        read("spec.strategy", "type, maxSurge and maxUnavailable of the rollout"),
    ),
}
"""Rows by kind."""
