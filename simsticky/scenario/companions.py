"""Further Deployments of the application: the green one, the canary."""

from typing import Annotated

from pydantic import Field

from simsticky.scenario.distributions import Law
from simsticky.scenario.fields import ObjectName, Section, Whole


class Companion(Section):
    """A Deployment with the pod template and strategy of ``deployment``, of a name and size of its own.

    Its pods are behind the route only after an operation has put them there: ``switchService`` or ``canary``.
    """

    name: ObjectName
    """Name; operations name it."""
    replicas: Annotated[Whole, Field(ge=0, le=100_000)] = 0
    """Wanted number of pods, ready at 0."""
    startup: Law | None = None
    """Start-up time of its pods, if it differs from ``app.startup``."""
