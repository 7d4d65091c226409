"""Where the sessions that are alive at 0 have their pods: the pick rule, applied to the past (rule W6).

Under round robin the pods of successive arrivals go in turn, but of the arrivals before 0 only some are alive. Between
two survivors of ages a < b lie a Poisson number of sessions that have ended since, of mean
``rate * integral of P(S <= u) over (a, b)``; the wheel turns for them too. With that the counts per pod have the
variance of GI/M/inf with Erlang gaps, not that of cards dealt out.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from simsticky.kong.algorithms.latency import Latency
from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.affinity import COOKIE, HASH, NONE
from simsticky.sim.gateway.cookies import Stranger
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.streams import Purpose, Streams
from simsticky.workload.columns import AliveBlock, SessionBlock


class PastPicks:
    """Gives each session alive at 0 its container and its cookie.

    Args:
        rate: Sessions per second before 0.
        sample: Ordinary sessions, whose lengths stand for the law.
        new_pick: The rule for new picks; anything but round robin spreads without memory.
        held: Whether connections are long-lived, so that whatever the algorithm each session was picked for once.
    """

    def __init__(
        self,
        gateway: Gateway,
        streams: Streams,
        rate: float,
        sample: SessionBlock,
        *,
        new_pick: str,
        held: bool,
    ) -> None:
        """Estimate the law of a session's length from the sample."""
        self._gateway = gateway
        self._streams = streams
        self._rate = rate / len(gateway.workers)
        sticky = gateway.affinity == COOKIE
        self._held = held
        algorithm = gateway.workers[0].balancer.algorithm
        # Latency has nothing to go by yet: it would send all to one target.
        self._by_balancer = held and gateway.affinity == NONE and not isinstance(algorithm, Latency)
        self._turns = (sticky and new_pick in ("round_robin", "in_order")) or (
            held and isinstance(algorithm, RoundRobin)
        )
        self._least = sticky and new_pick == "least_connections"
        self._hashed = gateway.affinity == HASH
        self._lengths, self._sums = _lengths(sample)
        jarless = 1.0 - float(np.mean(sample.has_jar)) if len(sample) and not held else 0.0
        self._extra = jarless * max(0.0, len(sample.think_s) / max(1, len(sample)) - 1.0)

    def place(
        self, sessions: list[Stranger], alive: AliveBlock, worker_of: Callable[[int], Worker]
    ) -> list[Container | None]:
        """Return the container of each session, in the order given; None where no target takes sessions."""
        placed: list[Container | None] = [None] * len(sessions)
        by_worker: dict[int, list[int]] = {}
        for index in sorted(range(len(sessions)), key=lambda i: -alive.age_s[i]):
            by_worker.setdefault(worker_of(sessions[index].id).index, []).append(index)
        loads: dict[str, int] = {}
        for number, indices in by_worker.items():
            worker = self._gateway.workers[number]
            ages = np.array([alive.age_s[index] for index in indices])
            turns = self._turns_before(number, ages) if self._turns else [0] * (len(indices) + 1)
            open_to_new = sorted(address for address, weight in worker.node.weights.items() if weight > 0)
            for index, turn in zip(indices, turns, strict=False):
                address = self._pick(worker, sessions[index], turn, open_to_new, loads)
                placed[index] = self._gateway.addresses.server_at(address)
            if self._turns:
                self._turn(worker, turns[-1])
        return placed

    def _pick(
        self, worker: Worker, session: Stranger, turn: int, open_to_new: Sequence[str], loads: dict[str, int]
    ) -> str | None:
        if not open_to_new:
            return None
        picked_once = session.jar or self._held
        if self._turns and picked_once:
            self._turn(worker, turn)
            return worker.next_peer()
        if self._by_balancer:
            return worker.next_peer()
        if self._least and picked_once:
            address = min(open_to_new, key=lambda a: (loads.get(a, 0), a))
            loads[address] = loads.get(address, 0) + 1
            return address
        if self._hashed:
            return worker.peer_of(self._gateway.browsers.key(session))
        draw = self._streams.uniform(Purpose.PAST_PICKS, session.id)
        return open_to_new[int(draw * len(open_to_new))]

    def _turn(self, worker: Worker, turns: int) -> None:
        for _ in range(turns % max(1, len(worker.node.weights))):
            worker.next_peer()

    def _turns_before(self, worker: int, ages: npt.NDArray[np.float64]) -> list[int]:
        """Return the turns of the wheel before each survivor, the oldest first, and those after the youngest."""
        edges = np.concatenate([ages, [0.0]])
        gone = self._ended_by(edges[:-1]) - self._ended_by(edges[1:]) + self._extra * (edges[:-1] - edges[1:])
        generator = self._streams.generator(Purpose.PAST_PICKS, 1 << 40, worker)
        between = generator.poisson(np.maximum(0.0, self._rate * gone))
        first = int(self._streams.uniform(Purpose.PAST_PICKS, 1 << 41, worker) * (1 << 20))
        return [first, *between.tolist()]

    def _ended_by(self, ages: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the integral of P(S <= u) from 0 to each age: age - E[min(S, age)]."""
        if not len(self._lengths):
            return ages
        shorter = np.searchsorted(self._lengths, ages, side="right")
        of_min = (self._sums[shorter] + ages * (len(self._lengths) - shorter)) / len(self._lengths)
        return ages - of_min


def _lengths(sample: SessionBlock) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the sorted session lengths of a sample and their running sums (one longer, from 0)."""
    think = np.concatenate([[0.0], np.cumsum(sample.think_s)])
    bounds = np.array(sample.offset)
    lengths = np.sort(think[bounds[1:]] - think[bounds[:-1]])
    return lengths, np.concatenate([[0.0], np.cumsum(lengths)])
