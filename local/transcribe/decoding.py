"""Media file to 16 kHz mono samples, with Amazon Transcribe's checks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from chalicelib.core.probe.limits import LONGEST_S
from chalicelib.core.speech.recogniser import SAMPLE_RATE_HZ, Samples
from chalicelib.errors import MediaError
from local.media import open_media

MAX_DURATION_S = float(LONGEST_S)
MIN_DURATION_S = 0.5
MOST_CHANNELS = 2  # the largest number of channels recognised separately

INVALID_MEDIA = (
    "The data in your input media file isn't valid. "
    "Check the media file and try your request again."
)
WRONG_FORMAT = (
    "The media format provided does not match the detected media format. "
    "Check the media format and try your request again."
)
UNSUPPORTED_FORMAT = "Unsupported media format."
TOO_SHORT = (
    "The input media file length is too small. Minimum audio duration is 0.500000 seconds. "
    "Check the length of the file and try your request again."
)
TOO_LONG = "Invalid file size: file size too large."
TOO_MANY_CHANNELS = "Invalid number of channels: number of channels too large."
WRONG_RATE = "The sample rate provided does not match the detected sample rate."

# FFmpeg's names for containers. FFmpeg has one name for Matroska and WebM, and for MP4 and M4A.
_FORMATS = {
    "wav": {"wav"},
    "mp3": {"mp3"},
    "flac": {"flac"},
    "ogg": {"ogg"},
    "amr": {"amr"},
    "matroska,webm": {"webm"},
    "mov,mp4,m4a,3gp,3g2,mj2": {"mp4", "m4a"},
}
_DEMUXERS = ",".join(sorted({name for formats in _FORMATS for name in formats.split(",")}))
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Media:
    """Values from a file's header; only the format can be trusted."""

    media_format: str
    sample_rate_hz: int
    n_channels: int
    claimed_duration_s: float | None


def inspect(path: Path, media_format: str | None, sample_rate_hz: int | None = None) -> Media:
    """Return the header's values of ``path``, or raise MediaError with the service's message.

    The checks are the service's: a known container that agrees with the named format, with a
    sound track, at the named sample rate.
    """
    try:
        with open_media(path, _DEMUXERS, refusal=INVALID_MEDIA) as container:
            allowed = _FORMATS.get(container.format.name)
            if allowed is None or (media_format and media_format not in allowed):
                raise MediaError(WRONG_FORMAT if media_format else UNSUPPORTED_FORMAT)
            tracks = container.streams.audio
            # If FFmpeg does not know a track's codec, the track has no context and no rate.
            if not tracks or tracks[0].codec_context is None:
                raise MediaError(INVALID_MEDIA)
            rate = tracks[0].rate
            if sample_rate_hz and rate != sample_rate_hz:
                raise MediaError(WRONG_RATE)
            claimed = container.duration / _MICROSECONDS if container.duration else None
            return Media(media_format or max(allowed), rate, tracks[0].channels, claimed)
    except (av.error.FFmpegError, UnicodeDecodeError) as exc:
        raise MediaError(INVALID_MEDIA) from exc


def samples(
    path: Path, *, channel: int | None = None, max_duration_s: float = MAX_DURATION_S
) -> Iterator[Samples]:
    """Decode the first sound track of a media file, block by block.

    Parameters
    ----------
    path : Path
        a file in one of the service's formats
    channel : int, optional
        the channel to decode, from 0; None mixes all
    max_duration_s : float > 0
        longest decoded duration in seconds, whatever the header claims

    Yields
    ------
    y : np.ndarray [shape=(n,)]
        mono samples at ``SAMPLE_RATE_HZ`` in [-1, 1], one decoded packet at a time

    Raises
    ------
    MediaError
        if nothing or less than ``MIN_DURATION_S`` can be decoded, or more than ``max_duration_s``
    """
    n_samples = 0
    try:
        with open_media(path, _DEMUXERS, refusal=INVALID_MEDIA) as container:
            for y in _resampled(container, channel):
                n_samples += len(y)
                if n_samples > max_duration_s * SAMPLE_RATE_HZ:
                    raise MediaError(TOO_LONG)
                yield y
    except (av.error.FFmpegError, UnicodeDecodeError, IndexError) as exc:
        # The samples before the fault are used, as with a truncated file.
        if n_samples < MIN_DURATION_S * SAMPLE_RATE_HZ:
            raise MediaError(INVALID_MEDIA) from exc
    if not n_samples:
        raise MediaError(INVALID_MEDIA)
    if n_samples < MIN_DURATION_S * SAMPLE_RATE_HZ:
        raise MediaError(TOO_SHORT)


def _resampled(container: av.container.InputContainer, channel: int | None) -> Iterator[Samples]:
    """Yield the container's first sound track at 16 kHz, mixed or one channel of it.

    Faulty packets are left out.
    """
    resampler, shape = None, None
    for packet in container.demux(audio=0):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            # AAC may double its rate or add a channel after the first frames.
            if shape != (shape := (frame.format.name, frame.layout.name, frame.sample_rate)):
                yield from _converted(resampler, None, channel)
                layout = "mono" if channel is None else frame.layout
                resampler = av.AudioResampler(format="fltp", layout=layout, rate=SAMPLE_RATE_HZ)
            yield from _converted(resampler, frame, channel)
    yield from _converted(resampler, None, channel)


def _converted(
    resampler: av.AudioResampler | None, frame: av.AudioFrame | None, channel: int | None
) -> Iterator[Samples]:
    """Yield the output of ``resampler`` for ``frame``, or its remaining output for None."""
    if resampler is not None:
        for out in resampler.resample(frame):
            channels = out.to_ndarray()
            yield np.asarray(channels[min(channel or 0, len(channels) - 1)])
