"""Whose pods the scenario is about: the Deployment, StatefulSet or Argo Rollout that owns them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simsticky.errors import Diagnostic
from simsticky.kubernetes.selectors import equality_selector, selects
from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.scenario.location import Keys
from simsticky.scenario.problems import did_you_mean

TEMPLATE: Keys = ("spec", "template")
POD: Keys = ("spec", "template", "spec")


@dataclass(frozen=True, eq=False)
class Workload:
    """An owner of pods.

    Attributes:
        owner: What says how many pods there are and how they are replaced.
        pods: What holds the pod template: the owner, but for a Rollout with ``workloadRef``.
    """

    owner: KubernetesObject
    pods: KubernetesObject

    @property
    def name(self) -> str:
        """Name of the owner."""
        return self.owner.name

    @property
    def kind(self) -> str:
        """Kind of the owner."""
        return self.owner.kind

    @property
    def label(self) -> str:
        """Kind and name, for people."""
        return self.owner.label

    @property
    def labels(self) -> Mapping[str, Any]:
        """Labels of the pods."""
        return labels_of(self.pods)

    def is_selected_by(self, service: KubernetesObject) -> bool:
        """Return whether a Service's selector means these pods."""
        selector = equality_selector(service.get("spec", "selector"))
        return selects(selector, self.labels) and service.may_share_namespace(self.owner)


def labels_of(obj: KubernetesObject) -> Mapping[str, Any]:
    """Return the labels of a workload's pods; of a bare Pod its own."""
    return obj.mapping("metadata", "labels") if obj.kind == "Pod" else obj.mapping(*TEMPLATE, "metadata", "labels")


def labels_text(labels: Mapping[str, Any]) -> str:
    """Return labels as kubectl writes them."""
    return ", ".join(f"{key}={value}" for key, value in labels.items()) or "none"


def pair_rollouts(
    found: Findings, rollouts: Sequence[KubernetesObject], deployments: Sequence[KubernetesObject]
) -> list[Workload]:
    """Return each Argo Rollout with what holds its pod template: itself, or the Deployment of its ``workloadRef``."""
    pairs: list[Workload] = []
    for rollout in rollouts:
        reference = rollout.mapping("spec", "workloadRef")
        if not reference:
            pairs.append(Workload(rollout, rollout))
            continue
        kind, name = reference.get("kind"), reference.get("name")
        named = [
            obj for obj in deployments if (obj.kind, obj.name) == (kind, name) and obj.may_share_namespace(rollout)
        ]
        if named:
            found.read(rollout, ("spec", "workloadRef"), f"the pod template of {named[0].label}")
            pairs.append(Workload(rollout, named[0]))
        else:
            text = f"{kind} {name!r}, which holds the pod template, is not in the manifests"
            found.problem(rollout, ("spec", "workloadRef"), text, Hint.ADD_TEMPLATE_OWNER.of(name=name))
    return pairs


def choose_workload(
    found: Findings, main: Sequence[Workload], ordered: Sequence[Workload], *, complete: bool
) -> Workload | None:
    """Return the workload that the scenario is about: the only one, or the one that it names.

    Args:
        found: Where the findings go, and what the scenario states.
        main: Deployments and Rollouts of applications.
        ordered: StatefulSets: one is the application only where there is none of the others, or by its name.
        complete: Whether all texts could be read, so that what is not there is missing.
    """
    section = found.stated.get("deployment")
    wanted = section.get("name") if isinstance(section, Mapping) else None
    candidates = list(main or ordered)
    if isinstance(wanted, str):
        return _named(found, wanted, [*main, *ordered])
    if len(candidates) > 1:
        _several(found, candidates)
        return None
    if not candidates and not isinstance(section, Mapping) and complete and not found.problems:
        text = f"the manifests hold no Deployment of an application{found.in_namespace}"
        found.problems.append(Diagnostic("", None, None, "manifests", text, Hint.DESCRIBE_DEPLOYMENT.of()))
    return candidates[0] if candidates else None


def _named(found: Findings, wanted: str, candidates: list[Workload]) -> Workload | None:
    chosen = [workload for workload in candidates if workload.name == wanted]
    if not chosen and candidates:
        names = [workload.name for workload in candidates]
        hint = did_you_mean(wanted, names) or Hint.THERE_IS.of(names=", ".join(names))
        text = f"the scenario is about Deployment {wanted!r}, the manifests hold no such Deployment"
        found.problem(candidates[0].owner, ("metadata", "name"), text, hint)
    if len(chosen) > 1:
        _several(found, chosen)
        return None
    return chosen[0] if chosen else None


def _several(found: Findings, candidates: list[Workload]) -> None:
    first, second = candidates[0], candidates[1]
    names = [workload.name for workload in candidates]
    spaces = {workload.owner.namespace for workload in candidates if workload.name == first.name}
    places = ", ".join(f"{each.name} ({each.owner.place().file}:{each.owner.place().line})" for each in candidates)
    kinds = {workload.kind for workload in candidates}
    what = f"{kinds.pop()}s" if len(kinds) == 1 else "workloads"
    if names.count(first.name) == 1:
        hint = Hint.CHOOSE_DEPLOYMENT.of(name=first.name)
    elif len(spaces) > 1 and (space := first.owner.namespace) is not None:
        hint = Hint.CHOOSE_NAMESPACE.of(namespace=space)
    else:
        hint = Hint.KEEP_ONE.of(name=first.name)
    found.problem(second.owner, ("metadata", "name"), f"several {what}, one is wanted: {places}", hint)
