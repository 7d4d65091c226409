"""The front balancer: which Kong worker gets a session's requests (docs/model.md, rules G2 and G15)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simsticky.sim.gateway.nodes import Node, Worker
from simsticky.sim.sessions.session import Session
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World


class FrontBalancer:
    """Stands before the nodes.

    Attributes:
        workers: The workers of all nodes.
        one_worker: Whether all requests of a session go through the worker of its first.
    """

    def __init__(self, world: World, nodes: Sequence[Node]) -> None:
        self._streams = world.streams
        self._nodes = nodes
        self.workers = [worker for node in nodes for worker in node.workers]
        # One worker takes all requests of a session, unless each is balanced anew.
        self.one_worker = len(self.workers) == 1 or world.scenario.gateway.front_balancer == "perConnection"

    def worker_of(self, session: int) -> Worker:
        """Return the worker that a session's first request is given, uniform over all (rule G2)."""
        if len(self.workers) == 1:
            return self.workers[0]
        return self.workers[int(self._streams.uniform(Purpose.WORKER, session) * len(self.workers))]

    def workers_of(self, sessions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the number of the worker of each session's first request, as :meth:`worker_of` does."""
        if len(self.workers) == 1:
            return np.zeros(len(sessions), np.int64)
        return (self._streams.uniforms(Purpose.WORKER, sessions) * len(self.workers)).astype(np.int64)

    def nodes_of(self, session: Session) -> list[Node]:
        """Return the nodes that a session's next request may be given."""
        if self.one_worker:
            own = self.worker_of(session.id).node
            if own.up:
                return [own]
        return [node for node in self._nodes if node.up]

    def stand_in(self, session: Session) -> Worker | None:
        """Return the worker of a session whose own worker's node is down (rule G15); None where all nodes are."""
        held = session.stand_in
        if held is None or not held.node.up:
            workers = [worker for worker in self.workers if worker.node.up]
            if not workers:
                return None
            restarts = sum(node.restarts for node in self._nodes)
            draw = self._streams.uniform(Purpose.STAND_IN, session.id, restarts)
            held = session.stand_in = workers[int(draw * len(workers))]
        return held
