"""Argo Rollouts: their steps, pauses, canaries and switches, read or refused."""

import pytest
from manifest_cases import app, obj, put, read, refused, said, scaler

from simsticky.recording.events import CanaryWaits
from simsticky.simulate import simulate


def _rollout(strategy, objects=None, **spec):
    """Return the application with an Argo Rollout that owns the template itself."""
    objects = objects or app()
    deployment = objects[0]
    own = obj("Rollout", "argoproj.io/v1alpha1", {**deployment["spec"], "strategy": strategy, **spec})
    return [own, *objects[1:]]


CANARY = {"canary": {"steps": [{"setWeight": 20}, {"pause": {"duration": "60s"}}]}}


@pytest.mark.parametrize("order", [1, -1])
def test_a_rollout_with_its_own_template(tmp_path, order):
    """The kind is another, pods and replicas are read alike."""
    scenario = read(tmp_path, _rollout(CANARY)[::order])
    assert (scenario.deployment.name, scenario.deployment.replicas) == ("web", 3)
    assert scenario.to_json_dict()["deployment"]["strategy"]["steps"] == [{"setWeight": 20}, {"pause": 60.0}]
    assert scenario.deployment.pre_stop is not None


@pytest.mark.parametrize(
    ("duration", "pause"), [(30, 30.0), ("30", 30.0), ("5m", 300.0), ("1h", 3600.0), (None, "forever")]
)
def test_the_forms_of_a_pause(tmp_path, duration, pause):
    """Seconds, a number as text, a duration, or without end until somebody promotes."""
    steps = [{"setWeight": 50}, {"pause": {} if duration is None else {"duration": duration}}]
    scenario = read(tmp_path, _rollout({"canary": {"steps": steps}}))
    assert scenario.deployment.strategy.steps[1].pause == pause
    assert ("a pause without end" in said(scenario)) == (duration is None)


def test_a_pause_without_end_goes_on_when_somebody_resumes(tmp_path):
    """Until then one pod of three is new, and the rollout is named as stuck; ``resume`` promotes it."""
    objects = _rollout({"canary": {"steps": [{"setWeight": 34}, {"pause": {}}]}})
    lines = ("run: {skewFloor: false, horizon: 30m}", "traffic: {sessions: {kind: poisson, rate: 1/s}}")
    waiting = simulate(read(tmp_path, objects, *lines, "timeline: [{at: 2m, rollout: web}]"), seed=1)
    (rollout,) = waiting.recording.operations
    assert rollout.stuck == CanaryWaits(2)
    assert any("the canary pauses at step 2 until somebody resumes it" in text for text in waiting.warnings)
    timeline = "timeline: [{at: 2m, rollout: web}, {at: 10m, resume: web}]"
    scenario = read(tmp_path, objects, *lines, timeline)
    assert said(scenario) == ""
    promoted = simulate(scenario, seed=1)
    rollout = promoted.recording.operations[0]
    assert not rollout.stuck
    assert rollout.done_s > 600


def test_steps_hold_as_many_new_pods_as_their_weight(tmp_path):
    """At 50 % of four pods two are new during the pause, and never more."""
    objects = _rollout({"canary": {"steps": [{"setWeight": 50}, {"pause": {"duration": "5m"}}]}}, replicas=4)
    lines = ("run: {skewFloor: false}", "traffic: {sessions: {kind: poisson, rate: 1/s}}")
    scenario = read(tmp_path, objects, *lines, "timeline: [{at: 2m, rollout: web}]")
    pods = simulate(scenario, seed=1).recording.pods
    begun = sorted(pod.created_s for pod in pods if pod.revision == 2)
    assert len(begun) == 4
    assert begun[1] < 300 < 420 < begun[2]


def test_weights_that_fall_are_refused(tmp_path):
    """Going back on the way is not modelled."""
    steps = [{"setWeight": 50}, {"setWeight": 20}]
    assert "a weight below the one before it is not modelled" in refused(
        tmp_path, _rollout({"canary": {"steps": steps}})
    )


def test_what_a_canary_does_beside_weights_is_said_aloud(tmp_path):
    """Analyses and traffic routers are not simulated."""
    steps = [{"setWeight": 50}, {"analysis": {"templates": [{"templateName": "ok"}]}}]
    text = said(read(tmp_path, _rollout({"canary": {"trafficRouting": {"nginx": {}}, "steps": steps}})))
    assert "what it routes is not simulated" in text
    assert "analysis is not simulated: the rollout goes on at once" in text


def test_a_blue_green_rollout_is_a_switch_and_a_scale(tmp_path):
    """The Service goes over to new pods that are ready, and the old ones go scaleDownDelaySeconds later."""
    strategy = {"blueGreen": {"activeService": "web", "scaleDownDelaySeconds": 45}}
    scenario = read(tmp_path, _rollout(strategy), "timeline: [{at: 10m, rollout: web}]")
    switch, scale = scenario.operations
    assert (switch.kind, switch.at_s, switch.to) == ("switchService", 600.0, "web-green")
    assert (scale.kind, scale.at_s, scale.scale, scale.replicas) == ("scale", 645.0, "web", 0)
    (green,) = scenario.companions
    assert (green.name, green.replicas) == ("web-green", 3)
    assert "a blue-green rollout" in said(scenario)
    timeline = "timeline: [{at: 10m, rollout: web}, {at: 20m, rollout: web}]"
    assert "only one blue-green rollout" in refused(tmp_path, _rollout(strategy), timeline)
    own = ("companions: [{name: next, replicas: 3}]", "timeline: [{at: 10m, switchService: web, to: next}]")
    assert len(read(tmp_path, _rollout(strategy), *own).operations) == 1


def test_a_workload_reference_needs_its_deployment(tmp_path):
    """Without the template nothing is known of the pods; a Deployment that is not at 0 has pods of its own."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    rollout = obj("Rollout", "argoproj.io/v1alpha1", {"replicas": 2, "workloadRef": reference, "strategy": CANARY})
    assert "add the manifest of Deployment web" in refused(tmp_path, [rollout, *app()[1:]])
    scenario = read(tmp_path, [rollout, *app()])
    assert scenario.deployment.replicas == 2
    assert "its own pods are behind the Service too until it is scaled to 0" in said(scenario)
    objects = app()
    put(objects[0], "spec", "replicas", 0)
    assert said(read(tmp_path, [*objects, rollout])) == ""


def test_replicas_that_are_stated_are_not_the_autoscalers(tmp_path):
    """Only what the manifest leaves out begins at minReplicas; 1 where that is left out too."""
    assert read(tmp_path, [*app(), scaler("v2", minReplicas=5)]).deployment.replicas == 3
    objects = app()
    objects[0]["spec"].pop("replicas")
    assert read(tmp_path, [*objects, scaler("v2", minReplicas=5)]).deployment.replicas == 5
    assert read(tmp_path, [scaler("v2"), *objects]).deployment.replicas == 1
    stated = read(tmp_path, [*objects, scaler("v2", minReplicas=5)], "deployment: {replicas: 7}")
    assert stated.deployment.replicas == 7
    rollout = _rollout(CANARY)
    rollout[0]["spec"].pop("replicas")
    scenario = read(tmp_path, [*rollout, scaler("v2", target=("Rollout", "web"), minReplicas=4)])
    assert scenario.deployment.replicas == 4


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        ({"canary": {"steps": [{"setWeight": 20, "pause": {}}]}}, "a step does one thing, this one has setWeight and"),
        ({"canary": {}, "blueGreen": {"activeService": "web"}}, "canary or blueGreen, not both"),
        ({"blueGreen": {}}, "activeService: Required value"),
    ],
    ids=["two-in-one-step", "both", "no-active-service"],
)
def test_what_argo_refuses(tmp_path, strategy, told):
    """Argo marks such a Rollout as invalid and does nothing; here one half of it would have counted in silence."""
    assert told in refused(tmp_path, _rollout(strategy))


def test_argo_switches_another_service(tmp_path):
    """What clients come through is not what the Rollout switches: said aloud."""
    text = said(read(tmp_path, _rollout({"blueGreen": {"activeService": "web-active"}})))
    assert "Argo switches Service web-active; clients come through Service web" in text


@pytest.mark.parametrize(("field", "which"), [("stableService", "old"), ("canaryService", "new")])
def test_a_service_that_argo_narrows_is_said_aloud(tmp_path, field, which):
    """Clients that come through it meet the pods of one version only, with or without a traffic router."""
    strategy = {"canary": {**CANARY["canary"], field: "web"}}
    assert f"lets Service web select the {which} pods only" in said(read(tmp_path, _rollout(strategy)))
    strategy = {"canary": {**CANARY["canary"], field: "other"}}
    assert said(read(tmp_path, _rollout(strategy))) == ""
