"""Breaks: where a session's state is, whether an answer came from it, and why if not (docs/model.md, rules B)."""

from simsticky.recording.changes import NOWHERE
from simsticky.recording.record import Kind, Mechanism, Origin
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.affinity import AFFINITY, COOKIE, HASH, NONE
from simsticky.sim.gateway.exposures import Exposures
from simsticky.sim.plane.rules import is_stale
from simsticky.sim.sessions.session import Broken, Exchange, Session
from simsticky.sim.world import World

INFINITY = float("inf")

Verdict = tuple[Mechanism, Kind, Origin, int]
"""What a break was: how, what was met, why, and the operation's number (0: background)."""

NOT_BROKEN: Verdict = (Mechanism.NONE, Kind.NONE, Origin.NONE, 0)


class Breaks:
    """Moves the state of sessions and names the breaks.

    Args:
        exposures: Knows what took a session's state out of reach, and whose doing that was; kept as an attribute.
    """

    def __init__(self, world: World, exposures: Exposures) -> None:
        scenario, gateway = world.scenario, world.scenario.gateway
        self._recorder = world.recorder
        self.exposures = exposures
        self._affinity = AFFINITY.get(scenario.upstream.algorithm, NONE)
        # What a removal means for a session follows from it.
        self._drain_support = scenario.kic.enable_drain_support
        self._external = scenario.app.state == "external"
        self._session_timeout_s = scenario.app.session_timeout
        # Whether a request that was cut leaves its cookie behind, on the gateway's own 502.
        self._keeps_cookie_of_cut = gateway.sticky_cookie_on_error_response
        self._follows_draining = gateway.sticky_on_weight_zero == "follow"

    def settle(self, exchange: Exchange, container: Container, now_s: float, ended_s: float) -> Verdict:
        """Let the session's state be where its request is answered; say how and why it broke, if it did.

        Args:
            exchange: The request.
            container: Who answers.
            now_s: When the request reached it.
            ended_s: When it will be answered.
        """
        session, tabs = exchange.session, exchange.session.tabs
        if tabs is not None:
            if tabs.expires_s is not None:
                exchange.expires_s = tabs.expires_s
            tabs.expires_s = max(tabs.expires_s or 0.0, ended_s + self._session_timeout_s)
        expires_s, holder = exchange.expires_s, session.holder
        if holder is None:
            self.begin(session, container, now_s)
            return NOT_BROKEN
        if holder is container and (now_s <= expires_s or self._external):
            return NOT_BROKEN
        kept_s = -INFINITY if holder is container else session.leave_copy(holder, container, expires_s)
        session.holder = container
        if holder is not container:
            holder.let_go(now_s)
            container.take_in(now_s)
        self._recorder.moved(now_s, holder.index, container.index)
        broken = NOT_BROKEN
        if not self._external:
            mechanism, origin, cause = self._why(exchange, holder, container, now_s)
            broken = mechanism, Kind.STALE if is_stale(kept_s, now_s) else Kind.LOST, origin, cause
            self._count(exchange, cause, ended_s, exposed=bool(cause) and self.exposures.has(session, holder, cause))
        # What came after its deletion cannot be exposed by it.
        session.doomed_by = container.pod.record.deleted_by
        return broken

    @staticmethod
    def _count(exchange: Exchange, cause: int, ended_s: float, *, exposed: bool) -> None:
        session, tabs = exchange.session, exchange.session.tabs
        if tabs is not None:
            tabs.breaks[session.request] = Broken(cause, exposed, ended_s)
        session.broke_s = max(session.broke_s, ended_s)
        if cause:
            session.breaks_caused += 1
            session.broken_by |= {cause}
            if exposed:
                session.harmed_by |= {cause}
        else:
            session.breaks_background += 1

    def begin(self, session: Session, container: Container, now_s: float) -> None:
        """Let a session begin where its first request is answered."""
        session.begin_on(container)
        container.take_in(now_s)
        self._recorder.moved(now_s, NOWHERE, container.index)

    def _why(
        self, exchange: Exchange, holder: Container, container: Container, now_s: float
    ) -> tuple[Mechanism, Origin, int]:
        """Name a break's mechanism, its origin (rule B4) and the operation that it belongs to (rule B5)."""
        session, node, exposures = exchange.session, exchange.worker.node, self.exposures
        loose = self._affinity == NONE or exchange.presented is None
        away = exposures.away(session, holder, node, exchange.presented)
        mechanism = Mechanism.NO_COOKIE if loose else self._mechanism(exchange, holder, container)
        if session.lost_by is not None and (loose or not holder.listening):
            # Its connection bound it, whatever the table said, until that was lost (rule V6).
            cause = exposures.behind(session, holder, away, bound=not loose) or exposures.of_connection(session, holder)
            if holder.listening:
                return mechanism, Origin.RETARGETED if cause else Origin.BACKGROUND, cause
            return mechanism, self._origin_of_end(holder, Origin.DRAIN_WINDOW_TOO_SHORT), cause
        # What the pod forgets before anything takes the state away is lost by nobody's operation (rule B3).
        if exchange.expires_s < min(INFINITY if away is None else away.at_s, now_s):
            return Mechanism.NO_COOKIE if loose else Mechanism.EXPIRED, Origin.BACKGROUND, 0
        bound = not loose and mechanism is not Mechanism.NO_COOKIE
        cause = exposures.behind(session, holder, away, bound=bound)
        if not bound and not cause:
            return mechanism, Origin.BACKGROUND, 0
        if away is None:
            # Listed and listening, and yet another target answered: the pod was too slow.
            return mechanism, Origin.RETARGETED if cause else Origin.BACKGROUND, cause
        if away.stopped:
            alone = Origin.DRAIN_WINDOW_TOO_SHORT if self._drain_support else Origin.RACE
            return mechanism, self._origin_of_end(holder, alone), cause
        if cause and cause == holder.pod.record.deleted_by and holder.pod.address not in node.weights:
            if self._affinity == COOKIE:
                return mechanism, Origin.DRAIN_WINDOW_TOO_SHORT if self._drain_support else Origin.DRAIN_OFF, cause
            if not self._drain_support:
                return mechanism, Origin.DRAIN_OFF, cause
        # The pod left the upstream without being deleted (rule O6).
        return mechanism, Origin.RETARGETED if cause else Origin.BACKGROUND, cause

    @staticmethod
    def _origin_of_end(holder: Container, by_itself: Origin) -> Origin:
        """Return why a container had ceased to listen; ``by_itself`` where the application closed its listener."""
        closed = holder.causes.closed
        return by_itself if closed is None or closed.origin is Origin.NONE else closed.origin

    def _mechanism(self, exchange: Exchange, holder: Container, container: Container) -> Mechanism:
        """Say how the request left the pod that holds its session's state (rule B10)."""
        address, node = holder.pod.address, exchange.worker.node
        if holder.pod is container.pod:
            return Mechanism.RESTARTED
        if address == container.pod.address:
            return Mechanism.TARGET_REMOVED  # a new pod has its address
        if address in exchange.tried:
            return Mechanism.TIMED_OUT if address in exchange.timed_out else Mechanism.REFUSED
        if address not in node.weights or holder.pod.gone:
            return Mechanism.TARGET_REMOVED
        if self._affinity == COOKIE and not self._follows_draining and not node.weights[address]:
            return Mechanism.TARGET_REMOVED  # listed, but no more for this session
        if not exchange.worker.balancer.is_available(address):
            return Mechanism.UNHEALTHY
        if self._affinity == HASH:
            return Mechanism.REHASHED
        return Mechanism.REFUSED if not holder.listening else Mechanism.NO_COOKIE

    def undo(self, session: Session, request: int, now_s: float) -> None:
        """Take back what a slow request did to its session, which was never answered.

        Of several tabs' requests only the latest one's move can be taken back: the others have gone by it. A break it
        was going to be counts no more in either case.
        """
        tabs = session.tabs
        if tabs is not None:
            self._retract(session, tabs.breaks.pop(request, None))
        if session.roamed == request:
            self._turn_back(session, now_s)
            return
        counts = session.breaks_caused, session.breaks_background, session.broke_s
        operations = session.broken_by, session.harmed_by
        if session.request != request:
            return
        moved_to = session.holder
        session.restore(keep_cookie=self._keeps_cookie_of_cut)
        if tabs is not None:
            session.breaks_caused, session.breaks_background, session.broke_s = counts
            session.broken_by, session.harmed_by = operations
        holder = session.holder
        if moved_to is not None and moved_to is not holder:
            # It never had its state there: nothing of it was at stake.
            session.exposures = tuple(e for e in session.exposures if e.container != moved_to.index)
            moved_to.let_go(now_s)
            if holder is not None:
                holder.take_in(now_s)
            self._recorder.moved(now_s, moved_to.index, NOWHERE if holder is None else holder.index)

    def _turn_back(self, session: Session, now_s: float) -> None:
        """Take back that a session has roamed."""
        moved_to = session.holder
        assert moved_to is not None
        session.turn_back(counts=not self._external)
        holder = session.holder
        assert holder is not None
        session.exposures = tuple(e for e in session.exposures if e.container != moved_to.index)
        self._recorder.moved(now_s, moved_to.index, holder.index)

    @staticmethod
    def _retract(session: Session, broken: Broken | None) -> None:
        """Count a break less; None if there was none."""
        if broken is None:
            return
        assert session.tabs is not None
        left = session.tabs.breaks.values()
        session.broke_s = max((other.answered_s for other in left), default=-INFINITY)
        if not broken.cause:
            session.breaks_background -= 1
            return
        session.breaks_caused -= 1
        session.broken_by = frozenset(other.cause for other in left if other.cause)
        session.harmed_by = frozenset(other.cause for other in left if other.exposed)
