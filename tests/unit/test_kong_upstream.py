"""The target and Kong's limits for it."""

import pytest

from simsticky.kong.upstream import DEFAULT_WEIGHT, WEIGHT_LIMITS, Target


def test_weight_defaults_to_kongs_100() -> None:
    """A target has the weight that KIC relies on when it sends none."""
    assert Target("10.0.0.1:80").weight == DEFAULT_WEIGHT == 100


@pytest.mark.parametrize("weight", WEIGHT_LIMITS)
def test_limits_are_included(weight: int) -> None:
    """The ends of Kong's weight range are accepted."""
    assert Target("10.0.0.1:80", weight).weight == weight


@pytest.mark.parametrize("weight", [-1, 65_536])
def test_weight_out_of_range_is_refused(weight: int) -> None:
    """A weight that Kong's schema refuses is refused."""
    with pytest.raises(ValueError, match=r"not in 0\.\.65535"):
        Target("10.0.0.1:80", weight)


@pytest.mark.parametrize("address", ["10.0.0.1", "10.0.0.1:", ":80", "10.0.0.1:http", ""])
def test_address_needs_host_and_port(address: str) -> None:
    """Targets, cookies and containers share one form of address."""
    with pytest.raises(ValueError, match="not of the form ip:port"):
        Target(address)
