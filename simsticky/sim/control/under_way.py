"""What is on its way from the pods to the nodes' tables: changes that have been made and are not everywhere yet."""

from collections.abc import Callable


class UnderWay:
    """Counts the changes that somebody still has to hear of, and tells when there are none."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting: list[Callable[[], None]] = []

    def begin(self, number: int = 1) -> None:
        """So many changes more are on their way."""
        self._count += number

    def end(self, number: int = 1) -> None:
        """So many have come to where they were to go, or are void."""
        self._count -= number
        if not self._count:
            waiting, self._waiting = self._waiting, []
            for tell in waiting:
                tell()

    def carries(self, action: Callable[[], None]) -> Callable[[], None]:
        """Return an action that ends what begins now."""
        self.begin()

        def act() -> None:
            action()
            self.end()

        return act

    def when_none(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` once, as soon as nothing is on its way: now, if nothing is."""
        if self._count:
            self._waiting.append(tell)
        else:
            tell()
