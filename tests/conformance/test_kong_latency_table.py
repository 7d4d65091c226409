"""The latency algorithm against runs recorded from Kong's own Lua, with the order of ``pairs()`` as an input."""

from collections.abc import Sequence

import pytest
from kong_driver import AlgorithmReplay, Case

from simsticky.kong.algorithms.latency import Latency
from simsticky.kong.balancer import Algorithm


class LatencyReplay(AlgorithmReplay):
    """A run with the clock and the order of the moment."""

    events: list[Case]

    def begin(self, event: Case, later: list[Case]) -> None:
        self.events = [event, *later]

    @property
    def now_s(self) -> float:
        """The time of the event under way."""
        return float(self.events[0]["t"])

    def algorithm(self) -> Algorithm:
        return Latency(self, self.order)

    def order(self, addresses: Sequence[str]) -> Sequence[str]:
        """Return the next order recorded of these addresses: it holds as long as they are the same."""
        orders = [event["order"] for event in self.events if "order" in event]
        return next((order for order in orders if sorted(order) == sorted(addresses)), addresses)

    def shown_by(self, algorithm: Algorithm) -> Case:
        assert isinstance(algorithm, Latency)
        return {
            "address_count_after": algorithm.address_count,
            # approx compares both ways, so that what is shown may stand for what is expected.
            "ewma_after": pytest.approx(algorithm.ewma, rel=1e-12, abs=0),
            "last_touched_after": algorithm.last_touched,
            "order": list(algorithm.candidates),
        }

    def step(self, event: Case) -> Case:
        shown = super().step(event)
        if shown.get("returned_ewma") is not None:
            shown["returned_ewma"] = pytest.approx(shown["returned_ewma"], rel=1e-12, abs=0)
        return shown


@pytest.mark.table("kong", "latency", "cases")
def test_latency(case: Case) -> None:
    """Every pick, average and time stamp is Kong's, ties and weight 0 included (rule G12)."""
    LatencyReplay(case).replay()
