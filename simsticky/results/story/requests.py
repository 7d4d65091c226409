"""What is told of one session's requests: where each was led, how it ended, and why its state was not there.

``{pod}`` stands for the pod that had held the session's state.
"""

from collections.abc import Mapping
from typing import Final

from simsticky.recording.record import How, Kind, Mechanism, Origin, Outcome

ON_THE_WAY: Final[Mapping[Mechanism, str]] = {
    Mechanism.TARGET_REMOVED: "{pod} is no target of this node any more",
    Mechanism.REFUSED: "{pod} refuses the connection",
    Mechanism.TIMED_OUT: "{pod} does not answer in time",
    Mechanism.UNHEALTHY: "health checks have taken {pod} out",
    Mechanism.REHASHED: "the ring has changed: the key belongs to another pod",
    Mechanism.NO_COOKIE: "nothing that it brings leads to {pod}",
    Mechanism.RESTARTED: "{pod} has been started again, with an empty memory",
    Mechanism.EXPIRED: "{pod} has forgotten the session, which was idle for too long",
}
"""How a request leaves the pod with its session's state."""

WHY: Final[Mapping[Origin, str]] = {
    Origin.DRAIN_OFF: "the gateway dropped the pod while it still served: drain support is off",
    Origin.DRAIN_WINDOW_TOO_SHORT: "the pod stopped taking connections before the session was over: "
    "the drain window is too short",
    Origin.RACE: "the pod stopped listening before the gateway knew",
    Origin.KILLED: "SIGKILL ended the pod while it still listened",
    Origin.CRASH: "its container ended without its pod",
    Origin.BACKGROUND: "no operation is behind it",
    Origin.RETARGETED: "the gateway sends the session elsewhere, though the pod lives on or drains",
}
"""What made the state unreachable."""

MET: Final[Mapping[Kind, str]] = {
    Kind.LOST: "state lost",
    Kind.STALE: "an older copy of the state answers",
}
"""What the session finds there."""

ENDS: Final[Mapping[Outcome, str]] = {
    Outcome.ANSWERED: "answers 200",
    Outcome.BAD_GATEWAY: "502: no attempt reaches a pod",
    Outcome.NO_TARGET: "503: there is no target",
    Outcome.TIMED_OUT: "504: no answer in time",
    Outcome.RESET: "502: cut, its container has ended",
    Outcome.UNFINISHED: "no answer until the run ends",
}
"""How a request ends; the first goes with the pod as its subject."""

EXPOSED: Final[Mapping[How, str]] = {
    How.DELETED: "{pod}, which has its state, is deleted",
    How.CRASHED: "the container of {pod}, which has its state, ends",
    How.NODE_ENDED: "the node of {pod}, which has its state, ends",
    How.UNROUTED: "{pod}, which has its state, is taken out of the route",
    How.DISCONNECTED: "its connection to {pod} is closed",
    How.STOPPED: "{pod}, which has its state, takes no more connections",
    How.REMOVED: "{pod}, which has its state, is no target of its node any more",
    How.DRAINED: "{pod}, which has its state, drains, and its node sends the session elsewhere",
    How.UNHEALTHY: "health checks take {pod} out, which has its state",
    How.REHASHED: "the ring changes: its key belongs to another pod than {pod}, which has its state",
}
"""What an operation does to a session that is bound to a pod."""
