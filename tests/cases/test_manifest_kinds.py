"""Manifests from the field that were once read wrongly or in silence: one folder a case, with what is right."""

import json
import shutil

import pytest
from manifest_cases import HERE, assumed, case, said

from simsticky.cli.main import main
from simsticky.errors import InputError
from simsticky.study.replicate import replicate


def _refusal(name):
    with pytest.raises(InputError) as caught:
        case(name)
    return str(caught.value)


def _share_of_alive(scenario, n=2):
    return replicate(scenario, n).estimate("broken_of_alive").interval.estimate


def test_a_budget_counts_by_all_of_its_selector():
    """``matchExpressions`` bind a budget to the pods as ``matchLabels`` do: the drain waits for it."""
    budget = case("pdb-match-expressions").deployment.disruption_budget
    assert budget is not None
    assert budget.min_available == 3


def test_drain_support_of_a_control_plane_is_read():
    """``spec.translation.drainSupport`` of Kong Operator's ControlPlane switches drain support on."""
    scenario = case("controlplane-drain-support")
    assert scenario.kic.enable_drain_support
    assert "drain support is off" not in assumed(scenario)


def test_istios_drain_duration_outlives_the_hook():
    """A proxy that serves on for 50 s breaks nothing beyond what breaks without one."""
    scenario = case("istio-drain-duration")
    (proxy,) = scenario.deployment.sidecars
    assert (proxy.proxy, proxy.on_sigterm.exit, proxy.on_sigterm.after_s) == (True, "after", 50.0)
    without = scenario.evolve({"deployment.sidecars": []})
    assert _share_of_alive(scenario) == pytest.approx(_share_of_alive(without), abs=0.02)


def test_a_target_port_that_no_container_names_is_refused():
    """The endpoint has no such port: the refusal names the line, and the port that is there."""
    text = _refusal("target-port-name")
    assert "app.yaml:22:" in text
    assert "names a port 'web-http'" in text
    assert "the pods' ports are http" in text


def test_replicas_left_to_an_autoscaler_begin_at_its_minimum():
    """A running system has at least minReplicas pods; the number is listed as assumed."""
    scenario = case("hpa-without-replicas")
    assert scenario.deployment.replicas == 4
    assert "replicas is left to the autoscaler: the run begins with 4" in assumed(scenario)


def test_of_two_services_the_routed_one_is_in_front():
    """The Ingress names one of two Services that select the pods; the headless one is for the peers."""
    scenario = case("headless-and-ingress")
    assert scenario.service.name == "web"
    assert not scenario.service.publish_not_ready_addresses


def test_a_hook_that_asks_a_server_is_refused_like_a_script():
    """The length of an httpGet hook is not in the manifest; the way out names a length and ``waitUntil``."""
    text = _refusal("pre-stop-http-get")
    assert "app.yaml:17:" in text
    assert "GET /drain" in text
    assert "preStop: 30s" in text
    assert "waitUntil: noSessions" in text


def test_a_rollout_runs_the_pods_of_its_workload():
    """The Rollout's replicas and steps count, with the pod template of the Deployment that is at 0."""
    scenario = case("argo-workload-ref")
    assert (scenario.deployment.name, scenario.deployment.replicas) == ("web", 3)
    assert scenario.deployment.pre_stop is not None
    weight, pause = scenario.deployment.strategy.steps
    assert (weight.set_weight, pause.pause) == (20, 60.0)
    study = replicate(scenario, 2)
    assert study.estimate("failed_requests").interval.estimate < 0.01
    (rollout,) = study.operations()
    # One new pod, 60 s of pause, and the rest.
    assert rollout["rollout_done_after_s"]["mean"] > 60


def test_a_backend_of_weight_0_is_inert():
    """Weights 100 and 0: the other backend gets no request, and need not be there."""
    scenario = case("httproute-weights-100-0")
    assert scenario.service.name == "web"
    assert scenario.companions == ()


def test_stickiness_by_a_kong_ingress_is_read():
    """Hashing on a cookie, tied by ``konghq.com/override``, is simulated, and what is not read is named."""
    scenario = case("kong-ingress-override")
    hashed = scenario.upstream.hash_on
    assert scenario.upstream.algorithm == "consistent-hashing"
    assert hashed is not None
    assert (hashed.cookie, hashed.cookie_path) == ("route", "/")
    assert "KongIngress sticky: its upstream section is read" in said(scenario)
    assert "KongIngress sticky: proxy: has had no effect" in said(scenario)


def test_nodes_and_workers_of_the_gateway_are_read():
    """Replicas of the gateway's Deployment are nodes, KONG_NGINX_WORKER_PROCESSES workers."""
    scenario = case("gateway-replicas-and-workers")
    assert (scenario.gateway.nodes, scenario.gateway.workers) == (3, 2)


def test_pods_of_a_stateful_set_that_may_be_missing_together():
    """Two at a time, as releases that heed maxUnavailable do; that most of them do not is said aloud."""
    scenario = case("statefulset-max-unavailable")
    assert scenario.deployment.update_strategy.max_unavailable == 2
    assert "most older releases update one pod at a time" in said(scenario)
    one_at_a_time = scenario.evolve({"deployment.updateStrategy.maxUnavailable": None})
    ends = [replicate(each, 2).operations()[0]["rollout_done_after_s"]["mean"] for each in (scenario, one_at_a_time)]
    assert ends[0] < 0.8 * ends[1]


def test_another_controllers_class_is_said_aloud():
    """The Ingress is of class nginx: that Kong is simulated is said once."""
    text = said(case("ingress-class-nginx"))
    assert text.count("Kong is simulated although the class is nginx") == 1
    assert "app.yaml:33: Ingress web: spec.ingressClassName" in text


def test_what_is_said_aloud_is_in_every_output(tmp_path, monkeypatch, capsys):
    """Once on standard error beside the table, and once in the JSON's warnings."""
    shutil.copytree(HERE / "ingress-class-nginx", tmp_path / "case")
    monkeypatch.chdir(tmp_path / "case")
    assert main(["run", "s.yaml", "--reps", "2", "-o", "json", "--no-progress"]) == 0
    out, err = capsys.readouterr()
    assert err.count("Kong is simulated although the class is nginx") == 1
    (warning,) = [text for text in json.loads(out)["warnings"] if "although the class" in text]
    assert warning.startswith("app.yaml:33: Ingress web")


@pytest.mark.parametrize("flags", [(), ("--verbose",), ("-o", "markdown")], ids=" ".join)
def test_what_is_assumed_stands_in_the_normal_output(tmp_path, monkeypatch, capsys, flags):
    """Whether drain support is on decides the answer: where no manifest tells, what was assumed is told, once."""
    shutil.copytree(HERE / "ingress-class-nginx", tmp_path / "case")
    monkeypatch.chdir(tmp_path / "case")
    text = (tmp_path / "case" / "s.yaml").read_text().replace("kic: {enableDrainSupport: true}\n", "")
    (tmp_path / "case" / "s.yaml").write_text(text)
    assert main(["run", "s.yaml", "--reps", "1", "--no-progress", *flags]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert words.count("no manifest of the ingress controller: drain support is off, its default") == 1
