"""``recommend`` against closed forms: which drain window keeps broken sessions under a threshold, and when none can.

A removed pod serves for as long as its preStop hook sleeps, W. Of the sessions on it P(R > W) break, R being the
residual life: with exponential sessions of mean L that is 5 % at W = 3.00 L, with lognormal ones of CV 2 at 9.64 L. The
command lines are those of docs/validation.md, on ``scenarios/scale_down.yaml``.
"""

import json
from math import exp, log, log1p, sqrt
from typing import Any

import pytest
from markdown_page import ROOT, blocks, commands
from scenario_runs import within
from scipy import stats

from simsticky.cli.main import main

MEAN_S = 300.0
CV = 2.0
EXPOSED = {"exponential": 12_000, "lognormal": 24_000}
"""Mean number of exposed sessions of a setting: ten replications, two of three pods, 6/s or 12/s for 300 s."""


def outlasts(law: str, window_s: float) -> float:
    """Return P(R > W), the share of the sessions on a removed pod that break."""
    if law == "exponential":
        return exp(-window_s / MEAN_S)
    sigma = sqrt(log1p(CV**2))
    z = (log(MEAN_S) - sigma**2 / 2 - log(window_s)) / sigma
    return float(stats.norm.cdf(z + sigma) - window_s / MEAN_S * stats.norm.cdf(z))


def documented() -> dict[str, list[str]]:
    """The command lines of the page, by law; ``fixed`` is the one whose grace period does not follow."""
    found: dict[str, list[str]] = {}
    for block in blocks(ROOT / "docs" / "validation.md"):
        for command in commands(block.text):
            program, *arguments = command.words
            line = " ".join(arguments)
            law = next(law for law in EXPOSED if law in line) if "deployment.grace" in line else "fixed"
            assert program == "simsticky"
            assert law not in found, f"two commands are about {law}"
            found[law] = arguments
    return found


def run(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, Any]]:
    """Run a documented line in the repository; return its exit code and its answer."""
    monkeypatch.chdir(ROOT)
    code = main([*documented()[name], "-q", "-o", "json", "-j", "1"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.parametrize("law", EXPOSED)
def test_the_estimate_crosses_where_theory_says_and_the_pick_is_above(
    law: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With grace following preStop the estimate crosses 5 % where 5 % outlast the window, and the pick lies above it.

    Four standard errors of that share are a sixth of it and a ninth.
    """
    code, found = run(law, capsys, monkeypatch)
    assert (code, found["status"], found["monotone"]) == (0, "found", True)
    (crossing,) = found["crossings"]
    assert crossing["metric"] == "broken_sessions"
    assert within(outlasts(law, crossing["value"]), 0.05, sqrt(0.05 * 0.95 / EXPOSED[law]))
    settings = found["pick"]["settings"]
    assert settings["deployment.preStop"] >= crossing["value"]
    assert settings["deployment.grace"] == settings["deployment.preStop"] + 30
    assert found["pick"]["estimates"]["broken_sessions"]["high"] < 0.05
    assert found["today"]["verdict"] == "not met"


@pytest.mark.slow
def test_a_fixed_grace_period_is_named_as_the_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the grace period fixed at 60 s no preStop helps, and the answer says that the grace period is why."""
    code, found = run("fixed", capsys, monkeypatch)
    assert (code, found["status"], found["pick"]) == (3, "none", None)
    assert "terminationGracePeriodSeconds is fixed at 1m" in found["reason"]
    assert found["closest"]["estimates"]["broken_sessions"]["low"] > 0.7
