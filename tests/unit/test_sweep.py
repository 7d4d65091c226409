"""A sweep: points on common random numbers, tidy numbers, and which setting matters."""

import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pandas as pd
import pytest
from shown import as_markdown, in_terminal
from small_scenario import small

from simsticky.errors import InputError
from simsticky.report.sweeps import blocks, names_of, tornado_blocks
from simsticky.simulate import simulate as simulate_once
from simsticky.study.design import plan
from simsticky.study.replicate import replicate
from simsticky.study.settings import settings_of
from simsticky.study.sweep import sweep
from simsticky.study.tornado import tornado

GRID = {"deployment.preStop": ["0s", "15s", "30s"], "deployment.grace": "preStop + 30s"}


def linear(scenario, *, seed, replication):
    """Broken sessions that follow preStop and, a tenth as much, the sync period; luck follows seed and replication."""
    exposed, luck = 10_000, (7 * replication + seed) % 5
    broken = 5000 - 50 * scenario.deployment.pre_stop.seconds + 10 * scenario.kic.proxy_sync_seconds + luck
    summary = {
        "exposed_sessions": exposed,
        "broken_exposed_sessions": int(broken),
        "requests_sent": 1000,
        "requests_failed": 0,
        "last_old_pod_gone_s": scenario.deployment.pre_stop.seconds + luck,
    }
    return SimpleNamespace(summary=summary, digest=f"{replication}", warnings=(), operation_rows=[], waits=None)


def swept(settings=None, n=4, **how):
    """A sweep of the small scenario through the linear stub."""
    return sweep(small(), GRID if settings is None else settings, n, 7, simulate=linear, **how)


def test_a_grid_visits_every_combination():
    """Points are all combinations, in order, and what follows another setting is worked out at each."""
    found = swept({**GRID, "kic.enableDrainSupport": [True, False]})
    assert found.settings == ("deployment.preStop", "deployment.grace", "kic.enableDrainSupport")
    assert [tuple(point.values()) for point in found.points] == [
        (stop, grace, drain)
        for stop, grace in (("0s", "30s"), ("15s", "45s"), ("30s", "1m"))
        for drain in (True, False)
    ]
    assert [s.deployment.termination_grace_period_seconds for s in found.scenarios] == [30, 30, 45, 45, 60, 60]
    assert [s.kic.enable_drain_support for s in found.scenarios] == [True, False] * 3


def test_each_point_is_a_study_of_its_scenario():
    """A point of a sweep is what replicate says of its scenario: the same seed, the same replications."""
    found = sweep(small(), {"deployment.preStop": ["0s", "10s"]}, 2, 7)
    for study in found.studies:
        assert study.digests == replicate(study.scenario, 2, 7).digests
        assert study.digests == [simulate_once(study.scenario, 7, number).digest for number in range(2)]


def test_the_bytes_do_not_depend_on_the_workers(tmp_path):
    """JSON and CSV are the same in this process, over an executor, and after an interruption."""
    alone = swept()
    with ThreadPoolExecutor(3) as threads:
        spread = swept(executor=threads)
    assert (spread.to_json(), spread.to_csv()) == (alone.to_json(), alone.to_csv())
    asked = []

    def stopped(scenario, *, seed, replication):
        asked.append(replication)
        if len(asked) == 6:
            raise KeyboardInterrupt
        return linear(scenario, seed=seed, replication=replication)

    with pytest.raises(KeyboardInterrupt, match="5 of 16 replications were finished"):
        sweep(small(), GRID, 4, 7, simulate=stopped, directory=tmp_path / "s")
    assert swept(directory=tmp_path / "s").to_json() == alone.to_json()


def test_equal_points_are_simulated_once():
    """Ten draws of a whole number between 1 and 2 cost two scenarios, and the one that is there a third."""
    asked = set()

    def noted(scenario, *, seed, replication):
        asked.add((scenario.digest(), replication))
        return linear(scenario, seed=seed, replication=replication)

    told = []
    found = sweep(
        small(), {"deployment.replicas": "1..2"}, 2, 7, design="lhs", samples=10, simulate=noted,
        on_progress=lambda finished, of: told.append((finished, of)),
    )  # fmt: skip
    assert len(found.studies) == 10
    assert len(asked) == 6
    assert told[-1] == (6, 6)


def test_the_frame_is_tidy():
    """One row per point and metric, settings that are numbers as numbers in seconds, the counts beside the share."""
    frame = swept({**GRID, "upstream.algorithm": ["sticky-sessions"]}).frame
    row = frame[(frame["deployment.preStop"] == 15) & (frame["metric"] == "broken_sessions")].iloc[0]
    assert (row["deployment.grace"], row["upstream.algorithm"], row["unit"]) == (45, "sticky-sessions", "share")
    assert row["estimate"] == pytest.approx(row["numerator"] / row["denominator"])
    assert row["low"] < row["estimate"] < row["high"]
    assert (row["n"], row["denominator"], row["point"]) == (4, 40_000, 1)
    assert not frame.duplicated(["point", "metric"]).any()


def test_the_frame_goes_to_parquet_and_csv(tmp_path):
    """What is written is the frame."""
    found = swept()
    found.to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), found.frame)
    (tmp_path / "a.csv").write_text(found.to_csv())
    assert pd.read_csv(tmp_path / "a.csv")["estimate"].count() == found.frame["estimate"].count()


def test_json_names_each_point():
    """A reader of the JSON knows the settings, the scenario and the design."""
    document = json.loads(swept().to_json())
    assert document["design"] == {"kind": "grid", "samples": None, "ranges": {}}
    assert [point["settings"]["deployment.grace"] for point in document["points"]] == ["30s", "45s", "1m"]
    assert document["points"][1]["estimates"]["broken_sessions"]["denominator"] == 40_000
    assert repr(swept()).startswith("<Sweep small: 3 points (grid) of deployment.preStop, deployment.grace, 4 repl")


@pytest.mark.parametrize(("design", "points"), [("lhs", 8), ("sobol", 8), ("saltelli", 32)])
def test_drawn_points_are_in_their_ranges(design, points):
    """Ranges are drawn in whole seconds where Kubernetes has them, the same for the same seed, followers following."""
    ranges = {
        "deployment.preStop": "10s..2m",
        "deployment.grace": "preStop + 5s",
        "kic.proxySyncSeconds": ("1s", "10s"),
    }
    found = plan(small(), ranges, design, 8, 7)
    assert len(found.points) == points
    assert list(found.points[0]) == list(ranges)
    assert found == plan(small(), ranges, design, 8, 7)
    scenarios = [small().evolve(point) for point in found.points]
    stops = [scenario.deployment.pre_stop.seconds for scenario in scenarios]
    assert all(10 <= stop <= 120 and stop == int(stop) for stop in stops)
    assert all(1 <= scenario.kic.proxy_sync_seconds <= 10 for scenario in scenarios)
    assert [s.deployment.termination_grace_period_seconds for s in scenarios] == [stop + 5 for stop in stops]


def test_whole_numbers_are_equally_likely():
    """A range of three replicas draws each a third of the time, the ends included."""
    (span,) = settings_of(small(), {"deployment.replicas": "2..4"})
    drawn = [span.at(part / 300) for part in range(300)]
    assert [drawn.count(number) for number in (2, 3, 4)] == [100, 100, 100]
    assert span.at(1.0) == 4


@pytest.mark.parametrize(
    ("settings", "how", "told"),
    [
        ({}, {}, "nothing to vary"),
        ({"deployment.preStop": []}, {}, "has no values"),
        ({"deployment.preStop": "0s..1m"}, {}, "a grid needs values"),
        ({"deployment.preStop": ["0s", "1x"]}, {}, "has no unit we know"),
        ({"deployment.preStp": ["0s"]}, {}, "did you mean deployment.preStop"),
        ({"deployment.preStp": "0s..1m"}, {"design": "lhs"}, "did you mean deployment.preStop"),
        ({"deployment.preStop": ["0s"]}, {"design": "gird"}, "no design 'gird'"),
        ({"deployment.preStop": ["0s"]}, {"samples": 5}, "a grid has as many points"),
        ({"deployment.preStop": "0s"}, {"design": "lhs"}, "draws from ranges"),
        ({"deployment.preStop": "1m..0s"}, {"design": "lhs"}, "1m is not below 0s"),
        ({"deployment.preStop": ["0s", "1s", "2s"]}, {"design": "lhs"}, "is no range"),
        ({"upstream.algorithm": "a..b"}, {"design": "lhs"}, "takes no number"),
        ({"deployment.preStop": "0s..1m"}, {"design": "sobol", "samples": 12}, "take 8 or 16"),
        ({"deployment.preStop": "0s..1m"}, {"design": "lhs", "samples": 1}, "at least 2"),
        ({"run.seed": list(range(400)), "run.replications": list(range(1, 400))}, {}, "159600 points"),
    ],
)
def test_what_cannot_be_swept_is_told_before_anything_runs(settings, how, told):
    """A wrong path, unit, range or design is the person's to mend."""

    def never(scenario, *, seed, replication):
        raise AssertionError("it ran")

    with pytest.raises(InputError) as caught:
        sweep(small(), settings, 1, 7, simulate=never, **how)
    assert told in str(caught.value)


def test_every_wrong_point_is_told_at_once():
    """Two wrong values are two lines."""
    with pytest.raises(InputError) as caught:
        swept({"deployment.preStop": ["0s", "1x", "2y"]})
    assert len(caught.value.diagnostics) == 2


def test_indices_name_the_setting_that_matters():
    """PreStop brings about nearly all of the variance of a metric that follows it, the sync period next to none."""
    ranges = {"deployment.preStop": "0s..60s", "kic.proxySyncSeconds": "1s..10s"}
    found = swept(ranges, n=2, design="saltelli", samples=64).sobol_indices("broken_sessions")
    stop, sync = (found[path] for path in ranges)
    assert stop.first.estimate == pytest.approx(1.0, abs=0.05)
    assert stop.total.estimate == pytest.approx(1.0, abs=0.05)
    assert abs(sync.first.estimate) < 0.02
    assert sync.total.estimate < 0.01
    with pytest.raises(InputError, match="need a Saltelli design"):
        swept().sobol_indices()


def test_a_tornado_sorts_by_what_matters():
    """Sync period 0.9 points, drain window 30 points: the swing of each setting, paired, the widest first."""
    ranges = {
        "kic.proxySyncSeconds": ("1s", "10s"),
        "deployment.preStop": "0s..60s",
        "deployment.grace": "preStop + 30s",
    }
    found = tornado(small(), ranges, "broken_sessions", 4, 7, simulate=linear)
    assert [bar.setting for bar in found.bars] == ["deployment.preStop", "kic.proxySyncSeconds"]
    assert [bar.ends for bar in found.bars] == [("0s", "1m"), ("1s", "10s")]
    assert [bar.swing.interval.estimate for bar in found.bars] == pytest.approx([-0.30, 0.009])
    assert found.bars[0].swing.interval.high - found.bars[0].swing.interval.low < 1e-9, "the luck cancels"
    shown = in_terminal(tornado_blocks(found), 100)
    assert "preStop" in shown
    assert "−30" in shown
    assert shown.index("preStop") < shown.index("proxySyncSeconds")
    assert "| preStop | 0s:" in as_markdown(tornado_blocks(found))
    assert json.loads(found.to_json())["bars"][1]["swing"]["value"] == pytest.approx(0.009)


def test_a_tornado_takes_settings_that_are_no_numbers():
    """Drain support off against on is a bar like any other; a metric that is not there is told."""
    found = tornado(small(), {"kic.enableDrainSupport": [False, True]}, n=2, seed=7, simulate=linear)
    assert found.bars[0].ends == (False, True)
    with pytest.raises(InputError, match="did you mean broken_sessions"):
        tornado(small(), {"deployment.preStop": "0s..1m"}, "broken_sesions", simulate=linear)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_table_keeps_to_the_width(width):
    """A row a point where there is room, a paragraph where there is none; never wider than the terminal."""
    metrics = ["broken_sessions", "failed_requests", "last_old_pod_gone_s"]
    text = in_terminal(blocks(swept(), metrics), width)
    assert max(map(len, text.splitlines())) <= width
    assert "preStop" in text
    assert "1m" in text
    if width >= 80:
        header = next(line for line in text.splitlines() if "broken sessions" in line)
        assert header.split()[:2] == ["preStop", "grace"]
    assert f"\n{as_markdown(blocks(swept(), metrics))}".count("\n| ") == 5


def test_the_first_sentence_names_the_best_point():
    """The point with the fewest broken sessions of those that are better, and how many keep the thresholds."""
    kept = small(thresholds__broken_sessions="< 40%")
    grid = {"deployment.preStop": ["0s", "25s", "30s"]}
    better = blocks(sweep(kept, grid, 4, 7, simulate=linear), ["broken_sessions"])[0]
    assert better.text == (
        "Of 3 points, preStop 30s breaks fewest: 35.3\u202f% of the exposed sessions, instead of 45.3\u202f% as it is."
        " 2 of them certainly keep all thresholds."
    )
    worse = blocks(swept({"deployment.preStop": ["0s"]}), ["broken_sessions"])[0]
    assert worse.text == (
        "The point is not certainly better than the scenario as it is, which breaks 45.3\u202f% of the exposed"
        " sessions."
    )


def test_settings_are_named_as_short_as_can_be():
    """The last word of a path, and more of it where two end alike."""
    assert names_of(["deployment.preStop", "kic.delays", "kubernetes.delays"]) == [
        "preStop",
        "kic.delays",
        "kubernetes.delays",
    ]
