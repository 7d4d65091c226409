"""Rule T3: identities are luck, so a hashed case varies from replication to replication as rings do over addresses."""

from collections.abc import Mapping
from random import Random
from typing import Any

import numpy as np
import pytest
from scenario_runs import within
from test_kong_moves import address_sets

import simsticky as ss
from simsticky.kong.algorithms.consistent_hashing import build_ring
from simsticky.kong.upstream import Target

_BY: dict[str, Mapping[str, Any]] = {"ip": {"input": "ip"}, "header": {"header": "X-User"}}
_POINTS = 160
_SLOTS = 10_000


def _scenario(by: str, replicas: int, **more: Any) -> ss.Scenario:
    return ss.Scenario.model_validate(
        {
            "name": "ring",
            "run": {"until": "10s", "horizon": "10s", "settle": "0s", "start": "empty", "seed": 7, "skewFloor": False},
            "traffic": {"sessions": {"kind": "poisson", "rate": "100/s"}, "requests": 1, "service": "1ms"},
            "deployment": {"name": "web", "replicas": replicas},
            "upstream": {"algorithm": "consistent-hashing", "slots": _SLOTS, "hashOn": _BY[by]},
            "timeline": [],
            **more,
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize(("by", "pods"), [("ip", 3), ("header", 5)])
def test_shares_of_pods_spread_as_those_of_random_rings(by: str, pods: int) -> None:
    """Over 300 replications a pod's share of N sessions has the ring's variance and that of N draws from it.

    A ring's share is Beta(v, (n-1)v) of v = 160 points a target; on P slots the gaps between the n v points are whole
    numbers, which takes the fraction n v / P from its variance. Bound: four standard errors.
    """
    expected, found = [], []
    for replication in range(300):
        sessions = ss.simulate(_scenario(by, pods), replication=replication).requests["pod"].value_counts().to_numpy()
        number = sessions.sum()
        ring = (pods - 1) / pods**2 / (pods * _POINTS + 1) * (1 - pods * _POINTS / _SLOTS)
        expected.append(ring * (1 - 1 / number) + (pods - 1) / pods**2 / number)
        found.append(float(np.mean((sessions / number - 1 / pods) ** 2)))
    standard_error = float(np.std(found, ddof=1)) / len(found) ** 0.5
    assert within(float(np.mean(found)), float(np.mean(expected)), standard_error)


def _moved(addresses: list[str]) -> float:
    """Return the share of Kong's slots that lead elsewhere once the last of these addresses has come."""
    before, after = (
        dict(build_ring(tuple(Target(address) for address in some), _SLOTS)) for some in (addresses[:-1], addresses)
    )

    def owners(ring: dict[int, str]) -> list[str]:
        owner, found = ring[max(ring)], []
        for slot in range(1, _SLOTS + 1):
            owner = ring.get(slot, owner)
            found.append(owner)
        return found

    return float(np.mean([one != other for one, other in zip(owners(before), owners(after), strict=True)]))


@pytest.mark.slow
@pytest.mark.parametrize("by", _BY)
def test_scaling_moves_what_it_moves_over_random_addresses(by: str) -> None:
    """From four to five pods, the mean of 40 replications is that over 200 other sets of addresses, and so the spread.

    One replication differs from the next by its ring, 1.5 points, and a little by its sessions.
    """
    rings = [_moved(addresses) for addresses in address_sets(5, Random(5))]
    scaled = {
        "run": {"until": "3m", "horizon": "1h", "settle": "10s", "seed": 7, "skewFloor": False, "record": "summary"},
        "traffic": {
            "sessions": {"kind": "poisson", "rate": "6/s"},
            "requests": {"kind": "geometric", "mean": 30},
            "think": {"kind": "exponential", "mean": "20s"},
        },
        "timeline": [{"at": "1m", "scale": "web", "replicas": 5}],
    }
    shares = []
    for replication in range(40):
        (row,) = ss.simulate(_scenario(by, 4, **scaled), replication=replication).operation_rows
        shares.append(row["broken_alive"] / row["alive"])
    spread = float(np.std(shares, ddof=1))
    assert within(float(np.mean(shares)), float(np.mean(rings)), spread / 40**0.5)
    own = 0.2 * 0.8 / 3500
    assert within(spread, (float(np.var(rings)) + own) ** 0.5, spread / 80**0.5)
