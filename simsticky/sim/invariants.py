"""What must be true of every run, whatever the scenario: checked on a recording, for ``--verify`` and the tests.

Nothing here is used by the model, and nothing of the model is used here: the checks see only what was recorded.
Below the record level ``requests`` only those run whose rows were kept.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from simsticky.errors import InvariantError
from simsticky.kubernetes.deployment_spec import DeploymentSpec, Strategy, max_surge
from simsticky.kubernetes.pod import MINIMUM_CONTAINER_STOP_GRACE_S, CrashLoopBackOff
from simsticky.scenario.model import Scenario
from simsticky.sim.evidence import INFINITY, Evidence, Integers, Mask, container_life, known, life
from simsticky.sim.recording import (
    ENDED,
    SENT,
    SESSION_COLUMNS,
    STARTED,
    ContainerRecord,
    Kind,
    Outcome,
    PodRecord,
    Recording,
)

_REACHED_A_POD = (Outcome.ANSWERED, Outcome.TIMED_OUT, Outcome.RESET, Outcome.UNFINISHED)


def verify(recording: Recording, scenario: Scenario) -> None:
    """Check a recording against every invariant.

    Args:
        recording: What one replication left behind.
        scenario: What was simulated.

    Raises:
        InvariantError: The first violated invariant, with its particulars.
    """
    evidence = Evidence(recording, scenario)
    for check in _ALWAYS:
        check(evidence)
    if recording.level == "requests":
        for check in _WITH_REQUESTS:
            check(evidence)


# Time and pods ------------------------------------------------------------------------------------------------------


def _clock(evidence: Evidence) -> None:
    before_s = -INFINITY
    for event in evidence.recording.events:
        if event.at_s < before_s:
            raise InvariantError(f"the clock never runs back: {event.subject} {event.kind} at {event.at_s} s")
        before_s = event.at_s
    for block in evidence.recording.request_blocks:
        if (np.diff(block[:, SENT]) < 0).any():
            row = int(np.argmax(np.diff(block[:, SENT]) < 0))
            raise InvariantError(f"the clock never runs back: a request is sent before {block[row, SENT]} s")


_IN_ORDER = (
    ("created_s", "scheduled_s", "started_s", "ready_s"),
    ("created_s", "deleted_s", "removed_s"),
    ("deleted_s", "prestop_end_s", "sigterm_s", "sigkill_s", "dead_s"),
    ("deleted_s", "listener_closed_s", "dead_s"),
    ("started_s", "deleted_s"),
)
_CONTAINER_IN_ORDER = (
    ("due_s", "started_s", "listening_s", "listener_closed_s", "cut_s", "dead_s"),
    ("started_s", "sigterm_s", "sigkill_s", "dead_s"),
)
_ENDS = {
    "": (False, None),
    "stopped": (True, True),
    "liveness": (True, True),
    "startup": (True, True),
    "crashed": (True, None),
    "oom_killed": (True, None),
    "powered_off": (True, None),
}
"""For each way of ending: whether the container is dead, and whether it had its SIGTERM (None: it may have had)."""


_TAKES_MACHINES = ("shutdownNode", "nodeLoss", "spot")
"""Operations under which a container may be over before its pod is deleted, or without that."""


def _pods_live_in_order(evidence: Evidence) -> None:
    machines_go = any(record.kind in _TAKES_MACHINES for record in evidence.recording.operations)
    for pod in evidence.recording.pods:
        ended_by_node = machines_go and pod.dead_s <= pod.deleted_s
        for order in _IN_ORDER:
            names = order[1:] if ended_by_node and "dead_s" in order else order
            times = [getattr(pod, name) for name in names if known(getattr(pod, name))]
            if times != sorted(times):
                raise InvariantError(f"a pod lives in legal order, {', '.join(order)}: {life(pod)}")
        if known(pod.deleted_s) != bool(pod.deleted_by):
            raise InvariantError(f"a pod is deleted by an operation: {life(pod)}")


def _containers_live_in_order(evidence: Evidence) -> None:
    """Each container lives a legal life, and a pod's containers one after the other with the back-off between them."""
    for index, containers in evidence.instances.items():
        pod = evidence.recording.pods[index]
        for number, container in enumerate(containers, start=1):
            _lives_legally(pod, container)
            if container.instance != number or container.started_s > pod.deleted_s:
                raise InvariantError(
                    f"a pod starts one container after the other until it is deleted: "
                    f"{container_life(pod, container)}; {life(pod)}"
                )
        back_off = CrashLoopBackOff()
        for before, container in pairwise(containers):
            ended_s = before.dead_s
            if before.ended == "stopped" or not container.due_s >= ended_s + back_off.wait_s(ended_s) - 1e-9:
                raise InvariantError(
                    f"a container starts again once its back-off is over: {container_life(pod, container)}"
                )
            back_off = back_off.restarted(ended_s, container.due_s)
        # A pod that is deleted in the moment of a restart never sees the container.
        if pod.restarts - (len(containers) - 1) not in (0, 1):
            raise InvariantError(f"restarts are counted: {pod.restarts} of {life(pod)}")


def _lives_legally(pod: PodRecord, container: ContainerRecord) -> None:
    for order in _CONTAINER_IN_ORDER:
        times = [getattr(container, name) for name in order if known(getattr(container, name))]
        if times != sorted(times):
            what = container_life(pod, container)
            raise InvariantError(f"a container lives in legal order, {', '.join(order)}: {what}")
    if container.sigkill_s - container.sigterm_s < MINIMUM_CONTAINER_STOP_GRACE_S - 1e-9:
        raise InvariantError(f"SIGKILL comes at least 2 s after SIGTERM: {container_life(pod, container)}")
    dead, got_sigterm = _ENDS[container.ended]
    if known(container.dead_s) != dead or got_sigterm not in (None, known(container.sigterm_s)):
        what = container_life(pod, container)
        raise InvariantError(f"a container gets SIGTERM before it is dead, or ends by itself: {what}")


def _pods_within_surge(evidence: Evidence) -> None:
    """Non-terminating pods <= max(spec.replicas since the Deployment was last complete) + maxSurge, for each one."""
    scenario = evidence.scenario
    sizes = {scenario.deployment.name: scenario.deployment.replicas}
    sizes |= {companion.name: companion.replicas for companion in scenario.companions}
    for name, replicas in sizes.items():
        _within_surge(evidence, name, replicas)


def _within_surge(evidence: Evidence, name: str, replicas: int) -> None:
    operations = evidence.recording.operations
    pods = [pod for pod in evidence.recording.pods if name in (pod.replica_set, pod.replica_set.rpartition("-")[0])]
    wanted = [(-INFINITY, replicas)]
    scaled = [(op.start_s, op.wanted_pods) for op in operations if op.wanted_pods >= 0 and op.target == name]
    wanted += sorted(scaled, key=lambda entry: entry[0])
    done = sorted(record.done_s for record in operations if known(record.done_s))
    # A pod that its node ends is not deleted, and is replaced once it is over.
    ended = [pod.deleted_s if known(pod.deleted_s) else pod.dead_s for pod in pods]
    deleted = np.sort([ended_s for ended_s in ended if known(ended_s)])
    created = np.sort([pod.created_s for pod in pods])
    for count, at_s in enumerate(created.tolist(), start=1):
        alive = count - int(np.searchsorted(deleted, at_s, side="right"))
        since_s = max((done_s for done_s in done if done_s < at_s), default=0.0)
        before = max(index for index, (from_s, _) in enumerate(wanted) if from_s <= since_s)
        asked = [size for from_s, size in wanted[before:] if from_s <= at_s]
        asked += [size for from_s, size in wanted if from_s == since_s]
        most = max(size + _surge(evidence.scenario, size) for size in asked)
        if alive > most:
            raise InvariantError(f"non-terminating pods are at most {most}: {alive} at {at_s} s")


def _surge(scenario: Scenario, replicas: int) -> int:
    rolling = scenario.deployment.strategy.rolling_update
    strategy = Strategy(scenario.deployment.strategy.type, rolling.max_surge, rolling.max_unavailable)
    return max_surge(DeploymentSpec(replicas=replicas, strategy=strategy))


def _operations_add_up(evidence: Evidence) -> None:
    operations, counts = evidence.recording.operations, evidence.recording.counts
    for record in operations:
        if record.broken > record.exposed or record.broken_alive > record.alive:
            raise InvariantError(f"no more sessions break than are there: {record}")
        if record.born_broken > record.born_on_terminating:
            raise InvariantError(f"no more sessions break than are there: {record}")
        if record.breaks != record.lost + record.stale:
            raise InvariantError(f"a break is lost or stale: {record}")
    for name in ("breaks", "lost", "stale"):
        total = sum(getattr(record, name) for record in operations)
        if counts.get(name, 0) != total:
            raise InvariantError(f"counts agree: {name} is {counts.get(name, 0)}, the operations say {total}")
    failed = sum(counts.get(name, 0) for name in _FAILED)
    outcomes = counts.get("requests_answered", 0) + failed
    if counts.get("requests_failed", 0) != failed or counts.get("requests_sent", 0) != outcomes:
        raise InvariantError(f"counts agree: a request is answered or fails in one way: {counts}")


# Requests -----------------------------------------------------------------------------------------------------------

_FAILED = {
    "failed.bad_gateway_502": Outcome.BAD_GATEWAY,
    "failed.no_target_503": Outcome.NO_TARGET,
    "failed.timeout_504": Outcome.TIMED_OUT,
    "failed.reset": Outcome.RESET,
}


def _one_outcome_each(evidence: Evidence) -> None:
    rows, outcome = evidence.rows, evidence.outcome
    sent_s, started_s, ended_s = rows[:, SENT], rows[:, STARTED], rows[:, ENDED]
    follows, unfinished = evidence.follows, outcome == Outcome.UNFINISHED
    evidence.refuse("a request has one outcome", outcome > max(Outcome))
    evidence.refuse("only an unfinished request has no end", np.isnan(ended_s) != unfinished)
    evidence.refuse("a request that ended did so within the run", ended_s > evidence.recording.end_s)
    answered = outcome == Outcome.ANSWERED
    evidence.refuse("sent <= started <= ended", answered & ~((sent_s <= started_s) & (started_s <= ended_s)))
    evidence.refuse("sent <= ended", ~unfinished & ~(sent_s <= ended_s))
    before_s = np.concatenate([[np.nan], ended_s[:-1]])
    evidence.refuse("a session sends one request at a time", follows & ~(sent_s >= before_s))
    step = np.diff(rows[:, 1], prepend=0.0)
    evidence.refuse("a session's requests are numbered without gaps", follows & (step != 0) & (step != 1))
    again = follows & (step == 0)
    good_before = np.concatenate([[False], answered[:-1]])
    evidence.refuse("a request has one outcome: it is sent again only after a failure", again & good_before)
    to_pod = np.isin(outcome, _REACHED_A_POD)
    evidence.refuse("a request reaches a pod unless it fails before", to_pod != (evidence.container >= 0))
    timed_out = outcome == Outcome.TIMED_OUT
    limit_s = sent_s + evidence.scenario.gateway.read_timeout
    evidence.refuse("a 504 comes at the read timeout", timed_out & (ended_s != limit_s))


def _only_the_living_answer(evidence: Evidence) -> None:
    sent_s, ended_s, outcome = evidence.rows[:, SENT], evidence.rows[:, ENDED], evidence.outcome
    reached = evidence.container >= 0
    opened_s = evidence.of_container(lambda container: container.listening_s)
    closed_s = evidence.of_container(lambda container: container.listener_closed_s)
    cut_s = evidence.of_container(lambda container: container.cut_s)
    evidence.refuse("a request reaches a pod only once it listens", reached & ~(sent_s >= opened_s))
    # At one instant the container's end comes before new sends, and a completion before both; but a session that is
    # one too many for the memory is sent first.
    out_of_memory = evidence.of_container(lambda container: container.ended == "oom_killed") == 1.0
    too_late = (sent_s >= closed_s) & ~(out_of_memory & (sent_s == closed_s))
    evidence.refuse("a request reaches a pod only while it listens", reached & too_late)
    evidence.refuse("a dead container answers nothing", (outcome == Outcome.ANSWERED) & (ended_s > cut_s))
    evidence.refuse("a request is cut by its container's end", (outcome == Outcome.RESET) & (ended_s != cut_s))


def _slots_and_queue(evidence: Evidence) -> None:
    limit = evidence.scenario.app.concurrency
    rows, container = evidence.rows, evidence.container
    for index in np.unique(container[container >= 0]):
        here = np.flatnonzero(container == index)
        here = here[np.lexsort((rows[here, STARTED], rows[here, SENT]))]
        # A request that was cut, timed out or left open in the queue was never in service.
        waited_in_vain = ~(rows[here, STARTED] < rows[here, ENDED]) & (evidence.outcome[here] != Outcome.ANSWERED)
        began = ~np.isnan(rows[here, STARTED]) & ~(waited_in_vain & ~np.isnan(rows[here, ENDED]))
        here = here[began]
        started_s, ended_s = rows[here, STARTED], np.nan_to_num(rows[here, ENDED], nan=INFINITY)
        late = np.flatnonzero(np.diff(started_s) < 0)
        if len(late):
            raise InvariantError(f"first come, first served: {evidence.describe(int(here[late[0] + 1]))}")
        served = started_s < ended_s
        here, started_s, ended_s = here[served], started_s[served], ended_s[served]
        times = np.concatenate([ended_s, started_s])
        change = np.concatenate([-np.ones(len(here)), np.ones(len(here))])
        order = np.argsort(times, kind="stable")  # an end comes before a start at the same instant
        full = np.flatnonzero(np.cumsum(change[order]) > limit)
        if len(full):
            row = int(here[order[full[0]] - len(here)])
            raise InvariantError(f"at most {limit} requests are in service: {evidence.describe(row)}")


def _breaks_need_state(evidence: Evidence) -> None:
    kind, outcome = evidence.fields["kind"], evidence.outcome
    broke = kind != Kind.NONE
    evidence.refuse("only an answered request breaks a session", broke & (outcome != Outcome.ANSWERED))
    answered = np.cumsum(outcome == Outcome.ANSWERED)
    first = np.flatnonzero(~evidence.follows)
    length = np.diff(np.append(first, len(kind)))
    before_session = np.repeat(answered[first] - (outcome[first] == Outcome.ANSWERED), length)
    earlier = answered - (outcome == Outcome.ANSWERED) - before_session
    from_before_the_run = np.repeat(evidence.rows[first, 1] > 1, length)
    evidence.refuse("a session breaks only after a first answer", broke & (earlier == 0) & ~from_before_the_run)
    if evidence.scenario.app.state == "external":
        evidence.refuse("state outside the pods cannot be lost", broke)


def _sessions_stick(evidence: Evidence) -> None:
    """With a jar, a session does not move while the node lists its target and the target listens."""
    if not evidence.sticky or evidence.scenario.gateway.cookie_on_retry != "rebind_cookie":
        return
    container, answered = evidence.container, evidence.outcome == Outcome.ANSWERED
    moved = evidence.follows & evidence.has_jar & answered
    moved[1:] &= answered[:-1] & (container[1:] != container[:-1])
    for row in np.flatnonzero(moved).tolist():
        home, sent_s = evidence.pod_of(row - 1), evidence.rows[row, SENT]
        closed_s = evidence.container_of(row - 1).listener_closed_s
        if home.pod in evidence.table_of(row) and not sent_s >= closed_s:
            raise InvariantError(f"a session stays on its pod while it can: {evidence.describe(row)}; {life(home)}")


def _weight_zero_takes_no_new_session(evidence: Evidence) -> None:
    brings_none = ~evidence.has_jar if evidence.sticky else np.ones(len(evidence.rows), bool)
    brings_none |= ~evidence.follows & (evidence.rows[:, 1] == 1)
    leaving = evidence.of_pod(lambda pod: pod.deleted_s) <= evidence.rows[:, SENT]
    for row in np.flatnonzero(brings_none & leaving).tolist():
        if evidence.table_of(row).get(evidence.pod_of(row).pod, 0) == 0:
            raise InvariantError(f"a target without weight takes no new session: {evidence.describe(row)}")


def _rows_agree_with_counts(evidence: Evidence) -> None:
    settled = evidence.rows[:, SENT] >= evidence.recording.settle_s
    outcome, cause = evidence.outcome[settled], evidence.fields["cause"]
    broke = evidence.fields["kind"] != Kind.NONE
    found = {
        "requests_answered": int((outcome == Outcome.ANSWERED).sum()),
        "requests_unfinished": int((outcome == Outcome.UNFINISHED).sum()),
        "breaks": int((broke & (cause > 0)).sum()),
        "breaks_background": int((broke & (cause == 0) & settled).sum()),
        **{key: int((outcome == failure).sum()) for key, failure in _FAILED.items()},
    }
    for name, number in found.items():
        if evidence.recording.counts.get(name, 0) != number:
            told = evidence.recording.counts.get(name, 0)
            raise InvariantError(f"counts agree with rows: {name} is {told}, the rows say {number}")


def _per_session(counted: Mask, first: npt.NDArray[np.intp]) -> Integers:
    return np.add.reduceat(counted.astype(np.int64), first) if len(first) else np.empty(0, np.int64)


def _rows_agree_with_sessions(evidence: Evidence) -> None:
    sessions = evidence.session_rows
    column = {name: sessions[:, index] for index, name in enumerate(SESSION_COLUMNS)}
    numbers, first = np.unique(evidence.rows[:, 0], return_index=True)
    order = np.argsort(column["session"], kind="stable")
    if len(np.unique(column["session"])) != len(sessions):
        raise InvariantError("a session is recorded once")
    known = order[np.searchsorted(column["session"], numbers, sorter=order).clip(max=max(0, len(order) - 1))]
    if len(numbers) and (not len(known) or (column["session"][known] != numbers).any()):
        raise InvariantError("a session that sent a request is recorded")
    step = np.diff(evidence.rows[:, 1], prepend=0.0)
    failure = np.isin(evidence.outcome, list(_FAILED.values()))
    broke = evidence.fields["kind"] != Kind.NONE
    caused = broke & (evidence.fields["cause"] > 0)
    tallies = {
        "requests": ~evidence.follows | (step != 0),
        "failed": failure,
        "breaks_caused": caused,
        "breaks_background": broke & ~caused,
    }
    # What an unfinished request was going to do to its session is in the session's counts already.
    unfinished = _per_session(evidence.outcome == Outcome.UNFINISHED, first)
    for name, counted in tallies.items():
        tally = _per_session(counted, first)
        beyond = column[name][known] - tally
        wrong = np.flatnonzero((beyond < 0) | (beyond > (0 if name == "requests" else unfinished)))
        if len(wrong):
            number = numbers[wrong[0]]
            told, rows = int(column[name][known][wrong[0]]), int(tally[wrong[0]])
            raise InvariantError(f"sessions agree with rows: {name} of {number:.0f} is {told}, the rows say {rows}")


_ALWAYS = (_clock, _pods_live_in_order, _containers_live_in_order, _pods_within_surge, _operations_add_up)
_WITH_REQUESTS = (
    _one_outcome_each,
    _only_the_living_answer,
    _slots_and_queue,
    _breaks_need_state,
    _sessions_stick,
    _weight_zero_takes_no_new_session,
    _rows_agree_with_counts,
    _rows_agree_with_sessions,
)
