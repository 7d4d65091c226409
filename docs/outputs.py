"""Write what commands print into the pages that show it: python docs/outputs.py [PAGE...]

A page asks for it by a comment, ``<!-- printed -->`` or ``<!-- printed: lines 1 to 10 -->``, above a block of text. The
command is the last one of the shell block before. It runs in a folder of its own beside the shipped scenarios and
examples, at 78 columns; blank lines at the end are left out, and lines that are left out show as one with an ellipsis.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
COLUMNS = "78"

_SHOWN = re.compile(
    r"^<!-- printed(?:: lines (?P<first>\d+) to (?P<last>\d+))? -->\n```text\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_SHELL = re.compile(r"^```sh\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """What a page shows of a command's output: where in the page, the command, which lines from 1, the text."""

    begin: int
    end: int
    command: str
    first: int
    last: int | None
    text: str

    def now(self) -> str:
        """Return what is to be shown, as the command prints it now.

        Raises:
            RuntimeError: The command does not end with 0.
        """
        lines = printed(self.command).rstrip().splitlines()
        part = lines[self.first - 1 : self.last]
        before = ["…"] if self.first > 1 else []
        after = ["…"] if self.last is not None and self.last < len(lines) else []
        return "".join(f"{line.rstrip()}\n" for line in [*before, *part, *after])


def shown_on(page: str) -> Iterator[Shown]:
    """Yield what a page shows of outputs, from the top."""
    for match in _SHOWN.finditer(page):
        shell = list(_SHELL.finditer(page, 0, match.start()))[-1]["text"].replace("\\\n", " ")
        command = [line for line in shell.splitlines() if line.strip()][-1]
        first, last = match["first"], match["last"]
        begin, end = match.span("text")
        yield Shown(begin, end, command, int(first or 1), int(last) if last else None, match["text"])


def printed(command: str) -> str:
    """Return the standard output of a command of simsticky, run in a process and a folder of its own.

    Raises:
        RuntimeError: The command does not end with 0.
    """
    program, *arguments = shlex.split(command, comments=True)
    assert program == "simsticky", f"{program} is no command that this can run"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("scenarios", "examples"):
            Path(folder, name).symlink_to(ROOT / name)
        ran = subprocess.run(
            [sys.executable, "-c", "import sys; from simsticky.cli.main import main; sys.exit(main())", *arguments],
            capture_output=True,
            encoding="utf-8",
            cwd=folder,
            env={**os.environ, "COLUMNS": COLUMNS, "PYTHONIOENCODING": "utf-8"},
            check=False,
        )
    if ran.returncode != 0:
        raise RuntimeError(f"{command} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def page_with_outputs(page: str) -> str:
    """Return a page with all outputs as they are now."""
    parts, at = [], 0
    for shown in shown_on(page):
        parts += [page[at : shown.begin], shown.now()]
        at = shown.end
    return "".join([*parts, page[at:]])


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or sorted(DOCS.rglob("*.md")):
        before = path.read_text(encoding="utf-8")
        if (now := page_with_outputs(before)) != before:
            path.write_text(now, encoding="utf-8")
            print(f"{path}: written anew")
