"""Consistent-hashing against rings, picks and moves recorded from Kong's own Lua."""

import json
from collections import Counter

import pytest
from conformance_tables import OWN_TABLES
from kong_driver import Case, attempt, targets_of

from simsticky.kong.algorithms.consistent_hashing import (
    LARGEST_RING,
    ConsistentHashing,
    RingCapacityError,
    build_ring,
    ring_index,
    ring_points,
)
from simsticky.kong.balancer import Balancer, Handle
from simsticky.kong.upstream import Target

OWN: Case = json.loads((OWN_TABLES / "kong" / "consistent_hashing.json").read_text(encoding="utf-8"))


def picks_of(balancer: Balancer, keys: list[str]) -> list[str]:
    """Return the pick for each key; an error as the record spells it."""
    outcomes = [attempt(balancer, Handle(key)) for key in keys]
    return [outcome.get("peer") or f"ERR {outcome['error']}" for outcome in outcomes]


def targets_named(table: Case, name: str) -> list[Target]:
    """Return one of the target sets of the table, or of our own table where another refers to it."""
    return targets_of(next(case for case in table.get("cases", []) + OWN["cases"] if case["name"] == name)["targets"])


@pytest.mark.table("kong", "consistent_hashing", "cases")
def test_ring_and_picks(case: Case, table: Case) -> None:
    """Every point of every ring, the hash of each key and its pick are Kong's, whatever the order of the targets.

    See rule G13.
    """
    assert [ring_index(key, LARGEST_RING) - 1 for key in table["keys"]] == table["key_xxh32"]
    listed = targets_of(case["targets"])
    assert ring_points(case["slots"]) == case["points"]
    if case["balancer_healthy"] and not case["continuum"]:
        # Kong has no ring then and fails or hangs on every key; the simulator refuses the configuration.
        with pytest.raises(RingCapacityError):
            Balancer(listed, ConsistentHashing(case["slots"]))
        return
    algorithm = ConsistentHashing(case["slots"])
    balancer = Balancer(listed, algorithm)
    assert algorithm.points == case["points"]
    assert balancer.healthy is case["balancer_healthy"]
    assert [[point, case["sorted_targets"].index(address)] for point, address in algorithm.ring] == case["continuum"]
    assert Counter(address for _, address in algorithm.ring) == Counter(case["entries_per_target"])
    assert picks_of(balancer, table["keys"]) == case["picks"]


@pytest.mark.table("kong", "consistent_hashing", "health_steps")
def test_health_steps(case: Case, table: Case) -> None:
    """An unhealthy target's keys go on to the next point of another; with its health they come back."""
    balancer = Balancer(targets_named(table, case["case"]), ConsistentHashing(case["slots"]))
    of = (case["case"], case["slots"])
    recorded = [step for step in OWN["health_steps"] + table["health_steps"] if (step["case"], step["slots"]) == of]
    steps = {step["step"]: step for step in recorded}
    for number in range(1, case["step"] + 1):
        balancer.set_address_status(steps[number]["target"], steps[number]["available"])
    assert picks_of(balancer, table["keys"]) == case["picks"]


@pytest.mark.table("kong", "consistent_hashing", "retries")
def test_retries(case: Case, table: Case) -> None:
    """A retry meets the same address again, unless that was found unhealthy meanwhile."""
    balancer = Balancer(targets_named(table, case.get("case", "equal-3")), ConsistentHashing())
    handle = Handle(case["key"])
    first = balancer.get_peer(handle)
    retries = [balancer.get_peer(handle) for _ in case["retries"]]
    balancer.set_address_status(first, available=False)
    moved = balancer.get_peer(handle)
    assert (first, retries, moved) == (case["first"], case["retries"], case["retry_after_marked_unhealthy"])
    assert handle.retry_count == len(case["retries"]) + 1


def fits(addresses: list[str], points: int) -> bool:
    """Return whether a ring holds these targets, of equal weights."""
    try:
        build_ring(tuple(Target(address) for address in addresses), points)
    except RingCapacityError:
        return False
    return True


@pytest.mark.table("kong", "consistent_hashing", "capacity")
def test_capacity(case: Case) -> None:
    """A ring holds as many equal targets as Kong's; one more is refused as a configuration error."""
    points = ring_points(case["slots"])
    assert points == case["points"]
    largest, failing = case["largest_n_that_worked"], case["fails_at_n"]

    # The table does not name its addresses, on which the largest number hangs by one where the last target needs
    # about as many names as the ring has points: it must be the number of at least one of these sets.
    def agrees(net: int) -> bool:
        addresses = [f"10.{net}.{n // 250}.{n % 250}:8080" for n in range(1, max(failing) + 1)]
        return fits(addresses[:largest], points) and not any(fits(addresses[:n], points) for n in failing)

    assert any(agrees(net) for net in range(256))


@pytest.mark.table("kong", "consistent_hashing", "moves")
def test_moves(case: Case) -> None:
    """As many keys move between targets as with Kong when targets come, go, drain or are replaced."""
    before, after = (targets_of(case[side]) for side in ("before", "after"))
    form = case["key_format"].split(",")[0]
    keys = [form % i for i in range(1, case["n_keys"] + 1)]
    was, now = (picks_of(Balancer(side, ConsistentHashing(case["slots"])), keys) for side in (before, after))
    takers = {target.address for target in after if target.weight}
    gone = {target.address for target in before if target.weight} - takers
    moved = [a for a, b in zip(was, now, strict=True) if a != b]
    shown = {
        "keys_per_target_after": dict(Counter(now)),
        "moved": len(moved),
        "moved_but_was_not_on_removed_target": sum(a not in gone for a in moved),
        "moved_fraction": len(moved) / len(keys),
        "was_on_removed_target": sum(a in gone for a in was),
    }
    assert {key: shown[key] for key in shown if key in case} == {key: case[key] for key in shown if key in case}
