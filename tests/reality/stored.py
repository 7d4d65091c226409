"""Runs of a real proxy with its own access log, as data: ``python tests/reality/stored.py`` makes them anew.

Each is an access log as the proxy wrote it (``examples/bench/NAME.log.gz``; all addresses are of loopback), and what
everybody else saw (``NAME.json``).
"""

import gzip
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from live.bench import Seen, run

LOGS = Path(__file__).parents[2] / "examples" / "bench"
RATES = {"haproxy-rolling-d0": 30.0, "nginx-scale-d1": 12.0}
"""New sessions a second of each stored run.

A rolling update wants many: whom a proxy hands a session that has lost its pod is its own luck, and with 12 a second
it broke 39 sessions where 43.5 were predicted, a luck as large as the allowance.
"""
NAMES = tuple(RATES)


@dataclass(frozen=True)
class Run:
    """A run of a real proxy.

    Attributes:
        config: How it was made.
        log: The proxy's access log.
        operated: When the operation began.
        broken: Sessions that a backend answered at least once without their state.
        moves: How often that happened.
        errors: Requests that failed, as the clients saw it.
        per_pod: Requests that each backend answered.
    """

    config: Mapping[str, Any]
    log: Path
    operated: datetime
    broken: int
    moves: int
    errors: int
    per_pod: Mapping[str, int]

    @classmethod
    def of(cls, config: Mapping[str, Any], seen: Seen) -> "Run":
        """Return a run that has just been made."""
        begun_s = next(at_s for at_s, what, _ in seen.events if what == "begun")
        operated = datetime.fromtimestamp(seen.zero_s + begun_s, UTC)
        return cls(config, seen.log, operated, seen.broken, seen.moves, seen.answers.errors, seen.per_pod)

    def operation_at(self, directory: Path) -> Path:
        """Write the moment of the operation as a file for ``--events``."""
        path = directory / "events.txt"
        path.write_text(f"{self.operated.isoformat()} {self.config['action']}\n", encoding="ascii")
        return path


def config(action: str, drain: int, *, seed: int = 1, rate: float = 30.0) -> dict[str, Any]:
    """Return the configuration of a run of about 40 s."""
    return {
        "action": action,
        "drain": drain,
        "prestop": 2.0,
        "startup": 1.0,
        "seed": seed,
        "rate": rate,
        "mean_requests": 10.0,
        "think": 0.4,
        "service": 0.01,
        "horizon": 20.0,
        "at": 8.0,
    }


def load(name: str) -> Run:
    """Return a stored run."""
    told = json.loads((LOGS / f"{name}.json").read_text(encoding="utf-8"))
    return Run(**{**told, "operated": datetime.fromisoformat(told["operated"]), "log": LOGS / f"{name}.log.gz"})


def store(name: str, made: Run) -> None:
    """Store a run that has just been made."""
    (LOGS / f"{name}.log.gz").write_bytes(gzip.compress(made.log.read_bytes(), 9, mtime=0))
    told = {"config": made.config, "operated": made.operated.isoformat(), "broken": made.broken, "moves": made.moves,
            "errors": made.errors, "per_pod": made.per_pod}  # fmt: skip
    (LOGS / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or NAMES:
        proxy, action, drain = wanted.split("-")
        with TemporaryDirectory() as scratch:
            settings = config(action, int(drain[1:]), rate=RATES[wanted])
            store(wanted, Run.of(settings, run(proxy, settings, Path(scratch))))
