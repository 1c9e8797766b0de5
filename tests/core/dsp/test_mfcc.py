"""The coefficients are librosa's, whatever the recording and the recipe."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measuring import SPEECH, assert_equal_mfcc, encode, librosa_mfcc, measure_mfcc, noise

from chalicelib.core.dsp.mfcc import MfccExtractor
from chalicelib.core.dsp.parameters import FeatureParameters

pytestmark = [
    pytest.mark.usefixtures("each_path"),
    pytest.mark.filterwarnings("ignore:n_fft=.* is too large", "ignore:Empty filters"),
]


@pytest.mark.parametrize("sr", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_mfcc_equal_those_of_librosa_at_every_rate(sr, channels):
    media = encode(noise(sr * 2 + 17, channels=channels), sr)

    ours = measure_mfcc(media)

    assert_equal_mfcc(ours, librosa_mfcc(media))


@pytest.mark.parametrize(
    ("form", "subtype"),
    [
        ("WAV", "PCM_U8"),
        ("WAV", "PCM_24"),
        ("WAV", "PCM_32"),
        ("WAV", "FLOAT"),
        ("WAV", "DOUBLE"),
        ("WAV", "ULAW"),
        ("WAV", "ALAW"),
        ("WAV", "IMA_ADPCM"),
        ("AIFF", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("FLAC", "PCM_24"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
def test_mfcc_equal_those_of_librosa_for_every_encoding(form, subtype):
    media = encode(noise(48000 * 3, channels=2), 48000, form=form, subtype=subtype)

    ours = measure_mfcc(media)

    assert_equal_mfcc(ours, librosa_mfcc(media))


@pytest.mark.parametrize(
    "n", [1, 2, 511, 512, 513, 1024, 2047, 2048, 2049, 65535, 65536, 65537, 131073]
)
def test_mfcc_equal_those_of_librosa_at_every_edge(n):
    media = encode(noise(n), 22050)

    ours = measure_mfcc(media)

    assert len(ours) == 1 + n // 512
    assert_equal_mfcc(ours, librosa_mfcc(media))


@pytest.mark.parametrize(
    "recipe",
    [
        {"n_mfcc": 20},
        {"n_mfcc": 40, "n_mels": 40},
        {"n_fft": 512, "hop_length": 160, "win_length": 400},
        {"n_fft": 401, "hop_length": 1000},
        {"fmin": 20.0, "fmax": 7600.0},
        {"htk": True},
        {"lifter": 22},
        {"n_mels": 256, "n_fft": 512},
        {"sr": None},
        {"sr": 16000},
    ],
    ids=str,
)
def test_mfcc_equal_those_of_librosa_for_every_parameter(recipe):
    media = encode(noise(44100), 44100)

    ours = measure_mfcc(media, **recipe)

    assert_equal_mfcc(ours, librosa_mfcc(media, **recipe))


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(30000),
        np.full(30000, 0.5),
        np.eye(1, 30000, 15000)[0],
        np.sign(np.sin(np.arange(30000) / 9)),
        np.sin(np.arange(30000) / 7) * 0.8,
        np.sin(np.arange(30000) / 7) * 1e-5,
        np.round(np.sin(np.arange(60000) / 3.5) * 30000) / 32768,
        np.sin(np.arange(60000) / 35) / 2 + np.sin(np.arange(60000) / 2) / 10000,
        np.cumsum(np.random.default_rng(1).standard_normal(60000)) / 1000,
        np.random.default_rng(1).standard_normal(90000) / np.repeat([10, 1e4, 10], 30000)
        + np.repeat([0, 1, 0], 30000) * np.sin(np.arange(90000) / 7) / 2,
    ],
    ids=[
        "silence",
        "DC",
        "a click",
        "clipping",
        "a tone",
        "a whisper of a tone",
        "a tone in 16 bits",
        "a tone over a faint one",
        "a steep spectrum",
        "noise, a tone, noise",
    ],
)
def test_mfcc_equal_those_of_librosa_for_known_signals(y):
    media = encode(y, 22050, subtype="FLOAT")

    ours = measure_mfcc(media)

    assert_equal_mfcc(ours, librosa_mfcc(media))


@pytest.mark.parametrize(
    "recipe",
    [
        {"fmin": 1591.0, "fmax": 20457.273, "hop_length": 64},
        {"fmin": 1591.0, "fmax": 20457.273, "hop_length": 64, "lifter": 22},
        {"n_fft": 256, "hop_length": 64},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "y",
    [np.repeat([0.5, -0.5], 11025), np.sin(np.arange(22050) / 7) * 0.8],
    ids=["a step", "a tone"],
)
def test_mfcc_equal_those_of_librosa_where_bands_are_empty(y, recipe):
    media = encode(y, 22050, subtype="FLOAT")

    ours = measure_mfcc(media, **recipe)

    assert_equal_mfcc(ours, librosa_mfcc(media, **recipe))


@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
def test_mfcc_equal_those_of_librosa_for_real_speech():
    for path in sorted(SPEECH.glob("*.flac")) + sorted(SPEECH.glob("*.wav")):
        media = path.read_bytes()

        ours = measure_mfcc(media)

        assert_equal_mfcc(ours, librosa_mfcc(media))


def test_mfcc_equal_those_of_librosa_over_minutes():
    media = encode(noise(44100 * 150, channels=2), 44100)

    ours = measure_mfcc(media)

    assert_equal_mfcc(ours, librosa_mfcc(media))


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 30000), max_size=12))
def test_mfcc_do_not_depend_on_how_the_signal_is_cut(cuts):
    y = noise(30000)[:, 0].astype(np.float32)

    pieces = mfcc_of_pieces(np.split(y, sorted(cuts)))

    # A product of matrices rounds differently with another number of rows.
    np.testing.assert_allclose(pieces, mfcc_of_pieces([y]), atol=1e-4)


def mfcc_of_pieces(pieces):
    with MfccExtractor(FeatureParameters(), sr=22050) as extractor:
        for piece in pieces:
            extractor.push(piece)
        extractor.finish()
        return np.concatenate(list(extractor.rows()))
