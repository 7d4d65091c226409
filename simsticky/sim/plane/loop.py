"""The loop of the hot path: it makes all regular sends up to a time, and says why it stops.

With a FIFO queue the end of a request is known when it is sent, so nothing happens between a session's sends (rule P1).
A send is regular where it goes to the one target it can go to, which listens and answers in time: that of its cookie,
key or connection, or the next of those whose turn it is.
"""

from typing import Any

from simsticky.kong.picks import ring_owner, wheel_next
from simsticky.sim.plane.fields import (
    ANSWERED,
    BALANCER,
    BY_CONNECTION,
    BY_COOKIE,
    BY_KEY,
    BY_NOTHING,
    COLD,
    CONNECTED,
    COOKIE,
    CURSOR,
    DROPPED,
    ENDED,
    ENDLESS,
    ENOUGH,
    ENTRY,
    EXPIRES,
    FREE_COPIES,
    GO_ON,
    HEALTHY,
    HEARS,
    HOLDER,
    JAR,
    KEY,
    LAST,
    LISTENING_SINCE,
    LIVE,
    MODE,
    NODE,
    NUMBER,
    OK_CODE,
    PER_REQUEST,
    PICKED,
    PICKS,
    PICKS_FLOATS,
    PICKS_INTS,
    PROMPT,
    READ_TIMEOUT,
    REQUESTS,
    ROUND_ROBIN,
    ROWS,
    SENT_AT,
    SEQUENCE,
    SLOW,
    SLOWDOWN,
    STATE,
    STOP_FEED,
    STOP_FULL,
    STOP_IRREGULAR,
    STOP_LOG,
    STOP_ROOM,
    STOP_TIME,
    THROUGH,
    TIMEOUT,
    TURN_OF,
    TURNS,
    WARM_FOR,
    WATCHERS,
    WORKER,
)
from simsticky.sim.plane.queues import drop, earliest, first, has_room, occupy, put_back, put_end, write_row
from simsticky.sim.plane.rules import address_of, begin, enter, leave, log_ends, pick, roam, warm_factor


def advance(until_s: float, s: Any) -> int:
    """Make every regular send strictly before ``until_s``, in order of time; return why that is all (``fields.py:Stop``).

    Of an irregular send nothing is done but its pick, if it has one: ``PICKED`` of the plane's own numbers is the number
    of the address. Its entry stays first in the queue, ``TURN_OF`` is its place. What is read for each request is a
    local name.

    Args:
        until_s: Where to stop, in seconds of simulated time.
        s: The plane's state.
    """
    sends, ends, slots, rows, cells, numbers = s.sends, s.ends, s.slots, s.rows, s.cells, s.numbers
    floats, ints, workers, own, rules, times = s.floats, s.ints, s.workers, s.own, s.rules, s.times
    mode, picks, turns, per_request = rules[MODE], rules[PICKS], rules[TURNS], rules[PER_REQUEST]
    endless, enough, hears = rules[ENDLESS], rules[ENOUGH], rules[HEARS]
    timeout_s, read_timeout_s, prompt_s = times[TIMEOUT], times[READ_TIMEOUT], times[PROMPT]
    expires, ended_at, sent_at = floats[EXPIRES], floats[ENDED], floats[SENT_AT]
    number_of, requests, cursors, lasts = ints[NUMBER], ints[REQUESTS], ints[CURSOR], ints[LAST]
    worker_of, holders, cookies, jars = ints[WORKER], ints[HOLDER], ints[COOKIE], ints[JAR]
    slow, states, keys, connected = ints[SLOW], ints[STATE], ints[KEY], ints[CONNECTED]
    node_of, regions, first_numbers = workers[NODE], workers[PICKS_INTS], workers[PICKS_FLOATS]
    healthy, balancers = workers[HEALTHY], workers[BALANCER]
    cold, watchers, ok_codes = s.containers[COLD], s.containers[WATCHERS], s.codes[OK_CODE]
    demands, gaps, via, routes = s.demands, s.gaps, s.via, s.routes
    logs = mode == BY_NOTHING and picks != ROUND_ROBIN
    written = own[ROWS]
    picked = -1
    while True:
        now_s, number, place = first(sends)
        if now_s >= until_s:
            why = STOP_TIME
            break
        if written >= enough:
            why = STOP_FULL
            break
        if states[place] != LIVE:
            why = enter(place, s)
            if why == DROPPED:
                continue
            if why != GO_ON:
                break
        picked = -1
        why = STOP_IRREGULAR
        at = cursors[place]
        if endless and at == lasts[place]:
            why = STOP_FEED
            break
        if slow[place]:
            break
        worker = via[at] if per_request else worker_of[place]
        holder = holders[place]
        target = chosen = -1
        if mode == BY_COOKIE:
            if cookies[place] >= 0:
                target = routes[node_of[worker]][cookies[place]]
            elif own[FREE_COPIES] == 0:
                why = STOP_ROOM
                break
            elif turns and healthy[worker] and (holder < 0 or not jars[place]):
                picked = wheel_next(cells, regions[worker])
        elif mode == BY_NOTHING:
            if own[FREE_COPIES] == 0 or (logs and not has_room(ends)):
                why = STOP_ROOM
                break
            if logs and not log_ends(ends, now_s, picks, workers, cells, numbers):
                why = STOP_LOG
                break
            if not healthy[worker]:
                break
            if logs:
                chosen = pick(picks, regions[worker], first_numbers[worker], now_s, cells, numbers)
                if chosen >= 0:
                    picked = address_of(picks, regions[worker], chosen, cells)
            else:
                picked = wheel_next(cells, regions[worker])
        elif mode == BY_KEY:
            if keys[place] >= 0 and healthy[worker]:
                target = ring_owner(cells, regions[worker], keys[place])
                if target >= 0:
                    target = routes[node_of[worker]][target]
        elif mode == BY_CONNECTION:
            target = connected[place]
            worker = ints[THROUGH][place]
        if picked >= 0:
            target = routes[node_of[worker]][picked]
        if target < 0 or (hears and (target != holder or at + 1 == lasts[place])):
            break
        if target == holder:
            if now_s > expires[place]:
                break
        elif picked < 0 and (holder >= 0 or mode == BY_COOKIE):
            break
        demand_s = demands[at]
        if cold[target]:
            demand_s *= warm_factor(now_s - s.listening[LISTENING_SINCE][target], times[SLOWDOWN], times[WARM_FOR])
        started_s = earliest(slots, target)
        if started_s < now_s:
            started_s = now_s
        ended_s = started_s + demand_s
        if ended_s > now_s + prompt_s and (ended_s > now_s + read_timeout_s or watchers[target]):
            break
        occupy(slots, target, ended_s)
        code, left = ok_codes[worker], -1
        if target != holder:
            if holder < 0:
                begin(place, worker, target, picked, now_s, s)
            else:
                left = holder
                code = roam(place, worker, target, now_s, ended_s, s)
        request = requests[place] + 1
        write_row(rows, written, number_of[place], request, now_s, started_s, ended_s, target, code, left)
        written += 1
        if logs:
            put_end(
                ends,
                ended_s,
                number_of[place],
                request,
                worker,
                balancers[worker],
                regions[worker],
                first_numbers[worker],
                chosen,
                ended_s - now_s,
            )
        requests[place] = request
        sent_at[place] = now_s
        ended_at[place] = ended_s
        expires[place] = ended_s + timeout_s
        cursors[place] = at + 1
        if at + 1 == lasts[place] and not endless:
            drop(sends)
            floats[ANSWERED][place] = ended_s
            why = leave(place, ended_s, s)
            if why != GO_ON:
                break
        else:
            own[SEQUENCE] += 1
            put_back(sends, ended_s + gaps[at], own[SEQUENCE], place)
    own[ROWS] = written
    own[PICKED] = picked
    own[TURN_OF] = place
    own[ENTRY] = number
    return why
