"""From a route's port over the Service's to the container that listens.

Source: Kubernetes, ``pkg/api/v1/pod/util.go:FindPort``: a name is looked for in the containers and in init containers
that are always restarted, with the same protocol; a number is taken as it is, whether a container declares it or not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import POD, Workload
from simsticky.manifests.routes import Backend
from simsticky.scenario.location import Keys


def entrance(found: Findings, service: KubernetesObject, workload: Workload, backend: Backend | None) -> Keys | None:
    """Return the path of the container that a Service's traffic enters; None if no port tells it.

    Where a name leads to no container there is no endpoint with that port, and every request is a 503: reported.

    Args:
        found: Where the findings go.
        service: The Service.
        workload: The owner of its pods.
        backend: The route to the Service, if there is one: only its port counts.
    """
    ports = [
        (("spec", "ports", i), port)
        for i, port in enumerate(service.items("spec", "ports"))
        if isinstance(port, Mapping) and port.get("port") is not None
    ]
    if backend is not None and backend.port is not None:
        used = [(keys, port) for keys, port in ports if backend.port in (port.get("port"), port.get("name"))]
        if not used:
            text = f"Service {service.name} has no port {backend.port}: Kong gets no target, every request a 503"
            names = ", ".join(_shown(port) for _, port in ports) or "none"
            found.problem(backend.route, backend.port_keys, text, Hint.PORTS_ARE.of(ports=names))
            return None
        ports = used[:1]
    ways = [(keys, port, _container_of(workload, port)) for keys, port in ports]
    reached = [container for _, _, container in ways if container is not None]
    lost = [(keys, port) for keys, port, container in ways if container is None and _is_name(port)]
    if lost and len(lost) == len(ways):
        _report_lost(found, service, workload, *lost[0])
    return reached[0] if reached else None


def _shown(port: Mapping[str, Any]) -> str:
    return f"{port['port']} ({port['name']})" if port.get("name") else str(port["port"])


def _target(port: Mapping[str, Any]) -> Any:
    target = port.get("targetPort")
    return port.get("port") if target in (None, "", 0) else target


def _is_name(port: Mapping[str, Any]) -> bool:
    return isinstance(_target(port), str)


def _container_of(workload: Workload, port: Mapping[str, Any]) -> Keys | None:
    target = _target(port)
    protocol = port.get("protocol") or "TCP"
    for keys, declared in _declared(workload.pods):
        if isinstance(target, str):
            if declared.get("name") == target and (declared.get("protocol") or "TCP") == protocol:
                return keys
        elif declared.get("containerPort") == target:
            return keys
    return None


def _declared(obj: KubernetesObject) -> Iterator[tuple[Keys, Mapping[str, Any]]]:
    """Yield the ports that running containers declare: the containers' first, then those of native sidecars."""
    for field in ("containers", "initContainers"):
        for i, container in enumerate(obj.items(*POD, field)):
            if not isinstance(container, Mapping):
                continue
            if field == "initContainers" and container.get("restartPolicy") != "Always":
                continue
            ports = container.get("ports")
            for port in ports if isinstance(ports, list) else ():
                if isinstance(port, Mapping):
                    yield (*POD, field, i), port


def _report_lost(
    found: Findings, service: KubernetesObject, workload: Workload, keys: Keys, port: Mapping[str, Any]
) -> None:
    target = _target(port)
    names = [str(declared["name"]) for _, declared in _declared(workload.pods) if declared.get("name")]
    text = f"no container of {workload.label} names a port {target!r}: no endpoint has it, every request is a 503"
    if target.isdigit():
        hint = Hint.NUMBER_WITHOUT_QUOTES.of(port=target)
    elif names:
        hint = Hint.PORTS_OF_PODS.of(ports=", ".join(dict.fromkeys(names)))
    else:
        hint = Hint.NAME_THE_PORT.of(name=target)
    found.problem(service, (*keys, "targetPort"), text, hint)
