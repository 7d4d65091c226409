"""A simulate whose answer is a formula: sessions with exponential residual lives on a pod that serves for a window."""

from types import SimpleNamespace

import numpy as np

MEAN_S = 60.0
EXPOSED = 400
ALIVE = 1000


def window_s(scenario):
    """How long a removed pod serves: preStop, cut by the grace period; not at all without drain support."""
    deployment = scenario.deployment
    hook = 0.0 if deployment.pre_stop is None else deployment.pre_stop.seconds
    if not scenario.kic.enable_drain_support:
        return 0.0
    return min(hook, deployment.termination_grace_period_seconds)


def simulate(scenario, *, seed, replication):
    """Break the sessions that outlive the window; the same lives in every setting."""
    lives = np.random.default_rng([seed, replication]).exponential(1.0, EXPOSED)
    window = window_s(scenario)
    return result(int((lives * MEAN_S > window).sum()), window, scenario, replication)


def simulate_by_duration(scenario, *, seed, replication):
    """The same with lives as long as the scenario's think time says."""
    lives = np.random.default_rng([seed, replication]).exponential(1.0, EXPOSED)
    window = window_s(scenario)
    return result(int((lives * scenario.traffic.think.mean > window).sum()), window, scenario, replication)


def simulate_with_a_bump(scenario, *, seed, replication):
    """Good from 100 s on, bad again from 200 s to 480 s: no range to bisect."""
    window = window_s(scenario)
    share = 0.5 if 200 <= window < 480 else 0.02 if window >= 100 else 0.6
    rng = np.random.default_rng([seed, replication])
    return result(int((rng.random(EXPOSED) < share).sum()), window, scenario, replication)


def simulate_on_the_line(scenario, *, seed, replication):
    """Five per cent broken whatever the setting: nobody can tell whether that is below 5 %."""
    rng = np.random.default_rng([seed, replication])
    return result(int((rng.random(EXPOSED) < 0.05).sum()), window_s(scenario), scenario, replication)


def simulate_by_algorithm(scenario, *, seed, replication):
    """Sticky sessions as above; under any other algorithm nobody is exposed, and nearly everybody breaks anyway."""
    found = simulate(scenario, seed=seed, replication=replication)
    if scenario.upstream.algorithm == "sticky-sessions":
        return found
    lost = {"exposed_sessions": 0, "broken_exposed_sessions": 0, "sticky_bound_sessions": 0}
    summary = {**found.summary, **lost, "broken_any_cause_sessions": 930 + replication % 7}
    return SimpleNamespace(summary=summary, digest=f"rr{replication}", warnings=(), operation_rows=[], waits=None)


def simulate_with_failures(scenario, *, seed, replication):
    """A longer window breaks fewer sessions, and fails one request in a hundred from two minutes on."""
    found = simulate(scenario, seed=seed, replication=replication)
    found.summary["requests_failed"] = 100 + replication % 5 if window_s(scenario) > 120 else 0
    return found


def result(broken, window, scenario, replication):
    """The part of a result that a study keeps."""
    surge = scenario.deployment.strategy.rolling_update.max_surge
    summary = {
        "exposed_sessions": EXPOSED,
        "broken_exposed_sessions": broken,
        "sticky_bound_sessions": EXPOSED,
        "any_cause_sessions": ALIVE,
        "broken_any_cause_sessions": broken,
        "origin.drain_off": 0 if scenario.kic.enable_drain_support else broken,
        "origin.drain_window_too_short": broken,
        "requests_sent": 10_000,
        "requests_answered": 10_000,
        "requests_failed": 0,
        "last_old_pod_gone_s": window + 1.0,
        "peak_pods": 3 + (surge if isinstance(surge, int) else 1),
        "extra_pod_s": window,
    }
    return SimpleNamespace(summary=summary, digest=f"{broken:x}", warnings=(), operation_rows=[], waits=None)
