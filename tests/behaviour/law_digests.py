"""Print what each law makes of one seed, as JSON: the digest of a run, and some draws. Run in processes of its own.

A law is how long sessions last and how long they think between requests, so that it is drawn plainly and
length-biased; one run has arrivals that follow the sun.
"""

import json
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from simsticky.scenario.distributions import Law
from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate

LAWS: dict[str, dict[str, Any]] = {
    "constant": {"kind": "constant", "value": 7.3},
    "uniform": {"kind": "uniform", "low": 1.1, "high": 9.7},
    "exponential": {"kind": "exponential", "mean": 7.3},
    "lognormal": {"kind": "lognormal", "mean": 7.3, "cv": 1.3},
    "gamma": {"kind": "gamma", "mean": 7.3, "cv": 1.3},
    "weibull": {"kind": "weibull", "mean": 7.3, "shape": 0.7},
    "weibull, capped": {"kind": "weibull", "mean": 7.3, "shape": 0.7, "cap": 30},
    "pareto": {"kind": "pareto", "mean": 7.3, "alpha": 2.2},
    "pareto, capped": {"kind": "pareto", "minimum": 1.3, "alpha": 1.1, "cap": 60},
    "empirical": {
        "kind": "empirical",
        "values": [round(0.7 + 0.31 * i, 2) for i in range(40)],
        "weights": [1 + i % 7 for i in range(40)],
    },
}
DIURNAL = {"kind": "diurnal", "mean": "2/s", "amplitude": 0.9, "period": "90s", "peakAt": "20s"}
DRAWS = 2000


def digest(law: dict[str, Any], sessions: dict[str, Any]) -> str:
    """Return the digest of a scale-down, every request recorded."""
    scenario = {
        "schema": "simsticky/1",
        "run": {"until": "3m", "horizon": "1h", "record": "requests"},
        "traffic": {"sessions": sessions, "sessionDuration": law, "think": law, "service": "50ms"},
        "deployment": {"name": "app", "replicas": 3},
        "upstream": {"algorithm": "sticky-sessions", "hashOn": {"input": "none"}, "stickySessions": {"cookie": "sid"}},
        "timeline": [{"at": "1m", "scale": "app", "replicas": 2}],
    }
    return simulate(Scenario.model_validate(scenario), seed=7).digest


def draws(law: dict[str, Any]) -> list[float]:
    """Return plain draws and length-biased ones."""
    it = TypeAdapter[Any](Law).validate_python(law)
    rng = np.random.Generator(np.random.PCG64(7))
    return [it.mean, *it.sample(rng, DRAWS).tolist(), *it.sample_length_biased(rng, DRAWS).tolist()]


if __name__ == "__main__":
    steady = {"kind": "poisson", "rate": "2/s"}
    digests = {name: digest(law, steady) for name, law in LAWS.items()}
    digests["diurnal arrivals"] = digest(LAWS["exponential"], DIURNAL)
    print(json.dumps({"digests": digests, "draws": {name: draws(law) for name, law in LAWS.items()}}))
