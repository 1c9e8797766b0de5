"""Clips: exactly the samples of a part of a recording."""

import io
import tracemalloc

import numpy as np
import pytest
import soundfile
from support.measuring import encode, encode_container, noise

from chalicelib.core.audio import clips
from chalicelib.core.audio.clips import read_clip, write_wav
from chalicelib.core.audio.containers import ContainerReader
from chalicelib.core.audio.decoding import DecodedAudio
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


def rising(seconds, sr):
    """Return a tone whose frequency tells the time."""
    t = np.arange(int(seconds * sr)) / sr
    return 0.5 * np.sin(2 * np.pi * (300 * t + 20 * t**2))[:, np.newaxis]


# How many of 32,768 steps a decoder may be off that has not heard all before: AAC and AMR put noise
# of their own in. A clip that began one sample off would be a thousand steps off.
CONTAINERS = {
    "m4a": ("mp4", "aac", 16_000, 100),
    "mp4": ("mp4", "aac", 44_100, 100),
    "webm": ("webm", "libopus", 48_000, 10),
    "mkv": ("matroska", "aac", 22_050, 100),
    "amr": ("amr", "libopencore_amrnb", 8_000, 100),
    "aac": ("adts", "aac", 16_000, 100),
    "flac in ogg": ("ogg", "flac", 16_000, 0),
}


@pytest.mark.parametrize("form", CONTAINERS)
@pytest.mark.parametrize("part", [(0.0, 0.3), (0.1, 1.0), (7.3, 9.1), (11.6, 99.0)])
def test_a_clip_of_a_container_is_that_part_of_the_whole(form, part):
    container, codec, sr, most_steps = CONTAINERS[form]
    media = io.BytesIO(encode_container(rising(12.0, sr), sr, container, codec))
    whole = np.concatenate([y for (y,) in DecodedAudio(media).blocks(None)])

    y, found_sr = read_clip(media, *part)

    start, end = (round(time * sr) for time in part)
    expected = np.rint(whole[start:end] * 32768)
    assert found_sr == sr
    assert y.shape == (len(expected), 1)
    np.testing.assert_allclose(y[:, 0], expected, atol=most_steps)


def test_a_late_clip_of_a_long_container_is_not_decoded_from_the_start(monkeypatch):
    media = io.BytesIO(encode_container(rising(60.0, 16_000), 16_000, "mp4", "aac"))
    decoded = []
    samples = ContainerReader._samples
    monkeypatch.setattr(
        ContainerReader,
        "_samples",
        lambda self, frame: decoded.append(frame.samples) or samples(self, frame),
    )

    y, _ = read_clip(media, 50.0, 51.0)

    assert len(y) == 16_000
    assert sum(decoded) < 3 * 16_000


@pytest.mark.parametrize("name", ["m4a", "webm", "amr"])
def test_a_part_that_a_container_does_not_have_is_refused(name):
    container, codec, sr, _ = CONTAINERS[name]
    media = io.BytesIO(encode_container(rising(2.0, sr), sr, container, codec))

    with pytest.raises(MediaError, match=r"nothing after 5\.00 s"):
        read_clip(media, 5.0, 6.0)


@pytest.mark.parametrize(
    ("media", "part", "message"),
    [
        (encode(noise(8000), 8000), (1.0, 2.0), "has nothing after 1.00 s"),
        (b"no sound at all", (0.0, 1.0), "cannot be made"),
        (b"%PDF-1.7", (0.0, 1.0), "it is a PDF document"),
    ],
)
def test_a_part_that_cannot_be_cut_is_refused_in_a_sentence(media, part, message):
    with pytest.raises(MediaError, match=message):
        read_clip(io.BytesIO(media), *part)


@pytest.mark.parametrize(
    "media",
    [
        encode(noise(16_000), 8000),
        encode_container(noise(16_000), 8000, "amr", "libopencore_amrnb"),
    ],
    ids=["wav", "amr"],
)
def test_a_part_that_is_too_large_is_refused_before_it_is_read(monkeypatch, media):
    monkeypatch.setattr(clips, "LARGEST_BYTES", 15_999)

    with pytest.raises(MediaError, match="Take a shorter one"):
        read_clip(io.BytesIO(media), 0.0, 1.0)


def test_a_clip_is_in_memory_once():
    media = io.BytesIO(encode(np.zeros((4_000_000, 2)), 8000))
    tracemalloc.start()
    try:
        y, _ = read_clip(media, 0.0, 1e6)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert y.nbytes == 16_000_000
    assert peak < 1.5 * y.nbytes
