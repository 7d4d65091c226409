"""The hash of request rows: which rows there are, and nothing of their order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsticky.recording.record import WIDTH
from simsticky.recording.row_hash import RowHash

_NUMBERS = st.one_of(st.integers(-1, 3).map(float), st.floats(width=64))
_ROWS = st.lists(st.tuples(*[_NUMBERS] * WIDTH), min_size=1, max_size=12)


def digest(rows, *bounds):
    """Return the hash of rows that are handed over in parts, cut at some of them."""
    columns, taken = np.array(rows, np.float64).reshape(-1, WIDTH).T, RowHash(WIDTH)
    for part in np.split(columns, sorted(bounds), axis=1):
        taken.add(part)
    return taken.hexdigest()


def plain_rows(number=3_000):
    """Return rows as a run has them: short whole numbers beside times."""
    rng = np.random.default_rng(1)
    rows = np.floor(rng.random((number, WIDTH)) * 50)
    rows[:, 2:5] = rng.random((number, 3)) * 1e3
    return rows


@given(_ROWS, st.randoms(use_true_random=False), st.lists(st.integers(0, 12), max_size=3))
def test_order_and_parts_do_not_matter(rows, random, bounds):
    """The digest does not depend on when rows are sealed, nor on the order in which they end."""
    assert digest(random.sample(rows, len(rows)), *bounds) == digest(rows)


@given(_ROWS, st.integers(0, 11), st.integers(0, WIDTH - 1), _NUMBERS)
def test_another_number_is_another_hash(rows, row, column, number):
    """Another number in any field of any row is another hash."""
    row %= len(rows)
    other = [list(one) for one in rows]
    other[row][column] = number
    same = number == rows[row][column] or (number != number and rows[row][column] != rows[row][column])
    assert (digest(other) == digest(rows)) is same


def test_a_row_more_is_another_hash_also_if_it_is_there_already():
    """A request that is told twice, or not at all, is another hash."""
    rows = plain_rows(40)
    found = {digest(rows), digest(rows[1:]), digest([*rows, rows[0]]), digest([*rows, rows[0], rows[0]])}
    assert len({*found, digest([*rows, [0.0] * WIDTH]), digest([]), digest([[0.0] * WIDTH])}) == 7


@pytest.mark.parametrize("column", range(WIDTH))
def test_one_field_swapped_between_two_rows_is_another_hash(column):
    """The same numbers in other rows are other rows."""
    rows = plain_rows(40)
    other = rows.copy()
    other[[0, 1], column] = rows[[1, 0], column] = 3.0, 4.0
    assert sorted(map(tuple, rows)) != sorted(map(tuple, other))
    assert digest(rows) != digest(other)


def test_two_fields_swapped_within_a_row_are_another_hash():
    """Two fields swapped within a row are another hash."""
    rows = plain_rows(40)
    assert digest(rows) != digest(rows[:, [1, 0, *range(2, WIDTH)]])


def test_equal_numbers_have_one_hash():
    """0.0 and -0.0 hash alike, and so does every NaN."""
    odd = np.array([0x7FF8000000000123, 0xFFF8000000000000], np.uint64).view(np.float64)
    plain = np.array([[0.0, np.nan, np.inf, np.nan, 1.0, -np.inf, 0.0]])
    same = plain.copy()
    same[0, [0, 1, 3, 6]] = -0.0, odd[0], odd[1], -0.0
    assert digest(same) == digest(plain)
    assert digest(plain) != digest(np.nan_to_num(plain))


def test_rows_of_small_numbers_do_not_collide():
    """10,000 rows that differ in few bits have hashes of which any half differs."""
    grid = np.stack(np.meshgrid(np.arange(100.0), np.arange(100.0))).reshape(2, -1)
    rows = np.vstack([grid, np.zeros((WIDTH - 2, grid.shape[1]))])
    found = {digest(row)[:8] for row in rows.T}
    assert len(found) >= len(rows.T) - 1
