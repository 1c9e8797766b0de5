"""Hostile audio ends in a clear error or in librosa's own answer, and always ends."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measuring import (
    assert_equal_mfcc,
    encode,
    encode_container,
    librosa_mfcc,
    measure,
    measure_mfcc,
    noise,
)

from chalicelib.core.features.extract import FeatureSummary
from chalicelib.errors import EarshotError, MediaError

pytestmark = pytest.mark.usefixtures("each_path")

RATE_OFFSET = 24  # in a wav header, with the byte rate after it


def wav_at(sr, y):
    media = bytearray(encode(y, 8000))
    media[RATE_OFFSET : RATE_OFFSET + 8] = struct.pack("<II", sr, min(2 * sr, 0xFFFFFFFF))
    return bytes(media)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_samples_that_are_not_finite_are_refused(value):
    y = noise(3000)
    y[2000] = value

    with pytest.raises(MediaError, match="not numbers"):
        measure(encode(y, 22050, subtype="DOUBLE"))


def test_samples_too_far_beyond_full_scale_are_refused():
    with pytest.raises(MediaError, match="beyond full scale"):
        measure(encode(noise(3000) * 1e30, 22050, subtype="FLOAT"))


def test_samples_beyond_full_scale_are_measured_as_librosa_does():
    y = np.random.default_rng(0).normal(0, 1000, 9000)
    media = encode(y, 22050, subtype="FLOAT")

    ours = measure_mfcc(media)

    assert_equal_mfcc(ours, librosa_mfcc(media))


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
@pytest.mark.parametrize(("sr", "n"), [(100, 1000), (8000, 20), (10_000_000, 300_000)])
def test_absurd_sample_rates_give_the_answer_of_librosa(sr, n):
    media = wav_at(sr, noise(n))

    ours = measure_mfcc(media)

    assert_equal_mfcc(ours, librosa_mfcc(media))


@pytest.mark.parametrize("sr", [1, 99])
def test_a_rate_that_would_multiply_samples_is_refused(sr):
    with pytest.raises(MediaError, match=f"it has {sr} samples a second, and at least 100"):
        measure(wav_at(sr, noise(60)), sr=384_000)


@pytest.mark.parametrize("channels", [7, 8, 9, 16, 17, 255])
def test_many_channels_are_mixed_as_librosa_does(channels):
    media = encode(noise(5000, channels=channels), 22050, subtype="FLOAT")

    ours = measure_mfcc(media)

    assert_equal_mfcc(ours, librosa_mfcc(media))


def test_an_impossible_number_of_channels_is_refused():
    media = bytearray(encode(noise(5000), 8000))
    media[22:24] = struct.pack("<H", 65535)

    with pytest.raises(MediaError, match="cannot be read"):
        measure(bytes(media))


def test_a_header_with_too_great_a_length_gives_librosas_answer_and_a_remark():
    media = encode(noise(80000), 8000)[:50044]

    summary, tables = measure(media, tables=("mfcc",))

    assert summary.remark == "The file ends early: its header promises 10.0 s, 3.1 s are there."
    assert_equal_mfcc(tables.rows("mfcc.csv"), librosa_mfcc(media))


def test_a_small_flac_that_claims_ten_hours_is_measured_up_to_its_end():
    media = bytearray(encode(np.zeros(16000), 16000, form="FLAC"))
    claim = 16000 * 36000
    # The last 36 bits of the 8 bytes at 18 are the samples in all (RFC 9639, section 8.2).
    packed = int.from_bytes(media[18:26], "big") >> 36 << 36 | claim
    media[18:26] = packed.to_bytes(8, "big")

    summary, _ = measure(bytes(media))

    assert summary.duration_s == 1.0
    assert "promises 36000.0 s" in summary.remark


SEEDS = {
    "wav": encode(noise(9000), 16000),
    "flac": encode(noise(9000), 16000, form="FLAC"),
    "mp3": encode(noise(9000), 16000, form="MP3", subtype="MPEG_LAYER_III"),
    "ogg": encode(noise(9000), 16000, form="OGG", subtype="VORBIS"),
    "m4a": encode_container(noise(9000), 16000, "mp4", "aac"),
    "webm": encode_container(noise(9000), 48000, "webm", "libopus"),
    "amr": encode_container(noise(9000), 8000, "amr", "libopencore_amrnb"),
}


def settles(media):
    """Return whether an extraction ends with a summary, or with one of Earshot's errors."""
    try:
        summary, _ = measure(media, tables=("mfcc", "energy"), n_mfcc=2)
    except EarshotError as exc:
        return bool(str(exc))
    return isinstance(summary, FeatureSummary)


@settings(max_examples=150)
@given(kind=st.sampled_from(sorted(SEEDS)), data=st.data())
def test_a_recording_cut_anywhere_is_measured_or_refused(kind, data):
    media = SEEDS[kind]
    length = data.draw(st.integers(0, len(media)))

    assert settles(media[:length])


@settings(max_examples=300)
@given(
    kind=st.sampled_from(sorted(SEEDS)),
    flips=st.lists(
        st.tuples(st.integers(0, 1 << 20) | st.integers(0, 120), st.integers(1, 255)),
        min_size=1,
        max_size=12,
    ),
)
def test_a_recording_with_flipped_bits_is_measured_or_refused(kind, flips):
    media = bytearray(SEEDS[kind])
    for position, bits in flips:
        media[position % len(media)] ^= bits

    assert settles(bytes(media))


@settings(max_examples=100)
@given(
    head=st.sampled_from([media[:n] for media in SEEDS.values() for n in (4, 16, 64)]),
    tail=st.binary(max_size=400),
)
def test_any_bytes_after_the_header_of_a_recording_are_measured_or_refused(head, tail):
    assert settles(head + tail)


def test_a_source_that_shrinks_during_reading_is_measured_up_to_its_end():
    class Shrinking(io.BytesIO):
        def read(self, size=-1):
            return b"" if self.tell() > 1 << 20 else super().read(size)

    summary, _ = measure(Shrinking(encode(noise(2_000_000), 48000)), tables=("energy",))

    assert "The file ends early" in summary.remark
