"""Clocks of gateways that disagree are found from sessions that went through two, said, and set right."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from logs import writers
from logs.traffic import Request, traffic

from simsticky.logs.read import read_logs
from simsticky.logs.requests import LogRead


def read(made: list[Request], ahead: dict[str, float], folder: Path, *, app: bool = True) -> LogRead:
    """Read the logs of gateways whose clocks are ahead by so much."""
    for gateway in {each.gateway for each in made}:
        own = [replace(each, sent_s=each.sent_s + ahead.get(gateway, 0.0)) for each in made if each.gateway == gateway]
        if not app:
            own = [replace(each, app_in="", app_out="") for each in own]
        (folder / f"{gateway}.log").write_text(writers.text(own))
    return read_logs(str(folder / "kong-*.log"))


def said(log: LogRead) -> list[str]:
    return [note for note in log.notes if "clock" in note]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("ahead_s", [0.2, -2.0, 30.0, 7200.0])
def test_a_clock_that_is_ahead_is_found_and_set_right(ahead_s: float, tmp_path: Path) -> None:
    """Also one that is off by more than a pause: a first hit comes first, whatever the clock says."""
    made = traffic(1500)
    log = read(made, {"kong-2": ahead_s}, tmp_path)
    (note,) = said(log)
    word = "ahead of" if ahead_s > 0 else "behind"
    assert f"s {word} that of kong-1.log" in note
    assert note.startswith("The clock of kong-2.log is ")
    assert float(note.split(" is ")[1].split(" s ")[0]) == pytest.approx(abs(ahead_s), abs=0.1)
    true = np.array([each.sent_s for each in made])
    assert np.abs(log.requests.sent_s + log.requests.epoch.timestamp() - true).max() < 0.1
    assert len(log.sessions) == len({each.session for each in made})


def test_three_clocks_are_each_found(tmp_path: Path) -> None:
    """Each against the first, if need be over the third."""
    log = read(traffic(3000, gateways=3), {"kong-2": 5.0, "kong-3": -3.0}, tmp_path)
    assert [note.split(",")[0] for note in said(log)] == [
        f"The clock of kong-{number}.log is {note.split(' is ')[1].split(' s ')[0]} s {word} that of kong-1.log"
        for number, word, note in zip((2, 3), ("ahead of", "behind"), said(log), strict=True)
    ]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("seed", range(8))
def test_clocks_that_agree_are_left_alone(seed: int, tmp_path: Path) -> None:
    """Pauses differ by chance; times must not be moved for that."""
    assert said(read(traffic(800, seed=seed), {}, tmp_path)) == []


def test_the_targets_cookie_shows_it_too(tmp_path: Path) -> None:
    """It tells no sessions apart, but whoever brings it was given it before."""
    log = read(traffic(1500), {"kong-2": 1.0}, tmp_path, app=False)
    assert log.sessions.key.kind == "client"
    (note,) = said(log)
    assert float(note.split(" is ")[1].split(" s ")[0]) == pytest.approx(1.0, abs=0.1)


def test_gateways_that_share_no_session_cannot_be_compared(tmp_path: Path) -> None:
    """That is said, for a difference would then be seen nowhere."""
    made = [replace(each, gateway=f"kong-{each.session % 2 + 1}") for each in traffic(400)]
    (note,) = said(read(made, {"kong-2": 5.0}, tmp_path))
    assert note.startswith("Whether the clocks of kong-2.log agree with that of kong-1.log cannot be seen")


def test_a_second_first_request_shows_no_difference(tmp_path: Path) -> None:
    """A page's slow picture was asked for before the page's answer gave a cookie; it ends after the next request."""
    made = []
    for each in traffic(1500):
        made.append(each)
        if each.app_out and not each.app_in and each.session % 4 == 0:
            other = "kong-2" if each.gateway == "kong-1" else "kong-1"
            made.append(replace(each, sent_s=each.sent_s + 0.001, took_s=40.0, gateway=other))
    (note,) = said(read(made, {"kong-2": -2.0}, tmp_path))
    assert float(note.split(" is ")[1].split(" s ")[0]) == pytest.approx(2.0, abs=0.1)
