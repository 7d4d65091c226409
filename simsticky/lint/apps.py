"""One application as the rules see it: what was read of it, as a scenario, with the place of every value.

Manifests alone make a scenario too: what they leave open has the model's defaults, and no place. A part that is wrong
is left out, so that the rest can still be looked at; what is wrong in it is a finding of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from simsticky.errors import Diagnostic, InputError
from simsticky.lint.objects import Objects
from simsticky.manifests.findings import Findings
from simsticky.manifests.interpretation import Interpretation
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import Workload
from simsticky.manifests.patches import Patch, patches
from simsticky.manifests.policies import POLICY
from simsticky.scenario.location import Place, dotted
from simsticky.scenario.model import Scenario
from simsticky.scenario.report import ManifestObject


@dataclass(frozen=True, eq=False)
class App:
    """One application: an upstream of the gateway with the pods behind it, as far as they are known.

    Attributes:
        scenario: What was read, over the model's defaults.
        objects: All objects of the linting.
        is_stated: Whether a scenario file says what the users and the application do.
        workload: The owner of the pods; None for a scenario's own, and for a policy that nobody names.
        service: The Service in front of them; None likewise.
        problems: What is wrong, or cannot be simulated.
    """

    scenario: Scenario
    objects: Objects
    is_stated: bool = False
    workload: Workload | None = None
    service: KubernetesObject | None = None
    problems: tuple[Diagnostic, ...] = field(default=(), repr=False)

    @property
    def has_pods(self) -> bool:
        """Whether anything is known of the pods: a workload, or a scenario that states them."""
        return self.workload is not None or self.is_stated

    @property
    def keeps_by_cookie(self) -> bool:
        """Whether the upstream's algorithm is sticky-sessions."""
        return self.scenario.upstream.algorithm == "sticky-sessions"

    def states(self, path: str) -> bool:
        """Return whether somebody states the value at a dotted path, or part of it."""
        return any(place == path or place.startswith(f"{path}.") for place in self.scenario.places)

    def object(self, section: str) -> ManifestObject | None:
        """Return the object that a section was read from."""
        return self.scenario.manifest_report.objects.get(section)

    def subject(self, *sections: str) -> str:
        """Return the object that one of the sections was read from, for people; else the scenario's name."""
        for section in sections:
            if (obj := self.object(section)) is not None:
                return f"{obj.kind} {obj.name}"
        return self.scenario.name if self.is_stated else ""

    def place(self, path: str, *sections: str) -> Place:
        """Return where the value at a dotted path stands, or the nearest that is stated of it.

        Args:
            path: The path, as in a scenario.
            sections: Whose objects it is, where nobody states it.
        """
        places = self.scenario.places
        while path:
            found = places.get(path) or next((at for key, at in places.items() if key.startswith(f"{path}.")), None)
            if found is not None:
                return found
            path = path.rpartition(".")[0] if path.count(".") > 1 else ""
        for section in sections:
            if (obj := self.object(section)) is not None:
                return Place(obj.file, obj.line, 1)
        return self._whole()

    def _whole(self) -> Place:
        if self.workload is not None:
            return self.workload.owner.place()
        own = [place for path, place in self.scenario.places.items() if path in ("schema", "timeline", "upstream")]
        return own[0] if own else Place("")

    def change(self, settings: Mapping[str, Any]) -> tuple[Patch, ...]:
        """Return the edits that give settings, by dotted path, other values; none where the values do not go together.

        What no object that was read can hold is an edit of the scenario, where there is one.
        """
        try:
            # A version that is too old is a finding of its own, and no reason against another edit.
            today = self.scenario.evolve({"kic.version": None, "gateway.version": None})
            found = patches(today, today.evolve(settings), list(settings))
        except InputError:
            return ()
        return tuple(patch for patch in found if patch.kind or self.is_stated)


def apps_of(objects: Objects) -> Iterator[App]:
    """Yield an application for each workload that clients may reach, and for each policy that nobody names.

    A workload is left out where Services are there and none selects it, or where routes are there and none leads to it.
    """
    named: set[KubernetesObject] = set()
    for workload in objects.workloads:
        services = objects.in_front_of(workload)
        named |= {policy for service in services if (policy := objects.policy_of(service)) is not None}
        if is_reached(objects, services):
            yield _app_of(objects, workload, services)
    for policy in objects.policies:
        if policy not in named:
            yield _app_of_policy(objects, policy)


def is_reached(objects: Objects, services: Sequence[KubernetesObject]) -> bool:
    """Return whether clients may reach pods behind some Services, as far as the objects tell."""
    if not services:
        return not objects.services
    annotated = any(POLICY in service.mapping("metadata", "annotations") for service in services)
    return annotated or not objects.backends or any(objects.leading_to(service) for service in services)


def app_of_scenario(scenario: Scenario, objects: Objects) -> App:
    """Return the application of a scenario file."""
    read = scenario.manifest_report.objects
    workload = next((one for one in objects.workloads if is_where(one.owner, read.get("deployment"))), None)
    service = next((one for one in objects.services if is_where(one, read.get("service"))), None)
    return App(scenario, objects, is_stated=True, workload=workload, service=service)


def is_where(obj: KubernetesObject, read: ManifestObject | None) -> bool:
    """Return whether an object is the one that a section was read from."""
    place = obj.place()
    return read is not None and (place.file, place.line) == (read.file, read.line)


def _app_of(objects: Objects, workload: Workload, services: Sequence[KubernetesObject]) -> App:
    namespace = workload.owner.namespace
    found = Findings({"deployment": {"name": workload.name}}, namespace)
    relevant = _relevant(objects, workload, services)
    Interpretation(found, relevant, namespace, complete=True).read()
    service = next((one for one in services if is_where(one, found.report().objects.get("service"))), None)
    scenario = _scenario(found)
    return App(scenario, objects, workload=workload, service=service, problems=tuple(found.problems))


def _app_of_policy(objects: Objects, policy: KubernetesObject) -> App:
    found = Findings({}, policy.namespace)
    kongs = [*objects.kongs, *objects.operator_objects, *objects.config_maps]
    Interpretation(found, kongs, None, complete=False).read()
    found.take(policy, ("spec",), ("upstream",))
    found.fill("upstream", policy)
    return App(_scenario(found), objects)


def _relevant(objects: Objects, workload: Workload, services: Sequence[KubernetesObject]) -> list[KubernetesObject]:
    """Return what says anything of an application, in the order of the files: reading all of many would be slow."""
    wanted: set[KubernetesObject] = {workload.owner, workload.pods, *services, *objects.kongs}
    wanted |= {policy for service in services if (policy := objects.policy_of(service)) is not None}
    wanted |= {backend.route for service in services for backend in objects.leading_to(service)}
    wanted |= {obj for service in services for obj in objects.behind(service)}
    scaled = [workload, *(Workload(kong, kong) for kong in objects.kongs)]
    wanted |= {scaler for one in scaled if (scaler := objects.scaler_of(one)) is not None}
    return sorted(wanted | objects.common, key=objects.positions.__getitem__)


def _scenario(found: Findings) -> Scenario:
    """Return what was read over the defaults, without the sections that break a rule."""
    sections: dict[str, Any] = {key: value for key, value in found.sections.items() if value is not None}
    _mend(sections)
    while True:
        try:
            scenario = Scenario.model_validate(sections)
            break
        except ValidationError as error:
            wrong = {str(line["loc"][0]) for line in error.errors(include_url=False) if line["loc"]} & sections.keys()
            if not wrong:
                sections = {}
            sections = {key: value for key, value in sections.items() if key not in wrong}
    places: dict[str, Place] = {}
    for keys, place in found.places.items():
        if keys[0] in sections:
            places.setdefault(dotted(keys), place)
    scenario.set_origin(places, found.report())
    return scenario


def _mend(sections: dict[str, Any]) -> None:
    """Read a policy of sticky-sessions as it is meant where it lacks what the API server wants beside it.

    It is a finding; what else is to be said of the policy is said of the policy that it will be.
    """
    upstream = sections.get("upstream")
    if not isinstance(upstream, Mapping) or not isinstance(upstream.get("stickySessions"), Mapping):
        return
    if isinstance(upstream["stickySessions"].get("cookie"), str) and upstream["stickySessions"]["cookie"]:
        sections["upstream"] = {**upstream, "algorithm": "sticky-sessions", "hashOn": {"input": "none"}}
