"""Clips: exactly the samples of a part of a recording."""

import io

import numpy as np
import pytest
import soundfile
from support.measuring import encode, noise

from chalicelib.core.audio import clips
from chalicelib.core.audio.clips import read_clip, write_wav
from chalicelib.errors import MediaError


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_clip_has_the_very_samples_of_its_part(kind, channels):
    media = io.BytesIO()
    soundfile.write(media, noise(30_000, channels=channels), 8000, subtype="PCM_16", format=kind)

    y, sr = read_clip(media, 1.0, 2.5)

    media.seek(0)
    whole, _ = soundfile.read(media, dtype="int16", always_2d=True)
    assert sr == 8000
    np.testing.assert_array_equal(y, whole[8000:20000])


def test_a_written_clip_is_a_wav_file_of_its_length():
    y, sr = read_clip(io.BytesIO(encode(noise(30_000), 8000)), 3.0, 100.0)
    written = io.BytesIO()

    write_wav(written, y, sr)

    info = soundfile.info(io.BytesIO(written.getvalue()))
    assert (info.samplerate, info.frames, info.subtype) == (8000, 6000, "PCM_16")


def test_an_mp3_is_cut_where_it_was_asked_to_be():
    t = np.arange(4 * 22050) / 22050
    media = io.BytesIO()
    soundfile.write(
        media, np.where(t < 2, 0, 0.5) * np.sin(2 * np.pi * 440 * t), 22050, format="MP3"
    )

    quiet, _ = read_clip(media, 0.5, 1.5)
    loud, _ = read_clip(media, 2.5, 3.5)

    assert np.abs(quiet).max() < 300
    assert np.abs(loud).max() > 15_000


@pytest.mark.parametrize(
    ("media", "part", "message"),
    [
        (encode(noise(8000), 8000), (1.0, 2.0), "has nothing after 1.00 s"),
        (b"no sound at all", (0.0, 1.0), "cannot be made"),
    ],
)
def test_a_part_that_cannot_be_cut_is_refused_in_a_sentence(media, part, message):
    with pytest.raises(MediaError, match=message):
        read_clip(io.BytesIO(media), *part)


def test_a_part_that_is_too_large_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(clips, "LARGEST_BYTES", 15_999)

    with pytest.raises(MediaError, match="Take a shorter one"):
        read_clip(io.BytesIO(encode(noise(16_000), 8000)), 0.0, 1.0)
