"""The run without operations, from where the first of them begins: the plane alone.

Until then the two runs are equal to the last bit, and from then on nothing happens in the one without operations but
sends: so a copy of the plane's columns is all it needs, and no SimPy (docs/decisions/0016-one-source-two-engines.md).
Where something else may happen in it, it is made from its start.
"""

from simsticky.recording.recorder import Recorder
from simsticky.scenario.model import Scenario
from simsticky.sim.clients.arrivals import Arrivals
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import (
    ENDED,
    LEFT,
    TURN_OF,
    Stop,
)
from simsticky.stats.skew import SkewTotals

Skew = dict[tuple[str, str], SkewTotals]


def may_be_alone(scenario: Scenario) -> bool:
    """Return whether nothing but sends happens in the run of a scenario without its operations, as far as is known."""
    app, traffic = scenario.app, scenario.traffic
    at_rest = app.crash is None and app.oom is None and not scenario.kic.config_churn
    return at_rest and traffic.tabs == 1 and not traffic.connections.long_lived


class PairedRun:
    """The plane of the run without operations.

    Args:
        columns: Those of the run with operations; they are copied.
        recorder: Its recorder, sealed now.
        arrivals: Who comes from now on.
        now_s: The time.
    """

    def __init__(self, columns: Columns, recorder: Recorder, arrivals: Arrivals, now_s: float) -> None:
        self._columns = columns.copy()
        self._recorder = recorder.beside(self._columns.rows, now_s)
        self._columns.write_moves_to(self._recorder.moves)
        self._arrivals = arrivals.beside(self._columns)

    def skew(self, end_s: float) -> Skew | None:
        """Run to a time and return the load skew until then; None if something happens that is more than a send."""
        columns, queues = self._columns, self._columns.queues
        while queues.next_s < end_s:
            stop = columns.advance(end_s)
            if stop != Stop.TIME and not self._serve(stop, columns.own.cells[TURN_OF], end_s):
                return None
        self._recorder.mark_window(end_s)
        return self._recorder.finish(end_s).skew

    def _serve(self, stop: int, place: int, end_s: float) -> bool:
        """Do what the plane has stopped for before a time; return whether that could be done."""
        columns = self._columns
        if stop == Stop.ARRIVALS:
            self._arrivals.load()
        elif stop == Stop.FEED:
            self._arrivals.feed(place)
        elif stop == Stop.ROOM:
            columns.have_room()
        elif stop == Stop.SUCCESSOR:
            self._arrivals.succeed(place, columns.floats[ENDED][place])
            self._vacate()
        elif stop == Stop.FULL:
            self._recorder.seal(min(columns.queues.next_s, end_s))  # the next send may be due later
            self._vacate()
        else:
            return False
        return True

    def _vacate(self) -> None:
        """Let the sessions go that have sent their last request: nothing cuts it here, and nobody counts them."""
        columns = self._columns
        columns.run.vacate_first(columns.own.cells[LEFT], columns.state)
        columns.take_retired()
