"""Long-lived connections in a scenario file: forms, refusals, and the waits of a client that reconnects."""

import pytest

from simsticky.errors import InputError
from simsticky.scenario.model import Reconnect, Scenario
from simsticky.scenario.reading.load import loads


def connections(written):
    return Scenario.model_validate({"traffic": {"connections": written}}).traffic.connections


def problem(text):
    with pytest.raises(InputError) as caught:
        loads(f"schema: simsticky/1\n{text}\n", "s.yaml")
    (line,) = str(caught.value).splitlines()
    return line


def test_by_default_each_request_has_a_connection_of_its_own():
    """Nothing stated is per-request, written back in one word's worth."""
    found = Scenario.model_validate({}).traffic.connections
    assert not found.long_lived
    assert found.model_dump(mode="json", by_alias=True) == {"kind": "per-request"}


def test_short_and_long_form_are_the_same():
    """``long-lived`` is the section with its defaults: 1 s, doubled up to 30 s, full jitter, for ever."""
    found = connections("long-lived")
    assert found == connections({"kind": "long-lived"})
    reconnect = found.reconnect
    assert (reconnect.backoff, reconnect.factor, reconnect.max, reconnect.jitter) == (1, 2, 30, "full")
    assert (reconnect.max_attempts, found.connect) == ("unlimited", None)


def test_every_key_arrives_and_is_written_back():
    """The nested sections have their values in seconds, and read back as they were."""
    written = {"backoff": "500ms", "factor": 3, "max": "1m", "jitter": "equal", "maxAttempts": 8}
    found = connections({"kind": "long-lived", "connect": "20ms", "reconnect": written})
    assert (found.reconnect.backoff, found.reconnect.max, found.reconnect.max_attempts) == (0.5, 60, 8)
    assert found.connect is not None
    assert found.connect.mean == 0.02
    assert type(found).model_validate(found.model_dump(mode="json", by_alias=True)) == found


def test_jitter_can_be_changed_on_the_command_line():
    """``--set`` reaches into a section that was written in its short form, and back to per-request."""
    scenario = Scenario.model_validate({"traffic": {"connections": "long-lived"}})
    changed = scenario.evolve({"traffic.connections.reconnect.jitter": "none"})
    assert changed.traffic.connections.reconnect.jitter == "none"
    assert changed.traffic.connections.long_lived
    assert not changed.evolve({"traffic.connections": "per-request"}).traffic.connections.long_lived


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("traffic: {connections: longlived}", "unknown kind 'longlived' of connections: did you mean long-lived?"),
        ("traffic: {connections: {kind: long-lived, reconect: {}}}", "did you mean traffic.connections.reconnect?"),
        (
            "traffic: {connections: {kind: long-lived, reconnect: {backof: 1s}}}",
            "did you mean traffic.connections.reconnect.backoff?",
        ),
        ("traffic: {connections: {kind: long-lived, reconnect: {backoff: 0s}}}", "reconnect.backoff"),
        ("traffic: {connections: {kind: long-lived, reconnect: {max: 100ms}}}", "must not be below the first"),
        ("traffic: {connections: {kind: long-lived, reconnect: {maxAttempts: unlimitd}}}", "did you mean unlimited?"),
        ("traffic: {connections: {kind: long-lived, reconnect: {maxAttempts: 0}}}", "from 1"),
        ("traffic: {connections: {kind: long-lived, reconnect: {jitter: ful}}}", "full"),
        ("traffic: {connections: {reconnect: {jitter: none}}}", "only long-lived connections"),
        ("traffic: {tabs: 2, connections: long-lived}", "a session has one connection"),
        ("traffic: {onFailure: {action: retry}, connections: long-lived}", "is not sent again"),
        ("app: {onSigterm: {connections: {closeAfter: 3s}}}", "connections is wait, close, or {closeOver: 20s}"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(text, expected):
    """One line with file, line and key, and what to write instead where that can be guessed."""
    line = problem(text)
    assert line.startswith("s.yaml:2:")
    assert expected in line


def test_what_has_no_effect_is_warned_of():
    """A setting that nothing heeds under these connections is named, not passed over."""
    held = Scenario.model_validate({"traffic": {"connections": "long-lived", "idempotent": 0.5}})
    assert [text.partition(":")[0] for text in held.warnings] == ["traffic.idempotent"]
    closing = Scenario.model_validate({"app": {"onSigterm": {"connections": "close"}}})
    assert [text.partition(":")[0] for text in closing.warnings] == ["app.onSigterm.connections"]


@pytest.mark.parametrize(
    ("written", "connections", "close_over_s"),
    [({}, "wait", 0), ({"connections": "close"}, "close", 0), ({"connections": {"closeOver": "20s"}}, "close", 20)],
)
def test_forms_of_closing_connections(written, connections, close_over_s):
    """What the application does with its connections on SIGTERM reads back as it was written."""
    reaction = Scenario.model_validate({"app": {"onSigterm": written}}).app.on_sigterm
    assert (reaction.connections, reaction.close_over_s) == (connections, close_over_s)
    assert type(reaction).model_validate(reaction.model_dump()) == reaction


def test_waits_grow_up_to_the_longest():
    """Without jitter 1, 2, 4 s and so on, never above ``max``, however many attempts have failed."""
    reconnect = Reconnect(jitter="none", max=10.0)
    assert [reconnect.wait_s(failed, 0.7) for failed in (0, 1, 2, 3, 4, 5000)] == [1, 2, 4, 8, 10, 10]
    assert Reconnect(jitter="none", factor=1.0).wait_s(5000, 0.0) == 1


def test_jitter_draws_all_of_a_wait_or_half_of_it():
    """Full: uniform from 0; equal: at least half; the wait itself is never reached."""
    assert [Reconnect(backoff=4.0).wait_s(0, draw) for draw in (0.0, 0.25, 0.75)] == [0, 1, 3]
    assert [Reconnect(backoff=4.0, jitter="equal").wait_s(0, draw) for draw in (0.0, 0.5)] == [2, 3]


def test_the_schema_knows_both_forms():
    """Editors complete the word and the section."""
    schema = Scenario.json_schema()
    word, section = schema["$defs"]["Connections"]["anyOf"]
    assert word == {"enum": ["per-request", "long-lived"]}
    assert {"kind", "connect", "reconnect"} <= set(section["properties"])
