"""Every verb of the timeline, once: who does it, who is told to have begun it, and when it counts as done (rules O)."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from simsticky.recording.events import Stuck
from simsticky.sim.operations.cluster import Cluster
from simsticky.sim.operations.nodes import NodeOperations
from simsticky.sim.operations.pods import PodOperations
from simsticky.sim.operations.rollouts import Rollouts
from simsticky.sim.operations.routes import RouteOperations

OPERATOR = "operator"
_CLOUD = "cloud"


def _nothing(operation: Any, number: int) -> None:
    """Do nothing: somebody else knows of it."""


class Verb(NamedTuple):
    """What one kind of operation is.

    Attributes:
        do: Does it, given the operation and its number.
        only_writes: Whether it changes what is wanted, and is done when the status says so. The others take pods away
            first.
        who: Who begins it, for people.
    """

    do: Callable[[Any, int], None]
    only_writes: bool = False
    who: str = OPERATOR


class Verbs:
    """Does operations.

    Args:
        on_blocked: Called with an operation's number and the reason when it makes no headway.
    """

    def __init__(self, cluster: Cluster, on_blocked: Callable[[int, Stuck], None]) -> None:
        rollouts, routes = Rollouts(cluster), RouteOperations(cluster)
        nodes, pods = NodeOperations(cluster, on_blocked), PodOperations(cluster)
        self._nodes, self._pods = nodes, pods
        self._of_kind = {
            "rollout": Verb(rollouts.roll_out, only_writes=True),
            "rollback": Verb(rollouts.roll_back, only_writes=True),
            "pause": Verb(rollouts.pause),
            "resume": Verb(rollouts.resume, only_writes=True),
            "scale": Verb(rollouts.scale, only_writes=True),
            "hpa": Verb(_nothing, only_writes=True, who="hpa"),  # the autoscaler has scaled by itself
            "deletePod": Verb(pods.delete),
            "readinessFlap": Verb(pods.flap),
            "crash": Verb(pods.crash),
            "drainNode": Verb(nodes.drain),
            "uncordon": Verb(nodes.uncordon),
            "shutdownNode": Verb(nodes.shut_down),
            "nodeLoss": Verb(nodes.lose, who=_CLOUD),
            "spot": Verb(nodes.reclaim, who=_CLOUD),
            "switchService": Verb(routes.switch),
            "canary": Verb(routes.split),
            "gatewayRestart": Verb(routes.restart_gateway),
            "configPush": Verb(routes.push_config),
            "traffic": Verb(_nothing),  # the workload has known it from the start
        }

    def __iter__(self) -> Iterator[str]:
        """Iterate over the kinds of operations there are."""
        return iter(self._of_kind)

    def __getitem__(self, kind: str) -> Verb:
        """Return what an operation of a kind is."""
        return self._of_kind[kind]

    def in_effect(self, number: int) -> bool:
        """Whether an operation has done what it was to do: pods evicted or gone, crashed ones ready again."""
        return self._nodes.in_effect(number) and self._pods.in_effect(number)

    def time_is_up(self, number: int) -> None:
        """End what an operation does only for a time."""
        self._pods.time_is_up(number)
