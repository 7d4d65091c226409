"""Small figures that several rules tell: quantiles of delays, shares, and how the gateway learns of a deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simsticky.scenario.distributions import Constant
from simsticky.scenario.law import ContinuousLaw, LawBase
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

_DOUBLINGS, _HALVINGS = 60, 60


def quantile(law: LawBase, share: float) -> float:
    """Return the time that a share of a law's draws does not exceed, in seconds.

    A law without a survival function of its own (a list of values) gets its mean and three standard deviations.
    """
    if isinstance(law, Constant):
        return law.value
    if not isinstance(law, ContinuousLaw):
        return law.mean + 3 * law.sd
    low, high = 0.0, max(law.mean, 1e-9)
    for _ in range(_DOUBLINGS):
        if law.survival(high) <= 1 - share:
            break
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if law.survival(middle) > 1 - share else (low, middle)
    return high


def reaches_gateway_s(scenario: Scenario) -> tuple[float, str]:
    """Return how long after a deletion the gateway still sends new sessions to the pod, and how that is made up.

    A bound: the 99 % quantiles of the three delays and a whole period of the controller, which may just have pushed.
    """
    kic, kubernetes = scenario.kic, scenario.kubernetes
    parts = [quantile(law, 0.99) for law in (kubernetes.endpoint_update, kic.watch_delay, kic.push_delay)]
    total = kic.proxy_sync_seconds + sum(parts)
    text = (
        f"EndpointSlice {told(parts[0])} + watch {told(parts[1])} + sync {told(kic.proxy_sync_seconds)}"
        f" + push {told(parts[2])} = {told(total)} (99 % of each)"
    )
    return total, text


def told(seconds: float) -> str:
    """Return a duration for people: no more digits than it is worth."""
    digits = 0 if seconds >= 10 else 1 if seconds >= 1 else 2
    return format_duration(round(seconds, digits))


def percent(share: float) -> str:
    """Return a share for people: 78 %, 0.9 %."""
    return f"{100 * share:.0f} %" if share >= 0.095 else f"{100 * share:.1f} %"
