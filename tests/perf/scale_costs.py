"""What a cluster costs by its size, with the same traffic: ``python tests/perf/scale_costs.py PODS NODES [rollout]``.

It runs once, in a process of its own, and prints CPU seconds, peak memory in MB and what happened as JSON.
"""

import json
import resource
import sys
from time import process_time

from simsticky.scenario.model import Scenario
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.simulation import Simulation

_A_MEGABYTE = 1 << 20 if sys.platform == "darwin" else 1 << 10
"""In units of ``ru_maxrss``."""


def scenario(pods: int, nodes: int, *, rolls_out: bool) -> Scenario:
    """Return 5 minutes of 50 sessions/s of 20 requests, think 6 s, service 50 ms; perhaps a rollout at 60 s."""
    return Scenario.model_validate(
        {
            "schema": "simsticky/1",
            "name": "scale",
            "run": {"until": 300.0, "horizon": "1h", "record": "summary", "skewFloor": False},
            "traffic": {
                "sessions": {"kind": "poisson", "rate": "50/s"},
                "requests": {"kind": "geometric", "mean": 20},
                "think": {"kind": "exponential", "mean": "6s"},
                "service": {"kind": "exponential", "mean": "50ms"},
            },
            "app": {"concurrency": 64},
            "deployment": {"name": "app", "replicas": pods},
            "gateway": {"nodes": nodes},
            "kic": {"enableDrainSupport": True},
            "upstream": {
                "algorithm": "sticky-sessions",
                "hashOn": {"input": "none"},
                "stickySessions": {"cookie": "session-id"},
            },
            "timeline": [{"at": "60s", "rollout": "app"}] if rolls_out else [],
        }
    )


def measure(pods: int, nodes: int, *, rolls_out: bool) -> dict[str, float]:
    """Simulate once; return what it took and what happened."""
    pushes, apply = 0, Gateway.apply

    def counted(*arguments: object) -> None:
        nonlocal pushes
        pushes += 1
        apply(*arguments)  # type: ignore[arg-type]

    simulation = Simulation(scenario(pods, nodes, rolls_out=rolls_out), 7, 0)
    Gateway.apply = counted  # type: ignore[method-assign]
    begun = process_time()
    recording = simulation.run()
    return {
        "cpu_s": process_time() - begun,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _A_MEGABYTE,
        "requests": recording.counts["requests_sent"],
        "events": recording.control_events,
        "pushes": pushes - nodes,  # without those at the start
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]), rolls_out="rollout" in sys.argv[3:])))
