"""``simsticky backtest`` on logs as gateways write them: its sentence, its exit code, and what it refuses."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from logs import writers
from logs.recording import requests_of
from logs.traffic import BEGIN_S, Request

import simsticky as ss
from simsticky.cli.main import main
from simsticky.logs.read import read_logs
from simsticky.logs.replay import replay_of
from simsticky.logs.watched import moves_of

SHOP = """\
schema: simsticky/1
name: shop
run: {until: 4m, settle: 0s, start: empty, skewFloor: false}
traffic:
  sessions: {kind: poisson, rate: 1/s}
  requests: {kind: geometric, mean: 12}
  think: {kind: exponential, mean: 3s}
  service: 20ms
app: {startup: 2s}
deployment: {name: web, replicas: 3, preStop: 5s, grace: 60s}
upstream: {algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: route}}
gateway: {nodes: 2, frontBalancer: perRequest}
kic: {enableDrainSupport: false}
timeline:
  - {at: 90s, rollout: web}
"""


@cache
def logged(rate: str = "1/s", length: int = 12) -> tuple[Request, ...]:
    """Return the requests of a run of the shop as its gateways would log them."""
    shop = SHOP.replace("rate: 1/s", f"rate: {rate}").replace("mean: 12", f"mean: {length}")
    return tuple(requests_of(ss.simulate(ss.loads(shop), seed=1)))


def write(made: Any, path: Path) -> Path:
    """Write requests as Kong's file-log does."""
    path.write_text(writers.text(list(made)), encoding="utf-8")
    return path


def backtested(folder: Path, *arguments: str | Path, scenario: str = SHOP) -> tuple[int, str, str]:
    """Run the command; return exit code, answer and what was said."""
    (folder / "shop.yaml").write_text(scenario, encoding="utf-8")
    out, said = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(said):
        code = main(["backtest", str(folder / "shop.yaml"), *map(str, arguments), "--reps", "39", "--jobs", "1"])
    return code, out.getvalue(), said.getvalue()


@pytest.mark.slow
def test_a_log_of_the_same_cluster_is_compatible(tmp_path: Path) -> None:
    """Exit 0; the rollout is found in the log, and nothing of a client or a pod is in any output."""
    log = write(logged(), tmp_path / "kong.json")
    page, figures = tmp_path / "page.html", tmp_path / "figures.csv"
    code, out, said = backtested(tmp_path, log, "-o", "json", "--report", page, "--out", figures)
    assert (code, said) == (0, "")
    found = json.loads(out)
    assert found["compatible"] is True
    assert [operation["label"] for operation in found["operations"]] == ["rollout web"]
    assert found["operations"][0]["begins_s"] == pytest.approx(90.0, abs=8.0)
    broken = found["figures"][0]
    assert broken["name"] == "broken"
    assert broken["predicted"]["low"] <= broken["observed"] <= broken["predicted"]["high"]
    secrets = {each.client for each in logged()} | {each.pod for each in logged() if each.pod}
    secrets |= {each.app_in for each in logged() if each.app_in}
    for text in (out, page.read_text("utf-8"), figures.read_text("utf-8")):
        assert not [secret for secret in secrets if secret in text]


@pytest.mark.slow
def test_a_model_that_drains_is_not_compatible_with_a_log_that_did_not(tmp_path: Path) -> None:
    """Exit 3, and the sentence names what differs."""
    log = write(logged(), tmp_path / "kong.json")
    code, out, _ = backtested(tmp_path, log, "--set", "kic.enableDrainSupport=true", "--set", "deployment.preStop=40s")
    assert code == 3
    assert out.startswith("✗ The model is not compatible with this log: broken sessions: ")


@pytest.mark.slow
def test_of_few_sessions_under_way_nobody_knows(tmp_path: Path) -> None:
    """Exit 4: of sessions so short hardly any goes through the rollout."""
    code, out, _ = backtested(tmp_path, write(logged(length=3), tmp_path / "kong.json"))
    assert code == 4
    assert out.startswith("? Not certain")


@pytest.mark.slow
def test_clocks_that_differ_change_nothing(tmp_path: Path) -> None:
    """The second gateway is 5 s ahead; its times are put right, which is said, and as many sessions broke."""
    made = logged("3/s")
    for gateway in ("kong-1", "kong-2"):
        ahead_s = 5.0 if gateway == "kong-2" else 0.0
        own = [replace(each, sent_s=each.sent_s + ahead_s) for each in made if each.gateway == gateway]
        write(own, tmp_path / f"{gateway}.log")
    code, out, _ = backtested(tmp_path, tmp_path / "kong-*.log", "-o", "json")
    assert code == 0
    skewed = json.loads(out)
    assert any("clock of kong-2" in note and "set right" in note for note in skewed["notes"])
    right = read_logs(write(made, tmp_path / "right.json"))
    was = len(np.unique(moves_of(replay_of(right).log).session))
    assert abs(was - skewed["figures"][0]["observed"]) <= max(3, 0.1 * was)


@pytest.mark.slow
def test_clocks_that_nobody_can_compare_are_said(tmp_path: Path) -> None:
    """Each session keeps to one gateway: nothing is put right, and the answer says why."""
    for number, gateway in enumerate(("kong-1", "kong-2")):
        write([each for each in logged() if each.session % 2 == number], tmp_path / f"{gateway}.log")
    _, out, _ = backtested(tmp_path, tmp_path / "kong-*.log", "-o", "json")
    assert any("clocks of kong-2" in note and "cannot be seen" in note for note in json.loads(out)["notes"])


def test_a_log_that_begins_within_its_rollout_is_refused(tmp_path: Path) -> None:
    """Exit 2: nobody knows when it began."""
    late = [each for each in logged() if each.sent_s > BEGIN_S + 100]
    code, out, said = backtested(tmp_path, write(late, tmp_path / "kong.json"))
    assert (code, out) == (2, "")
    assert "kong.json" in said
    assert "rollout" in said


@pytest.mark.slow
def test_a_cookie_that_names_the_target_is_no_key(tmp_path: Path) -> None:
    """Asked for, it is refused; left to itself, the reader takes address and user agent and says that it guesses."""
    bare = [replace(each, app_in="", app_out="") for each in logged()]
    log = write(bare, tmp_path / "kong.json")
    code, _, said = backtested(tmp_path, log, "--session-key", "cookie:session_id")
    assert code == 2
    assert "target" in said
    code, out, _ = backtested(tmp_path, log, "-o", "json")
    assert code in (0, 4)
    assert json.loads(out)["log"]["key"]["quality"] == "weak"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.json"], "nothing.json"),
        (["shop.yaml"], "shop.yaml"),
        (["kong.json", "--max-damaged", "much"], "--max-damaged"),
        (["kong.json", "--report", "page.txt"], "--report"),
        (["kong.json", "--set", "deployment.repicas=3"], "--set"),
    ],
)
def test_what_is_wrong_is_named(arguments: list[str], words: str, tmp_path: Path, monkeypatch: Any) -> None:
    """Exit 2, and nothing on standard output."""
    monkeypatch.chdir(tmp_path)
    write(logged()[:200], tmp_path / "kong.json")
    code, out, said = backtested(tmp_path, *arguments)
    assert (code, out) == (2, "")
    assert words in said


TWO_DAYS = SHOP.replace("until: 4m", "until: 48h, horizon: 49h").replace("rate: 1/s", "rate: 40/h").replace(
    "mean: 12}", "mean: 8}"
).replace("mean: 3s", "mean: 5m").replace("  - {at: 90s, rollout: web}", "\n".join(
    f"  - {{at: {at}, rollout: web}}" for at in ("9h", "17h", "33h")
))  # fmt: skip


@pytest.mark.slow
def test_two_days_with_three_rollouts(tmp_path: Path) -> None:
    """All three are found and told of one by one, and the model's own log is compatible."""
    made = requests_of(ss.simulate(ss.loads(TWO_DAYS), seed=2))
    code, out, _ = backtested(tmp_path, write(made, tmp_path / "kong.json"), "-o", "json", scenario=SHOP)
    found = json.loads(out)
    assert code == 0, found
    begun = [operation["begins_s"] / 3600 for operation in found["operations"]]
    assert begun == pytest.approx([9, 17, 33], abs=0.2)
    names = [figure["name"] for figure in found["figures"]]
    assert {"broken_1", "broken_2", "broken_3", "tail_3"} <= set(names)
