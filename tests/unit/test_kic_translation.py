"""Endpoints that change one by one come to what KIC's translation says of all of them at once."""

from random import Random

import pytest

from simsticky.kic.translation import Translation
from simsticky.kic.translator import Backend, Endpoint, translate


@pytest.mark.parametrize("drain_support", [True, False])
def test_changes_one_by_one_come_to_the_translation_of_all(drain_support: bool) -> None:
    """Pods come, change and go, some of them with an address that another one has."""
    luck = Random(7)
    pods: dict[int, Endpoint] = {}
    translation = Translation(drain_support)
    translation.replace([Backend(())])
    for _ in range(500):
        pod = luck.randrange(12)
        before = pods.pop(pod, None)
        after = Endpoint(f"10.0.0.{luck.randrange(8)}:80", luck.random() < 0.6, luck.random() < 0.3)
        if luck.random() < 0.8:
            pods[pod] = after
        told = translation.move(before, pods.get(pod))
        assert translation.in_order == translate(pods.values(), drain_support)
        assert all(was != now for was, now in told.values())
