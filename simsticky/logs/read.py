"""Reading logs: the door of this room."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simsticky.errors import InputError
from simsticky.logs.assemble import assemble
from simsticky.logs.columns import Columns
from simsticky.logs.detection import Detected, detect, format_named, record_of
from simsticky.logs.envelopes import Envelopes
from simsticky.logs.events import stated
from simsticky.logs.json_lines import SLOWER
from simsticky.logs.keys import choose
from simsticky.logs.lines import Add, Counts, LineReader, reader_of
from simsticky.logs.pods import LINK_S
from simsticky.logs.record import NOT_A_REQUEST, Format, Record
from simsticky.logs.requests import LogRead
from simsticky.logs.sessions import GAP_S
from simsticky.logs.sources import Source, find
from simsticky.logs.survey import survey

_SURVEYED = 20_000
"""Requests from whose figures the session's key is chosen."""
_MOST_KEPT = 32 * 2**20
"""Bytes of lines that are kept for that, to be read again."""

Progress = Callable[[int, float], None]
"""Takes the lines read so far and the share of the bytes, nan for standard input."""


@dataclass
class _Block:
    """Lines, and the records of the first of them where they have been read already."""

    lines: list[bytes]
    known: list[Record | None] = field(default_factory=list)


@dataclass
class _Opened:
    """A source of which the first lines are known."""

    source: Source
    first: list[_Block]
    rest: Iterator[list[bytes]]
    detected: Detected | None = None

    @property
    def bare(self) -> bool:
        return self.detected is not None and self.detected.bare

    def blocks(self) -> Iterator[_Block]:
        first, self.first = self.first[::-1], []
        while first:
            yield first.pop()
        yield from map(_Block, self.rest)


def read_logs(
    paths: Sequence[str | Path] | str | Path,
    *,
    format: str | None = None,  # noqa: A002  # as the flag is called
    session_key: str | None = None,
    max_damaged: float = 0.05,
    events: str | Path | None = None,
    progress: Progress | None = None,
    gap_s: float = GAP_S,
    service: str | None = None,
) -> LogRead:
    """Read access logs, and recover sessions, pods and rollouts from them.

    Args:
        paths: Files (plain, gzip, zstd), globs, or ``-`` for standard input.
        format: Name of the format; None to look for it.
        session_key: ``cookie:NAME``, ``header:NAME``, ``consumer``, ``ip+ua`` or ``ip``; None to look for it.
        max_damaged: Largest share of damaged lines that is taken.
        events: File that states when something was done to the cluster; see :mod:`simsticky.logs.events`.
        progress: Called at least once a megabyte, and at the end.
        gap_s: Silence that ends a session, s.
        service: The service whose requests are taken, as the log names it; None for those of all.

    Raises:
        InputError: A file cannot be read or is of no known format, files are of different formats, too many lines
            are damaged, no line is a request, or the stated key tells no sessions apart.
    """
    names = [paths] if isinstance(paths, str | Path) else list(paths)
    only = format_named(format) if format is not None else None
    stated_s = stated(Path(events), LINK_S) if events is not None else []
    opened = [_open(source, only) for source in find(names)]
    form = _one_format(opened)
    services: Counter[str] = Counter()
    choice = choose(survey(_sample(opened, form, services, service)), session_key)
    columns, counts = Columns(choice.plan), Counts()
    add = columns.add if service is None else _Chosen(columns, counts, service).add
    _read_all(opened, form, add, counts, progress)
    if not counts.requests:
        raise _no_request(opened[0].source.name, services, service)
    _refuse_damage(counts, max_damaged)
    notes = [*_notes_on_services(services, service), *_notes_on_lines([each.source for each in opened], form, counts)]
    return assemble(columns, choice, form, counts, notes, stated_s, gap_s)


def _open(source: Source, only: Format | None) -> _Opened:
    """Return a source with enough of its lines to tell its format, and to look at its sessions."""
    blocks = source.blocks()
    first: list[_Block] = []
    for lines in blocks:
        first.append(_Block(lines))
        if sum(len(block.lines) for block in first) >= 1000:
            break
    begin = next((block.lines for block in first if block.lines), [b""])
    begin[0] = begin[0].removeprefix(b"\xef\xbb\xbf")
    opened = _Opened(source, first, blocks)
    lines = [line for block in first for line in block.lines]
    opened.detected = detect(lines, source.name, only)
    return opened


def _one_format(opened: Sequence[_Opened]) -> Format:
    found = [(each.source.name, each.detected.form) for each in opened if each.detected is not None]
    if not found:
        if cut := opened[0].source.cut:
            raise InputError.of(cut, file=opened[0].source.name, hint="there was nothing before that")
        raise InputError.of("is empty", file=opened[0].source.name, hint="is the gateway's access log switched on?")
    name, form = found[0]
    for other_name, other in found[1:]:
        if other is not form:
            message = f"is {other.title}, but {name} is {form.title}"
            raise InputError.of(message, file=other_name, hint="read them apart, or say --format")
    return form


@dataclass
class _Chosen:
    """Takes the requests of one service, and counts the others as other lines."""

    columns: Columns
    counts: Counts
    service: str

    def add(self, record: Record, gateway: str) -> None:
        if record.service == self.service:
            self.columns.add(record, gateway)
        else:
            self.counts.requests -= 1
            self.counts.others += 1


def _no_request(name: str, services: Counter[str], service: str | None) -> InputError:
    if service is None:
        return InputError.of("holds no request", file=name, hint="the first lines looked like some")
    there = ", ".join(each for each, _ in services.most_common(5)) or "none"
    return InputError.of(f"no request is for {service!r}", path="--service", hint=f"the log has {there}")


def _notes_on_services(services: Counter[str], service: str | None) -> list[str]:
    if service is not None or len(services) < 2:
        return []
    shown = ", ".join(each for each, _ in services.most_common(3)) + (", ..." if len(services) > 3 else "")
    return [
        f"The log holds requests of {len(services)} services ({shown}); pods and sessions of all of them are taken "
        "together. --service NAME takes those of one."
    ]


def _sample(opened: Sequence[_Opened], form: Format, services: Counter[str], service: str | None) -> Iterator[Record]:
    """Yield the first requests, of several sources if the first is short; their lines are read again later.

    Args:
        opened: The sources.
        form: Of their lines.
        services: Is told the services met.
        service: The one whose requests are wanted.
    """
    for each in opened:
        for record in _records(each, form):
            services[record.service] += 1
            if service is None or record.service == service:
                yield record
        if services.total() >= _SURVEYED:
            return


def _records(opened: _Opened, form: Format) -> Iterator[Record]:
    envelopes, read = Envelopes(), reader_of(form)
    for block in _more(opened, _SURVEYED):
        for line in block.lines:
            if opened.bare:
                try:
                    block.known.append(record := read(line))
                    yield record
                    continue
                except NOT_A_REQUEST:
                    block.known.append(None)
            for value, _ in envelopes.bare(line):
                if (carried := record_of(form, value)) is not None:
                    yield carried


def _more(opened: _Opened, wanted: int) -> Iterator[_Block]:
    """Yield the first blocks of a source until there are enough lines, and keep them for :meth:`_Opened.blocks`."""
    yield from opened.first
    have, size = sum(len(block.lines) for block in opened.first), 0
    while have < wanted and size < _MOST_KEPT:
        lines = next(opened.rest, None)
        if lines is None:
            return
        opened.first.append(_Block(lines))
        have += len(lines)
        size += sum(map(len, lines))
        yield opened.first[-1]


def _read_all(opened: Sequence[_Opened], form: Format, add: Add, counts: Counts, progress: Progress | None) -> None:
    total = sum(each.source.size for each in opened) if all(each.source.size for each in opened) else 0
    before = 0
    for each in opened:
        reader = LineReader(form, each.source.name, each.source.gateway, counts, add)
        for block in each.blocks():
            reader.read(block.lines, bare=each.bare, known=block.known)
            if progress is not None:
                progress(counts.lines, (before + each.source.done) / total if total else math.nan)
        reader.end()
        before += each.source.size
    if progress is not None:
        progress(counts.lines, 1.0)


def _refuse_damage(counts: Counts, most: float) -> None:
    share = counts.damage.count / counts.lines
    if share > most:
        shown = "; ".join(f"line {number} of {text}" for number, text in counts.damage.first[:3])
        raise InputError.of(
            f"{counts.damage.count} of {counts.lines} lines are damaged, more than {100 * most:g} %: {shown}",
            path="--max-damaged",
            hint="a larger share reads on, for example --max-damaged 0.5",
        )


def _notes_on_lines(sources: Sequence[Source], form: Format, counts: Counts) -> list[str]:
    notes = list(form.notes)
    notes += [f"{source.name}: {source.cut}." for source in sources if source.cut]
    if counts.sidecars:
        notes.append(f"{counts.sidecars} lines of sidecars were left out: the gateway's log has the same requests.")
    if counts.mended:
        notes.append(
            f"{counts.mended} requests were put together again from lines that workers had written into each other."
        )
    if SLOWER and form.of_object is not None:
        notes.append(SLOWER)
    return notes
