"""The rules of the hot path, each here once: functions of columns and numbers.

Interpreted they index lists; compiled, arrays. They are in the part of Python that Numba compiles, and compiled they
must do the same to the last bit: no slices, no mixed signedness, no NumPy functions. ``s`` is the plane's state
(``columns.py:State``), a ``place`` one of its sessions'.
"""

from typing import Any

from simsticky.kong.picks import latency_feedback, least_release
from simsticky.sim.plane.fields import (
    ADMITTED,
    AHEAD,
    ANSWERED,
    ARRIVAL,
    ARRIVAL_FIRST,
    ARRIVAL_JAR,
    ARRIVAL_KEY,
    ARRIVAL_LAST,
    ARRIVAL_SLOW,
    ARRIVAL_WORKER,
    ARRIVALS,
    ARRIVING,
    BACKGROUND,
    BALANCER,
    BEFORE,
    BEGINS,
    BORN,
    BROKE,
    BROKE_BEFORE,
    BY_COOKIE,
    CAME_FROM,
    CONNECTED,
    COOKIE,
    CURSOR,
    DELETED_BY,
    DOOMED,
    DOOMED_BEFORE,
    DROPPED,
    ENDED,
    ENDED_BEFORE,
    ENDLESS,
    ENOUGH_LEFT,
    EXPIRES,
    FAILED,
    FIRST,
    FIRST_ARRIVAL,
    FREE,
    FREE_PLACES,
    GO_ON,
    GONE,
    HEALTHY,
    HOLDER,
    JAR,
    KEY,
    KNOWN,
    LAST,
    LEAST_CONNECTIONS,
    LEAVING,
    LEFT,
    LIVE,
    LOOKED_AT,
    LOST_CODE,
    MODE,
    MOVED_BY,
    NUMBER,
    OK_CODE,
    OPEN,
    PICKED_BY,
    REQUESTS,
    RETIRED,
    ROAMED,
    SENDING,
    SENT_AT,
    SEQUENCE,
    SLOW,
    STALE_CODE,
    STARTED,
    STATE,
    STOP_ARRIVALS,
    STOP_FEED,
    STOP_FULL,
    STOP_IDLE,
    STOP_IRREGULAR,
    STOP_ROOM,
    STOP_SUCCESSOR,
    SUCCESSION,
    THROUGH,
    TURN,
    WORKER,
)
from simsticky.sim.plane.queues import (
    LONG_AGO,
    drop,
    drop_end,
    first,
    first_end,
    forget_copies,
    put,
    read_ahead,
    swap_copies,
    write_move,
    write_retired,
)

INFINITY = float("inf")


def service_start(free_s: float, now_s: float) -> float:
    """Return when the service of a request sent now starts (rule P1): in turn, once its container has a free slot.

    Args:
        free_s: When the first slot of the container is free.
        now_s: When the request is sent.
    """
    return free_s if free_s > now_s else now_s


def in_time(sent_s: float, ended_s: float, read_timeout_s: float) -> bool:
    """Return whether a request that is sent to a pod and would be answered then is answered (rule G8)."""
    return ended_s <= sent_s + read_timeout_s


def is_stale(kept_s: float, now_s: float) -> bool:
    """Return whether a break at a pod that keeps an older copy until a time is stale, and not lost (rule B2)."""
    return kept_s >= now_s


def warm_factor(since_s: float, slowdown: float, lasts_s: float) -> float:
    """Return the factor of a request sent so long after the application began to listen (rule P10)."""
    factor = slowdown - (slowdown - 1.0) * since_s / lasts_s
    return factor if factor > 1.0 else 1.0


def seat(floats: Any, ints: Any, place: int, number: int, starts_s: float) -> None:
    """Make a place a session's that has sent nothing."""
    floats[EXPIRES][place] = INFINITY
    floats[ENDED][place] = LONG_AGO
    floats[SENT_AT][place] = LONG_AGO
    floats[BROKE][place] = LONG_AGO
    floats[BROKE_BEFORE][place] = LONG_AGO
    floats[ANSWERED][place] = LONG_AGO
    floats[STARTED][place] = starts_s
    floats[ENDED_BEFORE][place] = LONG_AGO
    ints[NUMBER][place] = number
    ints[REQUESTS][place] = 0
    ints[HOLDER][place] = -1
    ints[COOKIE][place] = -1
    ints[FIRST][place] = -1
    ints[BACKGROUND][place] = 0
    ints[BORN][place] = 0
    ints[DOOMED][place] = 0
    ints[MOVED_BY][place] = -1
    ints[PICKED_BY][place] = -1
    ints[ROAMED][place] = -1
    ints[CAME_FROM][place] = -1
    ints[KEY][place] = -1
    ints[FAILED][place] = 0
    ints[BEFORE][place] = 0
    ints[TURN][place] = 0
    ints[CONNECTED][place] = -1
    ints[THROUGH][place] = -1
    ints[KNOWN][place] = 0


def enter(place: int, s: Any) -> int:
    """Let a session begin whose time has come, or let go of one that is not to begin; return whether to go on."""
    ints, own = s.ints, s.own
    states = ints[STATE]
    if states[place] == GONE or not own[OPEN]:
        drop(s.sends)
        states[place] = FREE
        ints[SLOW][place] = 0
        s.free_places[own[FREE_PLACES]] = place
        own[FREE_PLACES] += 1
        return DROPPED
    retire_one(first(s.sends)[0], s)
    if states[place] == ARRIVING and own[ARRIVALS] >= 0:
        if own[ARRIVAL] == own[ARRIVALS]:
            return STOP_ARRIVALS
        if own[FREE_PLACES] == 0:
            return STOP_ROOM
        arrive(s)
    own[SENDING] += 1
    own[ADMITTED] += 1
    ints[TURN][place] = own[ADMITTED]
    ints[SLOW][place] -= BEGINS
    states[place] = LIVE
    return GO_ON


def take_turn(place: int, s: Any) -> int:
    """Say what is to be done with a session whose turn is no regular one, or not yet; go on where it is after all."""
    if s.ints[STATE][place] != LIVE:
        why = enter(place, s)
        if why != GO_ON:
            return why
    return slow_turn(place, s.ints, s.rules)


def slow_turn(place: int, ints: Any, rules: Any) -> int:
    """Say what a live session's turn is where that is known before its way is: go on, if it is not."""
    if not ints[SLOW][place]:
        return GO_ON
    if rules[ENDLESS] and ints[CURSOR][place] == ints[LAST][place]:
        return STOP_FEED
    return STOP_IRREGULAR


def arrive(s: Any) -> None:
    """Let the next arrival take a place and be sent for; there is an arrival at hand, and a free place."""
    ints, own, arrivals = s.ints, s.own, s.arrivals
    at = own[ARRIVAL]
    own[ARRIVAL] = at + 1
    own[FREE_PLACES] -= 1
    place = s.free_places[own[FREE_PLACES]]
    seat(s.floats, ints, place, own[FIRST_ARRIVAL] + at, s.starts[at])
    ints[CURSOR][place] = arrivals[ARRIVAL_FIRST][at]
    ints[LAST][place] = arrivals[ARRIVAL_LAST][at]
    ints[JAR][place] = arrivals[ARRIVAL_JAR][at]
    ints[WORKER][place] = arrivals[ARRIVAL_WORKER][at]
    ints[KEY][place] = arrivals[ARRIVAL_KEY][at]
    ints[SLOW][place] = arrivals[ARRIVAL_SLOW][at] + BEGINS
    ints[STATE][place] = ARRIVING
    own[AHEAD] = read_ahead(s.demands, s.gaps, arrivals[ARRIVAL_FIRST][at], arrivals[ARRIVAL_LAST][at])
    own[SEQUENCE] += 1
    put(s.sends, (s.starts[at], own[SEQUENCE], place))


def leave(place: int, ended_s: float, s: Any) -> int:
    """Let a session go that has sent its last request, which ends at ``ended_s`` unless it is cut."""
    ints, own = s.ints, s.own
    ints[STATE][place] = LEAVING
    s.leaving[own[LEFT]] = place
    own[LEFT] += 1
    own[SENDING] -= 1
    if ints[HOLDER][place] >= 0:
        write_move(s.moves, ended_s, ints[HOLDER][place], -1)
    if s.rules[SUCCESSION]:
        return STOP_SUCCESSOR
    if own[SENDING] == 0 and not own[OPEN]:
        return STOP_IDLE
    if own[LEFT] + own[RETIRED] >= s.rules[ENOUGH_LEFT]:
        return STOP_FULL
    return GO_ON


def is_over(place: int, now_s: float, floats: Any) -> bool:
    """Return whether the last request of a session that has left has ended, and cannot be cut any more (rule T1)."""
    over: bool = floats[ENDED][place] <= now_s
    return over


def put_down(place: int, s: Any) -> None:
    """Put down what a session was, as far as its columns say."""
    floats, ints = s.floats, s.ints
    ended_s, answered_s = floats[ENDED][place], floats[ANSWERED][place]
    row = (
        ints[NUMBER][place],
        floats[STARTED][place],
        floats[SENT_AT][place],
        ended_s,
        ints[REQUESTS][place] - ints[BEFORE][place],
        ints[FAILED][place],
        ints[BACKGROUND][place],
        ints[FIRST][place],
        ints[HOLDER][place],
        floats[BROKE][place],
        # The latest request was answered, as far as nobody knows better.
        ended_s if ended_s > answered_s else answered_s,
        ints[JAR][place],
        ints[BORN][place],
    )
    write_retired(s.retired, row)
    s.own[RETIRED] += 1


def put_down_first(number: int, s: Any) -> None:
    """Put down so many of the sessions that have left, the first of them."""
    for at in range(number):
        put_down(s.leaving[at], s)


def retire_one(now_s: float, s: Any) -> None:
    """Let one of the sessions that have left go, each in its turn, if it is over and there is room.

    So a place is soon another session's: few places are in use, and these are in the processor's cache.
    """
    own, leaving = s.own, s.leaving
    left = own[LEFT]
    if left == 0 or own[RETIRED] >= s.rules[ENOUGH_LEFT]:
        return
    at = own[LOOKED_AT] % left
    own[LOOKED_AT] = at + 1
    place = leaving[at]
    if is_over(place, now_s, s.floats) and not s.ints[KNOWN][place]:
        leaving[at] = leaving[left - 1]
        own[LEFT] = left - 1
        put_down(place, s)
        vacate(place, s)


def retire_all(now_s: float, s: Any) -> int:
    """Let all sessions that are over go, but for those of whom more is known.

    Returns:
        How many these are: they are now before the others that have left.
    """
    own, leaving, known = s.own, s.leaving, s.ints[KNOWN]
    left, known_over = 0, 0
    for at in range(own[LEFT]):
        place = leaving[at]
        over = is_over(place, now_s, s.floats)
        if over and not known[place]:
            put_down(place, s)
            vacate(place, s)
            continue
        leaving[left] = place
        if over:
            leaving[left] = leaving[known_over]
            leaving[known_over] = place
            known_over += 1
        left += 1
    own[LEFT] = left
    return known_over


def vacate(place: int, s: Any) -> None:
    """Let a place be nobody's."""
    own = s.own
    forget_copies(s.copies, place)
    s.ints[STATE][place] = FREE
    s.ints[SLOW][place] = 0
    s.free_places[own[FREE_PLACES]] = place
    own[FREE_PLACES] += 1


def vacate_first(number: int, s: Any) -> None:
    """Let so many of the sessions that have left go, the first of them."""
    leaving, own = s.leaving, s.own
    for at in range(number):
        vacate(leaving[at], s)
    for at in range(number, own[LEFT]):
        leaving[at - number] = leaving[at]
    own[LEFT] -= number


def begin_state(place: int, target: int, ints: Any, containers: Any) -> None:
    """Let a session's state begin where its first request is answered (rule B1)."""
    deleted_by = containers[DELETED_BY][target]
    ints[HOLDER][place] = target
    ints[FIRST][place] = target
    ints[BORN][place] = deleted_by
    ints[DOOMED][place] = deleted_by


def begin(place: int, worker: int, target: int, picked: int, now_s: float, s: Any) -> None:
    """Let a session begin with its first request, and its jar take the cookie."""
    ints = s.ints
    begin_state(place, target, ints, s.containers)
    ints[MOVED_BY][place] = ints[REQUESTS][place]
    ints[PICKED_BY][place] = s.workers[BALANCER][worker]
    if s.rules[MODE] == BY_COOKIE and ints[JAR][place]:
        ints[COOKIE][place] = s.identities[picked]
    write_move(s.moves, now_s, -1, target)


def roaming(floats: Any, ints: Any) -> tuple[Any, ...]:
    """Return the columns of sessions that :func:`roam` is about."""
    return (
        ints[HOLDER],
        ints[ROAMED],
        ints[CAME_FROM],
        ints[BACKGROUND],
        floats[BROKE],
        floats[BROKE_BEFORE],
        floats[EXPIRES],
    )


def roam(
    place: int, request: int, target: int, now_s: float, ended_s: float, is_outside: int, copies: Any, columns: Any
) -> int:
    """Let a session leave its state, bound by nothing (rule B5); return which code the answer has.

    Args:
        place: The session's.
        request: The number of its request.
        target: Where that is answered.
        now_s: When it is sent.
        ended_s: When it is answered.
        is_outside: Whether state is outside the pods.
        copies: That part of the plane's state.
        columns: Those of sessions, from :func:`roaming`.
    """
    holders, roamed, came_from, background, broke, broke_before, expires = columns
    holder = holders[place]
    kept_s = swap_copies(copies, place, holder, target, expires[place])
    holders[place] = target
    roamed[place] = request
    came_from[place] = holder
    if is_outside:
        return OK_CODE
    background[place] += 1
    broke_before[place] = broke[place]
    broke[place] = ended_s
    return STALE_CODE if is_stale(kept_s, now_s) else LOST_CODE


def sentence(place: int, s: Any) -> None:
    """Note which operation had deleted the pod to which a session has roamed (rule B8), and the one before."""
    ints = s.ints
    ints[DOOMED_BEFORE][place] = ints[DOOMED][place]
    ints[DOOMED][place] = s.containers[DELETED_BY][ints[HOLDER][place]]


def log_ends(ends: Any, now_s: float, picks: int, workers: Any, links: Any, scores: Any) -> float:
    """Log the requests that have ended by now, each at its time: release, or average the time in (rules G11, G12).

    Returns:
        When the next of them ends. By now, where it has no average to take it, and is still to be logged.
    """
    end = first_end(ends)
    while end[0] <= now_s:
        at_s, _, _, worker, balancer, target, took_s = end
        if picks == LEAST_CONNECTIONS:
            least_release(links, scores, target)
        elif (workers[HEALTHY][worker] or workers[BALANCER][worker] != balancer) and not latency_feedback(
            links, scores, target, took_s, at_s
        ):
            break
        drop_end(ends)
        end = first_end(ends)
    next_s: float = end[0]
    return next_s
