"""The objects a Kong balancer is built from, and Kong's own defaults and limits for them.

Sources: Kong 3.10 ``kong/db/schema/entities/{targets,upstreams,services}.lua``; the sticky-sessions fields
are those Kong documents for Enterprise 3.11 and later.
"""

from dataclasses import dataclass
from typing import Final

# Target (targets.lua). A pair is (smallest, largest) allowed value, both included.
DEFAULT_WEIGHT: Final = 100
WEIGHT_LIMITS: Final = (0, 65_535)

# Upstream (upstreams.lua).
DEFAULT_SLOTS: Final = 10_000
DEFAULT_THRESHOLD: Final = 0
THRESHOLD_LIMITS: Final = (0, 100)
DEFAULT_COOKIE_PATH: Final = "/"

# Service (services.lua; KIC sends the same value).
DEFAULT_RETRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Target:
    """One target of an upstream: a pod as the gateway knows it.

    An IPv4 target has exactly one address, so target and address are one thing here (Kong 3.10
    ``runloop/balancer/balancers.lua``). A target of weight 0 is loaded like any other; it counts for
    nothing in the totals and gets no new sessions.

    Attributes:
        address: ``"ip:port"``.
        weight: 0 to 65535; 100 unless told.
        target_id: The id of the Kong entity; empty when it is not known. Only the cookie identity
            ``by_target_id`` reads it.

    Raises:
        ValueError: The weight is out of range or the address has no port.
    """

    address: str
    weight: int = DEFAULT_WEIGHT
    target_id: str = ""

    def __post_init__(self) -> None:
        lowest, highest = WEIGHT_LIMITS
        if not lowest <= self.weight <= highest:
            raise ValueError(f"target {self.address}: weight {self.weight} is not in {lowest}..{highest}")
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"target address {self.address!r} is not of the form ip:port")
