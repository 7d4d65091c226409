"""Whether what the timeline names exists, and can do what the operation asks of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from simsticky.scenario.operations import DEPLOYMENT, GATEWAY_NODE, OPERATIONS, BaseOperation, ReadinessFlap
from simsticky.scenario.problems import Problem, did_you_mean

_MOST_NODES = 10_000


def misfits(timeline: Any, deployment: Any, gateway: Any) -> list[Problem]:
    """Return the operations that do not fit the other sections.

    Args:
        timeline: As it was written, so that all problems of a file come at once; possibly of any type.
        deployment: The same.
        gateway: The same.

    Returns:
        Problems with paths from the scenario's root.
    """
    problems: list[Problem] = []
    for i, entry in enumerate(timeline if isinstance(timeline, list | tuple) else ()):
        for operation in OPERATIONS.values() if isinstance(entry, Mapping) else ():
            target = entry.get(operation.verb)
            if isinstance(target, str):
                sections = {DEPLOYMENT: deployment, GATEWAY_NODE: gateway}
                problems += _problems(operation, target, sections, ("timeline", i, operation.verb))
    return problems


def gateway_nodes(number: int) -> list[str]:
    """Return the names of the gateway's nodes, in order."""
    return [f"kong-{i}" for i in range(1, number + 1)]


def _deployments(section: Any) -> list[str]:
    name = section.get("name", "app") if isinstance(section, Mapping) else "app"
    return [name] if isinstance(name, str) else []


def _gateway_nodes(section: Any) -> list[str]:
    number = section.get("nodes", 1) if isinstance(section, Mapping) else 1
    return gateway_nodes(number) if isinstance(number, int) and 1 <= number <= _MOST_NODES else []


_NAMES: Final[Mapping[str, Callable[[Any], list[str]]]] = {DEPLOYMENT: _deployments, GATEWAY_NODE: _gateway_nodes}
"""How the section that a subject lives in tells its names; an empty list where the section itself is wrong."""


def _problems(
    operation: type[BaseOperation], target: str, sections: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[Problem]:
    subject, everything = operation.subject, operation.everything
    names = _NAMES[subject](sections[subject]) if subject in _NAMES else []
    known = [*names, everything] if everything else names
    if names and target not in known:
        hint = did_you_mean(target, known) or _which(subject, names)
        yield Problem(path, f"there is no {subject} {target!r}", hint)
    deployment = sections[DEPLOYMENT]
    if operation is ReadinessFlap and not _has_readiness_probe(deployment):
        text = "the Deployment has no readiness probe that could fail"
        yield Problem(path, text, "state deployment.readinessProbe, for example {periodSeconds: 5}")


def _which(subject: str, names: list[str]) -> str:
    return f"the {subject} is {names[0]}" if len(names) == 1 else f"they are {names[0]} to {names[-1]}"


def _has_readiness_probe(deployment: Any) -> bool:
    if not isinstance(deployment, Mapping):
        return False
    return any(deployment.get(key) is not None for key in ("readinessProbe", "readiness_probe"))
