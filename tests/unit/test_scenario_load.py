"""Reading scenario files: places of problems, merging with manifests, provenance."""

from pathlib import Path
from textwrap import dedent

import pytest

from simsticky.errors import InputError
from simsticky.scenario.location import read_documents
from simsticky.scenario.operations import VERBS
from simsticky.scenario.reading.load import load, loads

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def problems(text, **options):
    with pytest.raises(InputError) as caught:
        loads(dedent(text), "s.yaml", **options)
    return str(caught.value).splitlines()


def problem(text, **options):
    (line,) = problems(text, **options)
    return line


def test_the_rolling_scenario_says_what_the_design_says():
    """scenarios/rolling.yaml and its manifest load, with the values of both."""
    s = load(SCENARIOS / "rolling.yaml")
    assert (s.name, s.run.seed, s.run.replications, s.run.until) == ("rolling", 7, 30, "drained")
    assert s.traffic.sessions.rate == 4
    assert (s.traffic.requests.mean, s.traffic.think.mean, s.traffic.service.median) == (20, 6, 0.04)
    assert s.traffic.cookies.keep == 0.98
    assert (s.app.startup.median, s.app.concurrency, s.app.state) == (8, 16, "pod")
    assert (s.gateway.nodes, s.kic.enable_drain_support, s.kic.proxy_sync_seconds) == (2, True, 3)
    assert s.timeline[0].at_s == 600
    assert s.thresholds == {"broken_sessions": "< 1%", "failed_requests": "< 0.1%"}
    d = s.deployment
    assert (d.name, d.replicas, d.termination_grace_period_seconds) == ("example-app", 3, 60)
    assert (d.pre_stop.kind, d.pre_stop.seconds) == ("sleep", 30)
    assert d.readiness_probe.period_seconds == 5
    assert s.upstream.algorithm == "sticky-sessions"
    assert (s.upstream.sticky_sessions.cookie, s.upstream.sticky_sessions.cookie_path) == ("session-id", "/")
    assert s.upstream.healthchecks.active.http_path == "/healthz"
    assert (s.ingress.path, s.ingress.strip_path, s.traffic.path) == ("/example", True, "/example")
    assert s.warnings == ()


def test_the_scale_down_scenario_takes_one_of_three_replicas():
    """scenarios/scale_down.yaml is the same application, scaled from 3 to 2."""
    s = load(SCENARIOS / "scale_down.yaml")
    assert (s.deployment.replicas, s.timeline[0].kind, s.timeline[0].replicas) == (3, "scale", 2)
    assert s.upstream == load(SCENARIOS / "rolling.yaml").upstream


def test_the_howto_scenario_is_deterministic():
    """scenarios/howto.yaml has one client, five requests, three pods, one worker, and no delay at all."""
    s = load(SCENARIOS / "howto.yaml")
    assert (s.traffic.sessions.population, s.traffic.requests.mean, s.traffic.requests.sd) == (1, 5, 0)
    assert (s.traffic.think.mean, s.traffic.think.sd) == (1, 0)
    assert (s.run.start, s.run.settle) == ("empty", 0)
    assert (s.deployment.replicas, s.gateway.nodes, s.gateway.workers) == (3, 1, 1)
    sticky = s.upstream.sticky_sessions
    assert (sticky.cookie, sticky.cookie_path) == ("session_id", "/")
    assert s.kubernetes.pod_removal.is_zero
    assert s.kic.push_delay.is_zero
    assert s.app.startup.is_zero


def test_values_know_where_they_come_from():
    """Provenance names file and line, of the scenario or the manifest; the rest are defaults."""
    s = load(SCENARIOS / "rolling.yaml")
    manifest = (SCENARIOS / "manifests" / "example-app.yaml").read_text().splitlines()
    replicas = manifest.index("  replicas: 3") + 1
    assert s.provenance["deployment.replicas"] == f"example-app.yaml:{replicas}"
    assert s.came_from("kic.enableDrainSupport").startswith("rolling.yaml:")
    assert s.came_from("traffic.think.mean").startswith("rolling.yaml:")
    assert s.came_from("traffic.path").startswith("example-app.yaml:")
    assert s.came_from("gateway.retries") == "default"
    assert s.came_from("run.settle") == "default"


def test_the_file_name_is_the_name_by_default(tmp_path):
    """A scenario without a name is called after its file."""
    (tmp_path / "monday.yaml").write_text("schema: simsticky/1\n")
    assert load(tmp_path / "monday.yaml").name == "monday"


def test_what_the_scenario_states_wins(tmp_path):
    """Fields of the scenario file override the manifest's one by one; null takes one away."""
    text = """
        schema: simsticky/1
        manifests: [manifests/example-app.yaml]
        deployment: {replicas: 5, grace: 90s, maxSurge: 2, readinessProbe: null,
                     preStop: {waitUntil: noRequests, atMost: 40s}}
        upstream: {stickySessions: {cookie: other}}
        ingress: {stripPath: false}
    """
    s = loads(dedent(text), "s.yaml", SCENARIOS)
    d = s.deployment
    assert (d.name, d.replicas, d.termination_grace_period_seconds) == ("example-app", 5, 90)
    assert (d.strategy.rolling_update.max_surge, d.strategy.rolling_update.max_unavailable) == (2, "25%")
    assert d.pre_stop.until == "noRequests"
    assert d.readiness_probe is None
    assert (s.upstream.sticky_sessions.cookie, s.upstream.sticky_sessions.cookie_path) == ("other", "/")
    assert (s.ingress.path, s.ingress.strip_path) == ("/example", False)
    assert s.came_from("deployment.terminationGracePeriodSeconds") == "s.yaml:4"
    assert any("states deployment.preStop" in note.note for note in s.manifest_report.ignored)


def test_another_algorithm_in_the_scenario_replaces_the_policy():
    """``upstream: {algorithm: round-robin}`` over a sticky policy is the comparison people want."""
    text = """
        schema: simsticky/1
        manifests: [manifests/example-app.yaml]
        upstream: {algorithm: round-robin}
    """
    s = loads(dedent(text), "s.yaml", SCENARIOS)
    assert (s.upstream.algorithm, s.upstream.sticky_sessions) == ("round-robin", None)
    assert s.upstream.healthchecks is not None


def test_empty_sections_are_defaults():
    """A section with everything commented out is no error."""
    assert loads("schema: simsticky/1\nrun:\ntraffic:\n").run.seed == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "schema: simsticky/1\nkic:\n  enableDrainSuport: true\n",
            "s.yaml:3:3: kic.enableDrainSuport: unknown, did you mean kic.enableDrainSupport?",
        ),
        (
            "schema: simsticky/1\nrun: {retries: 3}\n",
            "s.yaml:2:7: run.retries: unknown, did you mean gateway.retries?",
        ),
        (
            "schema: simsticky/1\nkic: {enable_drain_support: true}\n",
            "s.yaml:2:7: kic.enable_drain_support: unknown, did you mean kic.enableDrainSupport?",
        ),
        (
            "schema: simsticky/1\nrun:\n  settle: -5s\n",
            "s.yaml:3:11: run.settle: a duration must not be negative, got '-5s'",
        ),
        (
            "schema: simsticky/1\ntraffic: {think: 1:30}\n",
            "s.yaml:2:18: traffic.think: '1:30' is not a duration; write for example 30s, 1m30s or 250ms",
        ),
        (
            "schema: simsticky/1\ntraffic: {think: {kind: exponential, mean: .nan}}\n",
            "s.yaml:2:44: traffic.think.mean: a duration must be a finite number, got nan",
        ),
        (
            "schema: simsticky/1\ntraffic: {think: {mean: 3s}}\n",
            "s.yaml:2:18: traffic.think: needs a kind: one of constant, uniform, exponential, lognormal, gamma,"
            " weibull, pareto, geometric, empirical",
        ),
        (
            "schema: simsticky/1\ntraffic: {think: {kind: exponental, mean: 3s}}\n",
            "s.yaml:2:18: traffic.think: unknown kind 'exponental', one of constant, uniform, exponential,"
            " lognormal, gamma, weibull, pareto, geometric, empirical (did you mean exponential?)",
        ),
        (
            "schema: simsticky/1\ntraffic: {think: {kind: exponential, median: 3s, mean: 1}}\n",
            "s.yaml:2:38: traffic.think.median: unknown, did you mean traffic.think.mean?",
        ),
        (
            "schema: simsticky/1\ntraffic: {sessions: {kind: poisson}}\n",
            "s.yaml:2:21: traffic.sessions.rate: required, but missing",
        ),
        (
            "schema: simsticky/1\ntraffic: {onFailure: {action: retri}}\n",
            "s.yaml:2:31: traffic.onFailure.action: 'retri' is not one of continue, retry, abandon"
            " (did you mean retry?)",
        ),
        (
            "schema: simsticky/1\ndeployment: {maxSurge: 0, maxUnavailable: 0}\n",
            "s.yaml:2:43: deployment.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when"
            " `maxSurge` is 0 (allow at least one pod more (maxSurge: 1) or one less (maxUnavailable: 1))",
        ),
        (
            "schema: simsticky/1\ndeployment: {grace: 30s, terminationGracePeriodSeconds: 30}\n",
            "s.yaml:2:14: deployment.grace: grace is short for terminationGracePeriodSeconds, give only one of them",
        ),
        (
            "schema: simsticky/1\ntimeline: [{at: 10m, rolout: app}]\n",
            f"s.yaml:2:12: timeline.0: an operation needs one of {', '.join(VERBS)}; did you mean rollout?",
        ),
        (
            "schema: simsticky/1\ntimeline:\n  - {at: 10m, rollout: ap}\n",
            "s.yaml:3:24: timeline.0.rollout: there is no Deployment 'ap' (did you mean app?)",
        ),
        (
            "schema: simsticky/1\ntimeline: [{at: 10m, scale: app}]\n",
            "s.yaml:2:12: timeline.0.replicas: required, but missing",
        ),
        (
            "schema: simsticky/1\nkubernetes:\n  delays: -1s\n",
            "s.yaml:3:11: kubernetes.delays: a duration must not be negative, got '-1s'",
        ),
        (
            "schema: simsticky/1\nupstream: {algorithm: sticky-sessions, stickySessions: {cookie: a}}\n",
            "s.yaml:2:56: upstream.stickySessions: When spec.stickySessions is set, spec.hashOn.input must be set"
            " to 'none' (no other hash_on fields allowed). (write hashOn: {input: none})",
        ),
        ("name: x\n", "s.yaml:1:1: schema is missing; begin the file with schema: simsticky/1"),
        ("schema: simsticky/2\n", "s.yaml:1:9: schema: must be simsticky/1, got 'simsticky/2'"),
        ("- 1\n", "s.yaml:1:1: a scenario is a mapping, this is a list"),
        ("", "s.yaml: is empty (a scenario begins with schema: simsticky/1)"),
        ("# nothing\n", "s.yaml: is empty (a scenario begins with schema: simsticky/1)"),
        ("schema: simsticky/1\nrun: 3\n", "s.yaml:2:6: run: must be a mapping, got 3"),
        ("schema: simsticky/1\nmanifests: a.yaml\n", "s.yaml:2:12: manifests: must be a list, got 'a.yaml'"),
        (
            "schema: simsticky/1\ntraffic: {trace: nowhere.csv}\n",
            "s.yaml:2:18: traffic.trace: no such file: nowhere.csv",
        ),
        (
            "apiVersion: v1\nkind: Service\n",
            "s.yaml:1:1: this is a Kubernetes manifest, not a scenario"
            " (name it in a scenario: manifests: [this-file.yaml])",
        ),
        (
            "schema: simsticky/1\n---\nschema: simsticky/1\n",
            "s.yaml:3:1: a scenario file holds one document, this is a second one (manifests go to files of their own)",
        ),
    ],
)
def test_a_problem_is_told_at_its_place(text, line):
    """Each problem names file, line, column, path, reason, and where it helps the way out."""
    assert problem(text) == line


def test_all_problems_come_at_once():
    """Problems of several sections, of syntax rules and of rules across sections, are told in one go."""
    lines = problems(
        """
        schema: simsticky/1
        run: {seed: x, settle: -1s}
        kic: {drain: true}
        upstream: {algorithm: stickysessions, stickySessions: {cookie: ""}}
        timeline: [{at: 1m, rollout: shop}, {at: soon, rollout: app}]
        thresholds: {broken_sessions: 1%}
        """
    )
    paths = [line.split(": ")[1] for line in lines]
    assert paths == [
        "run.seed",
        "run.settle",
        "kic.drain",
        "upstream.algorithm",
        "upstream.stickySessions",
        "upstream.stickySessions",
        "upstream.stickySessions.cookie",
        "timeline.0.rollout",
        "timeline.1.at",
        "thresholds.broken_sessions",
    ]


def test_duplicate_keys_are_refused():
    """The second of two equal keys is an error that names the first; nothing is taken silently."""
    text = "schema: simsticky/1\nrun: {seed: 1}\nrun: {seed: 2}\nkic: {delays: 0s, delays: 1s}\n"
    assert problems(text) == [
        "s.yaml:3:1: run: duplicate key, first given on line 2",
        "s.yaml:4:19: kic.delays: duplicate key, first given on line 4",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2\n", "s.yaml:2:"),
        ("a: b: c\n", "s.yaml:1:5: not valid YAML"),
        ("a:\n\t- b\n", "YAML is indented with blanks, not with tabs"),
        ("a: \x01\n", "s.yaml:1: not valid YAML"),
        ("a: {{ .Values.x }}\n", "helm template"),
        ("a: &a [*a]\n", "contains itself"),
        ("a: !!python/object:os.system x\n", "s.yaml:1:4: a: the tag python/object:os.system"),
        ("a: !secret x\n", "the tag !secret has no meaning here"),
        ("a: *nowhere\n", "undefined alias"),
        ("a: " + "[" * 250 + "]" * 250 + "\n", "nested too deeply"),
        ("a: " + "9" * 5000 + "\n", "too many digits"),
        ("<<: 3\n", "only mappings can be merged"),
        ("? [a, b]\n: c\n", "cannot be a key"),
        ("%YAML 9.9\n---\na: 1\n", "YAML"),
    ],
)
def test_text_that_is_no_yaml_is_told_with_its_line(text, message):
    """Whatever is wrong with the text itself is one readable line, never a traceback."""
    assert message in "\n".join(problems(text))


def test_an_avalanche_of_aliases_is_stopped(monkeypatch):
    """A few lines that expand to billions of values are refused, not built."""
    monkeypatch.setattr("simsticky.scenario.location._MOST_NODES", 10_000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(InputError, match="too many values"):
        read_documents("\n".join(lines), "bomb.yaml")


def test_yaml_is_read_as_version_1_2():
    """Times, dates, yes and no are words; underscores, octal and hex are numbers; << merges."""
    text = """
        a: 1:30
        b: [yes, no, on, 2020-01-01, 1_000, 0x1F, 0o17, 1e3, .inf, ~, "5", true]
        base: &base {x: 1, y: 2}
        c: {<<: *base, y: 3}
    """
    (document,) = read_documents(dedent(text), "s.yaml")
    assert document.data["a"] == "1:30"
    words = ["yes", "no", "on", "2020-01-01", 1000, 31, 15, 1000.0, float("inf"), None, "5", True]
    assert document.data["b"] == words
    assert document.data["c"] == {"x": 1, "y": 3}
    assert document.place(("c", "y")).line == 5


def test_folded_text_is_what_yaml_says():
    """The parser's own marks of where a folded line ended stay out of the text: they would ring a terminal's bell."""
    (document,) = read_documents("a: >-\n  one\n  two\n\n  three\nb: >\n  four\n  five\n", "s.yaml")
    assert document.data == {"a": "one two\nthree", "b": "four five\n"}


def test_files_that_cannot_be_read(tmp_path):
    """A missing file, a directory, other encodings: one line each that says so."""
    cases = {"latin.yaml": b"a: \xe9\n", "wide.yaml": "a: 1".encode("utf-16"), "tail.yaml": b"a: 1\nb: \xff\xc0"}
    for name, raw in cases.items():
        (tmp_path / name).write_bytes(raw)
    expected = {
        "missing.yaml": "no such file",
        ".": "is a directory",
        "latin.yaml": "latin.yaml:1:4: is not UTF-8 text: byte 0xe9",
        "wide.yaml": "is UTF-16",
        "tail.yaml": "tail.yaml:2:4: is not UTF-8",
        "nul\0.yaml": "cannot be read",
    }
    for name, message in expected.items():
        with pytest.raises(InputError) as caught:
            load(tmp_path / name if name != "nul\0.yaml" else name)
        assert message in str(caught.value)


def test_a_byte_order_mark_is_no_problem(tmp_path):
    """Windows editors write one."""
    (tmp_path / "s.yaml").write_bytes(b"\xef\xbb\xbfschema: simsticky/1\n")
    assert load(tmp_path / "s.yaml").name == "s"


def test_a_trace_is_found_beside_the_scenario(tmp_path):
    """Relative paths start from the scenario's directory."""
    (tmp_path / "t.csv").write_text("session,start_s,request,think_s,service_s\n")
    (tmp_path / "s.yaml").write_text("schema: simsticky/1\ntraffic: {trace: t.csv}\n")
    assert load(tmp_path / "s.yaml").traffic.trace == str(tmp_path / "t.csv")


@pytest.mark.parametrize("text", ["name: [a]b\n", "[a] b\n", '{"a": 1} {"b": 2\n'])
def test_what_the_parser_says_is_told_without_pythons_own_marks(text):
    """Its words hold tuples, which mean nothing to a person."""
    with pytest.raises(InputError) as caught:
        loads(f"schema: simsticky/1\n{text}" if text.startswith("name") else text)
    assert "not valid YAML" in str(caught.value)
    assert ",)" not in str(caught.value)
