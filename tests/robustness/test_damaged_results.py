"""What was stored and has been damaged, edited or exchanged since: exit 2 and the file's name, and the rest is kept."""

import hashlib
import json
import shutil

import pytest
from command_line import TINIEST, called
from hostile import unfit

from simsticky.cli.main import main

QUICK = ["--reps", "3", "-j", "1", "-q"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A run's directory, its JSON, and a study's directory."""
    place = tmp_path_factory.mktemp("written")
    (place / "t.yaml").write_text(TINIEST)
    run = ["run", str(place / "t.yaml"), *QUICK]
    assert main([*run, "--out", str(place / "run")]) == 0
    assert main([*run, "--out", str(place / "run.json"), "--study", str(place / "study")]) == 0
    return place


def cut(content):
    """Half of the file."""
    return content[: len(content) // 2]


DAMAGE = {
    "empty": lambda content: b"",
    "cut": cut,
    "zeros": lambda content: b"\0" * len(content),
    "foreign": lambda content: b"a,b\n1,2\n",
    "no text": lambda content: b"\xff\xfe" + content,
    "nested": lambda content: b'{"a":' * 5000,
    "another number": lambda content: content.replace(b"1", b"7"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["pods.csv", "requests.csv", "operations.csv", "study.json", "summary.json"])
@pytest.mark.parametrize("confirmed", [True, False], ids=["with checksums", "without"])
def test_a_damaged_directory(written, tmp_path, name, damage, confirmed):
    """`report` names the file; where the checksums are lost too, whatever it can still tell."""
    place = shutil.copytree(written / "run", tmp_path / "run")
    if not confirmed:
        (place / "summary.json").unlink()
        if name == "summary.json" or damage == "another number" or (damage == "cut" and name != "study.json"):
            pytest.skip("nothing is left to find it by")
    (place / name).write_bytes(DAMAGE[damage]((written / "run" / name).read_bytes()))
    if (place / name).read_bytes() == (written / "run" / name).read_bytes():
        pytest.skip("the file holds nothing of the kind")
    told = called("report", str(place))
    assert told.returncode == 2, told.stderr
    assert name in told.stderr or (name == "summary.json" and "RESULT" not in told.stderr)
    assert not unfit(told.stderr), told.stderr


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("seed",), "x"),
        (("seed",), -1),
        (("replications",), 10**9),
        (("replications",), 0),
        (("values",), []),
        (("values", "peak_pods"), [1, "2", 3]),
        (("values", "peak_pods"), [1]),
        (("values", "peak_pods"), {"a": 1}),
        (("estimates",), 3),
        (("estimates", "peak_pods"), "x"),
        (("estimates", "peak_pods", "definition"), 3),
        (("scenario",), None),
        (("scenario", "digest"), 7),
        (("scenario", "resolved"), []),
        (("scenario", "resolved", "thresholds"), {"broken_sessions": "x"}),
        (("scenario", "from"), {"a": 1}),
        (("tool",), "simsticky"),
        (("libraries",), ["numpy"]),
        (("warnings",), "x"),
        (("digests",), ["x"]),
        (("schemaVersion",), "x"),
    ],
    ids=str,
)
def test_an_edited_result_is_not_compared(written, tmp_path, path, value):
    """`compare` holds a result against what `run` writes, and names the file."""
    whole = json.loads((written / "run.json").read_text())
    node = whole
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    (tmp_path / "edited.json").write_text(json.dumps(whole))
    told = called("compare", str(written / "run.json"), str(tmp_path / "edited.json"))
    assert (told.returncode, told.stdout) == (2, "")
    assert "edited.json" in told.stderr
    assert not unfit(told.stderr), told.stderr


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b"NaN", b'{"values": 1e999}', b"\xff", b"null", b"{}"], ids=str)
def test_what_is_no_result_is_not_compared(written, tmp_path, text):
    """Neither is anything else."""
    (tmp_path / "none.json").write_bytes(text)
    done = called("compare", str(written / "run.json"), str(tmp_path / "none.json"))
    assert done.returncode == 2
    told = done.stderr
    assert "none.json" in told
    assert not unfit(told), told


def test_frames_that_do_not_fit_each_other(written, tmp_path):
    """Without checksums, frames of which one is cut end in a report of what is left or in an error of their own."""
    place = shutil.copytree(written / "run", tmp_path / "run")
    (place / "summary.json").unlink()
    (place / "pods.csv").write_bytes(cut((written / "run" / "pods.csv").read_bytes()))
    done = called("report", str(place))
    assert done.returncode == 2
    told = done.stderr
    assert str(place) in told
    assert not unfit(told), told


def record(content):
    """A line of the journal with the right checksum."""
    return hashlib.sha256(content).hexdigest()[:16].encode() + b" " + content + b"\n"


WRONG = [
    b"3",
    b"{}",
    b"[" * 5000,
    b"NaN",
    b"\xff",
    b'{"key":["a",1]}',
    b'{"key":["a",7,99999999999999]}',
    b'{"key":["a",7,-1]}',
    b'{"key":[1,"a",0],"summary":{},"digest":"","warnings":[],"operations":[]}',
    b'{"key":["a",7,0],"summary":{"x":"y"},"digest":"","warnings":[],"operations":[]}',
    b'{"key":["a",7,0],"summary":{},"digest":3,"warnings":[],"operations":[]}',
    b'{"key":["a",7,0],"summary":{},"digest":"","warnings":3,"operations":[[]]}',
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_record_of_wrong_content_is_dropped(written, tmp_path, wrong):
    """Its checksum is right, and it is no replication: it is dropped with a word, and the others are kept."""
    place = shutil.copytree(written / "study", tmp_path / "study")
    journal = place / "replications.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + record(wrong) + b"".join(lines[1:]))
    told = called("run", str(written / "t.yaml"), "--reps", "3", "-j", "1", "-o", "json", "--study", str(place))
    assert told.returncode == 0, told.stderr
    assert "1 damaged record was dropped" in told.stderr
    assert json.loads(told.stdout) == json.loads((written / "run.json").read_text())


@pytest.mark.parametrize("text", [b"", b"[" * 5000, b"{" * 5000, b"3", b'{"format":' * 900, b"\xff"], ids=str)
def test_a_damaged_study_is_refused(written, tmp_path, text):
    """Nobody can say of what its replications are, so none is used and none is lost."""
    place = shutil.copytree(written / "study", tmp_path / "study")
    before = (place / "replications.jsonl").read_bytes()
    (place / "study.json").write_bytes(text)
    done = called("run", str(written / "t.yaml"), *QUICK, "--study", str(place))
    assert done.returncode == 2
    told = done.stderr
    assert "study.json is damaged" in told
    assert not unfit(told), told
    assert (place / "replications.jsonl").read_bytes() == before
