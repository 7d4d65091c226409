"""What a manifest says of a service mesh: that a proxy will be injected, and how it ends on SIGTERM.

Sources: Istio, ``pkg/bootstrap`` and ``pilot/cmd/pilot-agent``: ``terminationDrainDuration`` (5 s), or with
``EXIT_ON_ZERO_ACTIVE_CONNECTIONS`` at least ``MINIMUM_DRAIN_DURATION`` (5 s) and then until no connection is open;
``sidecar.istio.io/inject``, ``istio-injection``, ``istio.io/rev``. Linkerd 2: ``linkerd.io/inject``,
``config.alpha.linkerd.io/proxy-wait-before-exit-seconds`` (a preStop hook of the proxy that sleeps); pods inherit
Linkerd's configuration from their namespace's annotations. Consul and Kuma: their own annotations.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from simsticky.errors import InputError
from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import TEMPLATE, Workload
from simsticky.scenario.location import Keys, read_documents
from simsticky.units import format_duration, parse_duration

_ANNOTATIONS: Final[Keys] = (*TEMPLATE, "metadata", "annotations")
ISTIO_DRAIN_S: Final = 5.0
_CONFIG: Final = "proxy.istio.io/config"
_ON: Final = ("true", "enabled", "ingress")
_READ: Final = ("terminationDrainDuration", "proxyMetadata")
_ALIKE: Final = 0.85
"""How alike two names are that mean the same (difflib's ratio); drainDuration is another setting."""
_WAIT: Final = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
_NATIVE: Final = {
    "istio": ("sidecar.istio.io/nativeSidecar",),
    "linkerd": (
        *("config.beta.linkerd.io/proxy-enable-native-sidecar", "config.alpha.linkerd.io/proxy-enable-native-sidecar"),
        "config.linkerd.io/proxy-enable-native-sidecar",
    ),
}
_OTHERS: Final = {
    "consul": ("consul.hashicorp.com/connect-inject",),
    "kuma": ("kuma.io/sidecar-injection",),
}
_PROXY_NAMES: Final = {
    "istio": "istio-proxy",
    "linkerd": "linkerd-proxy",
    "consul": "consul-dataplane",
    "kuma": "kuma-sidecar",
}


@dataclass(frozen=True, slots=True)
class Mesh:
    """What is known of the proxy of a service mesh.

    Attributes:
        injected: The mesh whose proxy will be injected: istio, linkerd, consul, kuma; empty if none is asked for.
        asked: Object and path that ask for it.
        native: Whether it is asked for as a native sidecar.
        drain: How Istio's proxy ends on SIGTERM, as the scenario's ``onSigterm``; None where nothing says so.
        drain_text: The same in words, with where it stands.
        wait_s: How long Linkerd's proxy waits before it ends; None where nothing says so.
        proxy: Name of the container that will be injected.
        declined: Whether a label or annotation says that there is to be none.
    """

    injected: str = ""
    asked: tuple[KubernetesObject, Keys] | None = None
    native: bool = False
    drain: Mapping[str, Any] | None = None
    drain_text: str = ""
    wait_s: float | None = None
    proxy: str = field(default="")
    declined: bool = False


def read_mesh(found: Findings, workload: Workload, namespaces: Sequence[KubernetesObject]) -> Mesh:
    """Read what labels and annotations of pods and namespace say of a mesh."""
    pods = workload.pods
    _misplaced(found, pods)
    injected, asked, declined = "", None, False
    for mesh, obj, keys, value in _requests(workload, namespaces):
        injected, asked, declined = (mesh, (obj, keys), False) if value else ("", None, True)
        break
    homes = [one for one in namespaces if _is_home(one, workload.owner, namespaces)]
    annotated = [(pods, pods.mapping(*_ANNOTATIONS))]
    annotated += [(one, one.mapping("metadata", "annotations")) for one in homes if injected == "linkerd"]
    switches = [each[name] for _, each in annotated for name in _NATIVE.get(injected, ()) if name in each]
    native = str(switches[0]).lower() == "true" if switches else False
    drain, text = _istio_config(found, pods)
    wait_s = _linkerd_wait(found, pods, _ANNOTATIONS)
    for home in homes if wait_s is None and injected == "linkerd" else ():
        wait_s = _linkerd_wait(found, home, ("metadata", "annotations"))
    return Mesh(injected, asked, native, drain, text, wait_s, _PROXY_NAMES.get(injected, ""), declined)


def say_without_proxy(found: Findings, pods: KubernetesObject) -> None:
    """Name settings of a mesh's proxy, where there is no proxy that they could be about."""
    for name in (_CONFIG, _WAIT):
        keys: Keys = (*_ANNOTATIONS, name)
        if pods.get(*keys) is not None:
            text = (
                "is about a proxy that neither the manifest shows nor a label or annotation asks for: none is"
                " simulated; if the namespace asks for one, add its manifest, or state deployment.sidecars"
            )
            found.say_aloud(pods, keys, text)


def _requests(
    workload: Workload, namespaces: Sequence[KubernetesObject]
) -> Iterator[tuple[str, KubernetesObject, Keys, bool]]:
    """Yield who asks for a proxy, or against it, the strongest first: the pod before its namespace."""
    pods = workload.pods
    pod: Keys = (*TEMPLATE, "metadata")
    for where in ("labels", "annotations"):
        for name in ("sidecar.istio.io/inject",):
            yield from _request("istio", pods, (*pod, where, name))
    yield from _request("linkerd", pods, (*pod, "annotations", "linkerd.io/inject"))
    for mesh, names in _OTHERS.items():
        for name in names:
            for where in ("labels", "annotations"):
                yield from _request(mesh, pods, (*pod, where, name))
    if pods.get(*pod, "labels", "istio.io/rev") is not None:
        yield "istio", pods, (*pod, "labels", "istio.io/rev"), True
    for namespace in namespaces:
        if not _is_home(namespace, workload.owner, namespaces):
            continue
        yield from _request("istio", namespace, ("metadata", "labels", "istio-injection"))
        if namespace.get("metadata", "labels", "istio.io/rev") is not None:
            yield "istio", namespace, ("metadata", "labels", "istio.io/rev"), True
        yield from _request("linkerd", namespace, ("metadata", "annotations", "linkerd.io/inject"))
        for mesh, names in _OTHERS.items():
            for name in names:
                yield from _request(mesh, namespace, ("metadata", "labels", name))


def _request(mesh: str, obj: KubernetesObject, keys: Keys) -> Iterator[tuple[str, KubernetesObject, Keys, bool]]:
    value = obj.get(*keys)
    if value is not None:
        yield mesh, obj, keys, str(value).lower() in _ON


def _is_home(namespace: KubernetesObject, owner: KubernetesObject, every: Sequence[KubernetesObject]) -> bool:
    """Return whether a workload lives in a namespace; one that names none may live in the only one there is."""
    home = owner.get("metadata", "namespace")
    return namespace.name == home if home is not None else len(every) == 1


def _istio_config(found: Findings, pods: KubernetesObject) -> tuple[Mapping[str, Any] | None, str]:
    keys: Keys = (*_ANNOTATIONS, _CONFIG)
    text = pods.get(*keys)
    if not isinstance(text, str):
        return None, ""
    found.look(pods, keys)
    config = _parsed(text)
    if config is None:
        found.problem(
            pods, keys, "must be a mapping of Istio's proxy settings, as YAML or JSON", Hint.ISTIO_CONFIG.of()
        )
        return None, ""
    for key in config:
        if key not in _READ and (near := get_close_matches(str(key), _READ, 1, _ALIKE)):
            found.say_aloud(pods, keys, f"Istio knows no {key}: it is {near[0]}")
    try:
        drain = istio_drain(config)
    except ValueError as error:
        found.problem(pods, keys, str(error), Hint.ISTIO_CONFIG.of())
        return None, ""
    if drain is None:
        return None, ""
    found.read(pods, keys, drain[1])
    return drain


def _parsed(text: str) -> Mapping[str, Any] | None:
    try:
        documents = read_documents(text, _CONFIG)
    except InputError:
        return None
    if not documents:
        return {}
    data = documents[0].data
    return data if isinstance(data, Mapping) else None


def istio_drain(config: Mapping[str, Any]) -> tuple[Mapping[str, Any], str] | None:
    """Return how Istio's proxy ends on SIGTERM by its configuration, and that in words; None if it does not say so.

    Raises:
        ValueError: A duration is none.
    """
    metadata = config.get("proxyMetadata")
    variables = metadata if isinstance(metadata, Mapping) else {}
    if str(variables.get("EXIT_ON_ZERO_ACTIVE_CONNECTIONS")).lower() == "true":
        least_s = parse_duration(variables.get("MINIMUM_DRAIN_DURATION", "5s"))
        text = f"EXIT_ON_ZERO_ACTIVE_CONNECTIONS: it serves on until no request is in flight, at least {least_s:g} s"
        return {"listener": "keep", "exit": {"whenIdleAfter": least_s}}, text
    written = config.get("terminationDrainDuration")
    if written is None:
        return None
    if isinstance(written, int | float) or str(written).isdigit():
        raise ValueError(f"terminationDrainDuration {written} has no unit, and Istio refuses it")
    drain_s = parse_duration(written)
    text = f"terminationDrainDuration: it serves on for {format_duration(drain_s)}"
    return {"listener": "keep", "exit": {"after": drain_s}}, text


def environment_drain(variables: Mapping[str, str]) -> tuple[Mapping[str, Any], str] | None:
    """Return the same from the environment of an injected container: ``PROXY_CONFIG``, or variables of their own.

    Raises:
        ValueError: A duration is none.
    """
    config = dict(_parsed(variables.get("PROXY_CONFIG", "{}")) or {})
    if "TERMINATION_DRAIN_DURATION_SECONDS" in variables:
        config["terminationDrainDuration"] = f"{variables['TERMINATION_DRAIN_DURATION_SECONDS']}s"
    metadata = config.get("proxyMetadata")
    config["proxyMetadata"] = {**(metadata if isinstance(metadata, Mapping) else {}), **variables}
    return istio_drain(config)


def _linkerd_wait(found: Findings, obj: KubernetesObject, annotations: Keys) -> float | None:
    """Read how long Linkerd's proxy waits, from the pods or from their namespace."""
    for name in obj.mapping(*annotations):
        if name != _WAIT and str(name).partition("/")[2] == _WAIT.partition("/")[2]:
            found.say_aloud(obj, (*annotations, name), f"Linkerd knows no such annotation: it is {_WAIT}")
    keys: Keys = (*annotations, _WAIT)
    text = obj.get(*keys)
    if not isinstance(text, str):
        return None
    if not (text.isascii() and text.isdigit()):
        found.problem(obj, keys, f"{text!r} is no number of seconds", Hint.SECONDS.of())
        return None
    found.read(obj, keys, f"linkerd-proxy waits {text} s before it ends")
    return float(text)


def _misplaced(found: Findings, pods: KubernetesObject) -> None:
    """Name annotations and labels that count on the pod template and stand on the workload itself."""
    annotations = (_CONFIG, _WAIT, "linkerd.io/inject", "sidecar.istio.io/inject")
    labels = ("sidecar.istio.io/inject", "istio.io/rev")
    for where, name in [("annotations", name) for name in annotations] + [("labels", name) for name in labels]:
        keys: Keys = ("metadata", where, name)
        if pods.get(*keys) is not None and pods.get(*TEMPLATE, *keys) is None:
            text = f"has no effect here: it belongs to spec.template.metadata.{where}"
            found.say_aloud(pods, keys, text)
