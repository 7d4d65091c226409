"""The attempts of one request: pick, connect, wait, try again, and the answer the client gets (rules G and S).

The hot path is in ``plane/loop.py``. Everything that is not "the one target it can be, listening, in time" comes
here: new picks, connections refused or never answered, timeouts, requests cut by a dying container, cookies.
"""

from simsticky.kong.algorithms.sticky_sessions import response_cookie
from simsticky.kong.balancer import Handle, NoPeerError
from simsticky.kong.retries import Attempt, gateway_status
from simsticky.recording.record import MAX_ATTEMPTS, Outcome, pack
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.addresses import Addresses
from simsticky.sim.gateway.affinity import COOKIE
from simsticky.sim.gateway.balancers import sticky_options
from simsticky.sim.gateway.breaks import NOT_BROKEN, Breaks
from simsticky.sim.gateway.cookies import Browsers
from simsticky.sim.gateway.front import FrontBalancer
from simsticky.sim.gateway.health_checks import HealthCheckers
from simsticky.sim.gateway.nodes import Node, Worker
from simsticky.sim.gateway.retries import Retries
from simsticky.sim.plane.rules import in_time
from simsticky.sim.sessions.session import Cut, Exchange, Session
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

Reply = tuple[float, float, int, float, bool]
"""What became of one request: when its service started, when its client has the answer, the container's number (-1:
none), its code in the recording, and whether it failed."""

_OUTCOMES = {502: Outcome.BAD_GATEWAY, 503: Outcome.NO_TARGET, 504: Outcome.TIMED_OUT}


class Attempts:
    """Sends requests the slow way."""

    def __init__(
        self,
        world: World,
        front: FrontBalancer,
        addresses: Addresses,
        browsers: Browsers,
        breaks: Breaks,
        health: HealthCheckers,
        retries: Retries,
    ) -> None:
        scenario, gateway = world.scenario, world.scenario.gateway
        self._world = world
        self._front = front
        self._addresses = addresses
        self._servers = addresses.servers
        self._browsers = browsers
        self._breaks = breaks
        self._exposures = breaks.exposures
        self._health = health
        self._retries = retries
        self._options = sticky_options(scenario)
        self._sticky = browsers.affinity == COOKIE
        self._random_picks = self._sticky and gateway.sticky_new_pick == "random"
        # What no cookie binds is picked for before it is an exchange.
        self._picks_at_once = not self._random_picks and not browsers.asks_each_time
        self._connect_timeout_s = gateway.connect_timeout
        self._read_timeout_s = gateway.read_timeout
        # Long-lived connections: what is sent this way is a connect, and is logged when its connection closes.
        self._held = scenario.traffic.connections.long_lived
        self._warm_up = scenario.app.warm_up

    # What the clients call --------------------------------------------------------------------------------------

    def send(
        self,
        session: Session,
        request: int,
        worker: Worker,
        now_s: float,
        demand_s: float,
        expires_s: float,
        first: str | None,
    ) -> Reply | None:
        """Send a request; None if nothing is known of its end before ``session.exchange.resume_s``.

        Args:
            session: Whose request it is.
            request: Its number.
            worker: The worker that took it.
            now_s: When it was sent.
            demand_s: Its service demand.
            expires_s: Until when the session's holder remembers it.
            first: The target already picked for the first attempt (algorithms without affinity), or None.
        """
        session.remember(request)
        lent = not worker.node.up
        if lent:
            other = self._front.stand_in(session)
            if other is None:
                return self._refuse(session, worker, now_s)
            worker, first = other, None
            if worker.logs:
                worker.log_until(now_s)
        presented = None if first is not None else self._browsers.presented(session, worker, now_s)
        holder = session.holder
        if holder is not None:
            self._exposures.at_request(session, holder, worker.node, presented, expires_s, now_s)
        key = cookie = presented
        if not self._sticky:
            key, cookie = session.key, session.cookie if presented is not None else None
        if first is None and self._picks_at_once and (cookie is None or not self._sticky):
            first = worker.next_peer() if key is None else worker.peer_of(key)
        u = 0.0
        if self._random_picks:
            session.picks += 1
            u = self._world.streams.uniform(Purpose.PICK, session.id, session.picks)
        handle = Handle(key, u, (), first, 0, cookie, request)
        exchange = Exchange(
            session, worker, worker.balancer, presented, now_s, demand_s, expires_s, request, handle, now_s
        )
        return self._go_on(exchange, now_s, first)

    def resume(self, exchange: Exchange, now_s: float) -> Reply | None:
        """Go on with a request after the wait that :meth:`send` asked for; None for a further wait."""
        lost, exchange.lost = exchange.lost, None
        if lost is None:
            return self._try_again(exchange, now_s)
        if not self._retries.again(exchange.session, exchange.request, Attempt.READ_TIMEOUT, len(exchange.tried)):
            exchange.session.request = exchange.request
            return self._fail(exchange, now_s, Attempt.READ_TIMEOUT, lost, now_s)
        node, address = exchange.worker.node, exchange.tried[-1]
        self._health.attempt_failed(node, address, Attempt.READ_TIMEOUT, final=False, at_s=now_s)
        return self._try_again(exchange, now_s)

    def exchange_of(
        self, session: Session, worker: Worker, request: int, sent_s: float, demand_s: float, expires_s: float
    ) -> Exchange:
        """Return a request as the gateway holds it that had no exchange so far and that a dying container has cut."""
        presented = session.cookie if self._sticky else session.key
        balancer = worker.balancer_of(session.id, request, sent_s)
        if session.request == request and session.picked_by >= 0:
            # The session's first. The cookie may be this very request's.
            presented, balancer = session.key, worker.numbered(session.picked_by) or balancer
        session.request = request
        return Exchange(
            session,
            worker,
            balancer,
            presented,
            sent_s,
            demand_s,
            expires_s,
            request,
            Handle(key=presented),
            attempt_s=sent_s,
        )

    def send_again(self, exchange: Exchange, container: Container, now_s: float) -> Reply | None:
        """Send a request again that ``container`` has cut; None as for :meth:`send`."""
        address = self._tried(exchange, container)
        self._health.attempt_failed(exchange.worker.node, address, Attempt.RESET, final=False, at_s=now_s)
        return self._try_again(exchange, now_s)

    def wait_in_vain(self, exchange: Exchange, container: Container, now_s: float) -> None:
        """Wait for the read timeout of a request whose container's machine has gone: nobody resets the connection."""
        exchange.timed_out |= {self._tried(exchange, container)}
        exchange.resume_s = exchange.attempt_s + self._read_timeout_s
        exchange.lost = container

    def _tried(self, exchange: Exchange, container: Container) -> str:
        """Return the address a cut attempt was made at, noted for a request that took the fast path."""
        address = container.pod.address
        if not exchange.tried:
            exchange.tried.append(address)
            exchange.handle.address = address
        return address

    def end_cut(self, worker: Worker, session: Session, cut: Cut, now_s: float) -> None:
        """Log a request that a dying container has cut and that is not sent again."""
        self._health.attempt_failed(worker.node, cut.container.pod.address, Attempt.RESET, final=True, at_s=now_s)
        if worker.logs:
            worker.cut_short(session.id, cut.request, now_s)

    # Attempts ---------------------------------------------------------------------------------------------------

    def _try_again(self, exchange: Exchange, now_s: float) -> Reply | None:
        exchange.session.remember(exchange.request)  # other tabs may have sent meanwhile
        if exchange.worker.logs:
            exchange.worker.log_until(now_s)
        address, exchange.again = exchange.again, None
        return self._go_on(exchange, now_s, address)

    def _go_on(self, exchange: Exchange, now_s: float, address: str | None) -> Reply | None:
        """Make attempts until one is answered, no target is left, ``retries`` are used up, or time passes."""
        session, worker, tried = exchange.session, exchange.worker, exchange.tried
        refused = False  # by the latest target, which a further attempt on it must wait for
        while True:
            if address is None:
                try:
                    address = exchange.balancer.get_peer(exchange.handle)
                except NoPeerError:
                    return self._fail(exchange, now_s, Attempt.NO_PEER)
                if refused and address == tried[-1]:
                    self._pause(exchange, now_s, address)
                    return None
            tried.append(address)
            exchange.attempt_s = now_s
            container = self._servers.get(address)
            if container is None:
                vanished = self._addresses.vanished(address)
                ended, took_s = Attempt.REFUSED, 0.0
                if vanished:
                    ended, took_s = Attempt.CONNECT_TIMEOUT, self._connect_timeout_s
                started_s = now_s + took_s
            else:
                demand_s = exchange.demand_s
                if self._warm_up is not None:
                    demand_s *= container.slowdown(now_s, self._warm_up)
                started_s, ended_s = container.serve(now_s, demand_s)
                if in_time(now_s, ended_s, self._read_timeout_s):
                    return self._answer(exchange, container, now_s, started_s, ended_s)
                # The pod works the request off all the same.
                ended, took_s = Attempt.READ_TIMEOUT, self._read_timeout_s
            if took_s:
                exchange.timed_out |= {address}
            if not self._retries.again(session, exchange.request, ended, len(tried)):
                return self._fail(exchange, now_s + took_s, ended, container, started_s)
            self._health.attempt_failed(worker.node, address, ended, final=False, at_s=now_s + took_s)
            stays = ended is not Attempt.READ_TIMEOUT and self._retries.stays(tried)
            if took_s:
                exchange.again = address if stays else None
                exchange.resume_s = now_s + took_s
                session.exchange = exchange
                return None
            refused = self._retries.delay_s > 0
            if stays and refused:
                self._pause(exchange, now_s, address)
                return None
            address = address if stays else None

    def _pause(self, exchange: Exchange, now_s: float, address: str) -> None:
        """Wait before a further attempt on a target that has refused the latest one (rule G16)."""
        exchange.again = address
        exchange.resume_s = now_s + self._retries.delay_s
        exchange.session.exchange = exchange

    # Ends -------------------------------------------------------------------------------------------------------

    def _answer(
        self, exchange: Exchange, container: Container, now_s: float, started_s: float, ended_s: float
    ) -> Reply:
        session, worker, tried = exchange.session, exchange.worker, exchange.tried
        self._set_cookie(exchange, ended_s)
        broken = self._breaks.settle(exchange, container, now_s, ended_s)
        code: float = worker.ok_code
        if broken is not NOT_BROKEN or len(tried) > 1:
            code = pack(worker.node.index, min(len(tried), MAX_ATTEMPTS), Outcome.ANSWERED, *broken)
        if worker.logs and not self._held:
            self._log_later(exchange, ended_s, ended_s - now_s)
        if tried[-1] in worker.node.watched:
            self._health.answered(worker.node, container, ended_s)
        session.exchange = exchange
        return started_s, ended_s, container.index, code, False

    def _fail(
        self,
        exchange: Exchange,
        ended_s: float,
        last: Attempt,
        container: Container | None = None,
        started_s: float = 0.0,
    ) -> Reply:
        """End a request with the gateway's own 502, 503 or 504; a failed request moves no state."""
        session, worker, tried = exchange.session, exchange.worker, exchange.tried
        session.exchange = None
        session.failed += 1
        if tried:
            self._set_cookie(exchange, ended_s, gateway_error=True)
            self._health.attempt_failed(worker.node, tried[-1], last, final=True, at_s=ended_s)
        if worker.logs:
            self._log_later(exchange, ended_s, ended_s - exchange.sent_s)
        reached = container if container is not None else session.holder
        cause = reached.cause if reached is not None else 0
        if container is None:
            cause = cause or self._behind_failure(worker.node, tried[-1] if last is not Attempt.NO_PEER else None)
        attempts = min(max(1, len(tried)), MAX_ATTEMPTS)
        code = pack(worker.node.index, attempts, _OUTCOMES[gateway_status(last)], cause=cause)
        if container is None:
            return ended_s, ended_s, -1, code, True
        return min(started_s, ended_s), ended_s, container.index, code, True

    def _behind_failure(self, node: Node, address: str | None) -> int:
        """Return the operation by which nobody is at an address, or a node has no target (None); else 0 (rule R3)."""
        if address is not None:
            pod = self._addresses.pods[address]
            if pod.to_listen and self._world.now_s >= self._world.settle_s:
                self._world.recorder.count("failed_before_listening")
            return pod.causes.silence
        emptied = node.history.led[-1]
        for led in reversed(node.history.led):
            if any(target.weight and target.address not in led.unavailable for target in led.table.targets):
                break
            emptied = led
        return emptied.operation

    @staticmethod
    def _log_later(exchange: Exchange, ended_s: float, took_s: float) -> None:
        """Have a request logged when it ends; after a retry Kong takes its time for no number."""
        address, balancer = exchange.handle.address, exchange.balancer
        if address is not None:
            response_s = took_s if len(exchange.tried) == 1 else 0.0
            at = ended_s, address, response_s
            exchange.worker.opened(exchange.session.id, exchange.request, balancer, at)

    def _refuse(self, session: Session, worker: Worker, now_s: float) -> Reply:
        """No node is up: the front balancer itself answers 503."""
        session.failed += 1
        code = pack(worker.node.index, 1, Outcome.NO_TARGET, cause=worker.node.causes.down)
        return now_s, now_s, -1, code, True

    def _set_cookie(self, exchange: Exchange, at_s: float, *, gateway_error: bool = False) -> None:
        """Let the client's jar take the cookie of the response, if it has a jar and there is a cookie."""
        session, presented, tried = exchange.session, exchange.presented, exchange.tried
        cookie = exchange.handle.key if presented is None else None
        if self._sticky:
            first = self._addresses.identity(tried[0])
            last = first if len(tried) == 1 else self._addresses.identity(tried[-1])
            cookie = response_cookie(self._options, presented, first, last, gateway_error)
        if cookie is not None and session.jar:
            self._browsers.receive(session, cookie, at_s)
