"""The loop of the hot path: it makes all regular sends up to a time, and says why it stops.

With a FIFO queue the end of a request is known when it is sent, so nothing happens between a session's sends (rule P1).
A send is regular where it goes to the one target it can go to, which listens and answers in time: that of its cookie,
key or connection, or the next of those whose turn it is.
"""

from typing import Any

from simsticky.kong.picks import AVERAGES_HEAD, HEAP_HEAD, latency_pick, least_connections, ring_owner, wheel_next
from simsticky.sim.plane.fields import (
    ANSWERED,
    BACKGROUND,
    BALANCER,
    BROKE,
    BROKE_BEFORE,
    BY_CONNECTION,
    BY_COOKIE,
    BY_KEY,
    BY_NOTHING,
    CAME_FROM,
    COLD,
    CONNECTED,
    COOKIE,
    CURSOR,
    DROPPED,
    ENDED,
    ENDLESS,
    ENOUGH,
    EXPIRES,
    EXTERNAL,
    GO_ON,
    HEALTHY,
    HEARS,
    HOLDER,
    JAR,
    KEY,
    LAST,
    LEAST_CONNECTIONS,
    LISTENING_SINCE,
    LIVE,
    LOST_CODE,
    MODE,
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
    ROAMED,
    ROUND_ROBIN,
    ROUTES_AT,
    ROWS,
    SENT_AT,
    SEQUENCE,
    SLOW,
    SLOWDOWN,
    STALE_CODE,
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
from simsticky.sim.plane.queues import (
    drop,
    first,
    first_end,
    first_free,
    occupy,
    pack_row,
    put_back,
    put_end,
    room,
    slots_of,
    swap_copies,
    write_row,
)
from simsticky.sim.plane.rules import begin, enter, leave, log_ends, sentence, warm_factor


def advance(until_s: float, s: Any) -> int:
    """Make every regular send strictly before a time, in order; return why that is all (``fields.py:Stop``).

    Of an irregular send nothing is done but its pick, if it has one: ``PICKED`` of the plane's own numbers is the
    number of the address. Its entry stays first in the queue, ``TURN_OF`` is its place. What is read for each request
    is a local name.

    Args:
        until_s: Where to stop, in seconds of simulated time.
        s: The plane's state.
    """
    sends, ends, slots, rows, cells, numbers = s.sends, s.ends, s.slots, s.rows, s.cells, s.numbers
    floats, ints, workers, own, rules, times = s.floats, s.ints, s.workers, s.own, s.rules, s.times
    mode, picks, turns, per_request = rules[MODE], rules[PICKS], rules[TURNS], rules[PER_REQUEST]
    endless, enough, hears, external = rules[ENDLESS], rules[ENOUGH], rules[HEARS], rules[EXTERNAL]
    timeout_s, read_timeout_s, prompt_s = times[TIMEOUT], times[READ_TIMEOUT], times[PROMPT]
    expires, ended_at, sent_at = floats[EXPIRES], floats[ENDED], floats[SENT_AT]
    number_of, requests, cursors, lasts = ints[NUMBER], ints[REQUESTS], ints[CURSOR], ints[LAST]
    worker_of, holders, cookies, jars = ints[WORKER], ints[HOLDER], ints[COOKIE], ints[JAR]
    slow, states, keys, connected = ints[SLOW], ints[STATE], ints[KEY], ints[CONNECTED]
    routes_at, regions, first_numbers = workers[ROUTES_AT], workers[PICKS_INTS], workers[PICKS_FLOATS]
    healthy, balancers = workers[HEALTHY], workers[BALANCER]
    cold, watchers, codes, ok_codes = s.containers[COLD], s.containers[WATCHERS], s.codes, s.codes[OK_CODE]
    demands, gaps, via, routes, copies = s.demands, s.gaps, s.via, s.routes, s.copies
    roamed, came_from, background = ints[ROAMED], ints[CAME_FROM], ints[BACKGROUND]
    broke, broke_before, lost_codes, stale_codes = (
        floats[BROKE],
        floats[BROKE_BEFORE],
        codes[LOST_CODE],
        codes[STALE_CODE],
    )
    by_cookie, by_nothing, by_turn = mode == BY_COOKIE, mode == BY_NOTHING, picks == ROUND_ROBIN
    logs, warms = by_nothing and not by_turn, times[WARM_FOR] > 0.0
    written, sequence = own[ROWS], own[SEQUENCE]
    # A request takes a row, perhaps a copy of a state, and perhaps an end to be logged.
    room_for = min(enough, written + room(copies, ends))
    why, picked, place, region = STOP_IRREGULAR, -1, -1, -1
    while True:
        now_s, _, place = first(sends)
        if now_s >= until_s:
            why = STOP_TIME
            break
        picked = -1
        if written >= room_for:
            room_for = min(enough, written + room(copies, ends))
            if written >= room_for:
                why = STOP_FULL if written >= enough else STOP_ROOM
                break
        at = cursors[place]
        if slow[place]:
            if states[place] != LIVE:
                own[SEQUENCE] = sequence
                entered = enter(place, s)
                sequence = own[SEQUENCE]
                if entered == DROPPED:
                    continue
                if entered != GO_ON:
                    why = entered
                    break
            if slow[place]:
                if endless and at == lasts[place]:
                    why = STOP_FEED
                break
        if endless and at == lasts[place]:
            why = STOP_FEED
            break
        worker = via[at] if per_request else worker_of[place]
        holder = holders[place]
        target = chosen = -1
        if by_cookie:
            named = cookies[place]
            if named >= 0:
                target = routes[routes_at[worker] + named]
            elif turns and healthy[worker] and (holder < 0 or not jars[place]):
                picked = wheel_next(cells, regions[worker])
        elif by_nothing:
            if logs and first_end(ends)[0] <= now_s and not log_ends(ends, now_s, picks, workers, cells, numbers):
                why = STOP_LOG
                break
            if not healthy[worker]:
                break
            region = regions[worker]
            if by_turn:
                picked = wheel_next(cells, region)
            elif picks == LEAST_CONNECTIONS:
                chosen = least_connections(cells, region, numbers, first_numbers[worker])
                if chosen >= 0:
                    picked = cells[region + HEAP_HEAD + chosen]
            else:
                chosen = latency_pick(cells, region, numbers, first_numbers[worker], now_s)
                if chosen >= 0:
                    picked = cells[region + AVERAGES_HEAD + chosen]
        elif mode == BY_KEY:
            if keys[place] >= 0 and healthy[worker]:
                target = ring_owner(cells, regions[worker], keys[place])
                if target >= 0:
                    target = routes[routes_at[worker] + target]
        elif mode == BY_CONNECTION:
            target = connected[place]
            worker = ints[THROUGH][place]
        if picked >= 0:
            target = routes[routes_at[worker] + picked]
        if target < 0 or (hears and (target != holder or at + 1 == lasts[place])):
            break
        if target == holder:
            if now_s > expires[place]:
                break
        elif picked < 0 and (holder >= 0 or by_cookie):
            break
        demand_s = demands[at]
        if warms and cold[target]:
            demand_s *= warm_factor(now_s - s.listening[LISTENING_SINCE][target], times[SLOWDOWN], times[WARM_FOR])
        free = slots_of(slots, target)
        started_s = first_free(free)
        if started_s < now_s:
            started_s = now_s
        ended_s = started_s + demand_s
        if ended_s > now_s + prompt_s and (ended_s > now_s + read_timeout_s or watchers[target]):
            break
        occupy(free, ended_s)
        request = requests[place] + 1
        requests[place] = request
        code, left = ok_codes[worker], -1
        if target != holder:
            if holder < 0:
                begin(place, worker, target, picked, now_s, s)
            else:
                # Bound by nothing, it leaves its state (rule B5).
                left = holder
                kept_s = swap_copies(copies, place, holder, target, expires[place])
                holders[place], roamed[place], came_from[place] = target, request, holder
                if not external:
                    background[place] += 1
                    broke_before[place], broke[place] = broke[place], ended_s
                    code = stale_codes[worker] if kept_s >= now_s else lost_codes[worker]
                if by_cookie:
                    sentence(place, s)
        write_row(rows, pack_row(number_of[place], request, now_s, started_s, ended_s, target, code, left))
        written += 1
        if logs:
            numbers_at, took_s = first_numbers[worker], ended_s - now_s
            end = (ended_s, number_of[place], request, worker, balancers[worker], region, numbers_at, chosen, took_s)
            put_end(ends, end)
        sent_at[place] = now_s
        ended_at[place] = ended_s
        expires[place] = ended_s + timeout_s
        cursors[place] = at + 1
        if at + 1 == lasts[place] and not endless:
            drop(sends)
            floats[ANSWERED][place] = ended_s
            left_over = leave(place, ended_s, s)
            if left_over != GO_ON:
                why = left_over
                break
        else:
            sequence += 1
            put_back(sends, (ended_s + gaps[at], sequence, place))
    own[SEQUENCE], own[PICKED], own[TURN_OF] = sequence, picked, place
    return why
