"""Columns of further tables over words: medians and deviations of the frames within."""

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.features import measures
from chalicelib.core.features.frames import Frames
from chalicelib.core.features.measures import Voicing, measure_columns, measured_names, whole_values
from chalicelib.core.features.tables import csv_columns
from chalicelib.core.registry import track_class

N = 400
STEP_S = 0.01
PITCH_STEP_S = 0.02


def table(name, columns):
    """Return the CSV of a table whose columns are given."""
    names = ("time_s", *track_class(name).word_columns)
    times = np.arange(len(columns)) * STEP_S
    return io.BytesIO(",".join(names).encode() + b"\n" + csv_columns(times, *columns.T))


def numbers(name, seed=0):
    values = np.random.default_rng(seed).normal(0, 1, (N, len(track_class(name).word_columns)))
    values[3::7] = np.nan
    return values.astype(np.float32)


def voicing(flags):
    made = Voicing(PITCH_STEP_S)
    n = len(flags)
    frames = Frames(np.arange(n) * PITCH_STEP_S, np.empty((n, 1)), np.empty(n), flags, np.empty(n))
    list(made.remembering([frames.part(0, n // 3), frames.part(n // 3, n)]))
    return made


ALWAYS = np.ones(N, bool)
SPANS = [[(0.0, 0.5)], [(1.0, 1.013), (2.0, 3.0)], [(3.901, 3.909)], [(9.0, 9.5)], []]


def expected(values, times, spans):
    inside = np.zeros(len(times), bool)
    for start, end in spans:
        inside |= (times >= start) & (times < end)
    known = [column[~np.isnan(column)].astype(float) for column in values[inside].T]
    return [np.median(each) for each in known] + [each.std() for each in known]


def test_medians_and_deviations_are_those_of_the_frames_within():
    values = numbers("spectral")

    found = measure_columns("spectral", table("spectral", values), SPANS, voicing(ALWAYS))

    names = measured_names("spectral")
    assert names[0] == "spectral_centroid_hz_median"
    assert names[4] == "spectral_centroid_hz_std"
    times = np.arange(N) * STEP_S
    for measured, spans in zip(found[:2], SPANS[:2], strict=True):
        assert list(measured) == list(names)
        np.testing.assert_allclose(list(measured.values()), expected(values, times, spans))
    # The nearest frame of what is shorter than a frame, or after the end; nothing of nothing.
    np.testing.assert_allclose([*found[2].values()][:4], values[390], rtol=1e-6)
    np.testing.assert_allclose([*found[3].values()][:4], values[-1], rtol=1e-6)
    assert set(found[4].values()) == {None}


def test_formants_are_those_of_voiced_frames_alone():
    values = numbers("formants")
    flags = np.arange(N // 2) % 4 < 2
    times = np.arange(N) * STEP_S
    heard = values.copy()
    heard[~flags[np.clip(np.rint(times / PITCH_STEP_S).astype(int), 0, N // 2 - 1)]] = np.nan

    found = measure_columns("formants", table("formants", values), SPANS[:2], voicing(flags))

    for measured, spans in zip(found, SPANS[:2], strict=True):
        np.testing.assert_allclose(list(measured.values()), expected(heard, times, spans))


def test_a_word_without_a_voiced_frame_has_no_formants():
    found = measure_columns(
        "formants", table("formants", numbers("formants")), SPANS[:1], voicing(~ALWAYS)
    )

    assert set(found[0].values()) == {None}


@settings(max_examples=20)
@given(data=st.data())
def test_long_subjects_on_disk_have_the_same_medians(data):
    values = numbers("loudness", seed=3)
    edges = sorted(data.draw(st.lists(st.integers(0, N - 1), min_size=2, max_size=6)))
    spans = [[(a * STEP_S, b * STEP_S)] for a, b in pairwise(edges)]

    whole = measure_columns("loudness", table("loudness", values), spans, voicing(ALWAYS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "ROWS_IN_MEMORY", 5)
        spilled = measure_columns("loudness", table("loudness", values), spans, voicing(ALWAYS))

    assert spilled == whole


def test_values_of_the_whole_are_named_by_their_table():
    values = {"quality": {"snr_db": 20.0}, "loudness.ch1": {"integrated_lufs": -20.0}}

    assert whole_values(values) == {"quality_snr_db": 20.0}
