"""Random small scenarios for the engine: all that a request can meet, and all that the plane can stop for."""

from typing import NamedTuple

from hypothesis import strategies as st
from strategies import Mapping, operations, scenarios

_KINDS = ("rollout", "scale", "deletePod", "crash", "readinessFlap", "gatewayRestart", "configPush")


class Case(NamedTuple):
    """A scenario, and whether an algorithm of one's own stands in for the scenario's."""

    scenario: Mapping
    own: bool


@st.composite
def engine_cases(draw: st.DrawFn) -> Case:
    """Return a scenario of the other tests' generator, and often something more in it.

    More is: containers that crash, run out of memory or warm up, a way to state outside the pods, clients that never
    end, brisk traffic, an autoscaler, an algorithm of one's own, the load skew of the run without operations.
    """
    scenario = draw(scenarios(operations(_KINDS)))
    app, traffic, run = scenario["app"], scenario["traffic"], scenario["run"]

    def one_of(number: int) -> bool:
        return draw(st.integers(1, number)) == number

    if one_of(2):
        # One cookie and one request at a time: most sends are regular.
        for several in ("tabs", "paths", "otherUpstream", "connections"):
            traffic.pop(several, None)
        traffic["cookies"]["clear"] = 0.0
        run["until"] = "drained"
        if one_of(2):
            traffic["cookies"]["keep"] = 1.0
    if one_of(2):
        app["sessionTimeout"], app["state"], traffic["think"] = 1.0, "pod", {"kind": "exponential", "mean": 4.0}
    if one_of(4):
        app["crash"] = {"every": {"kind": "exponential", "mean": draw(st.sampled_from([15.0, 60.0]))}}
    if one_of(6):
        app["oom"] = {"sessions": draw(st.sampled_from([2, 5, 20]))}
    if one_of(4):
        app["warmUp"] = {"duration": draw(st.sampled_from([5.0, 30.0])), "slowdown": draw(st.sampled_from([2.0, 8.0]))}
    if app["state"] == "external" and one_of(2):
        app["externalLatency"] = draw(st.sampled_from([0.25, {"kind": "exponential", "mean": 0.2}]))
    if traffic["sessions"]["kind"] == "closed" and "connections" not in traffic and one_of(2):
        # Brisk enough for more draws to be wanted.
        traffic |= {"requests": "endless", "think": 0.05, "service": 0.05}
        run["until"] = 90.0
    elif traffic["sessions"]["kind"] == "poisson" and one_of(3):
        traffic["sessions"]["rate"] = 10.0
        traffic["think"] = {"kind": "exponential", "mean": 2.0}
        traffic["service"] = 0.125
    if one_of(8):
        scenario["autoscaler"] = {"minReplicas": 1, "maxReplicas": 6, "syncPeriod": 5.0, "metricResolution": 5.0}
    # Long enough for all sessions to end, but for those of brisk traffic that is not served and tries again.
    run["horizon"] = 200.0 if traffic["sessions"].get("rate") == 10.0 else 600.0
    run["skewFloor"] = one_of(3)
    return Case(scenario, one_of(8))
