"""What the rest of the model may ask of a controller of pods, whatever its kind."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from simsticky.recording.events import Stuck
from simsticky.sim.control.pods import Pod, Template


class WorkloadController(ABC):
    """A Deployment or a StatefulSet.

    Attributes:
        name: Its name.
        stuck: Why a rollout does not go on, None while it does.
        on_change: Called whenever its status may have changed.
        templates: The template of each revision.
        revision: The present one.
    """

    name: str
    stuck: Stuck | None
    on_change: list[Callable[[], None]]
    templates: dict[int, Template]
    revision: int

    @property
    @abstractmethod
    def replicas(self) -> int:
        """``spec.replicas``."""

    @property
    @abstractmethod
    def paused(self) -> bool:
        """Whether rollouts are held."""

    @property
    @abstractmethod
    def complete(self) -> bool:
        """Whether the rollout of the present template and size is complete."""

    @abstractmethod
    def owns(self, pod: Pod) -> bool:
        """Whether a pod is one of its own."""

    @abstractmethod
    def adopt(self, running_since_s: Callable[[int], float]) -> list[Pod]:
        """Create the pods that have been there since before the run; the argument gives the n-th one's age."""

    @abstractmethod
    def roll_out(self, template: Template, cause: int) -> None:
        """Begin a rollout to a new template."""

    @abstractmethod
    def roll_back(self, cause: int) -> bool:
        """Begin a rollout to the template before the present one; say whether there is one."""

    @abstractmethod
    def hold(self, held: bool) -> None:
        """Pause or resume rollouts."""

    @abstractmethod
    def scale(self, replicas: int, cause: int) -> None:
        """Ask for another number of pods."""

    @abstractmethod
    def wake(self) -> None:
        """Have it look at its pods again."""

    @abstractmethod
    def pod_gone(self, pod: Pod) -> None:
        """A pod object of its own is gone."""
