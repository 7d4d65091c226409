"""The containers beside the application's, read from the manifest.

What a manifest does not tell is how they end on SIGTERM; that is assumed, aloud.
"""

import re
from collections.abc import Iterator
from typing import Any

from simsticky.scenario.findings import Findings
from simsticky.scenario.location import Keys
from simsticky.scenario.objects import KubernetesObject
from simsticky.scenario.pre_stop import read_hook

_POD: Keys = ("spec", "template", "spec")
_ISTIO = re.compile(r"istio-proxy|proxyv2")
_PROXY = re.compile(r"istio-proxy|proxyv2|linkerd-proxy|envoy|consul-dataplane|kuma-sidecar")
"""Names of the proxies of service meshes: the application's requests go through them."""


def read_sidecars(found: Findings, obj: KubernetesObject, application: Keys) -> None:
    """Read the other containers, and the init containers that go on running, into ``deployment.sidecars``.

    Args:
        found: Where the findings go.
        obj: The workload.
        application: Path of the application's container.
    """
    sidecars: list[dict[str, Any]] = []
    for keys, kind in _containers(obj):
        if keys == application:
            continue
        if found.states("deployment", "sidecars"):
            found.ignore(obj, keys, "the scenario states deployment.sidecars")
        else:
            sidecars.append(_sidecar(found, obj, keys, kind))
    if sidecars:
        found.put(("deployment", "sidecars"), sidecars, obj.place(*_POD))


def _containers(obj: KubernetesObject) -> Iterator[tuple[Keys, str]]:
    """Yield the path of every container that runs beside the application, and its kind; natives start first."""
    for i in range(len(obj.items(*_POD, "initContainers"))):
        keys: Keys = (*_POD, "initContainers", i)
        if obj.get(*keys, "restartPolicy") == "Always":
            yield keys, "native"
    for i in range(len(obj.items(*_POD, "containers"))):
        yield (*_POD, "containers", i), "plain"


def _sidecar(found: Findings, obj: KubernetesObject, keys: Keys, kind: str) -> dict[str, Any]:
    name, image = str(obj.get(*keys, "name") or "sidecar"), str(obj.get(*keys, "image") or "")
    sidecar: dict[str, Any] = {"name": name, "kind": kind}
    if _PROXY.search(f"{name} {image}"):
        sidecar["proxy"] = True
        if _ISTIO.search(f"{name} {image}"):
            # Istio, proxyConfig.terminationDrainDuration: 5 s by default.
            sidecar["onSigterm"] = {"listener": "keep", "exit": {"after": 5}}
            ends = "taken to serve on for 5 s after SIGTERM, Istio's default, and then to exit"
        else:
            sidecar["onSigterm"] = "finishInFlight"
            ends = "taken to refuse connections on SIGTERM and to exit when it is idle"
        note = f"requests are taken to go through it; {ends}"
    else:
        note = "no request is taken to go through it, and it is taken to exit at once on SIGTERM"
    found.read(obj, (*keys, "name") if obj.has_place(*keys, "name") else keys, f"a {kind} sidecar")
    found.assume(obj, keys, f"sidecar {name}: {note}; state deployment.sidecars if that is not so")
    if obj.get(*keys, "lifecycle", "preStop") is not None:
        hook = read_hook(found, obj, (*keys, "lifecycle", "preStop"))
        if hook is not None:
            sidecar["preStop"] = hook[0]
    return sidecar
