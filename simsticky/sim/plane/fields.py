"""The names of the columns: which row of which group holds what.

A group is a table of columns of one type and length: a list of lists, or a tuple of arrays, so that
``group[FIELD][place]`` reads one number either way.
"""

from enum import IntEnum

# Of a session (or one of its tabs), floats: until when its pod remembers it; end and sending of its latest request;
# when it was last answered without its state, and before that; when it was last answered, as far as has been told;
# its start; the end of the request before its latest regular one.
EXPIRES, ENDED, SENT_AT, BROKE, BROKE_BEFORE, ANSWERED, STARTED, ENDED_BEFORE = range(8)
SESSION_FLOATS = 8

# Of a session, integers: its number; number of its latest request; the draw of its next request, and the place after
# its last draw; its worker; the container that holds its state; the number of what its cookie names; its first
# container; breaks in the background; operations that had deleted the pod where it began, and the one it is on; the
# request that may have moved it as nobody could foresee; the balancer of its first request; the request that took it
# to another pod without affinity, and where from; the hash of its key; whether it keeps cookies; what makes its
# requests irregular; its state; failed requests; requests before the run; the turn in which it was admitted; the
# container its connection leads to, and the worker that carries it; the operation that had deleted the pod it was on
# before it roamed; whether more is known of it than its columns say.
(
    NUMBER,
    REQUESTS,
    CURSOR,
    LAST,
    WORKER,
    HOLDER,
    COOKIE,
    FIRST,
    BACKGROUND,
    BORN,
    DOOMED,
    MOVED_BY,
    PICKED_BY,
    ROAMED,
    CAME_FROM,
    KEY,
    JAR,
    SLOW,
    STATE,
    FAILED,
    BEFORE,
    TURN,
    CONNECTED,
    THROUGH,
    DOOMED_BEFORE,
    KNOWN,
) = range(26)
SESSION_INTS = 26

# The states of a session's place: nobody's; its session is on its way (the next of an endless row of arrivals, or by
# itself); alive; its last request is sent; it will not come after all.
FREE, ARRIVING, COMING, LIVE, LEAVING, GONE = range(6)

# What makes the requests of a session irregular, bits of SLOW: always (tabs, a jar with paths, an algorithm of one's
# own); a request under way that waits; an exposure of a session that nothing binds; a failed request that is to be
# sent again; that it has not begun.
ALWAYS, WAITS, EXPOSED, AGAIN, BEGINS = 1, 2, 4, 8, 16

# Of a container, floats and integers: since when it listens; the operation that has deleted its pod; who waits for
# its answers to be late; whether it is still warming up.
LISTENING_SINCE = 0
CONTAINER_FLOATS = 1
DELETED_BY, WATCHERS, COLD = range(3)
CONTAINER_INTS = 3

# Of a worker, integers: its node; the first cell of its balancer; that one's number, and whether it is healthy;
# where its routes begin.
# Floats: the codes of an answer, and of one without the state.
NODE, PICKS_AT, BALANCER, HEALTHY, ROUTES_AT = range(5)
WORKER_INTS = 5
OK_CODE, LOST_CODE, STALE_CODE = range(3)
WORKER_FLOATS = 3

# Of the arrivals at hand: first draw and the place after the last; whether the client keeps cookies; its worker; its
# key.
ARRIVAL_FIRST, ARRIVAL_LAST, ARRIVAL_JAR, ARRIVAL_WORKER, ARRIVAL_KEY, ARRIVAL_SLOW = range(6)
ARRIVAL_INTS = 6

# The plane's own numbers: entries given to the queue; sessions that send; whether sessions may begin; free places;
# the next arrival, and how many are at hand; number of the first of them; sessions that have left; rows and moves
# written; sessions admitted; what the rule of a stop picked; whose turn it is; draws of the latest arrival that were
# read ahead; sessions put down that nobody has taken; whose turn it is to be looked at among those that have left.
(
    SEQUENCE,
    SENDING,
    OPEN,
    FREE_PLACES,
    ARRIVAL,
    ARRIVALS,
    FIRST_ARRIVAL,
    LEFT,
    ROWS,
    MOVES,
    ADMITTED,
    PICKED,
    TURN_OF,
    AHEAD,
    RETIRED,
    LOOKED_AT,
) = range(16)
OWN_INTS = 16

RETIRED_NUMBERS = 13
"""What is put down of a session that is over (``rules.py:put_down``)."""

# What the scenario says: by what sessions are bound; how picks are made; whether a wheel gives new sessions their
# pod; whether a request is balanced by itself; whether sessions never end, and whether one follows another; whether
# state is outside the pods; whether a container must hear of each session that comes or goes; rows, and sessions that
# have left, that are enough.
MODE, PICKS, TURNS, PER_REQUEST, ENDLESS, SUCCESSION, EXTERNAL, HEARS, ENOUGH, ENOUGH_LEFT = range(10)
RULE_INTS = 10
BY_COOKIE, BY_KEY, BY_NOTHING, BY_CONNECTION, BY_ASKING = range(5)
ROUND_ROBIN, LEAST_CONNECTIONS, LATENCY, OWN = range(4)
TIMEOUT, READ_TIMEOUT, PROMPT, SLOWDOWN, WARM_FOR = range(5)
RULE_FLOATS = 5


class Stop(IntEnum):
    """Why the plane has stopped.

    Attributes:
        TIME: All sends before the given time are made.
        IRREGULAR: The session's next send is not the one target it can be, listening, in time.
        FEED: The session wants more draws.
        ARRIVALS: The plane wants more arrivals.
        ROOM: There is no place left for a session.
        FULL: Rows or sessions that have left are to be taken.
        SUCCESSOR: The session has sent its last request, and its client's next one may begin.
        IDLE: No session sends any more, and none may begin.
        LOG: The end of a request is to be told to a balancer that does not average its target.
        LAST: The session has sent its last message, and its connection is to be closed at that one's end.
    """

    TIME = 0
    IRREGULAR = 1
    FEED = 2
    ARRIVALS = 3
    ROOM = 4
    FULL = 5
    SUCCESSOR = 6
    IDLE = 7
    LOG = 8
    LAST = 9


GO_ON, DROPPED = -1, -2
"""What a rule says that stops nothing."""

(
    STOP_TIME,
    STOP_IRREGULAR,
    STOP_FEED,
    STOP_ARRIVALS,
    STOP_ROOM,
    STOP_FULL,
    STOP_SUCCESSOR,
    STOP_IDLE,
    STOP_LOG,
    STOP_LAST,
) = range(10)
