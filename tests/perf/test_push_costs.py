"""What a push and a change of a listener cost: exact counts of calls and of entries written, never seconds.

At a change of an upstream's targets Kong rebuilds the balancer of each worker, which costs each node its number of
targets. A pod that begins or ceases to listen costs Kong nothing; here it costs one entry on each node.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from cProfile import Profile
from functools import cache
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from simsticky.scenario.model import Scenario
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.plane.columns import Columns
from simsticky.sim.simulation import Simulation

pytestmark = pytest.mark.perf

NODES, WORKERS = 3, 2
CALLS_A_TARGET = 16
"""Calls of functions, C's included, that a push makes on a node for each target and worker; eleven as it is."""


class Cost(NamedTuple):
    """What one call of a method has cost.

    Attributes:
        targets: Targets listed on the node, for a push.
        calls: Functions called.
        written: Entries of routes written.
        differing: Targets that are listed on the node before the call or after it, but not both.
    """

    targets: int
    calls: int
    written: int
    differing: int


def rollout(pods: int, at_a_time: str | int = "25%") -> Scenario:
    """Return a rollout of so many pods, with hardly any session."""
    return Scenario.model_validate(
        {
            "schema": "simsticky/1",
            "name": "rollout",
            "run": {"until": "drained", "horizon": "24h", "record": "summary", "skewFloor": False},
            "traffic": {
                "sessions": {"kind": "poisson", "rate": "0.2/s"},
                "requests": {"kind": "geometric", "mean": 5},
                "think": {"kind": "exponential", "mean": "5s"},
                "service": {"kind": "exponential", "mean": "50ms"},
            },
            "app": {"concurrency": 8},
            "deployment": {"name": "app", "replicas": pods, "maxSurge": at_a_time, "maxUnavailable": 0},
            "gateway": {"nodes": NODES, "workers": WORKERS},
            "upstream": {
                "algorithm": "sticky-sessions",
                "hashOn": {"input": "none"},
                "stickySessions": {"cookie": "session-id"},
            },
            "timeline": [{"at": "60s", "rollout": "app"}],
        }
    )


def calls_of(action: Callable[[], object]) -> int:
    """Return how many functions an action calls, C's included."""
    profile = Profile()
    profile.runcall(action)
    return sum(entry.callcount for entry in profile.getstats())


@contextmanager
def measured(name: str, found: list[Cost]) -> Iterator[None]:
    """Measure each call of one of the gateway's methods."""
    inner: Any = getattr(Gateway, name)
    written = 0
    set_route: Any = Columns.set_route

    def counting(*arguments: Any) -> None:
        nonlocal written
        written += 1
        set_route(*arguments)

    def call(gateway: Gateway, *arguments: Any) -> None:
        node, before = gateway.nodes[0], written
        if name == "apply":
            node = arguments[0]
        listed = set(node.weights)
        calls = calls_of(lambda: inner(gateway, *arguments))
        found.append(Cost(len(node.weights), calls, written - before, len(listed ^ set(node.weights))))

    with patch.object(Gateway, name, call), patch.object(Columns, "set_route", counting):
        yield


@cache
def costs(name: str, pods: int) -> list[Cost]:
    """Return what each call of one of the gateway's methods costs in a rollout, those before the run left out."""
    simulation = Simulation(rollout(pods), 7, 0)
    found: list[Cost] = []
    with measured(name, found):
        simulation._start_cluster()
        begun = len(found)
        with patch.object(Simulation, "_start_cluster", lambda self: None):
            simulation.run()
    return found[begun:]


@pytest.mark.parametrize("name", ["listener_opened", "listener_closed"])
def test_a_listener_costs_one_entry_on_each_node(name: str) -> None:
    """A pod that begins or ceases to listen costs as much beside 300 pods as beside 30: at most an entry a node."""
    few, many = costs(name, 30), costs(name, 300)
    assert (len(few), len(many)) == (30, 300)
    assert {cost.written for cost in few + many} <= {0, NODES}
    assert max(cost.calls for cost in many) <= max(cost.calls for cost in few)


def test_a_push_writes_the_entries_that_differ() -> None:
    """On each node a push writes an entry of routes for each target that it lists anew, or no more, and no other."""
    for pods in (30, 300):
        pushes = costs("apply", pods)
        assert pushes
        assert all(cost.written <= cost.differing for cost in pushes)
        assert sum(cost.written for cost in pushes) >= pods * NODES


def test_a_push_costs_each_worker_its_targets() -> None:
    """From 30 to 300 pods a push of a node grows by a few calls for each target and worker."""
    few, many = (max(costs("apply", pods), key=lambda cost: cost.targets) for pods in (30, 300))
    each = (many.calls - few.calls) / (many.targets - few.targets) / WORKERS
    print(f"{each:.1f} calls for each target and worker")
    assert each <= CALLS_A_TARGET


@pytest.mark.parametrize("at_a_time", ["25%", 10])
def test_a_rollout_costs_at_most_pods_times_pushes(at_a_time: str | int) -> None:
    """The calls of a whole rollout grow by no more than pods times pushes do, from 100 pods to 300.

    Each push costs each worker its targets, so that many pushes of many targets cost their product. All else is at most
    that: a pod's own events are as many as ever, and the passes of controllers that list their pods are as many as the
    waves of pods, as pushes are. A quarter at a time there are as many pushes for 300 pods as for 100, ten at a time
    nearly three times as many. The calls grow 2.8 and 5.5 times; with a look at all pods for each change, six and nine.
    """
    calls, pushed = [], []
    for pods in (100, 300):
        targets = [cost.targets for cost in costs_of_pushes(pods, at_a_time)]
        pushed.append(sum(targets))
        calls.append(calls_of(Simulation(rollout(pods, at_a_time), 7, 0).run))
    growth, law = calls[1] / calls[0], pushed[1] / pushed[0]
    print(f"{at_a_time}: {calls[0]:,} and {calls[1]:,} calls, {growth:.2f} times as many; targets pushed {law:.2f}")
    assert growth <= law


def costs_of_pushes(pods: int, at_a_time: str | int) -> list[Cost]:
    """Return what each push has cost in a rollout."""
    found: list[Cost] = []
    with measured("apply", found):
        Simulation(rollout(pods, at_a_time), 7, 0).run()
    return found
