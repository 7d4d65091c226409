"""What a scenario is held against: another directory's, another file's, a stored result, or a commit's.

``git:main`` reads the scenario and the files that it names out of the commit into a folder of its own, each at its
path, so that what lies beside each other there lies beside each other here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simsticky.errors import Diagnostic, InputError

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.thresholds import Threshold
    from simsticky.study.check.git_files import Commit
    from simsticky.study.sides import Side

GIT = "git:"
_FLAG = "--baseline"
_RESULT = "summary.json"
"""What ``run --out DIRECTORY`` writes beside the frames."""

_MANIFESTS = (".yaml", ".yml", ".json")

Load = Callable[[Path], "Scenario"]
"""Reads a scenario's file, with the command line's own settings on top."""


@dataclass(frozen=True)
class Baseline:
    """What was there before: a scenario, or a stored result.

    Attributes:
        name: What to call it.
        scenario: The scenario; None of a stored result.
        side: The stored result; None of a scenario.
        now: What to call the scenario that is held against it; None for its own name.
        hidden: The folder that its files were put in, and what to say instead of it.
    """

    name: str
    scenario: Scenario | None = None
    side: Side | None = None
    now: str | None = None
    hidden: tuple[str, str] = ("", "")

    def is_of(self, scenario: Scenario) -> bool:
        """Return whether a scenario differs from the baseline in nothing that the model reads.

        The seed is none of it: both are run with one. An image, a label, a threshold, a number of replications is not
        read by the model.
        """
        if self.scenario is not None:
            return _digest(self.scenario) == _digest(scenario)
        assert self.side is not None  # one of the two is there
        return self.side.digest == scenario.digest()

    def bounds(self, metrics: Mapping[str, Metric]) -> dict[str, Threshold]:
        """Return its thresholds, which a change cannot loosen."""
        from simsticky.scenario.thresholds import Threshold

        if self.scenario is not None:
            stated: Mapping[str, str] = self.scenario.thresholds
        else:
            stated = {} if self.side is None else self.side.thresholds
        return {name: Threshold.parse(text) for name, text in stated.items() if name in metrics}

    def most(self, most: int) -> int:
        """Return how many replications there may be: no more than a stored result has."""
        return most if self.side is None else min(most, self.side.n)

    def shown(self, resolved: Any) -> Any:
        """Return JSON with the place of the baseline's files as people know it."""
        before, after = self.hidden
        if isinstance(resolved, Mapping):
            return {key: self.shown(value) for key, value in resolved.items()}
        if isinstance(resolved, list | tuple):
            return [self.shown(value) for value in resolved]
        return resolved.replace(before, after) if before and isinstance(resolved, str) else resolved


def _digest(scenario: Scenario) -> str:
    run = scenario.run.model_copy(update={"seed": 0})
    return scenario.model_copy(update={"run": run}).digest(record="summary")


@contextmanager
def opened(written: str, file: str, load: Load) -> Iterator[Baseline]:
    """Yield the baseline that a person names; its files are there until the context ends.

    Args:
        written: ``git:REF``, a directory (another checkout, or manifests), a scenario's file, a stored result.
        file: The scenario that is held against it, as the person named it.
        load: Reads a scenario.

    Raises:
        InputError: There is none, or it cannot be read.
    """
    if file == "-":
        raise InputError.of("a scenario from standard input has no baseline", file=_FLAG, hint="name its file")
    if written.startswith(GIT):
        with tempfile.TemporaryDirectory(prefix="simsticky.", ignore_cleanup_errors=True) as folder:
            yield _of_commit(written, Path(file), load, Path(folder).resolve())
        return
    path = Path(written)
    try:
        is_directory, is_there = bool(written) and path.is_dir(), bool(written) and path.exists()
    except (OSError, ValueError):
        is_directory = is_there = False
    if is_directory:
        yield _of_directory(path, Path(file), load)
    elif not is_there:
        hint = f"a commit, a branch or a tag is {GIT}{written or 'main'}"
        raise InputError.of(f"there is no file or directory {written!r}", file=_FLAG, hint=hint)
    elif path.suffix.lower() == ".json":
        yield _stored(path, written)
    else:
        yield Baseline(written, load(path), now=file)


def _stored(path: Path, name: str) -> Baseline:
    from simsticky.study.sides import Side

    return Baseline(name, side=Side.read(path, name))


def _of_directory(folder: Path, file: Path, load: Load) -> Baseline:
    """The scenario's counterpart in another checkout; else the scenario itself on the manifests of the directory."""
    name = os.fspath(folder)
    if (folder / _RESULT).is_file():
        return _stored(folder / _RESULT, name)
    relative = [] if file.is_absolute() else [folder / file]
    for counterpart in (*relative, folder / file.name):
        if not _is_scenario(counterpart):
            continue
        if file.exists() and counterpart.samefile(file):
            message = f"{counterpart} is the scenario that is checked"
            raise InputError.of(message, file=_FLAG, hint=f"give another checkout, or {GIT}REF")
        return Baseline(name, load(counterpart), now=os.fspath(file))
    if not any(entry.suffix in _MANIFESTS for entry in folder.iterdir()):
        message = f"{name} holds neither {file} nor manifests"
        raise InputError.of(message, file=_FLAG, hint="give the root of another checkout, or a folder of manifests")
    with tempfile.TemporaryDirectory(prefix="simsticky.", ignore_cleanup_errors=True) as beside:
        # A scenario that stands on this one, and differs in its manifests alone.
        other = Path(beside) / file.name
        lines = ["schema: simsticky/1", f"base: {_quoted(file)}", f"manifests: [{_quoted(folder)}]"]
        other.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return Baseline(name, load(other), now=os.fspath(file))


def _is_scenario(path: Path) -> bool:
    """Whether a file says that it is one; a manifest may have its name."""
    try:
        return path.is_file() and "simsticky/" in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _quoted(path: Path) -> str:
    return "'" + str(path.absolute()).replace("'", "''") + "'"


def _of_commit(written: str, file: Path, load: Load, to: Path) -> Baseline:
    from simsticky.study.check.git_files import Commit

    if not file.is_file():  # the same words as without a baseline
        load(file)
    commit = Commit.of(written.removeprefix(GIT), file.absolute().parent)
    path = commit.path_of(file)
    if commit.read([path]) == [None]:
        raise InputError.of(f"there is no file {path} in it", file=f"{_FLAG} {written}")
    _take(commit, path, to, set())
    hidden = (f"{to}{os.sep}", f"{written}:")
    try:
        return Baseline(written, load(to / path), now=os.fspath(file), hidden=hidden)
    except InputError as error:
        raise InputError([_renamed(problem, hidden) for problem in error.diagnostics]) from None


def _renamed(problem: Diagnostic, hidden: tuple[str, str]) -> Diagnostic:
    file, message, hint = (text.replace(*hidden) for text in (problem.file, problem.message, problem.hint))
    return replace(problem, file=file, message=message, hint=hint)


def _take(commit: Commit, path: str, to: Path, taken: set[str]) -> None:
    """Write a scenario's file out of a commit, and what it names: the file it stands on, manifests, a trace."""
    from simsticky.scenario.location import read_documents
    from simsticky.study.check.git_files import write_files

    if path in taken:
        return
    taken.add(path)
    write_files(commit, [path], to)
    try:
        documents = read_documents((to / path).read_text(encoding="utf-8-sig"), path)
        data = documents[0].data if documents else None
    except (OSError, ValueError, InputError):
        return  # whoever reads it in earnest says what is wrong
    if not isinstance(data, Mapping):
        return
    below = data.get("base")
    traffic, manifests = data.get("traffic"), data.get("manifests")
    trace = traffic.get("trace") if isinstance(traffic, Mapping) else None
    named = [*(manifests if isinstance(manifests, list) else []), trace]
    if "-" in named:
        message = f"{path} reads manifests from standard input, and a commit has none"
        raise InputError.of(message, file=f"{_FLAG} {GIT}{commit.ref}", hint="give a folder of manifests, or a file")
    for one in named:
        if isinstance(one, str) and "\n" not in one:
            inside = _beside(commit, path, one)
            entries = [entry for entry in commit.entries(inside) if entry != inside]
            write_files(commit, entries or [inside], to)
    if isinstance(below, str) and "\n" not in below:
        _take(commit, _beside(commit, path, below), to, taken)


def _beside(commit: Commit, path: str, named: str) -> str:
    """Return the path within the repository of what a file there names."""
    if Path(named).is_absolute():
        message = f"{path} names {named}, which is no path within the repository"
        raise InputError.of(message, file=f"{_FLAG} {GIT}{commit.ref}", hint="name it by a relative path")
    return commit.path_of(commit.root / Path(path).parent / named)
