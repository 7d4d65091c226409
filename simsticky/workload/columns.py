"""Sessions as columns: the form in which the workload hands sessions to the simulation.

A block holds many sessions in a few flat Python lists (of Python floats, not NumPy scalars: the event loop
reads them one by one, and a list of floats is several times faster to index than an array).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(slots=True)
class SessionBlock:
    """Consecutive sessions, ids ``first_session .. first_session + n - 1`` in order of start.

    The requests of session ``i`` (counted within the block) are the positions ``offset[i]`` to
    ``offset[i + 1] - 1`` of the flat columns.

    Attributes:
        first_session: Id of the block's first session.
        start_s: Length n. Time of each session's first request; for sessions alive at 0 the time of the first
            request after 0; for a closed client the pause before the session begins.
        offset: Length n + 1. Bounds of each session in the flat columns; ``offset[0]`` is 0.
        think_s: Flat. Gap from the end of a request to the sending of the next; 0.0 for the last of a
            session.
        service_s: Flat. Service demand of each request, in seconds.
        has_jar: Length n. Whether the client keeps cookies.
        request_before: Length n. Requests made before the run: 0, or at least 1 for sessions alive at 0.
    """

    first_session: int
    start_s: list[float]
    offset: list[int]
    think_s: list[float]
    service_s: list[float]
    has_jar: list[bool]
    request_before: list[int]

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self.start_s)


@dataclass(frozen=True, slots=True)
class ArrayBlock:
    """The same as arrays, of sessions that begin in the run; the attributes are those of :class:`SessionBlock`."""

    first_session: int
    start_s: npt.NDArray[np.float64]
    offset: npt.NDArray[np.int64]
    think_s: npt.NDArray[np.float64]
    service_s: npt.NDArray[np.float64]
    has_jar: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self.start_s)

    def in_parts(self, sessions: int) -> Iterator[SessionBlock]:
        """Yield the sessions as lists, so many at a time.

        They become lists late, so that their numbers are still in the processor's cache when they are used.
        """
        for begin in range(0, len(self), sessions):
            part = slice(begin, begin + sessions)
            offset = self.offset[begin : begin + sessions + 1]
            flat = slice(int(offset[0]), int(offset[-1]))
            yield SessionBlock(
                first_session=self.first_session + begin,
                start_s=self.start_s[part].tolist(),
                offset=(offset - offset[0]).tolist(),
                think_s=self.think_s[flat].tolist(),
                service_s=self.service_s[flat].tolist(),
                has_jar=self.has_jar[part].tolist(),
                request_before=[0] * (offset.size - 1),
            )


@dataclass(slots=True)
class AliveBlock(SessionBlock):
    """The sessions alive and idle at time 0 of an equilibrium start.

    Attributes:
        age_s: Length n. Time since the session's first request, in seconds.
    """

    age_s: list[float]
