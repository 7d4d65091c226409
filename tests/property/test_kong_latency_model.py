"""Latency against a model that keeps every response, through any sequence of responses, verdicts and pushes."""

from math import exp, inf, nan

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from kong_gate import ADDRESSES, MANY_STEPS, SOME_ADDRESS, TARGETS, Gate

from simsticky.kong.algorithms.latency import Latency
from simsticky.kong.balancer import Balancer, Handle
from simsticky.kong.upstream import Target


class LatencyMachine(Gate):
    """Latency beside a model that keeps every response and averages them all anew at each look."""

    @initialize(listed=TARGETS, order=st.permutations(ADDRESSES))
    def start(self, listed: list[Target], order: list[str]) -> None:
        """Begin with a first push at time 0."""
        self.now_s = 0.0
        self.push(listed, order)

    @rule(listed=TARGETS, order=st.permutations(ADDRESSES))
    def push(self, listed: list[Target], order: list[str]) -> None:
        """A push forgets all responses, and the order of the candidates is another."""
        self.targets, self.unavailable, self.order, self.count = listed, set(), order, len(listed)
        # For each address its history: (when, seconds); the first entry is where it starts.
        self.history: dict[str, list[tuple[float, float]]] = {t.address: [(self.now_s, 0.0)] for t in listed}
        self.algorithm = Latency(self, lambda addresses: sorted(addresses, key=order.index))
        self.balancer = Balancer(listed, self.algorithm)

    def average(self, address: str) -> float:
        """Return the average of a whole history."""
        (last, average), *responses = self.history[address]
        for when, rtt_s in responses:
            kept = exp(-(when - last) / 10)
            average, last = average * kept + rtt_s * (1 - kept), when
        return average

    @rule(step_s=st.sampled_from([0.001, 0.1, 1.0, 10.0, 100.0, 20_000.0]))
    def wait(self, step_s: float) -> None:
        """Time passes."""
        self.now_s += step_s

    @rule(address=SOME_ADDRESS, rtt_s=st.floats(0, 5))
    def response(self, address: str, rtt_s: float) -> None:
        """A response enters the average of its target, unless the gate is closed.

        That of a target found unhealthy meanwhile begins a history, which the next verdict ends.
        """
        if address not in {target.address for target in self.targets}:
            return
        held = self.balancer.feedback(address, rtt_s)
        assert (held is not None) is self.gate_open()
        if not self.gate_open():
            return
        if address in self.history:
            self.history[address].append((self.now_s, rtt_s))
        else:
            self.history[address] = [(self.now_s, rtt_s)]
        assert held == self.average(address)

    @rule(address=SOME_ADDRESS)
    def verdict(self, address: str) -> None:
        """What is unavailable is forgotten; a recovered target begins with the average over all."""
        if not self.flip(address):
            return
        self.history = {a: history for a, history in self.history.items() if a not in self.unavailable}
        available = [target.address for target in self.targets if target.address not in self.unavailable]
        if available:
            total_s = sum(self.average(a) for a in available if a in self.history)
            self.count = len(available)
            if address in available and address not in self.history:
                self.history[address] = [(self.now_s, total_s / len(available))]

    @rule(tries=st.integers(1, 4))
    def pick(self, tries: int) -> None:
        """The first of the strictly lowest scores wins, among those not yet failed; with NaN as Lua compares it."""
        handle, failed = Handle(), list[str]()
        for _ in range(tries):
            candidates = [a for a in self.order if a in self.history and (self.count <= 1 or a not in failed)]
            peer = self.outcome(handle)
            if not self.gate_open() or not candidates:
                assert peer is None
                return
            best, lowest = candidates[0], self.score(candidates[0])
            for candidate in candidates if self.count > 1 else ():
                if self.score(candidate) < lowest:
                    best, lowest = candidate, self.score(candidate)
            if not self.may_take(best):
                assert peer is None
                return
            assert peer == best
            failed.append(peer)

    def score(self, address: str) -> float:
        """Return the score of a candidate: Lua makes 0 / 0 NaN, and infinite what else is divided by 0."""
        age_s = self.now_s - self.history[address][-1][0]
        average = self.average(address) * exp(-age_s / 10)
        if self.weight(address):
            return average / self.weight(address)
        return inf if average else nan

    @invariant()
    def averages(self) -> None:
        """The averages are the model's to the last digit, and there is one for each available target."""
        assert self.algorithm.ewma == {address: self.average(address) for address in self.history}
        assert self.algorithm.address_count == self.count
        assert list(self.algorithm.candidates) == [address for address in self.order if address in self.history]


TestLatency = LatencyMachine.TestCase
TestLatency.__doc__ = "Protects the averages and the picks against any sequence of responses, verdicts and pushes."
TestLatency.settings = MANY_STEPS
