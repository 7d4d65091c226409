"""The containers beside the application's, read from the manifest, and the proxy that a mesh will inject.

What a manifest does not tell is how they end on SIGTERM; that is assumed, aloud.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.meshes import ISTIO_DRAIN_S, Mesh, environment_drain, say_without_proxy
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import POD
from simsticky.manifests.pre_stop import read_hook
from simsticky.scenario.location import Keys

_ISTIO = re.compile(r"istio-proxy|proxyv2")
_LINKERD = re.compile(r"linkerd-proxy")
_PROXY = re.compile(r"istio-proxy|proxyv2|linkerd-proxy|envoy|consul-dataplane|kuma-sidecar")
"""Names of the proxies of service meshes: the application's requests go through them."""
_FINISHES = "taken to refuse connections on SIGTERM and to exit when it is idle"


def read_sidecars(found: Findings, obj: KubernetesObject, application: Keys, entrance: Keys | None, mesh: Mesh) -> None:
    """Read the other containers, and the init containers that go on running, into ``deployment.sidecars``.

    Args:
        found: Where the findings go.
        obj: What holds the pod template.
        application: Path of the application's container.
        entrance: Path of the container that traffic enters; if another than the application's, it is a proxy.
        mesh: What annotations and labels say of a service mesh's proxy.
    """
    sidecars: list[dict[str, Any]] = []
    for keys, kind in _containers(obj):
        if keys == application:
            continue
        if found.states("deployment", "sidecars"):
            found.ignore(obj, keys, "the scenario states deployment.sidecars")
        else:
            found.places["deployment", "sidecars", len(sidecars)] = obj.place(*keys)
            sidecars.append(_sidecar(found, obj, keys, kind, mesh, enters=keys == entrance))
    if not found.states("deployment", "sidecars") and not any(one.get("proxy") for one in sidecars):
        sidecars += _injected(found, mesh)
        if mesh.asked is None and not mesh.declined:
            say_without_proxy(found, obj)
    if sidecars:
        found.put(("deployment", "sidecars"), sidecars, obj.place(*POD))


def _containers(obj: KubernetesObject) -> Iterator[tuple[Keys, str]]:
    """Yield the path of every container that runs beside the application, and its kind; natives start first."""
    for i in range(len(obj.items(*POD, "initContainers"))):
        keys: Keys = (*POD, "initContainers", i)
        if obj.get(*keys, "restartPolicy") == "Always":
            yield keys, "native"
    for i in range(len(obj.items(*POD, "containers"))):
        yield (*POD, "containers", i), "plain"


def _sidecar(
    found: Findings, obj: KubernetesObject, keys: Keys, kind: str, mesh: Mesh, *, enters: bool
) -> dict[str, Any]:
    name, image = str(obj.get(*keys, "name") or "sidecar"), str(obj.get(*keys, "image") or "")
    sidecar: dict[str, Any] = {"name": name, "kind": kind}
    whose = f"{name} {image}"
    if _PROXY.search(whose) or enters:
        reaction, ends = _istio_end(found, obj, keys, mesh) if _ISTIO.search(whose) else ("finishInFlight", _FINISHES)
        sidecar |= {"proxy": True, "onSigterm": reaction}
        note = f"requests are taken to go through it; {ends}"
    else:
        note = "no request is taken to go through it, and it is taken to exit at once on SIGTERM"
    if obj.get(*keys, "readinessProbe") is not None:
        found.look(obj, (*keys, "readinessProbe"))
        note += "; it is taken to be ready as soon as the application is"
    found.read(obj, (*keys, "name") if obj.has_place(*keys, "name") else keys, f"a {kind} sidecar")
    found.assume(obj, keys, f"sidecar {name}: {note}; state deployment.sidecars if that is not so")
    if obj.get(*keys, "lifecycle", "preStop") is not None:
        way_out = Hint.STATE_SIDECARS.of(name=name)
        hook = read_hook(found, obj, (*keys, "lifecycle", "preStop"), way_out)
        if hook is not None:
            sidecar["preStop"] = hook[0]
    elif mesh.wait_s and _LINKERD.search(whose):
        sidecar["preStop"] = {"sleep": mesh.wait_s}
    return sidecar


def _istio_end(found: Findings, obj: KubernetesObject, keys: Keys, mesh: Mesh) -> tuple[Any, str]:
    """Return how Istio's proxy ends, in the scenario's words and in people's."""
    variables = {
        str(one["name"]): one["value"]
        for one in obj.items(*keys, "env")
        if isinstance(one, Mapping) and isinstance(one.get("value"), str) and one.get("name") is not None
    }
    if mesh.drain is not None:
        return dict(mesh.drain), mesh.drain_text
    try:
        told = environment_drain(variables)
    except ValueError as error:
        name = str(obj.get(*keys, "name") or "istio-proxy")
        found.problem(obj, (*keys, "env"), str(error), Hint.STATE_SIDECAR_END.of(name=name))
        return "finishInFlight", ""
    if told is not None:
        return dict(told[0]), told[1]
    default = {"listener": "keep", "exit": {"after": int(ISTIO_DRAIN_S)}}
    return default, "taken to serve on for 5 s after SIGTERM, Istio's default, and then to exit"


def _injected(found: Findings, mesh: Mesh) -> list[dict[str, Any]]:
    """Return the proxy that the running pods have and the manifest does not show; said aloud."""
    if mesh.asked is None:
        return []
    kind = "native" if mesh.native else "plain"
    sidecar: dict[str, Any] = {"name": mesh.proxy, "kind": kind, "proxy": True}
    if mesh.injected == "istio":
        sidecar["onSigterm"] = dict(mesh.drain or {"listener": "keep", "exit": {"after": int(ISTIO_DRAIN_S)}})
        ends = mesh.drain_text or "serves on for 5 s after SIGTERM, Istio's default"
    else:
        sidecar["onSigterm"] = "finishInFlight"
        ends = "refuses connections on SIGTERM and exits when it is idle"
    if mesh.injected == "linkerd" and mesh.wait_s:
        sidecar["preStop"] = {"sleep": mesh.wait_s}
        ends = f"waits {mesh.wait_s:g} s first, then {ends}"
    obj, keys = mesh.asked
    text = (
        f"the running pods have a proxy of {mesh.injected.capitalize()} that the manifest does not show. Assumed:"
        f" {mesh.proxy}, a {kind} sidecar through which all requests go; it {_verb(ends)}. State deployment.sidecars if"
        " that is not so"
    )
    found.say_aloud(obj, keys, text)
    return [sidecar]


def _verb(ends: str) -> str:
    """Return how it ends as what follows ``it``."""
    return ends.partition(": it ")[2] or ends
