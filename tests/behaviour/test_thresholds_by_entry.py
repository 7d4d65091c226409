"""Nothing else on the timeline thins out what one operation does to its sessions: the verdict stays what it was."""

from typing import Any

import pytest

import simsticky as ss
from simsticky.study.replicate import Study
from simsticky.study.thresholds import Verdict
from simsticky.study.verdicts import Mark
from tests.small_scenario import small

ROLLOUT = {"at": "1m", "rollout": "app"}
HARMLESS: dict[str, dict[str, Any]] = {
    "a push that changes nothing": {"at": "5m", "configPush": "all"},
    "a scale to the number that is there": {"at": "5m", "scale": "app", "replicas": 3},
    "a pod more": {"at": "5m", "scale": "app", "replicas": 4},
}


def studied(*timeline: dict[str, Any], **changes: Any) -> Study:
    """Twelve replications of a small scenario, whose drain windows are as long as its sessions."""
    limits = {"broken_sessions": "< 40%", "broken_of_alive": "< 40%"}
    of = small(list(timeline), run__record="summary", run__until="8m", **changes)
    return ss.replicate(of.evolve({"thresholds": limits}), 12)


def verdicts(study: Study) -> dict[str, Verdict]:
    """The verdicts by metric."""
    return {found.metric: found for found in study.verdicts()}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("second", HARMLESS.values(), ids=list(HARMLESS))
def test_a_harmless_second_operation_changes_no_verdict(second: dict[str, Any]) -> None:
    """Alone the rollout misses the threshold; so it does with what exposes nobody behind it, with the same figures."""
    alone, both = verdicts(studied(ROLLOUT)), verdicts(studied(ROLLOUT, second))
    for metric, found in alone.items():
        assert found.mark is Mark.FAIL
        assert both[metric].mark is Mark.FAIL
        first, other = both[metric].entries
        assert first.interval.estimate == found.interval.estimate
        assert (other.exposed, other.mark) == (0, None)


def test_without_stickiness_no_threshold_is_met() -> None:
    """Round robin binds nobody: there is no share, and none that a threshold could be met by (rule B15)."""
    changes = {"upstream__algorithm": "round-robin", "upstream__stickySessions": None}
    for found in studied(ROLLOUT, **changes).verdicts():
        assert found.mark is Mark.FAIL
        assert "not sticky" in found.reason
        assert found.interval.estimate is None


def test_state_outside_the_pods_cannot_be_lost() -> None:
    """Nobody loses anything, whatever the gateway does: 0, and the threshold is met."""
    for found in studied(ROLLOUT, app__state="external").verdicts():
        assert (found.mark, found.interval.estimate) == (Mark.PASS, 0.0)


def test_without_operations_nothing_is_certain() -> None:
    """Nobody was exposed: that is no share of 0."""
    for found in studied().verdicts():
        assert found.mark is Mark.OPEN
        assert found.reason
