"""KIC's translation against the rules read off its source: drain support, shares of a weight, deduplication."""

from typing import Any

import pytest

from simsticky.kic.translator import Backend, Endpoint, translate, translate_backends
from simsticky.kong.upstream import DEFAULT_WEIGHT

Case = dict[str, Any]


@pytest.mark.table("kong", "kic_translation", "endpoint_truth_table")
def test_endpoint(case: Case) -> None:
    """An endpoint's conditions and drain support decide whether it is a target, and of which weight."""
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
    weights = {t.address: t.weight for t in translate(pods, True, case["backend_weight"])}
    assert [weights[pod.address] for pod in pods] == case["target_weights_in_kong"]


@pytest.mark.table("kong", "kic_translation", "dedupe_sum")
def test_dedupe_sum(case: Case) -> None:
    """An address behind two backends is one target with the sum of both weights."""
    pod = Endpoint("10.0.0.1:80", ready=True)
    backends = [Backend([pod], case["first"]), Backend([pod], case["second"])]
    assert [target.weight for target in translate_backends(backends, drain_support=True)] == [case["sum"]]
