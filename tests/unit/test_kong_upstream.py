"""The target and Kong's limits for it."""

import pytest

from simsticky.kong.upstream import DEFAULT_WEIGHT, WEIGHT_LIMITS, Target


def test_weight_defaults_to_kongs_100() -> None:
    """Protects the default that KIC relies on when it sends no weight."""
    assert Target("10.0.0.1:80").weight == DEFAULT_WEIGHT == 100


@pytest.mark.parametrize("weight", WEIGHT_LIMITS)
def test_limits_are_included(weight: int) -> None:
    """Protects the ends of Kong's weight range: both are accepted."""
    assert Target("10.0.0.1:80", weight).weight == weight


@pytest.mark.parametrize("weight", [-1, 65_536])
def test_weight_out_of_range_is_refused(weight: int) -> None:
    """Protects the balancer from a weight Kong's schema refuses."""
    with pytest.raises(ValueError, match=r"not in 0\.\.65535"):
        Target("10.0.0.1:80", weight)


@pytest.mark.parametrize("address", ["10.0.0.1", "10.0.0.1:", ":80", "10.0.0.1:http", ""])
def test_address_needs_host_and_port(address: str) -> None:
    """Protects the one form of address that targets, cookies and containers share."""
    with pytest.raises(ValueError, match="not of the form ip:port"):
        Target(address)
