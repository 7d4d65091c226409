"""The random streams of the workload: one number for each thing that is drawn.

Every column has a stream of its own, so changing one law leaves the draws of the others as they were, and two
scenarios that differ in a policy meet the very same sessions (common random numbers).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Component(IntEnum):
    """What a stream is for. The numbers are part of the results: append, never reorder or reuse."""

    ARRIVAL = 0  # unit exponentials of the arrival process
    REQUESTS = 1  # number of requests of a session
    THINK = 2  # gaps between requests
    DURATION = 3  # session durations
    SERVICE = 4  # service demands
    JAR = 5  # whether the client keeps cookies
    ALIVE_COUNT = 6  # the sessions alive at time 0: how many candidates
    ALIVE_LIFE = 7  # their number of requests, or their duration
    ALIVE_THINNING = 8  # which candidates are kept
    ALIVE_POSITION = 9  # where in the session time 0 falls
    ALIVE_GAP = 10  # the gap that contains time 0
    ALIVE_GAP_POSITION = 11  # where in that gap time 0 falls
    ALIVE_PAST = 12  # gaps before it
    ALIVE_THINK = 13  # gaps after it
    ALIVE_SERVICE = 14
    ALIVE_JAR = 15
    CLIENT_STAGGER = 16  # closed population: where in its think time a client is at time 0
    CLIENT_PAUSE = 17  # pauses between a client's sessions
    CLIENT_REQUESTS = 18
    CLIENT_THINK = 19
    CLIENT_DURATION = 20
    CLIENT_SERVICE = 21
    CLIENT_JAR = 22
    CLIENT_RATE = 40  # how fast the client of a session is
    ALIVE_CLIENT_RATE = 41
    ALIVE_RATE_THINNING = 42  # which candidates are kept, by their rate
    CLOSED_CLIENT_RATE = 43


GeneratorOf = Callable[[Component], np.random.Generator]
"""Gives the generator of a component, for one block of sessions."""


@dataclass(frozen=True, slots=True)
class Generators:
    """The generators of one replication (rule W4).

    Attributes:
        seed: The study's seed, at least 0.
        replication: Number of the replication, at least 0.
    """

    seed: int
    replication: int

    def generator(self, component: Component, *key: int) -> np.random.Generator:
        """Return a fresh generator for a component and a key, such as a block number or a client.

        Equal arguments give equal draws, whatever was drawn before.
        """
        sequence = np.random.SeedSequence(self.seed, spawn_key=(self.replication, int(component), *key))
        return np.random.Generator(np.random.PCG64(sequence))

    def for_key(self, *key: int) -> GeneratorOf:
        """Return a function from component to its generator, with the rest of the key fixed."""
        return lambda component: self.generator(component, *key)
