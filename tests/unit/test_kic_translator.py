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
    """Protects the list order Kong's wheel starts from: KIC sorts strings, so .9 comes before .10."""
    pods = [ready(f"10.0.0.{i}:80") for i in (9, 10, 1)]
    assert [t.address for t in translate(pods, drain_support=False)] == [
        "10.0.0.9:80",
        "10.0.0.1:80",
        "10.0.0.10:80",
    ]


def test_scale_down_with_and_without_drain_support() -> None:
    """Protects the rule the whole simulation turns on: a terminating pod leaves, or stays with weight 0."""
    pods = [ready("10.0.0.1:80"), terminating("10.0.0.2:80")]
    assert translate(pods, drain_support=False) == (Target("10.0.0.1:80", 100),)
    assert translate(pods, drain_support=True) == (Target("10.0.0.2:80", 0), Target("10.0.0.1:80", 100))


def test_no_endpoints_no_targets() -> None:
    """Protects the upstream without targets, which answers 503."""
    assert translate([], drain_support=True) == ()
    assert translate([terminating("10.0.0.1:80")], drain_support=False, backend_weight=10) == ()


def test_an_endpoint_in_two_slices_counts_once() -> None:
    """Protects KIC's deduplication within a backend, also for the number a weight is divided by."""
    pods = [ready("10.0.0.1:80"), ready("10.0.0.1:80"), ready("10.0.0.2:80")]
    assert [t.weight for t in translate(pods, drain_support=False)] == [100, 100]
    assert [t.weight for t in translate(pods, drain_support=False, backend_weight=10)] == [5, 5]


def test_terminating_and_not_keeps_the_weight() -> None:
    """Protects the sum of weights: left out (100) plus 0 is 100."""
    pods = [terminating("10.0.0.1:80"), ready("10.0.0.1:80")]
    assert translate(pods, drain_support=True) == (Target("10.0.0.1:80", 100),)


def test_backends_share_apart_and_sum_where_they_meet() -> None:
    """Protects a split over two Services: each weight is spread over its own endpoints."""
    stable = Backend([ready("10.0.0.1:80"), ready("10.0.0.2:80"), terminating("10.0.0.3:80")], 90)
    canary = Backend([ready("10.0.0.2:80")], 10)
    weights = {t.address: t.weight for t in translate_backends([stable, canary], drain_support=True)}
    assert weights == {"10.0.0.1:80": 45, "10.0.0.2:80": 55, "10.0.0.3:80": 0}
