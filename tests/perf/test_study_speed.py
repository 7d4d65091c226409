"""The speed of a study: two workers against one, as a ratio in one run."""

import json
import os
import subprocess
import sys
from time import perf_counter

import pytest

pytestmark = pytest.mark.perf

ROLLOUT = """\
schema: simsticky/1
name: rollout
run: {until: drained, horizon: 1h, seed: 7}
traffic:
  sessions: {kind: poisson, rate: 3/s}
  requests: {kind: geometric, mean: 20}
  think: {kind: exponential, mean: 6s}
deployment: {name: app, replicas: 3, preStop: 30s, terminationGracePeriodSeconds: 60}
upstream: {algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: sid}}
kic: {enableDrainSupport: true}
timeline:
  - {at: 5m, rollout: app}
"""


def measure() -> dict[str, float]:
    """Return the wall seconds of two interleaved rounds of the same sweep, on one worker and on two.

    The start of the workers counts.
    """
    from simsticky.scenario.reading.load import loads
    from simsticky.study.sweep import sweep

    scenario = loads(ROLLOUT)
    settings = {"deployment.preStop": ["0s", "15s", "30s", "60s"], "deployment.grace": "preStop + 30s"}
    seconds = {"1": 0.0, "2": 0.0}
    for jobs in (1, 2, 1, 2):
        begun = perf_counter()
        sweep(scenario, settings, 10, jobs=jobs, engine="interpreted")
        seconds[str(jobs)] += perf_counter() - begun
    return seconds


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
def test_two_workers_take_much_less_time_than_one(capsys: pytest.CaptureFixture[str]) -> None:
    """A sweep on 2 workers takes at most 0.8 of its time on 1, the start of the workers included.

    Measured once, in a process of its own. Half the time is what two workers are for; a start takes as long as a tenth
    of the sweep, and other work on the machine slows two workers down as it does one.
    """
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    ratio = seconds["2"] / seconds["1"]
    with capsys.disabled():
        print(f"\nsweep on 1 worker {seconds['1']:.1f} s, on 2 {seconds['2']:.1f} s: ratio {ratio:.2f}")
    assert ratio <= 0.8


if __name__ == "__main__":
    print(json.dumps(measure()))
