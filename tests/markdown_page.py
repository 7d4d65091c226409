"""What a Markdown page tells its reader to type: fenced blocks, and the commands in those of a shell."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: the heading it stands under, its language, what it says."""

    heading: str
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """One command of a shell: its words, and the file its standard output goes to, if it goes to one."""

    words: tuple[str, ...]
    to: str | None = None


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            heading=re.findall(r"^#+ (.+)$", text[: fence.start()], re.MULTILINE)[-1],
            language=fence["language"],
            text=fence["text"],
        )
        for fence in _FENCE.finditer(text)
    ]


def commands(shell: str) -> Iterator[Command]:
    """Split shell into commands, as far as the pages go: comments, quotes, continued lines, ``&&`` and ``>``."""
    for line in shell.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, "&&"]:
            if word != "&&":
                words.append(word)
            elif words:
                to = words.pop() if words[-2:-1] == [">"] else None
                yield Command(tuple(words if to is None else words[:-1]), to)
                words = []
