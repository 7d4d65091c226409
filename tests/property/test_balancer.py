"""The balancer against a slow, obvious model, through any sequence of pushes, verdicts, picks and retries."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simsticky.kong.algorithms.round_robin import Draw, RoundRobin
from simsticky.kong.algorithms.sticky_sessions import StickyOptions, StickySessions
from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target

ADDRESSES = [f"10.0.0.{i}:80" for i in range(1, 7)]
OPTIONS = st.builds(
    StickyOptions,
    new_pick=st.sampled_from(["round_robin", "random", "least_connections"]),
    on_unhealthy=st.sampled_from(["rebind", "follow"]),
    on_weight_zero=st.sampled_from(["follow", "follow", "rebind"]),
    when_total_weight_zero=st.sampled_from(["503", "serve_bound"]),
    retry=st.sampled_from(["next_by_new_pick", "same_target"]),
)
TARGETS = st.lists(
    st.builds(Target, st.sampled_from(ADDRESSES), st.sampled_from([0, 0, 1, 2, 3, 100, 100])),
    max_size=5,
    unique_by=lambda target: target.address,
)
THRESHOLDS = st.sampled_from([0, 0, 0, 50, 55, 100])
COMPARISONS: st.SearchStrategy[Literal["gt", "ge"]] = st.sampled_from(["gt", "gt", "ge"])


class ModelWheel:
    """Kong's wheel, told step by step with 1-based positions and nothing precomputed."""

    def __init__(self, luck: Random) -> None:
        self.luck = luck
        self.slots: dict[int, str] = {}
        self.pointer = 1

    def build(self, targets: list[Target]) -> None:
        """Fill the slots by the largest number that divides every weight, then shuffle them."""
        weights = [target.weight for target in targets]
        if sum(weights) == 0:
            return
        divisor = max(d for d in range(1, max(weights) + 1) if all(w % d == 0 for w in weights))
        self.slots = {}
        for target in targets:
            for _ in range(target.weight // divisor):
                self.slots[len(self.slots) + 1] = target.address
        for i in range(len(self.slots), 1, -1):
            j = self.luck.randint(1, i)
            self.slots[i], self.slots[j] = self.slots[j], self.slots[i]

    def next(self, allowed: set[str]) -> str | None:
        """Advance, look, and go on until an allowed address is met or the start is reached again."""
        start = self.pointer
        while True:
            self.pointer = self.pointer + 1 if self.pointer < len(self.slots) else 1
            if self.slots.get(self.pointer) in allowed:
                return self.slots[self.pointer]
            if self.pointer == start:
                return None


class BalancerMachine(RuleBasedStateMachine):
    """Round-robin and sticky sessions over the same targets, each beside its model."""

    @initialize(
        listed=TARGETS, options=OPTIONS, threshold=THRESHOLDS, comparison=COMPARISONS, seed=st.integers(0, 2**32)
    )
    def start(
        self,
        listed: list[Target],
        options: StickyOptions,
        threshold: int,
        comparison: Literal["gt", "ge"],
        seed: int,
    ) -> None:
        """Begin with a first push."""
        self.options, self.threshold, self.comparison, self.seed = options, threshold, comparison, seed
        self.in_flight = dict.fromkeys(ADDRESSES, 0)
        self.handle: Handle | None = None
        self.push(listed)

    @rule(listed=TARGETS)
    def push(self, listed: list[Target]) -> None:
        """A push recreates everything: pointer 1, a new shuffle, all available."""
        self.seed += 1
        self.targets, self.unavailable, self.handle = listed, set[str](), None
        self.plain_wheel, self.sticky_wheel = ModelWheel(Random(self.seed)), ModelWheel(Random(-self.seed))
        self.plain_algorithm = RoundRobin(self._draws(self.seed))
        self.plain = Balancer(listed, self.plain_algorithm, self.threshold, self.comparison)
        self.sticky = Balancer(
            listed,
            StickySessions(self.options, draw=self._draws(-self.seed), in_flight=self.in_flight.__getitem__),
            self.threshold,
            self.comparison,
        )
        self._build_models()

    @staticmethod
    def _draws(seed: int) -> Draw:
        luck = Random(seed)
        return lambda i: luck.randint(1, i)

    def _build_models(self) -> None:
        self.plain_wheel.build(self.targets)
        self.sticky_wheel.build(self.targets)

    # What is so, said plainly -----------------------------------------------------------------------------

    def _gate_open(self) -> bool:
        total = sum(t.weight for t in self.targets)
        available = sum(t.weight for t in self.targets if t.address not in self.unavailable)
        if self.comparison == "ge" and available:
            return available / total * 100 >= self.threshold
        return total > 0 and available / total * 100 > self.threshold

    def _takers(self) -> list[Target]:
        return [t for t in self.targets if t.weight > 0 and t.address not in self.unavailable]

    def _followable(self) -> list[str]:
        serves = self._gate_open() or (
            sum(t.weight for t in self.targets) == 0 and self.options.when_total_weight_zero == "serve_bound"
        )
        follows = self.options.on_unhealthy == "follow"
        drains = self.options.on_weight_zero == "follow"
        return [
            t.address
            for t in self.targets
            if serves and (follows or t.address not in self.unavailable) and (drains or t.weight)
        ]

    def _new_pick(self, u: float, exclude: set[str]) -> str | None:
        takers = self._takers()
        takers = [t for t in takers if t.address not in exclude] or takers
        if not takers:
            return None
        if self.options.new_pick == "round_robin":
            return self.sticky_wheel.next({t.address for t in takers})
        if self.options.new_pick == "random":
            return [t.address for t in takers for _ in range(t.weight)][int(u * sum(t.weight for t in takers))]
        return min(takers, key=lambda t: (self.in_flight[t.address] + 1) / t.weight).address

    @staticmethod
    def _outcome(pick: Callable[[], str]) -> str | None:
        try:
            return pick()
        except NoPeerError:
            return None

    # What happens -----------------------------------------------------------------------------------------

    @rule(address=st.sampled_from(ADDRESSES), available=st.booleans())
    def verdict(self, address: str, available: bool) -> None:
        """A health verdict changes what it must, and nothing when it is in force already."""
        if address not in {t.address for t in self.targets}:
            return
        changes = available is (address in self.unavailable)
        assert self.plain.set_address_status(address, available) is changes
        assert self.sticky.set_address_status(address, available) is changes
        if changes:
            self.unavailable ^= {address}
            self._build_models()

    @rule()
    def pick(self) -> None:
        """A round-robin pick is the model's, and available whenever anybody is."""
        peer = self._outcome(self.plain.next_peer)
        available = {t.address for t in self._takers()}
        assert peer == (self.plain_wheel.next(available) if self._gate_open() else None)
        assert (peer in available) is self._gate_open()

    @rule(tries=st.integers(1, 7))
    def retry(self, tries: int) -> None:
        """A retry of round-robin is simply the next pick, the failures of the request forgotten."""
        handle = Handle()
        for _ in range(tries):
            peer = self._outcome(lambda: self.plain.get_peer(handle))
            allowed = {t.address for t in self._takers()}
            assert peer == (self.plain_wheel.next(allowed) if self._gate_open() else None)

    @rule()
    def whole_turn(self) -> None:
        """Over a whole turn each available target gets exactly its share of the wheel."""
        if not self._gate_open():
            return
        size, total = len(self.plain_algorithm.wheel), sum(t.weight for t in self.targets)
        share = {t.address: t.weight * size // total for t in self._takers()}
        picks = Counter[str]()
        for _ in range(sum(share.values())):
            peer = self.plain.next_peer()
            assert peer == self.plain_wheel.next(set(share))
            picks[peer] += 1
        assert picks == share

    @rule(u=st.floats(0, 1, exclude_max=True), exclude=st.sets(st.sampled_from(ADDRESSES)))
    def new_session(self, u: float, exclude: set[str]) -> None:
        """A new session gets the model's pick: never weight 0, never an unavailable target."""
        peer = self._outcome(lambda: self.sticky.new_pick(u, exclude))
        assert peer == (self._new_pick(u, exclude) if self._gate_open() else None)
        if peer is not None:
            assert peer in {t.address for t in self._takers()}
            self.in_flight[peer] += 1

    @rule(cookie=st.sampled_from([*ADDRESSES, "forged"]), u=st.floats(0, 1, exclude_max=True))
    def bound_session(self, cookie: str, u: float) -> None:
        """A followable cookie is followed; any other gets a new pick, if the gate is open."""
        handle = self.handle = Handle(key=cookie, u=u)
        peer = self._outcome(lambda: self.sticky.get_peer(handle))
        if cookie in self._followable():
            assert peer == cookie
        else:
            assert peer == (self._new_pick(u, set()) if self._gate_open() else None)

    @rule()
    def bound_session_retries(self) -> None:
        """A retry goes back to the bound target or anew past the failures, as the option says."""
        handle = self.handle
        if handle is None or handle.address is None:
            return
        failed = {*handle.failed, handle.address}
        peer = self._outcome(lambda: self.sticky.get_peer(handle))
        followed = handle.key in self._followable()
        if followed and self.options.retry == "same_target":
            assert peer == handle.key
        elif followed or self._gate_open():
            assert peer == self._new_pick(handle.u, failed)
        else:
            assert peer is None

    # What is always so ------------------------------------------------------------------------------------

    @invariant()
    def totals_gate_and_pointer(self) -> None:
        """Totals, gate, followable cookies and pointer are the model's at all times."""
        for balancer in (self.plain, self.sticky):
            assert balancer.total_weight == sum(t.weight for t in self.targets)
            lost = sum(t.weight for t in self.targets if t.address in self.unavailable)
            assert balancer.unavailable_weight == lost
            assert balancer.healthy is self._gate_open()
        assert list(self.sticky.followable()) == self._followable()
        assert not self.plain.followable()
        assert list(self.plain_algorithm.wheel) == list(self.plain_wheel.slots.values())
        if not self.plain_wheel.slots or self._gate_open():
            assert self.plain_algorithm.pointer == self.plain_wheel.pointer


TestBalancer = BalancerMachine.TestCase
TestBalancer.__doc__ = "Protects the balancer's rules against any sequence of what can happen to it."
TestBalancer.settings = settings(stateful_step_count=30, deadline=None)
