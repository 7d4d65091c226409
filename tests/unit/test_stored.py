"""A directory that ``simsticky run --out`` wrote gives the same report as the run itself."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import simsticky as ss
from simsticky.cli.main import main
from simsticky.report.stored import FILE, MARKER, read

SCENARIO = "scenarios/scale_down.yaml"
QUICK = ["--reps", "2", "--jobs", "1", "--quiet", "--set", "traffic.sessions.rate=1/s"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A directory with frames as CSV, and the report of the same run."""
    place = tmp_path_factory.mktemp("written")
    assert main(["run", SCENARIO, *QUICK, "--out", str(place / "run"), "--report", str(place / "direct.html")]) == 0
    return place


def test_the_report_of_a_directory_is_that_of_the_run(written):
    """To the byte, and by default beside the frames."""
    assert main(["report", str(written / "run"), "--quiet"]) == 0
    direct = (written / "direct.html").read_bytes()
    assert (written / "run" / "report.html").read_bytes() == direct
    assert b"example-app.yaml:7" in direct


def test_parquet_gives_the_same_report(written, tmp_path, capsys):
    """The format of the frames makes no difference; ``--out -`` is standard output."""
    assert main(["run", SCENARIO, *QUICK, "--out", str(tmp_path / "run"), "--format", "parquet"]) == 0
    capsys.readouterr()
    assert main(["report", str(tmp_path / "run"), "--out", "-"]) == 0
    assert capsys.readouterr().out.encode() == (written / "direct.html").read_bytes()


def test_frames_come_back_to_the_last_bit(written):
    """Numbers of the frames and of the study are read as they were written."""
    study, run = read(written / "run")
    fresh = ss.simulate(run.scenario, seed=study.seed)
    for name in ("pods", "load", "sessions", "requests", "events", "operations"):
        kept, made = getattr(run, name), getattr(fresh, name)
        assert list(kept.columns) == list(made.columns)
        for column in made:
            if pd.api.types.is_numeric_dtype(made[column]) and made[column].dtype != bool:
                assert np.array_equal(kept[column], made[column], equal_nan=True), (name, column)
    assert study.replications[0].summary == dict(fresh.summary)
    assert study.scenario == ss.load(SCENARIO).evolve({"traffic.sessions.rate": "1/s"})
    assert study.scenario.came_from("deployment.replicas") == "example-app.yaml:7"


@pytest.mark.slow
def test_a_precision_is_kept(tmp_path):
    """Why a study stopped where it did is among the warnings of the report read back."""
    quick = [*QUICK[2:], "--precision", "0.0001%", "--max-reps", "10", "--out", str(tmp_path / "run")]
    assert main(["run", SCENARIO, *quick, "--report", str(tmp_path / "direct.html")]) == 0
    study, _ = read(tmp_path / "run")
    assert str(study.stopping) in study.warnings
    assert main(["report", str(tmp_path / "run"), "--quiet"]) == 0
    assert (tmp_path / "run" / "report.html").read_bytes() == (tmp_path / "direct.html").read_bytes()


def _of_another_version(place):
    """Leave what another version wrote: nothing that vouches for the files, and another number in them."""
    (place / MARKER).unlink()
    (place / FILE).write_text(json.dumps({"storedVersion": 99}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda place: (place / FILE).unlink(), "holds no study.json"),
        (lambda place: (place / FILE).write_text("{"), "is damaged"),
        (lambda place: (place / FILE).write_text("[]"), "is damaged"),
        (lambda place: (place / "pods.csv").unlink(), "holds no pods.csv"),
        (lambda place: (place / FILE).write_text(json.dumps({"storedVersion": 99})), "not what simsticky run wrote"),
        (lambda place: _of_another_version(place), "has version 99"),
    ],
)
def test_what_is_no_run_is_bad_input(written, tmp_path, capsys, damage, message):
    """A directory that is none of ours, or damaged, ends with exit code 2 and a sentence."""
    place = tmp_path / "run"
    shutil.copytree(written / "run", place)
    damage(place)
    assert main(["report", str(place), "--out", "-"]) == 2
    assert message in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_said_before_the_run(tmp_path, capsys):
    """``--report`` into a directory that is not there, or onto a directory, stops at once."""
    assert main(["run", SCENARIO, *QUICK, "--report", str(tmp_path / "none" / "page.html")]) == 2
    assert "there is no directory" in capsys.readouterr().err
    (tmp_path / "dir.html").mkdir()
    assert main(["run", SCENARIO, *QUICK, "--report", str(tmp_path / "dir.html")]) == 2
    assert "is a directory" in capsys.readouterr().err
    assert main(["run", SCENARIO, *QUICK, "--report", str(tmp_path / "page.pdf")]) == 2
    assert "--report" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "nothing")]) == 2


def test_a_sweep_writes_its_page(tmp_path, capsys):
    """``sweep --report`` writes the trade-off page; a setting that follows another is no slider."""
    place = tmp_path / "tradeoff.html"
    vary = ["--vary", "deployment.preStop=5s,30s", "--vary", "deployment.grace='preStop + 20s'"]
    assert main(["sweep", SCENARIO, *QUICK, *vary, "--report", str(place)]) == 0
    text = place.read_text(encoding="utf-8")
    assert 'id="knob-0"' in text
    assert 'id="knob-1"' not in text
    assert '["deployment.grace","50s"]' in text
    capsys.readouterr()
    assert main(["sweep", SCENARIO, *QUICK, *vary, "--tornado", "--report", str(place)]) == 2
    assert "--report" in capsys.readouterr().err
