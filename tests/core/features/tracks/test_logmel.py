"""``logmel`` is what Whisper's own extractors give it."""

import io
from pathlib import Path

import numpy as np
import pytest
from support.measuring import SPEECH, encode, measure
from support.signals import vowel

from chalicelib.errors import ParameterError

RECORDED = Path(__file__).parents[3] / "data/references/whisper.npz"
SAME = 1e-4


def logmel(media, **options):
    _, tables = measure(media, tables="logmel", **options)
    return tables.rows("logmel.csv")


@pytest.mark.parametrize("n_mels", [80, 128])
def test_a_vowel_equals_the_recorded_values_of_transformers(n_mels):
    media = encode(vowel(1.23, 16_000), 16_000, subtype="FLOAT")

    ours = logmel(media, logmel_n_mels=n_mels)

    theirs = np.load(RECORDED)[f"mel_{n_mels}"].T
    assert ours.shape == (123, 1 + n_mels)
    np.testing.assert_allclose(ours[::7, 1:], theirs, atol=SAME)


@pytest.mark.parametrize("n_mels", [80, 128])
@pytest.mark.parametrize("n", [1, 159, 160, 161, 4000, 16_010])
def test_any_length_equals_transformers(n, n_mels):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    extractor = transformers.WhisperFeatureExtractor(feature_size=n_mels)
    y = np.random.default_rng(n).normal(0, 0.1, n).astype(np.float32)

    ours = logmel(encode(y, 16_000, subtype="FLOAT"), logmel_n_mels=n_mels)

    theirs = extractor(y, sampling_rate=16_000).input_features[0].T
    np.testing.assert_allclose(ours[:, 1:], theirs[: len(ours)], atol=SAME)


@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
def test_speech_equals_transformers():
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    import librosa  # noqa: PLC0415  # after the reason to skip

    media = (SPEECH / "jfk.flac").read_bytes()
    y, _ = librosa.load(io.BytesIO(media), sr=16_000)

    ours = logmel(media)

    theirs = transformers.WhisperFeatureExtractor()(y, sampling_rate=16_000).input_features[0].T
    np.testing.assert_allclose(ours[:, 1:], theirs[: len(ours)], atol=SAME)


def test_the_frames_are_a_hundredth_of_a_second_apart_whatever_the_recipe():
    summary, tables = measure(
        encode(vowel(0.5, 22_050), 22_050), tables="mfcc,logmel", hop_length=441, npz=True
    )

    archive = np.load(io.BytesIO(tables["features.npz"]))
    assert tables.rows("logmel.csv")[:3, 0].tolist() == pytest.approx([0, 0.01, 0.02])
    assert archive["logmel"].shape == (80, 50)
    assert archive["logmel_times"].shape == (50,)
    np.testing.assert_array_equal(archive["logmel"].T, tables.rows("logmel.csv")[:, 1:])
    assert summary.n_frames == archive["times"].size == archive["mfcc"].shape[1]


def test_the_number_of_bands_is_refused_with_the_reason():
    with pytest.raises(ParameterError, match=r"logmel_n_mels: 81 is not 80 or 128"):
        measure(encode(vowel(0.1, 16_000), 16_000), tables="logmel", logmel_n_mels=81)
