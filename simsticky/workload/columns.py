"""Sessions as columns: the form in which the workload hands sessions to the simulation.

A block holds many sessions in a few flat Python lists (of Python floats, not NumPy scalars: the event loop
reads them one by one, and a list of floats is several times faster to index than an array).
"""

from dataclasses import dataclass


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


@dataclass(slots=True)
class AliveBlock(SessionBlock):
    """The sessions alive and idle at time 0 of an equilibrium start.

    Attributes:
        age_s: Length n. Time since the session's first request, in seconds.
    """

    age_s: list[float]
