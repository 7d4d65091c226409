"""Target tables: each one that is pushed is the translation of a state that the pods really had (rules E and I)."""

from collections.abc import Iterator, Mapping

from simsticky.audit.evidence import INFINITY, Evidence, is_of
from simsticky.errors import InvariantError
from simsticky.kic.translator import Endpoint, translate
from simsticky.kubernetes.endpointslice import conditions, should_be_in_slice
from simsticky.recording.pods import PodState

_Table = Mapping[str, int]


class _PodsAsTheyWere:
    """One moment in the life of a Service's pods, and the table that it translates to.

    With a canary, weights depend on the route as well: there only who is listed counts, each Service by itself.

    Attributes:
        at_s: Since when that is the state.
    """

    def __init__(self, evidence: Evidence, workload: str, *, switches: bool, by_membership: bool) -> None:
        scenario = evidence.scenario
        self._states, self._pods = evidence.recording.pod_states, evidence.recording.pods
        self._selections = evidence.recording.selections if switches else []
        self._drain_support = scenario.kic.enable_drain_support
        self._publish_not_ready = scenario.service.publish_not_ready_addresses
        self._selected = workload
        self._by_membership = by_membership
        self._weight: dict[int, int] = {}
        self._next = self._next_selection = 0
        self._wanted: _Table = {}
        self._differs: set[str] = set()
        self.at_s = -INFINITY

    def reach(self, table: _Table) -> bool:
        """Go on to the first moment, from the present one on, whose translation is a table; False if there is none."""
        self._wanted = dict.fromkeys(table, 0) if self._by_membership else table
        self._compare_all()
        while self._differs:
            if not self._step():
                return False
        return True

    def _step(self) -> bool:
        """Go on by one change."""
        for selection in self._selections[self._next_selection : self._next_selection + 1]:
            if selection.after == self._next:
                self._next_selection += 1
                self.at_s, self._selected = selection.at_s, selection.workload
                self._compare_all()
                return True
        if self._next == len(self._states):
            return False
        state = self._states[self._next]
        self._next += 1
        self.at_s = state.at_s
        weight = self._translated(state)
        if weight is None:
            self._weight.pop(state.pod, None)
        else:
            self._weight[state.pod] = weight
        if is_of(self._pods[state.pod], self._selected):
            self._compare(self._pods[state.pod].address, weight)
        return True

    def _translated(self, state: PodState) -> int | None:
        """Return the weight of a pod in this state, None if it is no target."""
        running = state.phase == "Running"
        if state.gone or not should_be_in_slice(state.phase, has_ip=running, has_deletion_timestamp=state.deleted):
            return None
        told = conditions(
            ready_condition=state.ready,
            has_deletion_timestamp=state.deleted,
            publish_not_ready_addresses=self._publish_not_ready,
        )
        endpoint = Endpoint(self._pods[state.pod].address, told.ready, told.terminating)
        targets = translate([endpoint], self._drain_support)
        if not targets:
            return None
        return 0 if self._by_membership else targets[0].weight

    def _compare(self, address: str, weight: int | None) -> None:
        if self._wanted.get(address) == weight:
            self._differs.discard(address)
        else:
            self._differs.add(address)

    def _compare_all(self) -> None:
        there = {
            self._pods[pod].address: weight
            for pod, weight in self._weight.items()
            if is_of(self._pods[pod], self._selected)
        }
        self._differs = {
            address for address in {**there, **self._wanted} if there.get(address) != self._wanted.get(address)
        }


def _pushes(evidence: Evidence, node: str) -> Iterator[tuple[float, _Table]]:
    """Yield the tables that a node was pushed, the first one before the run."""
    restarts = {event.at_s for event in evidence.recording.events if (event.kind, event.actor) == ("stopped", node)}
    for at_s, table in zip(*evidence.tables[node], strict=True):
        if table or at_s not in restarts:
            yield at_s, table


def _tables_are_of_one_moment(evidence: Evidence) -> None:
    """Every pushed table is what the pods were at one moment before it, and these moments never go back."""
    scenario = evidence.scenario
    kinds = {record.kind for record in evidence.recording.operations}
    switches, splits = "switchService" in kinds, "canary" in kinds
    if switches and splits:
        return  # the route leads now to one kind of Service, now to the other
    names = [scenario.deployment.name]
    if splits:
        names += [companion.name for companion in scenario.companions]
    for node in evidence.tables:
        for name in names:
            moment = _PodsAsTheyWere(evidence, name, switches=switches, by_membership=splits)
            mine = {pod.address for pod in evidence.recording.pods if is_of(pod, name)}
            for at_s, table in _pushes(evidence, node):
                part = {address: table[address] for address in table if address in mine} if splits else table
                if splits and not part:
                    continue  # the route may lead elsewhere
                if not moment.reach(part) or moment.at_s > max(at_s, 0.0):
                    what = f"{node} at {at_s} s, {dict(part)}"
                    raise InvariantError(f"a table is of one moment of the pods, and these never go back: {what}")


CHECKS = (_tables_are_of_one_moment,)
