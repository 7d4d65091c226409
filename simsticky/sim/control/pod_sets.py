"""Which containers take new sessions, serve, or are terminating: what the load-skew measures go by (rule L1)."""

from bisect import bisect_left, insort

from simsticky.recording.load_meter import POD_SETS
from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.control.pods import Pod
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.world import World


class PodSets:
    """Tells the recorder which containers are in each pod set; looks only at pods to which something has happened."""

    def __init__(self, world: World, api: ApiServer, gateway: Gateway) -> None:
        self._world = world
        self._reach = gateway.reach
        self._touched: dict[Pod, None] = {}
        self._in: dict[int, list[tuple[str, int]]] = {}
        self._members: dict[str, list[int]] = {pods: [] for pods in POD_SETS}
        self._told: dict[str, tuple[int, ...]] = dict.fromkeys(POD_SETS, ())
        gateway.on_tables = self.publish
        gateway.on_reach = self.touch
        api.watch_pods(self.touch)
        api.watch_deletions(lambda deletion: self.publish())

    def touch(self, pod: Pod) -> None:
        """Look at a pod again when the sets are told next."""
        self._touched[pod] = None

    def publish(self) -> None:
        """Tell the sets as they are now, if they are others than before."""
        changed = set()
        for pod in self._touched:
            before, now = self._in.pop(pod.index, []), self._sets_of(pod)
            if now:
                self._in[pod.index] = now
            if before != now:
                changed |= self._move(before, now)
        self._touched.clear()
        if changed:
            self._told = self._told | {pods: tuple(self._members[pods]) for pods in changed}
            self._world.recorder.pod_sets(self._world.now_s, self._told)

    def _move(self, before: list[tuple[str, int]], now: list[tuple[str, int]]) -> set[str]:
        """Have a pod's containers in other sets than before; return which sets are others now."""
        for pods, container in before:
            del self._members[pods][bisect_left(self._members[pods], container)]
        for pods, container in now:
            insort(self._members[pods], container)
        return {pods for pods, _ in {*before} ^ {*now}}

    def _sets_of(self, pod: Pod) -> list[tuple[str, int]]:
        """Return the sets that a pod's container is in, each with the container's index."""
        container = pod.container
        if container is None or container.dead or pod.gone:
            return []
        serves = container.listening and self._reach.listed(pod.address)
        is_in = {
            "taking_new": serves and self._reach.takes_new(pod.address),
            "serving": serves,
            "terminating": pod.deleted,
        }
        return [(pods, container.index) for pods in POD_SETS if is_in[pods]]
