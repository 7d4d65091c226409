"""The log phase: requests in order of their ends, each on the balancer it was picked by."""

from small_scenario import small

from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.balancer import Balancer
from simsticky.kong.upstream import Target
from simsticky.recording.recorder import Recorder
from simsticky.sim.clock import Clock
from simsticky.sim.gateway.log_phase import LogPhase
from simsticky.sim.gateway.nodes import Node, Worker
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import LEAST_CONNECTIONS, PICKS
from simsticky.sim.plane.ways import INTERPRETED
from simsticky.sim.streams import Streams
from simsticky.sim.world import World

_TARGETS = (Target("10.0.0.1:8080", 100), Target("10.0.0.2:8080", 100))


def _columns() -> Columns:
    columns = Columns(INTERPRETED)
    columns.rules.cells[PICKS] = LEAST_CONNECTIONS
    columns.have_nodes(1)
    return columns


def _log(columns: Columns) -> LogPhase:
    recorder = Recorder("summary", 0.0, rows=columns.rows)
    return LogPhase(World(Clock(), small(), Streams(1, 0), recorder, columns.rows, columns))


def _worker() -> tuple[Worker, Columns, LogPhase]:
    columns = _columns()
    log = _log(columns)
    worker = Worker(0, Node(0, "kong-1"), columns, log, logs=True)
    worker.begin(_balancer(columns))
    return worker, columns, log


def _balancer(columns: Columns) -> Balancer:
    return Balancer(_TARGETS, LeastConnections(columns.cells))


def _open(worker: Worker, number: int, ended_s: float) -> str:
    """Let a session's first request take the next target until a time; return the target."""
    address = worker.next_peer()
    assert address is not None
    worker.opened(number, 1, worker.balancer, (ended_s, address, ended_s))
    return address


def _connections(balancer: Balancer) -> list[int]:
    assert isinstance(balancer.algorithm, LeastConnections)
    return list(balancer.algorithm.connections.values())


def test_requests_are_logged_by_their_ends() -> None:
    """Protects the counts between two picks: what has ended by now is released, at its end included, no more."""
    worker, columns, _ = _worker()
    first, second = _open(worker, 1, 3.0), _open(worker, 2, 2.0)
    assert first != second
    worker.log_until(1.9)
    assert _connections(worker.balancer) == [1, 1]
    worker.log_until(2.0)
    assert worker.next_peer() == second
    worker.log_until(3.0)
    assert (list(columns.queues.open_ends()), worker.now_s) == ([], 3.0)


def test_node_logs_in_all_its_workers_that_log() -> None:
    """Protects the moment of a push or verdict: every balancer knows what has ended by then, and what time it is."""
    worker, columns, log = _worker()
    worker.node.workers = [worker, Worker(1, worker.node, columns, log, logs=False)]
    _open(worker, 1, 3.0)
    worker.node.log_until(5.0)
    assert _connections(worker.balancer) == [0, 0]
    assert [each.now_s for each in worker.node.workers] == [5.0, 0.0]


def test_request_is_released_on_the_balancer_of_its_first_attempt() -> None:
    """Protects a push in between: the new balancer never hears of what it has not counted."""
    worker, columns, _ = _worker()
    before = worker.balancer
    _open(worker, 1, 3.0)
    worker.begin(_balancer(columns))
    assert worker.balancer_of(1, 1, 0.0) is before
    assert worker.balancer_of(2, 1, 0.0) is worker.balancer
    worker.log_until(3.0)
    assert _connections(before) == _connections(worker.balancer) == [0, 0]
    assert worker.rebuilds == 1


def test_cut_request_ends_now_and_one_that_goes_on_is_not_released_twice() -> None:
    """Protects a container's death: a reset is logged at once, a request sent again by its last attempt only."""
    worker, columns, _ = _worker()
    _open(worker, 1, 9.0)
    _open(worker, 2, 9.0)
    worker.cut_short(1, 1, 4.0)
    worker.forget(2, 1)
    # It was sent at 0 and foreseen to take 9 s; nginx has measured 4 s.
    assert [(end.at_s, end.session, end.took_s) for end in columns.queues.open_ends()] == [(4.0, 1, 4.0)]
    worker.log_until(4.0)
    assert sorted(_connections(worker.balancer)) == [0, 1]
