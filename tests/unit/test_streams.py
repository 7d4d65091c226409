"""Counter-based draws: keyed, the same one by one as in bulk, and without visible dependence."""

import numpy as np
import pytest

from simsticky.sim.streams import Purpose, Streams

_KNOWN = [15206970961276434887, 12452398092327464587]


def test_draw_depends_on_its_key_alone() -> None:
    """Neither the order of draws nor other draws matter (rule W4)."""
    one, other = Streams(7, 3), Streams(7, 3)
    first = one.uniform(Purpose.PICK, 17, 2)
    for entity in range(100):
        other.uniform(Purpose.PICK, entity)
    assert other.uniform(Purpose.PICK, 17, 2) == first


@pytest.mark.parametrize(
    ("seed", "replication", "purpose", "entity", "ordinal"),
    [
        (8, 3, Purpose.PICK, 17, 2),
        (7, 4, Purpose.PICK, 17, 2),
        (7, 3, Purpose.WORKER, 17, 2),
        (7, 3, Purpose.PICK, 18, 2),
        (7, 3, Purpose.PICK, 17, 3),
    ],
)
def test_every_part_of_the_key_counts(seed: int, replication: int, purpose: Purpose, entity: int, ordinal: int) -> None:
    """Seed, replication, purpose, entity and ordinal each make another draw."""
    assert Streams(seed, replication).bits(purpose, entity, ordinal) != Streams(7, 3).bits(Purpose.PICK, 17, 2)


def test_entity_and_ordinal_are_not_interchangeable() -> None:
    """The key (1, 2) gives another draw than (2, 1)."""
    streams = Streams(1, 0)
    pairs = {streams.bits(Purpose.PICK, entity, ordinal) for entity in range(50) for ordinal in range(50)}
    assert len(pairs) == 2500


def test_many_at_once_are_the_same_numbers() -> None:
    """Many draws at a time are bit for bit those of one at a time."""
    streams = Streams(123, 4)
    entities = np.array([0, 1, 5, 2**40, 10**6, 7])
    ordinals = np.array([0, 3, 3, 1, 2**33, 7])
    bulk = streams.uniforms(Purpose.WORKER, entities, ordinals)
    single = [streams.uniform(Purpose.WORKER, int(e), int(o)) for e, o in zip(entities, ordinals, strict=True)]
    assert bulk.tolist() == single
    of_one_ordinal = streams.uniforms(Purpose.WORKER, entities, 5)
    assert of_one_ordinal.tolist() == [streams.uniform(Purpose.WORKER, int(e), 5) for e in entities]


def test_draws_are_uniform_and_neighbours_do_not_agree() -> None:
    """Mean, variance, tenths and correlation of neighbouring keys are right within 5 standard errors."""
    streams, n = Streams(1, 0), 20_000
    by_entity = streams.uniforms(Purpose.PICK, np.arange(n))
    by_ordinal = streams.uniforms(Purpose.PICK, np.full(n, 3), np.arange(n))
    for draws in (by_entity, by_ordinal):
        assert abs(draws.mean() - 0.5) < 5 * np.sqrt(1 / 12 / n)
        assert abs(draws.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / n)
        tenths = np.bincount((draws * 10).astype(int), minlength=10)
        assert ((tenths - n / 10) ** 2 / (n / 10)).sum() < 9 + 5 * np.sqrt(18)
        assert abs(np.corrcoef(draws[1:], draws[:-1])[0, 1]) < 5 / np.sqrt(n)
        assert draws.min() >= 0.0
        assert draws.max() < 1.0
    assert abs(np.corrcoef(by_entity, by_ordinal)[0, 1]) < 5 / np.sqrt(n)


def test_replications_and_seeds_are_independent() -> None:
    """Draws of the same keys in two replications, or of two seeds, are not correlated."""
    keys = np.arange(5000)
    first = Streams(1, 0).uniforms(Purpose.PICK, keys)
    for other in (Streams(1, 1), Streams(2, 0)):
        assert abs(np.corrcoef(first, other.uniforms(Purpose.PICK, keys))[0, 1]) < 5 / np.sqrt(5000)


def test_generators_are_keyed_too() -> None:
    """The same key gives the same generator, another key another."""
    streams = Streams(1, 0)
    first = streams.generator(Purpose.PUSH_DELAY, 2, 5).random(4).tolist()
    assert streams.generator(Purpose.PUSH_DELAY, 2, 5).random(4).tolist() == first
    assert streams.generator(Purpose.PUSH_DELAY, 2, 6).random(4).tolist() != first


def test_purposes_keep_their_numbers() -> None:
    """A purpose's number is part of every digest and never changes."""
    names = "PICK WORKER SHUFFLE KIC_PHASE KIC_WATCH PUSH_DELAY API_WRITE SCHEDULER IMAGE_PULL CONTAINER_START"
    names += " APP_STARTUP STATUS_UPDATE ENDPOINT_UPDATE KUBELET_NOTICE POD_REMOVAL UID BACKOFF PAST_PICKS"
    names += " EXTERNAL_STATE"
    assert [Purpose[name].value for name in names.split()] == list(range(1, 20))


def test_known_draws() -> None:
    """These draws belong to their keys for ever, across versions."""
    streams = Streams(7, 0)
    assert [streams.bits(Purpose.PICK, 0), streams.bits(Purpose.SHUFFLE, 12, 34)] == _KNOWN
