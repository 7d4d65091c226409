"""What the state machines of Kong's balancers and health checker share."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target

ADDRESSES = [f"10.0.0.{i}:80" for i in range(1, 8)]
TARGETS = st.lists(
    st.builds(Target, st.sampled_from(ADDRESSES), st.sampled_from([0, 1, 2, 3, 100, 100])),
    max_size=6,
    unique_by=lambda target: target.address,
)
SOME_ADDRESS = st.sampled_from(ADDRESSES)
MANY_STEPS = settings(stateful_step_count=40, deadline=None)


class Gate(RuleBasedStateMachine):
    """What all balancers share: targets, verdicts and the health gate, said plainly."""

    targets: list[Target]
    unavailable: set[str]
    balancer: Balancer

    def gate_open(self) -> bool:
        """Return whether any weight is available."""
        return any(self.may_take(target.address) and target.weight for target in self.targets)

    def may_take(self, address: str) -> bool:
        """Return whether an address is listed and available."""
        return address in {target.address for target in self.targets} - self.unavailable

    def weight(self, address: str) -> int:
        """Return the weight of a listed address."""
        return next(target.weight for target in self.targets if target.address == address)

    def flip(self, address: str) -> bool:
        """Turn the health of a listed address; return whether it is listed."""
        if address not in {target.address for target in self.targets}:
            return False
        self.unavailable ^= {address}
        assert self.balancer.set_address_status(address, address not in self.unavailable)
        return True

    def outcome(self, handle: Handle, balancer: Balancer | None = None) -> str | None:
        """Return the pick for a handle, by today's balancer unless told; None for a refusal."""
        try:
            return (balancer or self.balancer).get_peer(handle)
        except NoPeerError:
            return None
