"""Deltas equal librosa's, for rows in blocks of any size."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.dsp.deltas import append_deltas


@settings(max_examples=50)
@given(n=st.integers(9, 60), cuts=st.lists(st.integers(0, 60), max_size=6))
def test_deltas_equal_those_of_librosa_whatever_the_blocks(n, cuts):
    rows = np.random.default_rng(n).normal(0, 50, (n, 3)).astype(np.float32)
    blocks = np.split(rows, sorted(min(cut, n) for cut in cuts))

    mfcc, delta, delta2 = np.split(np.concatenate(list(append_deltas(blocks, 2))), 3, axis=1)

    np.testing.assert_array_equal(mfcc, rows)
    np.testing.assert_allclose(delta, librosa.feature.delta(rows.T).T, atol=2e-4)
    np.testing.assert_allclose(delta2, librosa.feature.delta(rows.T, order=2).T, atol=2e-4)


def test_fewer_rows_than_the_width_are_refused():
    with pytest.raises(ValueError, match="at least 9 rows"):
        list(append_deltas([np.zeros((8, 2))], 1))


def test_no_deltas_change_nothing():
    rows = np.ones((3, 2))

    (block,) = append_deltas([rows], 0)

    assert block is rows
