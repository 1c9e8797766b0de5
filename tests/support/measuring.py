"""Recordings in memory, Earshot's features of them, and librosa's."""

import inspect
import io
import warnings
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import av
import librosa
import numpy as np
import soundfile as sf

from chalicelib.core.audio.decoding import DecodedAudio
from chalicelib.core.features.extract import FeatureParameters, extract

if find_spec("audioread"):
    with warnings.catch_warnings():
        # librosa 0.11 loads audioread's readers, which import modules that Python 3.13 has removed.
        warnings.simplefilter("ignore", DeprecationWarning)
        import_module("audioread").available_backends()

# librosa 1.0 leaves out unlikely moves of pitch by default; 0.11 cannot.
PRUNES = "transition_min_prob" in inspect.signature(librosa.pyin).parameters
EXACT = {"transition_min_prob": None} if PRUNES else {}
SPEECH = Path(__file__).parents[2] / "../shared/speech"
# librosa itself differs by 1.2e-4 between builds of OpenBLAS.
LARGEST, MEDIAN = 5e-4, 1e-5


def encode(y, sr, *, form="WAV", subtype="PCM_16"):
    stream = io.BytesIO()
    sf.write(stream, y, sr, format=form, subtype=subtype)
    return stream.getvalue()


def encode_container(y, sr, container, codec, *, with_video=False):
    """Encode with PyAV in a format that libsndfile does not write."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as media:
        audio = media.add_stream(codec, rate=sr)
        audio.layout = "mono" if y.shape[1] == 1 else "stereo"
        if with_video:
            video = media.add_stream("mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            media.mux(video.encode(frame))
            media.mux(video.encode(None))
        pcm = (y * 32767).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout=audio.layout.name)
        frame.sample_rate = sr
        cutter = av.AudioResampler(
            format=audio.codec_context.format,
            layout=audio.layout,
            rate=sr,
            frame_size=audio.codec_context.frame_size or 1024,
        )
        for piece in [*cutter.resample(frame), *cutter.resample(None), None]:
            # FLAC ends with an empty packet, which Ogg cannot hold.
            media.mux([packet for packet in audio.encode(piece) if packet.size])
    return stream.getvalue()


def decode(source, sr):
    """Yield a recording's mono mix at ``sr`` hertz (None keeps its rate), in blocks."""
    for (y,) in DecodedAudio(source).blocks(sr):
        if len(y):
            yield y


def noise(n, *, channels=1, seed=0, level=0.2):
    y = np.random.default_rng(seed).normal(0, level, (n, channels))
    return np.clip(y, -1, 1)


class Tables(dict):
    """The files of an extraction by name, without a table that an exception left unfinished."""

    @contextmanager
    def open(self, name):
        stream = io.BytesIO()
        yield stream
        self[name] = stream.getvalue()

    def rows(self, name):
        header, _, lines = self[name].partition(b"\n")
        if not lines:
            return np.empty((0, header.count(b",") + 1), np.float32)
        return np.genfromtxt(
            io.BytesIO(self[name]), delimiter=",", skip_header=1, dtype=np.float32, ndmin=2
        )

    def header(self, name):
        return self[name].split(b"\n", 1)[0].decode()


def measure(media, **parameters):
    """Measure a recording. Options of a table, and tables in a string, are given as text."""
    tables = Tables()
    source = io.BytesIO(media) if isinstance(media, bytes) else media
    if isinstance(parameters.get("tables"), str):
        parameters = {name: str(value) for name, value in parameters.items()}
        recipe = FeatureParameters.parse(parameters)
    else:
        recipe = FeatureParameters(**parameters)
    summary = extract(source, recipe, tables.open)
    return summary, tables


def measure_mfcc(media, **recipe):
    _, tables = measure(media, tables=("mfcc",), **recipe)
    return tables.rows("mfcc.csv")


def librosa_mfcc(media, *, sr=22050, **recipe):
    y, sr = librosa.load(io.BytesIO(media), sr=sr)
    return librosa.feature.mfcc(y=y, sr=sr, **{"n_mfcc": 13} | recipe).T


def assert_equal_mfcc(ours, theirs):
    assert ours.shape == theirs.shape
    difference = np.abs(ours - theirs)
    assert difference.max() <= LARGEST
    assert np.median(difference) <= MEDIAN
