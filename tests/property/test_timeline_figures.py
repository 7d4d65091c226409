"""What else is on the timeline, and in which order it is written, changes no figure that is not its own."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate

UNION = ("exposed_sessions", "broken_exposed_sessions", "alive_sessions", "broken_alive_sessions")
_OF_ENTRY = ("exposed_sessions", "broken_exposed_sessions", "alive_sessions", "broken_alive_sessions")
_PLACES = ("operation", "entry")
"""What an operation's row says of its place on the timeline."""

_HARMFUL = st.one_of(
    st.just({"rollout": "app"}),
    st.builds(lambda replicas: {"scale": "app", "replicas": replicas}, st.integers(1, 5)),
    st.builds(lambda count: {"deletePod": "app", "count": count}, st.integers(1, 2)),
    st.just({"crash": "app"}),
    st.just({"readinessFlap": "app", "for": "20s"}),
    st.just({"gatewayRestart": "kong-1", "downtime": "5s"}),
)
_HARMLESS = st.sampled_from(
    [
        {"configPush": "all"},
        {"configPush": "kong-1", "every": "7s", "times": 3},
        {"pause": "app"},
        {"gatewayRestart": "kong-1", "downtime": "3s"},
        {"traffic": {"rateFactor": 1.0}},
    ]
)
_UPSTREAMS = {
    "sticky-sessions": {"hashOn": {"input": "none"}, "stickySessions": {"cookie": "id"}},
    "consistent-hashing": {"hashOn": {"header": "x-user"}},
    "round-robin": {},
}

_SLOW = settings(max_examples=max(25, settings().max_examples // 4), suppress_health_check=[HealthCheck.too_slow])
"""A run takes longer than what hypothesis is made for, so there are fewer in the slow tier."""


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Return a scenario without a timeline, with the delays of real clusters."""
    algorithm = draw(st.sampled_from(sorted(_UPSTREAMS)))
    return {
        "run": {
            "until": draw(st.sampled_from(["drained", "7m"])),
            "horizon": "12m",
            "settle": "5s",
            "skewFloor": False,
            "seed": draw(st.integers(0, 10_000)),
        },
        "traffic": {
            "sessions": {"kind": "poisson", "rate": "0.6/s"},
            "requests": {"kind": "geometric", "mean": 5},
            "think": {"kind": "exponential", "mean": "3s"},
            "service": "100ms",
            "cookies": {"keep": draw(st.sampled_from([1.0, 0.7]))},
        },
        "app": {"startup": draw(st.sampled_from(["2s", "7s"]))},
        "deployment": {
            "name": "app",
            "replicas": draw(st.integers(2, 4)),
            "grace": 30,
            "preStop": draw(st.sampled_from([None, "9s"])),
            "readinessProbe": {"periodSeconds": 1, "failureThreshold": 1},
        },
        "upstream": {"algorithm": algorithm, **_UPSTREAMS[algorithm]},
        "gateway": {"nodes": draw(st.integers(1, 2))},
        "kic": {"enableDrainSupport": draw(st.booleans()), "proxySyncSeconds": draw(st.sampled_from([0, 3]))},
    }


def run(world: dict[str, Any], timeline: list[dict[str, Any]]) -> Result:
    """Simulate a world with a timeline, its invariants checked."""
    return simulate(Scenario.model_validate({**world, "timeline": timeline}), verify=True)


def of_entries(result: Result) -> dict[int, dict[str, Any]]:
    """Return the counts of each entry by its number."""
    entries = range(1, len(result.scenario.timeline) + 1)
    return {k: {name: result.summary[f"entries.{k}.{name}"] for name in _OF_ENTRY} for k in entries}


def rows(result: Result) -> list[dict[str, Any]]:
    """Return what the operations' rows say, but for their places, in order of time."""
    found = sorted(result.operation_rows, key=lambda row: row["start_s"])
    return [{name: value for name, value in row.items() if name not in _PLACES} for row in found]


@_SLOW
@given(world=worlds(), first=_HARMFUL, more=_HARMLESS)
def test_what_comes_when_all_is_over_changes_nothing(
    world: dict[str, Any], first: dict[str, Any], more: dict[str, Any]
) -> None:
    """An operation that exposes nobody, after the last exposed session's last request: the same to the digit."""
    alone = run(world, [{"at": 40.0, **first}])
    exposed = {session for session, _ in alone.recording.exposures}
    sent = alone.requests
    ends_s = sent.loc[sent["session"].isin(exposed), "sent_s"].max() if exposed else 40.0
    done_s = max(value for row in alone.operation_rows for name, value in row.items() if name.endswith("_s") and value)
    at_s = float(max(ends_s, done_s, alone.recording.end_s if world["run"]["until"] == "drained" else 0.0)) + 20.0
    both = run(world, [{"at": 40.0, **first}, {"at": at_s, **more}])
    if both.summary["entries.2.exposed_sessions"]:
        return
    for name in (*UNION, "broken_sessions", "broken_of_alive"):
        assert both.summary[name] == alone.summary[name], name
    assert of_entries(both)[1] == of_entries(alone)[1]
    assert rows(both)[0] == rows(alone)[0]


@_SLOW
@given(world=worlds(), entries=st.lists(st.one_of(_HARMFUL, _HARMLESS), min_size=2, max_size=4), data=st.data())
def test_the_order_of_the_entries_changes_nothing(
    world: dict[str, Any], entries: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Entries with distinct times do the same in any order: their figures are theirs wherever they are written."""
    timeline = [{**entry, "at": 40.0 + 25.1 * place} for place, entry in enumerate(entries)]
    order = data.draw(st.permutations(range(len(timeline))))
    written = run(world, timeline)
    shuffled = run(world, [timeline[place] for place in order])
    assert {name: shuffled.summary[name] for name in UNION} == {name: written.summary[name] for name in UNION}
    assert rows(shuffled) == rows(written)
    by_entry = of_entries(written)
    assert of_entries(shuffled) == {k: by_entry[place + 1] for k, place in enumerate(order, start=1)}
