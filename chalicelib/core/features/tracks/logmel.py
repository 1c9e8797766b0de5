"""``logmel.csv``: the input of Whisper, a log-mel spectrum at 16 kHz with 100 frames a second.

By Radford and others, "Robust Speech Recognition via Large-Scale Weak Supervision" (2022);
``log_mel_spectrogram`` in openai-whisper.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chalicelib.core.dsp.mel import MelBands
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.spectra import ReflectedFramer, hann, spectral_analyser
from chalicelib.core.features.tracks.track import FrameTrack, Source
from chalicelib.core.options import Options, option

SR_HZ = 16_000
N_FFT = 400
HOP_LENGTH = 160
FLOOR = 1e-10
RANGE = 8.0  # of log10: 80 dB


@dataclass(frozen=True, slots=True, kw_only=True)
class LogmelOptions(Options):
    """Options of the table ``logmel``: 80 bands, or the 128 of large-v3 and turbo."""

    table: ClassVar[str] = "logmel"

    n_mels: int = option(80, choices=(80, 128))


class LogmelTrack(FrameTrack):
    """The log-mel spectrum that Whisper takes, of the whole recording followed by silence.

    There are ``ceil(n_samples / 160)`` frames. Values are relative to the loudest one of the
    recording, as in openai-whisper's ``transcribe``. A pipeline that first cuts the recording into
    pieces of 30 s uses the loudest value of each piece.
    """

    options = LogmelOptions

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:  # noqa: ARG002  # the rate is Whisper's
        n_mels = parameters.of(LogmelOptions).n_mels
        recipe = FeatureParameters(n_mels=n_mels, n_mfcc=1, fmax=SR_HZ / 2)
        self._bands = MelBands(recipe, sr=SR_HZ, n_fft=N_FFT)
        self._loudest = -np.inf
        self._n_samples = 0
        super().__init__(
            spectral_analyser(
                ReflectedFramer(N_FFT, HOP_LENGTH),
                hann(N_FFT, N_FFT),
                self._measure,
                n_columns=n_mels,
            ),
            "logmel",
            tuple(f"mel_{band}" for band in range(1, 1 + n_mels)),
            sr=SR_HZ,
            frame_s=HOP_LENGTH / SR_HZ,
            stack=stack,
            is_matrix=True,
            has_times=True,
        )

    @property
    def n_frames(self) -> int:
        """Number of frames whose centre lies in the recording."""
        return -(-self._n_samples // HOP_LENGTH)

    def push(self, y: np.ndarray) -> None:
        """Take the next samples."""
        self._n_samples += len(y)
        super().push(y)

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the values, raised to 80 dB below the loudest one, in Whisper's scale."""
        n_left = self.n_frames
        for rows in super().rows():
            yield (np.maximum(rows[:n_left], self._loudest - RANGE) + 4) / 4
            n_left -= min(n_left, len(rows))

    def _measure(self, magnitudes: np.ndarray) -> np.ndarray:
        rows: np.ndarray = np.log10(np.maximum(self._bands(magnitudes), FLOOR))
        self._loudest = max(self._loudest, float(rows.max(initial=-np.inf)))
        return rows
