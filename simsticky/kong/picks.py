"""Kong's picks as rules over cells: each is written here once, for the balancers' classes and for the hot path.

A rule takes a store of tables, or one of links with one of scores, the first cell that is the balancer's
(:mod:`simsticky.kong.cells`), and numbers. All of it is in the part of Python that Numba compiles, and compiled it must
do the same to the last bit: indices and numbers only, no slices, ``math.exp`` and never NumPy's.

A target is known by the number of its address, or by the first of its cells; -1 is none.
"""

from math import exp, log
from typing import Final

from simsticky.kong.cells import Floats, Integers

# Round-robin: the cell of the entry that was taken last, then the entries. An entry is two cells: the cell of the next
# one that is available, and the number of its target's address. The first entry is nobody's: it comes before the
# others, and after all of them if none is available.

WHEEL_HEAD: Final = 1
WHEEL_ENTRY: Final = 2
WHEEL_NUMBER: Final = 1


def wheel_next(tables: Integers, wheel: int) -> int:
    """Return the next available entry of a wheel (rule G4); -1, and the pointer unmoved, if there is none."""
    entry = tables[tables[wheel]]
    number = tables[entry + WHEEL_NUMBER]
    if number >= 0:
        tables[wheel] = entry
    return number


# Least-connections and latency have records. The n-th is of the n-th place, in the heap or among the candidates, and
# from the cell TARGET on of the n-th target. Places and targets are known by their first cells. The first link of a
# place is the target that is there, its first score what that is ranked by. The first link of a target is the place
# where it is (-1 for none), the next the number of its address.

RECORD: Final = 8
TARGET: Final = 3
ADDRESS: Final = 1

# Least-connections: further links of a place are the one above it and the left one of those below it. A target's first
# score is its connections and one more, the next its divisor. The first place is the top of the heap. Behind the last
# are two that nobody takes: they are below the last places, and infinite. What is above the top is lower than
# everything. So no step has to ask whether there is another place.

ABOVE: Final = 1
BELOW: Final = 2
DIVISOR: Final = 1


def heap_sink(links: Integers, scores: Floats, place: int, target: int, value: float) -> None:
    """Let a target sink from its place: of two children the strictly smaller one rises, the left one of equals.

    Kong swaps a target with its neighbour step by step; moving the neighbours and putting the target down last is the
    same (Tieske/binaryheap.lua).

    Args:
        links: The store of links.
        scores: The store of scores.
        place: Where the target is.
        target: The target.
        value: What it is ranked by.
    """
    while True:
        child = links[place + BELOW]
        lowest = scores[child]
        if scores[child + RECORD] < lowest:
            child += RECORD
            lowest = scores[child]
        if lowest >= value:
            break
        moved = links[child]
        links[place] = moved
        links[moved] = place
        scores[place] = lowest
        place = child
    links[place] = target
    links[target] = place
    scores[place] = value


def heap_rise(links: Integers, scores: Floats, place: int, target: int, value: float) -> None:
    """Let a target rise from its place; the arguments are those of :func:`heap_sink`."""
    above = links[place + ABOVE]
    while value < scores[above]:
        moved = links[above]
        links[place] = moved
        links[moved] = place
        scores[place] = scores[above]
        place = above
        above = links[place + ABOVE]
    links[place] = target
    links[target] = place
    scores[place] = value


def least_connections(links: Integers, scores: Floats, heap: int) -> int:
    """Return the target on top and count a connection for it (rule G11); -1 if no target is available."""
    target = links[heap]
    if target < 0:
        return -1
    connections = scores[target] + 1.0
    scores[target] = connections
    heap_sink(links, scores, heap, target, connections / scores[target + DIVISOR])
    return target


def least_release(links: Integers, scores: Floats, target: int) -> bool:
    """Count a connection less for a target (rule G11); return whether it had one.

    After the rise Kong sinks from the old place. There is either this target, lighter than before, or the one that was
    above it: nothing would move.
    """
    connections = scores[target] - 1.0
    if connections < 1.0:
        return False
    scores[target] = connections
    place = links[target]
    if place >= 0:
        value = connections / scores[target + DIVISOR]
        if value < scores[links[place + ABOVE]]:
            heap_rise(links, scores, place, target, value)
        else:
            scores[place] = value
    return True


# Latency: the first record is nobody's. Its links: the candidate that leads (-1: none clearly); the number of
# candidates; how many have moved; available targets at the latest rebuild that found any. Its scores: until when the
# leader leads; its limit at time 0; by how much that falls a second. The next link of a place is one of a list of the
# targets that have moved. Further links of a target: whether it is available; whether it has moved; the first record.
# Its scores: its average; when that was last touched; its weight.

LEADER: Final = 0
COUNT: Final = 1
MOVED: Final = 2
AVAILABLE: Final = 3
LEADS_UNTIL_S: Final = 0
LIMIT_S: Final = 1
LIMIT_FALLS: Final = 2
MOVER: Final = 1
IS_AVAILABLE: Final = 2
HAS_MOVED: Final = 3
OF: Final = 4
TOUCHED_S: Final = 1
WEIGHT: Final = 2

DECAY_S: Final = 10.0
"""Time after which an average has lost all but 1/e of its past."""
TOO_CLOSE: Final = 1e-9
TOO_SMALL: Final = 690.0
"""A key is good to some 1e-12; a number below exp(-690) is about to lose digits."""
TOO_LARGE_S: Final = 1_048_576.0
"""Twelve days, for a weight of 1. In its key a larger average may outlive the exponential by which it fades."""
NEVER_S: Final = -1e300
NOTHING: Final = -1e300
EVERYTHING: Final = 1e300
UNAVAILABLE: Final = -2
"""The pick fell on an address that is unavailable."""


def latency_score(scores: Floats, target: int, now_s: float) -> tuple[bool, float]:
    """Return whether Kong's score of a target is a number, and the score (rule G12).

    It is ``ewma * exp(-(now - last touched) / 10 s) / weight``. With weight 0 it is not a number while the average is
    0, and infinite afterwards.
    """
    ewma_s = scores[target]
    age_s = now_s - scores[target + TOUCHED_S]
    weight = scores[target + WEIGHT]
    score = ewma_s * exp(-age_s / DECAY_S) if age_s > 0.0 else ewma_s
    if weight > 0.0:
        return True, score / weight
    return score > 0.0, EVERYTHING


def latency_key(links: Integers, scores: Floats, target: int) -> float:
    """Return the logarithm of a target's score at time 0, which ranks scores of all times alike: all fade alike.

    An average of 0 is the lowest. A target of weight 0 never undercuts another, but as the first candidate it may be no
    number, which none undercuts: there it ranks lowest, which makes the pick compare the scores. So does an average
    that is too large.
    """
    weight = scores[target + WEIGHT]
    if weight == 0.0:
        return EVERYTHING if links[target] > links[target + OF] + RECORD else NOTHING
    scaled = scores[target] / weight
    if 0.0 < scaled < TOO_LARGE_S:
        return log(scaled) + scores[target + TOUCHED_S] / DECAY_S
    return NOTHING


def latency_lowest(links: Integers, scores: Floats, averages: int, now_s: float) -> int:
    """Return the candidate with the strictly lowest score, the first of equals, compared as Kong does."""
    place = averages + RECORD
    best = links[place]
    known, lowest = latency_score(scores, best, now_s)
    if not known:
        return best  # nothing compares below what is no number
    for _ in range(1, links[averages + COUNT]):
        place += RECORD
        target = links[place]
        is_number, score = latency_score(scores, target, now_s)
        if is_number and score < lowest:
            best = target
            lowest = score
    return best


def latency_refresh(links: Integers, scores: Floats, averages: int) -> None:
    """Compute the keys of the candidates that have moved, and of the one that led."""
    leader = links[averages]
    if leader >= 0:
        scores[links[leader]] = latency_key(links, scores, leader)
    at = averages + MOVER
    for _ in range(links[averages + MOVED]):
        at += RECORD
        target = links[at]
        links[target + HAS_MOVED] = 0
        scores[links[target]] = latency_key(links, scores, target)
    links[averages + MOVED] = 0


def latency_compare(links: Integers, scores: Floats, averages: int, now_s: float) -> int:
    """Return the candidate with the lowest score, and see whether one of them leads clearly.

    A response is averaged into what has faded, which can only raise a score above what it would have been. So whoever
    leads, does until its own responses raise it to where the second was when it took the lead.
    """
    latency_refresh(links, scores, averages)
    links[averages] = -1
    scores[averages] = NEVER_S
    best = place = averages + RECORD
    lowest = scores[place]
    second = EVERYTHING
    for _ in range(1, links[averages + COUNT]):
        place += RECORD
        key = scores[place]
        if key < lowest:
            second = lowest
            lowest = key
            best = place
        elif key < second:
            second = key
    leads_until_s = (lowest + TOO_SMALL) * DECAY_S
    if not (second - lowest > TOO_CLOSE and now_s < leads_until_s):
        return latency_lowest(links, scores, averages, now_s)
    leader = links[best]
    if links[leader + IS_AVAILABLE]:
        links[averages] = leader
        scores[averages] = leads_until_s
        # The second's score times the leader's weight. It fades by exp(-x), which 1 - x never exceeds.
        power = second - now_s / DECAY_S - TOO_CLOSE
        limit_s = scores[leader + WEIGHT] * exp(power) if power < TOO_SMALL else 0.0
        scores[averages + LIMIT_FALLS] = limit_s / DECAY_S
        scores[averages + LIMIT_S] = limit_s + limit_s / DECAY_S * now_s
    return leader


def latency_pick(links: Integers, scores: Floats, averages: int, now_s: float) -> int:
    """Return the candidate with the lowest score (rule G12); -1 if there is none, -2 if it is unavailable."""
    if now_s < scores[averages]:
        return links[averages]
    if links[averages + COUNT] == 0:
        return -1
    if links[averages + AVAILABLE] <= 1:
        target = links[averages + RECORD]
    else:
        target = latency_compare(links, scores, averages, now_s)
    if not links[target + IS_AVAILABLE]:
        return UNAVAILABLE
    return target


def latency_feedback(links: Integers, scores: Floats, target: int, rtt_s: float, now_s: float) -> bool:
    """Average a response time in (rule G12); return whether the target has an average to take it."""
    if links[target] < 0:
        return False
    touched, ewma_s = target + TOUCHED_S, scores[target]
    age_s = now_s - scores[touched]
    scores[touched] = now_s
    if age_s > 0.0:
        kept = exp(-age_s / DECAY_S)
        ewma_s = ewma_s * kept + rtt_s * (1.0 - kept)
        scores[target] = ewma_s
    averages = links[target + OF]
    if target == links[averages]:
        if not ewma_s < scores[averages + LIMIT_S] - scores[averages + LIMIT_FALLS] * now_s:
            scores[averages] = NEVER_S
    elif not links[target + HAS_MOVED]:
        links[target + HAS_MOVED] = 1
        moved = links[averages + MOVED] + 1
        links[averages + MOVED] = moved
        links[averages + RECORD * moved + MOVER] = target
    return True


# Hashing: points of the ring (or length of the map, where there is none), then the number of the address that each
# leads to, -1 for none.

RING_HEAD: Final = 1


def ring_owner(tables: Integers, ring: int, hashed: int) -> int:
    """Return the number of the address that a key leads to by its hash (rules G13 and G18)."""
    return tables[ring + RING_HEAD + hashed % tables[ring]]
