"""What each of Kong's algorithms does with sessions in the running model: whom it picks, and whose breaks these are."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from small_scenario import small
from stories import DRAIN_OFF, Story, hashed, merged, plain, rollout, scale_to, tell

from simsticky.kong.algorithms.consistent_hashing import ConsistentHashing
from simsticky.kong.balancer import Balancer
from simsticky.kong.upstream import Target
from simsticky.recording.record import CODE, CONTAINER, Kind, Outcome, unpack_columns
from simsticky.sim.simulation import Simulation

_ONE_BY_ONE = [[10.0 + i] for i in range(12)]


def first_pods(story: Story, clients: int) -> list[str]:
    """Return the pod of each client's first request."""
    return [story.requests(session)[0].pod for session in range(clients)]


# Least connections and latency ----------------------------------------------------------------------------------------


def test_least_connections_alternates_between_two_of_three_pods(tmp_path: Path) -> None:
    """Kong's heap settles ties in its own way: one request at a time never reaches the third pod."""
    picked = first_pods(tell(tmp_path, _ONE_BY_ONE, plain("least-connections")), 12)
    assert len(set(picked[0::2])) == len(set(picked[1::2])) == 1
    assert len(set(picked)) == 2


def test_least_connections_gives_concurrent_requests_a_pod_each(tmp_path: Path) -> None:
    """Three requests at once are on three pods, and a slow one keeps the others away."""
    story = tell(tmp_path, [[10.0 + i / 8] for i in range(3)], plain("least-connections"), service_s=4.0)
    assert len(set(first_pods(story, 3))) == 3


def test_least_connections_forgets_at_every_push(tmp_path: Path) -> None:
    """Requests in flight are not counted any more, so the busy pod is picked again."""
    clients = [[10.0], [10.5]]
    push = {"timeline": [{"at": 10.25, "configPush": "all"}]}
    kept, forgot = (
        first_pods(tell(tmp_path, clients, plain("least-connections"), *more, service_s=4.0), 2)
        for more in ([], [push])
    )
    assert kept[0] != kept[1]
    assert forgot[0] == forgot[1]


def test_latency_stampedes_to_one_pod_after_every_rebuild(tmp_path: Path) -> None:
    """Until the first response is logged every request goes to the same pod."""
    herds = [[start_s + i / 64] for start_s in (10.0, 20.0) for i in range(12)]
    push = {"timeline": [{"at": 19.0, "configPush": "all"}]}
    quiet, pushed = (first_pods(tell(tmp_path, herds, plain("latency"), *more), 24) for more in ([], [push]))
    assert len(set(quiet[:12])) == len(set(pushed[:12])) == len(set(pushed[12:])) == 1
    # The first response has come: the untouched pods score 0 still.
    later = first_pods(tell(tmp_path, [[10.0], [10.5], [11.0], [11.5]], plain("latency")), 3)
    assert len(set(later)) == 3


def test_latency_prefers_the_pod_that_answers_sooner(tmp_path: Path) -> None:
    """A pod whose queue made a request wait is left alone while others have been quick."""
    slow = {"app": {"concurrency": 1}}
    # Twenty at once queue on the first pod; then one each for the other two; then it is known who is slow.
    clients = [[10.0 + i / 128] for i in range(20)] + [[16.0], [17.0]] + [[18.0 + i / 2] for i in range(6)]
    picked = first_pods(tell(tmp_path, clients, plain("latency"), slow), 28)
    assert len(set(picked[:20])) == 1
    assert len({picked[0], picked[20], picked[21]}) == 3
    assert picked[0] not in picked[22:]


# Without affinity -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["empty", "equilibrium"])
def test_request_sent_again_knows_where_its_session_has_been(start: str) -> None:
    """Who answers at the second attempt holds an older copy, if the session was there.

    See rule B2.
    """
    scenario = small(
        [{"at": at_s, "crash": "app", "count": 2} for at_s in (30.0, 45.0, 60.0, 75.0)],
        run__start=start,
        run__until=80.0,
        app__concurrency=16,
        traffic__idempotent=1.0,
        traffic__service=2.0,
        upstream={"algorithm": "round-robin"},
    )
    recording = Simulation(scenario, seed=1, replication=0).run()
    rows = np.concatenate(recording.request_blocks)
    fields = unpack_columns(rows[:, CODE])
    lived_on = {int(row[0]): {int(row[8])} for row in recording.session_rows}
    seen = Counter[tuple[bool, int]]()
    for place in np.lexsort((rows[:, 1], rows[:, 0])):
        session, container = int(rows[place, 0]), int(rows[place, CONTAINER])
        if fields["outcome"][place] != Outcome.ANSWERED:
            continue
        if fields["kind"][place] != Kind.NONE and fields["attempts"][place] > 1:
            seen[container in lived_on[session], int(fields["kind"][place])] += 1
        lived_on[session].add(container)
    assert set(seen) == {(True, Kind.STALE), (False, Kind.LOST)}


@pytest.mark.parametrize("algorithm", ["round-robin", "least-connections", "latency"])
def test_without_affinity_breaks_are_background_even_in_a_rollout(algorithm: str, tmp_path: Path) -> None:
    """A session that never stays anywhere is not broken by an operation."""
    clients = [[1.0 + i / 4, *(20.0 + i / 4 + 5.0 * k for k in range(40))] for i in range(6)]
    story = tell(tmp_path, clients, plain(algorithm), rollout())
    broke = Counter((how, why) for session in range(6) for _, _, how, why in story.breaks(session))
    assert set(broke) == {("no_cookie", "background")}
    assert story.summary["breaks"] == 0
    assert story.summary["breaks_background"] == broke.total() > 0


# Consistent hashing: the key ------------------------------------------------------------------------------------------

_MANY = [[1.0 + i / 8, *(20.0 + i / 8 + 5.0 * k for k in range(6))] for i in range(30)]


@pytest.mark.parametrize("on", [{"input": "ip"}, {"input": "consumer"}, {"header": "X-User"}, {"queryArg": "user"}])
def test_same_key_reaches_the_same_pod(on: dict[str, str], tmp_path: Path) -> None:
    """Each session, with a value of its own, stays on one pod, and all pods are used."""
    story = tell(tmp_path, _MANY, hashed(**on))
    assert all(len(set(story.answered_by(session))) == 1 for session in range(30))
    assert len(set(first_pods(story, 30))) == 3
    assert story.summary["breaks_background"] == 0


def test_clients_behind_one_address_share_a_pod(tmp_path: Path) -> None:
    """Behind a proxy all clients have one address, and one pod has everybody."""
    story = tell(tmp_path, _MANY, hashed(input="ip"), {"traffic": {"identifiers": {"ip": {"values": 1}}}})
    assert len(set(first_pods(story, 30))) == 1


def test_hash_on_none_sends_everybody_to_one_pod(tmp_path: Path) -> None:
    """The key is empty, also where the only identifier is missing and there is no fallback."""
    nobody = {"traffic": {"identifiers": {"header": {"present": 0.0}}}}
    assert len(set(first_pods(tell(tmp_path, _MANY, hashed(input="none")), 30))) == 1
    assert len(set(first_pods(tell(tmp_path, _MANY, hashed(header="X-User"), nobody), 30))) == 1


def test_fallback_is_for_those_without_the_first_input(tmp_path: Path) -> None:
    """Sessions without the header are told apart by their addresses."""
    nobody = {"traffic": {"identifiers": {"header": {"present": 0.0}}}}
    by_ip = first_pods(tell(tmp_path, _MANY, hashed(input="ip")), 30)
    assert first_pods(tell(tmp_path, _MANY, hashed({"input": "ip"}, header="X-User"), nobody), 30) == by_ip


def test_hash_on_path_goes_by_the_path_alone(tmp_path: Path) -> None:
    """Under hashOn path one path is one pod for everybody; a session of several paths meets their pods."""
    one = {"traffic": {"path": "/shop"}}
    assert len(set(first_pods(tell(tmp_path, _MANY, hashed(input="path"), one), 30))) == 1
    names = ["/shop", "/cart", "/help", "/about", "/news"]
    several = {"traffic": {"paths": [{"path": name, "share": 0.2} for name in names]}}
    story = tell(tmp_path, _MANY, hashed(input="path"), several)
    assert max(len(set(story.answered_by(session))) for session in range(30)) > 1
    assert story.summary["breaks_background"] > 0


def test_generated_cookie_is_kept_by_a_jar_and_new_without(tmp_path: Path) -> None:
    """Kong generates a key, which jars bring back; without a jar each request has a new one.

    See rule C8.
    """
    by_cookie = hashed(cookie="session_id", cookiePath="/")
    story = tell(tmp_path, _MANY, by_cookie)
    assert all(len(set(story.answered_by(session))) == 1 for session in range(30))
    assert len(set(first_pods(story, 30))) == 3
    jarless = tell(tmp_path, _MANY, by_cookie, {"traffic": {"cookies": {"keep": 0}}})
    assert sum(len(set(jarless.answered_by(session))) > 1 for session in range(30)) > 20
    assert {how for session in range(30) for _, _, how, _ in jarless.breaks(session)} == {"no_cookie"}
    assert jarless.summary["breaks"] == 0


# Sessions moved -------------------------------------------------------------------------------------------------------

_BUSY = [[1.0 + i / 16, 150.0 + i / 16, 200.0 + i / 16] for i in range(60)]


def test_sticky_sessions_move_nobody_on_a_scale_up(tmp_path: Path) -> None:
    """A fourth pod gets new sessions only."""
    story = tell(tmp_path, [*_BUSY, *([190.0 + i] for i in range(4))], scale_to(4))
    assert all(len(set(story.answered_by(session))) == 1 for session in range(60))
    assert story.pods[-1].pod in {story.answered_by(session)[0] for session in range(60, 64)}
    assert story.summary["breaks"] == story.summary["breaks_background"] == 0


def test_sticky_sessions_move_exactly_those_of_the_removed_pod(tmp_path: Path) -> None:
    """A session whose pod is gone moves once, and nobody else does."""
    four = {"deployment": {"replicas": 4}}
    story = tell(tmp_path, _BUSY, four, scale_to(3))
    moved = [session for session in range(60) if len(set(story.answered_by(session))) > 1]
    assert moved == story.at_home_on(story.removed.pod)
    assert len(moved) == 15
    assert all(len(story.breaks(session)) == 1 for session in moved)


def test_rehash_on_a_scale_up_is_the_operations(tmp_path: Path) -> None:
    """Keys that a new pod takes over break sessions whose old pod still serves.

    See rules B10 and B11.
    """
    story = tell(tmp_path, _BUSY, hashed(input="ip"), scale_to(4))
    new = story.pods[-1].pod
    moved = [session for session in range(60) if story.breaks(session)]
    assert moved
    for session in moved:
        ((sent_s, broke, how, why),) = story.breaks(session)
        assert (sent_s, broke, how, why) == (_BUSY[session][1], "lost", "rehashed", "retargeted")
        assert [row.operation for row in story.requests(session)] == [0, 1, 0]
    takers = Counter(story.answered_by(session)[-1] for session in moved)
    assert takers[new] >= 0.9 * len(moved)  # a few keys move between old pods by collisions of points
    assert story.summary["breaks"] == len(moved)


def test_hashing_leaves_a_draining_pod_at_once(tmp_path: Path) -> None:
    """With weight 0 a pod has no points, although it still serves (rule G13)."""
    clients = [[1.0 + i / 16, 105.0 + i / 16, 120.0 + i / 16] for i in range(60)]
    story = tell(tmp_path, clients, hashed(input="ip"), scale_to(2))
    gone = story.removed
    assert gone.listener_closed_s == 130.0
    bound = story.at_home_on(gone.pod)
    moved = [session for session in range(60) if story.breaks(session)]
    assert bound
    assert set(bound) < set(moved)  # drained, it counts in everyone's points still
    for session in moved:
        assert story.breaks(session) == [(clients[session][1], "lost", "rehashed", "retargeted")]
    assert gone.pod not in {pod for session in range(60) for pod in story.answered_by(session)[1:]}


def test_without_drain_support_hashing_moves_the_removed_pods_keys(tmp_path: Path) -> None:
    """All of its sessions move by the push, and the origin is drain_off."""
    clients = [[1.0 + i / 16, 105.0 + i / 16] for i in range(60)]
    story = tell(tmp_path, clients, hashed(input="ip"), scale_to(2), DRAIN_OFF)
    bound = story.at_home_on(story.removed.pod)
    assert bound
    for session in bound:
        assert story.breaks(session) == [(clients[session][1], "lost", "target_removed", "drain_off")]


# Consistent hashing against Kong's figures ----------------------------------------------------------------------------

_KEYS = 1500
_FAST = [[1.0 + i / 64, 200.0 + i / 64] for i in range(_KEYS)]


def _owners(before: list[Target], after: list[Target]) -> float:
    """Return the share of all points of the ring whose owner changes."""
    owners = []
    for targets in (before, after):
        algorithm = ConsistentHashing()
        Balancer(targets, algorithm)
        owners.append(algorithm.owners)
    return sum(was != now for was, now in zip(*owners, strict=True)) / len(owners[0])


@pytest.mark.parametrize(
    ("drain", "grace", "replicas", "recorded"),
    [
        pytest.param(False, "60s", 2, 0.32345, id="remove-last-of-3"),
        pytest.param(True, "300s", 2, 0.42285, id="drain-last-of-3-to-weight-0"),
        pytest.param(False, "60s", 4, 0.2319, id="add-one-to-3"),
    ],
)
def test_share_of_sessions_moved_is_that_of_kongs_ring(
    drain: bool, grace: str, replicas: int, recorded: float, tmp_path: Path
) -> None:
    """The share of sessions that move is the ring's own for these addresses, and the one recorded from Kong.

    The keys vary as a sample does; the recorded share is one of other addresses, which vary by about 0.02 as 160
    points a target do (``tests/validation/test_kong_moves.py`` measures it).
    """
    settings = merged(
        hashed(input="ip"),
        scale_to(replicas),
        {"kic": {"enableDrainSupport": drain}, "deployment": {"grace": grace, "preStop": "4m" if drain else "30s"}},
    )
    story = tell(tmp_path, _FAST, settings)
    moved = sum(len(set(story.answered_by(session))) > 1 for session in range(_KEYS)) / _KEYS
    old = [Target(pod.address, 100) for pod in story.pods[:3]]
    new = [Target(pod.address, 100) for pod in story.pods if pod.deleted_s != pod.deleted_s]
    if drain:
        new.append(Target(story.removed.address, 0))
    exact = _owners(old, new)
    of_keys = (exact * (1 - exact) / _KEYS) ** 0.5
    assert abs(moved - exact) <= 4 * of_keys
    assert abs(moved - recorded) <= 4 * (of_keys**2 + 0.02**2) ** 0.5
    assert story.summary["breaks"] == round(moved * _KEYS)
