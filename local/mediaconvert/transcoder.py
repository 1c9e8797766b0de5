"""MediaConvert's job settings to files: one pass over the input feeds every output."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from chalicelib.errors import MediaError
from local.media import open_media
from local.mediaconvert.encoders import FrameFiles, GifFile, Mp3File, Mp4File, Sink
from local.mediaconvert.requests import codec_of

OTHER_FILE = "The input refers to another file, which is not read"

_DEMUXERS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpegts,avi,wav,mp3,flac,ogg"
_ROTATING = "mov,mp4,m4a,3gp,3g2,mj2"
"""The containers whose rotation the service follows."""

_MICROSECONDS = 1_000_000
_UNTOLD_FRAME_RATE = 25
_SINKS: dict[str | None, Callable[..., Sink]] = {
    "H_264": Mp4File,
    "MP3": Mp3File,
    "GIF": GifFile,
    "FRAME_CAPTURE": FrameFiles,
}
_Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One output in the job's event: its last file, and the size and length of its contents."""

    files: tuple[str, ...]
    duration_ms: int
    width: int | None = None
    height: int | None = None


def transcode(
    source: Path, settings: _Json, folder: Path, on_progress: Callable[[float], None]
) -> list[list[Encoded]]:
    """Encode every output of a job into a folder; return them group by group.

    Parameters
    ----------
    source : Path
        the input file
    settings : dict
        the job's settings by the model's names, already checked
    folder : Path
        folder for the files, each in a subfolder with its group's number
    on_progress : callable
        called with the progress, 0 to 1

    Raises
    ------
    MediaError
        if the input cannot be decoded, or lacks a track that an output needs
    """
    rotate = (settings["Inputs"][0].get("VideoSelector") or {}).get("Rotate") == "AUTO"
    try:
        with ExitStack() as stack, open_media(source, _DEMUXERS, refusal=OTHER_FILE) as container:
            sinks = [
                [
                    stack.enter_context(_sink(output, folder / str(i), group))
                    for output in group["Outputs"]
                ]
                for i, group in enumerate(settings["OutputGroups"])
            ]
            everything = [sink for group in sinks for sink in group]
            _check(container, everything)
            for stream in container.streams.video[:1]:
                for sink in everything:
                    sink.expect(_frame_rate(stream))
            is_rotated = rotate and container.format.name == _ROTATING
            _feed(container, everything, is_rotated=is_rotated, on_progress=on_progress)
            for sink in everything:
                sink.finish()
            return [[_encoded(sink) for sink in group] for group in sinks]
    except (av.error.FFmpegError, UnicodeDecodeError) as exc:
        raise MediaError(f"The input cannot be decoded or encoded: {exc}") from exc


def _sink(output: _Json, folder: Path, group: _Json) -> Sink:
    folder.mkdir(parents=True, exist_ok=True)
    destination = group["OutputGroupSettings"]["FileGroupSettings"]["Destination"]
    base = destination.rpartition("/")[2] + output.get("NameModifier", "")
    return _SINKS[codec_of(output)](folder, base, output)


def _check(container: av.container.InputContainer, sinks: list[Sink]) -> None:
    if any(sink.wants_picture for sink in sinks) and not container.streams.video:
        raise MediaError("The input has no video track")
    if any(sink.wants_sound for sink in sinks) and not container.streams.audio:
        raise MediaError("The input has no audio track")


def _feed(
    container: av.container.InputContainer,
    sinks: list[Sink],
    *,
    is_rotated: bool,
    on_progress: Callable[[float], None],
) -> None:
    start_s = Fraction(container.start_time or 0, _MICROSECONDS)
    duration_s = Fraction(container.duration or 0, _MICROSECONDS)
    n_frames = 0
    for frame, at_s in _frames(container, sinks, start_s):
        n_frames += 1
        for sink in sinks:
            if isinstance(frame, av.VideoFrame):
                if sink.wants_picture:
                    sink.picture(frame, at_s, frame.rotation if is_rotated else 0)
            elif sink.wants_sound:
                sink.sound(frame, at_s)
        if duration_s:
            on_progress(float(min(Fraction(1), max(Fraction(0), at_s / duration_s))))
    if not n_frames:
        raise MediaError("Nothing in the input can be decoded")


def _frames(
    container: av.container.InputContainer, sinks: list[Sink], start_s: Fraction
) -> Iterator[tuple[Any, Fraction]]:
    """Yield frames with their time in seconds, without faulty packets."""
    streams: list[Any] = []
    if any(sink.wants_picture for sink in sinks):
        streams.append(container.streams.video[0])
    if any(sink.wants_sound for sink in sinks):
        streams.append(container.streams.audio[0])
    for stream in streams:
        stream.thread_type = "AUTO"
    following = dict.fromkeys((stream.index for stream in streams), Fraction(0))
    for packet in container.demux(streams):
        try:
            frames: list[Any] = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            at_s = following[packet.stream.index]
            if frame.pts is not None and frame.time_base:
                at_s = max(Fraction(0), frame.pts * frame.time_base - start_s)
            following[packet.stream.index] = at_s + _length_s(frame, packet.stream)
            yield frame, at_s


def _length_s(frame: Any, stream: Any) -> Fraction:
    if isinstance(frame, av.AudioFrame):
        return Fraction(frame.samples, frame.sample_rate)
    return 1 / _frame_rate(stream)


def _frame_rate(stream: Any) -> Fraction:
    return Fraction(stream.average_rate or _UNTOLD_FRAME_RATE)


def _encoded(sink: Sink) -> Encoded:
    return Encoded(
        files=tuple(sink.files),
        duration_ms=round(1000 * sink.duration_s),
        width=sink.size[0] if sink.size else None,
        height=sink.size[1] if sink.size else None,
    )
