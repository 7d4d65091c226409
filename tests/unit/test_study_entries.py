"""What a study says by entry of its timeline, and of operations that only some replications had."""

from simsticky.report.rows import rows_of, sections
from simsticky.results.metrics import METRICS
from simsticky.study.check.budget import Budget
from simsticky.study.entries import by_entry
from simsticky.study.replicate import Study
from simsticky.study.store import Replication, Replications
from tests.small_scenario import small

SCENARIO = small(
    timeline=[{"at": "30s", "rollout": "app"}, {"at": "90s", "configPush": "all"}],
    autoscaler={"minReplicas": 2, "maxReplicas": 9, "targetUtilization": 50},
)


def _row(number, label, kind, exposed):
    entry = {"rollout": "1", "configPush": "2", "hpa": "hpa"}[kind]
    return {"operation": number, "label": label, "kind": kind, "entry": entry, "exposed": exposed}


def _replication(exposed, broken, *scales):
    """A replication whose rollout exposed and broke so many sessions, and in which the autoscaler scaled so."""
    counts = {"1": (exposed, broken), "2": (0, 0), "hpa": (10 * len(scales), len(scales))}
    summary = {}
    for key, (of, hit) in counts.items():
        summary |= {f"entries.{key}.exposed_sessions": of, f"entries.{key}.broken_exposed_sessions": hit}
        summary |= {f"entries.{key}.alive_sessions": 2 * of, f"entries.{key}.broken_alive_sessions": hit}
    timeline = [_row(1, "rollout app", "rollout", exposed), _row(2, "push to all nodes", "configPush", 0)]
    of_scaler = [_row(3 + place, label, "hpa", 10) for place, label in enumerate(scales)]
    return Replication(summary, "0" * 64, (), (*timeline, *of_scaler))


STUDY = Study(
    SCENARIO,
    1,
    Replications(
        [
            _replication(40, 10),
            _replication(60, 20, "hpa scale 3 to 4"),
            _replication(50, 15, "hpa scale 3 to 5", "hpa scale 5 to 3"),
        ]
    ),
    METRICS,
)


def test_each_entry_has_shares_of_its_own():
    """The rollout's 45 of 150 are not diluted by what the autoscaler did; a push that exposes nobody has no share."""
    rollout, push, scaler = by_entry(STUDY)
    assert [entry.label for entry in (rollout, push, scaler)] == [
        "rollout app at 30s",
        "push to all nodes at 1m30s",
        "scales of the autoscaler",
    ]
    broken, of_alive = rollout.estimates
    assert (broken.numerator, broken.denominator, broken.interval.estimate) == (45, 150, 0.3)
    assert (of_alive.numerator, of_alive.denominator) == (45, 300)
    assert push.estimates[0].interval.estimate is None
    assert (scaler.estimates[0].numerator, scaler.estimates[0].denominator) == (3, 30)


def test_operations_that_only_some_replications_had_are_listed_too():
    """The autoscaler's scales are matched by their order, with the number of replications that had them."""
    rows = STUDY.operations()
    assert [(row["label"], row["replications"]) for row in rows] == [
        ("rollout app", 3),
        ("push to all nodes", 3),
        ("hpa scale 1", 2),
        ("hpa scale 5 to 3", 1),
    ]
    assert rows[0]["exposed"]["mean"] == 50.0


def test_without_such_counts_nothing_is_said():
    """A study of other numbers has no entries to speak of."""
    assert by_entry(Study(SCENARIO, 1, Replications([Replication({"x": 1}, "0" * 64, (), ())]), METRICS)) == []


ALONE = Study(
    small(
        timeline=[{"at": "30s", "rollout": "app"}],
        autoscaler={"minReplicas": 2, "maxReplicas": 9, "targetUtilization": 50},
    ),
    1,
    Replications(
        [
            Replication({**one.summary, "broken_exposed_sessions": broken}, one.digest, (), one.operations)
            for one, broken in zip(
                (_replication(40, 10), _replication(60, 20, "hpa scale 3 to 4"), _replication(50, 15, "up", "down")),
                (10, 21, 17),
                strict=True,
            )
        ]
    ),
    METRICS,
)


def test_what_a_rollout_breaks_is_told_without_the_autoscaler():
    """48 sessions broke, 45 of them by rollouts: "per rollout" counts those only, and so does a budget."""
    (row,) = [row for section in sections(ALONE) for row in rows_of(section) if row.cells[0].text == "per rollout"]
    assert row.cells[2].text == "45 in 3 rollouts"
    assert row.cells[1].text == "15"
    deploys = Budget.parse("150 broken sessions a day").deploys(ALONE)
    assert deploys.of_rollouts
    assert (deploys.broken.estimate, deploys.allowed.estimate) == (15.0, 10.0)


def test_where_no_entries_were_kept_it_is_told_per_run():
    """A study of an older version counts all breaks together, and does not say that a rollout made them."""
    kept = Replications([Replication({"broken_exposed_sessions": 7}, "0" * 64, (), ())] * 3)
    shown = sections(Study(ALONE.scenario, 1, kept, METRICS))
    labels = [row.cells[0].text for section in shown for row in rows_of(section)]
    assert "per run" in labels
    assert "per rollout" not in labels
