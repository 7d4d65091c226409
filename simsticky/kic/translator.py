"""From the endpoints of a Service to the targets of Kong's upstream.

Source: Kong Ingress Controller 3.5 ``internal/dataplane/translator/translate_upstreams.go`` (getEndpoints,
targetsForEndpoints, getUpstreams, updateTargetMap) and ``internal/dataplane/deckgen/generate.go`` (the
order).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simsticky.kong.upstream import DEFAULT_WEIGHT, Target


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of an EndpointSlice, as far as the translation reads it; ``serving`` it does not.

    Attributes:
        address: First address and port, ``"ip:port"``.
        ready: Condition ready; None (unknown) counts as true.
        terminating: Condition terminating; None counts as false.
    """

    address: str
    ready: bool | None = None
    terminating: bool | None = None


class Backend(NamedTuple):
    """A Service behind a Kong service: its endpoints and its backendRef's weight (None for an Ingress)."""

    endpoints: Sequence[Endpoint]
    weight: int | None = None


def translate(
    endpoints: Iterable[Endpoint], drain_support: bool, backend_weight: int | None = None
) -> tuple[Target, ...]:
    """Return the targets of an upstream with one backend, in the order KIC sends them.

    Args:
        endpoints: The endpoints of the Service's slices for one port.
        drain_support: ``--enable-drain-support``: terminating endpoints stay, with weight 0.
        backend_weight: The backend's weight; None for an Ingress, which carries none.

    Returns:
        The targets, their addresses descending as strings. Weights KIC leaves out are Kong's default 100.

    Raises:
        ValueError: A target's weight would be outside Kong's limits.
    """
    return translate_backends([Backend(tuple(endpoints), backend_weight)], drain_support)


def translate_backends(backends: Iterable[Backend], drain_support: bool) -> tuple[Target, ...]:
    """Return the targets of an upstream with several backends, in the order KIC sends them (rule E4).

    An address reached through two backends, or listed once as terminating and once not, is one target with
    the sum of the weights; a weight left out counts 100 in it.

    Raises:
        ValueError: A target's weight would be outside Kong's limits.
    """
    weights: dict[str, int] = {}
    for backend in backends:
        for address, weight in _backend_targets(backend, drain_support):
            weights[address] = weights.get(address, 0) + (DEFAULT_WEIGHT if weight is None else weight)
    return tuple(Target(address, weights[address]) for address in sorted(weights, reverse=True))


def _backend_targets(backend: Backend, drain_support: bool) -> list[tuple[str, int | None]]:
    """Return (address, weight) per endpoint that is listed; weight None where KIC sends none (rule I2)."""
    # The key of KIC's own deduplication: an address may appear once as terminating and once not.
    listed: dict[tuple[str, bool], int | None] = {}
    for endpoint in backend.endpoints:
        terminating = endpoint.terminating is True
        if drain_support and terminating:
            listed[endpoint.address, terminating] = 0
        elif endpoint.ready is not False:
            listed[endpoint.address, terminating] = None
    share = _share(backend.weight, sum(weight != 0 for weight in listed.values()))
    return [(address, share if weight is None else weight) for (address, _), weight in listed.items()]


def _share(backend_weight: int | None, takers: int) -> int | None:
    """Return the weight of each of ``takers`` endpoints: integer division, at least 1; 0 stays 0."""
    if backend_weight is None or backend_weight == 0 or takers == 0:
        return backend_weight
    return max(1, backend_weight // takers)
