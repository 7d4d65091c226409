"""What an EndpointSlice says about a pod, which changes make the controller write it, and when it may write.

Source: Kubernetes, k8s.io/endpointslice utils.go:podToEndpoint, util/controller_utils.go
(``ShouldPodBeInEndpoints``, ``podEndpointsChanged``), endpointslice_controller.go (``syncService``,
``handleErr``) and util/endpointslice_tracker.go:StaleSlices; the conditions are the same from v0.28 to
v0.36.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

RETRY_BACKOFF_BASE_S = 1.0
RETRY_BACKOFF_MAX_S = 1000.0
MAX_RETRIES = 15


@dataclass(frozen=True, slots=True)
class Conditions:
    """The three conditions of an endpoint."""

    ready: bool
    serving: bool
    terminating: bool


@dataclass(frozen=True, slots=True)
class PodView:
    """What the controller compares when a pod is updated. No ``deletion_timestamp_s``: not deleted."""

    ips: tuple[str, ...] = ()
    ready: bool = False
    deletion_timestamp_s: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    hostname: str = ""
    subdomain: str = ""


@dataclass(frozen=True, slots=True)
class PodChanges:
    """What of a pod's update concerns endpoints: the pod itself, and the labels that Services select by."""

    pod: bool
    labels: bool


def conditions(
    *, ready_condition: bool, has_deletion_timestamp: bool, publish_not_ready_addresses: bool = False
) -> Conditions:
    """Return the endpoint's conditions (rule E1).

    ``serving`` follows the pod's Ready condition also while it terminates; ``ready`` ends with the deletion
    timestamp, unless the Service publishes not-ready addresses.
    """
    return Conditions(
        ready=publish_not_ready_addresses or (ready_condition and not has_deletion_timestamp),
        serving=ready_condition,
        terminating=has_deletion_timestamp,
    )


def should_be_in_slice(
    phase: str, *, has_ip: bool, has_deletion_timestamp: bool = False, include_terminating: bool = True
) -> bool:
    """Return whether the pod has an endpoint at all (rule E1).

    It has one from its IP to its terminal phase, whatever its restart policy; so the endpoint leaves when the
    terminal phase is published, neither at the deletion timestamp nor at SIGTERM. Only the legacy Endpoints
    controller calls without ``include_terminating``.
    """
    if phase in ("Succeeded", "Failed") or not has_ip:
        return False
    return include_terminating or not has_deletion_timestamp


def pod_changes(before: PodView, after: PodView) -> PodChanges:
    """Return what changed.

    Deletion timestamps are compared by identity, so any update of a terminating pod is a change.
    """
    deleted = before.deletion_timestamp_s is not None or after.deletion_timestamp_s is not None
    labels = (before.labels, before.hostname, before.subdomain) != (
        after.labels,
        after.hostname,
        after.subdomain,
    )
    return PodChanges(deleted or (before.ips, before.ready) != (after.ips, after.ready), labels)


def pod_change_triggers_sync(before: PodView, after: PodView) -> bool:
    """Return whether a pod's update makes the controller sync its Services; a new phase alone does not."""
    changes = pod_changes(before, after)
    return changes.pod or changes.labels


class Attempt(NamedTuple):
    """One try to sync a Service's slices: the memory after it, and when to try again.

    ``retry_at_s`` ``None``: the slices are written now, or there are no tries left (``dropped``) until the
    next change of a pod.
    """

    sync: "SliceSync"
    retry_at_s: float | None = None
    dropped: bool = False

    @property
    def writes(self) -> bool:
        """Whether the slices are written now, with the pods as they are now."""
        return self.retry_at_s is None and not self.dropped


@dataclass(frozen=True, slots=True)
class SliceSync:
    """The controller's view of one Service: when it will see its own last write, and failures in a row (rule E2).

    As long as its cache has not shown it that write, a sync fails as stale and is tried again after 1, 2, 4,
    … s, at most 1000 s and at most 15 times. A burst of pod changes therefore reaches the slices in steps of
    about a second: the first change at once, the rest together a second later.
    """

    cache_current_at_s: float = float("-inf")
    failures: int = 0

    def attempt(self, now_s: float, cache_delay_s: float) -> Attempt:
        """Sync the Service.

        Args:
            now_s: Model time in seconds.
            cache_delay_s: How long after a write the controller's own cache shows it. A sync that finds nothing
                to write leaves no write to wait for: keep the present memory then.
        """
        if now_s >= self.cache_current_at_s:
            return Attempt(SliceSync(now_s + cache_delay_s))
        if self.failures >= MAX_RETRIES:
            return Attempt(replace(self, failures=0), dropped=True)
        return Attempt(replace(self, failures=self.failures + 1), now_s + retry_after_s(self.failures))


def retry_after_s(failures: int) -> float:
    """Return the wait after that many failures before this one: 1, 2, 4, … at most 1000 s.

    The bucket of 10 tries a second for all Services together is far from this.
    """
    return float(min(RETRY_BACKOFF_BASE_S * 2**failures, RETRY_BACKOFF_MAX_S))
