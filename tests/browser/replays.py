"""Runs to replay, their pages, and what tests ask an open replay for."""

from functools import cache

import numpy as np
from small_scenario import small

import simsticky as ss
from simsticky.report.html import comparison_page
from simsticky.study.compare import compare

HOSTILE = "<script>document.title='owned'</script><img src=https://example.org/x onerror=alert(1)>"
LONGER = {"deployment__preStop": "30s", "deployment__grace": "60s"}
CRASHES = {"app__crash": {"every": {"kind": "exponential", "mean": "20s"}, "versions": "new"}}
HASHED = {
    "upstream": {"algorithm": "consistent-hashing", "hashOn": {"input": "ip"}, "hashOnFallback": {"input": "none"}},
}


@cache
def run_of(kind):
    """A rolling update, and its like with crashes, failing requests, a crowd and so on."""
    changes = {
        "rollout": {},
        "crashes": CRASHES,
        "failing": {**CRASHES, "gateway__retries": 0},
        "still": {"timeline": [], "run__until": "1m"},
        "outside": {"app__state": "external"},
        "connections": {"traffic__connections": "long-lived"},
        "hashed": HASHED,
        "crowd": {"traffic__sessions__rate": "16/s", "run__until": "3m"},
    }[kind]
    return ss.simulate(small(name=HOSTILE, **changes))


@cache
def page_text(kind):
    """The page of such a run."""
    return ss.report(run_of(kind))


@cache
def compared():
    """A comparison of two settings, and the page that replays both."""
    one = small(run__skewFloor=False)
    two = one.evolve({name.replace("__", "."): value for name, value in LONGER.items()})
    found = compare({"now": one, HOSTILE: two}, 2, 3)
    runs = [("now", ss.simulate(one, 3)), (HOSTILE, ss.simulate(two, 3))]
    return runs, comparison_page(found)


def call(browser, body, *arguments):
    """Run a script with the replay as ``replay`` and the section as ``root``."""
    return browser.execute_script(
        f"const root = document.getElementById('replay'), replay = root.replay; {body}", *arguments
    )


def moments(run, data):
    """Ten moments of a replay, in hundredths, at which nothing happens to any session."""
    times = np.concatenate([run.requests["ended_s"].dropna(), run.sessions[["started_s", "ended_s"]].stack()])
    busy = np.sort(100 * (times - data["from_s"]))
    free = np.arange(100, data["length"] - 100)
    after = np.searchsorted(busy, free)
    gaps = np.minimum(free - busy[after - 1], busy[np.minimum(after, len(busy) - 1)] - free)
    free = free[np.abs(gaps) > 0.6]
    wanted = np.linspace(200, data["length"] - 200, 10)
    return [int(free[np.abs(free - want).argmin()]) for want in wanted]
