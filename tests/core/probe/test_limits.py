"""Amazon Transcribe's refusals follow from the header, and each has a sentence."""

import io
import struct

import numpy as np
import pytest
from support import video
from support.media import CODECS, SR, convert, encode, wav

from chalicelib.core.audio.source import READ_BYTES, BufferedSource
from chalicelib.core.probe import limits
from chalicelib.core.probe.contents import Contents, look_into
from chalicelib.core.probe.headers import read_header

SPEECH = np.random.default_rng(1).normal(scale=0.1, size=SR * 3)


class Counting(io.BytesIO):
    """A file that counts what is read of it."""

    n_read = 0

    def read(self, size=-1):
        data = super().read(size)
        self.n_read += len(data)
        return data


def header(body: bytes) -> Contents:
    return read_header(BufferedSource(io.BytesIO(body)))


@pytest.mark.parametrize("extension", [e for e in CODECS if e not in ("m4a", "mp4", "webm")])
def test_the_header_gives_the_same_values_as_decoding(tmp_path, extension):
    path = tmp_path / "speech.wav"
    path.write_bytes(encode(SPEECH, "WAV"))

    found = header(convert(path, extension))

    assert found.duration_s == pytest.approx(3.0, abs=0.1)
    assert found.sample_rate_hz == CODECS[extension][2]
    assert found.channels == 1


@pytest.mark.parametrize(
    ("container", "subtype", "channels"),
    [("WAV", "FLOAT", 1), ("WAV", "PCM_24", 6), ("FLAC", "PCM_16", 2), ("OGG", "VORBIS", 2)],
)
def test_rate_and_channels_equal_the_written_ones(container, subtype, channels):
    import soundfile  # noqa: PLC0415  # this test's alone

    file = io.BytesIO()
    y = np.zeros((96_000, channels), np.float32)
    soundfile.write(file, y, 96_000, format=container, subtype=subtype)

    found = header(file.getvalue())

    assert (found.duration_s, found.sample_rate_hz, found.channels) == (1.0, 96_000, channels)


@pytest.mark.parametrize("extension", ["m4a", "mp4", "webm"])
def test_a_containers_index_gives_its_duration(tmp_path, extension):
    path = tmp_path / "speech.wav"
    path.write_bytes(encode(SPEECH, "WAV"))

    found = look_into(BufferedSource(io.BytesIO(convert(path, extension))))

    assert found.duration_s == pytest.approx(3.0, abs=0.1)


def test_an_mp3_of_constant_rate_needs_no_index(tmp_path):
    path = tmp_path / "speech.wav"
    path.write_bytes(encode(SPEECH, "WAV"))
    whole = convert(path, "mp3")
    first = whole.index(b"\xff\xfb")

    bare = header(whole[whole.index(b"\xff\xfb", first + 1) :])

    assert bare.duration_s == pytest.approx(3.0, abs=0.1)


def test_an_mp3_of_varying_rate_without_an_index_gives_no_duration():
    frames = [
        struct.pack(">I", 0xFFFB_0000 | kbps << 12).ljust(n, b"\0")
        for kbps, n in ((9, 417), (1, 104), (9, 417), (1, 104))
    ]

    assert header(b"".join(frames)).duration_s is None


def test_the_real_length_of_a_truncated_recording_counts():
    assert header(wav(2.0)[: 44 + SR]).duration_s == 0.5


@pytest.mark.parametrize("n_bytes", [0, 1, 4, 12, 30, 43, 44])
@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_truncated_header_gives_the_values_that_it_has(container, n_bytes):
    assert header(encode(SPEECH, container)[:n_bytes]).has_sound


def test_little_is_read_of_a_large_file():
    source = Counting(encode(np.zeros(SR * 600), "WAV"))

    found = read_header(BufferedSource(source))

    assert found.duration_s == 600
    assert source.n_read <= READ_BYTES


@pytest.mark.parametrize(
    ("size", "contents", "told"),
    [
        (3 * 2**30, Contents(), "has 3.0 GB, and at most 2 GB"),
        (1, Contents(duration_s=5 * 3600.0), "lasts 5.0 h, and at most 4 h"),
        (1, Contents(sample_rate_hz=99), "has 99 samples a second, and at least 100"),
    ],
)
def test_a_file_that_is_too_large_or_too_long_is_refused_with_a_sentence(size, contents, told):
    assert told in limits.refusal(size, contents)


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        (Contents(duration_s=0.4), "lasts 0.40 s"),
        (Contents(sample_rate_hz=96_000), "96000 samples a second"),
        (Contents(sample_rate_hz=4_000), "4000 samples a second"),
        (Contents(channels=6), "6 channels"),
    ],
)
def test_a_file_that_can_only_be_measured_gives_the_reason(contents, told):
    assert limits.refusal(1, contents) is None
    assert told in limits.speech_refusal(contents)


@pytest.mark.parametrize(
    "contents",
    [
        Contents(),
        Contents(duration_s=0.5, sample_rate_hz=8_000, channels=2),
        Contents(duration_s=14_400.0),
    ],
)
def test_values_at_the_limit_and_unknown_values_pass(contents):
    assert limits.refusal(limits.LARGEST_BYTES, contents) is None
    assert limits.speech_refusal(contents) is None


def test_a_video_gives_its_duration():
    assert look_into(BufferedSource(io.BytesIO(video.make()))).duration_s == pytest.approx(
        2, abs=0.2
    )
