"""A decoder for formats that libsndfile lacks: m4a, mp4, mov, webm, amr, Speex or FLAC in Ogg."""

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from chalicelib.core.audio.ogg import is_cut_off
from chalicelib.core.audio.source import READ_BYTES, BufferedSource
from chalicelib.errors import MediaError

MICROSECONDS = 1_000_000
NAMES = {"mov": "MP4", "matroska": "WebM", "amr": "AMR", "aac": "AAC", "ogg": "Ogg"}
# The other containers have no index, so FFmpeg estimates their duration from the file's size.
INDEXED = {"mov", "matroska"}
LEAD_S = 1.0
"""Seconds before a place that are decoded too: decoders need the sound before it to be exact."""


class ContainerReader:
    """The first audio track of a media container, decoded by PyAV (FFmpeg).

    Only the recognised format is opened, so that a file cannot make FFmpeg open other files.
    Memory holds a read buffer of 1 MiB, and one packet.

    Parameters
    ----------
    source : BufferedSource
        the file, at any position
    container : str
        FFmpeg's short name for the format, such as ``mov`` or ``matroska``

    Raises
    ------
    MediaError
        if PyAV is not installed, the container is damaged, or it has no audio track
    """

    def __init__(self, source: BufferedSource, container: str) -> None:
        self._av = _import_av()
        self._source = source
        self.container = container
        source.seek(0)
        try:
            self._media = self._av.open(
                source,
                format=container,
                buffer_size=READ_BYTES,
                metadata_errors="ignore",
                io_open=_refuse_other_files,
            )
        except (self._av.FFmpegError, ValueError) as exc:
            source.raise_failure()
            raise MediaError(
                f"The recording cannot be read: its {NAMES[container]} container is damaged "
                "or cut short"
            ) from exc
        if not self._media.streams.audio:
            raise MediaError("The file has no audio track")
        self.decoder: tuple[str, str] | None = ("av", self._av.__version__)
        self._stream = self._media.streams.audio[0]
        self._stream.thread_type = "NONE"
        for stream in self._media.streams:
            if stream is not self._stream:
                # Pictures are skipped, not read.
                stream.discard = self._av.stream.Discard.all
        self.damage: str | None = None
        self.promised_frames: int | None = None
        self.ends_early = container == "ogg" and is_cut_off(source)
        self._frames = self._decoded_frames()
        self._first: Any = next(self._frames, None)
        if self._first is None:
            self._raise_unreadable()
        self.sample_rate_hz: int = self._first.sample_rate
        self.channels: int = self._first.layout.nb_channels
        if container in INDEXED:
            self.promised_frames = self._indexed_frames()

    def blocks(self, n_frames: int) -> Iterator[np.ndarray]:
        """Yield the samples in order.

        Parameters
        ----------
        n_frames : int > 0
            frames in a block; a packet with more frames is one larger block

        Yields
        ------
        block : np.ndarray [shape=(n, channels)]
            int16, int32 or float32; integers are full scale
        """
        waiting: list[np.ndarray] = []
        n_waiting = 0
        with self._media:
            frame = self._first
            while frame is not None:
                waiting.append(self._samples(frame))
                n_waiting += len(waiting[-1])
                if n_waiting >= n_frames:
                    yield np.concatenate(waiting)
                    waiting, n_waiting = [], 0
                frame = next(self._frames, None)
            if waiting:
                yield np.concatenate(waiting)

    def seek(self, n_frames: int) -> int:
        """Go to a sample or before it; return the number of the sample that `blocks` begins with.

        A file whose frames have no times is decoded from its start. So is an Ogg file, because
        FFmpeg gives wrong times for FLAC in Ogg after a seek.
        """
        lead = n_frames - round(LEAD_S * self.sample_rate_hz)
        first = self._first
        if lead <= 0 or first.pts is None or self.container == "ogg":
            return 0
        start, time_base = first.pts, first.time_base
        for target in (max(0, lead), 0):
            pts = start + int(target / self.sample_rate_hz / time_base)
            try:
                self._media.seek(pts, stream=self._stream)
            except self._av.FFmpegError:
                self._source.raise_failure()
                return 0  # nothing has moved
            self._frames = self._decoded_frames()
            self._first = next(self._frames, None)
            if self._first is None or self._first.pts is None:
                continue
            place: int = round((self._first.pts - start) * time_base * self.sample_rate_hz)
            # Matroska's times are rounded to a millisecond, its frames follow each other exactly.
            n_before, length = first.samples, self._first.samples
            exact = n_before + round((place - n_before) / length) * length
            if abs(exact - place) <= time_base * self.sample_rate_hz:
                place = exact
            if place <= n_frames:
                return place
        return self._raise_unreadable()

    def _decoded_frames(self) -> Iterator[Any]:
        try:
            yield from self._media.decode(self._stream)
        except self._av.FFmpegError as exc:
            if self._source.tell() >= self._source.size:
                self.ends_early = True
            else:
                self.damage = exc.strerror
        self._source.raise_failure()

    def _indexed_frames(self) -> int | None:
        if self._stream.duration and self._stream.time_base:
            duration_s = self._stream.duration * self._stream.time_base
            return int(duration_s * self.sample_rate_hz)
        if self._media.duration:
            return int(self._media.duration * self.sample_rate_hz // MICROSECONDS)
        return None

    def _samples(self, frame: Any) -> np.ndarray:
        if frame.sample_rate != self.sample_rate_hz or frame.layout.nb_channels != self.channels:
            raise MediaError("The recording changes its sample rate or channels half-way")
        y: np.ndarray = frame.to_ndarray()
        # Packed formats have one row, planar formats one row for each channel.
        y = y.T if frame.format.is_planar else y.reshape(-1, self.channels)
        if y.dtype == np.uint8:
            return (y.astype(np.int16) - 128) << 8
        return y.astype(np.float32) if y.dtype == np.float64 else y

    def _raise_unreadable(self) -> NoReturn:
        reason = f": {self.damage}" if self.damage else ""
        raise MediaError(f"The audio track of the file cannot be decoded{reason}")


def _import_av() -> Any:
    try:
        import av  # noqa: PLC0415  # half a second, and only these formats need it
    except ImportError as exc:
        raise MediaError(
            "The recording needs the media decoder (PyAV), which is not installed here"
        ) from exc
    return av


def _refuse_other_files(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    del flags, options
    raise MediaError(f"The recording refers to another file, {url!r}, which is not read")
