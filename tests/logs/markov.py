"""Traffic that the model did not make: bursts of visitors who skim, read or wait, each a Markov chain of its own pace.

Written on its own, with Python's generator: arrivals come in campaigns, thinks are of three kinds, the number of
requests is that of a chain's steps until it leaves, and the service has two peaks (a cache hit or not).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from logs.traffic import AGENTS, BEGIN_S, Request, target_cookie

_STEPS = {
    "skim": (("skim", 0.7), ("read", 0.2), ("leave", 0.1)),
    "read": (("skim", 0.5), ("wait", 0.3), ("leave", 0.2)),
}
_STEPS["wait"] = (("skim", 0.6), ("leave", 0.4))
_PAUSE_S = {"skim": (1.0, 3.0), "read": (15.0, 40.0), "wait": (100.0, 200.0)}


@dataclass
class Truth:
    """What was made."""

    requests: list[Request]
    sessions: int
    mean_requests: float
    mean_think_s: float
    mean_service_s: float


def visitors(seed: int, hours: float = 2.0, campaigns_per_hour: float = 30.0) -> Truth:
    """Return the requests of a site in some hours, with what they come to on average."""
    rng = random.Random(seed)
    made: list[Request] = []
    counts, thinks, services = [], [], []
    at_s, session, end_s = 0.0, 0, hours * 3600
    while (at_s := at_s + rng.expovariate(campaigns_per_hour / 3600)) < end_s:
        for _ in range(rng.randint(5, 60)):  # a mail goes out, and many click on it within a minute
            session += 1
            own = _visit(rng, session, at_s + rng.expovariate(1 / 20.0), thinks, services)
            counts.append(len(own))
            made += own
    last_s = BEGIN_S + end_s
    seen = sorted((one for one in made if one.end_s <= last_s), key=lambda one: one.end_s)
    return Truth(seen, session, sum(counts) / len(counts), sum(thinks) / len(thinks), sum(services) / len(services))


def _visit(rng: random.Random, session: int, at_s: float, thinks: list[float], services: list[float]) -> list[Request]:
    own: list[Request] = []
    state, pod = "skim", f"10.9.8.{rng.randint(1, 4)}:3000"
    client, name = f"198.51.{session // 250 % 250}.{session % 250 + 1}", f"{session:08x}-{rng.getrandbits(64):016x}"
    while state != "leave":
        took_s = rng.gauss(0.004, 0.0005) if rng.random() < 0.6 else rng.gauss(0.25, 0.03)
        took_s = max(took_s, 0.001)
        first = not own
        own.append(
            Request(
                BEGIN_S + at_s, took_s, took_s, session, pod, 200, "gw", client, AGENTS[session % 3],
                "" if first else target_cookie(pod), target_cookie(pod) if first else "",
                "" if first else name, name if first else "",
            )
        )  # fmt: skip
        services.append(took_s)
        state = rng.choices(*zip(*_STEPS[state], strict=True))[0]
        if state != "leave":
            pause_s = rng.uniform(*_PAUSE_S[state])
            thinks.append(pause_s)
            at_s += took_s + pause_s
    return own
