"""An algorithm of one's own stands in for the scenario's."""

from typing import ClassVar

import pytest
from small_scenario import small

import simsticky as ss
from simsticky.kong.algorithms.consistent_hashing import ConsistentHashing
from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.balancer import Algorithm


class Lowest(Algorithm):
    """Always the first usable target in the order of addresses."""

    def __init__(self, draw):
        self.usable = []

    def rebuild(self, targets, unavailable):
        self.usable = sorted(target.address for target in targets if target.weight > 0)

    def pick(self, handle):
        return self.usable[0]


class CookieFollowing(Algorithm):
    """What one would write in a notebook: follow the cookie if its target is listed, else the next of the wheel."""

    def __init__(self, draw):
        self.wheel = RoundRobin(draw)
        self.listed = {}

    def rebuild(self, targets, unavailable):
        self.listed = {target.address: target.address for target in targets}
        self.wheel.rebuild(targets, unavailable)

    def pick(self, handle):
        if handle.address is None and handle.cookie in self.listed:
            return handle.cookie
        return self.wheel.pick_other_than(handle.failed) or self.wheel.pick(handle)

    def followable(self, balancer_healthy):
        return self.listed if balancer_healthy else {}


class Noting(RoundRobin):
    """A wheel that keeps what it is handed."""

    handed: ClassVar[list] = []

    def pick(self, handle):
        self.handed.append((handle.key, handle.cookie, handle.number))
        return super().pick(handle)


QUIET = {"timeline": [], "run__until": "1m", "run__start": "empty", "deployment__readinessProbe": None}
REQUEST = ["session", "request", "sent_s", "started_s", "ended_s", "pod", "node", "outcome", "broke", "operation"]


def test_every_request_goes_where_the_algorithm_says():
    """All requests reach the pod with the lowest address, though the scenario asks for sticky sessions."""
    result = ss.simulate(small(**QUIET), algorithm=Lowest)
    lowest = result.pods.sort_values("address")["pod"].iloc[0]
    assert len(result.requests) > 100
    assert set(result.requests["pod"]) == {lowest}


@pytest.mark.parametrize("keep", [1.0, 0.8])
@pytest.mark.parametrize("start", ["empty", "equilibrium"])
def test_a_cookie_following_balancer_is_sticky_sessions_request_by_request(keep, start):
    """Written by hand, it sends each request where the model's own sticky-sessions does, breaks included."""
    scenario = small(traffic__cookies__keep=keep, run__start=start)
    own, built_in = ss.simulate(scenario, algorithm=CookieFollowing), ss.simulate(scenario)
    assert built_in.summary["breaks"] > 10
    assert own.requests[REQUEST].equals(built_in.requests[REQUEST])
    assert own.summary == built_in.summary


def test_kong_s_round_robin_is_the_scenario_s():
    """Kong's own round robin handed in gives the requests of a scenario that asks for it: the same draws, the same
    pods.
    """
    scenario = small(upstream__algorithm="round-robin")
    assert ss.simulate(scenario, algorithm=RoundRobin).recording.digest == ss.simulate(scenario).recording.digest


@pytest.mark.parametrize("keep", [1.0, 0.5])
def test_kong_s_ring_is_the_scenario_s(keep):
    """Handed in, Kong's ring gets the same keys as the model's own, those generated for clients without a jar too."""
    hashing = {"upstream": {"algorithm": "consistent-hashing", "hashOn": {"cookie": "id", "cookiePath": "/"}}}
    scenario = small(**hashing, traffic__cookies__keep=keep)
    own = ss.simulate(scenario, algorithm=lambda draw: ConsistentHashing(10_000))
    built_in = ss.simulate(scenario)
    assert own.requests[["session", "sent_s", "pod"]].equals(built_in.requests[["session", "sent_s", "pod"]])


def test_each_request_comes_with_its_key_cookie_and_number():
    """A first request has no cookie; a later one brings that of the answer before; both are numbered from 1."""
    Noting.handed = []
    ss.simulate(small(**QUIET, traffic__cookies__keep=1.0), algorithm=Noting)
    first = [handle for handle in Noting.handed if handle[2] == 1]
    later = [handle for handle in Noting.handed if handle[2] > 1]
    assert first
    assert later
    assert {(key, cookie) for key, cookie, _ in first} == {(None, None)}
    assert all(key is not None and key == cookie for key, cookie, _ in later)


def test_the_invariants_are_not_those_of_an_own_algorithm():
    """Asked for both, the run says so instead of finding fault with what Kong would not do."""
    with pytest.raises(ValueError, match="one's own"):
        ss.simulate(small(), algorithm=Lowest, verify=True)
