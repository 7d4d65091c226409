"""The loop of the hot path: it makes all regular sends up to a time, and says why it stops.

With a FIFO queue the end of a request is known when it is sent, so nothing happens between a session's sends (rule P1).
A send is regular where it goes to the one target it can go to, which listens and answers in time: that of its cookie,
key or connection, or the next of those whose turn it is.
"""

from typing import Any

from simsticky.kong.picks import ADDRESS, latency_pick, least_connections, ring_owner, wheel_next
from simsticky.sim.plane.fields import (
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
    ENDED_BEFORE,
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
    MODE,
    NUMBER,
    OK_CODE,
    PER_REQUEST,
    PICKED,
    PICKS,
    PICKS_AT,
    PROMPT,
    READ_TIMEOUT,
    REQUESTS,
    ROUND_ROBIN,
    ROUTES_AT,
    ROWS,
    SENT_AT,
    SEQUENCE,
    SLOW,
    SLOWDOWN,
    STOP_FEED,
    STOP_FULL,
    STOP_IRREGULAR,
    STOP_LAST,
    STOP_LOG,
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
    slots_of,
    write_row,
)
from simsticky.sim.plane.rules import (
    begin,
    in_time,
    leave,
    log_ends,
    roam,
    roaming,
    sentence,
    service_start,
    take_turn,
    warm_factor,
)


def advance(until_s: float, s: Any) -> int:
    """Make every regular send strictly before a time, in order; return why that is all (``fields.py:Stop``).

    Of an irregular send only its pick is made (``PICKED``), and it stays first in the queue (``TURN_OF``). ``s`` is the
    plane's state, with room for ``ENOUGH`` rows, copies and ends. What is read for each request is a local name.
    """
    sends, ends, slots, rows, links, scores = s.sends, s.ends, s.slots, s.rows, s.links, s.scores
    floats, ints, workers, own, rules, times = s.floats, s.ints, s.workers, s.own, s.rules, s.times
    mode, picks, turns, per_request = rules[MODE], rules[PICKS], rules[TURNS], rules[PER_REQUEST]
    endless, enough, hears, external = rules[ENDLESS], rules[ENOUGH], rules[HEARS], rules[EXTERNAL]
    timeout_s, read_timeout_s, prompt_s = times[TIMEOUT], times[READ_TIMEOUT], times[PROMPT]
    expires, ended_at, ended_before, sent_at = floats[EXPIRES], floats[ENDED], floats[ENDED_BEFORE], floats[SENT_AT]
    number_of, requests, cursors, lasts = ints[NUMBER], ints[REQUESTS], ints[CURSOR], ints[LAST]
    worker_of, holders, cookies, jars = ints[WORKER], ints[HOLDER], ints[COOKIE], ints[JAR]
    slow, keys, connected, balancers = ints[SLOW], ints[KEY], ints[CONNECTED], workers[BALANCER]
    routes_at, picks_at, tables = workers[ROUTES_AT], workers[PICKS_AT], s.tables
    cold, watchers, healthy = s.containers[COLD], s.containers[WATCHERS], workers[HEALTHY]
    codes, ok_codes = s.codes, s.codes[OK_CODE]
    demands, gaps, via, routes, copies = s.demands, s.gaps, s.via, s.routes, s.copies
    by_cookie, by_nothing, by_turn = mode == BY_COOKIE, mode == BY_NOTHING, picks == ROUND_ROBIN
    by_count, logs, warms = picks == LEAST_CONNECTIONS, by_nothing and not by_turn, times[WARM_FOR] > 0.0
    roams, next_end_s = roaming(floats, ints), first_end(ends)[0]
    written, sequence, picked, chosen, why = own[ROWS], own[SEQUENCE], -1, -1, STOP_IRREGULAR
    while True:
        now_s, _, place = first(sends)
        if now_s >= until_s or written >= enough:
            why = STOP_TIME if now_s >= until_s else STOP_FULL
            break
        picked = -1
        if slow[place]:
            own[SEQUENCE] = sequence
            turn = take_turn(place, s)
            sequence = own[SEQUENCE]
            if turn == DROPPED:
                continue
            if turn != GO_ON:
                why = turn
                break
        at = cursors[place]
        if endless and at == lasts[place]:
            why = STOP_FEED
            break
        worker = via[at] if per_request else worker_of[place]
        holder, target = holders[place], -1
        if by_cookie:
            named = cookies[place]
            if named >= 0:
                target = routes[routes_at[worker] + named]
            elif turns and healthy[worker] and (holder < 0 or not jars[place]):
                picked = wheel_next(tables, picks_at[worker])
        elif by_nothing:
            if logs and next_end_s <= now_s:
                next_end_s = log_ends(ends, now_s, picks, workers, links, scores)
                if next_end_s <= now_s:
                    why = STOP_LOG
                    break
            if not healthy[worker]:
                break
            if by_turn:
                picked = wheel_next(tables, picks_at[worker])
            else:
                if by_count:
                    chosen = least_connections(links, scores, picks_at[worker])
                else:
                    chosen = latency_pick(links, scores, picks_at[worker], now_s)
                if chosen >= 0:
                    picked = links[chosen + ADDRESS]
        elif mode == BY_KEY:
            if keys[place] >= 0 and healthy[worker]:
                owner = ring_owner(tables, picks_at[worker], keys[place])
                target = routes[routes_at[worker] + owner] if owner >= 0 else -1
        elif mode == BY_CONNECTION:
            target = connected[place]
            worker = ints[THROUGH][place]
        if picked >= 0:
            target = routes[routes_at[worker] + picked]
        if target < 0 or (hears and (target != holder or at + 1 == lasts[place])):
            break
        if now_s > expires[place] if target == holder else picked < 0 and (holder >= 0 or by_cookie):
            break
        demand_s = demands[at]
        if warms and cold[target]:
            demand_s *= warm_factor(now_s - s.listening[LISTENING_SINCE][target], times[SLOWDOWN], times[WARM_FOR])
        free = slots_of(slots, target)
        started_s = service_start(first_free(free), now_s)
        ended_s = started_s + demand_s
        if ended_s > now_s + prompt_s and (watchers[target] or not in_time(now_s, ended_s, read_timeout_s)):
            break
        occupy(free, ended_s)
        request = requests[place] + 1
        requests[place] = request
        code, left = ok_codes[worker], -1
        if target != holder:
            if holder < 0:
                begin(place, worker, target, picked, now_s, s)
            else:
                left = holder
                code = codes[roam(place, request, target, now_s, ended_s, external, copies, roams)][worker]
                if by_cookie:
                    sentence(place, s)
        write_row(rows, pack_row(number_of[place], request, now_s, started_s, ended_s, target, code, left))
        written += 1
        if logs:
            put_end(ends, (ended_s, number_of[place], request, worker, balancers[worker], chosen, ended_s - now_s))
            if ended_s < next_end_s:
                next_end_s = ended_s
        sent_at[place], ended_before[place] = now_s, ended_at[place]
        ended_at[place], expires[place] = ended_s, ended_s + timeout_s
        cursors[place] = at + 1
        if at + 1 == lasts[place] and not endless:
            drop(sends)
            gone = STOP_LAST if mode == BY_CONNECTION else leave(place, ended_s, s)
            if gone != GO_ON:
                why = gone
                break
        else:
            sequence += 1
            put_back(sends, (ended_s + gaps[at], sequence, place))
    own[SEQUENCE], own[PICKED], own[TURN_OF] = sequence, picked, place
    return why
