"""HorizontalPodAutoscalers, PodDisruptionBudgets and HTTPRoutes, read from their manifests."""

from collections.abc import Mapping
from typing import Any

from simsticky.scenario.findings import Findings
from simsticky.scenario.location import Keys
from simsticky.scenario.objects import KubernetesObject
from simsticky.scenario.workloads import labels_of, selects

_CPU: Keys = ("spec", "metrics", 0, "resource", "target", "averageUtilization")
_OLD_CPU: Keys = ("spec", "targetCPUUtilizationPercentage")
_BOUNDS = ("minAvailable", "maxUnavailable", "unhealthyPodEvictionPolicy")


def read_scalers(found: Findings, scalers: list[KubernetesObject], workload: KubernetesObject) -> None:
    """Read the autoscaler of the application; list others as ignored."""
    chosen = False
    for scaler in scalers:
        target = scaler.mapping("spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) != (workload.kind, workload.name):
            found.ignore(scaler, (), "scales something else")
        elif chosen:
            found.problem(
                scaler, ("spec", "scaleTargetRef"), "a second autoscaler of the same pods", "keep one of them"
            )
        elif scaler.group == "autoscaling":
            chosen = True
            _read_scaler(found, scaler)


def _read_scaler(found: Findings, scaler: KubernetesObject) -> None:
    found.fill("autoscaler", scaler)
    found.read(scaler, ("spec", "scaleTargetRef"), f"scales {scaler.get('spec', 'scaleTargetRef', 'name')}")
    for field in ("minReplicas", "maxReplicas"):
        found.take_whole_number(scaler, ("spec", field), ("autoscaler", field))
    if scaler.get("spec", "maxReplicas") is None:
        found.problem(scaler, ("spec",), "spec.maxReplicas: Required value")
    metrics = scaler.items("spec", "metrics")
    if scaler.get(*_OLD_CPU) is not None:
        found.take_whole_number(scaler, _OLD_CPU, ("autoscaler", "targetUtilization"))
    elif len(metrics) == 1 and _is_cpu(metrics[0]) and scaler.get(*_CPU) is not None:
        for keys in (("spec", "metrics", 0, "type"), ("spec", "metrics", 0, "resource", "name")):
            found.look(scaler, keys)
        found.look(scaler, (*_CPU[:-1], "type"))
        found.take_whole_number(scaler, _CPU, ("autoscaler", "targetUtilization"))
        text = (
            "busy slots of app.concurrency stand for CPU; what a pod requests is autoscaler.requestShare of all slots"
        )
        found.assume(scaler, _CPU, text)
    elif metrics:
        found.look(scaler, ("spec", "metrics"))
        text = "only one metric is modelled: Resource cpu with a target of averageUtilization"
        found.problem(scaler, ("spec", "metrics"), text, "leave the autoscaler out, or state it in the scenario")
    found.take(scaler, ("spec", "behavior"), ("autoscaler", "behavior"))
    _policies(found, scaler)
    found.list_the_rest(scaler, {("spec",): ("minReplicas", "maxReplicas", "metrics", "behavior", "scaleTargetRef")})


def _is_cpu(metric: Any) -> bool:
    resource = metric.get("resource") if isinstance(metric, Mapping) else None
    return isinstance(resource, Mapping) and metric.get("type") == "Resource" and resource.get("name") == "cpu"


def _policies(found: Findings, scaler: KubernetesObject) -> None:
    """Copy the lists of policies, which :meth:`Findings.take` takes as they are."""
    for direction in ("scaleUp", "scaleDown"):
        keys: Keys = ("spec", "behavior", direction, "policies")
        if isinstance(scaler.get(*keys), list):
            found.put(("autoscaler", "behavior", direction, "policies"), scaler.items(*keys), scaler.place(*keys))


def read_budgets(found: Findings, budgets: list[KubernetesObject], workload: KubernetesObject | None) -> None:
    """Read the disruption budget that selects the application's pods; list others as ignored."""
    chosen = False
    for budget in budgets:
        selector = budget.mapping("spec", "selector", "matchLabels")
        if workload is None or not selects(selector, labels_of(workload)) or not budget.may_share_namespace(workload):
            found.ignore(budget, (), "selects other pods")
        elif chosen:
            text = "a second PodDisruptionBudget selects the same pods: the API server refuses every eviction"
            found.problem(budget, ("spec", "selector"), text, "keep one of them")
        else:
            chosen = True
            found.fill("disruptionBudget", budget)
            found.read(budget, ("spec", "selector"), "binds evictions only, no rollout, scale-down or deletion")
            for field in _BOUNDS:
                found.take(budget, ("spec", field), ("deployment", "disruptionBudget", field))
            found.list_the_rest(budget, {("spec",): ("selector", *_BOUNDS)})


def read_routes(found: Findings, routes: list[KubernetesObject], service: KubernetesObject | None) -> bool:
    """Read the HTTPRoute that leads to the Service, if it leads there alone; say whether there is one."""
    chosen = False
    for route in routes:
        place = _rule_to(route, service) if service is not None else None
        if place is None:
            found.ignore(route, (), "routes elsewhere")
            continue
        references = route.items(*place, "backendRefs")
        if len(references) > 1:
            text = "several backends: describe them with companions and a canary operation in the scenario"
            found.problem(
                route, (*place, "backendRefs"), text, "for example {at: 0s, canary: app, weights: {app: 90, b: 10}}"
            )
        elif chosen:
            found.ignore(route, (), "one route is modelled, the first")
        else:
            chosen = True
            found.read(route, (*place, "backendRefs"), f"to Service {references[0].get('name')}")
            found.take(route, (*place, "matches", 0, "path", "value"), ("ingress", "path"))
            found.look(route, (*place, "matches", 0, "path", "type"))
            found.list_the_rest(route)
    return chosen


def _rule_to(route: KubernetesObject, service: KubernetesObject) -> Keys | None:
    if not route.may_share_namespace(service):
        return None
    for i, rule in enumerate(route.items("spec", "rules")):
        references = rule.get("backendRefs") if isinstance(rule, Mapping) else None
        for reference in references if isinstance(references, list) else ():
            is_service = isinstance(reference, Mapping) and reference.get("kind", "Service") == "Service"
            if is_service and reference.get("name") == service.name:
                return ("spec", "rules", i)
    return None
