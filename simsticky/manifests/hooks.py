"""How long a preStop command takes, read from its words.

People write the wait before SIGTERM as a command: ``["sh", "-c", "sleep 30"]``. The length is the sum of the
sleeps that the shell runs one after another. What else is done at once (a file touched, a signal sent) is reported and
counts nothing; a command whose length the words do not tell (a loop, a variable, any other program) is refused.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SHELLS = {"sh", "bash", "ash", "dash", "ksh", "zsh"}
_WRAPPERS = {"exec", "command", "busybox", "env", "nohup", "nice", "time"}
_SLEEP_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SLEEP_ARGUMENT = re.compile(r"(\d+\.?\d*|\.\d+)([smhd]?)", re.ASCII)
_REDIRECTION = re.compile(r"(?<!\S)(?:\d*|&)(?:>>|>\||>|<)&?\s*[^\s;|&()]+")
_COMMENT = re.compile(r"(?<!\S)#[^\n]*")
_OPERATOR = re.compile(r"[;&|()\n]+")
_LOOPS = {"while", "until", "for", "select"}
_BRANCHES = {"if", "case", "function"}
_BLOCKING = {
    "wait": "waits for other processes",
    "tail": "may run for ever",
    "read": "waits for input",
    "cat": "may wait for input",
    "curl": "waits for a server",
    "wget": "waits for a server",
    "nc": "waits for a connection",
    "ncat": "waits for a connection",
    "telnet": "waits for a connection",
    "inotifywait": "waits for a file",
    "timeout": "ends when its command does",
    "watch": "runs for ever",
    "xargs": "runs other commands",
    "eval": "runs what it is given",
    "source": "runs a script whose content is not in the manifest",
    ".": "runs a script whose content is not in the manifest",
}
_AT_ONCE = {
    *("true", "false", "echo", "printf", "test", "[", ":", "date", "hostname", "logger", "set", "cd", "export", "trap"),
    *("touch", "rm", "mkdir", "rmdir", "cp", "mv", "ln", "chmod", "chown", "ls", "sync", "umask", "ulimit", "pwd"),
    *("kill", "pkill", "killall", "pgrep", "pidof", "ps", "exit", "return", "nginx", "openresty", "apachectl"),
}
"""Programs that are done at once: those that write or look something up, and those that send a signal."""
_INTERPRETERS = re.compile(r"(python[\d.]*|perl|ruby|node|java|php|pwsh|powershell(\.exe)?|lua)", re.ASCII)


@dataclass(frozen=True, slots=True)
class HookLength:
    """What the words of a command tell.

    Attributes:
        seconds: Length of the hook; 0 if the command does not sleep; None if it cannot be told.
        others: Commands beside the sleeps, taken to need no time.
        why_not: Why the length cannot be told; empty if it can.
        fails: Whether the command fails at once, and the hook with it: a sleep without a length.
    """

    seconds: float | None
    others: tuple[str, ...] = ()
    why_not: str = ""
    fails: bool = False


class _UnboundedError(Exception):
    """The length cannot be told; the argument says why."""


class _FailsError(Exception):
    """The command fails at once."""


def length_of(command: Sequence[str]) -> HookLength:
    """Return how long a preStop command takes.

    Args:
        command: The words of ``exec.command``.
    """
    others: list[str] = []
    if len(command) == 1 and " " in command[0].strip():
        # The container runtime looks for a program of that whole name; there is no shell to split it.
        return HookLength(None, (), f"{command[0]!r} is the name of one program, and hardly exists")
    try:
        seconds = _run(list(command), others)
    except _UnboundedError as unbounded:
        return HookLength(None, tuple(others), str(unbounded))
    except _FailsError:
        return HookLength(0.0, tuple(others), fails=True)
    return HookLength(seconds, tuple(others))


def _run(words: list[str], others: list[str]) -> float:
    """Return the length of one simple command; note it in ``others`` if it is no sleep."""
    words = _unwrapped(words)
    if not words:
        return 0.0
    name = words[0].rpartition("/")[2]
    if name in _SHELLS:
        return _script(_script_of(words), others)
    if name == "sleep":
        return _sleep(words[1:])
    if name in _LOOPS:
        raise _UnboundedError(f"a {name} loop ends when its condition says so")
    if name in _BRANCHES:
        raise _UnboundedError(f"what runs depends on a condition ({name})")
    if name in _BLOCKING:
        raise _UnboundedError(f"{name} {_BLOCKING[name]}")
    if name.endswith(".sh") or _INTERPRETERS.fullmatch(name):
        raise _UnboundedError(f"{name} runs a program whose content is not in the manifest")
    if name not in _AT_ONCE:
        raise _UnboundedError(f"{name} is a program whose length is not in the manifest")
    others.append(shlex.join(words))
    return 0.0


def _unwrapped(words: list[str]) -> list[str]:
    """Drop assignments, ``exec`` and other words that only pass the command on."""
    while words:
        name = words[0].rpartition("/")[2]
        assignment = re.match(r"[A-Za-z_]\w*=", words[0])
        if not assignment and name not in _WRAPPERS and words[0] not in ("{", "}", "!"):
            break
        words = words[1:]
    return words


def _script_of(words: list[str]) -> str:
    for i, word in enumerate(words[1:], start=1):
        if word.startswith("-") and not word.startswith("--") and "c" in word[1:]:
            if i + 1 < len(words):
                return words[i + 1]
            break
        if not word.startswith(("-", "+")) and words[i - 1] not in ("-o", "+o"):
            raise _UnboundedError(f"{word} is a script whose content is not in the manifest")
    raise _UnboundedError("a shell without -c reads its commands from elsewhere")


def _script(script: str, others: list[str]) -> float:
    """Return the length of a shell script given with ``-c``."""
    if "$(" in script or "`" in script:
        raise _UnboundedError("it runs what another command prints")
    total, before, slept = 0.0, "", 0.0
    for words, after in _commands(script):
        if before == "||" and slept:
            others.append(shlex.join(words))  # never runs, for the sleep before it succeeds
        else:
            slept = _run(words, others)
            if slept and before == "||":
                raise _UnboundedError("a sleep behind || runs only if the command before it fails")
            if slept and "|" in (before, after):
                raise _UnboundedError("a sleep inside a pipe")
            if slept and after == "&":
                others.append(shlex.join(words) + " &")  # in the background: not waited for
                slept = 0.0
            total += slept
        before = after
    return total


def _commands(script: str) -> Iterator[tuple[list[str], str]]:
    """Yield a script's simple commands, each with the operator that follows it."""
    plain = _REDIRECTION.sub(" ", _COMMENT.sub("", script))
    lexer = shlex.shlex(plain, posix=True, punctuation_chars=";&|()\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        tokens = list(lexer)
    except ValueError:
        raise _UnboundedError("its quotes do not match") from None
    for token in tokens:
        if _OPERATOR.fullmatch(token):
            if "()" in token:
                raise _UnboundedError("it defines a function")
            if words:
                yield words, token.strip("\n()") or ";"
            words = []
        else:
            words.append(token)
    if words:
        yield words, ""


def _sleep(arguments: Sequence[str]) -> float:
    """Return the sum of the arguments of ``sleep``, with GNU's fractions and units."""
    total = 0.0
    if not arguments:
        raise _FailsError
    for argument in arguments:
        if argument == "--":
            continue
        if "$" in argument:
            raise _UnboundedError(f"the length {argument} is a variable")
        if argument.lower().lstrip("+") in ("infinity", "inf"):
            raise _UnboundedError("sleep infinity never ends by itself")
        match = _SLEEP_ARGUMENT.fullmatch(argument)
        if match is None:
            raise _UnboundedError(f"sleep {argument} is no length")
        total += float(match[1]) * _SLEEP_UNITS_S[match[2]]
    return total
