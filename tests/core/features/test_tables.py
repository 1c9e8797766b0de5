"""Tables are written in the shortest text that gives each number back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from chalicelib.core.features.tables import csv_columns, csv_rows


@given(
    st_numpy.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(1, 5)),
        elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
    )
)
def test_every_number_comes_back_from_its_text(block):
    lines = csv_rows(block).decode().splitlines()

    back = np.array([[np.float32(cell) for cell in line.split(",")] for line in lines])
    np.testing.assert_array_equal(back, block)


def test_a_number_is_as_short_as_its_precision_allows():
    assert csv_rows(np.array([[0.1, -113.57065]], dtype=np.float32)) == b"0.1,-113.57065\n"


def test_columns_keep_their_own_types_and_nan_is_an_empty_cell():
    text = csv_columns(
        np.array([0.0, 0.02322]),
        np.array([np.nan, 110.5], dtype=np.float32),
        np.array([0, 1], dtype=np.int8),
    )

    assert text == b"0.0,,0\n0.02322,110.5,1\n"
