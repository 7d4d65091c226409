"""Kong's picks as rules over cells: each is written here once, for the balancers' classes and for the hot path.

A rule takes a store of integers and perhaps one of floats, each with the first cell of the balancer's region
(:mod:`simsticky.kong.cells`), and numbers. All of it is in the part of Python that Numba compiles, and compiled it must
do the same to the last bit: indices and numbers only, no slices, ``math.exp`` and never NumPy's.

A target is known by its place in the upstream's list, or by the number of its address; -1 is none.
"""

from math import exp, log
from typing import Final

from simsticky.kong.cells import Floats, Integers

# Round-robin: size, position of the next look, then the entries: the number of a target's address, -1 if unavailable.

WHEEL_SIZE: Final = 0
WHEEL_POSITION: Final = 1
WHEEL_HEAD: Final = 2


def wheel_next(ints: Integers, wheel: int) -> int:
    """Return the next available entry of a wheel (rule G4); -1, and the pointer unmoved, if a whole turn finds none."""
    size = ints[wheel]
    at = wheel + WHEEL_POSITION
    position = ints[at]
    looked = 0
    while looked < size:  # the entries come right after the position
        if position >= size:
            position = 0
        position += 1
        entry = ints[at + position]
        if entry >= 0:
            ints[at] = position
            return entry
        looked += 1
    return -1


# Least-connections: targets n, size of the heap, then n cells each: number of the address of target t, target at place
# p of the heap, place of target t (-1 outside). Floats, n each: connections and one more of t, divisor of t, value at
# place p.

HEAP_TARGETS: Final = 0
HEAP_SIZE: Final = 1
HEAP_HEAD: Final = 2


def heap_sink(ints: Integers, heap: int, floats: Floats, values: int, target: int, place: int, value: float) -> None:
    """Let a target sink from its place: of two children the strictly smaller one rises, the left one of equals.

    Kong swaps a target with its neighbour step by step; moving the neighbours and putting the target down last is the
    same (Tieske/binaryheap.lua).

    Args:
        ints: The store of integers.
        heap: First cell of the heap.
        floats: The store of floats.
        values: First cell of the values of the places.
        target: The target.
        place: Where it is.
        value: Its value.
    """
    targets = ints[heap]
    size = ints[heap + HEAP_SIZE]
    members = heap + HEAP_HEAD + targets
    places = members + targets
    child = place + place + 1
    while child < size:
        at = values + child
        lowest = floats[at]
        if child + 1 < size and floats[at + 1] < lowest:
            child += 1
            lowest = floats[at + 1]
        if lowest >= value:
            break
        moved = ints[members + child]
        ints[members + place] = moved
        ints[places + moved] = place
        floats[values + place] = lowest
        place = child
        child = place + place + 1
    ints[members + place] = target
    ints[places + target] = place
    floats[values + place] = value


def heap_rise(ints: Integers, heap: int, floats: Floats, values: int, target: int, place: int, value: float) -> None:
    """Let a target rise from its place; the arguments are those of :func:`heap_sink`."""
    targets = ints[heap]
    members = heap + HEAP_HEAD + targets
    places = members + targets
    while place > 0:
        parent = (place - 1) >> 1
        above = floats[values + parent]
        if value >= above:
            break
        moved = ints[members + parent]
        ints[members + place] = moved
        ints[places + moved] = place
        floats[values + place] = above
        place = parent
    ints[members + place] = target
    ints[places + target] = place
    floats[values + place] = value


def least_connections(ints: Integers, heap: int, floats: Floats, first: int) -> int:
    """Return the target on top and count a connection for it (rule G11); -1 if no target is available."""
    if ints[heap + HEAP_SIZE] == 0:
        return -1
    targets = ints[heap]
    target = ints[heap + HEAP_HEAD + targets]
    at = first + target
    connections = floats[at] + 1.0
    floats[at] = connections
    heap_sink(ints, heap, floats, first + targets + targets, target, 0, connections / floats[at + targets])
    return target


def least_release(ints: Integers, heap: int, floats: Floats, first: int, target: int) -> bool:
    """Count a connection less for a target (rule G11); return whether it had one.

    After the rise Kong sinks from the old place. There is either this target, lighter than before, or the one that was
    above it: nothing would move.
    """
    targets = ints[heap]
    at = first + target
    connections = floats[at] - 1.0
    if connections < 1.0:
        return False
    floats[at] = connections
    place = ints[heap + HEAP_HEAD + targets + targets + target]
    if place >= 0:
        values, value = first + targets + targets, connections / floats[at + targets]
        if place == 0 or value >= floats[values + ((place - 1) >> 1)]:
            floats[values + place] = value  # it is at the top, or not light enough to rise
        else:
            heap_rise(ints, heap, floats, values, target, place, value)
    return True


# Latency: candidates, the one that leads (-1: none clearly), how many have moved, available targets at the latest
# rebuild that found any, targets n; then n cells each: number of the address of target t, place of t among the
# candidates (-1: it has no average), target at a place, availability of t, whether t has moved, those that have.
# Floats: until when the leader leads, its limit at time 0, by how much that falls a second; then n each: average of t,
# when it was last touched, weight of t, and the key at a place.

AVERAGES_COUNT: Final = 0
AVERAGES_LEADER: Final = 1
AVERAGES_MOVED: Final = 2
AVERAGES_AVAILABLE: Final = 3
AVERAGES_TARGETS: Final = 4
AVERAGES_HEAD: Final = 5
LEADS_UNTIL_S: Final = 0
LIMIT_S: Final = 1
LIMIT_FALLS: Final = 2
SCORES_HEAD: Final = 3

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


def latency_score(
    ints: Integers, averages: int, floats: Floats, first: int, target: int, now_s: float
) -> tuple[bool, float]:
    """Return whether Kong's score of a target is a number, and the score (rule G12).

    It is ``ewma * exp(-(now - last touched) / 10 s) / weight``. With weight 0 it is not a number while the average is
    0, and infinite afterwards.
    """
    targets = ints[averages + AVERAGES_TARGETS]
    ewma_s = floats[first + SCORES_HEAD + target]
    age_s = now_s - floats[first + SCORES_HEAD + targets + target]
    weight = floats[first + SCORES_HEAD + 2 * targets + target]
    score = ewma_s * exp(-age_s / DECAY_S) if age_s > 0.0 else ewma_s
    if weight > 0.0:
        return True, score / weight
    return score > 0.0, EVERYTHING


def latency_key(ints: Integers, averages: int, floats: Floats, first: int, target: int) -> float:
    """Return the logarithm of a target's score at time 0, which ranks scores of all times alike: all fade alike.

    An average of 0 is the lowest. A target of weight 0 never undercuts another, but as the first candidate it may be no
    number, which none undercuts: there it ranks lowest, which makes the pick compare the scores. So does an average
    that is too large.
    """
    targets = ints[averages + AVERAGES_TARGETS]
    weight = floats[first + SCORES_HEAD + 2 * targets + target]
    if weight == 0.0:
        return EVERYTHING if ints[averages + AVERAGES_HEAD + targets + target] > 0 else NOTHING
    scaled = floats[first + SCORES_HEAD + target] / weight
    if 0.0 < scaled < TOO_LARGE_S:
        return log(scaled) + floats[first + SCORES_HEAD + targets + target] / DECAY_S
    return NOTHING


def latency_lowest(ints: Integers, averages: int, floats: Floats, first: int, now_s: float) -> int:
    """Return the candidate with the strictly lowest score, the first of equals, compared as Kong does."""
    targets = ints[averages + AVERAGES_TARGETS]
    candidates = averages + AVERAGES_HEAD + 2 * targets
    best = ints[candidates]
    known, lowest = latency_score(ints, averages, floats, first, best, now_s)
    if not known:
        return best  # nothing compares below what is no number
    for place in range(1, ints[averages]):
        target = ints[candidates + place]
        is_number, score = latency_score(ints, averages, floats, first, target, now_s)
        if is_number and score < lowest:
            best = target
            lowest = score
    return best


def latency_refresh(ints: Integers, averages: int, floats: Floats, first: int) -> None:
    """Compute the keys of the candidates that have moved, and of the one that led."""
    targets = ints[averages + AVERAGES_TARGETS]
    places = averages + AVERAGES_HEAD + targets
    moved = averages + AVERAGES_HEAD + 4 * targets
    keys = first + SCORES_HEAD + 3 * targets
    leader = ints[averages + AVERAGES_LEADER]
    if leader >= 0:
        floats[keys + ints[places + leader]] = latency_key(ints, averages, floats, first, leader)
    for at in range(ints[averages + AVERAGES_MOVED]):
        target = ints[moved + targets + at]
        ints[moved + target] = 0
        floats[keys + ints[places + target]] = latency_key(ints, averages, floats, first, target)
    ints[averages + AVERAGES_MOVED] = 0


def latency_compare(ints: Integers, averages: int, floats: Floats, first: int, now_s: float) -> int:
    """Return the candidate with the lowest score, and see whether one of them leads clearly.

    A response is averaged into what has faded, which can only raise a score above what it would have been. So whoever
    leads, does until its own responses raise it to where the second was when it took the lead.
    """
    targets = ints[averages + AVERAGES_TARGETS]
    candidates = averages + AVERAGES_HEAD + 2 * targets
    keys = first + SCORES_HEAD + 3 * targets
    latency_refresh(ints, averages, floats, first)
    ints[averages + AVERAGES_LEADER] = -1
    floats[first + LEADS_UNTIL_S] = NEVER_S
    lowest = floats[keys]
    second = EVERYTHING
    best = 0
    for place in range(1, ints[averages]):
        key = floats[keys + place]
        if key < lowest:
            second = lowest
            lowest = key
            best = place
        elif key < second:
            second = key
    leads_until_s = (lowest + TOO_SMALL) * DECAY_S
    if not (second - lowest > TOO_CLOSE and now_s < leads_until_s):
        return latency_lowest(ints, averages, floats, first, now_s)
    leader = ints[candidates + best]
    if ints[averages + AVERAGES_HEAD + 3 * targets + leader]:
        ints[averages + AVERAGES_LEADER] = leader
        floats[first + LEADS_UNTIL_S] = leads_until_s
        # The second's score times the leader's weight. It fades by exp(-x), which 1 - x never exceeds.
        power = second - now_s / DECAY_S - TOO_CLOSE
        limit_s = floats[first + SCORES_HEAD + 2 * targets + leader] * exp(power) if power < TOO_SMALL else 0.0
        floats[first + LIMIT_FALLS] = limit_s / DECAY_S
        floats[first + LIMIT_S] = limit_s + limit_s / DECAY_S * now_s
    return leader


def latency_pick(ints: Integers, averages: int, floats: Floats, first: int, now_s: float) -> int:
    """Return the candidate with the lowest score (rule G12); -1 if there is none, -2 if it is unavailable."""
    if now_s < floats[first + LEADS_UNTIL_S] and ints[averages + AVERAGES_AVAILABLE] > 1:
        return ints[averages + AVERAGES_LEADER]
    if ints[averages] == 0:
        return -1
    targets = ints[averages + AVERAGES_TARGETS]
    if ints[averages + AVERAGES_AVAILABLE] <= 1:
        target = ints[averages + AVERAGES_HEAD + 2 * targets]
    else:
        target = latency_compare(ints, averages, floats, first, now_s)
    if not ints[averages + AVERAGES_HEAD + 3 * targets + target]:
        return UNAVAILABLE
    return target


def latency_feedback(
    ints: Integers, averages: int, floats: Floats, first: int, target: int, rtt_s: float, now_s: float
) -> bool:
    """Average a response time in (rule G12); return whether the target has an average to take it."""
    targets = ints[averages + AVERAGES_TARGETS]
    if ints[averages + AVERAGES_HEAD + targets + target] < 0:
        return False
    mean = first + SCORES_HEAD + target
    touched = mean + targets
    age_s = now_s - floats[touched]
    floats[touched] = now_s
    if age_s > 0.0:
        kept = exp(-age_s / DECAY_S)
        floats[mean] = floats[mean] * kept + rtt_s * (1.0 - kept)
    if target == ints[averages + AVERAGES_LEADER]:
        if not floats[mean] < floats[first + LIMIT_S] - floats[first + LIMIT_FALLS] * now_s:
            floats[first + LEADS_UNTIL_S] = NEVER_S
    else:
        moved = averages + AVERAGES_HEAD + 4 * targets
        if not ints[moved + target]:
            ints[moved + target] = 1
            ints[moved + targets + ints[averages + AVERAGES_MOVED]] = target
            ints[averages + AVERAGES_MOVED] += 1
    return True


# Hashing: points of the ring (or length of the map, where there is none), then the number of the address that each
# leads to, -1 for none.

RING_HEAD: Final = 1


def ring_owner(ints: Integers, ring: int, hashed: int) -> int:
    """Return the number of the address that a key leads to by its hash (rules G13 and G18)."""
    return ints[ring + RING_HEAD + hashed % ints[ring]]
