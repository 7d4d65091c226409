"""Slow start: the weight of a target that is newly listed grows to its own (docs/model.md, rule G17)."""

from collections.abc import Callable, Mapping
from functools import partial

from simsticky.kong.upstream import Target
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.gateway.nodes import Node
from simsticky.sim.world import World

_STEPS = 20
"""A straight line in so many steps, each at the line's mean; HAProxy's are as many."""


class SlowStart:
    """Lets weights grow; off where it takes no time.

    Args:
        lasts_s: Time until a new target has its full weight.
        on_change: Called with a node whose balancers have other weights.
    """

    def __init__(self, world: World, lasts_s: float, on_change: Callable[[Node], None]) -> None:
        self._world = world
        self._lasts_s = lasts_s
        self._on_change = on_change

    def listed(self, node: Node, before: Mapping[str, int], now_s: float) -> None:
        """Note what a push has newly listed on a node; in a table that was empty nothing is new."""
        node.since_s = {address: since_s for address, since_s in node.since_s.items() if address in node.weights}
        if not self._lasts_s or not before:
            return
        new = [address for address, weight in node.weights.items() if weight and address not in before]
        node.since_s.update(dict.fromkeys(new, now_s))
        if new:
            self._wait(node, node.restarts, 1)

    def weighed(self, node: Node, now_s: float) -> tuple[Target, ...]:
        """Return a node's targets with the weights that they have now."""
        if not node.since_s:
            return node.targets
        return tuple(self._grown(target, node.since_s.get(target.address), now_s) for target in node.targets)

    def _grown(self, target: Target, since_s: float | None, now_s: float) -> Target:
        if since_s is None or not target.weight:
            return target
        step = int((now_s - since_s) / self._lasts_s * _STEPS + 1e-9)
        weight = max(1, round(target.weight * (step + 0.5) / _STEPS))
        return target if step >= _STEPS else Target(target.address, weight, target.target_id)

    def _wait(self, node: Node, restarts: int, step: int) -> None:
        call_at(self._world.env, self._lasts_s / _STEPS, Phase.PUSH, partial(self._grow, node, restarts, step))

    def _grow(self, node: Node, restarts: int, step: int) -> None:
        """Take a step with everything on the node that grows."""
        if node.restarts != restarts:
            return
        now_s = self._world.now_s
        node.log_until(now_s)
        weighed = self.weighed(node, now_s)
        for worker in node.workers:
            worker.balancer.reweigh(weighed)
        self._on_change(node)
        if step < _STEPS:
            self._wait(node, restarts, step + 1)
