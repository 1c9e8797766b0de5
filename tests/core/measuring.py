"""Makes recordings in memory, measures them, and asks librosa for the same."""

import io
import warnings
from contextlib import contextmanager
from pathlib import Path

import audioread
import librosa
import numpy as np
import soundfile as sf

from chalicelib.core.features import FeatureParameters, extract

with warnings.catch_warnings():
    # librosa asks audioread for its readers, which import what Python 3.13 has dropped.
    warnings.simplefilter("ignore", DeprecationWarning)
    audioread.available_backends()

SPEECH = Path(__file__).parents[2] / "../shared/speech"
# librosa differs from itself by 1.2e-4 between builds of OpenBLAS.
LARGEST, MEDIAN = 5e-4, 1e-5


def encode(y, sr, *, form="WAV", subtype="PCM_16"):
    stream = io.BytesIO()
    sf.write(stream, y, sr, format=form, subtype=subtype)
    return stream.getvalue()


def noise(n, *, channels=1, seed=0, level=0.2):
    y = np.random.default_rng(seed).normal(0, level, (n, channels))
    return np.clip(y, -1, 1)


class Tables(dict):
    """What an extraction wrote, by name; a table that was left by an exception is not there."""

    @contextmanager
    def open(self, name):
        stream = io.BytesIO()
        yield stream
        self[name] = stream.getvalue()

    def rows(self, name):
        return np.loadtxt(
            io.BytesIO(self[name]), delimiter=",", skiprows=1, dtype=np.float32, ndmin=2
        )


def measure(media, **parameters):
    tables = Tables()
    source = io.BytesIO(media) if isinstance(media, bytes) else media
    summary = extract(source, FeatureParameters(**parameters), tables.open)
    return summary, tables


def librosa_mfcc(media, *, sr=22050, **recipe):
    y, sr = librosa.load(io.BytesIO(media), sr=sr)
    return librosa.feature.mfcc(y=y, sr=sr, **{"n_mfcc": 13} | recipe).T


def assert_equal_mfcc(ours, theirs):
    assert ours.shape == theirs.shape
    difference = np.abs(ours - theirs)
    assert difference.max() <= LARGEST
    assert np.median(difference) <= MEDIAN
