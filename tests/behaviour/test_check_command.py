"""`simsticky check` as a pipeline runs it: a repository, a change, an exit code, annotations."""

import json
import os
import re
import subprocess
import sys
import time

import pytest
from junitparser import JUnitXml

from simsticky.cli.main import main

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1800
      containers:
        - name: web
          image: registry.example/web:1.4.2
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 5}
          lifecycle: {preStop: {exec: {command: [sleep, "1790"]}}}
"""
GATEWAY = """\
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {konghq.com/upstream-policy: sticky}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: configuration.konghq.com/v1beta1
kind: KongUpstreamPolicy
metadata: {name: sticky}
spec:
  algorithm: sticky-sessions
  hashOn: {input: none}
  stickySessions: {cookie: sid, cookiePath: /}
"""
LEAST_CONNECTIONS = "  algorithm: least-connections\n"
BASE = """\
schema: simsticky/1
name: web
run: {until: drained, horizon: 2h, replications: 10, seed: 7}
traffic:
  sessions: {kind: poisson, rate: 0.05/s}
  requests: {kind: geometric, mean: 20}
  think: {kind: exponential, mean: 18s}
kic: {enableDrainSupport: true}
"""
SCENARIO = """\
schema: simsticky/1
base: ../shared/base.yaml
manifests: [../k8s]
timeline: [{at: 10m, rollout: web}]
"""
GRACE_LINE = 11


def git(folder, *arguments):
    """Run git in a folder, as nobody in particular."""
    names = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, env=environment)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with manifests, a scenario that stands on another, and one commit on main."""
    root = tmp_path / "repository"
    files = {
        "k8s/deploy.yaml": DEPLOYMENT,
        "k8s/gateway.yaml": GATEWAY,
        "shared/base.yaml": BASE,
        "sim/rollout.yaml": SCENARIO,
        ".gitattributes": "k8s export-ignore\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "as it was")
    monkeypatch.chdir(root)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return root


@pytest.fixture
def simulated(monkeypatch):
    """How many replications were simulated, in this process."""
    from simsticky.study import runner

    counted, simulate = [], runner.simulate_numbers

    def counting(scenario, *, seed, replication, **how):
        counted.append(replication)
        return simulate(scenario, seed=seed, replication=replication, **how)

    monkeypatch.setattr(runner, "simulate_numbers", counting)
    return counted


def edit(path, old, new):
    """Replace a text that must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def check(*arguments):
    """Run it against main, in this process."""
    return main(["check", "sim/rollout.yaml", "--baseline", "git:main", "-j", "1", "-q", *arguments])


def test_a_shorter_grace_period_is_a_regression_at_its_line(repository, capsys, monkeypatch):
    """Exit 3; the annotation on the manifest's line by its path in the repository; one bold sentence; JUnit, JSON."""
    edit(repository / "k8s/deploy.yaml", "Seconds: 1800", "Seconds: 300")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    outputs = ["-o", "table", "-o", "github=found.txt", "-o", "junit=junit.xml", "-o", "json=found.json"]
    assert check(*outputs, "--comment-file", "comment.md") == 3
    out, err = capsys.readouterr()
    assert out.startswith("✗ Broken sessions ")
    assert err == ""
    (line,) = (repository / "found.txt").read_text().splitlines()
    assert line.startswith(f"::error file=k8s/deploy.yaml,line={GRACE_LINE},col=38,title=")
    bold = (repository / "comment.md").read_text().splitlines()[0]
    assert re.fullmatch(r"\*\*✗ Broken sessions .* → .*, worse than git:main: .*\*\*", bold)
    assert "deployment.terminationGracePeriodSeconds 30m → 5m (k8s/deploy.yaml:11)" in bold
    assert "**" not in (repository / "comment.md").read_text().split("\n", 1)[1]
    assert (repository / "summary.md").read_text().startswith(bold)
    suite = JUnitXml.fromfile(str(repository / "junit.xml"))
    assert (suite.tests, suite.failures) == (2, 1)
    written = (repository / "found.json").read_text()
    assert json.loads(written)["outcome"] == "not met"
    everything = out + line + written + (repository / "comment.md").read_text()
    assert "/tmp" not in everything.replace(str(repository), "")
    assert str(repository.parent) not in everything


def test_the_path_is_that_of_the_repository_wherever_it_runs(repository, capsys, monkeypatch):
    """From a folder below, the annotation names the file as GitHub knows it."""
    edit(repository / "k8s/deploy.yaml", "Seconds: 1800", "Seconds: 300")
    monkeypatch.chdir(repository / "sim")
    arguments = ["check", "rollout.yaml", "--baseline", "git:HEAD", "-j", "1", "-q", "-o", "github"]
    assert main(arguments) == 3
    assert capsys.readouterr().out.startswith(f"::error file=k8s/deploy.yaml,line={GRACE_LINE},")


def test_an_image_tag_changes_nothing(repository, capsys, simulated):
    """Exit 0, one line, no simulation, within two seconds of CPU; nothing to comment on."""
    edit(repository / "k8s/deploy.yaml", "web:1.4.2", "web:1.5.0")
    begun_s = time.process_time()
    assert check("--comment-file", "comment.md", "-o", "table", "-o", "github=found.txt") == 0
    assert time.process_time() - begun_s < 2
    out = capsys.readouterr().out
    assert out.splitlines() == ["Nothing that the model reads differs from git:main; nothing was simulated."]
    assert simulated == []
    assert (repository / "comment.md").read_text() == (repository / "found.txt").read_text() == ""


def test_nothing_heavy_is_loaded_to_say_that_nothing_changed(repository):
    """Neither SciPy, pandas nor matplotlib: the answer comes in the time of reading two scenarios."""
    code = (
        "import sys; from simsticky.cli.main import main; code = main(sys.argv[1:]);"
        " print(code, sorted({'scipy', 'pandas', 'matplotlib', 'simpy'} & set(sys.modules)))"
    )
    edit(repository / "k8s/deploy.yaml", "web:1.4.2", "web:1.5.0")
    command = [sys.executable, "-c", code, "check", "sim/rollout.yaml", "--baseline", "git:main"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr


def test_stickiness_that_is_lost_is_said(repository, capsys):
    """sticky-sessions → least-connections: exit 3, and the sentence begins with it."""
    text = GATEWAY[: GATEWAY.index("  algorithm")] + LEAST_CONNECTIONS
    (repository / "k8s/gateway.yaml").write_text(text)
    assert check("-o", "markdown") == 3
    out = capsys.readouterr().out
    assert out.startswith("**✗ Stickiness is lost, ")
    assert "upstream.algorithm sticky-sessions → least-connections (k8s/gateway.yaml:14)" in out


def test_what_was_committed_counts_and_not_what_lies_about(repository, simulated):
    """The commit's own files are read: a change that is committed on main, too, is none; the working tree stays."""
    edit(repository / "k8s/deploy.yaml", "Seconds: 1800", "Seconds: 300")
    git(repository, "commit", "-q", "-a", "-m", "as it is")
    assert check() == 0
    assert simulated == []
    (repository / "k8s/new.yaml").write_text("kind: [\n")
    before = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    assert check() == 2  # what is there now is wrong
    after = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    assert after == before == "?? k8s/new.yaml\n"


def test_a_changed_trace_counts_by_its_content(repository, simulated):
    """The commit's trace is read out of the commit, through a link, too; the same sessions elsewhere are no change."""
    rows = "session,start_s,requests,think_s,service_s\n" + "".join(f"s{n},{n},5,3,0.1\n" for n in range(60))
    edit(
        repository / "shared/base.yaml", BASE[BASE.index("  sessions") : BASE.index("kic")], "  trace: ../data/t.csv\n"
    )
    (repository / "data").mkdir()
    (repository / "data/real.csv").write_text(rows)
    (repository / "data/t.csv").symlink_to("real.csv")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "a trace")
    code = check()
    if code == 2:
        pytest.fail("the trace was not read out of the commit")
    assert (code, simulated) == (0, [])
    (repository / "data/real.csv").rename(repository / "data/other.csv")
    (repository / "data/t.csv").unlink()
    edit(repository / "shared/base.yaml", "data/t.csv", "data/other.csv")
    assert (check(), simulated) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--baseline", "git:nope"], ["--baseline git:nope: there is no such commit", "fetch-depth"]),
        (["--baseline", "git:"], ["names no commit"]),
        (["--baseline", "git:--help"], ["there is no such commit"]),
        (["--baseline", "main"], ["there is no file or directory 'main'", "a branch or a tag is git:main"]),
        (["--baseline", ""], ["there is no file or directory"]),
        (["--baseline", "\0"], ["there is no file or directory"]),
        (["--baseline", "."], ["is the scenario that is checked"]),
        (["--baseline", "empty"], ["holds neither sim/rollout.yaml nor manifests"]),
        (["--baseline", "sim/empty.yaml"], ["sim/empty.yaml", "empty"]),
        (["--baseline", "binary.yaml"], ["binary.yaml", "UTF-8"]),
        (["--baseline", "no.json"], ["no.json: is no JSON"]),
        (["--baseline", "list.json"], ["list.json: is no result"]),
        (["--baseline", "k8s/gateway.yaml"], ["k8s/gateway.yaml:"]),
        (["--baseline", "/dev/null"], ["/dev/null: is a device"]),
        ([], ["there is nothing to check", "--threshold", "--baseline"]),
        (["--threshold", "broken_sesions < 1%"], ["did you mean broken_sessions?"]),
        (["--threshold", "broken_sessions"], ["is no threshold"]),
        (["--threshold", "broken_sessions < 200%"], ["between 0 and 1"]),
        (["--budget", "lots"], ["--budget: 'lots' is no budget"]),
        (["--max-time", "0s"], ["--max-time"]),
        (["--max-reps", "5"], ["max-reps"]),
        (["--inconclusive", "maybe"], ["pass"]),
        (["-o", "xml"], ["there is no format 'xml'"]),
        (["-o", "json", "-o", "junit"], ["both go to standard output"]),
        (["-o", "json=nowhere/x.json"], ["nowhere"]),
        (["--comment-file", "k8s"], ["--comment-file: k8s is a directory"]),
    ],
)
def test_wrong_use_is_exit_2_with_what_to_do(repository, capsys, simulated, arguments, told):
    """Before anything is simulated, without a word of Python's."""
    (repository / "empty").mkdir()
    (repository / "sim/empty.yaml").write_text("")
    (repository / "binary.yaml").write_bytes(bytes(range(256)))
    (repository / "no.json").write_text("{")
    (repository / "list.json").write_text("[]")
    assert main(["check", "sim/rollout.yaml", "-j", "1", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, simulated) == ("", [])
    for part in told:
        assert part in " ".join(err.split())
    assert "Traceback" not in err


@pytest.mark.parametrize("file", ["nope.yaml", "k8s", "k8s/deploy.yaml", "sim/empty.yaml", "binary.yaml", "/dev/null"])
def test_a_wrong_scenario_is_exit_2(repository, capsys, file):
    """Missing, a directory, a manifest, empty, binary, a device: with and without a baseline, in the same words."""
    (repository / "sim/empty.yaml").write_text("")
    (repository / "binary.yaml").write_bytes(bytes(range(256)))
    said = []
    for more in (["--baseline", "git:main"], ["--threshold", "broken_sessions < 1%"]):
        assert main(["check", file, *more]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert file in err
        assert "Traceback" not in err
        said.append(err)
    assert said[0] == said[1]


def test_a_commit_with_a_mistake_is_told_by_its_name(repository, capsys):
    """What is wrong there is told with the commit's name, and never with a folder that nobody knows."""
    edit(repository / "shared/base.yaml", "rate: 0.05/s", "rate: -1/s")
    git(repository, "commit", "-q", "-a", "-m", "broken")
    edit(repository / "shared/base.yaml", "rate: -1/s", "rate: 0.05/s")
    assert check() == 2
    err = capsys.readouterr().err
    assert re.match(r"git:main:(sim/\.\./)?shared/base\.yaml:5", err)
    assert "simsticky." not in err


def test_a_scenario_that_is_new_has_no_baseline(repository, capsys):
    """The commit has no such file, and that is said."""
    (repository / "sim/new.yaml").write_text(SCENARIO)
    assert main(["check", "sim/new.yaml", "--baseline", "git:main"]) == 2
    assert "--baseline git:main: there is no file sim/new.yaml in it" in capsys.readouterr().err


def test_manifests_from_standard_input_are_in_no_commit(repository, capsys, monkeypatch):
    """`kustomize build | check` has a folder or a result as its baseline; of a commit that is said."""
    import io
    from types import SimpleNamespace

    edit(repository / "sim/rollout.yaml", "[../k8s]", '["-"]')
    git(repository, "commit", "-q", "-a", "-m", "from a pipe")
    piped = (DEPLOYMENT + "---\n" + GATEWAY).replace("web:1.4.2", "web:1.5.0").encode()

    def pipe():
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(piped)))

    pipe()
    assert check() == 2
    assert "reads manifests from standard input" in capsys.readouterr().err
    pipe()
    assert main(["check", "sim/rollout.yaml", "--baseline", "k8s"]) == 0
    assert capsys.readouterr().out.startswith("Nothing that the model reads differs from k8s")


def test_outside_of_a_repository_git_says_so(tmp_path, capsys, monkeypatch):
    """With the folder's name; and so does a machine without git."""
    (tmp_path / "s.yaml").write_text(BASE)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert main(["check", "s.yaml", "--baseline", "git:main"]) == 2
    assert "is in no Git repository" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["check", "s.yaml", "--baseline", "git:main"]) == 2
    assert "git cannot be run" in capsys.readouterr().err


@pytest.mark.slow
def test_other_baselines(repository, tmp_path, capsys, simulated):
    """Another checkout, a folder of manifests and another file say the same; a stored result is not run again."""
    checkout = tmp_path / "checkout"
    git(repository, "worktree", "add", "-q", "--detach", str(checkout))
    (tmp_path / "old").mkdir()
    for name in ("deploy", "gateway"):
        (tmp_path / f"old/{name}.yaml").write_text((repository / f"k8s/{name}.yaml").read_text())
    edit(repository / "k8s/deploy.yaml", "Seconds: 1800", "Seconds: 300")
    known = [checkout, tmp_path / "old", checkout / "sim/rollout.yaml"]
    said = set()
    for place in known:
        assert main(["check", "sim/rollout.yaml", "--baseline", str(place), "-j", "1", "-q", "-o", "markdown"]) == 3
        said.add(capsys.readouterr().out.splitlines()[0].replace("\\", "").replace(str(place), "X"))
    assert len(said) == 1
    kept = [str(checkout / "sim/rollout.yaml"), "--out", "main.json"]
    assert main(["run", *kept, "-j", "1", "-q", "--reps", "10"]) == 0
    simulated.clear()
    assert main(["check", "sim/rollout.yaml", "--baseline", "main.json", "-j", "1", "-q"]) == 3
    assert len(simulated) == 10


@pytest.mark.slow
def test_the_bytes_are_the_same_on_any_number_of_workers(repository, capsys):
    """JSON is identical on one worker, on two, and from the directory of a finished check."""
    edit(repository / "k8s/deploy.yaml", "Seconds: 1800", "Seconds: 300")
    said = set()
    for how in (["-j", "1"], ["-j", "2"], ["-j", "2", "--study", "kept"], ["-j", "1", "--study", "kept"]):
        arguments = ["check", "sim/rollout.yaml", "--baseline", "git:main", "-q", "-o", "json"]
        assert main([*arguments, *how]) == 3
        said.add(capsys.readouterr().out)
    assert len(said) == 1


def test_what_is_not_certain_is_4_unless_told_otherwise(repository, capsys):
    """A threshold at the truth: exit 4; --inconclusive makes it 0, or 3 and a failed test."""
    edit(repository / "k8s/deploy.yaml", "Seconds: 1800", "Seconds: 300")
    near = ["check", "sim/rollout.yaml", "--threshold", "broken_sessions < 42%", "-j", "1", "-q", "--max-reps", "10"]
    assert main([*near, "-o", "junit=x.xml", "-o", "table"]) == 4
    assert capsys.readouterr().out.startswith("? Not certain: broken_sessions < 42%")
    assert JUnitXml.fromfile("x.xml").failures == 1
    assert main([*near, "--inconclusive", "pass", "-o", "junit=x.xml"]) == 0
    assert JUnitXml.fromfile("x.xml").skipped == 1
    assert main([*near, "--inconclusive=fail"]) == 3


def test_the_clock_is_told(repository, capsys):
    """With no time to speak of: exit 4, and that it may come out differently the next time."""
    edit(repository / "k8s/deploy.yaml", "Seconds: 1800", "Seconds: 300")
    arguments = ["check", "sim/rollout.yaml", "--baseline", "git:main", "-j", "1", "--max-time", "1ms"]
    assert main(arguments) == 4
    assert "may be told the next time (--max-time)" in capsys.readouterr().err


def test_a_budget_is_told_beside_the_verdict(repository, capsys):
    """How many deploys a day, with its interval; without a threshold that is all there is to say."""
    edit(repository / "k8s/deploy.yaml", "Seconds: 1800", "Seconds: 300")
    budget = ["check", "sim/rollout.yaml", "--budget", "2000 broken sessions a day", "-j", "1", "-q"]
    assert main(budget) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"2 000 broken sessions a day allow \d+ deploys a day \[\d+ to \d+\]: a deploy breaks \d+", said)
    assert main([*budget, "--threshold", "broken_sessions < 1%", "-o", "json"]) == 3
    deploys = json.loads(capsys.readouterr().out)["deploys"]
    assert deploys["low"] < deploys["value"] < deploys["high"]
