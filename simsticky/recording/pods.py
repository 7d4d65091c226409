"""What is recorded of pods: their lives, their containers' lives, and every state that a watch could show."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(slots=True)
class PodRecord:
    """One pod's life; times in seconds of simulated time, NaN where it did not happen.

    ``deleted_by`` is the number (from 1) of the operation that deleted it, 0 if none did. ``started_s`` is that of its
    first container; ``prestop_end_s`` to ``dead_s`` tell how the pod was ended, not how a container was restarted.
    """

    pod: str
    replica_set: str
    revision: int
    node: str
    address: str
    created_s: float = np.nan
    scheduled_s: float = np.nan
    started_s: float = np.nan
    ready_s: float = np.nan
    deleted_s: float = np.nan
    prestop_end_s: float = np.nan
    sigterm_s: float = np.nan
    listener_closed_s: float = np.nan
    sigkill_s: float = np.nan
    dead_s: float = np.nan
    endpoint_gone_s: float = np.nan
    removed_s: float = np.nan
    deleted_by: int = 0
    restarts: int = 0


@dataclass(slots=True)
class ContainerRecord:
    """One container instance's life; times in seconds of simulated time, NaN where it did not happen.

    Attributes:
        pod: Index of its pod in ``Recording.pods``.
        instance: 1 for the pod's first, 2 after a restart, and so on.
        cut_s: When the requests in flight on it were cut: its death, or that of the proxy before it.
        due_s: When the back-off before it was over and the kubelet began to start it; NaN for a pod's first.
        ended: How it came to its end: ``stopped`` with its pod, ``crashed``, ``oom_killed``, ``liveness`` or
            ``startup`` for the probe that failed, ``powered_off`` with its node; empty while it runs.
        cause: Number of the operation behind that end; 0 if none is, or where the pod's deletion says it.
    """

    pod: int
    instance: int
    started_s: float
    listening_s: float = np.nan
    sigterm_s: float = np.nan
    listener_closed_s: float = np.nan
    sigkill_s: float = np.nan
    cut_s: float = np.nan
    dead_s: float = np.nan
    due_s: float = np.nan
    ended: str = ""
    cause: int = 0


class PodState(NamedTuple):
    """A pod object after a change, as the API server shows it to whoever watches."""

    at_s: float
    pod: int
    phase: str
    ready: bool
    deleted: bool
    gone: bool


class Selection(NamedTuple):
    """A change of the Service's selector: to which workload's pods, and how many pod states came before it."""

    at_s: float
    after: int
    workload: str
