"""HNR, CPP, jitter and shimmer are Praat's: exactly by definition, closely from the sound on."""

import json

import numpy as np
import parselmouth
import pytest
from parselmouth.praat import call
from support.measuring import SPEECH, encode, measure, noise
from support.signals import vowel

from chalicelib.core.voice.cepstrum import CepstralAnalyser
from chalicelib.core.voice.harmonicity import HarmonicityAnalyser, hnr_db
from chalicelib.core.voice.perturbation import NAMES, has_periods, measures, sums_within
from chalicelib.core.voice.pulses import Sound, amplitudes
from chalicelib.errors import ParameterError

SR = 16_000
RANGE = (0.0001, 0.02, 1.3)
KINDS = [("jitter", kind) for kind in ("local", "rap", "ppq5")] + [
    ("shimmer", kind) for kind in ("local", "apq3", "apq5")
]


def voice(seconds=1.5):
    """A vowel with some breath: neither its periods nor its amplitudes are regular."""
    return vowel(seconds, SR) + 0.003 * noise(int(seconds * SR), level=1)[:, 0]


def pulses_by_praat(y, sr):
    points = call(parselmouth.Sound(y, sr), "To PointProcess (periodic, cc)", 75, 600)
    n = call(points, "Get number of points")
    return points, np.array([call(points, "Get time from index", i + 1) for i in range(n)])


def measures_by_praat(y, sr, points, start=0.0, end=0.0):
    sound = parselmouth.Sound(y, sr)
    return np.array(
        [
            call(points, f"Get jitter ({kind})", start, end, *RANGE)
            if name == "jitter"
            else call([sound, points], f"Get shimmer ({kind})", start, end, *RANGE, 1.6)
            for name, kind in KINDS
        ]
    )


def table_of(y, sr, **options):
    _, tables = measure(encode(y, sr, subtype="FLOAT"), tables="voice", **options)
    values = json.loads(tables["features.json"])["values"]["voice"]
    return tables.rows("voice.csv"), values


def test_the_definitions_are_praats_on_praats_pulses():
    y = voice()
    points, pulses = pulses_by_praat(y, SR)
    levels = amplitudes(Sound(y, 0, SR), pulses, has_periods(pulses))
    (whole,) = measures(*sums_within(pulses, levels, np.array([0]), np.array([len(pulses)])))
    first, last = np.searchsorted(pulses, [[0.4], [0.8]])
    (part,) = measures(*sums_within(pulses, levels, first, last))

    np.testing.assert_allclose(whole, measures_by_praat(y, SR, points), rtol=1e-6)
    np.testing.assert_allclose(part, measures_by_praat(y, SR, points, 0.4, 0.8), rtol=1e-6)


def test_jitter_and_shimmer_of_a_vowel_are_praats():
    y = voice()
    points, _ = pulses_by_praat(y, SR)

    _, values = table_of(y, SR)

    ours = [values[name] for name in NAMES]
    np.testing.assert_allclose(ours, measures_by_praat(y, SR, points), rtol=0.02)


def test_jitter_and_shimmer_of_a_frame_are_praats_in_its_window():
    y = voice()
    points, _ = pulses_by_praat(y, SR)

    rows, _ = table_of(y, SR, voice_window=0.3)

    for time_s in (0.5, 0.75, 1.0):
        theirs = measures_by_praat(y, SR, points, time_s - 0.15, time_s + 0.15)
        np.testing.assert_allclose(rows[round(time_s * 100), 3:], theirs, rtol=0.05)


def test_jitter_that_was_put_in_is_found():
    random = np.random.default_rng(0)
    periods = 0.01 * (1 + 0.01 * random.standard_normal(150))
    pulses = np.concatenate([[0.05], 0.05 + np.cumsum(periods)])

    silent = np.full(len(pulses), np.nan)
    (found,) = measures(*sums_within(pulses, silent, np.array([0]), np.array([len(pulses)])))

    expected = np.abs(np.diff(periods)).mean() / periods.mean()
    assert found[0] == pytest.approx(expected)
    assert np.isnan(found[3:]).all()


@pytest.mark.parametrize("sr", [8000, 16_000, 44_100])
def test_harmonicity_is_praats(sr):
    y = vowel(0.8, sr) + 0.01 * noise(int(0.8 * sr), level=1)[:, 0]
    made = parselmouth.Sound(y, sr).to_harmonicity_cc(0.01, 75, 0.1, 1.0)
    theirs = np.where(made.values[0] < -199, np.nan, made.values[0])
    analyser = HarmonicityAnalyser(sr=sr, step_s=0.01, lowest_hz=75, first_s=made.xs()[0])

    rows = np.concatenate([analyser.push(y), analyser.finish()])[: len(theirs)]

    ours = hnr_db(rows, analyser.global_peak)
    assert (np.isnan(ours) == np.isnan(theirs)).mean() > 0.95
    assert np.nanmedian(np.abs(ours - theirs)) < 0.1


def cpp_by_praat(y, sr, every):
    made = call(parselmouth.Sound(y, sr), "To PowerCepstrogram", 60, 0.01, 5000, 50)
    n, first_s = (
        call(made, "Get number of frames"),
        call(made, "Get time from frame number", 1),
    )
    asked = ("Get peak prominence", 60, 330, "Parabolic", 0.001, 0.0512, "Straight")
    slices = (
        call(made, "To PowerCepstrum (slice)", first_s + i * 0.01) for i in range(0, n, every)
    )
    return first_s, np.array([call(one, *asked, "Least squares") for one in slices])


def test_cepstral_peak_prominence_at_praats_rate_is_praats():
    y = vowel(0.8, 10_000) + 0.003 * noise(8000, level=1)[:, 0]
    first_s, theirs = cpp_by_praat(y, 10_000, 5)
    analyser = CepstralAnalyser(step_s=0.01, first_s=first_s)

    rows = np.concatenate([analyser.push(y), analyser.finish()])[:, 0]

    np.testing.assert_allclose(rows[: 5 * len(theirs) : 5], theirs, atol=1e-3)


# How far the measures of speech are from Praat's, at most: a share of each.
CLOSE = {"jfk.flac": 0.05, "librivox-0870.wav": 0.1}


@pytest.mark.slow
@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
@pytest.mark.parametrize("name", CLOSE)
def test_the_measures_of_speech_are_close_to_praats(name):
    import soundfile as sf  # noqa: PLC0415  # after the reason to skip

    y, sr = sf.read(SPEECH / name, always_2d=True)
    y = y.mean(axis=1)
    points, _ = pulses_by_praat(y, sr)
    made = parselmouth.Sound(y, sr).to_harmonicity_cc(0.01, 75, 0.1, 1.0)
    hnr = call(made, "Get mean", 0, 0)

    _, values = table_of(y, sr)

    ours = [values[name] for name in NAMES]
    np.testing.assert_allclose(ours, measures_by_praat(y, sr, points), rtol=CLOSE[name])
    assert values["hnr_db"] == pytest.approx(hnr, abs=0.3)


def test_noise_has_no_voice():
    rows, values = table_of(noise(SR)[:, 0], SR)

    assert np.isnan(rows[:, 1]).mean() < 1  # noise is periodic by chance, weakly
    assert np.nanmedian(rows[:, 1]) < 3
    assert values["jitter_local"] is None or values["jitter_local"] > 0.02


@pytest.mark.parametrize(
    ("sr", "options", "message"),
    [
        (3000, {}, r"voice_max_pitch: up to 600 Hz, voices are measured at 4000 to 192000"),
        (16_000, {"voice_min_pitch": 300, "voice_max_pitch": 200}, r"300 is not below voice_max"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_reason(sr, options, message):
    with pytest.raises(ParameterError, match=message):
        table_of(noise(sr)[:, 0], sr, **options)
