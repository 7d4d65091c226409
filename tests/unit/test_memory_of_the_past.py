"""What a replication that is over still holds while Python's collector waits: a simulation is a ring of objects."""

import gc
import tracemalloc

import pytest
from small_scenario import small

import simsticky as ss
from simsticky.sim.plane import engine

MOST_BYTES = {"interpreted": 2_000_000, "compiled": 4_000_000}
"""Of a replication: a few thousand small objects, and the queues of compiled code. Its tables alone were 10 MB."""


@pytest.mark.parametrize("name", MOST_BYTES)
def test_a_replication_that_nobody_wants_holds_little(name: str) -> None:
    """A loop over a thousand seeds in a notebook stays small, however seldom the collector looks at what is old."""
    if name == "compiled" and not engine.is_installed():
        pytest.skip("Numba is not installed: there is one engine only")
    ss.simulate(small(), 0, engine=name)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for seed in range(3):
            ss.simulate(small(), seed, engine=name)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert held / 3 < MOST_BYTES[name]
