"""Where lines come from: compressed, many, piped, in envelopes; and what is no log."""

import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from logs import writers
from logs.traffic import Request, traffic

from simsticky.errors import InputError
from simsticky.logs import sources
from simsticky.logs.read import read_logs
from simsticky.logs.requests import LogRead


@pytest.fixture(scope="module")
def made() -> list[Request]:
    return traffic(60)


@pytest.fixture(scope="module")
def kong(made: list[Request]) -> str:
    return writers.text(made)


def compressed(text: str, suffix: str) -> bytes:
    raw = text.encode()
    return {"": raw, ".gz": gzip.compress(raw), ".zst": zstandard.compress(raw)}[suffix]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("named", [True, False], ids=["named so", "by its bytes"])
def test_compressed_files_are_read(suffix: str, named: bool, kong: str, made: list[Request], tmp_path: Path) -> None:
    """Rotation compresses; a name does not always say so."""
    path = tmp_path / (f"kong.log{suffix}" if named else "kong.log")
    path.write_bytes(compressed(kong, suffix))
    assert len(read_logs(path).requests) == len(made)


def test_several_frames_and_members_are_one_file(kong: str, made: list[Request], tmp_path: Path) -> None:
    """``cat a.gz b.gz > c.gz`` is a gzip file; so it is with zstd."""
    half = len(kong.splitlines()) // 2
    one = "".join(f"{line}\n" for line in kong.splitlines()[:half])
    other = "".join(f"{line}\n" for line in kong.splitlines()[half:])
    for suffix in (".gz", ".zst"):
        path = tmp_path / f"kong.log{suffix}"
        path.write_bytes(compressed(one, suffix) + compressed(other, suffix))
        assert len(read_logs(path).requests) == len(made)


def test_rotated_files_of_one_gateway_are_one_gateway(kong: str, made: list[Request], tmp_path: Path) -> None:
    """A glob finds them in any order; requests are sorted by time, and each file is read once."""
    lines = kong.splitlines(keepends=True)
    third = len(lines) // 3
    (tmp_path / "kong.log").write_text("".join(lines[2 * third :]))
    (tmp_path / "kong.log.1").write_text("".join(lines[third : 2 * third]))
    (tmp_path / "kong.log.2.gz").write_bytes(compressed("".join(lines[:third]), ".gz"))
    log = read_logs([str(tmp_path / "kong.log*"), tmp_path / "kong.log"])
    assert log.requests.gateways == ("kong.log",)
    assert len(log.requests) == len(made)
    assert (log.requests.sent_s[1:] >= log.requests.sent_s[:-1]).all()


def test_files_of_two_gateways_are_two(kong: str, made: list[Request], tmp_path: Path) -> None:
    """Kong's JSON names no node: the file does, with its folder where the files are called alike."""
    for gateway in ("kong-1", "kong-2"):
        folder = tmp_path / gateway
        folder.mkdir()
        (folder / "access.log").write_text(writers.text(each for each in made if each.gateway == gateway))
    log = read_logs([tmp_path / "kong-1" / "access.log", tmp_path / "kong-2" / "access.log"])
    assert log.requests.gateways == ("kong-1/access.log", "kong-2/access.log")
    assert sorted(log.requests.gateway.tolist()) == sorted(int(each.gateway[-1]) - 1 for each in made)


def test_standard_input_is_read(kong: str, made: list[Request], monkeypatch: pytest.MonkeyPatch) -> None:
    """``zcat ... | simsticky fit --log -``, compressed or not."""
    for suffix in ("", ".gz"):
        raw = io.TextIOWrapper(io.BytesIO(compressed(kong, suffix)))
        monkeypatch.setattr(sys, "stdin", raw)
        assert len(read_logs("-").requests) == len(made)


ENVELOPES: dict[str, Callable[[str, Request], str]] = {
    "cri": writers.cri,
    "cri in pieces": lambda line, request: writers.cri(line, request, piece=300),
    "docker": writers.docker,
    "docker in pieces": lambda line, request: writers.docker(line, request, piece=300),
    "fluent bit": writers.fluent_bit,
    "fluent bit, parsed": writers.fluent_bit_merged,
    "logcli jsonl": writers.logcli_jsonl,
    "logcli": writers.logcli,
    "kubectl": writers.kubectl,
    "fluent bit of cri": lambda line, request: writers.fluent_bit(writers.cri(line, request), request),
    "loki of docker": lambda line, request: writers.logcli_jsonl(writers.docker(line, request), request),
}
NAMING = {
    "fluent bit",
    "fluent bit, parsed",
    "logcli jsonl",
    "logcli",
    "kubectl",
    "fluent bit of cri",
    "loki of docker",
}
"""Those that name the gateway's pod."""


@pytest.mark.parametrize("name", sorted(ENVELOPES))
def test_envelopes_are_taken_off(name: str, made: list[Request], tmp_path: Path) -> None:
    """What a cluster's logs look like when somebody has fetched them."""
    path = tmp_path / "pods.log"
    path.write_text(writers.text(made, lambda each: ENVELOPES[name](writers.kong(each), each)))
    log = read_logs(path)
    assert (len(log.requests), log.damaged, log.others) == (len(made), 0, 0)
    assert len(log.requests.gateways) == (2 if name in NAMING else 1)
    assert log.format == "kong-json"


@pytest.mark.parametrize("write", [writers.haproxy, writers.ingress_nginx, writers.combined])
def test_text_lines_are_taken_out_of_envelopes(
    write: Callable[[Request], str], made: list[Request], tmp_path: Path
) -> None:
    """The same for a line that is no JSON."""
    for envelope in (writers.cri, writers.docker, writers.fluent_bit, writers.logcli):
        path = tmp_path / "pods.log"
        path.write_text(writers.text(made, lambda each: envelope(write(each), each)))  # noqa: B023
        log = read_logs(path)
        assert (len(log.requests), log.damaged) == (len(made), 0)


def test_an_answer_of_loki_is_one_line(made: list[Request], tmp_path: Path) -> None:
    """``query_range`` by curl."""
    path = tmp_path / "loki.json"
    path.write_text(writers.loki_answer((writers.kong(each), each) for each in made))
    log = read_logs(path)
    assert len(log.requests) == len(made)
    assert set(log.requests.gateways) == {"kong-1", "kong-2"}


def test_batches_of_http_log_are_arrays(made: list[Request], tmp_path: Path) -> None:
    """``max_batch_size`` over 1: an array of requests a line; or one array over all lines."""
    objects = [writers.kong_object(each) for each in made]
    path = tmp_path / "kong.log"
    path.write_text("".join(json.dumps(objects[at : at + 20]) + "\n" for at in range(0, len(objects), 20)))
    assert len(read_logs(path).requests) == len(made)
    path.write_text("[\n" + ",\n".join(json.dumps(each) for each in objects) + "\n]\n")
    log = read_logs(path)
    assert (len(log.requests), log.damaged) == (len(made), 0)


def test_an_array_of_all_requests_is_read(made: list[Request], tmp_path: Path) -> None:
    """``jq -s .`` in one line, without an end."""
    path = tmp_path / "kong.json"
    path.write_text(json.dumps([writers.kong_object(each) for each in made]))
    assert len(read_logs(path).requests) == len(made)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_that_was_cut_is_read_to_the_cut_and_said(
    kong: str, made: list[Request], tmp_path: Path, suffix: str
) -> None:
    """A file that ends too early, of a disk that was full; what is compressed comes in blocks of many lines."""
    path = tmp_path / f"kong.log{suffix}"
    path.write_bytes(compressed(kong * 20, suffix)[:-20])
    log = read_logs(path)
    assert len(made) < len(log.requests) < 20 * len(made)
    assert any("ends too early" in note for note in log.notes)


def test_a_file_that_was_cut_before_its_first_line_is_not_called_empty(kong: str, tmp_path: Path) -> None:
    """A copy that broke off at once."""
    for suffix in (".gz", ".zst"):
        path = tmp_path / f"kong.log{suffix}"
        path.write_bytes(compressed(kong, suffix)[:12])
        assert "ends too early" in refusal(path)


def refusal(*paths: str | Path, **how: object) -> str:
    with pytest.raises(InputError) as error:
        read_logs(list(paths), **how)  # type: ignore[arg-type]
    return str(error.value)


def test_what_is_no_log_is_refused_with_a_way_out(kong: str, tmp_path: Path) -> None:
    """Each refusal names the file and says what would do."""
    (tmp_path / "empty.log").write_text("")
    assert "empty.log: is empty (is the gateway's access log switched on?)" in refusal(tmp_path / "empty.log")
    (tmp_path / "blank.log").write_text("\n \n")
    assert "is empty" in refusal(tmp_path / "blank.log")
    (tmp_path / "notes.txt").write_text("Dear all,\nthe deployment is at nine.\n")
    text = refusal(tmp_path / "notes.txt")
    assert "is no access log that simsticky knows: its first line is Dear all," in text
    assert "kong-json" in text
    (tmp_path / "k.json").write_text('{"apiVersion": "v1", "kind": "Pod"}\n')
    assert "is no access log" in refusal(tmp_path / "k.json")
    (tmp_path / "picture.png").write_bytes(bytes(range(256)) * 64)
    assert "is no access log" in refusal(tmp_path / "picture.png")
    assert "no such file" in refusal(tmp_path / "none.log")
    assert "the glob matches nothing" in refusal(str(tmp_path / "*.none"))
    assert "is a directory" in refusal(tmp_path)
    assert "no log is named" in refusal()
    (tmp_path / "kong.log").write_text(kong)
    assert "no format is called 'kong'" in refusal(tmp_path / "kong.log", format="kong")
    assert "is not HAProxy's httplog" in refusal(tmp_path / "kong.log", format="haproxy")


def test_an_empty_file_among_others_is_no_error(kong: str, made: list[Request], tmp_path: Path) -> None:
    """The newest of rotated files may hold nothing yet."""
    (tmp_path / "kong.log").write_text("")
    (tmp_path / "kong.log.1").write_text(kong)
    assert len(read_logs(str(tmp_path / "kong.log*")).requests) == len(made)


def test_files_of_two_formats_are_refused(kong: str, made: list[Request], tmp_path: Path) -> None:
    """Requests would be counted twice, once in front and once behind."""
    (tmp_path / "a.log").write_text(kong)
    (tmp_path / "b.log").write_text(writers.text(made, writers.haproxy))
    text = refusal(tmp_path / "a.log", tmp_path / "b.log")
    assert "b.log: is HAProxy's httplog, but " in text
    assert "read them apart" in text


def test_zstd_without_its_package_says_what_to_do(kong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is not installed with the rest."""
    path = tmp_path / "kong.log.zst"
    path.write_bytes(compressed(kong, ".zst"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert "pip install 'simsticky[logs]'" in refusal(path)


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte of zeros is no line; what follows it is read."""
    monkeypatch.setattr(sources, "_LONGEST_LINE", 3 * 2**20)
    path = tmp_path / "kong.log"
    made = traffic(60)
    path.write_text(writers.text(made) + "x" * (9 * 2**20) + "\n" + writers.text(made))
    log = read_logs(path)
    assert len(log.requests) == 2 * len(made)
    assert 1 <= log.damaged <= 5


def test_progress_ends_with_all_of_the_bytes(kong: str, tmp_path: Path) -> None:
    """A share from 0 to 1, by the file as it lies there."""
    path = tmp_path / "kong.log.gz"
    path.write_bytes(compressed(kong * 20, ".gz"))
    seen: list[tuple[int, float]] = []
    log: LogRead = read_logs(path, progress=lambda lines, share: seen.append((lines, share)))
    assert seen[-1] == (log.lines, pytest.approx(1.0))
    assert [share for _, share in seen] == sorted(share for _, share in seen)
    assert len(seen) > 1
