"""Rows come back as they were parked, from memory and from disk."""

from pathlib import Path

import numpy as np
import pytest

from chalicelib.core.dsp.parking import MEMORY_BYTES, Parking
from chalicelib.errors import MediaError


@pytest.mark.parametrize("n", [0, 1, 300, MEMORY_BYTES // 24 * 2])
@pytest.mark.parametrize("at_once", [1000, 100_000])
def test_rows_come_back_as_they_were_parked_and_more_than_once(n, at_once):
    rows = np.arange(3 * n, dtype=np.float64).reshape(-1, 3)

    with Parking(3, dtype=np.float64) as parking:
        for start in range(0, n, at_once):
            parking.append(rows[start : start + at_once])
        back = [list(parking.rows()) for _ in range(2)]

    assert parking.n_rows == n
    for blocks in back:
        assert all(len(block) <= 256 for block in blocks)
        np.testing.assert_array_equal(np.concatenate([np.empty((0, 3)), *blocks]), rows)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to offer")
def test_a_full_disk_is_told_in_the_words_of_the_uploader():
    with Path("/dev/full").open("r+b", buffering=0) as full, Parking(2) as parking:
        parking.append(np.zeros((3, 2)))
        parking._file = full

        with pytest.raises(MediaError, match="temporary disk, which is full after 3 frames"):
            parking.append(np.zeros((1, 2)))
