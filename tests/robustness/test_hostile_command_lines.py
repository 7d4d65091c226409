"""Hostile command lines, one row each: what is asked, of which files, and what may and may not come of it.

In all of them: no traceback, no word of Python's, no control character on the terminal, and nothing on standard
output beside an error.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command_line import TINIEST, called
from hostile import unfit

NINES, DIGITS, HEX = "9" * 400, "9" * 5000, "0x" + "f" * 5000
RUN = ("run", "t.yaml", "-q", "--reps", "1", "-j", "1")
ADVISE = ("recommend", "t.yaml", "--threshold", "broken_sessions < 1%")
ROLLOUT = "timeline:\n  - {at: 2m, rollout: app}\n"


@dataclass(frozen=True)
class Case:
    """A command line and its ending.

    Attributes:
        name: What is hostile about it.
        arguments: The arguments, or those behind ``run t.yaml``.
        told: Parts of standard error, in this order.
        code: The exit code.
        files: Files beside ``t.yaml``, by name.
        prepare: Makes what is no file; called in the directory.
        never: What neither stream may hold.
        out: Parts of standard output.
    """

    name: str
    arguments: tuple[str, ...]
    told: tuple[str, ...] = ()
    code: int = 2
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    prepare: Callable[[], object] | None = None
    never: tuple[str, ...] = ()
    out: tuple[str, ...] = ()


def setting(name: str, text: str, *told: str, **more: object) -> Case:
    """A ``--set``; what is told begins with the flag and the setting."""
    return Case(name, (*RUN, "--set", text), ("--set ", *told), **more)  # type: ignore[arg-type]


def changed(name: str, old: str, new: str, *told: str, **more: object) -> Case:
    """The scenario with a part replaced; what is told names the file and a line."""
    assert old in TINIEST
    return Case(name, RUN, ("t.yaml:", *told), files={"t.yaml": TINIEST.replace(old, new)}, **more)  # type: ignore[arg-type]


def file(name: str, content: str | bytes, *told: str, **more: object) -> Case:
    """Another scenario file altogether."""
    return Case(name, RUN, ("t.yaml", *told), files={"t.yaml": content}, **more)  # type: ignore[arg-type]


VALUES = [
    setting("full-width digits", "deployment.replicas=３", "'３' is not a whole number"),
    setting("400 nines", f"deployment.replicas={NINES}", "is too large"),
    setting("400 nines of seconds", f"deployment.preStop={NINES}s", "must be a finite number"),
    setting("400 nines as a duration", f"deployment.preStop={NINES}", "must be a finite number"),
    setting("400 nines a second", f"traffic.sessions.rate={NINES}/s", "must be a finite number"),
    setting("400 nines of percent", f"deployment.maxSurge={NINES}%", "is too large"),
    setting("5,000 nines", f"deployment.replicas={DIGITS}", "too many digits"),
    setting("5,000 nines of percent", f"deployment.maxSurge={DIGITS}%", "is too large"),
    setting("5,000 nines in a threshold", f"thresholds.broken_sessions=< {DIGITS}%", "must be a finite number"),
    setting("5,000 hex digits", f"deployment.replicas={HEX}", "too many digits"),
    setting("5,000 hex digits of time", f"deployment.preStop={HEX}", "too many digits"),
    setting("5,000 hex digits for a share", f"traffic.cookies.keep={HEX}", "too many digits"),
    setting("5,000 hex digits for a name", f"name={HEX}", "too many digits"),
    changed("5,000 hex digits in a file", "replicas: 2", f"replicas: {HEX}", "9:35: deployment.replicas: the number"),
    setting("900 open brackets", "timeline=" + "[" * 900, "nested too deeply"),
    setting("900 brackets", "timeline=" + "[" * 900 + "]" * 900, "nested too deeply"),
    setting("100,000 brackets", "timeline=" + "[" * 100_000, "nested too deeply"),
    setting("6,000 parentheses", f"deployment.grace={'(' * 6000}preStop{')' * 6000}", "more than 50 parentheses"),
    Case("6,000 signs", (*RUN, "--set", f"deployment.grace={'-' * 6000}preStop + 5s"), code=0, out=("tiny",)),
    setting("an odd number of signs", f"deployment.grace={'-' * 5999}preStop", "below zero"),
    setting("a product of 400 digits", f"deployment.grace=preStop*{NINES}", "is too large"),
    setting("an infinite product", f"deployment.grace=preStop*{'9' * 200}*{'9' * 200}", "more than any number"),
    setting("full-width in an expression", "deployment.grace=preStop*３", "is not a duration"),
    setting("a list index of 5,000 digits", f"timeline.{'1' * 5000}.at=3m", "timeline has 1 entry"),
    setting("a list index in superscript", "timeline.².at=3m", "unknown"),
    setting("an index in an expression", f"deployment.grace=timeline.{'1' * 5000}.at + 1s", "timeline"),
    setting("a list index one too high", "deployment.grace=timeline.1.at + 1s", "timeline"),
    setting("no key", "=3", "is not a setting"),
    setting("dots", "....=3", "unknown"),
    setting("infinity", "deployment.preStop=.inf", "must be a finite number"),
    setting("no number", "traffic.cookies.keep=.nan", "must be at least 0"),
    setting("1e999", "traffic.cookies.keep=1e999", "must be at most 1"),
    setting("a share over 1", "thresholds.broken_sessions=< 500%", "is a share between 0 and 1"),
    setting("a negative share", "thresholds.broken_sessions=< -5%", "is a share between 0 and 1"),
    setting("an infinite threshold", "thresholds.broken_sessions=< 1e999", "must be a finite number"),
    setting("settle beyond the horizon", "run.settle=3h", "run.settle", "nothing is measured"),
    setting("crashes every nanosecond", "app.crash.every=1ns", "app.crash.every", "at least 1ms"),
    setting("a look every nanosecond", "kubernetes.nodeMonitorPeriod=1ns", "at least 1ms"),
    setting("a push every nanosecond", "kic.proxySyncSeconds=1ns", "at least 1ms"),
    setting(
        "a scaler every nanosecond", "autoscaler={minReplicas: 1, maxReplicas: 3, syncPeriod: 1ns}", "at least 1ms"
    ),
    setting("a rollout every nanosecond", "timeline=[{at: 2m, rollout: app, every: 1ns, times: 9}]", "at least 1ms"),
    changed("a threshold in a file", ROLLOUT, ROLLOUT + 'thresholds: {broken_sessions: "< 500%"}\n', "between 0 and 1"),
    changed("settle in a file", "seed: 7", "seed: 7, settle: 3h", "3:", "run.settle"),
    changed("crash.every in a file", "startup: 2s", "startup: 2s, crash: {every: 1ns}", "8:", "app.crash.every"),
    Case("a precision of nines", ("run", "t.yaml", "--precision", f"{NINES}%"), ("--precision",)),
    Case("a full-width precision", ("run", "t.yaml", "--precision", "３%"), ("--precision", "is no precision")),
    Case("400 nines of replications", ("run", "t.yaml", "--reps", NINES), ("--reps",)),
    Case("5,000 nines of replications", ("run", "t.yaml", "--reps", DIGITS), ("--reps",)),
    Case("a 400 digit seed", ("run", "t.yaml", "--seed", NINES), ("--seed",)),
    Case("vary out of range", ("sweep", "t.yaml", "--vary", f"deployment.preStop=0s,{NINES}s"), ("--vary",)),
    Case("vary 900 brackets", ("sweep", "t.yaml", "--vary", "deployment.preStop=" + "[" * 900), ("nested too deeply",)),
    Case("vary a long index", ("sweep", "t.yaml", "--vary", f"timeline.{'1' * 5000}.at=1m,2m"), ("timeline",)),
    Case("an infinite range", (*ADVISE, "--vary", f"deployment.preStop=0s..{NINES}s"), ("--vary",)),
    Case("a full-width range", (*ADVISE, "--vary", "deployment.replicas=1..３"), ("--vary", "not a number")),
    Case("a step of nothing", (*ADVISE, "--vary", "deployment.preStop=0s..30m/1ns"), ("too small",)),
    Case(
        "a range that no numbers fill",
        ("sweep", "t.yaml", "--design", "lhs", "--vary", f"app.concurrency=1..{NINES}"),
        ("--vary",),
    ),
]

SIZES = [
    setting("a rate that no memory holds", "traffic.sessions.rate=1e9/s", "memory", "lower traffic.sessions.rate"),
    Case(
        "the same with nobody at the start",
        (*RUN, "--set", "traffic.sessions.rate=1e9/s", "--set", "run.start=empty"),
        ("--set traffic.sessions.rate", "memory"),
        never=("run.start: empty",),
    ),
    setting("pushes without end", "kic.configChurn=1000000/s", "kic.configChurn"),
    Case(
        "replicas times nodes",
        (*RUN, "--set", "deployment.replicas=100000", "--set", "gateway.nodes=4096", "--set", "gateway.workers=99"),
        ("--set deployment.replicas", "memory", "lower deployment.replicas"),
    ),
    Case("more replications than can be", ("run", "t.yaml", "--reps", "99999999"), ("--reps",)),
    Case("a most of 30 digits", ("run", "t.yaml", "--precision", "1%", "--max-reps", "9" * 30), ("--max-reps",)),
    Case(
        "more samples than can be",
        ("sweep", "t.yaml", "--design", "lhs", "--samples", "99999999", "--vary", "deployment.preStop=0s..1m"),
        ("--samples",),
    ),
    Case(
        "a grid that nobody waits for",
        (
            "sweep",
            "t.yaml",
            f"--vary=kic.proxySyncSeconds={','.join(map(str, range(1, 400)))}",
            f"--vary=deployment.preStop={','.join(f'{i}s' for i in range(400))}",
        ),
        ("the grid has 159600 points",),
    ),
    Case(
        "more sessions than k6 has users for",
        ("export", "k6", "t.yaml", "--set", "traffic.sessions.rate=1e9/s"),
        ("t.yaml:5:13: traffic.sessions", "lower the rate"),
    ),
    Case("a duration of 400 digits", ("export", "k6", "t.yaml", "--duration", NINES), ("--duration",)),
    Case(
        "a design that nobody waits for",
        (
            "sweep",
            "t.yaml",
            "--design=saltelli",
            "--samples=65536",
            "--vary=deployment.preStop=0s..1m",
        ),
        ("--samples", "the design has 196608 points"),
    ),
]

TEXTS = [
    setting("a lone surrogate", 'about="\\ud800"', "half a character"),
    changed("a lone surrogate in a file", "name: tiny", 'name: "a\\ud800"', "2:7: name", "half a character"),
    setting("a newline in the name", 'name="a\\nb"', "name", "is not one line of text"),
    setting("an escape in the name", 'name="a\\e[31mb"', "cannot be shown"),
    setting("an escape in the text", 'about="a\\e]8;;x\\ab"', "cannot be shown"),
    setting("a right-to-left mark", 'name="a\\u202eb"', "cannot be shown"),
    setting("an escape in a value", 'deployment.preStop="\\e[2J"', "is not a duration"),
    setting("an escape in a key", "\x1b[2J=3", "\\u001b"),
    Case("an escape in a file's name", ("run", "\x1b[2J.yaml"), ("\\u001b[2J.yaml: no such file",)),
    Case("a file's name that is no UTF-8", ("run", os.fsdecode(b"\xff.yaml")), ("xff.yaml: no such file",)),
    Case("markup in a file's name", ("run", "[/red].yaml"), ("[/red].yaml: no such file",)),
    Case("markup as a verb", ("[/red]",), ("[/red]",)),
    Case("markup as a number", ("run", "t.yaml", "--seed", "[link=http://x.y]z"), ("--seed",)),
    Case("an escape as a verb", ("\x1b[31mrun",), ("No such command",)),
    Case("manifests of nines", ("init", NINES), ("9: ",)),
    Case("a rate of nines", ("init", "t.yaml", "--rps", NINES), ("--rps: a rate must be a finite number",)),
    Case("a session of digits", ("init", "t.yaml", "--session", f"p50={DIGITS},p95=1"), ("--session",)),
    Case("an escape in a draft's name", ("init", "t.yaml", "--out", "\x1b[31m/x"), ("--out: ",)),
    Case("a scenario as a manifest", ("init", "t.yaml"), ("t.yaml: the manifests hold no Deployment",)),
    Case("an escape as a setting of a draft", ("init", "t.yaml", "--set", "\x1b[31m=3"), ("--set",)),
    Case("a shell of nines", ("completion", NINES), ("there is no script for",)),
    Case("an escape as an address", ("export", "k6", "t.yaml", "--url", "http://\x1b[2J"), ("--url", "no address")),
    Case("an escape as a header", ("export", "k6", "t.yaml", "--backend-header", "\x1b[2J"), ("--backend-header",)),
    Case("an escape as a metric", ("explain", "\x1b[31mx"), ("there is no metric",)),
    Case("markup as a name", (*RUN, "--set", "name='[/red]'"), code=0, out=("[/red]",)),
    *(
        setting(f"a Deployment named {name!r}"[:40], f"deployment.name='{name}'", "deployment.name", "is no name")
        for name in ("a b", "A", "-a", "a_b", "ä", "a/b", "a..b", ".a", "x" * 64, "x" * 300)
    ),
    changed("a blank in a Deployment's name", "name: app, replicas", "name: a b, replicas", "9:20: deployment.name"),
    setting("a companion's name", "companions=[{name: a b}]", "companions", "is no name"),
    setting("a Service's name", "service.name='a b'", "service.name", "is no name"),
    setting("a sidecar's name", "deployment.sidecars=[{name: a b}]", "is no name"),
    setting("a cookie's name", "upstream.stickySessions.cookie='a b;c'", "stickySessions.cookie"),
    setting("a cookie's name beyond ASCII", "upstream.stickySessions.cookie='é'", "stickySessions.cookie"),
    setting("a cookie's path", "upstream.stickySessions.cookiePath='/;'", "is no cookie path"),
    setting("a path with a blank", "traffic.path='/a b'", "is no path"),
]


def _deep(folder: Path) -> None:
    """A scenario whose base is itself, by another way."""
    (folder / "sub").mkdir()
    (folder / "sub" / "again.yaml").symlink_to("../t.yaml")


def _many(folder: Path) -> None:
    for number in range(40):
        (folder / f"b{number}.yaml").write_text(f"base: b{number + 1}.yaml\n")
    (folder / "b40.yaml").write_text("name: last\n")


FILES = [
    Case("a pipe", ("run", "pipe"), ("pipe: is a pipe",), prepare=lambda: os.mkfifo("pipe")),
    Case("/dev/zero", ("run", "/dev/zero"), ("/dev/zero: is a device", "- reads standard input")),
    Case("/dev/null", ("run", "/dev/null"), ("/dev/null: is a device",)),
    Case("a directory", ("run", "."), ("is a directory",)),
    Case("a name of 300 characters", ("run", "x" * 300), ("cannot be read: File name too long",)),
    Case("a name with a zero", ("run", "a\0b"), ("cannot be read",)),
    Case("an empty name", ("run", ""), (": ",)),
    file("too large", b"name: " + b"x" * 5_000_000, "is larger than 4 MiB"),
    file("UTF-16", TINIEST.encode("utf-16"), "is UTF-16"),
    file("UTF-16 without a mark", TINIEST.encode("utf-16-le"), "is UTF-16"),
    file("UTF-32", TINIEST.encode("utf-32"), "is UTF-32"),
    file("UTF-32 without a mark", TINIEST.encode("utf-32-be"), "is UTF-32"),
    file("latin-1", "name: café\n".encode("latin-1"), "1:10: is not UTF-8 text"),
    file("zeros", b"\0" * 1000, ""),
    file("a lot of nothing", "\n" * 100_000, "is empty"),
    file("deep nesting", "a:\n" + "".join(f"{' ' * i}a:\n" for i in range(1, 300)), "nested too deeply"),
    file("an anchor twice", "a: &x 1\nb: &x 2\n", "unknown", never=("ReusedAnchor", "duplicate anchor")),
    file("a directive", "%YAML 1.1\n---\n" + TINIEST.replace("2m", "yes"), "timeline.0.at"),
    file("an alias of itself", "a: &a [*a]\n", "contains itself"),
    file(
        "a million laughs",
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(8)),
        "expands to too many values",
    ),
    file("a cycle of bases", "schema: simsticky/1\nbase: t.yaml\n", "stands on this file itself"),
    file("a cycle by dots", "schema: simsticky/1\nbase: ./x/../t.yaml\n", "", prepare=lambda: Path("x").mkdir()),
    file("a cycle by a link", "base: sub/again.yaml\n", "stands on this file", prepare=lambda: _deep(Path())),
    file("a long chain of bases", "base: b0.yaml\n", prepare=lambda: _many(Path())),
    file("a base that is a pipe", "base: pipe\n", "is a pipe", prepare=lambda: os.mkfifo("pipe")),
    file("a manifest that is a device", "schema: simsticky/1\nmanifests: [/dev/zero]\n", "is a device"),
    file("a manifest with a long name", f"schema: simsticky/1\nmanifests: [{'x' * 300}]\n", "name too long"),
    file(
        "a trace that is a pipe",
        "schema: simsticky/1\ntraffic: {trace: pipe}\n",
        "is a pipe",
        prepare=lambda: os.mkfifo("pipe"),
    ),
]


def profile(name: str, content: str, *told: str, **more: object) -> Case:
    """A scenario that takes in a profile; what is told is of that."""
    files = {"t.yaml": "schema: simsticky/1\ntraffic: {profile: p.yaml}\n", "p.yaml": content}
    return Case(name, RUN, told, files=files, **more)  # type: ignore[arg-type]


LOGS = [
    profile("a profile that names itself", "schema: simsticky-profile/1\ntraffic: {profile: p.yaml}\n", "p.yaml:2:"),
    profile("a profile of nothing", "", "p.yaml: is no profile"),
    profile("a profile of nines", f"schema: simsticky-profile/1\ntraffic: {{think: {NINES}s}}\n", "p.yaml:2:"),
    profile("a profile of an escape", 'schema: simsticky-profile/1\n"a\\e[31m": 1\ntraffic: {}\n', "p.yaml:2:"),
    profile("a profile that is a list", "schema: simsticky-profile/1\ntraffic: [1, 2]\n", "p.yaml:2:", "traffic"),
    file("a profile that is a pipe", "traffic: {profile: pipe}\n", "is a pipe", prepare=lambda: os.mkfifo("pipe")),
    Case("a fit of a scenario", ("fit", "t.yaml"), ("t.yaml", "is no access log")),
    Case("a fit of a device", ("fit", "/dev/zero"), ("/dev/zero", "is a device")),
    Case("a service of an escape", ("fit", "t.yaml", "--service", "\x1b[31m"), ("t.yaml",)),
    Case("a backtest of a scenario", ("backtest", "t.yaml", "t.yaml"), ("t.yaml", "is no access log")),
    Case("a backtest of a device", ("backtest", "t.yaml", "/dev/zero"), ("/dev/zero", "is a device")),
    Case("a backtest of one run", ("backtest", "t.yaml", "t.yaml", "--reps", "1"), ("--reps",)),
    Case("a backtest into /proc", ("backtest", "t.yaml", "t.yaml", "--out", "/proc/b.json"), ("--out", "cannot be")),
    Case("a gap of nines", ("fit", "t.yaml", "--gap", f"{NINES}s"), ("--gap",)),
    Case("damage of nines", ("fit", "t.yaml", "--max-damaged", f"{NINES}%"), ("--max-damaged",)),
    Case("a profile in /proc", ("fit", "t.yaml", "--out", "/proc/p.yaml"), ("--out", "cannot be written")),
]


def _read_only() -> None:
    Path("place").mkdir(mode=0o500)


PLACES = [
    Case("no directory", (*RUN, "--out", "no/x.json"), ("--out", "there is no directory")),
    Case("a name that is too long", (*RUN, "--out", "x" * 300 + ".json"), ("--out", "File name too long")),
    Case("a device", (*RUN, "--out", "/dev/full"), ("--out",)),
    Case("a pipe", (*RUN, "--out", "pipe.json"), ("--out", "neither a file"), prepare=lambda: os.mkfifo("pipe.json")),
    Case("a page in /proc", (*RUN, "--report", "/proc/x.html"), ("--report", "cannot be written")),
    Case("frames in /proc", (*RUN, "--out", "/proc/frames"), ("--out", "cannot be written")),
    Case("a study in /proc", (*RUN, "--study", "/proc/study"), ("--study", "cannot be used")),
    Case("a study of a long name", (*RUN, "--study", "x" * 300), ("--study", "File name too long")),
    Case("a study that is a pipe", (*RUN, "--study", "pipe"), ("--study",), prepare=lambda: os.mkfifo("pipe")),
    Case(
        "a page of a sweep in /proc",
        ("sweep", "t.yaml", "--vary", "deployment.preStop=0s,1s", "--report", "/proc/x.html"),
        ("--report", "cannot be written"),
    ),
    Case("a comparison in /proc", ("compare", "t.yaml", "t.yaml", "--out", "/proc/x.json"), ("--out", "cannot be")),
    Case("advice in /proc", ("recommend", "t.yaml", "--out", "/proc/x.json"), ("--out", "cannot be written")),
]

CASES = [*VALUES, *SIZES, *TEXTS, *FILES, *LOGS, *PLACES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.encode("unicode_escape").decode())
def test_a_hostile_command_line(case, tmp_path, monkeypatch):
    """The exit code is 2 (or what the row says), the message says what is wrong, and nothing else is printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(TINIEST)
    for name, content in case.files.items():
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    if case.prepare is not None:
        case.prepare()
    told = called(*case.arguments)
    assert told.returncode == case.code, told.stderr
    at = 0
    for part in case.told:
        assert part in told.stderr[at:], told.stderr
        at = told.stderr.index(part, at) + len(part)
    if case.code == 2:
        assert not (why := unfit(told.stderr)), f"standard error {why}: {told.stderr}"
        assert told.stdout == ""
    assert all(part in told.stdout for part in case.out), told.stdout
    assert not any(part in told.stdout + told.stderr for part in case.never)
