"""The autoscaler on the model's own load: when it sees, what it does, and whom its changes break."""

from pathlib import Path
from typing import Any

import pytest
from stories import Story, merged, tell

_BUSY = {
    "autoscaler": {"minReplicas": 2, "maxReplicas": 8, "targetUtilization": 50},
    "deployment": {"replicas": 2, "preStop": "10s"},
    "app": {"concurrency": 2, "onSigterm": "finishInFlight"},
    "run": {"until": "30m", "settle": "0s"},
}


def _busy(from_s: float, to_s: float, clients: int) -> list[list[float]]:
    """Clients that each send a request of 10 s every 10 s: each keeps one slot busy."""
    return [[from_s + i / 8 + 10.0 * k for k in range(int((to_s - from_s) / 10))] for i in range(clients)]


def _scales(story: Story) -> list[tuple[float, str]]:
    return [(event.at_s, event.detail.partition(":")[0]) for event in story.events if event.kind == "hpa"]


def test_load_scales_up_and_its_end_scales_down_after_five_minutes(tmp_path: Path) -> None:
    """With 3 of 4 slots busy a target of 50 % wants 3 pods, and it goes down only when 300 s agree (rule A1)."""
    story = tell(tmp_path, _busy(600.0, 900.0, 3), _BUSY, service_s=10.0)
    (up_s, up), (down_s, down) = _scales(story)
    assert (up, down) == ("hpa scale 2 to 3", "hpa scale 3 to 2")
    # At most a scrape and a sync, 15 s each, and the sample's own window of 15 s.
    assert 600.0 < up_s <= 645.0
    assert 1200.0 <= down_s <= 1245.0
    assert len(story.left) == 2


def test_scale_down_of_the_autoscaler_is_the_cause_of_what_it_breaks(tmp_path: Path) -> None:
    """A scale of the autoscaler is an operation, with the sessions it exposed and broke (rule A5)."""
    idle = [[700.0 + i, *(720.0 + i / 8 + 60.0 * k for k in range(15))] for i in range(12)]
    story = tell(tmp_path, _busy(600.0, 900.0, 3) + idle, _BUSY, service_s=10.0)
    operations = list(story.result.operations.itertuples(index=False))
    assert [operation.kind for operation in operations] == ["hpa"] * len(operations)
    last = operations[-1]
    before, after = last.label.split()[2::2]
    assert int(after) < int(before)
    assert last.exposed > 0
    assert last.broken == last.breaks > 0
    assert story.summary["breaks"] == sum(operation.breaks for operation in operations)


def test_metric_delay_delays_the_reaction(tmp_path: Path) -> None:
    """What is scraped is read so much later (rule A2)."""
    at_once = tell(tmp_path, _busy(600.0, 900.0, 3), _BUSY, service_s=10.0)
    late = tell(tmp_path, _busy(600.0, 900.0, 3), _BUSY, {"autoscaler": {"metricDelay": "60s"}}, service_s=10.0)
    assert _scales(late)[0][0] - _scales(at_once)[0][0] == 60.0


def test_a_pod_requests_a_share_of_its_slots(tmp_path: Path) -> None:
    """Of half as much asked for, the same load is twice the utilisation (rule A3)."""
    load = _busy(600.0, 900.0, 4)
    half, fully, halved = (
        tell(
            tmp_path, load, _BUSY, {"autoscaler": {"targetUtilization": target, "requestShare": share}}, service_s=10.0
        )
        for target, share in ((50, 1.0), (100, 1.0), (100, 0.5))
    )
    assert _scales(fully) == []
    assert _scales(halved) == _scales(half) != []


@pytest.mark.parametrize("slow", ["metricResolution", "syncPeriod"])
def test_scrapes_and_syncs_begin_anywhere(tmp_path: Path, slow: str) -> None:
    """Where only one of them takes 15 s, the first scale is spread by that one (rule A4)."""
    paces = {"autoscaler": {"metricResolution": "1s", "syncPeriod": "1s", slow: "15s"}, "run": {"until": "11m"}}
    load = _busy(600.0, 630.0, 4)
    stories = [tell(tmp_path, load, _BUSY, paces, service_s=10.0, seed=seed) for seed in range(1, 7)]
    first = [_scales(story)[0][0] for story in stories]
    assert 600.0 < min(first) < max(first) - 3.0
    assert max(first) <= 632.0


def test_a_run_starts_within_the_bounds_and_says_so(tmp_path: Path) -> None:
    """A running system has its autoscaler's minReplicas, so that no scale is needed (rule A6)."""
    story = tell(tmp_path, [[1.0, 100.0]], _BUSY, {"deployment": {"replicas": 1}})
    assert _scales(story) == []
    assert len(story.left) == 2
    above = tell(tmp_path, [[1.0, 100.0]], _BUSY, {"deployment": {"replicas": 9}, "run": {"until": "1m"}})
    assert (len(above.left), _scales(above)) == (8, [])
    said = "deployment.replicas: 9 is outside the autoscaler's 2 to 8: the run starts with 8"
    assert said in above.result.warnings


def test_no_replicas_turn_the_autoscaler_off(tmp_path: Path) -> None:
    """An autoscaler with minReplicas above 0 leaves it alone, and says so."""
    story = tell(tmp_path, [[1.0]], _BUSY, {"deployment": {"replicas": 0}})
    assert (_scales(story), story.left) == ([], [])
    assert any("0 turns the autoscaler off" in text for text in story.result.warnings)
    later = tell(tmp_path, _busy(300.0, 500.0, 4), _BUSY, {"timeline": [{"at": "1m", "scale": "app", "replicas": 0}]})
    assert (_scales(later), later.left) == ([], [])


def test_behavior_policies_limit_the_pace(tmp_path: Path) -> None:
    """A behavior of one pod a minute up, and of none down, is kept."""
    behavior: dict[str, Any] = {
        "scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]},
        "scaleDown": {"selectPolicy": "Disabled"},
    }
    story = tell(
        tmp_path, _busy(600.0, 900.0, 4), merged(_BUSY, {"autoscaler": {"behavior": behavior}}), service_s=10.0
    )
    times = [at_s for at_s, _ in _scales(story)]
    assert [label for _, label in _scales(story)] == ["hpa scale 2 to 3", "hpa scale 3 to 4"]
    assert times[1] - times[0] >= 60.0
    assert len(story.left) == 4
