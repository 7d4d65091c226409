"""How fast each client is: its think times are divided by its own rate (docs/model.md, rule W9)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsticky.scenario.distributions import Law

SLOWEST = 0.05
"""No client is slower than a twentieth of the mean; assumed, for a rate of 0 would be a session without an end."""


@dataclass(frozen=True, slots=True)
class ClientRates:
    """The rates of clients.

    Attributes:
        law: The law of a client's rate, of mean 1.
    """

    law: Law

    def draw(self, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw the rates of clients."""
        return np.maximum(self.law.sample(rng, size), SLOWEST)
