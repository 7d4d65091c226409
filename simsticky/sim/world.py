"""What every part of the running model shares: the clock, the luck, the delays and the recorder."""

from dataclasses import dataclass

from simsticky.recording.events import Data, EventRecord
from simsticky.recording.open_rows import OpenRows
from simsticky.recording.recorder import Recorder
from simsticky.scenario.distributions import Law
from simsticky.scenario.model import Scenario
from simsticky.sim.clock import Clock
from simsticky.sim.plane.columns import Columns
from simsticky.sim.streams import Purpose, Streams


@dataclass(frozen=True, slots=True)
class World:
    """One replication's environment, streams and recorder, the rows of its requests, and the plane's columns."""

    env: Clock
    scenario: Scenario
    streams: Streams
    recorder: Recorder
    rows: OpenRows
    columns: Columns

    @property
    def now_s(self) -> float:
        """The simulated time in seconds."""
        return float(self.env.now)

    @property
    def settle_s(self) -> float:
        """Time from which on something is measured (``run.settle``), in seconds."""
        return self.scenario.run.settle

    def draw(self, law: Law, purpose: Purpose, entity: int, ordinal: int = 0) -> float:
        """Return one draw from a law, keyed by (purpose, entity, ordinal) (rule T2)."""
        if law.is_zero:
            return 0.0
        return float(law.sample(self.streams.generator(purpose, entity, ordinal), 1)[0])

    def tell(self, actor: str, kind: str, subject: str, data: Data | None = None, cause: int = 0) -> None:
        """Record what happens now; its sentence is made by those who read it (``simsticky.results.story``)."""
        self.recorder.event(EventRecord(self.now_s, actor, kind, subject, data, cause))
