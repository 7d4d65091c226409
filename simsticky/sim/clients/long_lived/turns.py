"""The turns of one client: it waits for one moment after the other, and news may come before."""

from collections.abc import Generator

from simsticky.sim.clock import Clock, call_on_completion
from simsticky.sim.plane.columns import Columns
from simsticky.sim.sessions.session import Cut

Waiting = Generator[None, None, None]
"""What a client does; it yields where it waits for its next turn."""


class CutOff(Exception):  # noqa: N818  # a signal, not an error
    """The container of a connection, or of a connect under way, has died.

    Attributes:
        news: What is known of it.
    """

    def __init__(self, news: Cut) -> None:
        super().__init__(news)
        self.news = news


class Turns:
    """Takes a client from turn to turn. Before it yields, it says what it waits for.

    Args:
        env: The clock.
        columns: The plane's, whose queue of sends has the client's turns among them.
        place: The place of its session.
    """

    __slots__ = ("_columns", "_env", "_number", "_place", "_waiting")
    _waiting: Waiting

    def __init__(self, env: Clock, columns: Columns, place: int) -> None:
        self._env = env
        self._columns = columns
        self._place = place
        self._number = 0

    def begin(self, waiting: Waiting) -> None:
        """Let the client do this, up to its first wait."""
        self._waiting = waiting
        next(waiting)

    def go_on(self) -> None:
        """Take the turn that has been waited for."""
        self._number += 1
        next(self._waiting, None)

    def interrupt(self, signal: Exception) -> None:
        """Throw a signal into the client, which waits for something else then."""
        self._number += 1
        self._columns.queues.withdraw((self._place,))
        self._waiting.throw(signal)

    def wait_until(self, at_s: float) -> None:
        """Have the next turn among the sends of a moment."""
        self._columns.send_at(self._place, at_s)

    def wait_for_end(self, at_s: float) -> None:
        """Have the next turn before all else of a moment."""
        number = self._number

        def take() -> None:
            if self._number == number:
                self.go_on()

        call_on_completion(self._env, at_s, take)
