"""Randomness of the run: counter-based draws, each keyed by (purpose, entity, ordinal).

Nothing is ever taken from a shared stream, so two policies meet the same sessions *and the same luck*: the pick of
session 17's first pod is the same draw whatever happened to session 16. The arrivals, thinks and demands themselves
are columns of ``workload/``; here are the draws made later.

The mixer is the finaliser of SplitMix64 (Steele, Lea and Flood 2014), applied once per key part.
"""

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15


class Purpose(IntEnum):
    """What a draw is for. Numbers are fixed: a new purpose gets a new one, so that old seeds keep their numbers."""

    PICK = 1
    WORKER = 2
    SHUFFLE = 3
    KIC_PHASE = 4
    KIC_WATCH = 5
    PUSH_DELAY = 6
    API_WRITE = 7
    SCHEDULER = 8
    IMAGE_PULL = 9
    CONTAINER_START = 10
    APP_STARTUP = 11
    STATUS_UPDATE = 12
    ENDPOINT_UPDATE = 13
    KUBELET_NOTICE = 14
    POD_REMOVAL = 15
    UID = 16
    BACKOFF = 17
    PAST_PICKS = 18
    EXTERNAL_STATE = 19
    IDEMPOTENT = 20
    CANDIDATE_ORDER = 21
    HASH_COOKIE = 22
    IDENTIFIER = 23
    PATH = 24
    CONFIG_CHURN = 25
    STAND_IN = 26
    OTHER_UPSTREAM = 27
    COOKIE_CLEAR = 28
    POD_ADDRESS = 29
    IDENTITY = 30
    METRIC_PHASE = 40
    HPA_PHASE = 41
    SLICE_WATCH = 42
    NODE_MONITOR = 43
    CRASH = 50
    BACK_OFF_JITTER = 51
    PROBE_PHASE = 52
    CONNECT = 60
    RECONNECT = 61
    CONNECTION_CLOSE = 62


def _mix(value: Any) -> Any:
    """Return 64 bits mixed; of an array of uint64 all at once."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Streams:
    """The draws of one replication (rule W4).

    Args:
        seed: Seed of the study, any non-negative integer.
        replication: Number of the replication.
    """

    def __init__(self, seed: int, replication: int) -> None:
        """Derive the 64-bit key of this replication."""
        sequence = np.random.SeedSequence(seed, spawn_key=(replication, 1 << 20))
        self._key = int(sequence.generate_state(1, np.uint64)[0])

    def bits(self, purpose: Purpose, entity: int, ordinal: int = 0) -> int:
        """Return 64 random bits of this key."""
        value = _mix((self._key + purpose * _GAMMA) & _MASK)
        value = _mix((value + (entity + 1) * _GAMMA) & _MASK)
        mixed: int = _mix((value + (ordinal + 1) * _GAMMA) & _MASK)
        return mixed

    def uniform(self, purpose: Purpose, entity: int, ordinal: int = 0) -> float:
        """Return a number in [0, 1) of this key."""
        return (self.bits(purpose, entity, ordinal) >> 11) * 2.0**-53

    def many_bits(
        self, purpose: Purpose, entities: npt.NDArray[np.int64], ordinals: npt.NDArray[np.int64] | int = 0
    ) -> npt.NDArray[np.uint64]:
        """Return :meth:`bits` of many keys at once; the shape is that of ``entities`` and ``ordinals``."""
        gamma = np.uint64(_GAMMA)
        with np.errstate(over="ignore"):
            start = np.uint64(_mix((self._key + purpose * _GAMMA) & _MASK))
            value = _mix(start + (np.asarray(entities).astype(np.uint64) + np.uint64(1)) * gamma)
            mixed: npt.NDArray[np.uint64] = _mix(
                value + (np.asarray(ordinals).astype(np.uint64) + np.uint64(1)) * gamma
            )
            return mixed

    def uniforms(
        self, purpose: Purpose, entities: npt.NDArray[np.int64], ordinals: npt.NDArray[np.int64] | int = 0
    ) -> npt.NDArray[np.float64]:
        """Return :meth:`uniform` of many keys at once; the shape is that of ``entities`` and ``ordinals``."""
        value = self.many_bits(purpose, entities, ordinals)
        return (value >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def generator(self, purpose: Purpose, entity: int, ordinal: int = 0) -> np.random.Generator:
        """Return a NumPy generator of this key, for a draw from a law."""
        key = np.array([self.bits(purpose, entity, ordinal), self._key], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=key))
