"""``broken_any_cause`` against the rows of the requests: who was answered without its state, or not at all any more."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from engine_strategies import Case, engine_cases
from hypothesis import HealthCheck, assume, given, settings

from simsticky.recording.record import CODE, ENDED, SESSION, Kind, Outcome, unpack_columns
from simsticky.scenario.model import Scenario
from simsticky.sim.clients.tally import Tally
from simsticky.sim.sessions.registry import Ended
from simsticky.sim.sessions.session import Session
from simsticky.sim.simulation import Simulation

_SLOW = settings(max_examples=settings().max_examples // 2, suppress_health_check=list(HealthCheck))
Answers = dict[int, list[tuple[float, bool]]]


def _answers(blocks: Sequence[np.ndarray]) -> Answers:
    """Return the answers of each session: when each ended, and whether it came without the state."""
    found: Answers = defaultdict(list)
    for rows in blocks:
        fields = unpack_columns(rows[:, CODE])
        answered = (fields["outcome"] == Outcome.ANSWERED) & ~np.isnan(rows[:, ENDED])
        for at in np.flatnonzero(answered):
            found[int(rows[at, SESSION])].append((rows[at, ENDED], fields["kind"][at] != Kind.NONE))
    return found


@_SLOW
@given(engine_cases())
def test_guard_counts_what_the_rows_say(case: Case) -> None:
    """Protects rule B14 whatever becomes of last requests: cut, sent again, failed, of several tabs or a connection.

    A session alive at the start of an operation is broken, if from then on an answer came without its state, or none.
    """
    assume(case.scenario["timeline"] and not case.own)
    scenario = Scenario.model_validate(case.scenario).evolve({"run.record": "requests"})
    since: dict[int, float] = {}
    with pytest.MonkeyPatch.context() as patch:
        guard = Tally._guard

        def noted(tally: Tally, ended: Ended, known: Mapping[int, Session], *, unfinished: bool) -> None:
            guard(tally, ended, known, unfinished=unfinished)
            for at, session in known.items():
                if session.alive_at and not unfinished and ended.sent_s[at] >= session.alive_at[0][1]:
                    since[int(ended.number[at])] = session.alive_at[0][1]

        patch.setattr(Tally, "_guard", noted)
        recording = Simulation(scenario, scenario.run.seed, 0).run()
    answers = _answers(recording.request_blocks)
    broken = 0
    for number, since_s in since.items():
        later: list[Any] = [lost for at_s, lost in answers[number] if at_s >= since_s]
        broken += any(later) or not later
    counts = recording.counts
    assert (counts.get("any_cause_sessions", 0), counts.get("broken_any_cause_sessions", 0)) == (len(since), broken)
