"""A study and one of its replications, kept in a directory and read back: what ``simsticky report`` draws from.

Beside the frames there is one file, ``study.json``: the resolved scenario with the places of its values, what became
of the manifests, and the numbers of every replication. Frames are CSV or Parquet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simsticky.errors import InputError
from simsticky.files import NO_SUCH_FILE, irregular
from simsticky.report.asked import Asked
from simsticky.results.metrics import METRICS
from simsticky.scenario.location import Place
from simsticky.scenario.model import Scenario
from simsticky.scenario.report import ManifestNote, ManifestReport
from simsticky.study.precision import Precision, Stopping
from simsticky.study.replicate import Study
from simsticky.study.store import Replication, Replications
from simsticky.study.stored_json import read_json

if TYPE_CHECKING:
    from pandas import DataFrame

    from simsticky.results.metrics import Value
    from simsticky.results.result import Result

FILE = "study.json"
MARKER = "summary.json"
"""The file that says that a directory was written by simsticky, and what its files are."""
VERSION = 3
_TEXT = {
    "pods": ("pod", "replica_set", "node", "address"),
    "load": ("pod",),
    "sessions": ("first_pod", "last_pod", "end"),
    "requests": ("pod", "node", "outcome", "broke", "mechanism", "origin"),
    "events": ("actor", "kind", "subject", "detail", "data"),
    "operations": ("label", "kind", "entry", "stuck"),
    "exposures": ("pod", "how"),
}
"""Columns of each frame that hold words; an empty word is no missing number."""


def to_json(study: Study, detailed: Result, asked: Asked | None = None) -> str:
    """Return the file that, beside the frames of ``detailed``, is enough to draw every figure and page again.

    Args:
        study: The study.
        detailed: Its replication with frames.
        asked: The command that made it, for those that a page shows.
    """
    report = study.scenario.manifest_report
    notes = {"read": report.read, "ignored": report.ignored, "assumed": report.assumed}
    if report.said_aloud:
        notes["saidAloud"] = report.said_aloud
    whole = {
        "storedVersion": VERSION,
        "scenario": study.scenario.to_json_dict(),
        "places": {path: list(place) for path, place in study.scenario.places.items()},
        "manifests": {
            kind: [[note.file, note.line, note.path, note.note] for note in found] for kind, found in notes.items()
        },
        "policy": report.policy,
        "guessed": list(study.scenario.guessed),
        "asked": None if asked is None else asdict(asked),
        "seed": study.seed,
        "replications": [one.to_json_dict() for one in study.replications],
        "stopping": None if study.stopping is None else asdict(study.stopping),
        "detailed": {"replication": detailed.replication, "story": detailed.story()},
    }
    return json.dumps(whole, ensure_ascii=False, allow_nan=False) + "\n"


@dataclass(frozen=True)
class StoredRun:
    """One replication, its frames read from files when they are asked for.

    Attributes:
        directory: Where the frames are.
        scenario: What was simulated, requests recorded.
        replication: Number of the replication.
        summary: Every metric by name.
        confirmed: Whether the files are known to be those that were written.
        asked: The command that made them; None where it was none.
    """

    directory: Path
    scenario: Scenario
    replication: int
    summary: Mapping[str, Value]
    told: Sequence[str]
    confirmed: bool
    asked: Asked | None = None

    def story(self) -> list[str]:
        """Return the replication event by event."""
        return list(self.told)

    @cached_property
    def pods(self) -> DataFrame:
        """One row per pod."""
        return _frame(self.directory, "pods")

    @cached_property
    def load(self) -> DataFrame:
        """Sessions on each pod over time."""
        return _frame(self.directory, "load")

    @cached_property
    def sessions(self) -> DataFrame:
        """One row per session."""
        return _frame(self.directory, "sessions")

    @cached_property
    def requests(self) -> DataFrame:
        """One row per request."""
        return _frame(self.directory, "requests")

    @cached_property
    def events(self) -> DataFrame:
        """One row per event of the control plane."""
        return _frame(self.directory, "events")

    @cached_property
    def operations(self) -> DataFrame:
        """One row per operation of the timeline."""
        return _frame(self.directory, "operations")

    @cached_property
    def exposures(self) -> DataFrame:
        """One row per exposure of a session."""
        return _frame(self.directory, "exposures")


def read(directory: Path) -> tuple[Study, StoredRun]:
    """Return the study and the replication that ``simsticky run --out DIRECTORY`` wrote.

    Raises:
        InputError: The directory is none of these, or its file is damaged.
    """
    place = directory / FILE
    if irregular(place) == NO_SUCH_FILE or not directory.is_dir():
        what = f"holds no {FILE}" if directory.is_dir() else "is no directory"
        hint = "simsticky run SCENARIO --out DIRECTORY writes one"
        raise InputError.of(f"{directory} {what}", file="RESULT_DIR", hint=hint)
    confirmed = _confirm(directory)
    whole = read_json(place)
    try:
        if whole["storedVersion"] != VERSION:
            raise InputError.of(
                f"has version {whole['storedVersion']}, and this simsticky reads {VERSION}", file=str(place)
            )
        scenario = _scenario(whole)
        kept = Replications(map(Replication.from_json_dict, whole["replications"]))
        replication, told = int(whole["detailed"]["replication"]), whole["detailed"]["story"]
        summary = kept[replication].summary
        study = Study(scenario, whole["seed"], kept, METRICS, _stopping(whole["stopping"]))
        asked = _asked(whole.get("asked"))
    except InputError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError.of(f"is damaged: {_told(error)}", file=str(place)) from error
    recorded = scenario.evolve({"run.record": "requests"})
    return study, StoredRun(directory, recorded, replication, summary, told, confirmed, asked)


def checksums(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of files in a directory, by name."""
    return {name: sha256((directory / name).read_bytes()).hexdigest() for name in names}


def _confirm(directory: Path) -> bool:
    """Return whether the files are known to be those that were written; False where nothing tells.

    Raises:
        InputError: One is missing, damaged or of another run; the file is named.
    """
    place = directory / MARKER
    if irregular(place) == NO_SUCH_FILE:
        return False
    summary = read_json(place)
    files = summary.get("files", {}) if isinstance(summary, dict) else None
    if not isinstance(files, dict):
        raise InputError.of("is damaged", file=str(place))
    for name, checksum in files.items():
        file = directory / Path(name).name
        if (why := irregular(file)) == NO_SUCH_FILE and name != FILE:
            continue  # another format may stand in for it
        if why or checksums(directory, [file.name])[file.name] != checksum:
            text = why or "is damaged, or not what simsticky run wrote here"
            raise InputError.of(text, file=str(file), hint="run it again with --out")
    return bool(files)


def _told(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return " ".join(f"{error}".split())[:200] or type(error).__name__


def _asked(written: Mapping[str, Any] | None) -> Asked | None:
    return None if written is None else Asked(str(written["file"]), tuple(map(str, written["flags"])))


def _stopping(written: Mapping[str, Any] | None) -> Stopping | None:
    if written is None:
        return None
    looks, precision = tuple(written["looks"]), Precision(**written["precision"])
    return Stopping(**{**written, "looks": looks, "precision": precision})


def _scenario(whole: Mapping[str, Any]) -> Scenario:
    scenario = Scenario.model_validate(whole["scenario"])
    places = {path: Place(*place) for path, place in whole["places"].items()}
    notes = {kind: tuple(ManifestNote(*note) for note in found) for kind, found in whole["manifests"].items()}
    report = ManifestReport(
        read=notes["read"],
        ignored=notes["ignored"],
        assumed=notes["assumed"],
        policy=whole["policy"],
        said_aloud=notes.get("saidAloud", ()),
    )
    scenario.set_origin(places, report, whole.get("guessed", ()))
    return scenario


def _frame(directory: Path, name: str) -> DataFrame:
    """Read a frame; numbers come back as they were written, to the last bit.

    Raises:
        InputError: There is no such file, or it holds something else.
    """
    from simsticky.results import frames

    places = (directory / f"{name}.{ending}" for ending in ("parquet", "csv"))
    place = next((place for place in places if irregular(place) != NO_SUCH_FILE), None)
    if place is None:
        raise InputError.of(f"{directory} holds no {name}.csv and no {name}.parquet", file="RESULT_DIR")
    if why := irregular(place):
        raise InputError.of(why, file=str(place))
    try:
        frame = _parquet(place, name) if place.suffix == ".parquet" else _csv(place, name)
    except (OSError, ValueError, LookupError, TypeError, ImportError) as error:
        raise InputError.of(f"is damaged: {_told(error)}", file=str(place)) from error
    columns = getattr(frames, name.upper())
    if missing := [column for column in columns if column not in frame]:
        raise InputError.of(f"has no column {missing[0]}", file=str(place))
    for column in columns:
        if column not in _TEXT[name] and frame[column].dtype == object and not frame[column].isna().all():
            raise InputError.of(f"the column {column} holds what is no number", file=str(place))
    return frame


def _parquet(place: Path, name: str) -> DataFrame:
    import pandas as pd

    return pd.read_parquet(place, engine="pyarrow").astype(dict.fromkeys(_TEXT[name], object))


def _csv(place: Path, name: str) -> DataFrame:
    import pandas as pd

    text = _TEXT[name]
    columns = pd.read_csv(place, nrows=0).columns
    # Exact by default since pandas 3, which warns of the argument.
    exactly: dict[str, Any] = {} if int(pd.__version__.partition(".")[0]) >= 3 else {"float_precision": "round_trip"}
    frame: DataFrame = pd.read_csv(
        place,
        dtype=dict.fromkeys(text, str),
        keep_default_na=False,
        na_values={column: [""] for column in columns if column not in text},
        **exactly,
    )
    return frame
