"""Times until something, of runs that end before it has come (rule M1)."""

import math

import pytest
from small_scenario import small

from simsticky.results.times import NOT_YET, times
from simsticky.simulate import simulate


@pytest.mark.parametrize("until_s", [31, 36, 45])
def test_a_rollout_that_is_cut_by_the_runs_end_has_not_come_there(until_s):
    """Left out, the slow ones would be missing, and the mean would be that of the fast ones."""
    summary = simulate(small(run__until=f"{until_s}s")).summary
    for name in ("rollout_done_s", "last_old_pod_gone_s"):
        assert (summary[name], summary[NOT_YET + name]) == (None, until_s - 30)


def test_what_has_come_or_was_not_begun_is_no_wait():
    """A run that shows the rollout's end has its time; one that ends before the rollout says nothing of it."""
    done = simulate(small()).summary
    assert done["rollout_done_s"] == 15
    assert not {NOT_YET + "rollout_done_s", NOT_YET + "last_old_pod_gone_s"} & set(done)
    before = simulate(small(run__until="25s")).summary
    assert before["rollout_done_s"] is None
    assert NOT_YET + "rollout_done_s" not in before


@pytest.mark.parametrize("operation", [{"readinessFlap": "app", "for": "5s"}, {"configPush": "all"}])
def test_what_is_over_by_itself_is_never_waited_for(operation):
    """A flap and a push have no rollout that could be done."""
    summary = simulate(small([{"at": "30s", **operation}], run__until="60s")).summary
    assert summary["rollout_done_s"] is None
    assert NOT_YET + "rollout_done_s" not in summary


def test_the_scales_of_an_autoscaler_are_no_rollout():
    """Scaled down by itself, slowly, it has an end of its own; "rollout done" is that of the operation asked for."""
    scaler = {"minReplicas": 1, "maxReplicas": 9, "targetUtilization": 90}
    scenario = small([{"at": "30s", "rollout": "app"}], autoscaler=scaler, run__until="8m", deployment__replicas=6)
    recording = simulate(scenario).recording
    rollout, *scales = recording.operations
    assert {record.kind for record in scales} == {"hpa"}
    for done_s in (math.nan, recording.end_s):
        scales[-1].done_s = done_s
        found = times(recording)
        assert found["rollout_done_s"] == rollout.done_s - rollout.start_s
        assert NOT_YET + "rollout_done_s" not in found
