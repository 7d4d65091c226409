from simsticky.kubernetes.pod import termination_timeline
from simsticky.kubernetes.sidecar import StoppedContainer, pod_dead_at_s, pod_termination


def test_one_container_is_the_plain_timeline() -> None:
    """Without sidecars each container ends as it would alone."""
    app = StoppedContainer("app", pre_stop_s=30.0, exit_after_sigterm_s=10.0)
    assert pod_termination([app], 60) == {"app": termination_timeline(60, 30.0, 10.0)}


def test_a_native_sidecar_outlives_the_application() -> None:
    """The proxy gets SIGTERM only when the application is dead, so it is reachable to its end."""
    ends = pod_termination([StoppedContainer("proxy", sidecar=True), StoppedContainer("app", False, 30.0, 10.0)], 60)
    assert (ends["app"].container_dead_at_s, ends["proxy"].sigterm_at_s) == (40.0, 40.0)
    assert ends["proxy"].stop_timeout_s == 20


def test_a_plain_sidecar_cuts_the_application_off() -> None:
    """A proxy as an ordinary container exits at SIGTERM while the application still drains for 30 s."""
    ends = pod_termination([StoppedContainer("proxy"), StoppedContainer("app", False, 30.0, 10.0)], 60)
    assert ends["proxy"].container_dead_at_s == 0.0


def test_sidecars_stop_in_reverse_order() -> None:
    """The sidecar started last stops first; the first one waits for it."""
    ends = pod_termination(
        [
            StoppedContainer("log", sidecar=True, exit_after_sigterm_s=1.0),
            StoppedContainer("proxy", sidecar=True, exit_after_sigterm_s=2.0),
            StoppedContainer("app", exit_after_sigterm_s=5.0),
        ],
        30,
    )
    assert {name: end.sigterm_at_s for name, end in ends.items()} == {"app": 0.0, "proxy": 5.0, "log": 7.0}
    assert pod_dead_at_s(ends) == 8.0


def test_sidecars_share_one_grace_period() -> None:
    """When the application uses up the grace, each sidecar still gets 2 s, all at the same time."""
    ends = pod_termination(
        [
            StoppedContainer("log", sidecar=True, exit_after_sigterm_s=None),
            StoppedContainer("proxy", sidecar=True, exit_after_sigterm_s=None),
            StoppedContainer("app", exit_after_sigterm_s=None),
        ],
        30,
    )
    assert ends["app"].container_dead_at_s == 30.0
    assert [(ends[name].sigterm_at_s, ends[name].container_dead_at_s) for name in ("proxy", "log")] == [
        (30.0, 32.0),
        (30.0, 32.0),
    ]


def test_the_hook_of_a_sidecar_starts_at_once() -> None:
    """A sidecar's preStop runs together with the others; it waits for its turn after the hook."""
    ends = pod_termination(
        [StoppedContainer("proxy", True, pre_stop_s=4.5), StoppedContainer("app", exit_after_sigterm_s=10.7)], 30
    )
    # 4.5 s of hook count as 4, the 6.2 s waited as 6: 20 s are left.
    assert (ends["proxy"].sigterm_at_s, ends["proxy"].stop_timeout_s) == (10.7, 20)
