"""Thousands of spoilt inputs, each with a fixed seed: a scenario or a list of places, quickly, and never anything else.

What was ever found lies in ``corpus`` and is tried first: a folder a fault, with its ``s.yaml``.
"""

import resource
import shutil
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from hostile import unfit
from mutations import MANIFESTS, spoilt

from simsticky.errors import InputError
from simsticky.scenario.reading.load import load
from simsticky.simulate import simulate
from simsticky.workload.effort import effort_of, refuse_too_much

CORPUS = sorted(path for path in (Path(__file__).parent / "corpus").iterdir() if path.is_dir())

MOST_LOOPS = 25
"""CPU that an input may take, in calibration loops; on the machine of the first runs that is 2 s."""

MOST_MEMORY_KB = 500_000
MOST_HORIZON_S = 1200.0

QUICK, SLOW = range(300), range(300, 3300)
ACCEPTED = range(10_000, 30_000)
"""About one input in 25 is accepted after all; 300 of them are simulated."""


@pytest.fixture(scope="module")
def loop_s():
    """CPU seconds of a loop of Python, in this process and now."""

    def once():
        start = time.process_time()
        total = 0
        for number in range(1_000_000):
            total += number & 3
        return time.process_time() - start

    return min(once() for _ in range(3))


class TooSlowError(BaseException):
    """An input took more than its CPU."""


@contextmanager
def limited(seconds):
    """Raise ``TooSlowError`` after so much CPU."""

    def stop(number, frame):
        raise TooSlowError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.fixture
def folder(tmp_path):
    """A folder with the shipped manifests, as the scenarios name them."""
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    return tmp_path


def peak_kb():
    """The largest memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def read(place, seconds):
    """Return the scenario at a place, or None where it is refused as bad input should be."""
    before = peak_kb()
    try:
        with limited(seconds):
            return load(place)
    except InputError as error:
        lines = [str(diagnostic) for diagnostic in error.diagnostics[:3]]
        assert not (why := unfit("\n".join(lines)[:1000])), f"{why}: {lines}"
        return None
    except TooSlowError:
        pytest.fail("takes too much CPU")
    finally:
        assert peak_kb() - before < MOST_MEMORY_KB


def tried(numbers, folder, loop_s):
    """Read the cases of these numbers; return the accepted ones by number, told all that went wrong at once."""
    accepted, wrong = {}, []
    for number in numbers:
        for name, content in spoilt(number).files.items():
            (folder / name).write_bytes(content)
        try:
            scenario = read(folder / "s.yaml", MOST_LOOPS * loop_s)
        except (Exception, pytest.fail.Exception) as error:
            wrong.append(f"case {number}: {type(error).__name__}: {str(error)[:300]}")
        else:
            if scenario is not None:
                accepted[number] = scenario
    assert not wrong, "\n".join(wrong)
    return accepted


def simulated(accepted, most, loop_s):
    """Simulate accepted cases that are small, with the invariants checked; return how many."""
    done, wrong = 0, []
    for number, scenario in accepted.items():
        if done == most:
            break
        try:
            # One whose pods cannot keep up goes on to its horizon, which the estimate does not know.
            horizon = min(scenario.run.horizon, MOST_HORIZON_S)
            small = scenario.evolve(
                {"run.replications": 1, "run.record": "sessions", "run.skewFloor": False, "run.horizon": horizon}
            )
            effort = effort_of(small)
            refuse_too_much(small, effort)
            if effort.seconds > 0.5 or effort.bytes > 5e8:
                continue
            with limited(40 * MOST_LOOPS * loop_s):
                simulate(small, verify=True)
            done += 1
        except InputError:
            continue
        except (Exception, TooSlowError) as error:
            wrong.append(f"case {number}: {type(error).__name__}: {str(error)[:300]}")
    assert not wrong, "\n".join(wrong)
    return done


@pytest.mark.parametrize("case", CORPUS, ids=lambda path: path.name)
def test_every_fault_ever_found(case, folder, loop_s):
    """Each is refused, or read, in the way that all are."""
    shutil.copytree(case, folder, dirs_exist_ok=True, symlinks=True)
    read(folder / "s.yaml", MOST_LOOPS * loop_s)


def test_a_long_scenario_on_its_base_takes_little_cpu(folder, loop_s):
    """The places of what both say are not compared one by one: 1,500 operations took 89 loops, and take 8."""
    top = "schema: simsticky/1\nbase: below.yaml\n"
    below = top.replace("base: below.yaml", "traffic: {sessions: {kind: poisson, rate: 4/s}, think: 6s}")
    operations = "".join(f"- {{at: {second}s, rollout: shop}}\n" for second in range(1500))
    (folder / "below.yaml").write_text(below + "deployment: {name: shop, replicas: 3}\n")
    (folder / "s.yaml").write_text(f"{top}timeline:\n{operations}")
    scenario = read(folder / "s.yaml", MOST_LOOPS * loop_s)
    assert scenario.came_from("timeline.1499") == "s.yaml:1503"


def test_three_hundred_spoilt_inputs(folder, loop_s):
    """No foreign exception, no advice for programmers, little CPU and memory; some are accepted, and run."""
    accepted = tried(QUICK, folder, loop_s)
    assert simulated(accepted, 5, loop_s) == 5


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_three_thousand_spoilt_inputs(folder, loop_s, part):
    """The same ten times over."""
    tried(SLOW[part * 300 : (part + 1) * 300], folder, loop_s)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_three_hundred_accepted_inputs_are_simulated(folder, loop_s, part):
    """No exception and no broken invariant in thirty a part."""
    done, numbers = 0, ACCEPTED[part::10]
    for first in range(0, len(numbers), 100):
        done += simulated(tried(numbers[first : first + 100], folder, loop_s), 30 - done, loop_s)
        if done == 30:
            return
    pytest.fail(f"only {done} of {len(numbers)} were accepted and small")
