"""What a backtest answers: figures observed and predicted, whether they go together, and both over time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from simsticky.logs.figures import Figure, Frame
from simsticky.logs.watched import Watched
from simsticky.notebook import ShownInNotebooks
from simsticky.stats.prediction import Range
from simsticky.version import __version__

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
FEWEST_ALIVE = 30
"""Sessions that go through an operation; of fewer nobody knows whether a model matches."""


@dataclass(frozen=True)
class Row:
    """One figure, observed and predicted.

    Attributes:
        figure: Which.
        observed: In the log.
        predicted: Of one run of the model: the interval that holds it with 95 % probability, and the middle.
        mean: The mean of the replications.
    """

    figure: Figure
    observed: float
    predicted: Range
    mean: float

    @property
    def holds(self) -> bool:
        """Whether the interval holds what was observed, as finely as that can be told."""
        return self.predicted.holds(self.observed)


@dataclass(frozen=True, eq=False)
class Timelines:
    """What was observed and predicted over time, for a picture.

    Attributes:
        frame: The operations and the end, in seconds since the replayed part of the log begins.
        zero: The moment that is 0, UTC.
        observed: The log's requests.
        replication: Those of replication 0.
        at_s: float64[m], moments.
        broken: float64[m], sessions broken by then in the log.
        low: float64[m], lower end of the prediction interval.
        high: float64[m], upper end.
        median: float64[m], its middle.
    """

    frame: Frame
    zero: datetime
    observed: Watched
    replication: Watched
    at_s: Floats
    broken: Floats
    low: Floats
    high: Floats
    median: Floats


@dataclass(frozen=True, eq=False)
class Backtest(ShownInNotebooks):
    """What a log says of a model.

    Attributes:
        scenario: The scenario as it was replayed.
        replications: How many runs the prediction is from.
        seed: Their seed.
        rows: The figures.
        probability: How likely a run of the model is to be at least as far out as the log, over all figures at once.
        alive: Sessions with an answer before and a request after the beginning of an operation.
        key: What told the sessions apart, and how well.
        format: The log's format.
        sessions: Sessions that were replayed.
        requests: Requests that were replayed.
        notes: What was assumed, left out or put right, as sentences.
        timelines: For a picture.
    """

    scenario: Scenario
    replications: int
    seed: int
    rows: tuple[Row, ...]
    probability: float
    alive: int
    key: Mapping[str, str]
    format: str
    sessions: int
    requests: int
    notes: tuple[str, ...]
    timelines: Timelines

    @property
    def compatible(self) -> bool | None:
        """Whether the model and the log go together: None if there is too little in the log to tell."""
        if self.probability < 1.0 - LEVEL:
            return False
        return None if self.alive < FEWEST_ALIVE else True

    @property
    def outside(self) -> tuple[Row, ...]:
        """The rows whose interval does not hold what was observed."""
        return tuple(row for row in self.rows if not row.holds)

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything but the timelines' requests as plain JSON types; no address, path or cookie."""
        frame = self.timelines.frame
        return {
            "tool": {"name": "simsticky", "version": __version__},
            "compatible": self.compatible,
            "probability": self.probability,
            "level": LEVEL,
            "replications": self.replications,
            "seed": self.seed,
            "alive": self.alive,
            "log": {"format": self.format, "sessions": self.sessions, "requests": self.requests, "key": dict(self.key)},
            "operations": [
                {
                    "label": moment.label,
                    "at": (self.timelines.zero + timedelta(seconds=moment.sign_s)).isoformat(),
                    "begins_s": moment.begins_s,
                    "sign_s": moment.sign_s,
                    "pods_went": moment.pods_went,
                    "pods_came": moment.pods_came,
                }
                for moment in frame.moments
            ],
            "figures": [
                {
                    "name": row.figure.key,
                    "label": row.figure.label.strip(),
                    "unit": row.figure.unit,
                    "definition": row.figure.definition,
                    "observed": row.observed,
                    "predicted": {"low": row.predicted.low, "high": row.predicted.high,
                                  "median": row.predicted.median, "mean": row.mean},
                    "holds": row.holds,
                }
                for row in self.rows
            ],
            "notes": list(self.notes),
        }  # fmt: skip

    def to_json(self) -> str:
        """Return ``to_json_dict`` as text that ends with a newline."""
        return json.dumps(self.to_json_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
