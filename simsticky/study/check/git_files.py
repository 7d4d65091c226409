"""Files as they are in a commit, read with ``git cat-file``: the working tree and the index stay as they are.

``git archive`` would leave out what ``.gitattributes`` marks ``export-ignore``, and needs a place for all of it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simsticky.errors import InputError

_FLAG = "--baseline"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the repository that a file lies in.

    Attributes:
        root: The repository's root.
        ref: What it was asked for by: a branch, a tag, a hash.
        hash: The commit's hash.
    """

    root: Path
    ref: str
    hash: str

    @classmethod
    def of(cls, ref: str, near: Path) -> Commit:
        """Find a commit.

        Args:
            ref: A branch, a tag, a hash, or what else ``git rev-parse`` knows.
            near: A folder of the repository.

        Raises:
            InputError: Git is not installed, the folder lies in no repository, or there is no such commit.
        """
        top = _git(["rev-parse", "--show-toplevel"], near)
        if top.returncode:
            raise InputError.of(f"{near} is in no Git repository: {_said(top)}", file=f"{_FLAG} git:{ref}")
        root = Path(os.fsdecode(top.stdout.removesuffix(b"\n")))
        if not ref or "\0" in ref:
            raise InputError.of("names no commit", file=f"{_FLAG} git:", hint="for example git:origin/main")
        found = _git(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"], near)
        if found.returncode:
            hint = "in a pipeline the checkout may be shallow: fetch it first (actions/checkout: fetch-depth: 0)"
            raise InputError.of("there is no such commit, branch or tag", file=f"{_FLAG} git:{ref}", hint=hint)
        return cls(root, ref, found.stdout.decode("ascii").strip())

    def path_of(self, file: Path) -> str:
        """Return a file's path within the repository.

        Raises:
            InputError: It lies outside.
        """
        whole = Path(os.path.abspath(file))  # noqa: PTH100  # links are the commit's own
        for root, path in ((self.root, whole), (self.root.resolve(), whole.parent.resolve() / whole.name)):
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        message = f"{file} lies outside of the repository {self.root}, and cannot be read out of it"
        raise InputError.of(message, file=f"{_FLAG} git:{self.ref}")

    def read(self, paths: Sequence[str]) -> list[bytes | None]:
        """Return the content of files, links followed; None for each that is not in the commit, or no file."""
        if not paths:
            return []
        asked = "".join(f"{self.hash}:{path}\n" for path in paths)
        done = _git(["cat-file", "--batch", "--follow-symlinks"], self.root, os.fsencode(asked))
        found: list[bytes | None] = []
        at = 0
        for _ in paths:
            end = done.stdout.index(b"\n", at)
            head, at = done.stdout[at:end].split(b" "), end + 1
            if head[-1] in (b"missing", b"ambiguous"):
                found.append(None)
                continue
            size = int(head[-1])
            content, at = done.stdout[at : at + size], at + size + 1
            found.append(content if head[-2:-1] == [b"blob"] else None)
        return found

    def entries(self, folder: str) -> list[str]:
        """Return the paths of what lies in a folder, not below; nothing where there is no such folder."""
        inside = [] if folder in ("", ".") else [f"{folder}/"]
        done = _git(["ls-tree", "-z", "--name-only", "--full-tree", self.hash, "--", *inside], self.root)
        return [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]


def write_files(commit: Commit, paths: Iterable[str], to: Path) -> None:
    """Write files of a commit below a folder, at their paths; what is not in the commit is left out."""
    wanted = [path for path in paths if "\n" not in path]
    for path, content in zip(wanted, commit.read(wanted), strict=True):
        if content is not None:
            place = to / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def _git(arguments: Sequence[str], folder: Path, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", os.fspath(folder), *arguments],
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError.of(
            f"git cannot be run: {reason}", file=_FLAG, hint="install git, or give a directory"
        ) from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else "git says nothing"
