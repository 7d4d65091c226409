"""The timeline's operations: what they offer, how they are written, and whether what they name exists."""

import pytest
from pydantic import ValidationError
from pydantic.alias_generators import to_snake

from simsticky.errors import InputError
from simsticky.scenario.model import Scenario
from simsticky.scenario.operations import OPERATIONS, VERBS
from simsticky.scenario.reading.load import loads
from simsticky.simulate import simulate

ONE_OF_EACH = [
    {"at": "1m", "rollout": "shop", "startup": "20s", "neverReady": True},
    {"at": 120, "scale": "shop", "replicas": 2},
    {"at": "3m", "deletePod": "shop", "count": 2},
    {"at": "4m", "readinessFlap": "shop", "for": "20s", "seenByGateway": True},
    {"at": "5m", "gatewayRestart": "kong-2", "downtime": "15s"},
    {"at": "6m", "configPush": "all"},
    {"at": "7m", "rollback": "shop"},
    {"at": "8m", "pause": "shop"},
    {"at": "9m", "resume": "shop"},
    {"at": "10m", "crash": "shop", "count": 2},
    {"at": "11m", "drainNode": "node-1", "by": "clusterAutoscaler"},
    {"at": "12m", "uncordon": "node-1"},
    {"at": "13m", "shutdownNode": "node-2"},
    {"at": "14m", "nodeLoss": "node-2"},
    {"at": "15m", "spot": "node-3", "notice": "30s"},
    {"at": "16m", "switchService": "app", "to": "green"},
    {"at": "17m", "canary": "app", "weights": {"shop": 90, "green": 10}},
    {"at": "18m", "traffic": {"rateFactor": 2}},
]
VERBS_IN_ORDER = [next(verb for verb in VERBS if verb in entry) for entry in ONE_OF_EACH]
SHOP = {
    "deployment": {"name": "shop", "readinessProbe": {"periodSeconds": 5}},
    "gateway": {"nodes": 2},
    "companions": [{"name": "green"}],
}


def operations(*timeline):
    return Scenario.model_validate({**SHOP, "timeline": list(timeline)}).timeline


def problem(text):
    with pytest.raises(InputError) as caught:
        loads("schema: simsticky/1\n" + text, "s.yaml")
    (line,) = str(caught.value).splitlines()
    return line


def test_every_operation_offers_the_same_attributes():
    """Tables and the simulation read time, verb, target, label and length of any operation alike."""
    seen = [(o.at_s, o.kind, o.target, o.lasts_s, o.label) for o in operations(*ONE_OF_EACH)]
    assert seen == [
        (60, "rollout", "shop", None, "rollout shop"),
        (120, "scale", "shop", None, "scale shop to 2"),
        (180, "deletePod", "shop", None, "delete 2 pods of shop"),
        (240, "readinessFlap", "shop", 20, "flap pod of shop for 20s"),
        (300, "gatewayRestart", "kong-2", 15, "restart kong-2"),
        (360, "configPush", "all", 0, "push to all nodes"),
        (420, "rollback", "shop", None, "rollback shop"),
        (480, "pause", "shop", 0, "pause shop"),
        (540, "resume", "shop", None, "resume shop"),
        (600, "crash", "shop", None, "crash 2 pods of shop"),
        (660, "drainNode", "node-1", None, "drain node-1"),
        (720, "uncordon", "node-1", 0, "uncordon node-1"),
        (780, "shutdownNode", "node-2", None, "shut down node-2"),
        (840, "nodeLoss", "node-2", None, "lose node-2"),
        (900, "spot", "node-3", None, "spot end of node-3 in 30s"),
        (960, "switchService", "app", 0, "switch app to green"),
        (1020, "canary", "app", 0, "canary shop 90, green 10"),
        (1080, "traffic", "traffic", 0, "traffic x2"),
    ]


def test_operations_keep_what_is_their_own():
    """Each verb's further fields arrive with their values and defaults."""
    rollout, scale, delete, flap, restart, push = operations(*ONE_OF_EACH)[:6]
    assert (rollout.startup.mean, rollout.never_ready) == (20, True)
    assert (scale.replicas, delete.count) == (2, 2)
    assert (flap.count, flap.for_s, flap.seen_by_gateway) == (1, 20, True)
    assert (restart.downtime, push.config_push) == (15, "all")
    (plain,) = operations({"at": 1, "gatewayRestart": "kong-1"})
    assert plain.downtime == 10


def test_the_registry_knows_every_operation_by_its_verb():
    """A new operation cannot be forgotten or misnamed: its tag, its verb and its field are one word."""
    assert set(VERBS) == {verb for entry in ONE_OF_EACH for verb in VERBS if verb in entry}
    for verb, operation in OPERATIONS.items():
        assert operation.verb == verb
        assert to_snake(verb) in operation.model_fields


def test_every_verb_is_done_in_a_run():
    """A verb that a timeline may say and nothing does would end a run in its midst."""
    scenario = Scenario.model_validate({**SHOP, "timeline": ONE_OF_EACH, "run": {"until": "20m"}})
    result = simulate(scenario.evolve({"traffic.sessions": {"kind": "poisson", "rate": "0.05/s"}}))
    assert [operation.kind for operation in result.recording.operations] == VERBS_IN_ORDER
    begun = {event.cause: event.kind for event in reversed(result.recording.events)}
    assert [begun[number] for number in range(1, len(ONE_OF_EACH) + 1)] == VERBS_IN_ORDER


def test_operations_read_back_from_python_and_json():
    """A timeline of every verb is the same after a way through JSON, and from Python's own spelling."""
    timeline = operations(*ONE_OF_EACH)
    written = [operation.model_dump(mode="json", by_alias=True) for operation in timeline]
    spelt = [operation.model_dump() for operation in timeline]
    assert operations(*written) == timeline
    assert operations(*spelt) == timeline
    assert operations(*timeline) == timeline


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "timeline: [{at: 1m, gatewayRestart: kong-3}]\ngateway: {nodes: 2}\n",
            "s.yaml:2:37: timeline.0.gatewayRestart: there is no gateway node 'kong-3' (did you mean kong-2?)",
        ),
        (
            "timeline: [{at: 1m, gatewayRestart: left}]\ngateway: {nodes: 2}\n",
            "s.yaml:2:37: timeline.0.gatewayRestart: there is no gateway node 'left' (they are kong-1 to kong-2)",
        ),
        (
            "timeline: [{at: 1m, gatewayRestart: left}]\n",
            "s.yaml:2:37: timeline.0.gatewayRestart: there is no gateway node 'left' (the gateway node is kong-1)",
        ),
        (
            "timeline: [{at: 1m, gatewayRestart: all}]\n",
            "s.yaml:2:37: timeline.0.gatewayRestart: there is no gateway node 'all' (the gateway node is kong-1)",
        ),
        (
            "timeline: [{at: 1m, configPush: al}]\n",
            "s.yaml:2:33: timeline.0.configPush: there is no gateway node 'al' (did you mean all?)",
        ),
        (
            "timeline: [{at: 1m, readinessFlap: app, for: 20s}]\n",
            "s.yaml:2:36: timeline.0.readinessFlap: the Deployment has no readiness probe that could fail"
            " (state deployment.readinessProbe, for example {periodSeconds: 5})",
        ),
        (
            "timeline: [{at: 1m, readinessFlap: app}]\ndeployment: {readinessProbe: {periodSeconds: 5}}\n",
            "s.yaml:2:12: timeline.0.for: required, but missing",
        ),
        (
            "timeline: [{at: 1m, readinessFlap: app, for: 0s}]\ndeployment: {readinessProbe: {periodSeconds: 5}}\n",
            "s.yaml:2:46: timeline.0.for: must be greater than 0, got '0s'",
        ),
        (
            "timeline: [{at: 1m, gatewayRestart: kong-1, downtim: 3s}]\n",
            "s.yaml:2:45: timeline.0.downtim: unknown, did you mean timeline.0.downtime?",
        ),
        (
            "timeline: [{at: 1m, gatewayRestart: kong-1, downtime: 0}]\n",
            "s.yaml:2:55: timeline.0.downtime: must be greater than 0, got 0",
        ),
        (
            "timeline: [{at: 1m, configPush: 3}]\n",
            "s.yaml:2:33: timeline.0.configPush: must be text, got 3",
        ),
        (
            "timeline: [{at: 1m, restart: kong-1}]\n",
            f"s.yaml:2:12: timeline.0: an operation needs one of {', '.join(VERBS)}; did you mean gatewayRestart?",
        ),
    ],
)
def test_a_wrong_operation_is_told_at_its_place(text, line):
    """What does not exist, what is missing and what is misspelt: place, reason, and the way out."""
    assert problem(text) == line


def test_two_verbs_in_one_entry_are_refused():
    """An entry with two verbs would do one of them in silence."""
    with pytest.raises(ValidationError, match="one operation an entry, got rollout and configPush"):
        operations({"at": 1, "rollout": "shop", "configPush": "all"})


@pytest.mark.parametrize(
    ("repeated", "told"),
    [({"every": "1m"}, "needs times"), ({"times": 3}, "needs every"), ({"every": "1m", "times": 1}, "")],
    ids=str,
)
def test_every_and_times_belong_together(repeated, told):
    """Alone, neither would repeat anything."""
    entry = {"at": "1m", "deletePod": "shop", **repeated}
    if not told:
        operations(entry)
        return
    with pytest.raises(ValidationError, match=told):
        operations(entry)
