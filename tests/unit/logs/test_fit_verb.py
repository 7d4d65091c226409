"""``simsticky fit``: what it says, what it writes, and what it refuses."""

import csv
import gzip
import io
import json
import random
import re
from pathlib import Path

import pytest
from command_line import called
from logs import writers
from logs.markov import visitors
from logs.traffic import traffic
from markdown_page import ROOT, blocks, commands

SCENARIO = """schema: simsticky/1
run: {until: 2m, replications: 2}
traffic: {%s}
deployment: {replicas: 2}
"""


@pytest.fixture(scope="module")
def made():
    """Return the requests of half an hour."""
    return visitors(seed=5, hours=0.5, campaigns_per_hour=60)


@pytest.fixture(scope="module")
def log(made, tmp_path_factory) -> Path:
    """Return a log of them."""
    path = tmp_path_factory.mktemp("log") / "kong.log"
    path.write_text(writers.text(made.requests))
    return path


def test_it_says_what_it_found_and_what_is_next(log, made):
    """Protects the first screen: format, key with its evidence, laws with intervals, doubts, a command that works."""
    ran = called("fit", log, COLUMNS="80")
    assert ran.returncode == 0
    count = f"{len(made.requests):,}".replace(",", "\u202f")
    assert f"{count} requests in {count} lines of the format kong-json, " in ran.stdout
    said = " ".join(ran.stdout.split(" " * 4)[0].replace("\n", " ").split(" "))
    assert "told apart by cookie:JSESSIONID (certain). The cookie JSESSIONID" in said
    assert "The laws are those of the " in said
    assert "sessions start" in ran.stdout
    assert "no law fits the service times" in " ".join(ran.stdout.split())
    assert "sessions start in bursts" in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 80
    following = re.fullmatch(r"next: simsticky (.*)\n", ran.stderr)[1]
    assert following == f"fit {log} --out profile.yaml"


@pytest.mark.slow
def test_the_hint_works_when_it_is_followed(log, tmp_path, monkeypatch):
    """Protects the way on: the profile goes into a scenario, and that runs."""
    monkeypatch.chdir(tmp_path)
    ran = called("fit", log, "--out", "profile.yaml", "--trace", "trace.csv", "--report", "page.html")
    assert ran.returncode == 0
    assert "wrote profile.yaml\nwrote trace.csv\nwrote page.html\n" in ran.stderr
    stated = re.search(r"takes it in by   traffic: \{(.*)\}", ran.stderr)[1]
    (tmp_path / "s.yaml").write_text(SCENARIO % stated)
    assert called("run", "s.yaml", "-j", "1", "-q").returncode == 0
    (tmp_path / "t.yaml").write_text(SCENARIO % "trace: trace.csv")
    assert called("run", "t.yaml", "-j", "1", "-q").returncode == 0
    page = (tmp_path / "page.html").read_text()
    assert page.count("<figure>") == 4
    assert "schema: simsticky-profile/1" in page
    assert "http" not in re.sub(r"http://www.w3.org/\S+|http-equiv|prof\w+-http", "", page)


@pytest.mark.slow
def test_the_page_is_true(log, tmp_path, monkeypatch):
    """Protects who follows docs/logs.md: its commands run, one after the other, with its scenario."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kong.json").write_bytes(log.read_bytes())
    shown = [block for block in blocks(ROOT / "docs" / "logs.md") if block.heading == "From your logs"]
    (scenario,) = [block.text for block in shown if block.language == "yaml"]
    (tmp_path / "scenario.yaml").write_text(scenario)
    typed = [command for block in shown if block.language == "sh" for command in commands(block.text)]
    assert len(typed) == 3
    for command in typed:
        program, *arguments = command.words
        assert program == "simsticky"
        assert called(*arguments).returncode == 0
    assert {"profile.yaml", "fit.html", "sessions.csv"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
def test_a_reader_and_a_machine_are_told_the_same(log):
    """Protects the other formats: JSON, CSV and Markdown have the same means."""
    whole = json.loads(called("fit", log, "-o", "json", "-q").stdout)
    rows = {row["quantity"]: row for row in csv.DictReader(io.StringIO(called("fit", log, "-o", "csv", "-q").stdout))}
    assert whole["schemaVersion"] == 1
    assert whole["log"]["format"] == "kong-json"
    assert whole["requests"]["chosen"]["mean"]["value"] == float(rows["requests of a session"]["mean"])
    assert whole["think"]["chosen"]["law"] == whole["traffic"]["think"]
    assert len(whole["requests"]["tried"]) >= 5
    assert all(one["bic"] >= whole["requests"]["tried"][0]["bic"] for one in whole["requests"]["tried"])
    markdown = called("fit", log, "-o", "markdown", "-q").stdout
    assert "| requests of a session | " in markdown


@pytest.mark.slow
def test_the_same_log_gives_the_same_bytes(log, tmp_path):
    """Protects review: a profile that is made again differs only where the log does; also of a compressed log."""
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    packed = tmp_path / "kong.log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    assert called("fit", log, "--out", first, "-q").returncode == 0
    assert called("fit", packed, "--out", second, "-q").returncode == 0
    assert first.read_bytes() == second.read_bytes()


def test_damaged_lines_are_counted_and_too_many_are_refused(log, tmp_path):
    """Protects against half a log: the first damaged line has its number, and 5 % are taken unless more are allowed."""
    lines = log.read_text().splitlines()
    few, many = list(lines), list(lines)
    few[100] = few[100][:50]
    for number in range(20, len(many), 10):
        many[number] = "{"
    for name, text in (("few", few), ("many", many)):
        (tmp_path / name).write_text("\n".join(text) + "\n")
    ran = called("fit", tmp_path / "few", "-q")
    assert ran.returncode == 0
    assert "1 line is damaged" in ran.stdout
    assert "line 101" in " ".join(ran.stdout.splitlines())
    refused = called("fit", tmp_path / "many")
    assert refused.returncode == 2
    assert "--max-damaged" in refused.stderr
    assert called("fit", tmp_path / "many", "--max-damaged", "20%", "-q").returncode == 0


@pytest.mark.slow
def test_a_log_without_times_of_the_upstream_leaves_service_to_the_scenario(made, tmp_path):
    """Protects Kong's default access log: whole seconds, no pod, no cookie; sessions by address, said weak."""
    path = tmp_path / "access.log"
    path.write_text(writers.text(made.requests, writers.combined))
    out = tmp_path / "p.yaml"
    ran = called("fit", path, "--out", out)
    said = " ".join(ran.stdout.split())
    assert ran.returncode == 0
    assert "(weak)" in said
    assert "no time of the upstream" in said
    assert "service:" not in out.read_text()
    whole = json.loads(called("fit", path, "-o", "json", "-q").stdout)
    assert whole["requests"]["chosen"]["mean"]["value"] == pytest.approx(made.mean_requests, rel=0.1)
    refused = called("fit", path, "--trace", tmp_path / "t.csv")
    assert refused.returncode == 2
    assert "no service times" in refused.stderr


def test_a_log_that_is_too_short_is_refused(made, tmp_path):
    """Protects against a law of ten sessions: the file, the reason and the way out; nothing is written."""
    path, out = tmp_path / "short.log", tmp_path / "p.yaml"
    path.write_text(writers.text(made.requests[:60]))
    ran = called("fit", path, "--out", out)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"{path}: ")
    assert "a longer log has more" in ran.stderr
    assert not out.exists()


def test_a_few_addresses_for_everybody_are_no_sessions(tmp_path):
    """Protects against offices taken for people: all addresses send all the time, and none is seen to begin."""
    path = tmp_path / "access.log"
    path.write_text(writers.text(traffic(3000, requests=8, addresses=60), writers.combined))
    ran = called("fit", path)
    assert ran.returncode == 2
    assert "no session was seen to begin" in ran.stderr
    assert "many seem to share an address; --session-key" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--max-damaged", "5"], "--max-damaged: '5' is not a percentage"),
        (["--max-damaged", "140%"], "--max-damaged: '140%' is no share of lines"),
        (["--gap", "0s"], "--gap: '0s' ends every session at once"),
        (["--gap", "soon"], "--gap: 'soon' is not a duration"),
        (["--out", "profile.json"], "--out: profile.json has no ending that says what to write"),
        (["--trace", "trace.yaml"], "--trace: trace.yaml has no ending"),
        (["--report", "page.pdf"], "--report: page.pdf has no ending"),
        (["--out", "no/such/p.yaml"], "--out: there is no directory"),
        (["--format", "apache"], "apache"),
        (["--session-key", "cookie:nothing"], "cookie:nothing"),
    ],
)
def test_flags_that_make_no_sense_are_refused_before_anything_is_read(log, arguments, said):
    """Protects people's time: usage is checked first, exit code 2."""
    ran = called("fit", log, *arguments)
    assert ran.returncode == 2
    assert said in ran.stderr


def test_a_shorter_gap_makes_more_sessions(log):
    """Protects --gap: a visit with a pause of two minutes is one session, or two."""
    usual, short = (json.loads(called("fit", log, "-o", "json", "-q", *more).stdout) for more in ((), ("--gap", "60s")))
    assert short["log"]["gap_s"] == 60
    assert short["log"]["sessions"] > 1.05 * usual["log"]["sessions"]


def test_a_rollout_in_the_log_is_said(tmp_path):
    """Protects laws from broken sessions: pods came and went, so some sessions may have ended early."""
    from logs.traffic import pods_of

    path = tmp_path / "kong.log"
    random.seed(1)
    path.write_text(writers.text(traffic(600, pods=pods_of(3, (900.0,)))))
    ran = called("fit", path, "-q")
    assert ran.returncode == 0
    assert "pods came and went" in ran.stdout
