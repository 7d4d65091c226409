"""The workloads that run Kong's gateway: how many nodes, how many workers, which version.

Source: Kong's configuration reference: every property of ``kong.conf`` is an environment variable ``KONG_<PROPERTY>``;
``nginx_worker_processes`` (auto: one a core), an alias of ``nginx_main_worker_processes``, which wins where both are
given (kong/conf_loader: aliased_properties); ``role`` (traditional, control_plane, data_plane).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from simsticky.manifests.environment import Variable, say_untold, variables
from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import POD
from simsticky.scenario.fields import version_of
from simsticky.scenario.location import Keys

_IMAGES: Final = {"kong", "kong-gateway", "kong-gateway-dev"}
_PROPERTY: Final = re.compile(
    r"KONG_((PROXY|ADMIN|STATUS|STREAM|CLUSTER)_LISTEN|DATABASE|DECLARATIVE_CONFIG|NGINX_\w+|ROLE|CLUSTER_CONTROL_PLANE"
    r"|CLUSTER_(MTLS|CERT|SERVER_NAME|TELEMETRY)\w*|PG_(HOST|DATABASE|USER|PASSWORD)|LUA_PACKAGE_PATH|PREFIX"
    r"|(PROXY|ADMIN|STATUS)_(ACCESS|ERROR)_LOG|ROUTER_FLAVOR|UPSTREAM_KEEPALIVE\w*|WORKER_\w+|LICENSE_DATA)",
    re.ASCII,
)
"""Properties that only a Kong node is given; an application that calls Kong has variables of other names."""
_WORKERS: Final = "KONG_NGINX_WORKER_PROCESSES"
_NGINX_WORKERS: Final = "KONG_NGINX_MAIN_WORKER_PROCESSES"
_VERSION: Final = re.compile(r"v?(\d+(?:\.\d+)+)", re.ASCII)
_MACHINES: Final = 3
"""Nodes of the cluster, where the scenario does not state ``kubernetes.nodes``."""


def image_of(container: Any) -> tuple[str, str]:
    """Return the last part of a container's image name, and its tag."""
    image = container.get("image") if isinstance(container, Mapping) else None
    name, _, tag = (image if isinstance(image, str) else "").partition("@")[0].rpartition("/")[2].partition(":")
    return name, tag


def gateway_container(
    obj: KubernetesObject, config_maps: Sequence[KubernetesObject] = (), pod: Keys = POD
) -> Keys | None:
    """Return the path of the container that runs Kong, by its image or its environment; None if there is none."""
    for i, container in enumerate(obj.items(*pod, "containers")):
        keys: Keys = (*pod, "containers", i)
        named = any(_PROPERTY.fullmatch(variable.name) for variable in variables(obj, keys, config_maps))
        if image_of(container)[0] in _IMAGES or named:
            return keys
    return None


def is_control_plane(obj: KubernetesObject, container: Keys, config_maps: Sequence[KubernetesObject]) -> bool:
    """Return whether a Kong container takes no traffic."""
    role = _value(obj, container, config_maps, "KONG_ROLE")
    return role is not None and role.value == "control_plane"


def read_gateway(
    found: Findings,
    obj: KubernetesObject,
    container: Keys,
    config_maps: Sequence[KubernetesObject],
    scalers: Sequence[KubernetesObject],
) -> None:
    """Read nodes, workers and version of the gateway."""
    read_version(found, obj, container, ("gateway", "version"))
    _nodes(found, obj, scalers)
    read_workers(found, obj, container, config_maps)


def _nodes(found: Findings, obj: KubernetesObject, scalers: Sequence[KubernetesObject]) -> None:
    keys: Keys = ("spec", "replicas")
    if found.states("gateway", "nodes"):
        if obj.get(*keys) is not None:
            found.ignore(obj, keys, "the scenario states gateway.nodes")
        return
    if obj.kind == "DaemonSet":
        section = found.stated.get("kubernetes")
        machines = section.get("nodes", _MACHINES) if isinstance(section, Mapping) else _MACHINES
        found.put(("gateway", "nodes"), machines, obj.place("kind"))
        text = f"a DaemonSet runs Kong on every machine: {machines} nodes, like kubernetes.nodes; state gateway.nodes"
        found.say_aloud(obj, ("kind",), text)
        return
    scaler = next((one for one in scalers if _scales(one, obj)), None)
    if scaler is not None:
        least = scaler.get("spec", "minReplicas")
        least = least if isinstance(least, int) and least >= 1 else 1
        replicas = obj.get(*keys)
        nodes = max(replicas, least) if isinstance(replicas, int) else least
        found.put(("gateway", "nodes"), nodes, scaler.place("spec", "minReplicas"))
        found.look(obj, keys)
        text = f"the gateway's own autoscaler is not simulated: {nodes} nodes all along; state gateway.nodes"
        found.say_aloud(scaler, (), text)
        return
    replicas = obj.get(*keys)
    if replicas == 0:
        found.say_aloud(
            obj, keys, "no node of the gateway runs by this manifest: one is simulated; state gateway.nodes"
        )
    elif replicas is not None:
        found.take_whole_number(obj, keys, ("gateway", "nodes"))
    else:
        found.assume(obj, ("spec",), "replicas is 1, the API server's default: one node of the gateway")


def _scales(scaler: KubernetesObject, obj: KubernetesObject) -> bool:
    target = scaler.mapping("spec", "scaleTargetRef")
    same = (target.get("kind"), target.get("name")) == (obj.kind, obj.name)
    return same and scaler.may_share_namespace(obj)


def _value(
    obj: KubernetesObject, container: Keys, config_maps: Sequence[KubernetesObject], name: str
) -> Variable | None:
    named = [variable for variable in variables(obj, container, config_maps) if variable.name == name]
    return named[-1] if named else None


def read_workers(
    found: Findings, obj: KubernetesObject, container: Keys, config_maps: Sequence[KubernetesObject]
) -> None:
    """Read the number of worker processes; one that the manifests do not tell is said aloud."""
    if found.states("gateway", "workers"):
        return
    name = _NGINX_WORKERS
    workers = _value(obj, container, config_maps, name)
    if workers is None:
        name = _WORKERS
        workers = _value(obj, container, config_maps, name)
    if workers is None:
        say_untold(found, obj, container, config_maps, "one worker is simulated; state gateway.workers")
        text = f"without {_WORKERS} Kong starts a worker for each core: one is simulated; state gateway.workers"
        found.say_aloud(obj, container, text)
    elif not workers.known:
        text = f"the value of {name} is not in the manifests: one worker is simulated; state gateway.workers"
        found.say_aloud(obj, workers.keys, text)
    elif workers.value == "auto":
        text = f"{name} is auto, a worker for each core: one is simulated; state gateway.workers"
        found.say_aloud(obj, workers.keys, text)
    elif isinstance(workers.value, str) and workers.value.isascii() and workers.value.isdigit():
        found.read(obj, workers.keys, f"{workers.value} workers")
        found.put(("gateway", "workers"), int(workers.value), obj.place(*workers.keys))
    else:
        text = f"{name} must be text, a number or auto, got {workers.value!r}"
        found.problem(obj, workers.keys, text, Hint.WORKERS.of())


def read_version(found: Findings, obj: KubernetesObject, container: Keys, target: tuple[str, str]) -> None:
    """Take a version from the tag of a container's image; a tag such as ``latest`` tells none."""
    keys = (*container, "image")
    image = obj.get(*keys)
    if not isinstance(image, str):
        return
    if found.states(*target):
        found.ignore(obj, keys, f"the scenario states {'.'.join(target)}")
        return
    found.read(obj, keys, image)
    tag = image_of(obj.mapping(*container))[1]
    number = _VERSION.match(tag)
    own = image_of(obj.mapping(*container))[0] in _IMAGES or target[0] == "kic"
    if own and number is not None and version_of(tag) is not None:
        found.put(target, number[1], obj.place(*keys))
    else:
        found.assume(obj, keys, "the tag tells no version: new enough for all that is asked of it")
