"""A scenario file on top of another one: ``base``."""

from pathlib import Path

import pytest

from simsticky.errors import InputError
from simsticky.scenario.reading.load import load

_BASE = """schema: simsticky/1
name: below
about: The one below.
traffic: {sessions: {kind: poisson, rate: 4/s}, think: 6s}
deployment: {name: shop, replicas: 3, grace: 60s}
timeline:
  - {at: 5m, rollout: shop}
  - {at: 9m, rollout: shop}
"""


def _files(folder: Path, text: str, base: str = _BASE) -> Path:
    (folder / "below.yaml").write_text(base)
    path = folder / "above.yaml"
    path.write_text(text)
    return path


def test_what_is_not_stated_is_as_in_the_base(tmp_path: Path) -> None:
    """Sections merge key by key and lists are replaced as a whole; name and about never come from the base."""
    text = "schema: simsticky/1\nbase: below.yaml\ndeployment: {replicas: 5}\ntimeline: [{at: 1m, rollout: shop}]\n"
    scenario = load(_files(tmp_path, text))
    assert (scenario.name, scenario.about) == ("above", "")
    assert (scenario.deployment.name, scenario.deployment.replicas) == ("shop", 5)
    assert scenario.deployment.termination_grace_period_seconds == 60
    assert [operation.at_s for operation in scenario.timeline] == [60.0]


def test_laws_and_arrivals_are_replaced_as_a_whole(tmp_path: Path) -> None:
    """A closed population does not inherit the rate of the base's Poisson process."""
    text = "schema: simsticky/1\nbase: below.yaml\ntraffic: {sessions: {kind: closed, population: 9}}\n"
    scenario = load(_files(tmp_path, text))
    assert scenario.traffic.sessions.kind == "closed"
    assert scenario.traffic.think.mean == 6.0


def test_places_name_the_file_that_states_a_value(tmp_path: Path) -> None:
    """Each value is where it is written."""
    path = _files(tmp_path, "schema: simsticky/1\nbase: below.yaml\ndeployment: {replicas: 5}\n")
    scenario = load(path)
    assert scenario.came_from("deployment.replicas") == "above.yaml:3"
    assert scenario.came_from("deployment.name") == "below.yaml:5"
    broken = _files(tmp_path, "schema: simsticky/1\nbase: below.yaml\n", _BASE.replace("think: 6s", "think: -6s"))
    with pytest.raises(InputError, match=r"below.yaml:4:\d+: traffic.think"):
        load(broken)


def test_paths_of_a_base_in_another_directory_start_there(tmp_path: Path) -> None:
    """Manifests and traces of a base are found from where the base lies."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "clients.csv").write_text("session,start_s\n1,0\n")
    base = "schema: simsticky/1\ntraffic: {trace: clients.csv}\ndeployment: {name: shop}\n"
    (tmp_path / "below.yaml").write_text(base)
    (tmp_path / "deep").mkdir()
    above = tmp_path / "deep" / "above.yaml"
    above.write_text("schema: simsticky/1\nbase: ../below.yaml\n")
    scenario = load(above)
    assert scenario.traffic.trace is not None
    assert Path(scenario.traffic.trace).resolve() == (tmp_path / "clients.csv").resolve()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("base: nowhere.yaml", "above.yaml:2:7: base: nowhere.yaml: no such file"),
        ("base: 5", "above.yaml:2:7: base: is the name of another scenario file"),
        ("base: above.yaml", "above.yaml:2:7: base: above.yaml stands on this file itself"),
    ],
)
def test_a_wrong_base_is_told_at_its_place(tmp_path: Path, line: str, message: str) -> None:
    """A base that is missing, no name, or the file itself is a problem with its place."""
    with pytest.raises(InputError, match=message):
        load(_files(tmp_path, f"schema: simsticky/1\n{line}\n"))
