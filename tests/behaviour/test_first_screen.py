"""The first screen of a run: one sentence with the cause, a next step, two numbers, the verdict, what it hangs on."""

import re
import shlex
from functools import cache

import pytest
from shown import as_markdown, in_terminal

import simsticky as ss
from simsticky.cli.main import main
from simsticky.report.asked import Asked
from simsticky.report.html import report_page
from simsticky.report.outcome import Kind, outcome
from simsticky.report.study import blocks
from simsticky.scenario.model import Scenario
from simsticky.scenario.paths.changes import parse_settings
from simsticky.scenario.reading.load import load, loads
from simsticky.study.otherwise import DRAIN, STATE, assumptions, otherwise
from simsticky.study.replicate import Study

SCENARIO = """\
schema: simsticky/1
name: tiny
run: {until: 90s, settle: 1s, replications: 3, seed: 5, skewFloor: false}
traffic:
  sessions: {kind: poisson, rate: 4/s}
  requests: {kind: geometric, mean: 6}
  think: {kind: exponential, mean: 4s}
  cookies: {keep: 1}
deployment: {name: app, replicas: 3, preStop: 5s}
app: {state: pod}
kic: {enableDrainSupport: true}
upstream: {algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: id}}
timeline: [{at: 20s, rollout: app}]
thresholds: {broken_sessions: "< 10%"}
"""

HASHING = "upstream={algorithm: consistent-hashing, hashOn: {header: x-user}}"

CASES = {
    "window": ([], Kind.BREAKS, "on the replaced pods: preStop ends after 5s, sessions last 20s on average."),
    "no hook": (["deployment.preStop=0s"], Kind.BREAKS, ": pods have no preStop hook, sessions last 20s"),
    "grace": (
        ["deployment.preStop=20s", "deployment.grace=5s"],
        Kind.BREAKS,
        "the grace period ends preStop after 5s, sessions last 20s",
    ),
    "drain off": (["kic.enableDrainSupport=false"], Kind.BREAKS, "drain support is off, so a deleted pod leaves"),
    "killed": (
        ["app.onSigterm=ignore", "deployment.grace=6s", "deployment.preStop=1s"],
        Kind.BREAKS,
        "pods are killed when their grace period of 6s is over.",
    ),
    "race": (
        ["kic.enableDrainSupport=false", "deployment.preStop=0s", "app.onSigterm=exit", "kic.proxySyncSeconds=10"],
        Kind.BREAKS,
        "pods stop listening before the gateway hears of it (pods have no preStop hook, a push every 10s).",
    ),
    "crash": (["timeline=[{at: 20s, crash: app}]"], Kind.BREAKS, "on the crashed pods: containers end without"),
    "hashing": (
        [HASHING, "timeline=[{at: 20s, scale: app, replicas: 4}]"],
        Kind.MOVED,
        "A scaling changes the hash ring",
    ),
    "background": (["traffic.cookies.keep=0.3"], Kind.BACKGROUND, "70 % of the clients keep no cookie."),
    "nothing breaks": (
        ["deployment.preStop=10m", "deployment.grace=11m", "run.until=drained"],
        Kind.NOTHING_BREAKS,
        "breaks none of about",
    ),
    "no timeline": (["timeline=[]"], Kind.NO_TIMELINE, "of the sessions break on an ordinary day."),
    "not sticky": (["upstream.algorithm=round-robin"], Kind.NOT_STICKY, "(upstream.algorithm: round-robin)"),
    "no jar": (["traffic.cookies.keep=0"], Kind.NOT_STICKY, "(upstream.algorithm: sticky-sessions)"),
    "state outside": (
        ["app.state=external", "timeline=[{at: 20s, scale: app, replicas: 2}]"],
        Kind.STATE_OUTSIDE,
        "none can lose it",
    ),
    "too short": (["timeline=[{at: 5m, rollout: app}]"], Kind.NOTHING_MEASURED, "the run ends at 1m30s"),
    "no pods": (["deployment.replicas=0"], Kind.NOTHING_MEASURED, "no request was answered"),
    "few": (["traffic.sessions.rate=0.05/s"], Kind.FEW_EVENTS, "under 30 nothing is judged."),
    "502": (
        ["deployment.preStop=0s", "app.onSigterm=exit", "gateway.retries=0", "app.state=external"],
        Kind.FAILING,
        "with 502, every pod that was tried refused the connection.",
    ),
    "504": (["gateway.readTimeout=20ms", "timeline=[]"], Kind.FAILING, "with 504, no answer came within"),
    "several": (
        ["timeline=[{at: 20s, rollout: app}, {at: 50s, scale: app, replicas: 2}]"],
        Kind.BREAKS,
        "The operations of a run break about",
    ),
}


@cache
def studied(name: str) -> Study:
    """Three replications of a case."""
    changes, _, _ = CASES[name]
    return ss.replicate(loads(SCENARIO).evolve(parse_settings(changes)), 3)


@pytest.mark.parametrize("name", CASES)
def test_the_sentence_says_what_happens_and_why(name):
    """Every kind of outcome has a sentence of its own, from the run's own numbers, first in every place."""
    _, kind, words = CASES[name]
    study = studied(name)
    found = outcome(study)
    assert found.kind is kind
    assert words in found.sentence
    assert found.sentence.endswith(".")
    first = in_terminal(blocks(study), 1000).splitlines()[0]
    assert first == found.sentence
    assert as_markdown(blocks(study)).replace("\\", "").startswith(f"**{found.sentence}**")


def test_its_numbers_are_those_of_the_run():
    """N of M are the means over the replications of what the table counts."""
    study = studied("window")
    estimate = study.estimate("broken_sessions")
    about = [round(total / 3) for total in (estimate.numerator, estimate.denominator)]
    assert f"A rollout breaks about {about[0]} of {about[1]} sessions" in outcome(study).sentence


@pytest.mark.quick_cases(8)
@pytest.mark.parametrize("name", CASES)
def test_its_next_step_works(name, tmp_path, capsys):
    """What is proposed is done as it is printed, and answers: exit 0, or the verdict of a search."""
    changes, _, _ = CASES[name]
    file = tmp_path / "tiny.yaml"
    file.write_text(SCENARIO)
    text = in_terminal(blocks(studied(name), asked=Asked.of(str(file), changes)))
    (command,) = re.findall(r"simsticky (?:run|compare|recommend) .*", text)
    _, verb, *words = shlex.split(command)
    light = ["--reps", "2"] if verb != "run" or "--reps" not in words else []
    vary = ["--vary", "deployment.preStop=5s,40s", "--max-time", "20s"] if verb == "recommend" else []
    assert main([verb, *words, *light, *vary, "-q", "-j", "1"]) in ((0, 3, 4) if verb == "recommend" else (0,))
    assert capsys.readouterr().err == ""


def test_it_is_found_again_where_it_was_loaded():
    """In Python the commands name the file that a scenario came from; of one that was changed there is none."""
    scenario = load("scenarios/rolling.yaml").evolve({})
    assert "simsticky recommend scenarios/rolling.yaml\n" in in_terminal(blocks(ss.replicate(_light(scenario), 2)))
    assert "simsticky recommend" not in in_terminal(blocks(studied("window")))


def _light(scenario: Scenario) -> Scenario:
    """Return the scenario with a hundredth of its traffic; where its values came from is kept."""
    light = scenario.evolve({"traffic.sessions.rate": "0.2/s", "run.skewFloor": False})
    light.set_origin(scenario.places, scenario.manifest_report)
    return light


@pytest.mark.parametrize("name", CASES)
def test_it_fits_a_screen(name):
    """Sentence, numbers, verdict and assumptions stand within 24 lines of 80 columns."""
    changes, _, _ = CASES[name]
    asked = Asked.of("scenario.yaml", changes)
    text = in_terminal(blocks(studied(name), asked=asked, others=otherwise(studied(name))))
    lines = text.splitlines()
    copied = [line for line in lines if line.startswith("  simsticky ")]
    assert all(len(line) <= 80 for line in lines if line not in copied)
    (last,) = [number for number, line in enumerate(lines) if line.startswith("Broken sessions: answered")]
    assert last <= 24


GUESSED = (
    SCENARIO.replace("kic: {enableDrainSupport: true}", "kic:\n  enableDrainSupport: false # GUESS: no manifest says")
    .replace("app: {state: pod}", "app:\n  state: pod # GUESS: in memory")
    .replace(
        "  think: {kind: exponential, mean: 4s}",
        "  think: {kind: exponential, mean: 4s} # GUESS: from answer to request",
    )
)
UNSAID = SCENARIO.replace("kic: {enableDrainSupport: true}\n", "").replace("app: {state: pod}\n", "")


def test_what_is_stated_is_no_assumption():
    """Where everything that decides is said, nothing is told of it."""
    assert assumptions(loads(SCENARIO)) == []
    assert "Assumed" not in in_terminal(blocks(studied("window"), others=otherwise(studied("window"))))


def test_guesses_are_known_by_their_comments():
    """What the draft marks as GUESS is one until somebody states it."""
    scenario = loads(GUESSED)
    assert set(scenario.guessed) == {"kic.enableDrainSupport", "app.state", "traffic.think"}
    assert {one.path for one in assumptions(scenario)} == {DRAIN, STATE, "traffic.session"}
    assert all(one.is_guess for one in assumptions(scenario))
    assert DRAIN not in scenario.evolve({DRAIN: True}).guessed
    assert loads(SCENARIO).guessed == ()


def test_the_headline_otherwise_is_simulated_on_the_same_luck():
    """Drain support the other way gives what a run with it stated gives, to the last digit."""
    study = ss.replicate(loads(UNSAID), 3)
    found = {one.assumed.path: one for one in otherwise(study)}
    stated = ss.replicate(loads(SCENARIO), 3)
    assert found[DRAIN].after.interval.estimate == stated.estimate("broken_sessions").interval.estimate
    assert found[DRAIN].before.interval.estimate == study.estimate("broken_sessions").interval.estimate
    text = in_terminal(blocks(study, others=list(found.values())), 120)
    (line,) = [line for line in text.splitlines() if "drain support off (nothing says so)" in line]
    assert f"{100 * found[DRAIN].after.interval.estimate:.0f}\u202f%" in line
    assert "if on (3 replications; " in line
    assert "state in the pods (nothing says so)" in text
    page = report_page(study, ss.simulate(study.scenario), others=list(found.values()))
    assert "if on (3 replications; " in page


def test_what_would_take_long_is_a_command_that_works(tmp_path, capsys):
    """Beyond five seconds by estimate nothing is run, and the command that tells is printed instead."""
    study = ss.replicate(loads(GUESSED).evolve({"run.record": "summary"}), 2)
    others = otherwise(study)
    assert all(one.after is None for one in others)
    file = tmp_path / "tiny.yaml"
    file.write_text(GUESSED)
    text = in_terminal(blocks(study, asked=Asked.of(str(file)), others=others))
    commands = re.findall(r"simsticky compare .*", text[text.index("Assumed") :])
    assert len(commands) == 2
    for command in commands:
        assert main([*shlex.split(command)[1:], "--reps", "2", "-q", "-j", "1"]) == 0
    capsys.readouterr()


def test_state_outside_the_pods_leaves_nothing_to_assume():
    """Where no session can lose its state, nothing hangs on drain support."""
    assert assumptions(loads(UNSAID).evolve({STATE: "external"})) == []


def test_ctrl_c_while_it_looks_at_assumptions_costs_nothing_else(tmp_path, capsys, monkeypatch):
    """The numbers are there by then: they are printed and written, with the commands that tell; the exit is 130."""

    def interrupted(study):
        raise KeyboardInterrupt

    monkeypatch.setattr("simsticky.study.otherwise.otherwise", interrupted)
    file, out = tmp_path / "tiny.yaml", tmp_path / "tiny.md"
    file.write_text(UNSAID)
    assert main(["run", str(file), "--reps", "2", "-j", "1", "--out", str(out)]) == 130
    shown = capsys.readouterr().out
    assert "of exposed sessions" in shown
    assert "simsticky compare" in shown
    assert "of exposed sessions" in out.read_text()
