"""A plain WAV file is read as libsndfile reads it, and libsndfile reads all others."""

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from support.measuring import encode, noise

from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.audio.wav import WavReader, read_wav_header


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def riff(*chunks):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


FORMAT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 8000, 32000, 4, 16))
PCM = np.arange(-500, 500, dtype="<i2").tobytes()


def samples_of(media, n_frames=300):
    source = BufferedSource(io.BytesIO(media))
    header = read_wav_header(source)
    assert header.is_plain
    return np.concatenate([block.copy() for block in WavReader(source, header).blocks(n_frames)])


@given(n=st.integers(1, 3000), channels=st.integers(1, 5), n_frames=st.integers(1, 4000))
def test_the_samples_are_those_of_libsndfile_whatever_the_blocks(n, channels, n_frames):
    media = encode(noise(n, channels=channels), 8000)

    ours = samples_of(media, n_frames)

    theirs, _ = soundfile.read(io.BytesIO(media), dtype="int16", always_2d=True)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "media",
    [
        riff(FORMAT, chunk(b"data", PCM)),
        riff(chunk(b"LIST", b"odd"), FORMAT, chunk(b"fact", bytes(4)), chunk(b"data", PCM)),
        riff(FORMAT, chunk(b"data", PCM), chunk(b"LIST", b"after the samples")),
        riff(FORMAT, chunk(b"data", PCM))[:-7],
        riff(FORMAT, b"data" + struct.pack("<I", 4_000_000) + PCM),
    ],
    ids=["plain", "chunks before", "chunks after", "cut within a frame", "promises more"],
)
def test_other_chunks_and_lengths_are_read_as_libsndfile_reads_them(media):
    theirs, _ = soundfile.read(io.BytesIO(media), dtype="int16", always_2d=True)

    np.testing.assert_array_equal(samples_of(media), theirs)


@pytest.mark.parametrize(
    "media",
    [
        encode(noise(100), 8000, subtype="PCM_24"),
        encode(noise(100), 8000, subtype="FLOAT"),
        riff(FORMAT, chunk(b"data", b"")),
        riff(FORMAT, b"data\xff\xff\xff\xff" + PCM),
        riff(chunk(b"data", PCM), FORMAT),
        riff(FORMAT, FORMAT, chunk(b"data", PCM)),
        riff(FORMAT[:14]),
        riff(*[chunk(b"junk", b"")] * 2000, FORMAT, chunk(b"data", PCM)),
        b"RIFX" + riff(FORMAT, chunk(b"data", PCM))[4:],
        b"",
    ],
    ids=[
        "24 bits",
        "floats",
        "no samples",
        "length unknown",
        "samples first",
        "two formats",
        "cut in the format",
        "2,000 chunks",
        "big-endian",
        "nothing",
    ],
)
def test_what_is_not_plain_is_left_to_libsndfile(media):
    header = read_wav_header(BufferedSource(io.BytesIO(media)))

    assert header is None or not header.is_plain
