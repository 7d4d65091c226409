"""From manifests to a scenario that runs, as somebody meets it who has never seen the tool."""

import io
import shlex
import shutil
from pathlib import Path

import jsonschema
import pytest
from command_line import called

from simsticky.cli.main import main
from simsticky.scenario.location import read_documents
from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import load

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop"
QUICK = ("--rps", "400")
"""So much traffic that nothing is found out by simulating while drafting."""


@pytest.fixture
def init(tmp_path, monkeypatch):
    """Run ``simsticky init`` beside the manifests of examples/shop; return exit code, output and what was said."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SHOP, tmp_path / "k8s")

    def run(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        told = called("init", *arguments)
        assert "Traceback" not in told.stderr
        assert told.returncode == 0 or not told.stdout
        return told.returncode, told.stdout, told.stderr

    return run


def everything():
    """The manifests of examples/shop in one text, as kustomize build or kubectl get would print them."""
    return "---\n".join(path.read_text() for path in sorted(SHOP.glob("*.yaml")) if path.stem != "kustomization")


@pytest.mark.slow
def test_two_commands_and_no_editing_give_the_first_figures(init, capsys):
    """`init k8s/ --out scenario.yaml` and `run scenario.yaml`; the guesses that matter are named on the way."""
    code, out, err = init("k8s/", "--out", "scenario.yaml")
    assert (code, out) == (0, "")
    assert "the answer hangs on traffic.session" in err
    assert "next: simsticky run scenario.yaml" in err
    assert "#   traffic.session: {p50: 3m, p95: 20m}" in Path("scenario.yaml").read_text()
    assert main(["run", "scenario.yaml", "--reps", "2", "-j", "1"]) == 0
    table = capsys.readouterr().out
    assert "broken_sessions < 1%" in table
    assert "rollout shop at 10m" in table


def test_the_draft_says_of_each_value_where_it_is_from(init):
    """Read with file and line, stated with its flag, or a guess; the schema's line comes first."""
    _, out, _ = init("k8s/", *QUICK, "--cookieless", "5%", "--pods-start", "30s")
    lines = out.splitlines()
    assert lines[0].startswith("# yaml-language-server: $schema=")
    assert any(
        "deployment.terminationGracePeriodSeconds: 60" in line and "k8s/deployment.yaml:20" in line for line in lines
    )
    assert "  rps: 400" in out
    assert "# stated: --rps" in out
    assert "keep: 0.95" in out
    assert "startup: {mean: 30s, cv: 0.4} # stated: --pods-start" in out
    values = [
        line for line in lines if line.startswith("  ") and ": " in line and not line.lstrip().startswith(("#", "-"))
    ]
    unmarked = [line for line in values if not any(word in line for word in ("GUESS", "stated:", "read:"))]
    assert all(line.split(":")[0].strip() in ("until", "horizon", "replications", "seed") for line in unmarked)


def test_what_is_drafted_is_what_was_stated(init):
    """Every flag arrives in the scenario in the users' units."""
    flags = ("--session", "p50=4m,p95=20m", "--think", "5s", "--service", "p50=40ms,p99=400ms")
    code, out, _ = init("k8s", *QUICK, *flags, "--set", "deployment.grace=90s", "-n", "shop")
    assert code == 0
    Path("s.yaml").write_text(out)
    scenario = load("s.yaml")
    assert (scenario.traffic.rps, scenario.traffic.session.p95, scenario.traffic.think.mean) == (400, 1200, 5)
    assert scenario.traffic.service.quantile(0.99) == pytest.approx(0.4)
    assert scenario.deployment.termination_grace_period_seconds == 90
    assert scenario.came_from("deployment.terminationGracePeriodSeconds").startswith("s.yaml:")


def test_standard_input_is_written_down_in_the_draft(init):
    """Without a file that keeps them the draft says all that was read, and is the same scenario."""
    _, referring, _ = init("k8s", *QUICK)
    code, out, err = init("-", *QUICK, stdin=everything())
    assert code == 0
    assert "manifests:" not in [line.split(" ")[0] for line in out.splitlines()]
    assert "--manifests-out FILE keeps them" in err
    Path("a.yaml").write_text(referring)
    Path("b.yaml").write_text(out)
    assert load("a.yaml").digest() == load("b.yaml").digest()


def test_standard_input_can_be_kept_beside_the_draft(init):
    """--manifests-out keeps it to the byte, and the draft names it from where it lies."""
    Path("sim").mkdir()
    code, _, _ = init("-", *QUICK, "--out", "sim/s.yaml", "--manifests-out", "sim/all.yaml", stdin=everything())
    assert code == 0
    assert Path("sim/all.yaml").read_text() == everything()
    assert "manifests: [all.yaml]" in Path("sim/s.yaml").read_text()
    assert load("sim/s.yaml").came_from("deployment.preStop").startswith("all.yaml:")


def test_manifests_are_not_kept_when_they_make_no_scenario(init):
    """A refused draft leaves nothing behind."""
    code, _, _ = init("-", "--out", "s.yaml", "--manifests-out", "all.yaml", stdin="apiVersion: v1\nkind: Service\n")
    assert code == 2
    assert not Path("all.yaml").exists()
    assert not Path("s.yaml").exists()


def test_a_file_that_is_there_stays(init):
    """Nothing is overwritten without --force, neither the draft nor the manifests."""
    Path("s.yaml").write_text("mine")
    assert "--out: s.yaml is there already (--force overwrites it)" in init("k8s", *QUICK, "--out", "s.yaml")[2]
    told = init("-", *QUICK, "--out", "t.yaml", "--manifests-out", "s.yaml", stdin=everything())[2]
    assert "--manifests-out: s.yaml is there already" in told
    assert Path("s.yaml").read_text() == "mine"
    assert init("k8s", *QUICK, "--out", "s.yaml", "--force")[0] == 0
    assert load("s.yaml").name == "shop"


def test_a_draft_among_its_manifests_is_none_of_them(init, monkeypatch):
    """`init .` in the manifests' own folder: the scenario is not read as a manifest afterwards."""
    monkeypatch.chdir("k8s")
    assert init(".", *QUICK, "--out", "scenario.yaml")[0] == 0
    assert load("scenario.yaml").deployment.name == "shop"


KNOWN = ("--rps", "5", "--session", "p50=1m,p95=3m", "--think", "5s", "--cookieless", "2%", "--pods-start", "9s")
"""Nearly all is stated, so that few guesses are left to try."""


def test_the_same_input_gives_the_same_bytes(init):
    """Also where guesses are tried: what is found out follows from the seed, and never from a clock."""
    first = init("k8s", *KNOWN)
    assert first == init("k8s", *KNOWN)
    assert "# What the answer hangs on" in first[1]
    assert "app.onSigterm" in first[1].split("# What the answer hangs on")[1]


def test_what_would_take_long_is_not_tried_but_told_how(init):
    """With more traffic the command that tries the guesses is the last line."""
    _, out, err = init("k8s", *QUICK)
    assert "Too long to find out while drafting" in out
    assert "simsticky sweep scenario.yaml --tornado" in out.splitlines()[-1]
    assert "the last line of the file finds out which of them matter" in err


def test_the_sweep_that_a_draft_prints_runs(init, capsys):
    """The hint at the end of a draft works when it is followed, on fewer replications."""
    init("k8s", *KNOWN, "--out", "scenario.yaml")
    words = shlex.split(Path("scenario.yaml").read_text().splitlines()[-1].lstrip("# "))
    words[words.index("--reps") + 1] = "2"
    small = ("--set", "run.until=12m", "--set", "run.skewFloor=false")
    assert words[0] == "simsticky"
    assert main([*words[1:], *small, "-j", "1"]) == 0
    assert "enableDrainSupport" in capsys.readouterr().out


STATEFUL = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: idp}
spec:
  replicas: 3
  serviceName: idp
  updateStrategy: {type: %s}
  selector: {matchLabels: {app: idp}}
  template:
    metadata: {labels: {app: idp}}
    spec: {containers: [{name: idp, image: idp}]}
"""


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (STATEFUL % "RollingUpdate", "- {at: 10m, rollout: idp} # a new version of the StatefulSet"),
        (STATEFUL % "OnDelete", "- {at: 10m, deletePod: idp} # updateStrategy OnDelete"),
        (everything(), "- {at: 15m, traffic: {rateFactor: 0.5}} # evening: the autoscaler takes pods away"),
    ],
    ids=["StatefulSet", "OnDelete", "HPA"],
)
def test_the_timeline_fits_the_workload(init, text, entry):
    """A rollout, a deletion where rollouts wait for one, falling load where an autoscaler would follow it."""
    code, out, _ = init("-", *QUICK, stdin=text)
    assert code == 0
    assert entry in out


def test_an_autoscaler_keeps_its_pods_with_the_load_of_the_draft(init, capsys):
    """Nothing is scaled before the first operation: the drafted request share fits the drafted load."""
    init("k8s", *QUICK, "--out", "s.yaml", "--quiet")
    scenario = load("s.yaml")
    assert not any("autoscaler" in warning for warning in scenario.warnings)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "init: name the manifests (simsticky init k8s/, or - for standard input"),
        (("nothing.yaml",), "nothing.yaml: no such file"),
        (("empty/",), "empty: the directory has no .yaml, .yml, .json file"),
        (("empty.yaml",), "empty.yaml: the manifests hold no Deployment of an application"),
        (("binary.yaml",), "binary.yaml:1:1: is not UTF-8 text: byte 0xff"),
        (("plain.yaml",), "plain.yaml:1:1: is not a Kubernetes object: it has no kind"),
        (("k8s/kustomization.yaml",), "is a kustomization, which makes manifests and is none (kustomize build k8s"),
        (("k8s/service.yaml",), "k8s/service.yaml: the manifests hold no Deployment of an application"),
        (("k8s", "--out", "empty"), "--out: empty is a directory, a file is wanted"),
        (("k8s", "--out", "no/where.yaml"), "--out: there is no directory"),
        (("k8s", "--manifests-out", "m.yaml"), "--manifests-out: it keeps the manifests of standard input: name -"),
        (("k8s", "--rps", "many"), "--rps: 'many' is not a rate"),
        (("k8s", "--rps", "0"), "--rps: must be greater than 0"),
        (("k8s", "--rps", "9" * 400), "--rps: a rate must be a finite number"),
        (("k8s", "--session", "6m"), "--session: takes two numbers (write for example p50=6m,p95=40m"),
        (("k8s", "--session", "p50=6m"), "--session: p50: 1 of two quantiles"),
        (("k8s", "--session", "p50=6m,p95=4m"), "--session: p50 must be below p95"),
        (("k8s", "--session", "p50=6m,p95"), "--session: 'p95' is no name=value"),
        (("k8s", "--session", "mean=9m,cv=nan"), "--session cv: must be"),
        (("k8s", "--session", "p50=80ms,p95=1s"), "--session: sessions so short do not last as long"),
        (("k8s", "--think", "0s"), "--think mean: must be greater than 0"),
        (("k8s", "--service", "fast"), "--service mean: 'fast' is not a duration"),
        (("k8s", "--cookieless", "200%"), "--cookieless: must be between 0% and 100%"),
        (("k8s", "--cookieless", "2"), "--cookieless: '2' is not a percentage"),
        (("k8s", "--pods-start", "soon"), "--pods-start mean: 'soon' is not a duration"),
        (
            ("k8s", "--set", "deploymnt.preStop=3s"),
            "--set deploymnt.preStop: unknown, did you mean deployment.preStop?",
        ),
        (("k8s", "--set", "deployment.preStop=soon"), "--set deployment.preStop: 'soon' is not a duration"),
        (
            ("k8s", "--set", "traffic.requests=5", "--session", "p50=3m,p95=9m"),
            "--session traffic.session: traffic.requests",
        ),
        (("k8s", "--set", "timeline.0.at=5m"), "--set timeline.0.at: timeline has 0 entries"),
        (("--example", "rollng"), "--example: there is no shipped scenario 'rollng' (did you mean rolling?)"),
        (("--example", "rolling", "hpa"), "--example: takes one name"),
        (("--example", "rolling", "--out", "plain.yaml"), "--out: plain.yaml is a file, a directory is wanted"),
    ],
    ids=str,
)
def test_wrong_input_is_told_and_nothing_is_written(init, arguments, told):
    """Exit 2, one clear line, no traceback, no file."""
    Path("empty").mkdir()
    Path("empty.yaml").touch()
    Path("binary.yaml").write_bytes(b"\xff\x00\x01")
    Path("plain.yaml").write_text("hello: 1\n")
    before = sorted(Path().rglob("*"))
    code, out, err = init(*arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert sorted(Path().rglob("*")) == before


def test_what_manifests_cannot_say_is_stated_with_set(init):
    """A hook whose length nobody can read is refused with the way out, which init takes as --set."""
    hooked = everything().replace("sleep:\n                seconds: 15", "httpGet: {path: /drain, port: 8080}")
    code, _, err = init("-", *QUICK, stdin=hooked)
    assert code == 2
    assert "the length of this preStop hook cannot be read" in err
    assert "init takes as --set" in err
    assert init("-", *QUICK, "--set", "deployment.preStop=30s", stdin=hooked)[0] == 0


def test_a_blue_green_rollout_needs_its_manifest(init):
    """What no section of a scenario can say is refused from standard input, and works from a file."""
    text = (ROOT / "tests/unit/manifests/rollout_blue_green.yaml").read_text()
    code, _, err = init("-", *QUICK, stdin=text)
    assert code == 2
    assert "keep the manifests: --manifests-out FILE" in err
    assert init("-", *QUICK, "--manifests-out", "all.yaml", stdin=text)[0] == 0


def test_an_example_is_written_with_all_it_needs(init):
    """The scenario, the one that it stands on, and their manifests; again it is the same, and edits stay."""
    code, out, _ = init("--example", "hpa", "--out", "there")
    assert code == 0
    assert out.splitlines() == ["there/hpa.yaml", "there/rolling.yaml", "there/manifests/example-app.yaml"]
    assert load("there/hpa.yaml").digest() == load(ROOT / "scenarios/hpa.yaml").digest()
    assert init("--example", "hpa", "--out", "there")[0] == 0
    Path("there/rolling.yaml").write_text("mine")
    assert "there/rolling.yaml is there already, and another one" in init("--example", "hpa", "--out", "there")[2]
    assert init("--example", "hpa", "--out", "there", "--force")[0] == 0


def test_every_shipped_scenario_is_an_example(init):
    """The list names each of scenarios/, and each can be written and read."""
    _, listed, _ = init("--example")
    shipped = sorted(path.stem for path in (ROOT / "scenarios").glob("*.yaml"))
    assert [line for line in listed.splitlines() if not line.startswith(" ")] == shipped
    for name in shipped:
        assert init("--example", name, "--out", "all", "--quiet")[0] == 0
        assert load(f"all/{name}.yaml").digest() == load(ROOT / f"scenarios/{name}.yaml").digest()


def test_the_wheel_holds_the_shipped_scenarios():
    """The build puts scenarios/ where `--example` looks first in an installed package."""
    import tomllib

    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert built["force-include"] == {"scenarios": "simsticky/shipped"}


def test_the_draft_fits_the_schema(init):
    """An editor that checks the file by its first line finds nothing wrong."""
    validator = jsonschema.Draft202012Validator(Scenario.json_schema())
    for source in (("k8s",), ("-",)):
        _, out, _ = init(*source, *QUICK, stdin=everything())
        (document,) = read_documents(out, "draft")
        assert [error.message for error in validator.iter_errors(document.data)] == []


def test_unknown_fields_pass_with_lenient_and_the_hints_say_so(init):
    """A field that the API server does not know is refused, or warned of; what comes next needs the flag, too."""
    Path("k8s/deployment.yaml").write_text(
        (SHOP / "deployment.yaml").read_text().replace("spec:\n", "spec:\n  nope: 1\n", 1)
    )
    assert init("k8s", *QUICK)[0] == 2
    code, out, err = init("k8s", *QUICK, "--lenient")
    assert code == 0
    assert "nope" in err
    assert "next: simsticky run --lenient scenario.yaml" in err
    assert "sweep scenario.yaml --lenient --tornado" in out
