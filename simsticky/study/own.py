"""An algorithm and metrics of one's own in a study: what every replication is run with, and what is read from it."""

from __future__ import annotations

import hashlib
import inspect
import math
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from simsticky.errors import InputError
from simsticky.study.case import simulate_numbers
from simsticky.study.runner import Execution

if TYPE_CHECKING:
    from simsticky.kong.balancer import AlgorithmFactory
    from simsticky.results.metrics import Metric, Value
    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario

OwnMetric = Callable[["Result"], float | int | None]
"""A metric of one's own: a number of a result, None where there is none."""


class OwnExecution(Execution, total=False):
    """How a study runs, and an algorithm of one's own, as for :func:`simsticky.simulate.simulate`."""

    algorithm: AlgorithmFactory | None


@dataclass(frozen=True, slots=True)
class OwnSimulate:
    """A ``simulate`` with an algorithm of one's own, whose summary also has metrics of one's own.

    It goes to worker processes as it is: functions and classes of a module do, those of a notebook's cell do not.

    Attributes:
        algorithm: Makes the algorithm of each balancer; None for the scenario's.
        functions: The metrics, by name. With any the scenario's ``run.record`` holds, so that frames can be read.
    """

    algorithm: AlgorithmFactory | None = None
    functions: Mapping[str, OwnMetric] = field(default_factory=dict)

    def __call__(self, scenario: Scenario, *, seed: int, replication: int) -> Result:
        """Run one replication.

        Raises:
            InputError: A metric is no finite number.
        """
        from simsticky.simulate import simulate

        if not self.functions:
            if self.algorithm is None:
                return simulate_numbers(scenario, seed=seed, replication=replication)
            run = scenario.run.model_copy(update={"record": "summary"})
            scenario = scenario.model_copy(update={"run": run})
        result = simulate(scenario, seed, replication, algorithm=self.algorithm)
        own = {name: _number(name, function(result)) for name, function in self.functions.items()}
        return replace(result, summary={**result.summary, **own})


def with_own(
    metrics: Mapping[str, Metric | OwnMetric] | None, execution: OwnExecution
) -> tuple[Mapping[str, Metric], Execution]:
    """Return the metrics that a study can speak of, and how it runs: with an algorithm and metrics of one's own.

    Args:
        metrics: The metrics; functions of a result stand beside the built-in ones. None for the built-in ones.
        execution: How to run, as a study was asked to; its ``algorithm`` is taken out.

    Raises:
        InputError: A metric of one's own has the name of a built-in one; or ``simulate`` is given beside an algorithm.
    """
    from simsticky.results.metrics import METRICS, Metric

    metrics = METRICS if metrics is None else metrics
    functions = {name: metric for name, metric in metrics.items() if callable(metric)}
    registry = {name: metric for name, metric in metrics.items() if not callable(metric)}
    if functions:
        if taken := [name for name in functions if name in METRICS]:
            raise InputError.of(f"there is a metric {taken[0]!r} already", hint="give yours another name")
        own = {name: Metric(name, "ratio", _said_of(function)) for name, function in functions.items()}
        registry = {**(registry or METRICS), **own}
    rest: Any = dict(execution)
    algorithm = rest.pop("algorithm", None)
    if algorithm is None and not functions:
        return registry, rest
    if rest.get("simulate") is not None:
        raise InputError.of("an algorithm or metrics of one's own and simulate= exclude each other")
    rest["simulate"] = OwnSimulate(algorithm, functions)
    if rest.get("jobs", 1) != 1 or rest.get("executor") is not None or rest.get("scheduler") is not None:
        _check_that_it_travels(rest["simulate"])
    told = {"algorithm": _identity(algorithm), "metrics": {name: _identity(one) for name, one in functions.items()}}
    rest["options"] = {**(rest.get("options") or {}), "own": told}
    return registry, rest


def _check_that_it_travels(simulate: OwnSimulate) -> None:
    """Refuse what no worker process can be sent.

    Raises:
        InputError: A lambda, or a function or class of a notebook's cell.
    """
    try:
        pickle.dumps(simulate)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        message = f"an algorithm or a metric of one's own does not reach other processes: {error}"
        raise InputError.of(message, hint="define it in a module of its own, or run with jobs=1") from error


def _number(name: str, value: Any) -> Value:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        hint = "return None where there is nothing to measure"
        raise InputError.of(f"the metric {name!r} gave {value!r}, which is no finite number", path=name, hint=hint)
    return number


def _said_of(function: OwnMetric) -> str:
    """Return the first sentence of a function's docstring."""
    return (inspect.getdoc(function) or "A metric of one's own.").split("\n\n")[0].replace("\n", " ")


def _identity(own: Any) -> str | None:
    """Return what tells one's own code from another: its name, and a hash of its source where that is known."""
    if own is None:
        return None
    name = f"{getattr(own, '__module__', '')}.{getattr(own, '__qualname__', repr(own))}"
    try:
        source = inspect.getsource(own)
    except (OSError, TypeError):
        return name
    return f"{name} {hashlib.sha256(source.encode()).hexdigest()[:16]}"
