"""An algorithm of one's own stands in for the scenario's."""

import pytest
from small_scenario import small

import simsticky as ss
from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.balancer import Algorithm


class Lowest(Algorithm):
    """Always the first usable target in the order of addresses."""

    def __init__(self, draw):
        self.usable = []

    def rebuild(self, targets, unavailable):
        self.usable = sorted(target.address for target in targets if target.weight > 0)

    def pick(self, handle=None):
        return self.usable[0]


QUIET = {"timeline": [], "run__until": "1m", "run__start": "empty", "deployment__readinessProbe": None}


def test_every_request_goes_where_the_algorithm_says():
    """All requests reach the pod with the lowest address, though the scenario asks for sticky sessions."""
    result = ss.simulate(small(**QUIET), algorithm=Lowest)
    lowest = result.pods.sort_values("address")["pod"].iloc[0]
    assert len(result.requests) > 100
    assert set(result.requests["pod"]) == {lowest}


def test_kong_s_round_robin_is_the_scenario_s():
    """Kong's own round robin handed in gives the requests of a scenario that asks for it: the same draws, the same
    pods.
    """
    own = ss.simulate(small(), algorithm=RoundRobin)
    asked = ss.simulate(small(upstream__algorithm="round-robin"))
    assert own.recording.digest == asked.recording.digest


def test_the_invariants_are_not_those_of_an_own_algorithm():
    """Asked for both, the run says so instead of finding fault with what Kong would not do."""
    with pytest.raises(ValueError, match="one's own"):
        ss.simulate(small(), algorithm=Lowest, verify=True)
