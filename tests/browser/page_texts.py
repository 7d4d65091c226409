"""The pages that the browser opens: one of each kind, with names that are hostile and long."""

from functools import cache

from small_scenario import small
from sweeps import hand_made

import simsticky as ss
from simsticky.report.html import report_page, tradeoff_page

HOSTILE = "<script>document.title='owned'</script>\"'</script><img src=https://example.org/x onerror=alert(1)>"


@cache
def report_text():
    """The report of a rolling update whose name and description are hostile and long."""
    scenario = small().evolve({"name": HOSTILE, "about": HOSTILE + "x" * 5000, "thresholds.broken_sessions": "< 1%"})
    return report_page(ss.replicate(scenario, 3), ss.simulate(scenario))


@cache
def tradeoff_text():
    """The trade-off page of a hand-made sweep with a hostile name."""
    return tradeoff_page(hand_made(name=HOSTILE))


@cache
def comparison_text(others=1):
    """The page of a comparison with one other scenario or several, of hostile names."""
    base = small(run__record="summary", run__skewFloor=False)
    sides = {f"{HOSTILE} {n}": base.evolve({"deployment.preStop": f"{n}s"}) for n in range(10, 11 + 2 * others, 2)}
    return ss.report(ss.compare(sides, 4))


@cache
def recommendation_text():
    """The page of a recommendation that hangs on drain support, so that it has two answers and a patch."""
    base = small(run__record="summary", run__skewFloor=False, kic__enableDrainSupport=None)
    vary = {"deployment.preStop": ["0s", "15s", "40s"], "deployment.grace": "preStop + 30s"}
    return ss.report(ss.recommend(base, "broken_sessions < 50%", vary, n=10))


@cache
def crowded_text():
    """The report of a rolling update of 40 pods."""
    scenario = small(deployment__replicas=40, deployment__maxSurge=5, traffic__sessions__rate="4/s")
    return report_page(ss.replicate(scenario, 2), ss.simulate(scenario))


@cache
def unmeasured_text():
    """The report of a run in which nothing was measured, with the threshold's reason, many warnings and operations."""
    timeline = [{"at": f"{n}m", "readinessFlap": "app", "for": "1s"} for n in range(1, 6)]
    scenario = small(timeline).evolve({"thresholds.broken_sessions": "< 1%", "about": "About. " * 200})
    return report_page(ss.replicate(scenario, 2), ss.simulate(scenario))


@cache
def answers():
    """The pages of a comparison and of a recommendation, with hostile names."""
    base = small(run__record="summary", run__skewFloor=False).evolve({"name": HOSTILE})
    sides = {HOSTILE: base, "off": base.evolve({"kic.enableDrainSupport": False})}
    found = ss.recommend(base, "broken_sessions < 50%", {"deployment.preStop": ["0s", "25s"]}, n=2)
    return {"comparison": ss.report(ss.compare(sides, n=2)), "recommendation": ss.report(found)}


TEXTS = {
    "report": report_text,
    "crowded": crowded_text,
    "unmeasured": unmeasured_text,
    "tradeoff": tradeoff_text,
    "comparison": comparison_text,
    "comparison of four": lambda: comparison_text(3),
    "recommendation": recommendation_text,
}
