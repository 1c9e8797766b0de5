"""Recordings of phones and browsers are decoded by PyAV, in a stream, with librosa's numbers."""

import io
import sys

import av
import librosa
import numpy as np
import pytest
from support.measuring import (
    assert_equal_mfcc,
    decode,
    encode_container,
    measure,
    measure_mfcc,
    noise,
)

from chalicelib.core.audio.decoding import DecodedAudio
from chalicelib.core.audio.formats import recognise_container
from chalicelib.core.audio.source import BufferedSource
from chalicelib.errors import MediaError

KINDS = [
    ("mp4", "aac", 44100, 2),
    ("ipod", "alac", 44100, 1),
    ("mov", "pcm_s16le", 48000, 2),
    ("webm", "libopus", 48000, 1),
    ("matroska", "aac", 44100, 2),
    ("amr", "libopencore_amrnb", 8000, 1),
    ("adts", "aac", 22050, 2),
]
# A truncated file loses its last page, here two seconds.
WITH_LONG_PAGES = [*KINDS, ("ogg", "flac", 16000, 1)]


def decoded_whole(media):
    """Return FFmpeg's samples as floats, in one array of shape (channels, n)."""
    with av.open(io.BytesIO(media)) as container:
        to_floats = av.AudioResampler(format="fltp")
        frames = [
            floats.to_ndarray()
            for frame in container.decode(audio=0)
            for floats in to_floats.resample(frame)
        ]
        return np.concatenate(frames, axis=1), container.streams.audio[0].rate


@pytest.mark.parametrize(("container", "codec", "sr", "channels"), WITH_LONG_PAGES)
def test_mfcc_equal_those_of_librosa_for_formats_that_ffmpeg_decodes(
    container, codec, sr, channels
):
    media = encode_container(noise(sr * 3, channels=channels), sr, container, codec)
    y, sr_native = decoded_whole(media)
    y = librosa.resample(librosa.to_mono(y), orig_sr=sr_native, target_sr=22050)

    ours = measure_mfcc(media)

    assert_equal_mfcc(ours, librosa.feature.mfcc(y=y, sr=22050, n_mfcc=13).T)


def test_the_sound_of_a_video_is_measured():
    media = encode_container(noise(44100 * 2), 44100, "mp4", "aac", with_video=True)

    summary, _ = measure(media, tables=("energy",))

    assert summary.duration_s == pytest.approx(2.0, abs=0.1)
    assert summary.versions["av"] == av.__version__


def test_a_video_without_sound_is_refused():
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as media:
        video = media.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        media.mux(video.encode(frame))
        media.mux(video.encode(None))

    with pytest.raises(MediaError, match="no audio track"):
        measure(stream.getvalue())


@pytest.mark.parametrize(("container", "codec", "sr", "channels"), KINDS)
def test_a_truncated_container_is_measured_up_to_its_end_or_refused(container, codec, sr, channels):
    media = encode_container(noise(sr * 5, channels=channels), sr, container, codec)
    cut = io.BytesIO(media[: len(media) * 6 // 10])

    if container in {"mp4", "ipod", "mov"}:  # their index stands at the end
        with pytest.raises(MediaError, match="MP4 container is damaged or cut short"):
            DecodedAudio(cut)
    else:
        recording = DecodedAudio(cut)
        n = sum(len(y) for (y,) in recording.blocks(None))
        assert n / recording.sample_rate_hz == pytest.approx(3.0, abs=0.2)
        assert "The file ends early" in recording.remark


def test_truncated_flac_in_ogg_has_a_remark():
    media = encode_container(noise(16000 * 5), 16000, "ogg", "flac")
    recording = DecodedAudio(io.BytesIO(media[: len(media) * 6 // 10]))

    list(recording.blocks(None))

    assert "The file ends early" in recording.remark


def test_speex_in_ogg_is_given_to_pyav():
    head = b"OggS\0\2" + bytes(20) + b"\1\x50" + b"Speex   1.2.1"

    assert recognise_container(BufferedSource(io.BytesIO(head))) == "ogg"


def test_a_whole_container_has_no_remark():
    for container, codec, sr, channels in WITH_LONG_PAGES:
        media = encode_container(noise(sr * 2, channels=channels), sr, container, codec)
        recording = DecodedAudio(io.BytesIO(media))
        list(recording.blocks(None))
        assert recording.remark is None, container


def test_an_opened_container_has_its_rate_channels_and_duration():
    found = DecodedAudio(io.BytesIO(encode_container(noise(48000 * 2), 48000, "webm", "libopus")))

    assert (found.container, found.sample_rate_hz, found.channels) == ("matroska", 48000, 1)
    assert found.promised_s == pytest.approx(2.0, abs=0.1)


def test_without_pyav_the_error_says_what_to_install(monkeypatch):
    media = encode_container(noise(8000), 8000, "mp4", "aac")
    monkeypatch.setitem(sys.modules, "av", None)

    with pytest.raises(MediaError, match="PyAV"):
        list(decode(io.BytesIO(media), None))


def test_a_container_whose_source_fails_raises_the_source_s_error():
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 1_000_000:
                raise ConnectionResetError("the connection was reset")
            return super().read(size)

    media = encode_container(noise(44100 * 60), 44100, "matroska", "pcm_s16le")

    with pytest.raises(ConnectionResetError):
        list(decode(Failing(media), None))


def test_a_playlist_cannot_make_the_decoder_fetch_other_files(tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"RIFF")

    for playlist in (
        f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n",
        f"ffconcat version 1.0\nfile {secret}",
    ):
        with pytest.raises(MediaError):
            measure(playlist.encode())
