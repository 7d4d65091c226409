"""Environment variables of containers, as far as the manifests tell their values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simsticky.manifests.findings import Findings
from simsticky.manifests.objects import KubernetesObject
from simsticky.scenario.location import Keys


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable.

    Attributes:
        name: Its name.
        value: Its value; None where the manifests do not tell it, and whatever YAML made of one that is no text.
        keys: Where the value, or the reference to it, stands in the workload.
        known: Whether the manifests tell the value.
    """

    name: str
    value: Any
    keys: Keys
    known: bool = True


def variables(
    obj: KubernetesObject, container: Keys, config_maps: Sequence[KubernetesObject] = ()
) -> Iterator[Variable]:
    """Yield the variables of a container; later ones win. ConfigMaps that are in the manifests are looked up."""
    for i, source in enumerate(obj.items(*container, "envFrom")):
        keys: Keys = (*container, "envFrom", i)
        if not isinstance(source, Mapping):
            continue
        prefix = source.get("prefix") or ""
        for name, value in _data_of(obj, source.get("configMapRef"), config_maps).items():
            yield Variable(f"{prefix}{name}", value, keys)
    for i, variable in enumerate(obj.items(*container, "env")):
        if not isinstance(variable, Mapping) or not isinstance(variable.get("name"), str):
            continue
        keys = (*container, "env", i)
        name, value_from = variable["name"], variable.get("valueFrom")
        if "value" in variable:
            yield Variable(name, variable["value"], (*keys, "value"))
        elif isinstance(value_from, Mapping):
            reference = value_from.get("configMapKeyRef")
            data = _data_of(obj, reference, config_maps)
            value = data.get(str(reference.get("key"))) if isinstance(reference, Mapping) else None
            yield Variable(name, value, (*keys, "valueFrom"), known=value is not None)


def _data_of(obj: KubernetesObject, reference: Any, config_maps: Sequence[KubernetesObject]) -> Mapping[str, Any]:
    """Return the data of the ConfigMap that is meant; nothing if it is not in the manifests."""
    config_map = _config_map(obj, reference, config_maps)
    return {} if config_map is None else config_map.mapping("data")


def _config_map(
    obj: KubernetesObject, reference: Any, config_maps: Sequence[KubernetesObject]
) -> KubernetesObject | None:
    name = reference.get("name") if isinstance(reference, Mapping) else None
    return next((each for each in config_maps if each.name == name and each.may_share_namespace(obj)), None)


def say_untold(
    found: Findings, obj: KubernetesObject, container: Keys, config_maps: Sequence[KubernetesObject], what: str
) -> None:
    """Name whole sets of variables that are not in the manifests: a setting may be among them.

    Args:
        found: Where the findings go.
        obj: The workload.
        container: Path of its container.
        config_maps: The ConfigMaps that are in the manifests.
        what: What is taken to hold where no variable says otherwise, and how to state it.
    """
    for i, source in enumerate(obj.items(*container, "envFrom")):
        reference = source.get("configMapRef") if isinstance(source, Mapping) else None
        if _config_map(obj, reference, config_maps) is None:
            text = f"sets variables that are not in the manifests: {what}"
            found.say_aloud(obj, (*container, "envFrom", i), text)
