"""The Kong Ingress Controller: from EndpointSlices to the tables of the Kong nodes (docs/model.md, rules I)."""

from collections.abc import Generator, Sequence
from functools import partial
from math import ceil, floor, log1p
from typing import Any, NamedTuple

from simsticky.kic.translation import Changed, Translation
from simsticky.kic.translator import Backend, Endpoint
from simsticky.kong.upstream import Target
from simsticky.recording.events import Push, TargetChange
from simsticky.sim.clock import Phase, Wait, call_at
from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.control.pod_sets import PodSets
from simsticky.sim.control.under_way import UnderWay
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.gateway.nodes import Node
from simsticky.sim.gateway.tables import Step, Table
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

_SLACK = 1e-9
"""In ticks: what a time on a tick may be off by."""


class Move(NamedTuple):
    """An endpoint of the only backend, which has no weight, before and after it has changed; None for none."""

    before: Endpoint | None
    after: Endpoint | None


class Change(NamedTuple):
    """What a change makes of what the route leads to, and the number of the operation behind it, 0 if none.

    Attributes:
        what: One endpoint that has moved, or all backends as they are from then on.
        cause: The operation.
    """

    what: Move | tuple[Backend, ...]
    cause: int


class IngressController:
    """KIC: on its tick, translates the slice and pushes it to every node if it changed (rules I).

    Attributes:
        under_way: What changes of the pods, or of the route, are on their way to the nodes.
    """

    def __init__(self, world: World, api: ApiServer, gateway: Gateway, pod_sets: PodSets) -> None:
        settings = world.scenario.kic
        self._world = world
        self._api = api
        self._gateway = gateway
        self._pod_sets = pod_sets
        self._settings = settings
        self._period_s = settings.proxy_sync_seconds
        self._offset_s = world.streams.uniform(Purpose.KIC_PHASE, 0) * self._period_s
        self._translation = Translation(settings.enable_drain_support)
        self._seen: list[Change] = []
        self._pushed = Table(())
        self._steps: list[Step] = []
        self._observed = 0
        self.under_way = UnderWay()
        self._busy_since_s = self._busy_until_s = 0.0
        self._tick_pending = False
        self._changes = 0
        self._heard_s = 0.0
        self._pushes = 0
        self._unrelated: set[str] = set()
        self._churned = 0
        if settings.config_churn:
            world.env.process(self._churn())

    def slice_changed(self, changes: Sequence[Change]) -> None:
        """An EndpointSlice or the route was written; its cache hears of it after the watch delay (rule I1).

        Args:
            changes: What one write has changed, change by change, each with the operation behind it.
        """
        self._changes += 1
        now_s = self._world.now_s
        delay_s = self._world.draw(self._settings.watch_delay, Purpose.KIC_WATCH, 0, self._changes)
        self._heard_s = max(self._heard_s, now_s + delay_s)  # a watch delivers in order
        self.under_way.begin()
        call_at(self._world.env, self._heard_s - now_s, Phase.CONTROLLER, partial(self._observe, tuple(changes)))

    def _observe(self, changes: Sequence[Change]) -> None:
        self._seen.extend(changes)
        self._observed += 1
        self._ask_for_tick()

    def _ask_for_tick(self) -> None:
        if not self._tick_pending:
            self._tick_pending = True
            call_at(self._world.env, self._until_tick_s(), Phase.CONTROLLER, self._tick)

    def _until_tick_s(self) -> float:
        """Time to the next tick that KIC heeds (rule T2).

        While a push is under way its ticker keeps one tick, which is heeded when the push is over, and drops the others
        (KIC 3.5 ``dataplane/synchronizer.go:startUpdateServer``).
        """
        now_s = self._world.now_s
        if self._period_s == 0:
            return max(0.0, self._busy_until_s - now_s)
        if now_s < self._busy_until_s:
            kept_s = self._offset_s + (floor(self._ticks(self._busy_since_s) + _SLACK) + 1) * self._period_s
            return max(kept_s, self._busy_until_s) - now_s
        return max(0.0, self._offset_s + ceil(self._ticks(now_s) - _SLACK) * self._period_s - now_s)

    def _ticks(self, at_s: float) -> float:
        return (at_s - self._offset_s) / self._period_s

    def _tick(self) -> None:
        self._tick_pending = False
        before, after = self._pushed.targets, self._take_in()
        unrelated, self._unrelated = self._unrelated, set()
        observed, self._observed = self._observed, 0
        nodes = self._gateway.nodes
        if after == before:
            nodes = [node for node in nodes if node.name in unrelated]
        if not nodes:
            self.under_way.end(observed)
            return
        self._pushes += 1
        push = Push(len(after), _changes(before, after, self._api))
        self._world.tell("kic", "pushing", "", push)
        for node in nodes:
            self._push(node, self._pushed, push)
        self.under_way.end(observed)

    def _take_in(self) -> tuple[Target, ...]:
        """Translate what has been seen since the latest tick; return the targets that come of it.

        Changes that together come to nothing are none.
        """
        steps, table = [], self._pushed
        for what, cause in self._seen:
            changed = self._translated(what)
            table = Table(None, table, changed) if changed else table
            steps.append(Step(table, changed, cause))
        self._seen.clear()
        targets = self._translation.in_order if steps else self._pushed.targets
        if targets != self._pushed.targets:
            table.keep(targets)
            self._steps += steps
            self._pushed = table
        return targets

    def _translated(self, what: Move | tuple[Backend, ...]) -> Changed:
        return self._translation.move(*what) if isinstance(what, Move) else self._translation.replace(what)

    def _push(self, node: Node, table: Table, push: Push) -> None:
        apply = partial(self._apply, node, table, push, len(self._steps))
        call_at(self._world.env, self._on_the_way_s(node), Phase.PUSH, self.under_way.carries(apply))

    def _on_the_way_s(self, node: Node) -> float:
        """Begin a push to a node; return how long it takes (rule I3)."""
        delay_s = self._world.draw(self._settings.push_delay, Purpose.PUSH_DELAY, node.index, self._pushes)
        self._busy_since_s = self._world.now_s
        self._busy_until_s = max(self._busy_until_s, self._busy_since_s + delay_s)
        return delay_s

    def _apply(self, node: Node, table: Table, push: Push, steps: int) -> None:
        """Apply a push, which holds the first ``steps`` of all changes there have been."""
        if not node.up:
            return
        self._gateway.apply(node, table, self._world.now_s, self._steps[node.configured : steps])
        node.configured = steps
        self._world.tell(node.name, "pushed", "", push)
        self._pod_sets.publish()

    # Pushes for other reasons -----------------------------------------------------------------------------------

    def push_unrelated(self, name: str | None = None) -> None:
        """Push at the next tick although the targets are the same: some other object of the configuration changed.

        Without a database every push that Kong accepts rebuilds every balancer (Kong 3.10
        ``runloop/handler.lua:reconfigure_handler``).

        Args:
            name: The node; None for all.
        """
        self._unrelated.update(node.name for node in self._gateway.nodes if name in (None, node.name))
        self._ask_for_tick()

    def configure(self, node: Node) -> None:
        """Give a node that has come back its configuration, at the next tick, unless it goes down again before."""
        restart = node.restarts
        configure = self.under_way.carries(partial(self._configure, node, restart))
        call_at(self._world.env, self._until_tick_s(), Phase.CONTROLLER, configure)

    def _configure(self, node: Node, restart: int) -> None:
        if node.restarts != restart:
            return
        self._pushes += 1
        bring_up = self.under_way.carries(partial(self._bring_up, node, restart))
        call_at(self._world.env, self._on_the_way_s(node), Phase.PUSH, bring_up)

    def _bring_up(self, node: Node, restart: int) -> None:
        if node.restarts != restart:
            return
        node.up = True
        targets = self._pushed.targets
        push = Push(len(targets), _changes((), targets, self._api))
        self._apply(node, self._pushed, push, len(self._steps))

    def _churn(self) -> Generator[Wait, Any, None]:
        """Let unrelated objects change, as a Poisson process (rule I4)."""
        rate = self._settings.config_churn
        while True:
            draw = self._world.streams.uniform(Purpose.CONFIG_CHURN, 0, self._churned)
            self._churned += 1
            yield Wait(self._world.env, -log1p(-draw) / rate, Phase.CONTROLLER)
            self.push_unrelated()

    def adopt(self, backends: tuple[Backend, ...]) -> None:
        """Start with every node in agreement with the slice, as long after the last change."""
        self._translation.replace(backends)
        self._pushed = Table(self._translation.in_order)
        for node in self._gateway.nodes:
            self._gateway.apply(node, self._pushed, self._world.now_s)


def _changes(was: Sequence[Target], now: Sequence[Target], api: ApiServer) -> tuple[TargetChange, ...]:
    """Return how a table differs from another by address: what is added, what is removed, what has a new weight."""
    before, after = ({target.address: target.weight for target in targets} for targets in (was, now))

    def change(address: str) -> TargetChange:
        return TargetChange(api.name_at(address), before.get(address), after.get(address))

    added = [change(address) for address in after if address not in before]
    removed = [change(address) for address in before if address not in after]
    weighed = [change(address) for address, weight in after.items() if before.get(address, weight) != weight]
    return tuple(change for part in (added, removed, weighed) for change in sorted(part, key=lambda one: one.pod))
