"""Formants are Praat's: exactly after Praat's own resampling, closely after Earshot's."""

import numpy as np
import parselmouth
import pytest
from support.measuring import SPEECH, encode, measure
from support.signals import vowel

from chalicelib.core.voice.formants import FormantAnalyser, burg
from chalicelib.core.voice.resampling import SincResampler
from chalicelib.errors import ParameterError

N_COLUMNS = 4


def by_praat(y, sr, *, step_s=0.01, n_formants=5.0, highest=5500, window=0.025, emphasis=50):
    """Return the times of Praat's frames, and frequencies and bandwidths in each."""
    made = parselmouth.Sound(y, sr).to_formant_burg(
        time_step=step_s,
        max_number_of_formants=n_formants,
        maximum_formant=highest,
        window_length=window,
        pre_emphasis_from=emphasis,
    )
    times = made.xs()
    numbers = range(1, 1 + N_COLUMNS)
    rows = [
        [made.get_value_at_time(k, t) for k in numbers]
        + [made.get_bandwidth_at_time(k, t) for k in numbers]
        for t in times
    ]
    return times, np.array(rows)


def by_earshot(y, *, first_s, step_s=0.01, n_formants=5.0, highest=5500, window=0.025, emphasis=50):
    analyser = FormantAnalyser(
        sr=2 * highest,
        step_s=step_s,
        window_length=window,
        n_poles=int(2 * n_formants),
        preemphasis_hz=emphasis,
        n_columns=N_COLUMNS,
        first_s=first_s,
    )
    return np.concatenate([analyser.push(y), analyser.finish()])


def resampled(y, sr, sr_to):
    resampler = SincResampler(sr, sr_to)
    return np.concatenate([resampler.push(y), resampler.finish()])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"step_s": 0.00625},
        {"n_formants": 4.5},
        {"highest": 4000, "n_formants": 4.0},
        {"window": 0.04, "emphasis": 200},
    ],
    ids=str,
)
def test_formants_at_praats_own_rate_are_praats(options):
    y = vowel(0.8, 2 * options.get("highest", 5500))
    times, theirs = by_praat(y, 2 * options.get("highest", 5500), **options)

    ours = by_earshot(y, first_s=times[0], **options)[: len(times)]

    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=0.5)


@pytest.mark.parametrize("sr", [8000, 16_000, 22_050, 44_100, 48_000])
def test_the_resampled_signal_is_praats(sr):
    y = vowel(0.5, sr)
    theirs = parselmouth.Sound(y, sr).resample(11_000, 50).values[0]

    ours = resampled(y, sr, 11_000)

    assert abs(len(ours) - len(theirs)) <= 1
    inner = slice(600, 4900)
    np.testing.assert_allclose(ours[inner], theirs[inner], atol=2e-3 * np.abs(theirs).max())


def test_the_formants_of_a_vowel_are_those_it_was_made_with():
    y = vowel(0.8, 11_000, formants=(500.0, 1500.0, 2500.0, 3500.0))

    middle = np.median(by_earshot(y, first_s=0.2)[:40], axis=0)

    # Linear prediction of a voice at 120 Hz takes F1 for one of the harmonics around it.
    np.testing.assert_allclose(middle[0], 500, atol=70)
    np.testing.assert_allclose(middle[1:4], [1500, 2500, 3500], rtol=0.03)
    assert (middle[4:] < 300).all()


# Voiced frames of speech: how far F1 to F4 are from Praat's at the median, in hertz.
CLOSE = {"jfk.flac": (0.1, 0.1, 0.2, 0.2), "librivox-0870.wav": (0.6, 2, 4, 5)}


@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
@pytest.mark.parametrize("name", CLOSE)
def test_formants_of_speech_are_close_to_praats(name):
    import soundfile as sf  # noqa: PLC0415  # after the reason to skip

    y, sr = sf.read(SPEECH / name, always_2d=True)
    y = y.mean(axis=1)
    times, theirs = by_praat(y, sr)
    pitch = parselmouth.Sound(y, sr).to_pitch()
    voiced = np.array([pitch.get_value_at_time(t) > 0 for t in times])

    ours = by_earshot(resampled(y, sr, 11_000), first_s=times[0])[: len(times)]

    apart = np.nanmedian(np.abs(ours - theirs)[voiced], axis=0)
    assert (apart[:4] <= CLOSE[name]).all(), apart


def test_the_table_has_praats_formants():
    sr = 16_000
    y = vowel(1.2, sr)[: 958 + 100 * 160]  # so that Praat's frames are where the table's are
    times, theirs = by_praat(y, sr)

    _, tables = measure(encode(y, sr, subtype="FLOAT"), tables="formants")

    rows = tables.rows("formants.csv")
    assert tables.header("formants.csv") == "time_s,f1_hz,f2_hz,f3_hz,f4_hz,b1_hz,b2_hz,b3_hz,b4_hz"
    np.testing.assert_allclose(times, rows[3 : 3 + len(times), 0], atol=1e-4)
    apart = np.abs(rows[3 : 3 + len(times), 1:] - theirs)
    assert (np.nanmedian(apart, axis=0)[:3] < 15).all()


def test_burgs_coefficients_predict_a_signal_that_is_predictable():
    k = np.arange(200)
    y = 0.99**k * np.cos(0.3 * k)

    (found,) = burg(y[np.newaxis], 2)

    np.testing.assert_allclose(found, [2 * 0.99 * np.cos(0.3), -(0.99**2)], rtol=0.03)


def test_a_number_of_formants_that_is_no_half_is_refused():
    with pytest.raises(ParameterError, match=r"formants_n_formants: 4.7 is neither whole nor"):
        measure(encode(vowel(0.1, 16_000), 16_000), tables="formants", formants_n_formants=4.7)
