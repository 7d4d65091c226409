"""The sessions of a measured run, drawn from its configuration: what the clients sent and a prediction replays."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np


class Plan(NamedTuple):
    """One session: when its first request is sent, and of each request the think before it and its service demand.

    The first request's think is not used.
    """

    start_s: float
    thinks_s: list[float]
    services_s: list[float]


def draw(config: Mapping[str, Any]) -> list[Plan]:
    """Return the sessions in order of start; the same configuration gives the same sessions."""
    rng = np.random.default_rng(config["seed"])
    number = rng.poisson(config["rate"] * config["horizon"])
    starts = np.sort(rng.uniform(0, config["horizon"], number))
    lengths = rng.geometric(1 / config["mean_requests"], number)
    return [
        Plan(
            float(start),
            rng.exponential(config["think"], length).tolist(),
            rng.exponential(config["service"], length).tolist(),
        )
        for start, length in zip(starts, lengths, strict=True)
    ]
