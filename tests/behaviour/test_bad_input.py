"""Wrong input, as a person meets it: one clear line with its place, exit code 2, and never a traceback."""

import json
from pathlib import Path

import pytest
from command_line import called

from simsticky.cli.main import main
from simsticky.errors import InputError
from simsticky.scenario.location import read_documents
from simsticky.scenario.reading.load import load, loads

SCENARIOS = Path(__file__).parents[2] / "scenarios"
EXAMPLE = SCENARIOS / "manifests" / "example-app.yaml"
HEAD = "schema: simsticky/1\nmanifests: [app.yaml]\n"
HOOK = 'command: ["sh", "-c", "sleep 30"]'


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run ``simsticky run s.yaml`` on a scenario and manifests; return what standard error says."""
    monkeypatch.chdir(tmp_path)

    def run(scenario, *arguments, **files):
        (tmp_path / "s.yaml").write_text(scenario)
        (tmp_path / "app.yaml").write_text(EXAMPLE.read_text())
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        told = called("run", "s.yaml", "--reps", 1, "--jobs", 1, *arguments)
        assert told.returncode == 2, told.stdout + told.stderr
        assert "Traceback" not in told.stderr
        assert told.stdout == ""
        return told.stderr

    return run


def changed(old, new):
    """The example manifest with one part replaced; it must be there."""
    text = EXAMPLE.read_text()
    assert old in text
    return text.replace(old, new)


def line_of(text, part):
    """The number of the first line that holds a part."""
    return next(i for i, line in enumerate(text.splitlines(), start=1) if part in line)


def test_broken_yaml(run):
    """An open bracket is told with the place where YAML gives up."""
    assert "s.yaml:3:8: not valid YAML" in run("schema: simsticky/1\nrun: [1\ntraffic: 2\n")


def test_an_unknown_key(run):
    """A misspelt key is refused with the nearest one."""
    told = run("schema: simsticky/1\nkic:\n  enableDrainSuport: true\n")
    assert "s.yaml:3:3: kic.enableDrainSuport: unknown, did you mean kic.enableDrainSupport?" in told


def test_a_negative_duration(run):
    """Time does not run back."""
    told = run("schema: simsticky/1\nrun: {settle: -5s}\n")
    assert "s.yaml:2:15: run.settle: a duration must not be negative, got '-5s'" in told


def test_neither_surge_nor_unavailability(run):
    """A rollout that may neither add nor remove a pod is refused in the API server's words, at its line."""
    app = changed(
        "  replicas: 3\n",
        "  replicas: 3\n  strategy:\n    rollingUpdate:\n      maxSurge: 0\n      maxUnavailable: 0\n",
    )
    line = line_of(app, "maxUnavailable: 0")
    told = run(HEAD, app=app)
    assert f"app.yaml:{line}:23: spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0" in told
    assert "may not be 0 when `maxSurge` is 0" in told


def test_a_service_that_selects_nothing(run):
    """A slip in a label leaves the Service without pods; the pods' labels are shown."""
    app = changed("  selector:\n    app: example-app\n", "  selector:\n    app: exmaple-app\n")
    told = run(HEAD, app=app)
    assert f"app.yaml:{line_of(app, 'exmaple-app')}:5: Service example-app: spec.selector: " in told
    assert "selects nothing" in told
    assert "app=example-app" in told


def test_a_missing_policy(run):
    """An annotation that names no policy would silently make the upstream round-robin in a cluster."""
    app = changed("upstream-policy: example-app-sticky", "upstream-policy: example-app-stick")
    told = run(HEAD, app=app)
    assert f"app.yaml:{line_of(app, 'example-app-stick')}:" in told
    assert "there is no KongUpstreamPolicy 'example-app-stick'" in told
    assert "did you mean example-app-sticky?" in told


def test_two_deployments(run):
    """Which of two applications is meant is not guessed; naming one in the scenario is enough."""
    other = EXAMPLE.read_text().split("---")[0].replace("name: example-app", "name: other-app")
    told = run(HEAD, app=EXAMPLE.read_text() + "---\n" + other)
    assert "several Deployments, one is wanted: example-app (app.yaml:" in told
    assert "deployment: {name: example-app}" in told
    Path("app.yaml").write_text(EXAMPLE.read_text() + "---\n" + other)
    assert loads(HEAD + "deployment: {name: example-app}\n").deployment.replicas == 3


def test_the_policy_of_a_published_guide(run):
    """sticky-sessions without hashOn ends with the API server's rule, its line and the way out."""
    app = changed("  hashOn:\n    input: none\n", "")
    line = line_of(app, "  stickySessions:") + 1
    told = run(HEAD, app=app)
    assert f"app.yaml:{line}:5: spec.stickySessions: When spec.stickySessions is set" in told
    assert "spec.hashOn.input must be set to 'none'" in told
    assert "write hashOn: {input: none}" in told


def test_everything_is_told_at_once(run):
    """Problems of the scenario and of its manifests come in one list."""
    app = changed(HOOK, 'command: ["sh", "-c", "while true; do sleep 1; done"]')
    told = run(HEAD + "run: {seed: -1}\ntraffic: {thinks: 3s}\n", app=app)
    assert len(told.strip().splitlines()) >= 3
    for part in ("s.yaml:3:13: run.seed", "traffic.thinks: unknown, did you mean traffic.think?", "while loop"):
        assert part in told


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ("", "is empty"),
        ("just words\n", "a scenario is a mapping"),
        ("schema: simsticky/1\nmanifests: [nowhere.yaml]\n", "s.yaml:2:13: manifests.0: nowhere.yaml: no such file"),
        (
            "schema: simsticky/1\nmanifests:\n  - app.yaml\n  - gone/app.yaml\n",
            "s.yaml:4:5: manifests.1: gone/app.yaml: no such file",
        ),
        ("schema: simsticky/1\nmanifests: [.]\ntraffic: {trace: x.csv}\n", "traffic.trace: no such file"),
        ("schema: simsticky/1\ntraffic: {think: {kind: exponential, mean: .nan}}\n", "must be a finite number"),
        ("schema: simsticky/1\ntraffic: {sessions: {kind: poisson, rate: .inf}}\n", "must be a finite number"),
        ("schema: simsticky/1\ndeployment: {replicas: 99999999999999}\n", "too large"),
        ("schema: simsticky/1\nrun: {horizon: 9e99}\n", "out of range"),
    ],
)
def test_other_wrong_scenarios(run, scenario, message):
    """Empty files, missing files, numbers that are none or too large."""
    assert message in run(scenario)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("kic.enableDrainSuport=true", "--set kic.enableDrainSuport: unknown, did you mean kic.enableDrainSupport?"),
        ("deployment.preStop=-3s", "--set deployment.preStop: a duration must not be negative"),
        ("upstream.algorithm=latancy", "--set upstream.algorithm: 'latancy' is not one of round-robin,"),
        ("gateway.version=3.10", "--set gateway.version: 3.1 is a number here, not a version; put it in quotes"),
    ],
)
def test_wrong_settings_on_the_command_line(run, setting, message):
    """``--set`` says what is wrong in the words of the command line."""
    assert message in run(HEAD, "--set", setting)


@pytest.mark.parametrize("name", ["missing.yaml", ".", "latin.yaml"])
def test_files_that_are_no_text(tmp_path, capsys, monkeypatch, name):
    """A missing file, a directory, a file in another encoding: a line each, exit 2."""
    monkeypatch.chdir(tmp_path)
    Path("latin.yaml").write_bytes(b"name: caf\xe9\n")
    assert main(["run", name]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") <= 2
    assert name in told


JUNK = [
    None,
    True,
    -1,
    0,
    1.5,
    "",
    "x",
    "-5s",
    "1:30",
    "30s",
    float("nan"),
    float("inf"),
    10**30,
    [],
    [1],
    ["x"],
    {},
    {"a": 1},
    {"kind": "x"},
    [{}],
    {"kind": "exponential", "mean": "1s"},
    "y" * 2000,
]


def _places(node, path=()):
    yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, below in children:
        yield from _places(below, (*path, key))


def _replaced(node, path, value):
    if not path:
        return value
    key, *rest = path
    below = _replaced(node[key], rest, value)
    if isinstance(node, dict):
        return {**node, key: below}
    return [*node[:key], below, *node[key + 1 :]]


def _yaml(data):
    return json.dumps(data).replace("NaN", ".nan").replace("Infinity", ".inf")


def _problems_of(read):
    """The problems that reading ends with; none if it succeeds. Any other error is a failure."""
    try:
        read()
    except InputError as error:
        return error.diagnostics
    return ()


KONG = """
schema: simsticky/1
traffic:
  idempotent: 0.5
  tabs: 2
  cookies: {keep: 0.9, clear: 0.1}
  otherUpstream: {share: 0.2, cookiePath: /, sharesTargets: true}
  paths: [{path: /shop/, share: 0.8}, {path: /, share: 0.2}]
  identifiers: {ip: {values: 3}, header: {values: 5, present: 0.5}}
deployment: {replicas: 2, readinessProbe: {periodSeconds: 5}}
gateway: {nodes: 2, version: "3.11", connection: blackhole, stickyIdentity: by_target_id}
kic: {version: 3.5.0, configChurn: 6/h}
kubernetes: {podAddresses: reuse}
upstream:
  algorithm: consistent-hashing
  slots: 2000
  hashOn: {header: x-user}
  hashOnFallback: {input: ip}
  healthchecks:
    active: {httpPath: /, healthy: {interval: 5, httpStatuses: [200]}, unhealthy: {timeouts: 3, interval: 5}}
    passive: {unhealthy: {httpFailures: 3}}
    threshold: 10
timeline:
  - {at: 2m, readinessFlap: app, count: 2, for: 20s, seenByGateway: true}
  - {at: 3m, gatewayRestart: kong-1, downtime: 10s}
  - {at: 4m, configPush: all}
"""


def _spoilt(text, junk, part=slice(None)):
    """Yield places of a scenario, each with the problems of the scenario that has junk there."""
    (document,) = read_documents(text, "s.yaml")
    for path in list(_places(document.data))[part]:
        written = _yaml(_replaced(document.data, path, junk))
        yield path, _problems_of(lambda written=written: loads(written, "s.yaml"))


@pytest.mark.quick_cases(8)
@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: str(junk)[:20])
def test_junk_anywhere_in_a_scenario_is_an_input_error_or_nothing(junk):
    """Whatever stands at whatever place of a scenario, the answer is a scenario or a list of places."""
    for path, found in _spoilt((SCENARIOS / "howto.yaml").read_text(), junk):
        assert all(problem.line for problem in found if path), (path, found)


@pytest.mark.quick_cases(8)
@pytest.mark.parametrize("number", range(len(JUNK)), ids=lambda number: str(JUNK[number])[:20])
def test_junk_anywhere_in_what_concerns_kong_is_an_input_error_or_nothing(number):
    """The same for the sections about Kong; each kind of junk at another fifth of the places, to keep it short."""
    for path, found in _spoilt(KONG, JUNK[number], slice(number % 5, None, 5)):
        assert all(problem.line for problem in found if path), (path, found)


@pytest.mark.quick_cases(8)
@pytest.mark.parametrize("number", range(len(JUNK)), ids=lambda number: str(JUNK[number])[:20])
def test_junk_anywhere_in_a_manifest_is_an_input_error_or_nothing(tmp_path, number):
    """The same for the manifests; each kind of junk at another tenth of the places, to keep it short."""
    documents = [document.data for document in read_documents(EXAMPLE.read_text(), "app.yaml")]
    items = {"apiVersion": "v1", "kind": "List", "items": documents}
    (tmp_path / "s.yaml").write_text(HEAD)
    for path in list(_places(items))[number % 10 :: 10]:
        (tmp_path / "app.yaml").write_text(_yaml(_replaced(items, path, JUNK[number])))
        found = _problems_of(lambda: load(tmp_path / "s.yaml"))
        assert all(problem.line for problem in found), (path, found)
