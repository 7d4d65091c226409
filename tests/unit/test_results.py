"""``simulate`` and the result it returns."""

import json
import pickle
import subprocess
import sys

import pytest
from small_scenario import small

from simsticky.errors import InputError
from simsticky.simulate import simulate


@pytest.fixture(scope="module")
def result():
    return simulate(small())


def test_the_same_seed_gives_the_same_result(result):
    """A result can be had again from scenario, seed and replication, in this process and in another one."""
    again = simulate(small(), seed=3, replication=0)
    assert (again.digest, again.summary) == (result.digest, result.summary)
    code = "from small_scenario import small; from simsticky.simulate import simulate; print(simulate(small()).digest)"
    paths = [path for path in sys.path if path]
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}; {code}"]
    other = subprocess.run(command, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == result.digest


def test_other_seeds_and_replications_give_other_results(result):
    """Replications are independent of each other; equal digests would mean that one counts twice."""
    digests = {result.digest, simulate(small(), seed=4).digest, simulate(small(), replication=1).digest}
    assert len(digests) == 3


@pytest.mark.parametrize("level", ["summary", "sessions"])
def test_what_is_recorded_changes_no_number(result, level):
    """The record level trades memory for tables and nothing else."""
    less = simulate(small(run__record=level))
    assert (less.digest, less.summary, less.operation_rows) == (result.digest, result.summary, result.operation_rows)


def test_the_skew_floor_can_be_left_out():
    """Without the paired run the excess is missing, and every other number is the same."""
    without = simulate(small(run__skewFloor=False)).summary
    whole = simulate(small()).summary
    excess = [name for name in whole if name.startswith("load_skew_excess.")]
    assert all(without[name] is None for name in excess)
    assert any(whole[name] is not None for name in excess)
    assert {k: v for k, v in whole.items() if k not in excess} == {k: v for k, v in without.items() if k not in excess}


def test_without_an_operation_nothing_is_caused():
    """No operation, no caused break: the headline is missing, not zero percent."""
    summary = simulate(small(timeline=[], run__until="60s")).summary
    assert summary["broken_sessions"] is None
    assert summary["rollout_done_s"] is None
    assert (summary["breaks"], summary["exposed_sessions"]) == (0, 0)
    assert summary["load_skew.sessions.serving.max_to_mean"] >= 1.0


def test_negative_seeds_are_refused():
    """NumPy would say so in words about entropy."""
    with pytest.raises(ValueError, match="at least 0"):
        simulate(small(), seed=-1)


def test_tables_that_were_not_recorded_are_refused_with_the_way_to_get_them():
    """An empty table would be taken for a run without requests."""
    summary = simulate(small(run__record="summary"))
    for name in ("requests", "sessions", "load"):
        with pytest.raises(InputError, match=r"run\.record.*evolve"):
            getattr(summary, name)
    assert (len(summary.operations), len(summary.pods)) == (1, 6)


def test_a_result_travels_between_processes(result):
    """Workers send results back; tables are built again where they are wanted, from the same recording."""
    length = len(result.requests)
    text = pickle.dumps(result)
    copy = pickle.loads(text)
    assert (copy.digest, copy.summary, len(copy.requests)) == (result.digest, result.summary, length)
    assert b"pandas" not in text


def test_a_result_says_what_it_is_in_one_line(result):
    """In a notebook the repr is the first thing anybody sees."""
    assert "\n" not in repr(result)
    assert "small seed=3 replication=0" in repr(result)


def test_json_holds_everything_needed_to_run_it_again(result):
    """Provenance travels with the numbers, and the text is strict JSON."""
    whole = json.loads(json.dumps(result.to_json_dict(), allow_nan=False))
    assert whole["scenario"] == {"name": "small", "digest": small().digest()}
    assert (whole["seed"], whole["replication"], whole["digest"]) == (3, 0, result.digest)
    assert set(whole["libraries"]) == {"python", "numpy", "simpy"}
    assert whole["summary"] == result.summary
    assert whole["operations"][0]["label"] == "rollout app"


def test_a_cut_off_run_warns_about_censored_sessions():
    """A horizon that ends before the sessions do hides breaks; the warning says so, alike in every replication."""
    cut = simulate(small(run__horizon="38s"))
    again = simulate(small(run__horizon="38s"), replication=1)
    assert cut.summary["censored_sessions"] > 0.01
    (warning,) = [text for text in cut.warnings if "break" in text]
    assert warning in again.warnings
    assert not simulate(small()).warnings


def test_a_rollout_that_never_gets_ready_is_called_stuck():
    """A rollout without an end is a finding, not a missing number."""
    never = {"at": "30s", "rollout": "app", "neverReady": True}
    stuck = simulate(small([never], deployment__progressDeadlineSeconds=60, kubernetes__apiWrite="10ms"))
    assert stuck.summary["operations_stuck"] == 1
    assert stuck.summary["rollout_done_s"] is None
    assert "rollout app is stuck: no progress within progressDeadlineSeconds" in stuck.warnings


def test_diagnostics_are_no_part_of_the_summary(result):
    """Kernel events change with every speed-up; they must not make a result look changed."""
    assert result.diagnostics["kernel_events"] > 0
    assert not set(result.diagnostics) & set(result.summary)
