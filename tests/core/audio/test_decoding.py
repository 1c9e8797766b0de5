"""Decoding gives librosa's samples, and refuses files that are not recordings."""

import io
import re
import struct

import librosa
import numpy as np
import pytest
from support.measuring import decode, encode, noise

from chalicelib.core.audio.decoding import DecodedAudio
from chalicelib.errors import MediaError


@pytest.mark.parametrize("sr", [None, 16000, 22050, 48000])
@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 9, 12])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_32", "FLOAT"])
def test_decoding_gives_exactly_the_samples_of_librosa(sr, channels, subtype):
    media = encode(noise(70001, channels=channels), 44100, subtype=subtype)

    y = np.concatenate(list(decode(io.BytesIO(media), sr)))

    np.testing.assert_array_equal(y, librosa.load(io.BytesIO(media), sr=sr)[0])


@pytest.mark.parametrize(("form", "subtype"), [("MP3", None), ("FLAC", None), ("OGG", "VORBIS")])
def test_a_compressed_recording_decodes_the_same_in_blocks_as_whole(form, subtype):
    media = encode(noise(300000, channels=2), 44100, form=form, subtype=subtype)

    y = np.concatenate(list(decode(io.BytesIO(media), None)))

    np.testing.assert_array_equal(y, librosa.load(io.BytesIO(media), sr=None)[0])


def test_an_opened_recording_has_its_format_rate_channels_and_duration():
    found = DecodedAudio(io.BytesIO(encode(noise(24000, channels=2), 48000)))

    assert found.container == "WAV"
    assert found.sample_rate_hz == 48000
    assert found.channels == 2
    assert found.promised_s == 0.5


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        (b"", "empty: it has no bytes"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "PNG image"),
        (b"%PDF-1.7" + bytes(500), "PDF document"),
        (bytes(5000), "begins with zeros"),
        (b"Dear all, here are the minutes of our meeting. " * 20, "cannot be read"),
        (b"RIFF\x00\x00", "cannot be read"),
        (encode(np.zeros(0), 8000), "no samples"),
    ],
    ids=["nothing", "png", "pdf", "zeros", "text", "six bytes", "no samples"],
)
def test_a_file_that_is_not_a_recording_is_refused_with_a_reason(media, reason):
    with pytest.raises(MediaError, match=reason):
        list(decode(io.BytesIO(media), 16000))


def test_a_wav_that_ends_early_is_decoded_with_a_remark():
    media = encode(noise(16000 * 10), 16000)[: 44 + 16000 * 2 * 6]

    recording = DecodedAudio(io.BytesIO(media))
    n = sum(len(y) for (y,) in recording.blocks(None))

    assert n == 16000 * 6
    assert recording.remark == ("The file ends early: its header promises 10.0 s, 6.0 s are there.")


@pytest.mark.parametrize(
    ("form", "subtype"), [("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS")]
)
def test_a_compressed_recording_that_ends_early_is_decoded_up_to_its_end(form, subtype):
    media = encode(noise(16000 * 10), 16000, form=form, subtype=subtype)

    recording = DecodedAudio(io.BytesIO(media[: len(media) * 6 // 10]))
    n = sum(len(y) for (y,) in recording.blocks(None))

    assert 16000 * 5 < n < 16000 * 7


def test_an_ogg_file_cut_anywhere_has_a_remark():
    media = encode(noise(16000 * 3), 16000, form="OGG", subtype="VORBIS")
    last_page = media.rfind(b"OggS")
    assert last_page > len(media) // 2

    for length in (len(media) - 1, last_page + 300, last_page + 20, last_page + 3, last_page):
        recording = DecodedAudio(io.BytesIO(media[:length]))
        list(recording.blocks(None))
        assert "The file ends early" in recording.remark, length


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_a_compressed_wav_that_ends_early_has_a_remark_and_a_whole_one_has_none(subtype):
    media = encode(noise(8000 * 10), 8000, subtype=subtype)
    whole, cut = (DecodedAudio(io.BytesIO(part)) for part in (media, media[: len(media) // 2]))

    for recording in (whole, cut):
        list(recording.blocks(None))

    assert whole.remark is None
    assert re.match(r"The file ends early, after (4\.9|5\.0) s", cut.remark)


def test_a_wav_of_unknown_length_is_decoded_without_a_remark():
    media = bytearray(encode(noise(16000), 16000))
    media[40:44] = struct.pack("<I", 0xFFFFFFFF)

    recording = DecodedAudio(io.BytesIO(bytes(media)))
    n = sum(len(y) for (y,) in recording.blocks(None))

    assert n == 16000
    assert recording.remark is None


def test_a_source_that_fails_half_way_raises_its_own_error():
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 2_000_000:
                raise ConnectionResetError("the connection was reset")
            return super().read(size)

    media = encode(noise(2_000_000), 16000)

    with pytest.raises(ConnectionResetError):
        list(decode(Failing(media), None))


def test_a_source_is_read_in_few_large_pieces():
    class Counting(io.BytesIO):
        reads = 0

        def read(self, size=-1):
            self.reads += 1
            return super().read(size)

    media = Counting(encode(noise(2_000_000), 16000, subtype="PCM_24"))

    list(decode(media, None))

    assert media.reads < 12
