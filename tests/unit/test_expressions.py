"""Settings that follow others, and which numbers a setting takes."""

import pytest
from small_scenario import small

from simsticky.errors import InputError
from simsticky.scenario.paths.changes import keys_of
from simsticky.scenario.paths.expressions import names_in
from simsticky.scenario.paths.quantities import number_at, quantity_of

BASE = {"deployment.preStop": "30s", "deployment.grace": "60s", "deployment.replicas": 3}


def evolved(**changes):
    """The small scenario with settings whose dots are written as two underscores."""
    return small().evolve(BASE).evolve({path.replace("__", "."): value for path, value in changes.items()})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("preStop + 30s", 330),
        ("preStop+30", 330),
        ("deployment.preStop + 30s", 330),
        ("(preStop + 30s) * 1.5", 495),
        ("preStop * 2 - 1m", 540),
        ("30s + preStop / 4", 105),
        ("replicas * 10s", 30),
        ("grace * 2", 120),
        ("preStop + 0.2s", 301),
    ],
)
def test_the_grace_period_can_follow(text, seconds):
    """An expression is worked out with the other changes made, its own name standing for the value before; whole
    seconds round up.
    """
    changed = evolved(deployment__preStop="5m", deployment__grace=text)
    assert changed.deployment.termination_grace_period_seconds == seconds


def test_expressions_may_follow_expressions():
    """The order in which changes are written does not matter."""
    changed = evolved(deployment__grace="preStop + 30s", deployment__preStop="sessionTimeout / 60")
    assert changed.deployment.pre_stop.seconds == 30
    assert changed.deployment.termination_grace_period_seconds == 60


def test_a_waiting_hook_counts_as_long_as_it_waits_at_most():
    """The grace period that follows a waiting preStop covers its longest wait."""
    changed = evolved(
        deployment__preStop={"waitUntil": "noSessions", "atMost": "10m"}, deployment__grace="preStop + 5s"
    )
    assert changed.deployment.termination_grace_period_seconds == 605


def test_rates_and_counts_can_follow():
    """Twice the traffic, half the pods, rounded up."""
    rate = small().traffic.sessions.rate
    changed = evolved(traffic__sessions__rate="rate * 2", deployment__replicas="replicas / 2")
    assert changed.traffic.sessions.rate == 2 * rate
    assert changed.deployment.replicas == 2


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("deployment.grace", "preStp + 30s", "did you mean preStop?"),
        ("deployment.grace", "preStop - 90s", "comes to -1m, below zero"),
        ("deployment.grace", "replicas", "is a number, and deployment.grace is a time"),
        ("deployment.grace", "traffic.sessions.rate + 2s", "a rate and a time cannot be added"),
        ("deployment.grace", "preStop * preStop", "is neither a time nor a number"),
        ("deployment.grace", "preStop / 0", "divides by zero"),
        ("deployment.grace", "30 seconds", "has no unit we know"),
        ("deployment.grace", "-3s", "must be at least 0"),
        ("app.sessionTimeout", "traffic.think * 2", "is a law of kind"),
        ("deployment.preStop", "grace", "follow each other in a circle"),
    ],
)
def test_what_cannot_be_worked_out_is_told(path, text, told):
    """A name, a unit or a sign that is wrong is the person's to mend, with the place."""
    changes = {path: text}
    if path == "deployment.preStop":
        changes["deployment.grace"] = "preStop"
    with pytest.raises(InputError) as caught:
        small().evolve(BASE).evolve(changes, source="--set")
    assert told in str(caught.value)
    assert str(caught.value).startswith("--set ")


def test_words_are_no_expressions():
    """A minus in an algorithm's name subtracts nothing, and a literal stays one."""
    assert evolved(upstream__algorithm="round-robin").upstream.algorithm == "round-robin"
    assert evolved(run__until="drained").run.until == "drained"
    assert names_in(small(), keys_of("upstream.algorithm"), "round-robin") == ()
    assert names_in(small(), keys_of("deployment.grace"), "preStop + 30s") == (("deployment", "preStop"),)


@pytest.mark.parametrize(
    ("path", "dimension", "whole"),
    [
        ("deployment.preStop", "time", True),
        ("deployment.grace", "time", True),
        ("deployment.maxSurge", "number", True),
        ("deployment.replicas", "number", True),
        ("kic.proxySyncSeconds", "time", False),
        ("kic.enableDrainSupport", "text", False),
        ("kic.delays", "time", False),
        ("kic.pushDelay", "time", False),
        ("traffic.sessions.rate", "rate", False),
        ("traffic.cookies.keep", "number", False),
        ("upstream.algorithm", "text", False),
    ],
)
def test_the_kind_of_number_of_a_setting(path, dimension, whole):
    """A range is drawn in the setting's own unit: whole seconds where Kubernetes has whole seconds."""
    quantity = quantity_of(small(), keys_of(path))
    assert (quantity.dimension, quantity.whole) == (dimension, whole)


def test_numbers_are_read_and_written_in_their_unit():
    """What is written is read back."""
    scenario = small().evolve(BASE)
    for path, text in (("deployment.grace", "6m52s"), ("traffic.sessions.rate", "90/min"), ("deployment.replicas", 7)):
        quantity = quantity_of(scenario, keys_of(path))
        assert quantity.write(quantity.read(text)) == (text if text != "90/min" else "1.5/s")
    assert number_at(scenario, keys_of("deployment.preStop"))[0] == 30
    with pytest.raises(ValueError, match="is a share of another setting"):
        number_at(scenario.evolve({"deployment.maxSurge": "25%"}), keys_of("deployment.maxSurge"))
