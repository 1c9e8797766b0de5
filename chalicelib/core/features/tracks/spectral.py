"""``melspectrogram``, ``spectral`` and ``chroma``: librosa's, on the recipe's frames."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chalicelib.core.dsp.framing import Framer
from chalicelib.core.dsp.mel import MelBands
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.spectra import Measure, hann, spectral_analyser
from chalicelib.core.dsp.spectral import (
    TOP_DB,
    ContrastBands,
    centroid_and_bandwidth,
    chroma_weights,
    flatness,
    rolloff,
)
from chalicelib.core.features.tracks.track import FrameTrack, Source
from chalicelib.core.options import Options, option

SHAPE_COLUMNS = ("centroid_hz", "bandwidth_hz", "rolloff_hz", "flatness")
PITCH_CLASSES = ("c", "cs", "d", "ds", "e", "f", "fs", "g", "gs", "a", "as", "b")


@dataclass(frozen=True, slots=True, kw_only=True)
class MelspectrogramOptions(Options):
    """Options of the table ``melspectrogram``, with librosa's name."""

    table: ClassVar[str] = "melspectrogram"

    power: float = option(2.0, low=0.1, high=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectralOptions(Options):
    """Options of the table ``spectral``: librosa's; those of the contrast have ``contrast_``."""

    table: ClassVar[str] = "spectral"

    roll_percent: float = option(0.85, low=0.001, high=0.999)
    contrast_bands: int = option(6, low=1, high=12)
    contrast_fmin: float = option(200.0, low=1, high=20_000)
    contrast_quantile: float = option(0.02, low=0.0001, high=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaOptions(Options):
    """Options of the table ``chroma``: ``tuning`` in semitones, which is not estimated."""

    table: ClassVar[str] = "chroma"

    tuning: float = option(0.0, low=-0.5, high=0.5)


class _SpectralTrack(FrameTrack):
    """Rows measured on the spectra of the recipe's frames."""

    def __init__(
        self,
        parameters: FeatureParameters,
        source: Source,
        stack: ExitStack,
        table: str,
        columns: tuple[str, ...],
        *,
        measure: Measure,
        n_kept: int | None = None,
    ) -> None:
        n_fft = parameters.n_fft
        super().__init__(
            spectral_analyser(
                Framer(n_fft, parameters.hop_length),
                hann(parameters.win_length or n_fft, n_fft),
                measure,
                n_columns=n_kept or len(columns),
            ),
            table,
            columns,
            sr=source.sr,
            frame_s=parameters.hop_length / source.sr,
            stack=stack,
            n_kept=n_kept,
            is_matrix=n_kept is None,
        )


class MelspectrogramTrack(_SpectralTrack):
    """``librosa.feature.melspectrogram``, with the mel bands of the recipe."""

    options = MelspectrogramOptions

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:
        power = parameters.of(MelspectrogramOptions).power
        super().__init__(
            parameters,
            source,
            stack,
            "melspectrogram",
            tuple(f"mel_{band}" for band in range(1, 1 + parameters.n_mels)),
            measure=MelBands(parameters, sr=source.sr, n_fft=parameters.n_fft, power=power),
        )


class SpectralTrack(_SpectralTrack):
    """Centroid, bandwidth, roll-off, flatness and contrast: ``librosa.feature.spectral_…``.

    The contrast waits for the end: librosa raises peaks and valleys to 80 dB below the highest.
    """

    options = SpectralOptions
    word_columns = SHAPE_COLUMNS

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:
        self._options = options = parameters.of(SpectralOptions)
        self._frequencies = np.fft.rfftfreq(parameters.n_fft, 1 / source.sr)
        self._n_bands = 1 + options.contrast_bands
        highest = options.contrast_fmin * 2 ** (options.contrast_bands - 1)
        if highest >= source.sr / 2:
            raise options.error(
                "contrast_bands",
                f"{options.contrast_bands} bands above {options.contrast_fmin:g} Hz begin at up to "
                f"{highest:g} Hz, and half of sr is {source.sr / 2:g} Hz: use fewer, or a lower "
                "spectral_contrast_fmin",
            )
        try:
            self._contrast = ContrastBands(
                self._frequencies,
                fmin=options.contrast_fmin,
                n_bands=options.contrast_bands,
                quantile=options.contrast_quantile,
            )
        except ValueError as exc:
            raise options.error("contrast_fmin", f"{exc}: use a longer n_fft") from exc
        self._highest = np.full((2, 1), -np.inf)
        super().__init__(
            parameters,
            source,
            stack,
            "spectral",
            (*SHAPE_COLUMNS, *(f"contrast_{band}" for band in range(1, 1 + self._n_bands))),
            measure=self._measure,
            n_kept=len(SHAPE_COLUMNS) + 2 * self._n_bands,
        )

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the rows, peaks and valleys clamped and subtracted."""
        n = len(SHAPE_COLUMNS)
        for rows in super().rows():
            levels = rows[:, n:].reshape(-1, 2, self._n_bands).astype(np.float64)
            peaks, valleys = np.maximum(levels, self._highest - TOP_DB).swapaxes(0, 1)
            yield np.hstack([rows[:, :n], (peaks - valleys).astype(np.float32)])

    def _measure(self, magnitudes: np.ndarray) -> np.ndarray:
        levels = self._contrast(magnitudes)
        found = levels.reshape(-1, 2, self._n_bands).max(axis=(0, 2))
        self._highest = np.maximum(self._highest, found[:, np.newaxis])
        return np.column_stack(
            [
                *centroid_and_bandwidth(magnitudes, self._frequencies),
                rolloff(magnitudes, self._frequencies, self._options.roll_percent),
                flatness(magnitudes),
                levels,
            ]
        )


class ChromaTrack(_SpectralTrack):
    """``librosa.feature.chroma_stft`` with a given tuning: an estimate would need all frames."""

    options = ChromaOptions

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:
        tuning = parameters.of(ChromaOptions).tuning
        self._weights = chroma_weights(sr=source.sr, n_fft=parameters.n_fft, tuning=tuning)
        super().__init__(
            parameters,
            source,
            stack,
            "chroma",
            tuple(f"chroma_{name}" for name in PITCH_CLASSES),
            measure=self._measure,
        )

    def _measure(self, magnitudes: np.ndarray) -> np.ndarray:
        raw = magnitudes**2 @ self._weights.T
        loudest = raw.max(axis=1, keepdims=True)
        return np.asarray(raw / np.where(loudest < np.finfo(np.float32).tiny, 1, loudest))
