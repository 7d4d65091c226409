"""Rules about what the API server refuses, and what the simulation cannot tell from a manifest."""

from __future__ import annotations

from collections.abc import Iterator

from simsticky.annotations.record import Severity
from simsticky.errors import Diagnostic
from simsticky.lint.apps import App
from simsticky.lint.objects import Objects
from simsticky.lint.rules.registry import Found, of_app, of_objects
from simsticky.manifests.hints import is_about_the_simulation
from simsticky.scenario.location import Place


@of_objects(
    "SS026",
    "a field that the API server does not know there",
    Severity.ERROR,
    why="With strict validation, as kubectl asks for it, the object is refused; without it the field is dropped, and"
    " what it should do is not done.",
    source="Kubernetes' published schemas; kubectl --validate=strict",
    fix="write the field where it belongs",
)
def unknown_field(objects: Objects) -> Iterator[Found]:
    """Misspelt, one level too deep, of a wrong type, or given twice."""
    for obj, fault, message, hint in objects.faults:
        place = obj.place(*fault.keys, of_key=fault.kind != "type")
        path = ".".join(str(key) for key in fault.keys)
        yield Found(f"{path}: {message}", place, obj.label, fix=hint)


@of_app(
    "SS027",
    "objects that do not fit together",
    Severity.ERROR,
    why="The API server refuses it, or requests meet no pod.",
    source="Kubernetes, apps/validation.go and core/validation.go; Kong Ingress Controller 3.5, getEndpoints",
    fix="mend what is named",
)
def does_not_fit(app: App) -> Iterator[Found]:
    """Values that are not allowed, a port that nothing has, a selector that misses its own pods."""
    for problem in app.problems:
        if not is_about_the_simulation(problem.hint):
            yield _found(app, problem)


@of_app(
    "SS028",
    "something that a simulation has to be told",
    Severity.NOTE,
    why="The cluster takes the manifest as it is; simsticky run needs a choice, or a value that no manifest holds.",
    source="docs/manifests.md",
    fix="state it in the scenario",
)
def cannot_be_simulated(app: App) -> Iterator[Found]:
    """How long a script of a preStop hook takes, or which of several Services is meant."""
    for problem in app.problems:
        if is_about_the_simulation(problem.hint):
            yield _found(app, problem)


def _found(app: App, problem: Diagnostic) -> Found:
    """Return a problem of the reading as a finding; its path begins with the object: ``Service web: spec.ports``."""
    subject, _, path = problem.path.partition(": ")
    text = f"{path}: {problem.message}" if path else problem.message
    place = Place(problem.file, problem.line, problem.column)
    return Found(text, place, subject or app.subject("deployment"), fix=problem.hint)
