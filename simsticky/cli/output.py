"""``--out PATH``: a file, or a directory with the frames of one replication.

Everything is written beside its place and renamed into it, so that a full disk or Ctrl-C leaves no half of
a file.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simsticky.cli import places
from simsticky.cli.options import FrameFormat
from simsticky.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

    from simsticky.report.asked import Asked
    from simsticky.results.result import Result
    from simsticky.study.otherwise import Otherwise
    from simsticky.study.replicate import Study

FRAMES = ("sessions", "requests", "exposures", "pods", "load", "events", "operations")


@dataclass(frozen=True, slots=True)
class Target:
    """Where ``--out`` points, checked before anything is simulated."""

    path: Path
    format: FrameFormat

    @property
    def is_directory(self) -> bool:
        """Whether frames go into a directory, so that a detailed replication is needed."""
        return self.path.suffix.lower() not in _FILES

    def write(
        self,
        study: Study,
        detailed: Result | None,
        asked: Asked | None = None,
        others: Sequence[Otherwise] | None = None,
    ) -> None:
        """Write the file, or the directory with the frames of ``detailed``.

        Args:
            study: The study.
            detailed: Its replication with frames; None for a file.
            asked: The command, for those that Markdown and a page show.
            others: What the headline would be if an assumption is wrong.

        Raises:
            SimstickyError: The disk is full, or the place cannot be written.
        """
        try:
            if detailed is None:
                text = _text(study, self.path.suffix.lower(), asked, others)
                places.replace(self.path, lambda place: place.write_text(text, encoding="utf-8"))
            else:
                _write_directory(self.path, self.format, study, detailed, asked)
        except OSError as error:
            raise places.cannot_write(self.path, error) from error


def target(path: Path, frames: FrameFormat, *, force: bool) -> Target:
    """Return where to write, or say why not.

    Raises:
        InputError: The place is a directory where a file is asked for or the other way round, has the ending of
            another kind of file, holds somebody else's files, cannot be written, or Parquet is asked for without
            pyarrow.
    """
    place = Target(path, frames)
    places.refuse_place(path, "--out")
    if not place.is_directory:
        if path.is_dir():
            raise _refused(f"{path} is a directory")
        return place
    if path.exists() and not path.is_dir():
        raise _refused(f"{path} is a file", "a file to write ends with .json, .csv or .md")
    if not path.exists() and path.suffix[1:].isalpha():
        hint = f"end it with {', '.join(_FILES)}, or give a directory, whose name has no such ending"
        raise _refused(f"{path} has an ending of a file that is not written", hint)
    if path.is_dir() and any(path.iterdir()) and not _is_ours(path) and not force:
        raise _refused(f"{path} holds files that simsticky did not write", "--force writes among them")
    if frames is FrameFormat.PARQUET:
        from importlib.util import find_spec

        if find_spec("pyarrow") is None:
            message = "Parquet needs pyarrow"
            raise InputError.of(message, file="--format", hint="pip install 'simsticky[parquet]'")
    return place


def _refused(message: str, hint: str = "") -> InputError:
    return InputError.of(message, file="--out", hint=hint)


def _is_ours(directory: Path) -> bool:
    from simsticky.report.stored import MARKER

    try:
        marker = json.loads((directory / MARKER).read_text(encoding="utf-8"))
        return bool(marker["tool"]["name"] == "simsticky")
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _text(study: Study, suffix: str, asked: Asked | None, others: Sequence[Otherwise] | None) -> str:
    from simsticky.report import study as report
    from simsticky.report.render import csv, markdown

    if suffix == ".json":
        return study.to_json()
    if suffix == ".csv":
        return csv.render(report.data_of(study))
    return markdown.render(report.blocks(study, asked=asked, others=others))


_FILES = (".json", ".csv", ".md")


def _write_directory(directory: Path, frames: FrameFormat, study: Study, detailed: Result, asked: Asked | None) -> None:
    """Write into a new directory and give it its name, or file by file into the one that is there."""
    if directory.is_dir():
        _write_files(directory, frames, study, detailed, asked)
        for name in FRAMES:
            for other in set(FrameFormat) - {frames}:
                (directory / f"{name}.{other}").unlink(missing_ok=True)
        return
    beside = directory.with_name(f".{directory.name}.{os.getpid()}")
    beside.mkdir()
    try:
        _write_files(beside, frames, study, detailed, asked)
        beside.rename(directory)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _write_files(directory: Path, frames: FrameFormat, study: Study, detailed: Result, asked: Asked | None) -> None:
    for name in FRAMES:
        frame = getattr(detailed, name)
        places.replace(directory / f"{name}.{frames}", _frame_writer(frame, frames))
    from simsticky.report.stored import FILE, MARKER, checksums, to_json

    stored = to_json(study, detailed, asked)
    places.replace(directory / FILE, lambda place: place.write_text(stored, encoding="utf-8"))
    # Last: the directory is complete once its summary is there.
    whole = _summary(study, detailed)
    whole["files"] = checksums(directory, [*(f"{name}.{frames}" for name in FRAMES), FILE])
    summary = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    places.replace(directory / MARKER, lambda place: place.write_text(summary, encoding="utf-8"))


def _frame_writer(frame: DataFrame, frames: FrameFormat) -> Callable[[Path], object]:
    if frames is FrameFormat.PARQUET:
        return lambda place: frame.to_parquet(place, engine="pyarrow", index=False)
    return lambda place: frame.to_csv(place, index=False)


def _summary(study: Study, detailed: Result) -> dict[str, Any]:
    """The study, the resolved scenario, and of which replication the frames are."""
    whole = study.to_json_dict()
    whole["scenario"] = {**whole["scenario"], "resolved": study.scenario.to_json_dict()}
    whole["frames"] = {"replication": detailed.replication, "digest": detailed.digest}
    return whole
