"""The parts of a draft: how values are written, what flags mean, and that what is written down is what was read."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simsticky.errors import InputError
from simsticky.manifests.reading import read_manifests
from simsticky.scenario.location import read_documents
from simsticky.scenario.reading.load import load, loads
from simsticky.study.draft.asked import Asked, read_asked
from simsticky.study.draft.draft import Source, draft
from simsticky.study.draft.sizing import rollout_s, run_values, timeline
from simsticky.study.draft.values import Value, block, flow
from simsticky.units import parse_duration
from simsticky.workload.effort import effort_of

TESTS = Path(__file__).parents[1]
MANIFESTS = [
    *sorted((TESTS / "unit" / "manifests").glob("*.yaml")),
    *sorted(path for path in (TESTS / "cases").rglob("*.yaml") if path.name not in ("s.yaml", "alone.yaml")),
]

_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn", "Zl", "Zp")), max_size=12)
_PLAIN = (
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | _WORDS
)
_DATA = st.recursive(
    _PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3), max_leaves=6
)


@given(_DATA)
@example({"Null": None, "~": "null"})
def test_whatever_is_written_on_one_line_is_read_back(data):
    """Texts that YAML would take for something else are quoted: yes, 1:30, 1e3, the empty text, a colon."""
    (document,) = read_documents(f"value: {flow(data)}", "draft")
    assert document.data == {"value": data}


@pytest.mark.parametrize("text", ["6m", "p50", "50%", "k8s/", "../k8s/app.yaml", "finishInFlight", "120/min"])
def test_what_people_write_plainly_stays_plain(text):
    """Durations, shares, rates and paths have no quotes."""
    assert flow(text) == text


def test_values_are_written_as_sections_with_their_origin():
    """Nested as the format wants it, each value's origin behind it."""
    values = [
        Value(("traffic", "rps"), "120", "stated: --rps"),
        Value(("kic", "enableDrainSupport"), "false", "GUESS: off"),
        Value(("traffic", "cookies", "keep"), "0.98", "GUESS: 2 %"),
    ]
    assert block(values) == [
        "traffic:",
        "  rps: 120     # stated: --rps",
        "  cookies:",
        "    keep: 0.98 # GUESS: 2 %",
        "kic:",
        "  enableDrainSupport: false # GUESS: off",
    ]


def test_flags_are_read_in_the_units_of_people():
    """Quantiles, mean and cv, a plain mean where one will do, a share of clients without cookies."""
    asked = read_asked(rps="7200/min", session="mean=10m, cv=1.5", think="10s", pods_start="20s", cookieless="2%")
    assert (asked.rps, asked.keep) == ("7200/min", 0.98)
    assert asked.session == {"mean": "10m", "cv": 1.5}
    assert asked.think == {"kind": "exponential", "mean": "10s"}
    assert asked.startup == {"mean": "20s", "cv": 0.4}


def test_all_wrong_flags_are_told_at_once():
    """Nobody mends one flag to learn of the next."""
    with pytest.raises(InputError) as caught:
        read_asked(rps="x", session="6m", cookieless="2", settings=["nonsense"])
    flags = [problem.file for problem in caught.value.diagnostics]
    assert sorted(flags) == ["--cookieless", "--rps", "--session", "--set"]


def test_each_flag_is_judged_beside_the_others():
    """Whether a session is too short hangs on the service that was stated with it."""
    with pytest.raises(InputError, match="--session: sessions so short"):
        read_asked(session="p50=80ms,p95=1s")
    assert read_asked(session="p50=80ms,p95=1s", service="1ms").session is not None


@pytest.mark.quick_cases(18)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_is_written_down_is_what_was_read(path, tmp_path):
    """The draft that names its manifests and the one that holds their values are one scenario, whatever they say."""
    manifests = read_manifests([path])
    if manifests.problems or manifests.blue_green is not None:
        pytest.skip("these manifests make no scenario by themselves")
    asked = Asked(rps="400")
    referring = draft(Source(manifests, (str(path),), tmp_path, "manifests"), asked)
    holding = draft(Source(manifests, (), tmp_path, "manifests"), asked)
    assert holding.scenario.digest() == referring.scenario.digest()
    assert loads(holding.text, "draft").digest() == referring.scenario.digest()


def scenario(**deployment):
    return load(TESTS.parent / "scenarios" / "rolling.yaml").evolve(
        {f"deployment.{key}": value for key, value in deployment.items()}
    )


def test_a_rollout_is_estimated_from_its_steps():
    """The more pods at a time, the shorter; a StatefulSet waits for each pod's end."""
    slow, fast = scenario(replicas=12, maxSurge=1, maxUnavailable=0), scenario(replicas=12, maxSurge="50%")
    assert rollout_s(slow) > 2 * rollout_s(fast)
    assert rollout_s(scenario(replicas=12, kind="StatefulSet")) > rollout_s(slow)


def test_a_first_run_is_as_long_as_its_effort_allows():
    """Ten to thirty replications by the estimate, and a horizon that next to no session outlasts."""
    light = scenario().evolve({"traffic.sessions.rate": "1/s"})
    few = scenario().evolve({"traffic.sessions.rate": "400/s"})
    longer = scenario().evolve({"traffic.sessionDuration": {"kind": "lognormal", "p50": "1h", "p95": "4h"}})
    run = [{value.name: value.written for value in run_values(each)} for each in (light, few, longer)]
    assert effort_of(few).seconds > 2
    assert [each["run.replications"] for each in run[:2]] == ["30", "10"]
    assert parse_duration(run[2]["run.horizon"]) > 2 * parse_duration(run[0]["run.horizon"])


def test_a_paused_workload_is_resumed():
    """A rollout of a paused Deployment alone would show nothing."""
    assert [entry.what for entry in timeline(scenario(paused=True))] == ["rollout: example-app", "resume: example-app"]
