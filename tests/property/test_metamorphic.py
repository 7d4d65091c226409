"""Two runs on the same draws: what a change may do to breaks, and under which conditions that is a theorem.

Both statements are about a scenario in which *exactly one pod is removed* (a scale-down by one) and nothing else is
done. Until the first moment at which the two runs can differ they are the same event by event, because every draw is
keyed by what it is for. From there on:

* A session breaks at most once: it leaves the removed pod for one that stays, whose sessions never break.
* A session that breaks in the better run sends a request after the removed pod has stopped answering there. Up to its
  first divergent request it has the same history in the worse run, where that request too finds its pod gone.

What the statements need, and what goes wrong without it:

* One removal. In a rollout a session that leaves *later* picks among other targets, and may pick an old pod that goes
  as well, where the earlier pick met a new one: one more break with a longer preStop.
* A preStop beyond the push of the weight 0 (endpoint update, sync and push), in both runs of the first statement. A
  shorter one makes the pod refuse the newcomers that the longer one lets in, to be broken later.
* Clients that go on after a failure. One that abandons a session when the pod is killed is gone before it can break.
* Survivors that answer: with timeouts, no retries, or nobody left, the next request fails, and a failure is no break.
* State that does not expire, so that every break has the removal as its cause.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import scale_downs

from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate

_SLOW = settings(max_examples=settings().max_examples // 3, suppress_health_check=[HealthCheck.too_slow])
_PUSHED_WITHIN_S = 20.0
"""More than the bounds of all delays on the way of the weight 0: endpoint, watch, sync, and a push under way."""
_BOUNDED = {"kind": "uniform", "low": 0, "high": 2}


def _run(scenario: Mapping[str, Any], pre_stop_s: float, slack_s: int, *, drain: bool = True) -> Result:
    changed = deepcopy(dict(scenario))
    changed["deployment"] |= {"preStop": pre_stop_s, "grace": int(pre_stop_s) + slack_s}
    changed["kic"] |= {"enableDrainSupport": drain}
    return simulate(Scenario.model_validate(changed), verify=True)


def _broken(result: Result) -> set[int]:
    sessions = result.sessions
    return set(sessions.loc[sessions["breaks"] > 0, "session"])


@_SLOW
@given(scale_downs(), st.integers(0, 15), st.integers(1, 25), st.integers(2, 10))
def test_longer_prestop_never_adds_lost_breaks(
    scenario: Mapping[str, Any], beyond_s: int, longer_s: int, slack_s: int
) -> None:
    """With drain support on, waiting longer saves sessions and breaks no other."""
    scenario["kic"] |= {"watchDelay": _BOUNDED, "pushDelay": _BOUNDED}
    scenario["kubernetes"] |= {"endpointUpdate": _BOUNDED}
    short = _run(scenario, _PUSHED_WITHIN_S + beyond_s, slack_s)
    long = _run(scenario, _PUSHED_WITHIN_S + beyond_s + longer_s, slack_s)
    assume(short.summary["censored_sessions"] in (0, None) and long.summary["censored_sessions"] in (0, None))
    assert _broken(long) <= _broken(short)
    assert long.summary["lost"] <= short.summary["lost"]


@_SLOW
@given(scale_downs(), st.integers(0, 40), st.integers(2, 10))
def test_drain_on_never_breaks_more_sessions_than_drain_off(
    scenario: Mapping[str, Any], pre_stop_s: int, slack_s: int
) -> None:
    """Whoever breaks with it breaks without it too."""
    on = _run(scenario, pre_stop_s, slack_s)
    off = _run(scenario, pre_stop_s, slack_s, drain=False)
    assume(on.summary["censored_sessions"] in (0, None) and off.summary["censored_sessions"] in (0, None))
    assert _broken(on) <= _broken(off)
    assert on.summary["broken_exposed_sessions"] <= off.summary["broken_exposed_sessions"]


@_SLOW
@given(scale_downs(), st.integers(0, 30), st.integers(2, 10))
def test_the_two_runs_are_the_same_until_the_operation(
    scenario: Mapping[str, Any], pre_stop_s: int, slack_s: int
) -> None:
    """Two policies meet the same sessions and the same luck up to the deletion."""
    runs = [_run(scenario, pre_stop_s, slack_s, drain=drain) for drain in (True, False)]
    before = [run.requests[run.requests["sent_s"] < 20.0] for run in runs]
    columns = ["session", "request", "sent_s", "started_s", "pod", "node"]
    assert before[0][columns].to_dict("list") == before[1][columns].to_dict("list")
    assert runs[0].pods["pod"].tolist() == runs[1].pods["pod"].tolist()
