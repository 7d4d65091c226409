"""Whether what the timeline names exists, and can do what the operation asks of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from simsticky.scenario.cluster_operations import Canary, SwitchService, TrafficChange
from simsticky.scenario.operation import DEPLOYMENT, GATEWAY_NODE, NODE, SERVICE, BaseOperation
from simsticky.scenario.operations import OPERATIONS, ReadinessFlap, Scale
from simsticky.scenario.problems import Problem, did_you_mean
from simsticky.units import quoted

_MOST_NODES = 10_000

_Sections = Mapping[str, Any]


MOST_OPERATIONS = 65_535
"""As many as the code of a recorded request can name (``recording/record.py``)."""


def misfits(written: Mapping[str, Any]) -> list[Problem]:
    """Return the operations that do not fit the other sections.

    Args:
        written: The scenario as it was written, so that all problems of a file come at once; any part of it may be
            of any type.

    Returns:
        Problems with paths from the scenario's root.
    """
    problems: list[Problem] = []
    timeline = written.get("timeline")
    entries = timeline if isinstance(timeline, list | tuple) else ()
    times = [entry.get("times", 1) for entry in entries if isinstance(entry, Mapping)]
    total = sum(number for number in times if isinstance(number, int))
    if total > MOST_OPERATIONS:
        text = f"{total} operations, repetitions counted; at most {MOST_OPERATIONS} are possible"
        problems.append(Problem(("timeline",), text))
    for i, entry in enumerate(entries):
        for operation in OPERATIONS.values() if isinstance(entry, Mapping) else ():
            target = entry.get(operation.verb)
            if operation is TrafficChange and target is not None and _is_closed(written.get("traffic")):
                text = "the rate of new sessions cannot change: there is none in a closed population or a trace"
                problems.append(Problem(("timeline", i, operation.verb), text, "state open arrivals, such as 4/s"))
            if isinstance(target, str):
                problems += _problems(operation, target, entry, written, ("timeline", i, operation.verb))
                problems += _other_names(operation, entry, written, ("timeline", i))
    return problems


def gateway_nodes(number: int) -> list[str]:
    """Return the names of the gateway's nodes, in order."""
    return [f"kong-{i}" for i in range(1, number + 1)]


def nodes(number: int) -> list[str]:
    """Return the names of the cluster's nodes, in order."""
    return [f"node-{i}" for i in range(1, number + 1)]


def _names_in(section: Any, default: str) -> list[str]:
    name = section.get("name", default) if isinstance(section, Mapping) else default
    return [name] if isinstance(name, str) else []


def _deployments(written: _Sections) -> list[str]:
    first = _names_in(written.get("deployment"), "app")
    companions = written.get("companions")
    others = companions if first and isinstance(companions, list | tuple) else ()
    return first + [name for companion in others for name in _names_in(companion, "")]


def _services(written: _Sections) -> list[str]:
    return _names_in(written.get("service"), "app")


def _numbered(section: Any, default: int, name_them: Callable[[int], list[str]]) -> list[str]:
    number = section.get("nodes", default) if isinstance(section, Mapping) else default
    return name_them(number) if isinstance(number, int) and 1 <= number <= _MOST_NODES else []


_NAMES: Final[Mapping[str, Callable[[_Sections], list[str]]]] = {
    DEPLOYMENT: _deployments,
    SERVICE: _services,
    GATEWAY_NODE: lambda written: _numbered(written.get("gateway"), 1, gateway_nodes),
    NODE: lambda written: _numbered(written.get("kubernetes"), 3, nodes),
}
"""How the scenario tells the names of each kind of subject; an empty list where the section itself is wrong."""


def _problems(
    operation: type[BaseOperation],
    target: str,
    entry: Mapping[str, Any],
    written: _Sections,
    path: tuple[str | int, ...],
) -> Iterator[Problem]:
    subject, everything = operation.subject, operation.everything
    names = _NAMES[subject](written) if subject in _NAMES else []
    known = [*names, everything] if everything else names
    if names and target not in known:
        hint = did_you_mean(target, known) or _which(subject, names)
        yield Problem(path, f"there is no {subject} {quoted(target)}", hint)
    if operation is Scale and _is_stateful(written.get("deployment")) and entry.get("pod") is not None:
        text = "a StatefulSet takes its highest ordinal away, whatever is asked"
        yield Problem((*path[:-1], "pod"), text, "leave pod out, or use deletePod")
    if operation is ReadinessFlap and not _has_readiness_probe(written.get("deployment")):
        text = "the Deployment has no readiness probe that could fail"
        yield Problem(path, text, "state deployment.readinessProbe, for example {periodSeconds: 5}")


def _other_names(
    operation: type[BaseOperation], entry: Mapping[str, Any], written: _Sections, path: tuple[str | int, ...]
) -> Iterator[Problem]:
    """Check the Deployments that an operation names beside its target."""
    named: list[tuple[Any, tuple[str | int, ...]]] = []
    if operation is SwitchService:
        named.append((entry.get("to"), (*path, "to")))
    elif operation is Canary and isinstance(entry.get("weights"), Mapping):
        named += [(name, (*path, "weights")) for name in entry["weights"]]
    known = _deployments(written)
    for name, where in named:
        if isinstance(name, str) and known and name not in known:
            hint = did_you_mean(name, known) or _which(DEPLOYMENT, known)
            yield Problem(where, f"there is no {DEPLOYMENT} {name!r}", hint)


def _is_closed(traffic: Any) -> bool:
    """Whether no rate of arrivals is stated."""
    if not isinstance(traffic, Mapping):
        return False
    sessions = traffic.get("sessions")
    closed = isinstance(sessions, Mapping) and sessions.get("kind") == "closed"
    return closed or traffic.get("trace") is not None


def _which(subject: str, names: list[str]) -> str:
    return f"the {subject} is {names[0]}" if len(names) == 1 else f"they are {names[0]} to {names[-1]}"


def _is_stateful(deployment: Any) -> bool:
    return isinstance(deployment, Mapping) and deployment.get("kind") == "StatefulSet"


def _has_readiness_probe(deployment: Any) -> bool:
    if not isinstance(deployment, Mapping):
        return False
    return any(deployment.get(key) is not None for key in ("readinessProbe", "readiness_probe"))
