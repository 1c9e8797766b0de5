"""``loudness`` gives the EBU's test signals their values, and speech pyloudnorm's."""

import json

import numpy as np
import pyloudnorm
import pytest
import soundfile as sf
from support.measuring import SPEECH, encode, measure
from support.signals import vowel

from chalicelib.errors import ParameterError

SR = 48_000


def tone(levels, *, frequency=1000.0, sr=SR):
    """A sine whose peak has a level in dBFS for some seconds each: [(level, seconds), ...]."""
    level = np.concatenate([np.full(round(s * sr), 10 ** (db / 20)) for db, s in levels])
    return level * np.sin(2 * np.pi * frequency * np.arange(len(level)) / sr)


def stereo(levels):
    return np.stack([tone(levels)] * 2, axis=1)


def meter(y, sr=SR, **parameters):
    _, tables = measure(encode(y, sr, subtype="FLOAT"), tables="loudness", sr="8000", **parameters)
    values = json.loads(tables["features.json"])["values"]
    name = "loudness.csv" if "loudness.csv" in tables else "loudness.ch1.csv"
    return tables.rows(name), values


# EBU Tech 3341, table 1: the signals that can be made from their description.
PROGRAMMES = {
    "1": [(-23, 20)],
    "2": [(-33, 20)],
    "3": [(-36, 10), (-23, 60), (-36, 10)],
    "4": [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)],
    "5": [(-26, 20), (-20, 20.1), (-26, 20)],
}


def long(values, *slow):
    return [
        pytest.param(value, marks=pytest.mark.slow if value in slow else ()) for value in values
    ]


@pytest.mark.parametrize("case", long(PROGRAMMES, "3", "4"))
def test_integrated_loudness_of_the_ebus_signals(case):
    _, values = meter(stereo(PROGRAMMES[case]))

    expected = -33 if case == "2" else -23
    assert values["loudness"]["integrated_lufs"] == pytest.approx(expected, abs=0.1)


def test_momentary_and_short_term_loudness_of_a_steady_tone():
    rows, _ = meter(stereo([(-23, 6)]))

    np.testing.assert_allclose(rows[10:, 1], -23, atol=0.1)
    np.testing.assert_allclose(rows[30:, 2], -23, atol=0.1)
    assert np.isnan(rows[:26, 2]).all()


def test_integrated_loudness_of_five_channels():
    y = np.stack([tone([(db, 20)]) for db in (-28, -28, -24, -30, -30)], axis=1)

    assert meter(y)[1]["loudness"]["integrated_lufs"] == pytest.approx(-23, abs=0.1)


def test_short_term_loudness_of_signal_9_is_constant():
    rows, _ = meter(stereo([(-20, 1.34), (-30, 1.66)] * 5))

    np.testing.assert_allclose(rows[27:, 2], -23, atol=0.1)


def test_momentary_loudness_of_signal_12_is_constant():
    rows, _ = meter(stereo([(-20, 0.18), (-30, 0.22)] * 25))

    np.testing.assert_allclose(rows[7:, 1], -23, atol=0.1)


# Tech 3341, signals 15 to 19: the part of the rate, the phase in degrees, the level and its peak.
PEAKS = [(4, 0, 0.5, -6), (4, 45, 0.5, -6), (6, 60, 0.5, -6), (8, 67.5, 0.5, -6), (4, 45, 1.41, 3)]


@pytest.mark.parametrize(("part", "degrees", "amplitude", "expected"), PEAKS)
def test_true_peak_of_the_ebus_signals(part, degrees, amplitude, expected):
    phase = 2 * np.pi * np.arange(SR) / part + np.radians(degrees)
    # They fade in and out, so that there is no peak at an edge.
    edges = np.minimum(np.arange(SR), np.arange(SR)[::-1])
    y = amplitude * np.sin(phase) * np.clip(edges / 4800, 0, 1)

    rows, values = meter(np.stack([y, y], axis=1))

    assert expected - 0.4 <= values["loudness"]["true_peak_dbtp"] <= expected + 0.2
    assert np.nanmax(rows[:, 3]) == pytest.approx(values["loudness"]["true_peak_dbtp"], abs=0.05)


# EBU Tech 3342, table 1.
RANGES = {
    10: [(-20, 20), (-30, 20)],
    5: [(-20, 20), (-15, 20)],
    20: [(-40, 20), (-20, 20)],
    15: [(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)],
}


@pytest.mark.parametrize("expected", long(RANGES, 15))
def test_the_loudness_range_of_the_ebus_signals(expected):
    _, values = meter(stereo(RANGES[expected]))

    assert values["loudness"]["loudness_range_lu"] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("sr", [8000, 22_050, 44_100, 96_000])
def test_a_voice_at_any_rate_is_as_loud_as_pyloudnorm_says(sr):
    y = np.resize(vowel(1.0, 8000), 4 * sr).astype(np.float32)
    y = np.stack([y, 0.3 * np.roll(y, 3000)], axis=1)

    _, values = meter(y, sr)

    theirs = pyloudnorm.Meter(sr, filter_class="DeMan").integrated_loudness(y.astype(np.float64))
    assert values["loudness"]["integrated_lufs"] == pytest.approx(theirs, abs=0.01)


@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
def test_speech_is_as_loud_as_pyloudnorm_says():
    media = (SPEECH / "jfk.flac").read_bytes()
    y, sr = sf.read(SPEECH / "jfk.flac")

    _, tables = measure(media, tables="loudness")

    ours = json.loads(tables["features.json"])["values"]["loudness"]["integrated_lufs"]
    exact = pyloudnorm.Meter(sr, filter_class="DeMan").integrated_loudness(y)
    assert ours == pytest.approx(exact, abs=0.01)
    assert ours == pytest.approx(pyloudnorm.Meter(sr).integrated_loudness(y), abs=0.1)


def test_channels_measured_apart_have_values_of_their_own():
    y = np.stack([tone([(-20, 2)]), tone([(-40, 2)])], axis=1)

    _, values = meter(y, channels="each")

    left, right = (values[f"loudness.ch{channel}"]["integrated_lufs"] for channel in (1, 2))
    assert left - right == pytest.approx(20, abs=0.1)


def test_silence_has_no_loudness():
    rows, values = meter(np.zeros((SR, 2)))

    assert np.isnan(rows[:, 1:]).all()
    assert set(values["loudness"].values()) == {None}


def test_a_rate_beyond_the_standard_is_refused_with_the_reason():
    with pytest.raises(ParameterError, match="loudness is measured at 4000 to 384000 samples"):
        meter(tone([(-20, 1)], sr=2000), 2000)
