"""Recorded sessions: a CSV with one row a request, in a file or handed over as text.

Columns ``session,start_s,request,think_s,service_s``, in any order, rows in any order. ``request`` numbers
the requests of a session 1, 2, 3, … without gaps; ``start_s`` is the time of the session's first request
and the same on all its rows; ``think_s`` is the gap from the end of this request to the next send (of a
session's last request it is not used and may be empty); all times in seconds, none negative.

Three more columns may be there. ``key`` is what the session is hashed by, instead of a drawn value; ``cookie`` says
whether its client keeps cookies, instead of ``traffic.cookies.keep``: both are the same on all rows of a session.
``idempotent`` says of each request whether nginx may send it again, instead of ``traffic.idempotent``. The last two
are ``true`` or ``false`` (also yes, no, 1, 0). Further columns are named in a warning.
"""

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from io import StringIO
from math import isfinite, nan
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.traffic import is_inline

COLUMNS = ("session", "start_s", "request", "think_s", "service_s")
OPTIONAL = ("key", "cookie", "idempotent")
INLINE = "traffic.trace"
"""What stands for the file name of a trace that was handed over as text."""
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Trace:
    """The sessions of a trace file in order of start; sessions that start together keep the file's order.

    Attributes:
        start_s: Length n, time of the first request.
        counts: Length n, requests of each session.
        think_s: Flat, in order of request; 0 after each session's last.
        service_s: Flat.
        ignored: Columns that are not used.
        keys: Length n, what each session is hashed by; None where the trace does not say.
        keeps_cookies: Length n, whether each session's client keeps cookies; None where the trace does not say.
        idempotent: Flat, whether each request may be sent again; None where the trace does not say.
    """

    start_s: NDArray[np.float64]
    counts: NDArray[np.int64]
    think_s: NDArray[np.float64]
    service_s: NDArray[np.float64]
    ignored: tuple[str, ...]
    keys: tuple[str, ...] | None = None
    keeps_cookies: NDArray[np.bool_] | None = None
    idempotent: NDArray[np.bool_] | None = None


class _Problem(NamedTuple):
    line: int
    cell: int | None  # index within the row; the column is looked up when the problem is shown
    path: str
    message: str
    hint: str = ""


class _Problems:
    """The first problems found, and how many there are."""

    def __init__(self) -> None:
        self.total = 0
        self._kept: list[_Problem] = []

    def add(self, problem: _Problem) -> None:
        self.total += 1
        self._kept.append(problem)
        if len(self._kept) > 4 * _MAX_SHOWN:
            self._kept = self.first()

    def first(self) -> list[_Problem]:
        return sorted(self._kept, key=lambda problem: (problem.line, problem.cell or 0))[:_MAX_SHOWN]


class _Rows:
    """The rows of the file as flat columns, and the sessions in order of appearance."""

    def __init__(self) -> None:
        self.session = array("q")
        self.line = array("q")
        self.request = array("q")
        self.think_s = array("d")
        self.service_s = array("d")
        self.index: dict[str, int] = {}
        self.start_s: list[float] = []
        self.start_line: list[int] = []
        self.unclear: set[int] = set()  # sessions with a request whose number could not be read
        self.idempotent = array("b")
        self.of_session: dict[str, dict[int, str]] = {"key": {}, "cookie": {}}


def read_trace(path: str) -> Trace:
    """Read a trace.

    Args:
        path: The path of a CSV file; or the CSV itself, which has more than one line.

    Raises:
        InputError: The file cannot be read, or rows are wrong; the first 20 problems with their places.
    """
    if is_inline(path):
        return _read(path, 0, 0)
    try:
        stat = Path(path).stat()
        return _read(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError.of(f"cannot read the trace: {reason}", path="traffic.trace", file=path) from error
    except UnicodeDecodeError as error:
        raise InputError.of("the trace is not UTF-8 text", path="traffic.trace", file=path) from error


@lru_cache(maxsize=1)  # the replications of a study read the same file
def _read(path: str, _modified: int, _size: int) -> Trace:
    problems = _Problems()
    rows = _Rows()
    header: list[str] = []
    try:
        with _opened(path) as file:
            records = _records(file)
            for line, cells in records:
                header = [cell.strip() for cell in cells]
                _check_header(header, line, problems)
                break
            else:
                problems.add(_Problem(1, None, "", "the file is empty", f"expected {','.join(COLUMNS)}"))
            if not problems.total:
                _parse_rows(records, header, rows, problems)
    except _MalformedError as error:
        problems.add(_Problem(error.line, None, "", f"not CSV: {error}"))
    if not problems.total and not rows.line:
        problems.add(_Problem(1, None, "", "the file has no requests, only a header"))
    trace = _assemble(rows, header, problems) if rows.line else None
    if problems.total or trace is None:
        raise InputError(_diagnostics(path, problems))
    return trace


def _opened(path: str) -> TextIO:
    """Return the lines of a trace: of its file, or of the text itself."""
    if is_inline(path):
        return StringIO(path, newline="")
    return Path(path).open(encoding="utf-8-sig", newline="")


class _MalformedError(Exception):
    """The CSV parser gave up at a line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _records(file: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record starts, and its cells; blank lines are passed over."""
    reader = csv.reader(file, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _MalformedError(line, str(error)) from error
        if len(cells) > 1 or "".join(cells).strip():
            yield line, cells


def _check_header(header: list[str], line: int, problems: _Problems) -> None:
    for name in COLUMNS:
        if name not in header:
            hint = ""
            if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
                hint = "columns are separated by commas"
            elif near := get_close_matches(name, [other for other in header if other not in COLUMNS], 1):
                hint = f'did you mean "{name}" by "{near[0]}"?'
            problems.add(_Problem(line, None, name, "missing column", hint))
    for name in (*COLUMNS, *OPTIONAL):
        if header.count(name) > 1:
            second = header.index(name, header.index(name) + 1)
            problems.add(_Problem(line, second, name, "column is given twice"))


def _parse_rows(records: Iterator[tuple[int, list[str]]], header: list[str], rows: _Rows, problems: _Problems) -> None:
    """Take every row in, noting what is wrong with it by itself."""
    name_at, start_at, request_at, think_at, service_at = (header.index(name) for name in COLUMNS)
    stated = {name: header.index(name) for name in OPTIONAL if name in header}
    for line, cells in records:
        if len(cells) != len(header):
            problems.add(_Problem(line, None, "", f"{len(cells)} cells, the header has {len(header)}"))
            if len(cells) > name_at and cells[name_at].strip() in rows.index:
                rows.unclear.add(rows.index[cells[name_at].strip()])
            continue
        name = cells[name_at].strip()
        if not name:
            problems.add(_Problem(line, name_at, "session", "is empty"))
            continue
        start = _seconds(cells[start_at], line, start_at, "start_s", problems)
        service = _seconds(cells[service_at], line, service_at, "service_s", problems)
        think = nan
        if cells[think_at].strip():
            think = _seconds(cells[think_at], line, think_at, "think_s", problems)
            think = 0.0 if think != think else think
        session = rows.index.setdefault(name, len(rows.index))
        if session == len(rows.start_s):
            rows.start_s.append(start)
            rows.start_line.append(line)
        elif rows.start_s[session] != rows.start_s[session]:
            rows.start_s[session], rows.start_line[session] = start, line
        elif start == start and start != rows.start_s[session]:
            first = f"{rows.start_s[session]:g} on line {rows.start_line[session]}"
            message = f'session "{name}" starts at {start:g} here and at {first}'
            problems.add(_Problem(line, start_at, "start_s", message))
        _note_of_session(rows, session, cells, line, stated, problems)
        request = _ordinal(cells[request_at], line, request_at, problems)
        if not request:
            rows.unclear.add(session)
            continue
        rows.session.append(session)
        rows.line.append(line)
        rows.request.append(request)
        rows.think_s.append(think)
        rows.service_s.append(service)
        if "idempotent" in stated:
            rows.idempotent.append(bool(_truth(cells, line, "idempotent", stated, problems)))


def _note_of_session(
    rows: _Rows, session: int, cells: list[str], line: int, stated: dict[str, int], problems: _Problems
) -> None:
    """Take in what the columns ``key`` and ``cookie`` say of a session: the same on all its rows."""
    for name, known in rows.of_session.items():
        if name not in stated:
            continue
        found = cells[stated[name]].strip()
        if name == "cookie":
            kept = _truth(cells, line, name, stated, problems)
            if kept is None:
                continue
            found = str(kept)
        elif not found:
            problems.add(_Problem(line, stated[name], name, "is empty"))
        if known.setdefault(session, found) != found:
            message = f"is {cells[stated[name]].strip()!r} here, and another on an earlier row of the session"
            problems.add(_Problem(line, stated[name], name, message))


def _truth(cells: list[str], line: int, name: str, stated: dict[str, int], problems: _Problems) -> bool | None:
    """Return a yes or no; None, and a problem noted, when it is neither."""
    text = cells[stated[name]].strip()
    value = _TRUTH.get(text.lower())
    if value is None:
        problems.add(_Problem(line, stated[name], name, f'neither true nor false: "{text}"'))
    return value


def _seconds(cell: str, line: int, index: int, column: str, problems: _Problems) -> float:
    """Return a time in seconds; NaN, and a problem noted, when it is none."""
    try:
        value = float(cell)
        if "_" in cell:  # float() takes 1_000
            raise ValueError(cell)
    except ValueError:
        found = f'not a number: "{cell.strip()}"' if cell.strip() else "is empty"
        problems.add(_Problem(line, index, column, found, "seconds, such as 0.25"))
        return nan
    if not isfinite(value):
        problems.add(_Problem(line, index, column, f"must be finite: {cell.strip()}"))
        return nan
    if value < 0:
        problems.add(_Problem(line, index, column, f"must not be negative: {cell.strip()}"))
        return nan
    return value


def _ordinal(cell: str, line: int, index: int, problems: _Problems) -> int:
    """Return a request's number; 0, and a problem noted, when it is none."""
    text = cell.strip()
    if not (text.isascii() and text.removeprefix("-").isdigit()) or len(text) > 18:
        problems.add(_Problem(line, index, "request", f'not a whole number: "{text}"'))
        return 0
    if int(text) < 1:
        problems.add(_Problem(line, index, "request", f"requests are numbered from 1: {text}"))
        return 0
    return int(text)


def _assemble(rows: _Rows, header: list[str], problems: _Problems) -> Trace | None:
    """Bring the rows in order and check them against each other."""
    session = np.array(rows.session, dtype=np.int64)
    line = np.array(rows.line, dtype=np.int64)
    request = np.array(rows.request, dtype=np.int64)
    order = np.lexsort((line, request, session))
    session, line, request = session[order], line[order], request[order]
    think = np.array(rows.think_s, dtype=np.float64)[order]
    names = list(rows.index)

    first = np.concatenate(([True], session[1:] != session[:-1]))
    last = np.concatenate((first[1:], [True]))
    again = ~first & (request == np.concatenate(([0], request[:-1])))
    for row in np.flatnonzero(again).tolist():
        message = f'request {request[row]} of session "{names[session[row]]}" is on line {line[row - 1]} too'
        problems.add(_Problem(int(line[row]), header.index("request"), "request", message))

    expected = np.where(first, 1, np.concatenate(([0], request[:-1])) + 1)
    for row in np.flatnonzero(~again & (request != expected)).tolist():
        if int(session[row]) not in rows.unclear:
            message = f'session "{names[session[row]]}" has no request {expected[row]} before this one'
            hint = "requests of a session are numbered 1, 2, 3, … without gaps"
            problems.add(_Problem(int(line[row]), header.index("request"), "request", message, hint))

    for row in np.flatnonzero(np.isnan(think) & ~last).tolist():
        message = "is empty, and the session has a later request"
        problems.add(_Problem(int(line[row]), header.index("think_s"), "think_s", message))
    if problems.total:
        return None

    think[last] = 0.0
    service = np.array(rows.service_s, dtype=np.float64)[order]
    start = np.array(rows.start_s, dtype=np.float64)
    counts = np.bincount(session, minlength=start.size).astype(np.int64)
    by_start = np.argsort(start, kind="stable")
    place = np.empty_like(by_start)
    place[by_start] = np.arange(by_start.size)
    flat = np.argsort(place[session], kind="stable")
    return Trace(
        start_s=start[by_start],
        counts=counts[by_start],
        think_s=think[flat],
        service_s=service[flat],
        ignored=tuple(name for name in header if name not in (*COLUMNS, *OPTIONAL)),
        keys=tuple(rows.of_session["key"][index] for index in by_start.tolist()) if "key" in header else None,
        keeps_cookies=_cookies_kept(rows, by_start) if "cookie" in header else None,
        idempotent=np.array(rows.idempotent, dtype=np.bool_)[order][flat] if "idempotent" in header else None,
    )


def _cookies_kept(rows: _Rows, by_start: NDArray[np.intp]) -> NDArray[np.bool_]:
    kept = rows.of_session["cookie"]
    return np.array([kept[index] == str(True) for index in by_start.tolist()], dtype=np.bool_)


def _diagnostics(path: str, problems: _Problems) -> list[Diagnostic]:
    """Return the first problems with their columns, and the number of the others."""
    first = problems.first()
    wanted = {problem.line for problem in first}
    with _opened(path) as file:
        text = {number: content for number, content in enumerate(file, start=1) if number in wanted}
    shown = [
        Diagnostic(
            INLINE if is_inline(path) else path,
            problem.line,
            _column(text.get(problem.line, ""), problem.cell or 0),
            problem.path,
            problem.message,
            problem.hint,
        )
        for problem in first
    ]
    if problems.total > len(shown):
        shown.append(
            Diagnostic(INLINE if is_inline(path) else path, None, None, "", f"… and {problems.total - len(shown)} more")
        )
    return shown


def _column(text: str, cell: int) -> int | None:
    """Return the column, from 1, where a cell starts in a line; None when it starts on a later line."""
    quoted = False
    starts = [1]
    for column, character in enumerate(text, start=1):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            starts.append(column + 1)
    return starts[cell] if cell < len(starts) else None
