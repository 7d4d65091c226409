"""Selectors of labels: which pods a Deployment, a StatefulSet, a Service, a budget or an autoscaler means.

Sources: Kubernetes, apimachinery ``meta/v1/helpers.go:LabelSelectorAsSelector`` and ``labels/selector.go:Matches``;
the API server's texts: ``meta/v1/validation/validation.go:ValidateLabelSelectorRequirement``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

Labels = Mapping[str, Any]

_WITH_VALUES: Final = ("In", "NotIn")
_WITHOUT_VALUES: Final = ("Exists", "DoesNotExist")
OPERATORS: Final = (*_WITH_VALUES, *_WITHOUT_VALUES)
"""Operators of ``matchExpressions``."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on labels.

    Attributes:
        key: The label's key.
        operator: One of :data:`OPERATORS`.
        values: Values of ``In`` and ``NotIn``.
    """

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def meets(self, labels: Labels) -> bool:
        """Return whether labels meet the condition; ``NotIn`` is met where the key is absent, too."""
        if self.operator == "Exists":
            return self.key in labels
        if self.operator == "DoesNotExist":
            return self.key not in labels
        inside = self.key in labels and labels[self.key] in self.values
        return inside if self.operator == "In" else not inside

    def __str__(self) -> str:
        """Return the condition as kubectl writes it."""
        if self.operator == "Exists":
            return self.key
        if self.operator == "DoesNotExist":
            return f"!{self.key}"
        if self.operator == "In" and len(self.values) == 1:
            return f"{self.key}={self.values[0]}"
        return f"{self.key} {self.operator.lower()} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Conditions that must all be met; none at all selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def selects(self, labels: Labels) -> bool:
        """Return whether labels meet every condition."""
        return all(requirement.meets(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        """Return the conditions as kubectl writes them."""
        return ", ".join(str(requirement) for requirement in self.requirements) or "everything"


def label_selector(written: Any) -> LabelSelector | None:
    """Return a ``LabelSelector`` of the API: an empty one selects everything, ``null`` (None) nothing.

    Args:
        written: ``matchLabels`` and ``matchExpressions``; what breaks the API's rules (:func:`violations`) counts as
            not written.
    """
    if not isinstance(written, Mapping):
        return None
    labels, expressions = written.get("matchLabels"), written.get("matchExpressions")
    equal = _equal(labels) if isinstance(labels, Mapping) else ()
    found = (_requirement(one) for one in (expressions if isinstance(expressions, list) else ()))
    return LabelSelector((*equal, *(one for one in found if one is not None)))


def equality_selector(written: Any) -> LabelSelector | None:
    """Return a Service's selector, plain labels; without any a Service selects nothing (None)."""
    return LabelSelector(_equal(written)) if isinstance(written, Mapping) and written else None


def selects(selector: LabelSelector | None, labels: Labels) -> bool:
    """Return whether a selector, or none at all, selects labels."""
    return selector is not None and selector.selects(labels)


def violations(written: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what the API server refuses about ``matchExpressions``: path and text."""
    expressions = written.get("matchExpressions")
    if expressions is not None and not isinstance(expressions, list):
        yield ("matchExpressions",), "must be a list"
        return
    for i, one in enumerate(expressions or ()):
        path = ("matchExpressions", i)
        if not isinstance(one, Mapping):
            yield path, "must be a mapping"
            continue
        if not isinstance(one.get("key"), str) or not one["key"]:
            yield (*path, "key"), "Required value: the label's key"
        operator, values = one.get("operator"), one.get("values")
        if operator not in OPERATORS:
            yield (*path, "operator"), f"Invalid value: {operator}: not a valid selector operator"
        elif values is not None and not _are_texts(values):
            yield (*path, "values"), "must be a list of texts"
        elif operator in _WITH_VALUES and not values:
            yield (*path, "values"), "Required value: must be specified when `operator` is 'In' or 'NotIn'"
        elif operator in _WITHOUT_VALUES and values:
            yield (*path, "values"), "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"


def _equal(labels: Labels) -> tuple[Requirement, ...]:
    return tuple(Requirement(str(key), "In", (value,)) for key, value in labels.items())


def _requirement(one: Any) -> Requirement | None:
    if not isinstance(one, Mapping) or one.get("operator") not in OPERATORS:
        return None
    values = one.get("values")
    return Requirement(str(one.get("key")), one["operator"], tuple(values) if _are_texts(values) else ())


def _are_texts(values: Any) -> TypeGuard[list[str]]:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
