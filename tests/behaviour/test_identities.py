"""Names, addresses and keys are drawn per replication, and two settings of one replication share them."""

from ipaddress import ip_address, ip_network
from typing import Any

from small_scenario import small

from simsticky.results.result import Result
from simsticky.simulate import simulate

_HASHED: dict[str, Any] = {
    "upstream__algorithm": "consistent-hashing",
    "upstream__hashOn": {"input": "ip"},
    "upstream__stickySessions": None,
}


def _run(replication: int = 0, **changes: Any) -> Result:
    return simulate(small(**changes), replication=replication)


def _identities(result: Result, revision: int) -> list[tuple[str, str]]:
    pods = result.pods[result.pods["revision"] == revision]
    names = pods["pod"].str.rpartition("-")[2]
    return list(zip(names, pods["address"], strict=True))


def test_two_settings_of_a_replication_share_their_pods() -> None:
    """The n-th pod of a revision is the same whatever the size and the algorithm.

    See rule T3.
    """
    three, four, hashed = _run(), _run(deployment__replicas=4), _run(**_HASHED)
    for revision in (1, 2):
        assert _identities(four, revision)[:3] == _identities(three, revision) == _identities(hashed, revision)


def test_replications_share_nothing() -> None:
    """Another replication has other pods at other addresses, of the cluster's own range.

    See rule T3.
    """
    one, other = ({address for _, address in _identities(_run(number), 1)} for number in (0, 1))
    assert len(one | other) == 6
    hosts = [ip_address(address.removesuffix(":8080")) for address in one | other]
    assert all(host in ip_network("10.0.0.0/8") for host in hosts)


def test_a_session_has_the_same_key_whatever_the_pods() -> None:
    """With other pods, sessions whose target is there still go there."""
    three, four = _run(**_HASHED, timeline=[]), _run(**_HASHED, timeline=[], deployment__replicas=4)
    homes = [result.requests.groupby("session")["pod"].first().astype(str) for result in (three, four)]
    new = set(homes[1]) - set(homes[0])
    assert len(new) == 1
    stayed = (homes[0] == homes[1])[~homes[1].isin(new)]
    assert stayed.mean() > 0.9  # a few go to another of the old pods, because points collide
