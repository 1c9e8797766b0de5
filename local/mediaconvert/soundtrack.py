"""Decoded sound to one encoded track of a file."""

from fractions import Fraction
from typing import Any

import av


class SoundTrack:
    """Resamples and encodes sound into one stream of a container."""

    def __init__(self, writer: Any, codec: str, *, layout: str, rate: int, bitrate: int) -> None:
        self._writer = writer
        self._stream = writer.add_stream(codec, rate=rate, layout=layout)
        self._stream.bit_rate = bitrate
        self._layout, self._rate = layout, rate
        self._resampler: av.AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None
        self._n_samples = 0

    @property
    def end_s(self) -> Fraction:
        """End of the sound so far, in seconds."""
        return Fraction(self._n_samples, self._rate)

    def push(self, frame: av.AudioFrame, at_s: Fraction) -> None:
        """Take the next sound."""
        if self._shape is None:
            self._n_samples = round(at_s * self._rate)
        # AAC may double its rate or add a channel after the first frames.
        if self._shape != (shape := (frame.format.name, frame.layout.name, frame.sample_rate)):
            self._encode(None)
            self._shape = shape
            self._resampler = av.AudioResampler(
                self._stream.format,
                self._layout,
                self._rate,
                self._stream.codec_context.frame_size or 1152,
            )
        self._encode(frame)

    def finish(self) -> None:
        """Take the end of the sound."""
        self._encode(None)
        self._writer.mux(self._stream.encode(None))

    def _encode(self, frame: av.AudioFrame | None) -> None:
        if frame is not None:
            frame.pts = None
        for resampled in self._resampler.resample(frame) if self._resampler else []:
            resampled.pts, resampled.time_base = self._n_samples, Fraction(1, self._rate)
            self._n_samples += resampled.samples
            self._writer.mux(self._stream.encode(resampled))
