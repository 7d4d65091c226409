"""Predict a measured run: its own sessions, through simsticky.

Which third of the sessions is on the pod that goes is worth 5 to 7 broken sessions. HAProxy deals the first session to
its first server; Kong's wheel is shuffled. So only such replications count in which each pod that goes holds the same
sessions as in life. That is seen from the first session of each pod, before the first deletion, never from outcomes.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from sessions import draw

import simsticky as ss

MEASURED = Path(__file__).parent / "measured"
NAMES = sorted(path.stem for path in MEASURED.glob("*.json"))
REPLICATIONS = 8
PODS = 3

_A_MOMENT_S = 0.1


class Counts(NamedTuple):
    """What was counted in a run, of life or of the model.

    Attributes:
        broken: Sessions answered at least once by a process without their state.
        moves: How often that happened.
        errors: Requests that failed.
        per_pod: Requests of each pod: those that were there before by their first session, then the new ones by age.
    """

    broken: float
    moves: float
    errors: float
    per_pod: dict[str, float]


class Prediction(NamedTuple):
    """The means of some replications, and how much one of them varies."""

    mean: Counts
    sd_per_pod: dict[str, float]


@cache
def measured(name: str) -> tuple[Mapping[str, Any], Counts]:
    """Return the configuration of a measured run and what was counted."""
    run = json.loads((MEASURED / f"{name}.json").read_text(encoding="utf-8"))
    return run["config"], Counts(run["broken"], run["moves"], run["errors"], run["per_pod"])


def experiment(config: Mapping[str, Any]) -> ss.Scenario:
    """Return the experiment as a scenario: what stands for what is in ``docs/mirror_an_experiment.md``."""
    rolls = config["action"] == "rolling"
    return ss.Scenario.model_validate(
        {
            "name": "bench",
            # The last sessions come at the horizon, and are long over two minutes later.
            "run": {
                "start": "empty",
                "settle": "0s",
                "until": config["horizon"] + 120,
                "horizon": "1h",
                "skewFloor": False,
            },
            "traffic": {"trace": trace(config)},
            "app": {"onSigterm": "finishInFlight", "startup": "0s", "concurrency": 1000},
            "deployment": {
                "name": "web",
                "replicas": PODS,
                "maxSurge": 1,
                "maxUnavailable": 0,
                "preStop": f"{config['prestop']:g}s" if config["prestop"] else None,
                "grace": "60s",
            },
            "upstream": {
                "algorithm": "sticky-sessions",
                "hashOn": {"input": "none"},
                "stickySessions": {"cookie": "srv"},
            },
            "kic": {"enableDrainSupport": bool(config["drain"]), "proxySyncSeconds": 0, "delays": "0s"},
            # A backend is listed so long after its start, and listens by then.
            "kubernetes": {"delays": "0s", "containerStart": f"{config['startup']:g}s"},
            "timeline": [
                {"at": config["at"], **({"rollout": "web"} if rolls else {"scale": "web", "replicas": PODS - 1})}
            ],
        }
    )


def trace(config: Mapping[str, Any]) -> pd.DataFrame:
    """Return the requests of a measured run; a think time belongs to the request before it here."""
    rows = [
        (number, plan.start_s, request, think_s, service_s)
        for number, plan in enumerate(draw(config))
        for request, (think_s, service_s) in enumerate(
            zip([*plan.thinks_s[1:], 0.0], plan.services_s, strict=True), start=1
        )
    ]
    return pd.DataFrame(rows, columns=["session", "start_s", "request", "think_s", "service_s"])


def alike(config: Mapping[str, Any]) -> Iterator[tuple[ss.Scenario, int]]:
    """Yield replications, each with its scenario, in which the pods that go hold the same sessions as in life."""
    of = experiment(config)
    for replication in count():
        if config["action"] == "scale":
            # The last server went, whose first session is the last of the first round.
            start = ss.simulate(of.evolve({"run.until": first_round_s(config)}), replication=replication)
            place = start.pods["pod"].tolist().index(start.sessions["first_pod"].iloc[PODS - 1])
            yield of.evolve({"timeline.0.pod": place + 1}), replication
            continue
        # The servers went in their order, one when the next new one was listed.
        until_s = config["at"] + PODS * config["startup"] + _A_MOMENT_S
        start = ss.simulate(of.evolve({"run.until": until_s}), replication=replication)
        if start.pods.dropna(subset="deleted_s").sort_values("deleted_s")["pod"].tolist() == old_pods(start):
            yield of, replication


def first_round_s(config: Mapping[str, Any]) -> float:
    """Return when each server has its first session."""
    return draw(config)[PODS - 1].start_s + _A_MOMENT_S


def old_pods(result: ss.Result) -> list[str]:
    """Return the pods that were there before, in the order of their first sessions."""
    return [str(pod) for pod in result.sessions["first_pod"].iloc[:PODS]]


def counted(result: ss.Result) -> Counts:
    """Count in a replication what was counted in life."""
    old = old_pods(result)
    new = [pod for pod in result.pods.sort_values("created_s")["pod"] if pod not in old]
    requests = result.requests["pod"].value_counts()
    breaks = result.sessions["breaks"] + result.sessions["breaks_background"]
    return Counts(
        int((breaks > 0).sum()),
        int(breaks.sum()),
        int(result.summary["requests_failed"] or 0),
        {f"p{number}": int(requests[pod]) for number, pod in enumerate([*old, *new], start=1)},
    )


@cache
def predicted(name: str) -> Prediction:
    """Return the prediction of a measured run."""
    config, _ = measured(name)
    runs = [
        counted(ss.simulate(of, replication=replication)) for of, replication in islice(alike(config), REPLICATIONS)
    ]
    requests = {pod: [run.per_pod[pod] for run in runs] for pod in runs[0].per_pod}
    return Prediction(
        Counts(
            *(float(np.mean([getattr(run, figure) for run in runs])) for figure in ("broken", "moves", "errors")),
            {pod: float(np.mean(values)) for pod, values in requests.items()},
        ),
        {pod: float(np.std(values, ddof=1)) for pod, values in requests.items()},
    )


def three_deviations(sd: float) -> float:
    """Return three standard deviations of one replication, where that is known from eight: Student's, not Gauss's."""
    return float(sd * stats.t.ppf(stats.norm.cdf(3), REPLICATIONS - 1))


def allowance(of: float) -> float:
    """Return how far a prediction may be from what was measured: 3, or a tenth of it."""
    return max(3.0, 0.1 * of)
