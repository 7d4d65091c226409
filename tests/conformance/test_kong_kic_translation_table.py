"""KIC's translation against the rules read off its source: drain support, shares of a weight, deduplication."""

from typing import Any

import pytest

from simsticky.kic.translator import Backend, Endpoint, translate, translate_backends
from simsticky.kong.upstream import DEFAULT_WEIGHT, WEIGHT_LIMITS, Target

Case = dict[str, Any]


def translated(backends: list[Backend], expected: list[int]) -> tuple[Target, ...]:
    """Return the targets, none where a weight is expected that Kong's schema refuses and that must be refused here."""
    if max(expected) <= WEIGHT_LIMITS[1]:
        return translate_backends(backends, drain_support=True)
    with pytest.raises(ValueError, match=r"weight \d+ is not in"):
        translate_backends(backends, drain_support=True)
    return ()


@pytest.mark.table("kong", "kic_translation", "endpoint_truth_table")
def test_endpoint(case: Case) -> None:
    """An endpoint's conditions and drain support decide whether it is a target, and of which weight (rule I2)."""
    endpoint = Endpoint("10.0.0.1:80", case["ready"], case["terminating"])
    weights = [target.weight for target in translate([endpoint], case["drain_support"])]
    expected = case["target_weight"]
    if isinstance(expected, str):
        expected = DEFAULT_WEIGHT  # "nil -> Kong default 100"
    assert weights == ([expected] if case["target_present"] else [])


@pytest.mark.table("kong", "kic_translation", "weight_distribution")
def test_weight_distribution(case: Case) -> None:
    """A backend's weight is spread over its endpoints that do not drain."""
    pods = [
        Endpoint(f"10.0.0.{number}:80", ready=not terminating, terminating=terminating)
        for number, terminating in enumerate(case["endpoint_terminating"], 1)
    ]
    expected = case["target_weights_in_kong"]
    targets = translated([Backend(pods, case["backend_weight"])], expected)
    weights = {target.address: target.weight for target in targets}
    assert not targets or [weights[pod.address] for pod in pods] == expected


@pytest.mark.table("kong", "kic_translation", "dedupe_sum")
def test_dedupe_sum(case: Case) -> None:
    """An address behind two backends is one target with the sum of both weights."""
    pod = Endpoint("10.0.0.1:80", ready=True)
    targets = translated([Backend([pod], case["first"]), Backend([pod], case["second"])], [case["sum"]])
    assert not targets or [target.weight for target in targets] == [case["sum"]]
