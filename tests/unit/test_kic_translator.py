"""KIC's translation beyond its truth table: order, several backends, what counts for a share."""

from simsticky.kic.translator import Backend, Endpoint, translate, translate_backends
from simsticky.kong.upstream import Target


def ready(address: str) -> Endpoint:
    """A ready endpoint."""
    return Endpoint(address, ready=True, terminating=False)


def terminating(address: str) -> Endpoint:
    """A terminating endpoint."""
    return Endpoint(address, ready=False, terminating=True)


def test_order_is_the_address_descending_as_a_string() -> None:
    """KIC sorts strings, so .9 comes before .10."""
    pods = [ready(f"10.0.0.{i}:80") for i in (9, 10, 1)]
    assert [t.address for t in translate(pods, drain_support=False)] == [
        "10.0.0.9:80",
        "10.0.0.1:80",
        "10.0.0.10:80",
    ]


def test_scale_down_with_and_without_drain_support() -> None:
    """A terminating pod leaves, or stays with weight 0 (rule I2)."""
    pods = [ready("10.0.0.1:80"), terminating("10.0.0.2:80")]
    assert translate(pods, drain_support=False) == (Target("10.0.0.1:80", 100),)
    assert translate(pods, drain_support=True) == (Target("10.0.0.2:80", 0), Target("10.0.0.1:80", 100))


def test_no_endpoints_no_targets() -> None:
    """An upstream without targets answers 503."""
    assert translate([], drain_support=True) == ()
    assert translate([terminating("10.0.0.1:80")], drain_support=False, backend_weight=10) == ()


def test_an_endpoint_in_two_slices_counts_once() -> None:
    """KIC counts an endpoint of two slices once within a backend, also in the number a weight is divided by."""
    pods = [ready("10.0.0.1:80"), ready("10.0.0.1:80"), ready("10.0.0.2:80")]
    assert [t.weight for t in translate(pods, drain_support=False)] == [100, 100]
    assert [t.weight for t in translate(pods, drain_support=False, backend_weight=10)] == [5, 5]


def test_terminating_and_not_keeps_the_weight() -> None:
    """A weight of 100 that is left out, plus 0, is 100."""
    pods = [terminating("10.0.0.1:80"), ready("10.0.0.1:80")]
    assert translate(pods, drain_support=True) == (Target("10.0.0.1:80", 100),)


def test_backends_share_apart_and_sum_where_they_meet() -> None:
    """Each weight is spread over its own endpoints."""
    stable = Backend([ready("10.0.0.1:80"), ready("10.0.0.2:80"), terminating("10.0.0.3:80")], 90)
    canary = Backend([ready("10.0.0.2:80")], 10)
    weights = {t.address: t.weight for t in translate_backends([stable, canary], drain_support=True)}
    assert weights == {"10.0.0.1:80": 45, "10.0.0.2:80": 55, "10.0.0.3:80": 0}


def weights_of(*backends: Backend) -> dict[str, int]:
    """The weight of each target, drain support on."""
    return {t.address: t.weight for t in translate_backends(backends, drain_support=True)}


def test_a_canary_gets_its_weight_whatever_its_size() -> None:
    """90 over three pods and 10 over one are 90 % and 10 % of new sessions."""
    stable = Backend([ready(f"10.0.0.{n}:80") for n in (1, 2, 3)], 90)
    canary = Backend([ready("10.0.1.1:80")], 10)
    assert weights_of(stable, canary) == {
        "10.0.1.1:80": 10,
        "10.0.0.3:80": 30,
        "10.0.0.2:80": 30,
        "10.0.0.1:80": 30,
    }


def test_small_weights_split_by_pods_not_by_weight() -> None:
    """With the Gateway API's default weight 1, five pods against one take 5/6, not half."""
    stable = Backend([ready(f"10.0.0.{n}:80") for n in range(1, 6)], 1)
    canary = Backend([ready("10.0.1.1:80")], 1)
    assert sum(weights_of(stable).values()) == 5
    assert weights_of(stable, canary)["10.0.1.1:80"] == 1


def test_a_backend_of_weight_zero_keeps_its_bound_sessions() -> None:
    """The targets of a canary that is turned off stay listed with weight 0 and take nobody new."""
    stable, canary = Backend([ready("10.0.0.1:80")], 100), Backend([ready("10.0.1.1:80")], 0)
    assert weights_of(stable, canary) == {"10.0.1.1:80": 0, "10.0.0.1:80": 100}


def test_a_terminating_canary_pod_gives_its_share_to_the_others_of_its_service() -> None:
    """A draining pod has weight 0 and does not count when the backend's weight is spread."""
    canary = Backend([ready("10.0.1.1:80"), terminating("10.0.1.2:80")], 10)
    assert weights_of(canary) == {"10.0.1.2:80": 0, "10.0.1.1:80": 10}


def test_a_changed_selector_takes_all_old_targets_at_once() -> None:
    """Endpoints that left the slice are gone; drain support keeps only terminating ones."""
    blue, green = [ready("10.0.0.1:80"), ready("10.0.0.2:80")], [ready("10.0.1.1:80")]
    assert len(translate(blue, drain_support=True)) == 2
    assert translate(green, drain_support=True) == (Target("10.0.1.1:80", 100),)
