"""The tables of one pass are librosa's tables."""

import io
import json

import numpy as np
import pytest
from measuring import (
    SPEECH,
    Tables,
    assert_equal_mfcc,
    encode,
    librosa_mfcc,
    measure,
    noise,
)

from chalicelib.core.features import FeatureParameters, extract
from chalicelib.errors import MediaError

pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large", "ignore:Empty filters")


@pytest.mark.parametrize("sr", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_mfcc_equal_those_of_librosa_at_every_rate(sr, channels):
    media = encode(noise(sr * 2 + 17, channels=channels), sr)

    _, tables = measure(media)

    assert_equal_mfcc(tables.rows("mfcc.csv"), librosa_mfcc(media))


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

    _, tables = measure(media)

    assert_equal_mfcc(tables.rows("mfcc.csv"), librosa_mfcc(media))


@pytest.mark.parametrize("n", [1, 2, 511, 512, 513, 1024, 2047, 2048, 2049, 65535, 65536, 65537])
def test_mfcc_equal_those_of_librosa_at_every_edge(n):
    media = encode(noise(n), 22050)

    summary, tables = measure(media)

    assert summary.n_frames == 1 + n // 512
    assert_equal_mfcc(tables.rows("mfcc.csv"), librosa_mfcc(media))


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

    _, tables = measure(media, **recipe)

    assert_equal_mfcc(tables.rows("mfcc.csv"), librosa_mfcc(media, **recipe))


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(30000),
        np.full(30000, 0.5),
        np.eye(1, 30000, 15000)[0],
        np.sign(np.sin(np.arange(30000) / 9)),
        np.sin(np.arange(30000) / 7) * 0.8,
        np.sin(np.arange(30000) / 7) * 1e-5,
    ],
    ids=["silence", "DC", "a click", "clipping", "a tone", "a whisper of a tone"],
)
def test_mfcc_equal_those_of_librosa_for_known_signals(y):
    media = encode(y, 22050, subtype="FLOAT")

    _, tables = measure(media)

    assert_equal_mfcc(tables.rows("mfcc.csv"), librosa_mfcc(media))


@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
def test_mfcc_equal_those_of_librosa_for_real_speech():
    for path in sorted(SPEECH.glob("*.flac")) + sorted(SPEECH.glob("*.wav")):
        media = path.read_bytes()

        _, tables = measure(media)

        assert_equal_mfcc(tables.rows("mfcc.csv"), librosa_mfcc(media))


def test_the_table_has_the_columns_of_the_original():
    _, tables = measure(encode(noise(4000), 22050))

    header = tables["mfcc.csv"].split(b"\n")[0].decode()
    assert header == ",".join(f"mfcc_{i}" for i in range(1, 14))


def test_the_summary_says_with_what_the_tables_were_made():
    tables = Tables()
    media = io.BytesIO(encode(noise(16000, channels=2), 16000))

    summary = extract(media, FeatureParameters(), tables.open, provenance={"etag": "abc"})

    written = json.loads(tables["features.json"])
    assert written["parameters"]["n_mfcc"] == 13
    assert written["etag"] == "abc"
    assert written["source_sample_rate_hz"] == summary.source_sample_rate_hz == 16000
    assert written["sample_rate_hz"] == summary.sample_rate_hz == 22050
    assert written["channels"] == summary.channels == 2
    assert written["duration_s"] == summary.duration_s == 1.0
    assert written["n_frames"] == summary.n_frames == 44
    assert written["versions"].keys() >= {"earshot", "numpy", "soxr"}
    assert written["remark"] is summary.remark is None
    assert set(summary.tables) == tables.keys() - {"features.json"}


def test_samples_that_are_not_numbers_are_refused_and_no_table_is_written():
    y = noise(30000)
    y[20000] = np.nan
    tables = Tables()

    with pytest.raises(MediaError, match="not numbers"):
        extract(io.BytesIO(encode(y, 22050, subtype="FLOAT")), FeatureParameters(), tables.open)

    assert not tables
