"""Which containers take new sessions, serve, or are terminating: what the load-skew measures go by (rule L1)."""

from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.world import World


class PodSets:
    """Tells the recorder which containers are in which pod set."""

    def __init__(self, world: World, api: ApiServer, gateway: Gateway) -> None:
        self._world = world
        self._api = api
        self._gateway = gateway
        gateway.on_tables = self.publish
        api.watch_deletions(lambda deletion: self.publish())

    def publish(self) -> None:
        """Tell the sets as they are now, whether or not they have changed."""
        taking_new, serving, terminating = [], [], []
        for pod in self._api.pods:
            container = pod.container
            if container is None or container.dead:
                continue
            if pod.deleted:
                terminating.append(container.index)
            if container.listening and self._gateway.listed(pod.address):
                serving.append(container.index)
                if self._gateway.takes_new(pod.address):
                    taking_new.append(container.index)
        self._world.recorder.pod_sets(
            self._world.now_s,
            {"taking_new": tuple(taking_new), "serving": tuple(serving), "terminating": tuple(terminating)},
        )
