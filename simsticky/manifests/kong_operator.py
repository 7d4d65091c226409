"""What Kong Operator's own kinds say of gateway and controller: ControlPlane, DataPlane, GatewayConfiguration.

Sources: Kong/kong-operator, ``api/gateway-operator/v2beta1`` and ``v1beta1``. The embedded controller (v2) has drain
support on by default, reliably since 2.1.0 (#2589); a v1 ControlPlane runs the ingress controller's own image, where it
is off by default. On the hybrid path to Konnect only ready endpoints become targets: drain support does nothing there.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from simsticky.manifests.findings import Findings
from simsticky.manifests.gateway_workloads import gateway_container, read_version, read_workers
from simsticky.manifests.hints import Hint
from simsticky.manifests.ingress_controller import controller_container, read_controller
from simsticky.manifests.objects import KubernetesObject
from simsticky.scenario.location import Keys
from simsticky.units import parse_duration

GROUP: Final = "gateway-operator.konghq.com"
KINDS: Final = ("ControlPlane", "DataPlane", "GatewayConfiguration")

_STATES: Final = {"enabled": True, "disabled": False}


def read_operator(
    found: Findings,
    objects: Sequence[KubernetesObject],
    config_maps: Sequence[KubernetesObject],
    *,
    controllers: bool,
    gateways: bool,
) -> bool:
    """Read the Operator's objects; return whether they say what the controller does.

    Args:
        found: Where the findings go.
        objects: Those of the Operator's kinds.
        config_maps: All ConfigMaps.
        controllers: Whether a Deployment of the ingress controller is there, which then counts.
        gateways: Whether a workload of the gateway is there, which then counts.
    """
    planes = [obj for obj in objects if obj.kind == "ControlPlane"]
    configurations = [obj for obj in objects if obj.kind == "GatewayConfiguration"]
    data_planes = [obj for obj in objects if obj.kind == "DataPlane"]
    hybrid = _hybrid(planes, configurations, data_planes)
    control: list[tuple[KubernetesObject, Keys]] = [(obj, ("spec",)) for obj in planes]
    control += [
        (obj, ("spec", "controlPlaneOptions"))
        for obj in configurations
        if obj.has_place("spec", "controlPlaneOptions") or not planes
    ]
    says = False
    if hybrid is not None:
        _read_hybrid(found, *hybrid, control)
        says = True
    elif controllers:
        for obj, keys in control:
            _beside_a_controller(found, obj, keys)
    elif control:
        says = True
        _read_control(found, *control[0], config_maps)
        for obj, keys in control[1:]:
            _second(found, obj, keys, control[0])
    data: list[tuple[KubernetesObject, Keys]] = [(obj, ("spec", "deployment")) for obj in data_planes]
    data += [(obj, ("spec", "dataPlaneOptions", "deployment")) for obj in configurations if not data_planes]
    for i, (obj, keys) in enumerate(data):
        if gateways or i:
            found.ignore(obj, keys, "another workload of the gateway counts")
        else:
            _read_data_plane(found, obj, keys, config_maps)
    for obj in objects:
        found.look(obj, ("kind",))
        found.list_the_rest(obj)
    return says


def hybrid_path(objects: Sequence[KubernetesObject]) -> tuple[KubernetesObject, Keys] | None:
    """Return what of the Operator's objects says that Konnect is the control plane; None if nothing does."""
    return _hybrid(
        *(
            [obj for obj in objects if obj.kind == kind]
            for kind in ("ControlPlane", "GatewayConfiguration", "DataPlane")
        )
    )


def _hybrid(
    planes: Sequence[KubernetesObject],
    configurations: Sequence[KubernetesObject],
    data_planes: Sequence[KubernetesObject],
) -> tuple[KubernetesObject, Keys] | None:
    """Return what says that Konnect is the control plane; None if the embedded controller is it."""
    for obj in configurations:
        if obj.get("spec", "konnect", "authRef") is not None:
            return obj, ("spec", "konnect")
    for obj in data_planes if not planes and not configurations else ():
        for i, extension in enumerate(obj.items("spec", "extensions")):
            if isinstance(extension, Mapping) and extension.get("kind") == "KonnectExtension":
                return obj, ("spec", "extensions", i)
    return None


def _read_hybrid(
    found: Findings, obj: KubernetesObject, keys: Keys, control: Sequence[tuple[KubernetesObject, Keys]]
) -> None:
    text = (
        "Kong Operator's hybrid gateway with Konnect: only ready endpoints become targets, so that drain support never"
        " works there; it is off. Changes go over Konnect, and what that takes is not modelled"
    )
    found.say_aloud(obj, keys, text)
    found.put(("kic", "enableDrainSupport"), False, obj.place(*keys))
    if found.states("kic", "enableDrainSupport"):
        found.say_aloud(obj, keys, "the scenario's own kic.enableDrainSupport counts, though nothing does that there")
    for other, place in control:
        drain = (*place, "translation", "drainSupport")
        if other.get(*drain) is not None:
            found.ignore(other, drain, "has no effect on the hybrid path to Konnect")


def _read_control(found: Findings, obj: KubernetesObject, keys: Keys, config_maps: Sequence[KubernetesObject]) -> None:
    pod: Keys = (*keys, "deployment", "podTemplateSpec", "spec")
    if not str(obj.get("apiVersion")).startswith(f"{GROUP}/v2"):
        if obj.get(*keys, "translation") is not None:
            text = "unknown field translation"
            found.problem(obj, (*keys, "translation"), text, Hint.NEWER_OPERATOR.of(), of_key=True)
        container = controller_container(obj, config_maps, pod)
        if container is not None:
            read_controller(found, obj, container, config_maps)
        elif not found.states("kic", "enableDrainSupport"):
            text = "a ControlPlane of version 1 runs the ingress controller, where drain support is off by default"
            found.say_aloud(obj, keys, text)
        return
    found.fill("kic", obj, keys)
    _drain(found, obj, (*keys, "translation", "drainSupport"))
    interval = (*keys, "dataplaneSync", "interval")
    written = obj.get(*interval)
    if written is None or found.states("kic", "proxySyncSeconds"):
        return
    try:
        seconds = parse_duration(written)
    except ValueError as error:
        found.problem(obj, interval, str(error), Hint.DURATION.of())
        return
    found.read(obj, interval, str(written))
    found.put(("kic", "proxySyncSeconds"), seconds, obj.place(*interval))


def _drain(found: Findings, obj: KubernetesObject, keys: Keys) -> None:
    written = obj.get(*keys)
    if found.states("kic", "enableDrainSupport"):
        if written is not None:
            found.ignore(obj, keys, "the scenario states kic.enableDrainSupport")
    elif written is None:
        text = (
            "drainSupport is left out: on, its default; Kong Operator before 2.1.0 did not apply that, and had it off."
            " State kic.enableDrainSupport if that is yours"
        )
        found.say_aloud(obj, (), text)
        found.put(("kic", "enableDrainSupport"), True, obj.place())
    elif isinstance(written, str) and written in _STATES:
        found.read(obj, keys, str(written))
        found.put(("kic", "enableDrainSupport"), _STATES[written], obj.place(*keys))
    else:
        text = f'Unsupported value: {written!r}: supported values: "enabled", "disabled"'
        found.problem(obj, keys, text, Hint.STATE_KIC.of(field="enableDrainSupport", value="true"))


def _beside_a_controller(found: Findings, obj: KubernetesObject, keys: Keys) -> None:
    """Leave a control plane to the ingress controller's own Deployment, unless it says otherwise."""
    drain: Keys = (*keys, "translation", "drainSupport")
    other = found.sections.get("kic", {}).get("enableDrainSupport", False)
    if found.states("kic", "enableDrainSupport") or _STATES.get(str(obj.get(*drain)), other) == other:
        found.ignore(obj, keys, "the Deployment of the ingress controller counts")
        return
    text = "a second control plane that says otherwise than the Deployment of the ingress controller"
    found.problem(obj, drain, text, Hint.KEEP_ONE_CONTROLLER.of())


def _second(found: Findings, obj: KubernetesObject, keys: Keys, first: tuple[KubernetesObject, Keys]) -> None:
    drain = ("translation", "drainSupport")
    if found.states("kic", "enableDrainSupport") or obj.get(*keys, *drain) == first[0].get(*first[1], *drain):
        found.ignore(obj, keys, f"{first[0].label} says the same, or the scenario states kic.enableDrainSupport")
        return
    text = f"a second control plane that says otherwise than {first[0].label}"
    found.problem(obj, keys, text, Hint.KEEP_ONE_CONTROLLER.of())


def _read_data_plane(
    found: Findings, obj: KubernetesObject, keys: Keys, config_maps: Sequence[KubernetesObject]
) -> None:
    if not obj.has_place(*keys):
        return
    replicas: Keys = (*keys, "replicas")
    least: Keys = (*keys, "scaling", "horizontal", "minReplicas")
    if found.states("gateway", "nodes"):
        found.look(obj, replicas)
    elif obj.get(*replicas) is not None:
        found.take_whole_number(obj, replicas, ("gateway", "nodes"))
    elif obj.mapping(*keys, "scaling", "horizontal"):
        nodes = obj.get(*least)
        found.put(("gateway", "nodes"), nodes if isinstance(nodes, int) and nodes else 1, obj.place(*least))
        text = "the gateway's own autoscaler is not simulated: minReplicas nodes all along; state gateway.nodes"
        found.say_aloud(obj, (*keys, "scaling"), text)
    else:
        found.assume(obj, keys, "replicas is 1, Kong Operator's default: one node of the gateway")
    pod: Keys = (*keys, "podTemplateSpec", "spec")
    container = gateway_container(obj, config_maps, pod)
    if container is None:
        proxies = [i for i, one in enumerate(obj.items(*pod, "containers")) if _is_proxy(one)]
        container = (*pod, "containers", proxies[0]) if proxies else None
    if container is not None:
        read_version(found, obj, container, ("gateway", "version"))
        read_workers(found, obj, container, config_maps)
    elif not found.states("gateway", "workers"):
        text = "nothing says how many workers a node has: one is simulated; state gateway.workers"
        found.say_aloud(obj, keys, text)


def _is_proxy(container: object) -> bool:
    return isinstance(container, Mapping) and container.get("name") == "proxy"
