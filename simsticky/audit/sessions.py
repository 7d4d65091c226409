"""Sessions: what breaks them, and what keeps them where they are."""

import numpy as np

from simsticky.audit.evidence import Evidence, life, per_session
from simsticky.errors import InvariantError
from simsticky.kong.cookie import path_match
from simsticky.recording.record import SENT, Kind, Outcome
from simsticky.scenario.traffic import Traffic
from simsticky.scenario.upstream_settings import hash_on


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
        earlier = per_session(met_a_pod, first).repeat(length) - met_a_pod
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
    if scenario.gateway.slow_start:
        return  # a weight that grows changes the ring without a push (rule G17)
    same_key = np.ones(len(evidence.rows), bool)
    if "cookie" in kinds:
        covered = _covers(on.cookie_path, traffic)
        if traffic.tabs > 1 or traffic.cookies.clear or traffic.other_upstream is not None or not covered:
            return
        same_key = evidence.has_jar
    # A map is in order of age (rule G18): a push finds the same addresses in another order once they are other pods'.
    by_age = scenario.gateway.hash_method == "modulo" and scenario.kubernetes.pod_addresses == "reuse"
    once = (evidence.outcome == Outcome.ANSWERED) & ~evidence.sent_again
    moved = evidence.follows & same_key & once
    moved[1:] &= once[:-1] & (evidence.container[1:] != evidence.container[:-1])
    for row in np.flatnonzero(moved).tolist():
        node, before_s = evidence.node_of(row - 1), evidence.rows[row - 1, SENT]
        tables = evidence.tables_between(node, before_s, evidence.rows[row, SENT])
        same_table = len(tables) == 1 if by_age else all(table == tables[0] for table in tables)
        unchanged = evidence.node_of(row) == node and same_table
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


CHECKS = (_breaks_need_state, _sessions_stick, _keys_stay, _weight_zero_takes_no_new_session)
