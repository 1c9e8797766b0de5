"""Functionals of f0 are numpy's, and a glide has its own slope."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.features.contours import NO_CONTOUR, measure_contour, semitones

COLUMNS = [
    *("f0_p05_hz", "f0_p20_hz", "f0_p80_hz", "f0_p95_hz"),
    *("f0_median_st", "f0_p05_st", "f0_p20_st", "f0_p80_st", "f0_p95_st"),
    *("f0_std_st", "f0_slope_st_s"),
]


def test_an_octave_is_twelve_semitones_above_the_lowest_a():
    np.testing.assert_allclose(semitones(np.array([27.5, 55.0, 440.0])), [0.0, 12.0, 48.0])


def test_a_glide_of_an_octave_a_second_has_a_slope_of_twelve():
    times = np.arange(40) * 0.01

    contour = measure_contour(times, 110 * 2**times)

    assert contour.slope_st_s == pytest.approx(12)


def test_the_slope_is_over_time_also_where_frames_are_missing():
    times = np.array([0.0, 0.1, 0.2, 0.9, 1.0])

    assert measure_contour(times, 200 * 2 ** (-times)).slope_st_s == pytest.approx(-12)


def test_one_frame_has_no_slope_and_none_has_nothing():
    one = measure_contour(np.array([0.5]), np.array([110.0]))

    assert (one.median_hz, one.std_st, one.slope_st_s) == (110.0, 0.0, None)
    assert measure_contour(np.array([]), np.array([])) == NO_CONTOUR
    assert list(NO_CONTOUR.columns()) == list(one.columns()) == COLUMNS


@given(st.lists(st.floats(20, 2000), min_size=1, max_size=40))
def test_percentiles_median_and_deviation_are_those_of_numpy(hz):
    f0 = np.array(hz)

    contour = measure_contour(np.arange(len(f0)) * 0.01, f0)

    assert contour.median_hz == np.median(f0)
    assert (contour.min_hz, contour.max_hz) == (f0.min(), f0.max())
    wanted = [5, 20, 80, 95]
    np.testing.assert_allclose(contour.percentiles_hz, np.percentile(f0, wanted), rtol=1e-12)
    st_ = 12 * np.log2(f0 / 27.5)
    np.testing.assert_allclose(contour.percentiles_st, np.percentile(st_, wanted), atol=1e-9)
    assert contour.median_st == pytest.approx(np.median(st_), abs=1e-9)
    assert contour.std_st == pytest.approx(st_.std(), abs=1e-9)
