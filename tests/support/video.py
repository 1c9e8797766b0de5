"""Videos made for the tests: a moving picture, and a tone or given speech."""

import io
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

SR = 48_000
FPS = 10
CODECS = {
    "mp4": ("mp4", "libx264", "aac"),
    "mov": ("mov", "libx264", "aac"),
    "mkv": ("matroska", "libx264", "aac"),
    "webm": ("webm", "libvpx", "libopus"),
}


def frame(number: int, width: int, height: int) -> np.ndarray:
    """Return a grey ramp with a bright bar that moves to the right."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = np.linspace(40, 160, height, dtype=np.uint8)[:, None, None]
    left = (number * 8) % width
    picture[:, left : left + max(4, width // 8)] = (250, 200, 60)
    return picture


@cache
def make(
    extension: str = "mp4",
    *,
    duration_s: float = 2.0,
    size: tuple[int, int] | None = (320, 240),
    sound: bool = True,
    speech: Path | None = None,
    rotation: int = 0,
) -> bytes:
    """Return a video in a container, named by its extension."""
    container, video_codec, audio_codec = CODECS[extension]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as writer:
        picture = _picture_stream(writer, video_codec, size) if size else None
        track = writer.add_stream(audio_codec, rate=SR, layout="mono") if sound else None
        if picture:
            for number in range(round(duration_s * FPS)):
                image = av.VideoFrame.from_ndarray(frame(number, *size), format="rgb24")
                image.pts, image.time_base = number, Fraction(1, FPS)
                writer.mux(picture.encode(image))
            writer.mux(picture.encode(None))
        if track:
            _write_sound(writer, track, _samples(duration_s, speech))
    return rotated(file.getvalue()) if rotation else file.getvalue()


def gif(n_pictures: int, rate: Fraction) -> bytes:
    """Return an animation of small, distinct pictures."""
    file = io.BytesIO()
    with av.open(file, "w", format="gif") as writer:
        stream = writer.add_stream("gif", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "rgb8"
        for number in range(n_pictures):
            image = av.VideoFrame.from_ndarray(frame(number, 48, 32), format="rgb24")
            image = image.reformat(format="rgb8")
            image.pts, image.time_base = number, 1 / rate
            writer.mux(stream.encode(image))
        writer.mux(stream.encode(None))
    return file.getvalue()


def rotated(body: bytes) -> bytes:
    """Turn the picture of an MP4 by 90 degrees clockwise, with its track's matrix only."""
    upright = b"".join(
        value.to_bytes(4, "big") for value in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    )
    turned = b"".join(
        (value & 0xFFFF_FFFF).to_bytes(4, "big")
        for value in (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    )
    first = body.index(b"tkhd")
    place = body.index(upright, first)
    return body[:place] + turned + body[place + len(turned) :]


def _picture_stream(writer, codec, size):
    stream = writer.add_stream(codec, rate=FPS)
    stream.width, stream.height = size
    # Odd sizes need a pixel format that does not halve the resolution of colour.
    stream.pix_fmt = "yuv444p" if codec == "libx264" and (size[0] % 2 or size[1] % 2) else "yuv420p"
    return stream


def _samples(duration_s: float, speech: Path | None) -> np.ndarray:
    n = round(duration_s * SR)
    y = 0.3 * np.sin(2 * np.pi * 220 * np.arange(n) / SR)
    if speech:
        with av.open(str(speech)) as reader:
            resampler = av.AudioResampler("flt", "mono", SR)
            frames = [out for f in reader.decode(audio=0) for out in resampler.resample(f)]
            spoken = np.concatenate([f.to_ndarray()[0] for f in frames])
        y = np.tile(spoken, -(-n // len(spoken)))[:n]
    return y.astype(np.float32)


def _write_sound(writer, track, y: np.ndarray) -> None:
    resampler = av.AudioResampler(track.format, "mono", SR, track.codec_context.frame_size)
    samples = av.AudioFrame.from_ndarray(y[None], format="flt", layout="mono")
    samples.sample_rate = SR
    for piece in [samples, None]:
        for resampled in resampler.resample(piece):
            writer.mux(track.encode(resampled))
    writer.mux(track.encode(None))
