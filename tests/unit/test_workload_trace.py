"""Trace files: what is read, and every way in which a file can be wrong, with its place."""

from itertools import pairwise
from pathlib import Path

import pytest

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.model import Scenario
from simsticky.workload import SessionBlock, Workload
from simsticky.workload.trace import read_trace

HEADER = "session,start_s,request,think_s,service_s"


def write(folder: Path, *lines: str, header: str = HEADER, end: str = "\n") -> str:
    path = folder / "sessions.csv"
    path.write_bytes(end.join([header, *lines, ""]).encode())
    return str(path)


def workload(path: str, keep: float = 1.0) -> Workload:
    traffic = {"trace": path, "cookies": {"keep": keep}}
    return Workload(Scenario.model_validate({"schema": "simsticky/1", "name": "test", "traffic": traffic}), 7, 0)


def problems(path: str) -> list[Diagnostic]:
    with pytest.raises(InputError) as caught:
        read_trace(path)
    return list(caught.value.diagnostics)


def places(found: list[Diagnostic]) -> list[tuple[int | None, int | None, str, str]]:
    return [(one.line, one.column, one.path, one.message) for one in found]


def test_rows_in_any_order(tmp_path: Path) -> None:
    """Sessions come in order of start and requests in order of number, whatever the order of the rows."""
    path = write(tmp_path, "bob,5,2,9,0.2", "eve,1.5,1,,0.4", "bob,5,1,3,0.1")
    run = workload(path)
    assert run.alive() is None
    assert run.population == 0
    assert list(run.arrivals()) == [
        SessionBlock(0, [1.5, 5.0], [0, 1, 3], [0.0, 3.0, 0.0], [0.4, 0.1, 0.2], [True, True], [0, 0])
    ]


def test_columns_in_any_order_and_quoted(tmp_path: Path) -> None:
    """Columns are found by name; names may be quoted and hold commas; other columns are warned of."""
    path = write(tmp_path, '0.5,"a, b",1,0,2,x', header="service_s,session,request,start_s,think_s,browser")
    run = workload(path)
    assert next(run.arrivals()).service_s == [0.5]
    assert run.warnings == (f"{path}: columns not used: browser",)


def test_byte_order_mark_and_crlf(tmp_path: Path) -> None:
    """What spreadsheets write is read: a byte order mark, CRLF line ends, blank lines."""
    path = write(tmp_path, "a,0,1,1,0", "", "a,0,2,0,0", header="\ufeff" + HEADER, end="\r\n")
    assert read_trace(path).think_s.tolist() == [1.0, 0.0]


def test_sessions_that_start_together_keep_the_files_order(tmp_path: Path) -> None:
    """Ties are broken by the order of first appearance, so that ids do not depend on a sort's whim."""
    path = write(tmp_path, "z,1,2,0,0", "a,1,1,0,0", "z,1,1,0,0", "m,0,1,0,0")
    assert read_trace(path).counts.tolist() == [1, 2, 1]


def test_a_long_trace_comes_in_blocks(tmp_path: Path) -> None:
    """Blocks of a trace continue each other and end with the file."""
    rows = [f"s{index},{index / 8},{request},1,0.01" for index in range(500) for request in (1, 2, 3)]
    run = workload(write(tmp_path, *rows), keep=0.5)
    found = list(run.arrivals())
    assert [len(block) for block in found] == [64] * 7 + [52]
    assert all(later.first_session == one.first_session + len(one) for one, later in pairwise(found))
    assert [start for block in found for start in block.start_s] == [index / 8 for index in range(500)]
    assert all(block.think_s == [1.0, 1.0, 0.0] * len(block) for block in found)
    assert 200 < sum(sum(block.has_jar) for block in found) < 300


def test_missing_columns(tmp_path: Path) -> None:
    """Every missing column is named at the header, with the likely misspelling."""
    found = problems(write(tmp_path, "a,0,1", header="session,start,request"))
    assert places(found) == [
        (1, 1, "start_s", "missing column"),
        (1, 1, "think_s", "missing column"),
        (1, 1, "service_s", "missing column"),
    ]
    assert found[0].hint == 'did you mean "start_s" by "start"?'
    assert str(found[0]).endswith('sessions.csv:1:1: start_s: missing column (did you mean "start_s" by "start"?)')


def test_semicolons(tmp_path: Path) -> None:
    """The export of another locale is recognised."""
    found = problems(write(tmp_path, header=HEADER.replace(",", ";")))
    assert found[0].hint == "columns are separated by commas"


def test_a_column_given_twice(tmp_path: Path) -> None:
    """It cannot be guessed which of two equal columns is meant."""
    found = problems(write(tmp_path, header=HEADER + ",think_s"))
    assert places(found) == [(1, 43, "think_s", "column is given twice")]


def test_bad_cells_all_at_once(tmp_path: Path) -> None:
    """Every bad cell of every row is reported in one go, each with line and column."""
    path = write(
        tmp_path,
        "a,0,1,fast,0.1",
        "a,0,2,-1,nan",
        '"b, c",-3,1.5,0,inf',
        ",0,1,0,0",
        "d,1_0,0,0,",
        "e,0,1,0",
    )
    assert places(problems(path)) == [
        (2, 7, "think_s", 'not a number: "fast"'),
        (3, 7, "think_s", "must not be negative: -1"),
        (3, 10, "service_s", "must be finite: nan"),
        (4, 8, "start_s", "must not be negative: -3"),
        (4, 11, "request", 'not a whole number: "1.5"'),
        (4, 17, "service_s", "must be finite: inf"),
        (5, 1, "session", "is empty"),
        (6, 3, "start_s", 'not a number: "1_0"'),
        (6, 7, "request", "requests are numbered from 1: 0"),
        (6, 11, "service_s", "is empty"),
        (7, 1, "", "4 cells, the header has 5"),
    ]


def test_rows_that_contradict_each_other(tmp_path: Path) -> None:
    """Duplicate rows, gaps in the numbering and two starts of one session are found, each on its own row."""
    path = write(tmp_path, "a,0,1,1,0", "a,0,1,1,0", "a,0,3,0,0", "b,4,2,0,0", "a,2,4,0,0")
    assert places(problems(path)) == [
        (3, 5, "request", 'request 1 of session "a" is on line 2 too'),
        (4, 5, "request", 'session "a" has no request 2 before this one'),
        (5, 5, "request", 'session "b" has no request 1 before this one'),
        (6, 3, "start_s", 'session "a" starts at 2 here and at 0 on line 2'),
    ]


def test_a_bad_number_is_not_reported_twice(tmp_path: Path) -> None:
    """A request whose number cannot be read does not also make a gap in the numbering."""
    path = write(tmp_path, "a,0,1,1,0", "a,0,two,1,0", "a,0,3,0,0")
    assert places(problems(path)) == [(3, 5, "request", 'not a whole number: "two"')]


def test_an_empty_gap_only_at_the_end(tmp_path: Path) -> None:
    """think_s may be left out for a session's last request, where it means nothing, and nowhere else."""
    path = write(tmp_path, "a,0,1,,0", "a,0,2,,0")
    assert places(problems(path)) == [(2, 7, "think_s", "is empty, and the session has a later request")]


def test_many_problems_are_capped(tmp_path: Path) -> None:
    """A file of rubbish gives its first 20 problems in order and the number of the others."""
    found = problems(write(tmp_path, *(["a,0,x,0,0"] * 500)))
    assert [one.line for one in found] == [*range(2, 22), None]
    assert found[-1].message == "… and 480 more"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (HEADER.encode(), "the file has no requests, only a header"),
        (b"\xff\xfe\x00", "the trace is not UTF-8 text"),
        (HEADER.encode() + b'\n"a"b,0,1,0,0\n', "not CSV: "),
    ],
)
def test_files_that_are_no_trace(tmp_path: Path, content: bytes, message: str) -> None:
    """Empty, header-only, binary and malformed files are each said to be so, without a traceback."""
    path = tmp_path / "sessions.csv"
    path.write_bytes(content)
    assert problems(str(path))[0].message.startswith(message)


def test_a_missing_file(tmp_path: Path) -> None:
    """A wrong path, or a folder, names the file and the place in the scenario."""
    found = problems(str(tmp_path / "no.csv"))
    assert found[0].path == "traffic.trace"
    assert found[0].file.endswith("no.csv")
    assert "cannot read the trace" in found[0].message
    assert "cannot read the trace" in problems(str(tmp_path))[0].message


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """The reader remembers a file for the replications of a study, not beyond a change."""
    assert read_trace(write(tmp_path, "a,0,1,0,0")).counts.size == 1
    assert read_trace(write(tmp_path, "a,0,1,0,0", "b,0,1,0,0")).counts.size == 2
