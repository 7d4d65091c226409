"""The directory of a study: each finished replication is on disk at once, and is never simulated again.

``study.json`` says of what the replications are; ``replications.jsonl`` holds one record a line, behind its
checksum, appended and synced before the replication counts as finished; ``lock`` is held while a study writes, and
freed by the kernel however its process ends. A line that its checksum does not confirm is no data: what a killed
process was writing is cut off, and its replication is simulated again.
"""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simsticky.errors import InputError, SimstickyError
from simsticky.files import NO_SUCH_FILE, irregular
from simsticky.study import stored_json
from simsticky.study.store import Replication

FORMAT = 1
STUDY, RECORDS, LOCK = "study.json", "replications.jsonl", "lock"

_CHECKSUM_DIGITS = 16
_MOST_BYTES = 16 * 2**20
"""Of one record, and of what says of what a study is."""
_MOST_REPLICATIONS = 10_000_000

RunKey = tuple[str, int, int]
"""Digest of the scenario, seed, number of the replication."""


class Journal:
    """The finished replications of a study in a directory; a context manager that holds its lock.

    Attributes:
        directory: Where they are.
        damaged: Records that were on disk and are none: half written, or changed since.
    """

    def __init__(self, directory: Path | str, identity: Mapping[str, Any]) -> None:
        """Open a directory, or make it.

        Args:
            directory: The directory; the one it lies in must be there.
            identity: What the replications depend on besides their key, as plain JSON types: versions, seed,
                scenarios. A directory that was made with another one is refused.

        Raises:
            InputError: The directory belongs to another study, to somebody else, or to a run that goes on; or it
                cannot be written.
        """
        self.directory = Path(directory)
        self.damaged = 0
        self._places = _Places()
        self._end = 0
        try:
            self._claim(dict(identity))
            try:
                if (why := irregular(self.directory / RECORDS)) and why != NO_SUCH_FILE:
                    raise _refused(f"{self.directory / RECORDS} {why}")
                self._file = (self.directory / RECORDS).open("ab+", buffering=0)
            except BaseException:
                os.close(self._lock)
                raise
            try:
                self._read()
            except BaseException:
                self.close()
                raise
        except (OSError, ValueError) as error:
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            raise _refused(f"{self.directory} cannot be used: {reason}") from error

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: RunKey) -> bool:
        return key in self._places

    def get(self, key: RunKey) -> Replication:
        """Return a finished replication.

        Raises:
            KeyError: It is not there.
            SimstickyError: It has changed on disk since the directory was opened.
        """
        start, size = self._places.of(key)
        with self._disk():
            self._file.seek(start)
            found = _record(self._file.read(size))
        if found is None or found[0] != key:
            raise SimstickyError(f"{self.directory / RECORDS} has been changed while it was in use")
        return found[1]

    def add(self, key: RunKey, replication: Replication) -> None:
        """Write a finished replication and wait until the disk has it.

        Raises:
            SimstickyError: The disk is full or gone; what was finished before is kept.
        """
        if key in self._places:
            return
        line = _line({"key": list(key), **replication.to_json_dict()})
        with self._disk():
            try:
                self._write(line)
                # Before the wait for the disk, in which Ctrl-C may come: what is in the file is counted.
                self._places.put(key, self._end, len(line))
                self._end += len(line)
                os.fsync(self._file.fileno())
            except OSError:
                # Half a record would be dropped when it is read again; better that none is there.
                if key in self._places:
                    self._end, _ = self._places.of(key)
                    self._places.drop(key)
                self._file.truncate(self._end)
                raise

    def close(self) -> None:
        """Free the directory for the next run."""
        self._file.close()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _claim(self, identity: dict[str, Any]) -> None:
        """Make the directory or find that it is of this study, and lock it."""
        said = self.directory / STUDY
        if self.directory.exists() and not self.directory.is_dir():
            raise _refused(f"{self.directory} is a file")
        if not self.directory.absolute().parent.is_dir():
            raise _refused(f"there is no directory {self.directory.absolute().parent}")
        if self.directory.is_dir() and not said.exists() and _others(self.directory):
            raise _refused(f"{self.directory} holds files that are no study", "give a new directory")
        self.directory.mkdir(exist_ok=True)
        self._lock = _locked(self.directory / LOCK)
        try:
            written = {"format": FORMAT, **identity}
            if said.exists():
                _compare(self.directory, _load(said), written)
            else:
                _replace(said, json.dumps(written, indent=2, ensure_ascii=False) + "\n")
        except BaseException:
            os.close(self._lock)
            raise

    def _read(self) -> None:
        """Find the records that are whole, and cut off what a killed process left at the end."""
        at = 0
        with (self.directory / RECORDS).open("rb") as lines:
            # A line that is longer than any record comes in parts, none of which is a record.
            for line in iter(lambda: lines.readline(_MOST_BYTES), b""):
                found = _record(line)
                if found is None:
                    self.damaged += 1
                else:
                    self._places.put(found[0], at, len(line))
                    self._end = at + len(line)
                at += len(line)
        self._file.truncate(self._end)

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[self._file.write(rest) :]

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            place = error.filename or self.directory / RECORDS
            raise SimstickyError(f"cannot use {place}: {reason}") from error


class _Places:
    """Where the records are in the file: two numbers a replication, so that ten thousand of them are small."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, int], tuple[array[int], array[int]]] = {}
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def __contains__(self, key: RunKey) -> bool:
        sizes = self._of.get(key[:2], ((), ()))[1]
        return key[2] < len(sizes) and sizes[key[2]] > 0

    def of(self, key: RunKey) -> tuple[int, int]:
        """Return where a record begins and how many bytes it has; a KeyError where there is none."""
        if key not in self:
            raise KeyError(key)
        starts, sizes = self._of[key[:2]]
        return starts[key[2]], sizes[key[2]]

    def put(self, key: RunKey, start: int, size: int) -> None:
        """Note a record; of two with the same key the later one counts."""
        self._number += key not in self
        starts, sizes = self._of.setdefault(key[:2], (array("q"), array("q")))
        lacking = [0] * (key[2] + 1 - len(sizes))
        starts.extend(lacking)
        sizes.extend(lacking)
        starts[key[2]], sizes[key[2]] = start, size

    def drop(self, key: RunKey) -> None:
        """Forget a record."""
        self._of[key[:2]][1][key[2]] = 0
        self._number -= 1


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    return _checksum(text) + b" " + text + b"\n"


def _record(line: bytes) -> tuple[RunKey, Replication] | None:
    """Return the record of a line, or None when the line is damaged: also one that its checksum confirms."""
    checksum, blank, text = line.partition(b" ")
    if not blank or not text.endswith(b"\n") or checksum != _checksum(text[:-1]):
        return None
    try:
        record = stored_json.mapping(stored_json.parse(text), "a record")
        digest, seed, number = stored_json.sequence(record.get("key"), "key")
        key = (
            stored_json.text(digest, "key"),
            stored_json.whole(seed, "key"),
            stored_json.whole(number, "key", most=_MOST_REPLICATIONS),
        )
        return key, Replication.from_json_dict(record)
    except ValueError:
        return None


def _checksum(text: bytes) -> bytes:
    return sha256(text).hexdigest()[:_CHECKSUM_DIGITS].encode()


def _locked(path: Path) -> int:
    """Return a descriptor that holds the lock of a file until it is closed or its process ends."""
    try:
        import fcntl
    except ImportError:
        raise _refused("a study can be kept only where the system has flock: Linux, macOS, WSL") from None
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise _refused(f"another run is working in {path.parent}", "wait for it, or give another directory") from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _others(directory: Path) -> list[str]:
    """Return the files that no study leaves, not even one that was killed while it made its directory."""
    names = (path.name for path in directory.iterdir())
    return [name for name in names if name != LOCK and not name.startswith(f".{STUDY}.")]


def _load(path: Path) -> dict[str, Any]:
    try:
        return dict(stored_json.mapping(stored_json.read_json(path, most=_MOST_BYTES), "it"))
    except (InputError, ValueError):
        message = f"{path} is damaged: nobody can say of what the replications are"
        raise _refused(message, "give a new directory") from None


def _compare(directory: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for key in dict.fromkeys((*wanted, *found)):
        if found.get(key) != wanted.get(key):
            raise _refused(
                f"{directory} is of another study: its {key} is {_short(found.get(key))} and not"
                f" {_short(wanted.get(key))}",
                "give another directory, or the same scenario, seed and version",
            )


def _short(value: Any, most: int = 100) -> str:
    """Return a value for people: a mapping of texts, a list, or one of them; cut where it is long."""
    if isinstance(value, dict):
        text = ", ".join(f"{key} {str(part)[:most]}" for key, part in list(value.items())[:most])
    else:
        text = ", ".join(str(part)[:most] for part in value[:most]) if isinstance(value, list) else str(value)
    return text if len(text) <= most else text[:most] + "..."


def _replace(path: Path, text: str) -> None:
    """Write a whole file or none of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _refused(message: str, hint: str = "") -> InputError:
    return InputError.of(message, file="--study", hint=hint)
