"""What a worker has loaded, before and after its first replication; workers import this module."""

import multiprocessing
import sys

from simsticky.study.chunks import Chunk, Post, run_sent
from simsticky.study.runner import Case, simulate_numbers

OURS = ("simsticky", "numpy", "scipy", "pandas", "pydantic", "simpy", "xxhash")

if multiprocessing.parent_process() is None:
    from small_scenario import small

    MESSAGE = Post(simulate_numbers, "interpreted").message(Chunk(Case(small(), 7, range(1)), (0,)))


def loaded():
    """The modules of this process that are ours, or large."""
    return {name for name in sys.modules if name.partition(".")[0] in OURS}


def first_replication(message):
    """Simulate a replication as a study does; the modules after it."""
    run_sent(message)
    return loaded()
