"""The scenario model: defaults, short forms, rules, evolve, digest, provenance."""

import json
import pickle
import subprocess
import sys

import pytest
from pydantic import ValidationError

from simsticky.errors import InputError
from simsticky.scenario.model import Scenario
from simsticky.scenario.paths.changes import parse_settings

STICKY = {
    "upstream": {
        "algorithm": "sticky-sessions",
        "hashOn": {"input": "none"},
        "stickySessions": {"cookie": "session-id"},
    },
    "deployment": {"name": "shop", "replicas": 3, "preStop": "30s", "grace": "60s"},
    "timeline": [{"at": "10m", "rollout": "shop"}],
}


def scenario(**sections):
    return Scenario.model_validate({**STICKY, **sections})


def test_an_empty_mapping_is_a_scenario_of_defaults():
    """Every field has a default, the API server's where Kubernetes has one, Kong's where Kong has one."""
    s = Scenario.model_validate({})
    assert (s.run.until, s.run.horizon, s.run.settle, s.run.replications) == ("drained", 7200.0, 60.0, 30)
    d = s.deployment
    assert (d.replicas, d.progress_deadline_seconds, d.termination_grace_period_seconds) == (1, 600, 30)
    assert (d.strategy.rolling_update.max_surge, d.strategy.rolling_update.max_unavailable) == ("25%", "25%")
    assert (d.min_ready_seconds, d.revision_history_limit, d.paused, d.pre_stop) == (0, 10, False, None)
    assert (s.upstream.algorithm, s.upstream.slots) == ("round-robin", 10000)
    assert (s.gateway.retries, s.gateway.connect_timeout) == (5, 60.0)
    assert (s.kic.enable_drain_support, s.kic.proxy_sync_seconds) == (False, 3.0)
    assert s.traffic.requests.mean == 10
    assert s.traffic.think.mean == 7


@pytest.mark.parametrize(
    ("written", "listener", "exits", "after_s"),
    [
        ("exit", "close", "immediately", 0),
        ("finishInFlight", "close", "whenIdle", 0),
        ("ignore", "keep", "never", 0),
        ({"listener": "keep", "exit": {"after": "5s"}}, "keep", "after", 5),
        ({"exit": "never"}, "close", "never", 0),
    ],
)
def test_forms_of_on_sigterm(written, listener, exits, after_s):
    """Short and long forms come to one normal form, which is written back so that it reads the same."""
    reaction = scenario(app={"onSigterm": written}).app.on_sigterm
    assert (reaction.listener, reaction.exit, reaction.after_s) == (listener, exits, after_s)
    assert type(reaction).model_validate(reaction.model_dump()) == reaction


@pytest.mark.parametrize(
    ("written", "kind", "seconds", "until", "at_most_s"),
    [
        ("30s", "sleep", 30, None, 0),
        (30, "sleep", 30, None, 0),
        ({"sleep": "1m"}, "sleep", 60, None, 0),
        ({"fails": True}, "fails", 0, None, 0),
        ({"waitUntil": "noSessions", "atMost": "10m"}, "waitUntil", 0, "noSessions", 600),
    ],
)
def test_forms_of_pre_stop(written, kind, seconds, until, at_most_s):
    """A preStop hook is a sleep, a failing command, or a wait; each written form reads back."""
    hook = scenario(deployment={"name": "shop", "preStop": written}).deployment.pre_stop
    assert (hook.kind, hook.seconds, hook.until, hook.at_most_s) == (kind, seconds, until, at_most_s)
    assert type(hook).model_validate(hook.model_dump()) == hook


def test_delays_can_all_be_set_at_once():
    """``delays`` sets every delay of its section, and one given itself wins."""
    s = scenario(kubernetes={"delays": "0s", "podRemoval": "2s"}, kic={"delays": 0})
    assert s.kubernetes.pod_removal.mean == 2
    assert s.kubernetes.scheduler.is_zero
    assert s.kubernetes.status_update.is_zero
    assert s.kic.push_delay.is_zero
    assert s.kic.watch_delay.is_zero
    assert s.kubernetes.nodes == 3


@pytest.mark.parametrize(
    ("sections", "where", "message"),
    [
        ({"traffic": {"requests": 3, "sessionDuration": "5m"}}, "sessionDuration", "exclude each other"),
        ({"traffic": {"trace": "a.csv", "think": "1s"}}, "think", "exclude each other"),
        ({"traffic": {"requests": "endless"}}, "requests", "closed population"),
        ({"traffic": {"requests": 0}}, "requests", "at least one request"),
        ({"traffic": {"sessions": {"kind": "piecewise", "steps": []}}}, "steps", "at least 1 item"),
        (
            {"traffic": {"sessions": {"kind": "piecewise", "steps": [{"from": "1s", "rate": 1}]}}},
            "from",
            "begin at 0s",
        ),
        (
            {"traffic": {"sessions": {"kind": "piecewise", "steps": [{"from": 0, "rate": 1}, {"from": 0, "rate": 2}]}}},
            "from",
            "after the one before",
        ),
        ({"traffic": {"cookies": {"keep": 1.1}}}, "keep", "less than or equal to 1"),
        ({"deployment": {"name": "shop", "maxSurge": 0, "maxUnavailable": 0}}, "maxUnavailable", "may not be 0 when"),
        ({"deployment": {"name": "shop", "maxSurge": "0%", "maxUnavailable": "0%"}}, "maxUnavailable", "may not be 0"),
        ({"deployment": {"name": "shop", "maxUnavailable": "101%"}}, "maxUnavailable", "not be greater than 100%"),
        ({"deployment": {"name": "shop", "maxSurge": -1}}, "maxSurge", "greater than or equal to 0"),
        ({"deployment": {"name": "shop", "minReadySeconds": 600}}, "minReadySeconds", "less than progressDeadline"),
        (
            {"deployment": {"name": "shop", "minReadySeconds": 60, "progressDeadlineSeconds": 60}},
            "progressDeadlineSeconds",
            "greater than minReady",
        ),
        ({"deployment": {"name": "shop", "replicas": 10**12}}, "replicas", "too large"),
        ({"deployment": {"name": "shop", "replicas": True}}, "replicas", "not a whole number"),
        ({"deployment": {"name": "shop", "grace": "1.5s"}}, "Seconds", "whole number of seconds"),
        ({"deployment": {"name": "shop", "startupProbe": {"successThreshold": 2}}}, "successThreshold", "equal to 1"),
        ({"deployment": {"name": "other"}}, "rollout", "there is no Deployment 'shop'"),
        ({"timeline": [{"at": "1m", "rollout": "shop", "scale": "shop"}]}, "0", "one operation an entry"),
        ({"timeline": [{"at": "1m"}]}, "0", "needs one of rollout, scale, deletePod"),
        ({"timeline": ["rollout"]}, "0", "is a mapping"),
        ({"timeline": [{"at": "-1m", "rollout": "shop"}]}, "at", "must not be negative"),
        ({"upstream": {"algorithm": "sticky-sessions", "stickySessions": {"cookie": "a"}}}, "stickySessions", "'none'"),
        ({"run": {"until": "draned"}}, "until", "did you mean drained"),
        ({"run": {"horizon": 0}}, "horizon", "greater than 0"),
        ({"kic": {"enableDrainSupport": "yes"}}, "enableDrainSupport", "boolean"),
        ({"thresholds": {"broken_sessions": "1%"}}, "broken_sessions", "not a threshold"),
        ({"app": {"onSigterm": "finish"}}, "onSigterm", "did you mean finishInFlight"),
        ({"app": {"onSigterm": {"exit": "after"}}}, "onSigterm", "needs its time"),
        ({"deployment": {"name": "shop", "preStop": {"fails": False}}}, "preStop", "can only be true"),
        ({"deployment": {"name": "shop", "preStop": {"waitUntil": "noSessions"}}}, "preStop", "atMost"),
        ({"deployment": {"name": "shop", "preStop": -1}}, "seconds", "must not be negative"),
        ({"schema": "simsticky/2"}, "schema", "simsticky/1"),
        ({"foo": 1}, "foo", "not permitted"),
    ],
    ids=str,
)
def test_what_contradicts_the_rules_is_refused(sections, where, message):
    """Each rule of the format refuses at the field that is wrong, and says why."""
    with pytest.raises(ValidationError) as caught:
        scenario(**sections)
    errors = caught.value.errors()
    assert any(message in error["msg"] and str(error["loc"][-1]).endswith(where) for error in errors), errors


def test_rules_across_sections_speak_up_beside_wrong_types():
    """A wrong name on the timeline is told together with a wrong type elsewhere, not one after the other."""
    with pytest.raises(ValidationError) as caught:
        scenario(run={"seed": "x"}, timeline=[{"at": "10m", "rollout": "shoop"}])
    assert {error["loc"][0] for error in caught.value.errors()} == {"run", "timeline"}


def test_the_canonical_form_reads_back():
    """What is written as JSON validates to an equal scenario with the same digest."""
    s = scenario(traffic={"sessionDuration": "5m"}, app={"onSigterm": {"exit": {"after": "5s"}}})
    written = json.loads(json.dumps(s.to_json_dict()))
    again = Scenario.model_validate(written)
    assert again == s
    assert again.digest() == s.digest()
    assert "requests" not in written["traffic"]


def test_the_digest_changes_with_what_changes_results_only():
    """Names, thresholds and the number of replications are not part of a result; everything else is."""
    s = scenario()
    same = {"name": "x", "about": "y", "run.replications": 3, "thresholds.broken_sessions": "< 1%"}
    assert s.evolve(same).digest() == s.digest()
    for change in ({"run.seed": 2}, {"kic.enableDrainSupport": True}, {"traffic.think": "6s"}, {"timeline.0.at": 5}):
        assert s.evolve(change).digest() != s.digest()
    assert len(s.digest()) == 16


def test_the_digest_of_a_trace_is_that_of_its_content(tmp_path):
    """Moving a trace file changes nothing, changing a byte of it does."""
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    for file in (first, second):
        file.write_text("session,start_s\n")
    digests = [scenario(traffic={"trace": str(file)}).digest() for file in (first, second)]
    assert digests[0] == digests[1]
    second.write_text("session,start_s\n1,0\n")
    assert scenario(traffic={"trace": str(second)}).digest() != digests[0]


def test_the_digest_is_pinned():
    """The canonical form is stable: a changed digest is a change of the format, to be made knowingly."""
    assert Scenario.model_validate({}).digest() == Scenario.model_validate({"schema": "simsticky/1"}).digest()
    assert Scenario.model_validate({}).digest() == "b05b899992e8237d"


def test_evolve_changes_by_path():
    """Dotted paths, list indices, short names, law parameters and snake_case all reach their field."""
    s = scenario()
    e = s.evolve(
        {
            "kic.enableDrainSupport": True,
            "timeline.0.at": "5m",
            "deployment.preStop": "45s",
            "deployment.grace": "90s",
            "deployment.maxSurge": 2,
            "deployment.readinessProbe.periodSeconds": 3,
            "traffic.think.mean": 3,
            "kic.push_delay": 0,
            "kubernetes.delays": "0s",
        }
    )
    assert e.kic.enable_drain_support
    assert e.timeline[0].at_s == 300
    assert e.deployment.pre_stop.seconds == 45
    assert e.deployment.termination_grace_period_seconds == 90
    assert e.deployment.strategy.rolling_update.max_surge == 2
    assert e.deployment.readiness_probe.period_seconds == 3
    assert e.traffic.think.mean == 3
    assert e.kic.push_delay.is_zero
    assert e.kubernetes.api_write.is_zero
    assert s == scenario()


def test_evolve_with_none_takes_a_value_back():
    """None is the default again: no hook, the default law."""
    e = scenario(traffic={"think": "1s"}).evolve({"deployment.preStop": None, "traffic.think": None})
    assert e.deployment.pre_stop is None
    assert e.traffic.think.mean == 7


def test_evolve_to_another_algorithm_drops_what_belongs_to_the_former():
    """Comparing sticky-sessions with round-robin takes one change, not three."""
    e = scenario().evolve({"upstream.algorithm": "round-robin"})
    assert (e.upstream.algorithm, e.upstream.sticky_sessions, e.upstream.hash_on) == ("round-robin", None, None)


def test_evolve_between_requests_and_duration():
    """The newer choice of how a session ends wins."""
    s = scenario(traffic={"requests": 5})
    by_duration = s.evolve({"traffic.sessionDuration": "10m"})
    assert by_duration.traffic.session_duration.mean == 600
    by_count = by_duration.evolve({"traffic.requests": 7})
    assert by_count.traffic.session_duration is None
    assert by_count.traffic.requests.mean == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("kic.enableDrainSuport=true", "--set kic.enableDrainSuport: unknown, did you mean kic.enableDrainSupport?"),
        ("kicc.enableDrainSupport=true", "unknown, did you mean kic.enableDrainSupport?"),
        ("enableDrainSupport=true", "unknown, did you mean kic.enableDrainSupport?"),
        ("run.retries=3", "--set run.retries: unknown, did you mean gateway.retries?"),
        ("timeline.1.at=3", "timeline has 1 entry"),
        ("run.0=3", "run has 0 entries"),
        ("traffic.think.median=3", "--set traffic.think.median: unknown, did you mean traffic.think.mean?"),
        ("kic.enableDrainSupport=yes", "must be true or false, got 'yes'"),
        ("deployment.preStop=-3s", "must not be negative"),
        ("kubernetes.delays=-1s", "--set kubernetes.delays: a duration must not be negative"),
        ("upstream.algorithm=stiky-sessions", "did you mean sticky-sessions?"),
        ("upstream.stickySessions=null", "names no cookie"),
        ("traffic.think={kind: expo, mean: 3}", "did you mean exponential?"),
        ("timeline.0.rollout=shopp", "there is no Deployment 'shopp'"),
        ("deployment.preStop", "is not a setting"),
        ("=3", "is not a setting"),
        ("run.seed=[1", "not valid YAML"),
        ("run=3", "must be a mapping, got 3"),
    ],
)
def test_a_wrong_setting_names_its_key(change, message):
    """``--set`` reports wrong paths and values as the command line wrote them."""
    with pytest.raises(InputError) as caught:
        scenario().evolve(parse_settings([change]), source="--set")
    assert message in str(caught.value), str(caught.value)


def test_settings_are_yaml():
    """Values of ``--set`` are YAML, and a threshold's comparison needs no quotes."""
    settings = ["a=3", "b=true", "c=30s", "d={x: [1]}", "e=", "thresholds.f=> 1%", "g=a=b", "h=1:30"]
    assert parse_settings(settings) == {
        "a": 3,
        "b": True,
        "c": "30s",
        "d": {"x": [1]},
        "e": None,
        "thresholds.f": "> 1%",
        "g": "a=b",
        "h": "1:30",
    }


def test_provenance_follows_the_changes():
    """An evolved value comes from the change, and provenance is no part of identity."""
    s = scenario()
    e = s.evolve({"kic.delays": "0s", "deployment.grace": "90s"}, source="--set")
    assert e.came_from("kic.pushDelay") == "--set"
    assert e.came_from("deployment.terminationGracePeriodSeconds") == "--set"
    assert e.came_from("run.seed") == "default"
    back = e.evolve({"kic.watchDelay": None, "kic.pushDelay": None, "deployment.grace": "60s"})
    assert back == s
    assert hash(back) == hash(s)


def test_warnings_point_at_what_deserves_a_second_look():
    """Heavy tails, operations out of the measured time, overlong hooks and unrouted paths are named."""
    s = scenario(
        traffic={"think": {"kind": "pareto", "alpha": 1.5, "mean": 5}, "path": "/other"},
        deployment={"name": "shop", "preStop": "45s", "grace": 30, "paused": True},
        ingress={"path": "/shop"},
        timeline=[{"at": "30s", "rollout": "shop"}, {"at": "3h", "rollout": "shop"}],
    )
    text = "\n".join(s.warnings)
    for part in ("traffic.think: the law has no second moment", "before run.settle", "after the run's end"):
        assert part in text
    for part in ("exceeds the grace period", "paused", "clients request /other, the Ingress routes /shop"):
        assert part in text
    assert scenario().warnings == ()


@pytest.mark.parametrize(
    ("update", "told"),
    [
        ({"type": "OnDelete"}, "replaces no pod: updateStrategy OnDelete waits for their deletion"),
        ({"partition": 3}, "replaces no pod: updateStrategy.partition leaves all of them out"),
        ({"partition": 2}, ""),
    ],
    ids=str,
)
def test_a_rollout_that_replaces_nothing_is_warned_of(update, told):
    """The sessions it breaks are none, and that is no merit of the setting."""
    ordered = {"name": "shop", "kind": "StatefulSet", "replicas": 3, "updateStrategy": update}
    text = "\n".join(scenario(deployment=ordered, timeline=[{"at": "5m", "rollout": "shop"}]).warnings)
    assert told in text
    assert ("replaces no pod" in text) == bool(told)


def test_a_scenario_crosses_process_borders():
    """A pickled scenario is equal and keeps its provenance."""
    s = scenario().evolve({"run.seed": 5}, source="--set")
    again = pickle.loads(pickle.dumps(s))
    assert again == s
    assert again.came_from("run.seed") == "--set"


def test_thresholds_are_parsed():
    """A threshold is an operator and a number: shares for percentages, seconds for durations."""
    s = scenario(thresholds={"broken_sessions": "<1%", "rollout_done_s": "<= 2m", "breaks": "< 3"})
    parsed = s.parsed_thresholds
    assert (parsed["broken_sessions"].operator, parsed["broken_sessions"].value) == ("<", 0.01)
    assert parsed["rollout_done_s"].value == 120
    assert parsed["breaks"].meets(2)
    assert not parsed["breaks"].meets(3)
    assert s.thresholds["broken_sessions"] == "< 1%"


def test_the_json_schema_describes_what_people_write():
    """Editors learn camelCase keys, the laws' short forms, the short names, and that schema is required."""
    schema = Scenario.json_schema()
    assert schema["required"] == ["schema"]
    traffic = schema["$defs"]["Traffic"]["properties"]
    assert {"sessionDuration", "onFailure", "think"} <= set(traffic)
    assert {"type": "string"} in traffic["think"]["anyOf"]
    deployment = schema["$defs"]["Deployment"]["properties"]
    assert {"grace", "maxSurge", "maxUnavailable", "terminationGracePeriodSeconds"} <= set(deployment)
    assert "delays" in schema["$defs"]["Kubernetes"]["properties"]
    json.dumps(schema)


def test_the_scenario_package_stays_light():
    """Reading a scenario does not import pandas, scipy or matplotlib."""
    code = (
        "import sys, simsticky.scenario, simsticky.scenario.reading.load;"
        "print([m for m in ('pandas', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_workloads_name_may_have_dots():
    """Kubernetes takes a DNS subdomain; operations name it so."""
    changes = {"deployment.name": "my.app", "timeline": [{"at": "2m", "rollout": "my.app"}]}
    assert Scenario.model_validate({}).evolve(changes).deployment.name == "my.app"
