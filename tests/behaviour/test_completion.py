"""TAB in a real bash: verbs, flags, names that only simsticky knows, and files where those are wanted."""

import os
import subprocess
import sys

import pytest

ASK = """
simsticky() { "$PYTHON" -m simsticky.cli.main "$@"; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
export COMP_CWORD
COMPREPLY=($(COMP_WORDS="$*" _SIMSTICKY_COMPLETE=complete_bash simsticky))
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("sw",), {"sweep"}),
        (("init", "--se"), {"--session", "--service", "--set"}),
        (("init", "--example", "roll"), {"rolling", "rollout_storm", "rollover"}),
        (("explain", "drain_"), {"drain_off", "drain_window_too_short"}),
        (("run", "x.yaml", "--set", "deployment.gr"), {"deployment.grace="}),
        (("completion", "f"), {"fish"}),
        (("run", "scen"), {""}),
    ],
    ids=lambda case: " ".join(sorted(case) if isinstance(case, set) else case),
)
def test_bash_completes(words, offered):
    """What bash is given for the last word; nothing where it knows better: files."""
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", "simsticky", *words], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stderr == ""
    assert set(done.stdout.splitlines()) == offered
