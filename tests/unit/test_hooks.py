"""The length of a preStop command, read from its words."""

import pytest

from simsticky.manifests.hooks import length_of


@pytest.mark.parametrize(
    ("command", "seconds", "others"),
    [
        (["sleep", "30"], 30, ()),
        (["sh", "-c", "sleep 30"], 30, ()),
        (["/bin/sh", "-c", "sleep 30; true"], 30, ("true",)),
        (["sh", "-c", "exec sleep 30"], 30, ()),
        (["sleep", "30s"], 30, ()),
        (["sh", "-c", "sleep 0.5m"], 30, ()),
        (["sh", "-c", "sleep 1h"], 3600, ()),
        (["sleep", "5", "10"], 15, ()),
        (["/bin/sleep", "7"], 7, ()),
        (["/usr/bin/env", "sleep", "7"], 7, ()),
        (["busybox", "sleep", "7"], 7, ()),
        (["bash", "-ec", "sleep 5 && nginx -s quit && sleep 10"], 15, ("nginx -s quit",)),
        (["bash", "-o", "pipefail", "-c", "sleep 5"], 5, ()),
        (["sh", "-c", "sleep 30 || true"], 30, ("true",)),
        (["sh", "-c", "echo bye >/dev/null 2>&1; sleep 5 2>&1"], 5, ("echo bye",)),
        (["sh", "-c", "sleep 3 # wait\nsleep 4\n"], 7, ()),
        (["sh", "-c", "(sleep 5); { sleep 6; }"], 11, ()),
        (["sh", "-c", "DELAY=3 sleep 2"], 2, ()),
        (["sh", "-c", 'sh -c "sleep 7"'], 7, ()),
        (["sh", "-c", "sleep 9 &"], 0, ("sleep 9 &",)),
        (["sh", "-c", "echo 'sleep 99'; sleep 5"], 5, ("echo 'sleep 99'",)),
        (["/bin/true"], 0, ("/bin/true",)),
        (["nginx", "-s", "quit"], 0, ("nginx -s quit",)),
    ],
    ids=str,
)
def test_the_length_of_a_command_is_the_sum_of_its_sleeps(command, seconds, others):
    """A sleep is found in any shell spelling; the rest of the command is listed."""
    found = length_of(command)
    assert (found.seconds, found.others, found.why_not) == (seconds, others, "")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["sh", "-c", "while true; do sleep 1; done"], "while loop"),
        (["sh", "-c", "for i in 1 2; do sleep 1; done"], "for loop"),
        (["sh", "-c", "if test -f x; then sleep 3; fi"], "condition"),
        (["sh", "-c", "sleep $DELAY"], "variable"),
        (["sh", "-c", "sleep $(cat /delay)"], "another command"),
        (["sh", "-c", "sleep 5 & wait"], "waits"),
        (["sh", "-c", "test -f x || sleep 3"], "only if the command before it fails"),
        (["sh", "-c", "sleep 5 | cat"], "pipe"),
        (["sh", "-c", "f() { sleep 1; }; f"], "function"),
        (["sh", "-c", "sleep 'x"], "quotes"),
        (["sh", "-c", "sleep soon"], "no length"),
        (["sleep", "infinity"], "never ends"),
        (["curl", "http://localhost/drain"], "waits for a server"),
        (["sh", "/drain.sh"], "not in the manifest"),
        (["/app/drain.sh"], "not in the manifest"),
        (["python3", "-c", "import time; time.sleep(3)"], "not in the manifest"),
        (["sleep 30"], "name of one program"),
        (["sh"], "without -c"),
    ],
    ids=str,
)
def test_a_command_of_unknown_length_says_why(command, reason):
    """What could block for a time that the words do not tell is not guessed."""
    found = length_of(command)
    assert found.seconds is None
    assert reason in found.why_not
