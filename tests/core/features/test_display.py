"""The display agrees with the tables, for samples in blocks of any size."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.measuring import SPEECH, encode, measure, noise

from chalicelib.core.features import columns, spectrogram
from chalicelib.core.features import display as displays
from chalicelib.core.features.columns import FrameColumns, Peaks
from chalicelib.core.features.display import median_of_voiced, quantise


def decode(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype=dtype)


def shown(media, **parameters):
    _, tables = measure(media, **parameters)
    return json.loads(tables["display.json"]), tables


def cut(y, places):
    return np.split(y, sorted(place % (len(y) + 1) for place in places))


CUTS = st.lists(st.integers(0, 10**9), max_size=8)


@given(st.integers(1, 20_000), CUTS, st.integers(0, 2**32))
def test_each_column_is_the_lowest_and_highest_of_its_samples_for_any_blocks(n, cuts, seed):
    y = np.random.default_rng(seed).standard_normal(n, dtype=np.float32)
    peaks = Peaks(max_columns=32)

    for piece in cut(y, cuts):
        peaks.push(piece)

    low, high = peaks.columns()
    starts = np.arange(0, n, peaks.span)
    np.testing.assert_array_equal(low, np.minimum.reduceat(y, starts))
    np.testing.assert_array_equal(high, np.maximum.reduceat(y, starts))
    assert len(starts) <= 32
    assert peaks.span == columns.FINEST_SAMPLES or len(starts) > 16


@given(st.integers(1, 400), st.integers(1, 40), CUTS, st.integers(0, 2**32))
def test_columns_of_frames_do_not_depend_on_the_blocks(n, max_columns, cuts, seed):
    f0 = np.random.default_rng(seed).choice([np.nan, 100.0, 110.0, 120.0, 200.0], size=n)
    columns = FrameColumns(n, max_columns, median_of_voiced)

    for piece in cut(f0, cuts):
        columns.push(piece)

    found = columns.columns()
    assert len(found) == -(-n // columns.span) <= max_columns
    for i, value in enumerate(found):
        voiced = np.sort([f for f in f0[i * columns.span : (i + 1) * columns.span] if f > 0])
        expected = voiced[(len(voiced) - 1) // 2] if len(voiced) else np.nan
        np.testing.assert_equal(value, expected)


def test_full_scale_is_127_and_what_is_beyond_is_cut_off():
    y = np.array([-1.5, -1, -0.5, 0, 0.5, 1, 7], dtype=np.float32)

    assert quantise(y).tolist() == [-127, -127, -64, 0, 64, 127, 127]


def test_a_short_recording_is_shown_frame_by_frame_as_in_its_tables():
    t = np.arange(22050 * 2) / 22050
    voice = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 9)) * 0.2 * (t < 1)

    display, tables = shown(encode(voice, 22050))

    pitch, mfcc = tables.rows("pitch.csv"), tables.rows("mfcc.csv")
    assert display["version"] == 1
    assert display["duration_s"] == 2.0
    assert display["pitch"]["column_s"] == display["mfcc"]["column_s"] == 512 / 22050
    f0 = decode(display["pitch"]["f0"], "<u2") / 10
    np.testing.assert_allclose(f0, np.nan_to_num(pitch[:, 1]), atol=0.0501)
    assert (f0 > 0).sum() > 30
    low, high = np.array(display["mfcc"]["low"]), np.array(display["mfcc"]["high"])
    values = decode(display["mfcc"]["values"], np.uint8).reshape(-1, display["mfcc"]["n"])
    step = (high - low) / 255
    assert (np.abs(low + values * step - mfcc) <= 0.51 * step + 1e-4).all()


def test_the_level_is_that_of_the_energy_table():
    y = noise(60_000)[:, 0] * np.linspace(0, 1, 60_000)

    display, tables = shown(encode(y, 22050))

    level = display["level"]
    db = (decode(level["db"], np.uint8).astype(float) - 255) / 2
    expected = 20 * np.log10(np.maximum(tables.rows("energy.csv")[:, 1], 1e-9))
    assert level["column_s"] == 512 / 22050
    assert np.abs(db - np.maximum(expected, -127.5)).max() <= 0.2501


def test_the_spectrogram_is_the_spectrum_of_the_coefficients():
    t = np.arange(22050 * 2) / 22050
    low_then_high = np.where(t < 1, np.sin(2 * np.pi * 200 * t), np.sin(2 * np.pi * 4000 * t)) / 2

    display, tables = shown(encode(low_then_high, 22050))

    found = json.loads(tables["spectrogram.json"])
    values = decode(found["values"], np.uint8).reshape(-1, found["n"])
    assert display["spectrogram"]
    assert found["column_s"] == display["mfcc"]["column_s"]
    assert len(values) == len(tables.rows("energy.csv"))
    assert found["high_db"] - found["low_db"] == 80
    loudest = values.argmax(axis=1)
    assert loudest[5:35].max() < found["n"] // 4 < found["n"] // 2 < loudest[50:80].min()
    assert values.max() == 255


def test_bands_are_put_together_by_their_mean_for_any_number():
    rows = np.arange(3 * 100, dtype=float).reshape(3, 100)
    made = spectrogram.Spectrogram(3, 100, frame_s=0.02)

    made.push(rows[:1])
    made.push(rows[1:])

    found = made.to_dict()
    means = [row[first : first + 3].mean() for row in rows for first in range(0, 100, 3)]
    expected = np.clip((np.array(means) - max(means)) / 80 + 1, 0, 1) * 255
    assert found["n"] == 34 <= spectrogram.MAX_BANDS
    np.testing.assert_allclose(decode(found["values"], np.uint8), expected, atol=0.501)


def test_the_longest_spectrogram_takes_half_a_megabyte():
    made = spectrogram.Spectrogram(620_000, 128, frame_s=0.02)
    for _ in range(620):
        made.push(np.zeros((1000, 128)))

    assert 200_000 < len(json.dumps(made.to_dict())) < 600_000


def test_silence_has_the_lowest_level():
    display, _ = shown(encode(np.zeros(9000), 22050))

    assert not decode(display["level"]["db"], np.uint8).any()


def test_a_waveform_covers_the_recording():
    y = noise(30_000)[:, 0]

    display, _ = shown(encode(y, 22050))

    peaks = display["peaks"]
    low, high = decode(peaks["min"], np.int8), decode(peaks["max"], np.int8)
    assert peaks["column_s"] == 128 / 22050
    assert len(low) == len(high) == -(-30_000 // 128)
    assert low.min() == quantise(np.array([y.min()]))[0]
    assert high.max() == quantise(np.array([y.max()]))[0]


def test_more_coefficients_than_can_be_told_apart_are_not_shown():
    display, _ = shown(encode(noise(9000), 22050), n_mfcc=40, deltas=1)

    assert display["mfcc"]["n"] == displays.MAX_COEFFICIENTS


def test_a_table_that_is_not_made_is_not_shown():
    display, _ = shown(encode(noise(9000), 22050), tables=("energy",))
    without, _ = shown(encode(noise(9000), 22050), tables=("mfcc",))

    assert display["pitch"] is display["mfcc"] is without["level"] is None
    assert (display["spectrogram"], without["spectrogram"]) == (False, True)
    assert display["peaks"]["min"]


def test_a_constant_coefficient_is_shown():
    display, _ = shown(encode(np.zeros(9000), 22050), tables=("mfcc",))

    assert not decode(display["mfcc"]["values"], np.uint8).any()


def test_where_each_channel_is_measured_the_first_is_shown():
    y = noise(22050, channels=2)

    both, _ = shown(encode(y, 22050), channels="each")
    alone, _ = shown(encode(y[:, 0], 22050))

    assert both == alone


def test_the_longest_recording_takes_a_few_hundred_kilobytes():
    display = displays.Display(sr=16, hop_length=1)
    display.push(noise(16 * 14_400 * 20)[:, 0].astype(np.float32))
    n_frames = 620_000
    for _ in display.watch_f0(iter([np.full((n_frames, 3), 440.0)]), n_frames):
        pass
    for _ in display.watch_mfcc(iter([noise(n_frames, channels=13)]), n_frames, 13):
        pass
    for _ in display.watch_rms(iter([noise(n_frames, channels=2)]), n_frames):
        pass

    written = json.dumps(display.to_dict(duration_s=14_400.0))

    assert 100_000 < len(written) < 350_000


@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
def test_the_contour_of_real_speech_is_that_of_its_table():
    display, tables = shown((SPEECH / "jfk.flac").read_bytes())

    f0 = decode(display["pitch"]["f0"], "<u2") / 10
    np.testing.assert_allclose(f0, np.nan_to_num(tables.rows("pitch.csv")[:, 1]), atol=0.0501)
