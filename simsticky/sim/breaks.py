"""Breaks: where a session's state is, whether an answer came from it, and why if not (docs/model.md, rules B)."""

from simsticky.sim.pods import Container
from simsticky.sim.recorder import Recorder
from simsticky.sim.recording import Kind, Mechanism, Origin
from simsticky.sim.sessions import Exchange, Session

INFINITY = float("inf")

Verdict = tuple[Mechanism, Kind, Origin, int]
"""What a break was: how, what was met, why, and the operation's number (0: background)."""

NOT_BROKEN: Verdict = (Mechanism.NONE, Kind.NONE, Origin.NONE, 0)

COOKIE, HASH, NONE = "cookie", "hash", "none"
"""What an algorithm binds a session by."""

AFFINITY = {"sticky-sessions": COOKIE, "consistent-hashing": HASH}
"""What each algorithm binds a session by; by nothing, if it is not here."""


class Breaks:
    """Moves the state of sessions and names the breaks.

    Args:
        affinity: What the algorithm binds sessions by.
        drain_support: KIC's drain support, which decides what a removal means for a session.
        external_state: Whether sessions keep their state outside the pods, where nothing can break.
        session_timeout_s: How long a pod remembers a session after its last request.
        follows_draining: Whether a sticky session stays with a target of weight 0.
        keeps_cookie_of_cut: Whether a request that was cut leaves its cookie behind, on the gateway's own 502.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        affinity: str,
        drain_support: bool,
        external_state: bool,
        session_timeout_s: float,
        keeps_cookie_of_cut: bool,
        follows_draining: bool,
    ) -> None:
        """Note the settings."""
        self._recorder = recorder
        self._affinity = affinity
        self._drain_support = drain_support
        self._external = external_state
        self._session_timeout_s = session_timeout_s
        self._keeps_cookie_of_cut = keeps_cookie_of_cut
        self._follows_draining = follows_draining

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
        past = session.past or {}
        kept_here = past.get(container, -INFINITY) >= now_s
        session.past = {**past, holder: expires_s}
        session.holder = container
        if holder is not container:
            holder.let_go(now_s)
            container.take_in(now_s)
        self._recorder.moved(now_s, holder.index, container.index)
        if self._external:
            return NOT_BROKEN
        mechanism, origin, cause = self._why(exchange, holder, container, now_s)
        if tabs is not None:
            tabs.verdicts[session.request] = cause
        if cause:
            session.breaks_caused += 1
            session.broken_by |= {cause}
        else:
            session.breaks_background += 1
        return mechanism, Kind.STALE if kept_here else Kind.LOST, origin, cause

    def begin(self, session: Session, container: Container, now_s: float) -> None:
        """Let a session's state begin where its first request is answered."""
        session.holder = container
        session.first_container = container.index
        if container.pod.deleted:
            session.born_terminating = container.pod.record.deleted_by
        container.take_in(now_s)
        self._recorder.residence.extend((now_s, container.index, 1.0))

    def _why(
        self, exchange: Exchange, holder: Container, container: Container, now_s: float
    ) -> tuple[Mechanism, Origin, int]:
        """Name a break's mechanism, and as its origin the first event that made the state unreachable (rule B4)."""
        pod, node, expires_s = holder.pod, exchange.worker.node, exchange.expires_s
        cause = pod.record.deleted_by
        removed_s = node.removed_s.get(pod.index, INFINITY)
        loose, lost_by = self._affinity == NONE or exchange.presented is None, exchange.session.lost_by
        if lost_by is not None and (loose or not holder.listening):
            # Its connection bound it, whatever the table said, until that was lost (rule V6).
            mechanism = Mechanism.NO_COOKIE if loose else self._mechanism(exchange, holder, container)
            if holder.listening:
                return mechanism, Origin.RETARGETED if lost_by else Origin.BACKGROUND, lost_by
            origin = holder.closed_because
            if origin is Origin.NONE:
                origin = Origin.DRAIN_WINDOW_TOO_SHORT
            return mechanism, origin, lost_by if loose else holder.cause
        if loose:
            return Mechanism.NO_COOKIE, Origin.BACKGROUND, 0
        if expires_s < min(removed_s, holder.closed_s, now_s):
            return Mechanism.EXPIRED, Origin.BACKGROUND, 0
        mechanism = self._mechanism(exchange, holder, container)
        if mechanism is Mechanism.NO_COOKIE:
            return mechanism, Origin.BACKGROUND, 0
        drained = self._affinity == HASH and self._drain_support and cause and removed_s < holder.closed_s
        if drained or mechanism is Mechanism.REHASHED:
            # A key does not follow a target to weight 0: the ring was the first to change.
            cause = cause or node.changed_by
            return mechanism, Origin.RETARGETED if cause else Origin.BACKGROUND, cause
        if holder.closed_s <= removed_s and holder.closed_s < INFINITY:
            origin = holder.closed_because
            if origin is Origin.NONE:
                origin = Origin.DRAIN_WINDOW_TOO_SHORT if self._drain_support else Origin.RACE
            return mechanism, origin, holder.cause
        if pod.unlisted_by and removed_s < INFINITY:
            # It left without a deletion timestamp: no drain support keeps such a target.
            return mechanism, Origin.RETARGETED, pod.unlisted_by
        if cause and removed_s < INFINITY:
            return mechanism, Origin.DRAIN_WINDOW_TOO_SHORT if self._drain_support else Origin.DRAIN_OFF, cause
        # The pod lives on: it was not ready for a while, or a health check took it out.
        cause = cause or pod.unready_by
        return mechanism, Origin.RETARGETED if cause else Origin.BACKGROUND, cause

    def _mechanism(self, exchange: Exchange, holder: Container, container: Container) -> Mechanism:
        """Say how the request left the pod that holds its session's state."""
        address, node = holder.pod.address, exchange.worker.node
        if holder.pod is container.pod:
            return Mechanism.RESTARTED
        if address == container.pod.address:
            return Mechanism.TARGET_REMOVED  # a new pod has its address
        if address in exchange.tried:
            return Mechanism.TIMED_OUT if address in exchange.timed_out else Mechanism.REFUSED
        if address not in node.weights or holder.pod.index in node.removed_s:
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
        tabs, counts = session.tabs, None
        if tabs is not None:
            self._retract(session, tabs.verdicts.pop(request, None))
            counts = session.breaks_caused, session.breaks_background, session.broken_by
        if session.request != request:
            return
        moved_to = session.holder
        session.restore(keep_cookie=self._keeps_cookie_of_cut)
        if counts is not None:
            session.breaks_caused, session.breaks_background, session.broken_by = counts
        holder = session.holder
        if moved_to is not None and moved_to is not holder:
            moved_to.let_go(now_s)
            self._recorder.residence.extend((now_s, moved_to.index, -1.0))
            if holder is not None:
                holder.take_in(now_s)
                self._recorder.residence.extend((now_s, holder.index, 1.0))

    @staticmethod
    def _retract(session: Session, cause: int | None) -> None:
        """Count a break less; ``cause`` is its operation, 0 if none, None if there was no break."""
        if cause is None:
            return
        if not cause:
            session.breaks_background -= 1
            return
        session.breaks_caused -= 1
        assert session.tabs is not None
        session.broken_by = frozenset(filter(None, session.tabs.verdicts.values()))
