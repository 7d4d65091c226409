"""Every way out that the reader of manifests offers, provoked and then followed: a run, or the next problem."""

import ast
import copy
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

import pytest
from manifest_cases import CONTAINER, TEMPLATE, app, ingress, obj, put, read, route

import simsticky.manifests.hints
from simsticky.errors import Diagnostic, InputError
from simsticky.manifests.hints import Hint

Objects = Sequence[dict[str, Any]]

OPERATOR = "gateway-operator.konghq.com/v2beta1"
WEB = {"name": "web", "port": 80}


class Way(NamedTuple):
    """One hint, provoked and followed.

    Attributes:
        hint: The hint.
        objects: What provokes it.
        follow: Does to a copy of the objects what the hint says; returns them.
        lines: Lines of the scenario that the hint says to write.
        stated: Lines of the scenario that provoke it.
    """

    hint: Hint
    objects: Objects
    follow: Callable[[Objects], Any] = list
    lines: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()


def _with(*changes: tuple[Any, ...], extra: Objects = ()) -> Objects:
    """Return the application with changes, each an index, a path and a value, and further objects."""
    objects = app()
    for index, *path in changes:
        put(objects[index], *path)
    return [*objects, *extra]


def _second(index: int = 0, name: str = "web", **metadata: Any) -> dict[str, Any]:
    other = copy.deepcopy(app()[index])
    other["metadata"] |= {"name": name, **metadata}
    return other


def _set(index: int, *path_and_value: Any) -> Callable[[Objects], Any]:
    return lambda objects: put(objects, index, *path_and_value)


def _drop(index: int, *path: Any) -> Callable[[Objects], Any]:
    def drop(objects: Objects) -> Objects:
        node: Any = objects[index]
        for key in path[:-1]:
            node = node[key]
        del node[path[-1]]
        return objects

    return drop


def _without(index: int) -> Callable[[Objects], Any]:
    return lambda objects: objects[:index] + objects[index + 1 :]


def _plus(*more: dict[str, Any]) -> Callable[[Objects], Any]:
    return lambda objects: [*objects, *more]


def _hook(**handler: Any) -> tuple[Any, ...]:
    return (0, *CONTAINER, "lifecycle", {"preStop": handler})


def _kong(
    env: list[dict[str, Any]] | None = None, image: str = "kong/kong-gateway:3.11", name: str = "kong", **more: Any
):
    container = {"name": "proxy", "image": image, "env": env or [], **more}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return obj("Deployment", "apps/v1", {"selector": {"matchLabels": {"app": name}}, "template": template}, name)


def _controller(name: str = "kic", env: Objects = ()) -> dict[str, Any]:
    return _kong(env, "kong/kubernetes-ingress-controller:3.5", name)


def _scaler(name: str = "web", **spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return obj("HorizontalPodAutoscaler", "autoscaling/v2", {"scaleTargetRef": target, "maxReplicas": 9, **spec}, name)


def _rollout(strategy: dict[str, Any], **spec: Any) -> Objects:
    objects = app()
    own = obj("Rollout", "argoproj.io/v1alpha1", {**objects[0]["spec"], "strategy": strategy, **spec})
    return [own, *objects[1:]]


def _plane(name: str, state: str) -> dict[str, Any]:
    return obj("ControlPlane", OPERATOR, {"translation": {"drainSupport": state}}, name)


PROXY = {"name": "istio-proxy", "image": "registry.example.com/proxyv2:1"}
CONTAINERS = CONTAINER[:-1]
MESH = (*TEMPLATE, "metadata", "annotations")
WAIT = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
LOOP = {"exec": {"command": ["sh", "-c", "while true; do sleep 1; done"]}}
REFERENCE = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
SPLIT = route({**WEB, "weight": 90}, {"name": "next", "port": 80, "weight": 10})
MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 1}},
}
FROM_SECRET = {
    "name": "CONTROLLER_ENABLE_DRAIN_SUPPORT",
    "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}},
}
BLUE_GREEN = _rollout({"blueGreen": {"activeService": "web"}})
TWICE = "timeline: [{at: 10m, rollout: web}, {at: 20m, rollout: web}]"
SHOP, STAGE = ([put(one, "metadata", "namespace", space) for one in app()] for space in ("shop", "stage"))


def _tied(upstream: dict[str, Any]) -> Objects:
    """Return the application with a KongIngress instead of its policy."""
    objects = app()[:2]
    objects[1]["metadata"]["annotations"] = {"konghq.com/override": "ki"}
    version = "configuration.konghq.com/v1"
    return [
        *objects,
        {"apiVersion": version, "kind": "KongIngress", "metadata": {"name": "ki"}, "upstream": upstream},
    ]


def _probing(port: Any) -> tuple[Any, ...]:
    return (0, *CONTAINER, "readinessProbe", {"httpGet": {"path": "/", "port": port}})


WAYS = [
    Way(
        Hint.ADD_FIELD,
        _tied({"algorithm": "consistent-hashing", "hash_on": "header"}),
        _set(2, "upstream", "hash_on_header", "x-user"),
    ),
    Way(
        Hint.DRAIN_FLAG,
        [*app(), _kong(image="kong/kubernetes-ingress-controller:3.5", args=["-enable-drain-support"])],
        _set(3, *CONTAINER, "args", ["--enable-drain-support"]),
    ),
    Way(
        Hint.NEWER_OPERATOR,
        [*app(), _plane("cp", "enabled") | {"apiVersion": "gateway-operator.konghq.com/v1beta1"}],
        _set(3, "apiVersion", OPERATOR),
    ),
    Way(
        Hint.STEPS_APART,
        _rollout({"canary": {"steps": [{"setWeight": 20, "pause": {"duration": 5}}]}}),
        _set(0, "spec", "strategy", "canary", "steps", [{"setWeight": 20}, {"pause": {"duration": 5}}]),
    ),
    Way(
        Hint.ACTIVE_SERVICE,
        _rollout({"blueGreen": {}}),
        _set(0, "spec", "strategy", "blueGreen", "activeService", "web"),
    ),
    Way(Hint.PORTS_OF_CONTAINER, _with(_probing("web")), _set(*_probing("http"))),
    Way(Hint.CHOOSE_DEPLOYMENT, _with(extra=[_second(name="batch")]), lines=("deployment: {name: web}",)),
    Way(Hint.CHOOSE_NAMESPACE, [*SHOP, *STAGE], lines=("namespace: shop",)),
    Way(Hint.KEEP_ONE, _with(extra=[_second()]), _without(3)),
    Way(Hint.KEEP_ONE_OF_THEM, _with(extra=[_scaler(), _scaler("other")]), _without(3)),
    Way(Hint.KEEP_ONE_OF_THE_TWO, _with(extra=[_second(2, "st")]), _without(3)),
    Way(Hint.THERE_IS, app(), lines=("deployment: {name: web}",), stated=("deployment: {name: zzz}",)),
    Way(Hint.DESCRIBE_DEPLOYMENT, app()[1:], lines=("deployment: {name: web, replicas: 3}",)),
    Way(Hint.DESCRIBE_DEPLOYMENT, app()[1:], _plus(app()[0])),
    Way(
        Hint.DESCRIBE_WORKLOAD,
        [_drop(0, "spec", "replicas")(_with((0, "kind", "DaemonSet")))[0], *app()[1:]],
        lines=("deployment: {name: web, replicas: 3}",),
    ),
    Way(Hint.STATE_REPLICAS, _with((0, "spec", "replicas", 0)), lines=("deployment: {replicas: 3}",)),
    Way(
        Hint.STATE_REPLICAS,
        _with((0, "spec", "replicas", 0)),
        lines=("timeline: [{at: 1m, scale: web, replicas: 3}]",),
    ),
    Way(
        Hint.ADD_TEMPLATE_OWNER,
        [obj("Rollout", "argoproj.io/v1alpha1", {"workloadRef": REFERENCE, "strategy": {"canary": {}}}), *app()[1:]],
        _plus(app()[0]),
    ),
    Way(Hint.CHOOSE_SERVICE, _with(extra=[_second(1, "second")]), lines=("service: {name: web}",)),
    Way(
        Hint.PODS_CARRY,
        _with((1, "spec", "selector", "app", "other")),
        _set(1, "spec", "selector", "app", "web"),
    ),
    Way(
        Hint.POINT_TO_SERVICE,
        [app()[0], obj("Service", "v1", {"type": "ExternalName", "externalName": "x.example.com"})],
        lambda objects: [objects[0], *app()[1:]],
    ),
    Way(
        Hint.PORTS_ARE,
        _with(extra=[ingress({"name": "web", "port": {"number": 81}})]),
        lambda objects: [*objects[:3], ingress({"name": "web", "port": {"number": 80}})],
    ),
    Way(
        Hint.PORTS_OF_PODS,
        _with((1, "spec", "ports", 0, "targetPort", "web-http")),
        _set(1, "spec", "ports", 0, "targetPort", "http"),
    ),
    Way(
        Hint.NUMBER_WITHOUT_QUOTES,
        _with((1, "spec", "ports", 0, "targetPort", "8080")),
        _set(1, "spec", "ports", 0, "targetPort", 8080),
    ),
    Way(Hint.NAME_THE_PORT, _with((0, *CONTAINER, "ports", [])), _set(1, "spec", "ports", 0, "targetPort", 8080)),
    Way(
        Hint.REMOVE_ANNOTATION,
        _with((1, "metadata", "annotations", "ingress.kubernetes.io/service-upstream", "true")),
        _drop(1, "metadata", "annotations", "ingress.kubernetes.io/service-upstream"),
    ),
    Way(
        Hint.LEAVE_OUT,
        _with(
            extra=[obj("IngressClassParameters", "configuration.konghq.com/v1alpha1", {"serviceUpstream": True}, "p")]
        ),
        _drop(3, "spec", "serviceUpstream"),
    ),
    Way(
        Hint.LEAVE_ROLLING_UPDATE_OUT,
        _with((0, "spec", "strategy", {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}})),
        _drop(0, "spec", "strategy", "rollingUpdate"),
    ),
    Way(Hint.ADD_MANIFEST, app()[:2], _plus(app()[2])),
    Way(
        Hint.MOVE_POLICY,
        [*SHOP[:2], STAGE[2]],
        _set(2, "metadata", "namespace", "shop"),
    ),
    Way(
        Hint.SPLIT_BY_CANARY,
        _with(extra=[SPLIT]),
        lines=(
            "companions: [{name: next, replicas: 1}]",
            "timeline: [{at: 0s, canary: web, weights: {web: 90, next: 10}}]",
        ),
    ),
    Way(
        Hint.ROUTE_TO_ANOTHER,
        _with(
            (0, "spec", "template", "metadata", "labels", "app", "web"),
            extra=[route({**WEB, "weight": 0}, {"name": "next", "port": 80})],
        ),
        lambda objects: [*objects, put(_second(1, "next"), "spec", "selector", {"app": "next"}), _next()],
        lines=("deployment: {name: next}",),
    ),
    Way(
        Hint.GIVE_WEIGHT,
        _with(extra=[route({**WEB, "weight": 0})]),
        _set(3, "spec", "rules", 0, "backendRefs", 0, "weight", 1),
    ),
    Way(
        Hint.STATE_SIDECAR_END,
        _with(
            (
                0,
                *CONTAINERS,
                [
                    *app()[0]["spec"]["template"]["spec"]["containers"],
                    {**PROXY, "env": [{"name": "TERMINATION_DRAIN_DURATION_SECONDS", "value": "soon"}]},
                ],
            )
        ),
        lines=(
            "deployment: {sidecars: [{name: istio-proxy, proxy: true,"
            " onSigterm: {listener: keep, exit: {after: 30s}}}]}",
        ),
    ),
    Way(
        Hint.STATE_SIDECARS,
        _with(
            (
                0,
                *CONTAINERS,
                [
                    *app()[0]["spec"]["template"]["spec"]["containers"],
                    {"name": "logs", "image": "logs:1", "lifecycle": {"preStop": LOOP}},
                ],
            )
        ),
        lines=("deployment: {sidecars: [{name: logs, preStop: 30s}]}",),
    ),
    Way(
        Hint.COMPANIONS,
        BLUE_GREEN,
        lines=(
            "companions: [{name: web-2, replicas: 3}]",
            "timeline: [{at: 10m, switchService: web, to: web-2}, {at: 11m, scale: web, replicas: 0}]",
        ),
        stated=(TWICE,),
    ),
    Way(
        Hint.DURATION,
        _with(extra=[obj("ControlPlane", OPERATOR, {"dataplaneSync": {"interval": "soon"}}, "cp")]),
        _set(3, "spec", "dataplaneSync", "interval", "30s"),
    ),
    Way(
        Hint.WORKERS,
        _with(extra=[_kong([{"name": "KONG_NGINX_WORKER_PROCESSES", "value": "many"}])]),
        _set(3, *CONTAINER, "env", 0, "value", "2"),
    ),
    Way(Hint.ROLLOUT_STRATEGY, _rollout({}), _set(0, "spec", "strategy", {"canary": {}})),
    Way(Hint.SECONDS, _with((0, *MESH, {WAIT: "soon"})), _set(0, *MESH, {WAIT: "30"})),
    Way(
        Hint.ISTIO_CONFIG,
        _with((0, *MESH, {"proxy.istio.io/config": "- 1"})),
        _set(0, *MESH, {"proxy.istio.io/config": "terminationDrainDuration: 30s"}),
    ),
    *(
        Way(Hint.STATE_HOOK, _with(_hook(**hook)), lines=(f"deployment: {{preStop: {stated}}}",))
        for hook in (LOOP, {"httpGet": {"path": "/", "port": 80}})
        for stated in ("30s", "{waitUntil: noSessions, atMost: 10m}")
    ),
    Way(Hint.HANDLERS, _with(_hook()), _set(0, *CONTAINER, "lifecycle", {"preStop": {"sleep": {"seconds": 5}}})),
    Way(
        Hint.QUOTED_WORDS,
        _with(_hook(exec={"command": []})),
        _set(0, *CONTAINER, "lifecycle", "preStop", "exec", "command", ["sleep", "30"]),
    ),
    Way(
        Hint.QUOTED_TRUE,
        _with(extra=[_controller(env=[{"name": "CONTROLLER_ENABLE_DRAIN_SUPPORT", "value": None}])]),
        _set(3, *CONTAINER, "env", 0, "value", "true"),
    ),
    Way(
        Hint.GRACE_OR_SLEEP,
        _with(_hook(sleep={"seconds": 90})),
        _set(0, *TEMPLATE, "spec", "terminationGracePeriodSeconds", 120),
    ),
    Way(
        Hint.STATE_KIC,
        _with(extra=[_controller(env=[FROM_SECRET])]),
        lines=("kic: {enableDrainSupport: true}",),
    ),
    Way(Hint.KEEP_CONTROLLER, _with(extra=[_controller(), _controller("kic-2")]), _without(4)),
    Way(
        Hint.KEEP_ONE_CONTROLLER,
        _with(extra=[_plane("a", "enabled"), _plane("b", "disabled")]),
        lines=("kic: {enableDrainSupport: true}",),
    ),
    Way(
        Hint.STATE_AUTOSCALER,
        _with(extra=[_scaler(metrics=[MEMORY, MEMORY])]),
        lines=("autoscaler: {maxReplicas: 9, targetUtilization: 70}",),
    ),
    Way(
        Hint.STATE_SPEC,
        _drop(3, "spec", "maxReplicas")(_with(extra=[_scaler()])),
        _set(3, "spec", "maxReplicas", 10),
    ),
    Way(
        Hint.SELECTOR_WANTS,
        _with((0, "spec", "selector", {"matchLabels": {"app": "other"}})),
        _set(0, "spec", "selector", {"matchLabels": {"app": "web"}}),
    ),
    Way(
        Hint.ONE_WORKLOAD,
        _with(extra=[put(_second(name="db"), "kind", "StatefulSet")]),
        _without(3),
    ),
]


def _next() -> dict[str, Any]:
    other = _second(name="next")
    for path in (("spec", "selector", "matchLabels"), ("spec", "template", "metadata", "labels")):
        put(other, *path, "app", "next")
    return other


def _problems(folder: Path, objects: Objects, *stated: str) -> tuple[Diagnostic, ...]:
    try:
        read(folder, objects, *stated)
    except InputError as error:
        return tuple(error.diagnostics)
    return ()


def _pattern(hint: Hint) -> re.Pattern[str]:
    """Return what a hint looks like with its words filled in."""
    parts = Formatter().parse(str(hint.value))
    return re.compile("".join(re.escape(text) + (".+" if word is not None else "") for text, word, _, _ in parts))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.hint.name.lower())
def test_a_way_out_leads_out(tmp_path, way):
    """The hint stands behind the problem that it is for; done as it says, that problem is gone."""
    found = _problems(tmp_path, way.objects, *way.stated)
    problem = next(one for one in found if _pattern(way.hint).fullmatch(one.hint))
    for line in way.lines:
        section = line.partition(" ")[0]
        if f"{section} {{" in problem.hint or f"{section} [" in problem.hint:
            assert line in problem.hint.replace("NAME", "next")
    followed = copy.deepcopy(way.objects)
    followed = way.follow(followed) or followed
    left = _problems(tmp_path, followed, *(way.lines or way.stated))
    assert (problem.message, problem.hint) not in {(one.message, one.hint) for one in left}


def test_every_way_out_is_followed():
    """A hint that no test follows may lead nowhere."""
    assert {way.hint for way in WAYS} == set(Hint)


def test_every_hint_of_the_interpreters_stands_in_one_place():
    """A text written at its problem would be followed by no test; ``did you mean`` names what there is."""
    folder = Path(simsticky.manifests.hints.__file__).parent
    interpreters = [path for path in folder.glob("*.py") if "Hint" in path.read_text() and path.name != "hints.py"]
    assert len(interpreters) > 10
    loose = []
    for path in interpreters:
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "problem":
                hints = [*call.args[3:4], *(keyword.value for keyword in call.keywords if keyword.arg == "hint")]
                loose += [
                    f"{path.name}:{call.lineno}" for hint in hints if isinstance(hint, ast.Constant | ast.JoinedStr)
                ]
    assert not loose
