"""What somebody states on the command line of ``init``, read in the units that people use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.application import App
from simsticky.scenario.location import Place
from simsticky.scenario.model import Scenario, Traffic
from simsticky.scenario.paths.changes import keys_of, parse_settings, unknown_path
from simsticky.scenario.paths.diagnose import diagnose
from simsticky.scenario.short_names import full_keys
from simsticky.units import parse_percentage

Law = str | Mapping[str, Any]
_TRAFFIC = ("rps", "session", "think", "service")
_LAW_EXAMPLE = "write for example p50=6m,p95=40m or mean=10m,cv=1.5"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was stated; None where nothing was.

    Attributes:
        rps: Requests per second.
        session: How long sessions last: a law by two quantiles, or by mean and cv.
        think: From an answer to the next request.
        service: How long a request takes.
        startup: From the start of a container until it listens.
        keep: Share of clients that keep cookies.
        settings: Whatever else, as for ``--set``: keys and value.
    """

    rps: str | None = None
    session: Mapping[str, Any] | None = None
    think: Mapping[str, Any] | None = None
    service: Mapping[str, Any] | None = None
    startup: Mapping[str, Any] | None = None
    keep: float | None = None
    settings: Mapping[tuple[str, ...], Any] = field(default_factory=dict)


def read_asked(
    *,
    rps: str | float | None = None,
    session: Law | None = None,
    think: Law | None = None,
    service: Law | None = None,
    cookieless: str | None = None,
    pods_start: Law | None = None,
    settings: Iterable[str] | Mapping[str, Any] = (),
) -> Asked:
    """Read the flags of ``init``, or what Python states in their place.

    Args:
        rps: ``120``, ``120/s``, ``7200/min``.
        session: ``p50=6m,p95=40m`` or ``mean=10m,cv=1.5``; or the law as a mapping.
        think: The same, or a mean: ``10s``, of an exponential law.
        service: The same as of ``think``.
        cookieless: Share of clients without cookies: ``2%``.
        pods_start: The same as of ``session``, or a mean: ``20s``, with a spread of 40 %.
        settings: ``key=value``, as for ``--set``; or values by dotted path.

    Raises:
        InputError: With all that are wrong.
    """
    problems: list[Diagnostic] = []
    found: dict[str, Any] = {"rps": None if rps is None else str(rps)}
    laws = {
        "session": ("--session", session, None),
        "think": ("--think", think, {"kind": "exponential"}),
        "service": ("--service", service, {"kind": "exponential"}),
        "startup": ("--pods-start", pods_start, {"cv": 0.4}),
    }
    for name, (flag, text, plain) in laws.items():
        if text is None:
            continue
        try:
            found[name] = _law(text, plain)
        except ValueError as error:
            problems.append(Diagnostic(flag, None, None, "", str(error), _LAW_EXAMPLE))
    flags = {"rps": "--rps", **{name: flag for name, (flag, _, _) in laws.items()}}
    # All of the traffic at once: whether a session is too short hangs on its service.
    problems += _problems(flags, Traffic, {key: found[key] for key in _TRAFFIC if found.get(key) is not None})
    problems += _problems(flags, App, {key: found[key] for key in ("startup",) if key in found})
    if cookieless is not None:
        try:
            share = parse_percentage(cookieless)
            if not 0 <= share <= 1:
                raise ValueError(f"must be between 0% and 100%, got {cookieless}")
            found["keep"] = round(1 - share, 6)
        except ValueError as error:
            problems.append(Diagnostic("--cookieless", None, None, "", str(error)))
    stated: dict[tuple[str, ...], Any] = {}
    try:
        stated = _settings(settings)
    except InputError as error:
        problems += error.diagnostics
    if problems:
        raise InputError(problems)
    return Asked(**found, settings=stated)


def _settings(stated: Iterable[str] | Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
    """Return what ``--set`` states, by path.

    Raises:
        InputError: With all that cannot be set in a draft.
    """
    changes = stated if isinstance(stated, Mapping) else parse_settings(stated)
    problems = [problem for path in changes if (problem := unknown_path(Scenario(), path, "--set"))]
    for path in changes:
        if any(isinstance(key, int) for key in keys_of(path)):
            text = "sets one entry of a list"
            problems.append(Diagnostic("--set", None, None, path, text, "give the list as a whole"))
        elif path in ("schema", "manifests"):
            problems.append(
                Diagnostic("--set", None, None, path, "is written by init itself", "name manifests as PATH")
            )
    if problems:
        raise InputError(problems)
    return {tuple(map(str, full_keys(keys_of(path)))): value for path, value in changes.items()}


def _law(text: Law, plain: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the law that ``p50=6m,p95=40m`` states, or a plain mean where one will do."""
    if isinstance(text, Mapping):
        return dict(text)
    if "=" not in text:
        if plain is None:
            raise ValueError("takes two numbers")
        kind = {key: value for key, value in plain.items() if key == "kind"}
        return {**kind, "mean": text.strip(), **{key: value for key, value in plain.items() if key != "kind"}}
    law: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not name or not value:
            raise ValueError(f"{part.strip()!r} is no name=value")
        if name in law:
            raise ValueError(f"{name} is given twice")
        law[name] = _number(value) if name in ("cv", "sigma") else value
    return law


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text  # whoever reads it next says what is wrong with it


def _problems(flags: Mapping[str, str], model: type[BaseModel], data: Mapping[str, Any]) -> list[Diagnostic]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        told = diagnose(error, model, data, lambda path, of_key: ((), Place("")))
        return [_at_its_flag(flags, problem) for problem in told]
    return []


def _at_its_flag(flags: Mapping[str, str], problem: Diagnostic) -> Diagnostic:
    name, _, rest = problem.path.partition(".")
    return Diagnostic(flags[name], None, None, rest, problem.message, problem.hint)
