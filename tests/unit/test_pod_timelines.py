"""The timelines that the simulated ends of pods are held to: sidecars, a node that shuts down, a spot notice."""

from pod_timelines import ShutdownPod, StoppedContainer, cut_short, graceful_shutdown, pod_dead_at_s, pod_termination

from simsticky.kubernetes.pod import termination_timeline


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


def test_graceful_shutdown_is_off_by_default() -> None:
    """Without shutdownGracePeriod, or with less of it than critical pods have, the machine's end cuts pods off."""
    assert graceful_shutdown([ShutdownPod("a")]) == {}
    assert graceful_shutdown([ShutdownPod("a")], 10, 20) == {}


def test_shutdown_cuts_the_grace_and_critical_pods_follow() -> None:
    """30 s of which 10 for critical pods: regular ones get at most 20, critical ones start when those are over."""
    pods = [
        ShutdownPod("drains", grace_s=60, pre_stop_s=30.0, exit_after_sigterm_s=None),
        ShutdownPod("quick", grace_s=5, exit_after_sigterm_s=1.0),
        ShutdownPod("dns", critical=True, exit_after_sigterm_s=3.0),
    ]
    stops = graceful_shutdown(pods, 30, 10)
    assert (stops["drains"].grace_s, stops["quick"].grace_s, stops["dns"].grace_s) == (20, 5, 10)
    # The hook of 30 s is cut at 20 s, and 2 s are left.
    assert stops["drains"].failed_at_s == 22.0
    assert stops["quick"].failed_at_s == 1.0
    assert (stops["dns"].killed_from_s, stops["dns"].failed_at_s) == (20.0, 23.0)
    early = graceful_shutdown(pods[1:], 30, 10)
    assert early["dns"].killed_from_s == 1.0


def test_shutdown_without_time_for_critical_pods_gives_them_a_second() -> None:
    """A period of 0 for critical pods overrides their grace with 0, which the kubelet makes 1 s."""
    dns = ShutdownPod("dns", critical=True, exit_after_sigterm_s=None)
    stop = graceful_shutdown([dns], 30, 0)["dns"]
    assert (stop.grace_s, stop.failed_at_s) == (1, 2.0)


def test_spot_notice_cuts_a_drain_short() -> None:
    """30 s of notice end a termination of 40 s in the middle of its preStop hook; a shorter one is left alone."""
    guides = termination_timeline(60, 30.0, 10.0)
    cut = cut_short(guides, 25.0)
    assert (cut.sigterm_at_s, cut.container_dead_at_s, cut.sigkill) == (25.0, 25.0, True)
    assert cut_short(guides, 35.0).sigterm_at_s == 30.0
    assert cut_short(guides, 40.0) == guides
