"""Studies with an algorithm and with metrics of one's own."""

import pytest
from small_scenario import small

import simsticky as ss
from simsticky.errors import InputError
from simsticky.kong.balancer import Algorithm

LIGHT = {"run__start": "empty", "run__skewFloor": False, "traffic__sessions__rate": "0.5/s"}


class First(Algorithm):
    """Always the first target with weight, in list order."""

    def __init__(self, draw):
        self.usable = []

    def rebuild(self, targets, unavailable):
        self.usable = [target.address for target in targets if target.weight > 0]

    def pick(self, handle):
        return self.usable[0]


def busiest_share(result):
    """Share of the requests that the busiest pod answers."""
    counts = result.requests["pod"].value_counts()
    return counts.max() / counts.sum()


def test_replicate_takes_both():
    """Every replication runs with the algorithm; the metric stands beside the built-in ones, with an interval."""
    scenario = small([], run__until="1m", **LIGHT)
    own = ss.replicate(scenario, n=3, algorithm=First, metrics={"busiest": busiest_share})
    built_in = ss.replicate(scenario, n=3, metrics={"busiest": busiest_share})
    assert own.estimate("busiest").interval.estimate == 1.0
    assert 0.3 < built_in.estimate("busiest").interval.estimate < 0.6
    assert own.estimate("busiest").definition == "Share of the requests that the busiest pod answers."
    assert own.estimate("requests_sent").interval.estimate == built_in.estimate("requests_sent").interval.estimate


def test_it_is_the_same_with_workers():
    """Functions and classes of a module go to other processes, and the numbers are the same."""
    scenario = small([], run__until="1m", **LIGHT)
    here, there = (
        ss.replicate(scenario, n=4, jobs=jobs, algorithm=First, metrics={"busiest": busiest_share}) for jobs in (1, 2)
    )
    assert here.digests == there.digests
    assert here.summaries == there.summaries


def test_what_cannot_travel_is_told():
    """A lambda does not reach a worker process: one line says so, and what to do."""
    with pytest.raises(InputError, match="jobs=1"):
        ss.replicate(small([], run__until="1m", **LIGHT), n=4, jobs=2, metrics={"mine": lambda result: 1.0})


def test_sweep_and_compare_take_both():
    """A metric of one's own is a row of the sweep's frame and of the comparison's table."""
    scenario = small([], run__until="1m", **LIGHT)
    swept = ss.sweep(
        scenario, {"deployment.replicas": [2, 3]}, n=2, algorithm=First, metrics={"busiest": busiest_share}
    )
    rows = swept.frame[swept.frame["metric"] == "busiest"]
    assert rows["estimate"].tolist() == [1.0, 1.0]
    both = {"three": scenario, "two": scenario.evolve({"deployment.replicas": 2})}
    compared = ss.compare(both, n=2, metrics={"busiest": busiest_share})
    assert compared.contrasts("busiest")[0].difference.interval.estimate > 0


def test_a_name_that_is_taken_is_refused():
    """A metric of one's own cannot stand in for a built-in one unseen."""
    with pytest.raises(InputError, match="already"):
        ss.replicate(small(), n=1, metrics={"broken_sessions": busiest_share})


def test_a_metric_that_is_no_number_is_told():
    """It names the metric and what it gave."""
    with pytest.raises(InputError, match="'mine' gave 'many'"):
        ss.replicate(small([], run__until="1m", **LIGHT), n=1, metrics={"mine": lambda result: "many"})


def test_a_study_directory_knows_the_algorithm(tmp_path):
    """A directory of one algorithm is refused to another, whose numbers would be mixed in."""
    scenario = small([], run__until="1m", **LIGHT)
    ss.replicate(scenario, n=1, algorithm=First, directory=tmp_path)
    assert ss.replicate(scenario, n=1, algorithm=First, directory=tmp_path).n == 1
    with pytest.raises(InputError):
        ss.replicate(scenario, n=1, directory=tmp_path)
