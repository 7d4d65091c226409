"""What must be true of every run, whatever the scenario: checked on a recording, for ``--verify`` and the tests.

Nothing here is used by the model, and nothing of the model is used here: the checks see only what was recorded.
Below the record level ``requests`` only those run whose rows were kept.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from simsticky.errors import InvariantError
from simsticky.kong.cookie import path_match
from simsticky.kubernetes.pod import MINIMUM_CONTAINER_STOP_GRACE_S, CrashLoopBackOff
from simsticky.scenario.model import Scenario
from simsticky.scenario.traffic import Traffic
from simsticky.scenario.upstream_settings import hash_on
from simsticky.sim.connection_invariants import WITH_CONNECTIONS
from simsticky.sim.evidence import INFINITY, ROUNDING_S, Evidence, Integers, Mask, container_life, known, life
from simsticky.sim.recording import (
    CODE,
    CONTAINER,
    ENDED,
    MAX_ATTEMPTS,
    SENT,
    SESSION_COLUMNS,
    STARTED,
    ContainerRecord,
    Kind,
    Outcome,
    PodRecord,
    Recording,
    unpack_columns,
)

_REACHED_A_POD = (Outcome.ANSWERED, Outcome.RESET)
_REACHED_NO_POD = (Outcome.BAD_GATEWAY, Outcome.NO_TARGET)
"""A request that timed out or is open may have met a pod, or still wait for a connection."""


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
        # What is sent again is written down when its last attempt is made.
        at_once = block[unpack_columns(block[:, CODE])["attempts"] == 1]
        at_once = at_once[~((at_once[:, CONTAINER] < 0) & (at_once[:, ENDED] != at_once[:, SENT]))]
        if (np.diff(at_once[:, SENT]) < 0).any():
            row = int(np.argmax(np.diff(at_once[:, SENT]) < 0))
            raise InvariantError(f"the clock never runs back: a request is sent before {at_once[row, SENT]} s")


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
        # A node that ends a pod does not wait for its deletion, which may come in between or afterwards.
        ended_by_node = machines_go and any(end_s <= pod.deleted_s for end_s in (pod.sigterm_s, pod.dead_s))
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
    scenario, operations = evidence.scenario, evidence.recording.operations
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
        most = max(size + scenario.deployment.surge(size) for size in asked)
        if alive > most:
            raise InvariantError(f"non-terminating pods are at most {most}: {alive} at {at_s} s")


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
    reached = evidence.container >= 0
    fails = np.isin(outcome, _REACHED_A_POD) & ~reached | np.isin(outcome, _REACHED_NO_POD) & reached
    evidence.refuse("a request reaches a pod unless it fails before", fails)
    _one_at_a_time_each_tab(evidence)
    if evidence.scenario.traffic.tabs == 1:
        step = np.diff(rows[:, 1], prepend=0.0)
        evidence.refuse("a session's requests are numbered without gaps", follows & (step != 0) & (step != 1))


def _one_at_a_time_each_tab(evidence: Evidence) -> None:
    """A session has no more requests open than tabs, and sends a request again only after its failure."""
    rows, tabs = evidence.rows, evidence.scenario.traffic.tabs
    sent_s, ended_s = rows[:, SENT], np.nan_to_num(rows[:, ENDED], nan=INFINITY)
    in_time = ended_s[np.lexsort((ended_s, rows[:, 0]))]
    free_s = np.concatenate([np.full(min(tabs, len(rows)), -INFINITY), in_time[:-tabs]])
    same = np.concatenate([np.zeros(min(tabs, len(rows)), bool), rows[tabs:, 0] == rows[:-tabs, 0]])
    most = "one request" if tabs == 1 else f"{tabs} requests"
    evidence.refuse(f"a session sends {most} at a time", same & ~(sent_s >= free_s))
    by_number = np.lexsort((sent_s, rows[:, 1], rows[:, 0]))
    again = (np.diff(rows[by_number, :2], axis=0, prepend=np.nan) == 0).all(axis=1)
    good_before = np.concatenate([[False], evidence.outcome[by_number][:-1] == Outcome.ANSWERED])
    wrong = np.zeros(len(rows), bool)
    wrong[by_number] = again & good_before
    evidence.refuse("a request has one outcome: it is sent again only after a failure", wrong)


def _timeouts_are_in_time(evidence: Evidence) -> None:
    """A 504 comes at the timeout of its last attempt, earlier ones having cost one timeout each at most."""
    sent_s, ended_s, gateway = evidence.rows[:, SENT], evidence.rows[:, ENDED], evidence.scenario.gateway
    timed_out, reached = evidence.outcome == Outcome.TIMED_OUT, evidence.container >= 0
    limit_s = np.where(reached, gateway.read_timeout, gateway.connect_timeout)
    first = timed_out & ~evidence.sent_again
    evidence.refuse("a 504 comes at the read timeout", first & reached & (ended_s != sent_s + limit_s))
    evidence.refuse("a 504 comes at the connect timeout", first & ~reached & (ended_s != sent_s + limit_s))
    later = timed_out & evidence.sent_again
    took_s = ended_s - sent_s
    most_s = limit_s + (evidence.fields["attempts"] - 1) * max(gateway.read_timeout, gateway.connect_timeout)
    in_time = (took_s >= limit_s - ROUNDING_S) & (took_s <= most_s + ROUNDING_S)
    evidence.refuse("a 504 comes at the timeout of its last attempt", later & ~in_time)
    attempts = evidence.fields["attempts"]
    most = min(1 + gateway.retries, MAX_ATTEMPTS)
    evidence.refuse(f"a request has at most {most} attempts", (attempts < 1) | (attempts > most))


def _only_the_living_answer(evidence: Evidence) -> None:
    ended_s, outcome = evidence.rows[:, ENDED], evidence.outcome
    earliest_s, latest_s = evidence.arrived_between
    reached = evidence.container >= 0
    opened_s = evidence.of_container(lambda container: container.listening_s)
    closed_s = evidence.of_container(lambda container: container.listener_closed_s)
    cut_s = evidence.of_container(lambda container: container.cut_s)
    evidence.refuse("a request reaches a pod only once it listens", reached & ~(latest_s >= opened_s))
    # At one instant the container's end comes before new sends, and a completion before both; but a session that is
    # one too many for the memory is sent first.
    out_of_memory = evidence.of_container(lambda container: container.ended == "oom_killed") == 1.0
    too_late = (earliest_s >= closed_s) & ~(out_of_memory & (earliest_s == closed_s))
    evidence.refuse("a request reaches a pod only while it listens", reached & ~evidence.message & too_late)
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
        at_once = ~evidence.sent_again[here]
        late = np.flatnonzero(np.diff(started_s[at_once]) < 0)
        if len(late):
            raise InvariantError(f"first come, first served: {evidence.describe(int(here[at_once][late[0] + 1]))}")
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
    if evidence.scenario.traffic.tabs > 1:
        # State is where the latest request went, answered yet or not; it stays there though that one is cut.
        met_a_pod = (evidence.container >= 0) | evidence.sent_again
        earlier = _per_session(met_a_pod, first).repeat(length) - met_a_pod
    evidence.refuse("a session breaks only after a first answer", broke & (earlier == 0) & ~from_before_the_run)
    if evidence.scenario.app.state == "external":
        evidence.refuse("state outside the pods cannot be lost", broke)


def _sessions_stick(evidence: Evidence) -> None:
    """With a jar, a session does not move while the node lists its target, and the target listens and is healthy.

    Only where the client brings its latest cookie to every request, and nobody else overwrites it.
    """
    gateway, traffic = evidence.scenario.gateway, evidence.scenario.traffic
    sticky = evidence.scenario.upstream.sticky_sessions
    if not evidence.sticky or sticky is None or gateway.cookie_on_retry != "rebind_cookie":
        return
    covered = _covers(sticky.cookie_path, traffic)
    if traffic.tabs > 1 or traffic.cookies.clear or traffic.other_upstream is not None or not covered:
        return
    container, answered = evidence.container, evidence.outcome == Outcome.ANSWERED
    moved = evidence.follows & evidence.has_jar & answered
    moved[1:] &= answered[:-1] & (container[1:] != container[:-1])
    for row in np.flatnonzero(moved).tolist():
        home, arrived_s = evidence.pod_of(row - 1), evidence.arrived_between[1][row]
        if evidence.sent_again[row] and traffic.idempotent:
            continue  # its pod may have been too slow, or have died under it
        if gateway.sticky_on_unhealthy == "rebind" and home.address in evidence.unhealthy_of(row):
            continue
        judged = evidence.scenario.upstream.healthchecks is not None
        reuses = evidence.scenario.kubernetes.pod_addresses == "reuse"
        if reuses and (judged or gateway.sticky_identity == "by_target_id"):
            continue  # the address may be another target by now, or have brought an old verdict with it
        weight = evidence.table_of(row).get(home.address)
        if not weight and (weight is None or gateway.sticky_on_weight_zero == "rebind"):
            continue
        if not arrived_s >= evidence.container_of(row - 1).listener_closed_s:
            raise InvariantError(f"a session stays on its pod while it can: {evidence.describe(row)}; {life(home)}")


def _covers(cookie_path: str, traffic: Traffic) -> bool:
    """Return whether a cookie goes with every request of a client; one without a path of its own may not."""
    return cookie_path.startswith("/") and all(path_match(entry.path, cookie_path) for entry in traffic.path_shares)


def _keys_stay(evidence: Evidence) -> None:
    """Hashed by what never changes, a session stays where it is while its node's table and verdicts do."""
    scenario = evidence.scenario
    on, traffic = hash_on(scenario), scenario.traffic
    kinds = {on.input.kind, on.fallback.kind} if on.input.kind != "none" else {"none"}
    if scenario.upstream.algorithm != "consistent-hashing" or traffic.connections.long_lived:
        return  # or a connection has outlived the table that led to it
    if "path" in kinds and len(traffic.paths) > 1:
        return
    same_key = np.ones(len(evidence.rows), bool)
    if "cookie" in kinds:
        covered = _covers(on.cookie_path, traffic)
        if traffic.tabs > 1 or traffic.cookies.clear or traffic.other_upstream is not None or not covered:
            return
        same_key = evidence.has_jar
    once = (evidence.outcome == Outcome.ANSWERED) & ~evidence.sent_again
    moved = evidence.follows & same_key & once
    moved[1:] &= once[:-1] & (evidence.container[1:] != evidence.container[:-1])
    for row in np.flatnonzero(moved).tolist():
        node, before_s = evidence.node_of(row - 1), evidence.rows[row - 1, SENT]
        tables = evidence.tables_between(node, before_s, evidence.rows[row, SENT])
        unchanged = evidence.node_of(row) == node and all(table == tables[0] for table in tables)
        if unchanged and not evidence.judged_between(node, before_s, evidence.rows[row, SENT]):
            home = evidence.pod_of(row - 1)
            if home.address != evidence.pod_of(row).address:
                raise InvariantError(f"a key stays on its pod: {evidence.describe(row)}; {life(home)}")


def _weight_zero_takes_no_new_session(evidence: Evidence) -> None:
    algorithm = evidence.scenario.upstream.algorithm
    if algorithm == "latency":
        return  # without weight a score is no number, and wins where it comes first (rule G12)
    brings_none = ~evidence.has_jar if evidence.sticky else np.ones(len(evidence.rows), bool)
    brings_none |= ~evidence.follows & (evidence.rows[:, 1] == 1)
    brings_none &= ~evidence.message
    if algorithm == "least-connections":
        brings_none &= evidence.fields["attempts"] == 1  # a retry may, once all others have failed
    leaving = evidence.of_pod(lambda pod: pod.deleted_s) <= evidence.rows[:, SENT]
    for row in np.flatnonzero(brings_none & leaving).tolist():
        tables = [evidence.table_of(row)]
        if evidence.sent_again[row]:
            tables = evidence.tables_between(evidence.node_of(row), evidence.rows[row, SENT], evidence.recording.end_s)
        if all(table.get(evidence.pod_of(row).address, 0) == 0 for table in tables):
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


def _first_sends(evidence: Evidence) -> Mask:
    """Return which rows are the first of their request."""
    _, first = np.unique(evidence.rows[:, :2], axis=0, return_index=True)
    is_first = np.zeros(len(evidence.rows), bool)
    is_first[first] = True
    return is_first


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
    failure = np.isin(evidence.outcome, list(_FAILED.values()))
    broke = evidence.fields["kind"] != Kind.NONE
    caused = broke & (evidence.fields["cause"] > 0)
    tallies = {
        "requests": _first_sends(evidence),
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
    _timeouts_are_in_time,
    _only_the_living_answer,
    _slots_and_queue,
    _breaks_need_state,
    _sessions_stick,
    _keys_stay,
    _weight_zero_takes_no_new_session,
    _rows_agree_with_counts,
    _rows_agree_with_sessions,
    *WITH_CONNECTIONS,
)
