"""What every law of a random quantity offers, and what a cap does to it.

A law knows its mean and standard deviation and draws whole columns. A length-biased draw is the quantity as met
by a uniformly chosen instant (density proportional to ``x f(x)``): how an equilibrium start sees sessions and
gaps.
"""

import math
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from simsticky.scenario.fields import Duration

Column = NDArray[np.float64]
Positive = Annotated[Duration, Field(gt=0)]


class LawBase(BaseModel, ABC):
    """What every law offers. Values are never negative; units are the user's (seconds, or a count)."""

    # No population by field name: `base_mean` is written `mean`, while `.mean` is the moment (capped).
    model_config = ConfigDict(
        frozen=True, extra="forbid", ignored_types=(cached_property,), use_attribute_docstrings=True
    )

    @property
    def mean(self) -> float:
        """Expectation."""
        return self._moment(1)

    @property
    def sd(self) -> float:
        """Standard deviation; infinite for a law without second moment."""
        return math.sqrt(self._variance())

    def sample(self, rng: np.random.Generator, size: int) -> Column:
        """Return ``size`` independent draws, as float64."""
        return self._draw(rng, size)

    def sample_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        """Return ``size`` draws of density proportional to ``x f(x)``; zeros if the law is constant 0."""
        return np.zeros(size) if self.is_zero else self._draw_length_biased(rng, size)

    @property
    def is_zero(self) -> bool:
        """Whether the quantity is always 0."""
        return self.mean == 0

    @property
    @abstractmethod
    def parameters(self) -> tuple[float | tuple[float, ...], ...]:
        """The parameters that a sampler of the law takes, whichever ones it was given by; without the cap."""

    @abstractmethod
    def _moment(self, order: int) -> float:
        """Return E[X^order] for order 1 and 2; the second may be infinite."""

    def _variance(self) -> float:
        second = self._moment(2)
        return second if math.isinf(second) else max(0.0, second - self._moment(1) ** 2)

    @abstractmethod
    def _draw(self, rng: np.random.Generator, size: int) -> Column: ...

    @abstractmethod
    def _draw_length_biased(self, rng: np.random.Generator, size: int) -> Column: ...

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written = {key: value for key, value in dump(self).items() if value is not None}
        return {"kind": getattr(self, "kind"), **written}  # noqa: B009 - each law declares its own kind


class ContinuousLaw(LawBase):
    """A law with a density, possibly capped.

    A subclass states its uncapped self: partial moments, survival function and the two ways of drawing.
    Everything about the cap is worked out here, once.
    """

    cap: Positive | None = None
    """What is larger counts as this."""

    def survival(self, x: float) -> float:
        """Return P(X > x), the cap included."""
        return 0.0 if self.cap is not None and x >= self.cap else self._survival(x)

    def mean_up_to(self, limit: float) -> float:
        """Return E[min(X, limit)], the cap included."""
        limit = limit if self.cap is None else min(limit, self.cap)
        return self._partial_moment(1, limit) + limit * self._survival(limit)

    @abstractmethod
    def _partial_moment(self, order: int, upper: float) -> float:
        """Return E[X^order; X <= upper] of the uncapped law; ``upper`` may be infinite, so may the answer."""

    @abstractmethod
    def _survival(self, x: float) -> float:
        """Return P(X > x) of the uncapped law."""

    @abstractmethod
    def _draw_uncapped(self, rng: np.random.Generator, size: int) -> Column: ...

    @abstractmethod
    def _draw_uncapped_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        """Called only where the uncapped mean is finite."""

    def _moment(self, order: int) -> float:
        if self.cap is None:
            return self._partial_moment(order, math.inf)
        return self._partial_moment(order, self.cap) + self.cap**order * self._survival(self.cap)

    def _draw(self, rng: np.random.Generator, size: int) -> Column:
        drawn = self._draw_uncapped(rng, size)
        return drawn if self.cap is None else np.minimum(drawn, self.cap)

    def _draw_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        if self.cap is None:
            return self._draw_uncapped_length_biased(rng, size)
        return self._draw_capped_length_biased(rng, size, self.cap)

    def _draw_capped_length_biased(self, rng: np.random.Generator, size: int, cap: float) -> Column:
        """Rejection, from the cheaper of two proposals.

        Either draw X itself and keep it with probability X / cap (cap / E[min(X, cap)] proposals a value), or
        mix the atom at the cap with length-biased draws below it (E[X] / E[min(X, cap)] proposals).
        """
        from_itself = cap <= self._partial_moment(1, math.inf)
        drawn = np.empty(size)
        todo = np.arange(size)
        if not from_itself:
            at_cap = rng.random(size) < cap * self._survival(cap) / self.mean
            drawn[at_cap] = cap
            todo = np.flatnonzero(~at_cap)
        while todo.size:
            if from_itself:
                proposal = np.minimum(self._draw_uncapped(rng, todo.size), cap)
                kept = rng.random(todo.size) * cap < proposal
            else:
                proposal = self._draw_uncapped_length_biased(rng, todo.size)
                kept = proposal <= cap
            drawn[todo[kept]] = proposal[kept]
            todo = todo[~kept]
        return drawn
