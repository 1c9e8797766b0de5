"""``melspectrogram``, ``spectral`` and ``chroma`` are librosa's, over a sweep of recipes."""

import io

import librosa
import numpy as np
import pytest
from support.measuring import SPEECH, encode, measure
from support.signals import vowel

from chalicelib.errors import ParameterError

MEDIA = encode(vowel(1.5, 22_050), 22_050)
RECIPES = [
    {},
    {"sr": 16_000, "n_fft": 512, "hop_length": 160},
    {"sr": 16_000, "n_fft": 1000, "hop_length": 333, "win_length": 400},
    {"sr": 22_050, "n_fft": 401, "hop_length": 1500},
]
SPECTRA = ("n_fft", "hop_length", "win_length")


@pytest.fixture(params=RECIPES, ids=str)
def recipe(request):
    return request.param


def load(media, recipe):
    y, sr = librosa.load(io.BytesIO(media), sr=recipe.get("sr", 22_050))
    return {"y": y, "sr": sr} | {name: recipe[name] for name in SPECTRA if name in recipe}


def rows(media, table, recipe):
    return measure(media, tables=table, **recipe)[1].rows(f"{table}.csv")


def assert_spectral_equal(ours, signal, **contrast):
    feature = librosa.feature
    power = {name: value for name, value in signal.items() if name != "sr"}
    for column, theirs in enumerate(
        (
            feature.spectral_centroid(**signal),
            feature.spectral_bandwidth(**signal),
            feature.spectral_rolloff(**signal),
        ),
        start=1,
    ):
        np.testing.assert_allclose(ours[:, column], theirs[0], rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(ours[:, 4], feature.spectral_flatness(**power)[0], rtol=1e-3)
    theirs = feature.spectral_contrast(**signal, **contrast).T
    np.testing.assert_allclose(ours[:, 5:], theirs, atol=1e-3)


def test_the_spectrums_shape_equals_librosas(recipe):
    ours = rows(MEDIA, "spectral", {"spectral_contrast_bands": 4} | recipe)

    assert_spectral_equal(ours, load(MEDIA, recipe), n_bands=4)


@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
def test_the_spectrums_shape_of_speech_equals_librosas():
    media = (SPEECH / "jfk.flac").read_bytes()

    ours = rows(media, "spectral", {})

    assert_spectral_equal(ours, load(media, {}))


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_the_mel_spectrogram_equals_librosas(recipe, power):
    signal = load(MEDIA, recipe)

    ours = rows(MEDIA, "melspectrogram", {"n_mels": 40, "melspectrogram_power": power} | recipe)

    theirs = librosa.feature.melspectrogram(**signal, n_mels=40, power=power).T
    np.testing.assert_allclose(ours[:, 1:], theirs, rtol=1e-4, atol=1e-7 * theirs.max())


@pytest.mark.parametrize("tuning", [0.0, -0.3])
def test_chroma_equals_librosas_with_the_same_tuning(recipe, tuning):
    signal = load(MEDIA, recipe)

    ours = rows(MEDIA, "chroma", {"chroma_tuning": tuning} | recipe)

    theirs = librosa.feature.chroma_stft(**signal, tuning=tuning).T
    np.testing.assert_allclose(ours[:, 1:], theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sr": "8000"}, r"spectral_contrast_bands: 6 bands above 200 Hz begin at up to 6400 Hz"),
        ({"n_fft": "16"}, r"spectral_contrast_fmin: there is one bin alone between 0 and 200 Hz"),
        ({"spectral_roll_percent": "1"}, r"spectral_roll_percent: 1 is not between 0.001 and"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_reason(options, message):
    with pytest.raises(ParameterError, match=message):
        measure(MEDIA, tables="spectral", **options)


def test_a_table_that_does_not_fit_leaves_the_others():
    summary, _ = measure(MEDIA, tables="mfcc,spectral", sr=8000)

    assert summary.tables == ("mfcc.csv",)
    assert "There is no spectral table. spectral_contrast_bands: 6 bands" in summary.remark
