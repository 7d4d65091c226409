"""Damaged lines: counted, shown with their numbers, mended where that can be, refused where they are too many."""

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
from logs import writers
from logs.traffic import Request, traffic

from simsticky.errors import InputError
from simsticky.logs import json_lines
from simsticky.logs.read import read_logs


@pytest.fixture(scope="module")
def made() -> list[Request]:
    return traffic(60)


def lines_of(made: list[Request]) -> list[str]:
    return writers.text(made).splitlines()


def test_damaged_lines_are_counted_and_the_first_are_shown(made: list[Request], tmp_path: Path) -> None:
    """A reader must be able to look at them: file, number, text."""
    lines = lines_of(made)
    lines[10] = lines[10][: len(lines[10]) // 2]
    lines[20] = lines[20].replace('"started_at":1', '"started_at":"soon",  "x":1')
    lines[30] = "\x00\x00\x07garbage"
    path = tmp_path / "kong.log"
    path.write_text("\n".join(lines) + "\n")
    log = read_logs(path)
    assert (len(log.requests), log.damaged, log.lines) == (len(made) - 3, 3, len(made))
    assert [number for number, _ in log.first_damaged] == [11, 21, 31]
    assert all(str(path) in text for _, text in log.first_damaged)
    assert "\\u0000\\u0000\\u0007garbage" in log.first_damaged[2][1]
    assert f"3 lines are damaged ({100 * 3 / len(made):.2g} %), the first is line 11 of {path}: " in log.describe()[1]


def test_too_many_damaged_lines_are_an_error_that_names_the_first(made: list[Request], tmp_path: Path) -> None:
    """Half a log says nothing of sessions; the limit is the user's."""
    lines = lines_of(made)
    for number in range(0, len(lines), 10):
        lines[number] = "garbage"
    path = tmp_path / "kong.log"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as error:
        read_logs(path)
    text = str(error.value)
    assert f"--max-damaged: {len(range(0, len(lines), 10))} of {len(lines)} lines are damaged, more than 5 %" in text
    assert f"line 1 of {path}: garbage; line 11 of" in text
    assert "--max-damaged 0.5" in text
    assert read_logs(path, max_damaged=0.2).damaged == len(range(0, len(lines), 10))


def test_what_a_gateway_says_beside_is_no_damage(made: list[Request], tmp_path: Path) -> None:
    """A container's standard output has the error log, too, and other containers' lines."""
    beside = [
        "2026/09/01 10:00:00 [notice] 1#0: start worker processes",
        "2026/09/01 10:00:01 [error] 1280#0: *7 connect() failed (111: Connection refused) while connecting",
        '{"level":"info","ts":1788256800.1,"msg":"successfully synced configuration to Kong"}',
        'time="2026-09-01T10:00:00Z" level=info msg="Configuration loaded" logger=proxy',
        "# a comment",
        "",
        "   ",
    ]
    path = tmp_path / "kong.log"
    text = writers.text(made)
    path.write_text("\n".join(beside * 20) + "\n" + text)
    log = read_logs(path)
    assert (len(log.requests), log.damaged, log.others, log.lines) == (len(made), 0, 100, len(made) + 100)
    assert "100 other lines that are no requests were left out." in log.describe()


def test_haproxys_own_messages_are_no_damage(made: list[Request], tmp_path: Path) -> None:
    """Among them that a server goes down."""
    beside = [
        "Sep  1 10:00:00 lb haproxy[14389]: Server shop/web-1 is DOWN, reason: Layer4 connection problem",
        "Sep  1 10:00:00 lb haproxy[14389]: Proxy http-in started.",
    ]
    path = tmp_path / "haproxy.log"
    path.write_text("\n".join(beside) + "\n" + writers.text(made, writers.haproxy))
    log = read_logs(path)
    assert (len(log.requests), log.damaged, log.others) == (len(made), 0, 2)


def test_headers_that_are_no_utf_8_do_not_damage_a_line(made: list[Request], tmp_path: Path) -> None:
    """Kong writes what the client sent, byte by byte."""
    raw = writers.text(made).encode().split(b"\n")
    raw[5] = raw[5].replace(b"Mozilla", b"M\xf6zilla")
    path = tmp_path / "kong.log"
    path.write_bytes(b"\n".join(raw))
    log = read_logs(path)
    assert (len(log.requests), log.damaged) == (len(made), 0)


def test_windows_line_ends_and_a_byte_order_mark_are_read(made: list[Request], tmp_path: Path) -> None:
    """A log that went through an editor."""
    path = tmp_path / "kong.log"
    path.write_bytes(b"\xef\xbb\xbf" + writers.text(made).replace("\n", "\r\n").encode())
    assert len(read_logs(path).requests) == len(made)
    path.write_bytes(b"\xef\xbb\xbf" + writers.text(made, writers.combined).replace("\n", "\r\n").encode())
    assert len(read_logs(path).requests) == len(made)


def interleaved(lines: list[str], luck: random.Random) -> list[str]:
    """Return lines as two workers write them to a pipe: each write of 4096 bytes stays whole, others come between."""
    found: list[str] = []
    for one, other in zip(lines[::2], lines[1::2], strict=True):
        if luck.random() < 0.5:
            found += [one, other]
            continue
        cut = 4096 * luck.randint(1, len(one) // 4096)
        found += (one[:cut] + other + "\n" + one[cut:]).split("\n")
    return found


def test_long_lines_that_were_written_into_each_other_are_taken_apart(tmp_path: Path) -> None:
    """Lines over 4 kB, of requests with large cookies, cross in the pipe to the container runtime."""
    made = traffic(40)
    made = made[: len(made) // 2 * 2]
    luck = random.Random(3)
    lines = [writers.kong(each, padding=luck.randint(4200, 9000)) for each in made]
    mixed = interleaved(lines, luck)
    broken = sum(line not in lines for line in mixed) // 2
    assert broken > 20
    path = tmp_path / "kong.log"
    path.write_text("\n".join(mixed) + "\n")
    log = read_logs(path)
    assert (len(log.requests), log.damaged, log.first_damaged) == (len(made), 0, [])
    assert np.allclose(np.sort(log.requests.took_s), np.sort([each.took_s for each in made]), atol=1e-3)
    assert f"{2 * broken} requests were put together again" in " ".join(log.notes)


def test_a_broken_line_whose_rest_never_comes_is_damaged(tmp_path: Path) -> None:
    """The log ends, or was rotated, between the halves."""
    made = traffic(40)
    lines = [writers.kong(each, padding=6000) for each in made]
    lines[7] = lines[7][:4096] + lines[8]
    del lines[8]
    path = tmp_path / "kong.log"
    path.write_text("\n".join(lines) + "\n")
    log = read_logs(path)
    assert (len(log.requests), log.damaged) == (len(made) - 1, 1)
    assert log.first_damaged[0][0] == 8


def test_a_line_of_the_runtime_that_never_ends_is_damaged(tmp_path: Path) -> None:
    """The last piece is in the next file."""
    made = traffic(40)
    pieces = writers.text(made, lambda each: writers.cri(writers.kong(each), each, piece=400)).splitlines()
    path = tmp_path / "kong.log"
    path.write_text("\n".join(pieces[:-1]) + "\n")
    log = read_logs(path)
    assert (len(log.requests), log.damaged) == (len(made) - 1, 1)


def test_without_orjson_the_same_is_read_and_said(
    made: list[Request], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra makes it faster and changes nothing."""
    path = tmp_path / "kong.log"
    path.write_text(writers.text(made))
    fast = read_logs(path)
    for module in ("lines", "envelopes"):
        monkeypatch.setattr(f"simsticky.logs.{module}.loads", json.loads)
    monkeypatch.setattr("simsticky.logs.read.SLOWER", "JSON is read by Python's own module.")
    slow = read_logs(path)
    assert (slow.requests.sent_s == fast.requests.sent_s).all()
    assert (slow.requests.session == fast.requests.session).all()
    assert "JSON is read by Python's own module." in slow.notes
    assert json_lines.SLOWER == ""


def test_a_wrong_date_does_not_stretch_the_log(made: list[Request], tmp_path: Path) -> None:
    """One digit of a moment is another: the log would last eight years, and every rate be a millionth."""
    lines = lines_of(made)
    for number, year in ((3, "15"), (40, "19")):
        lines[number] = lines[number].replace('"started_at":17', f'"started_at":{year}')
    path = tmp_path / "kong.log"
    path.write_text("\n".join(lines) + "\n")
    log = read_logs(path)
    assert len(log.requests) == len(made) - 2
    assert log.requests.window_s[1] < 4000
    assert "2 requests lie more than a week away from all others, left out as wrong dates." in log.notes


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ('"started_at":', "-1"),
        ('"started_at":', "1e300"),
        ('"latencies":{"request":', "1e300"),
        ('"response":{"status":', "70000"),
        ('"response":{"status":', '"two hundred"'),
    ],
)
def test_values_that_cannot_be_are_damage(field: str, value: str, made: list[Request], tmp_path: Path) -> None:
    """JSON, and no request all the same."""
    lines = lines_of(made)
    before, _, after = lines[5].partition(field)
    rest = after.lstrip("0123456789")
    lines[5] = f"{before}{field}{value}{rest}"
    path = tmp_path / "kong.log"
    path.write_text("\n".join(lines) + "\n")
    log = read_logs(path)
    assert (len(log.requests), log.damaged, log.first_damaged[0][0]) == (len(made) - 1, 1, 6)


def test_a_negative_duration_is_unknown_and_no_damage(made: list[Request], tmp_path: Path) -> None:
    """The gateway's clock was set back while it waited."""
    lines = lines_of(made)
    lines[5] = re.sub(r'"latencies":\{"request":\d+', '"latencies":{"request":-30000', lines[5])
    path = tmp_path / "kong.log"
    path.write_text("\n".join(lines) + "\n")
    log = read_logs(path)
    assert (len(log.requests), log.damaged) == (len(made), 0)
    assert np.isnan(log.requests.took_s).sum() == 1
    assert log.requests.window_s[0] >= 0
