"""How long the sessions on a deleted pod would go on: the closed form that stands beside the simulated decay.

A session met at a given moment has the *residual* life R. With session lives S of mean L that start as a Poisson
process of constant rate, P(R > t) = (1/L) * integral of P(S > u) for u > t, the equilibrium residual of renewal theory
(Cox, Renewal Theory, 1962, ch. 5); it is 1 - E[min(S, t)] / L.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from simsticky.scenario.distributions import Constant, Empirical, Exponential, Geometric
from simsticky.scenario.law import ContinuousLaw, LawBase
from simsticky.scenario.traffic import Poisson
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Residual:
    """The law of the time that a session which is alive now still goes on.

    Attributes:
        survival: P(R > t) at times t in seconds.
        formula: The closed form for people.
    """

    survival: Callable[[Floats], Floats]
    formula: str


def residual_life(scenario: "Scenario") -> Residual | str:
    """Return the residual life of a scenario's sessions, or why there is no closed form for it.

    Known: a geometric number of requests with exponential think times, which is memoryless with mean
    L = mean number of requests * (mean think + mean service), whoever arrives; and a ``sessionDuration`` law, under a
    Poisson process of constant rate in equilibrium. Service counts with its mean: it is short beside the think time.
    """
    traffic = scenario.traffic
    if traffic.trace is not None:
        return "the sessions come from a trace"
    if traffic.session_duration is not None:
        if not isinstance(traffic.sessions, Poisson):
            return "sessions do not arrive at a constant rate"
        if scenario.run.start != "equilibrium":
            return "the run starts empty"
        return _equilibrium(traffic.session_duration)
    if traffic.requests == "endless":
        return "the sessions are endless"
    if not isinstance(traffic.requests, Geometric):
        return "the number of requests is not geometric"
    if not isinstance(traffic.think, Exponential) or traffic.think.cap is not None:
        return "think times are not exponential"
    mean_s = traffic.requests.mean * (traffic.think.mean + traffic.service.mean)
    return Residual(lambda t: np.exp(-t / mean_s), f"e^(−t/L), L = {_told(mean_s)}")


def _equilibrium(law: LawBase) -> Residual | str:
    mean_s = law.mean
    if not 0 < mean_s < math.inf:
        return "session durations have no mean"

    def survival(times: Floats) -> Floats:
        return np.array([1.0 - min(1.0, mean_of_minimum(law, float(t)) / mean_s) for t in times])

    name = type(law).__name__.lower()
    return Residual(survival, f"1 − E[min(S, t)]/L, S {name}, L = {_told(mean_s)}")


def mean_of_minimum(law: LawBase, limit_s: float) -> float:
    """Return E[min(X, limit)] of a law of durations.

    Raises:
        TypeError: The law is not one of durations.
    """
    if limit_s <= 0:
        return 0.0
    if isinstance(law, ContinuousLaw):
        cap = limit_s if law.cap is None else min(limit_s, law.cap)
        return law.model_copy(update={"cap": cap}).mean
    if isinstance(law, Constant):
        return min(law.value, limit_s)
    if isinstance(law, Empirical):
        weights = np.ones(len(law.values)) if law.weights is None else np.array(law.weights)
        return float(np.average(np.minimum(law.values, limit_s), weights=weights))
    raise TypeError(f"{type(law).__name__} is no law of durations")


def _told(seconds: float) -> str:
    return format_duration(float(round(seconds)) if seconds >= 10 else round(seconds, 1))
