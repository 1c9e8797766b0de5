"""``quality.csv``: one row on how good a recording is, from its samples as they are."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from chalicelib.core.dsp.framing import Framer
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.quality import STEPS_PER_S, Activity, Amplitudes, rolloff
from chalicelib.core.dsp.spectra import hann, spectral_analyser
from chalicelib.core.features.tables import Array, csv_columns
from chalicelib.core.features.tracks.track import Source, Table, Track
from chalicelib.core.options import Options, option

if TYPE_CHECKING:
    from chalicelib.core.features.display import Display

N_FFT = 2048
HOP_LENGTH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityOptions(Options):
    """Options of the table ``quality``: amplitudes of 1 are full scale."""

    table: ClassVar[str] = "quality"

    clip_threshold: float = option(0.999, low=0.01, high=1)
    silence_threshold: float = option(0.01, low=0, high=1)
    bandwidth_quantile: float = option(0.999, low=0.5, high=1)


class QualityTrack(Track):
    """Clipping, offset and silence of all channels; activity, noise and bandwidth of their mean."""

    options = QualityOptions
    apart = True
    numbers_per_s = 0.0
    n_frames = 1

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:  # noqa: ARG002  # nothing is kept
        self.sr = source.native_sr
        self._options = parameters.of(QualityOptions)
        self._n_samples = self._n_clipped = self._n_silent = 0
        self._sums = np.zeros(source.n_channels)
        self._amplitudes = Amplitudes()
        # At lower rates, a step is shorter than a sample.
        self._activity = Activity(sr=self.sr) if self.sr >= STEPS_PER_S else None
        self._power = np.zeros(1 + N_FFT // 2)
        self._spectra = spectral_analyser(
            Framer(N_FFT, HOP_LENGTH), hann(N_FFT, N_FFT), self._add_power, n_columns=1
        )

    def push(self, y: np.ndarray) -> None:
        """Take the next samples of all channels."""
        amplitudes = np.abs(y)
        self._n_samples += y.shape[1]
        self._n_clipped += int(np.count_nonzero(amplitudes >= self._options.clip_threshold))
        self._n_silent += int(np.count_nonzero(amplitudes < self._options.silence_threshold))
        self._sums += y.sum(axis=1, dtype=np.float64)
        mean = y.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._spectra.push(mean)
        self._amplitudes.push(mean)
        if self._activity:
            self._activity.push(mean)

    def finish(self) -> None:
        """Take the end of the signal."""
        self._spectra.finish()

    def table(self, display: "Display | None" = None) -> Table:  # noqa: ARG002  # it is not drawn
        """Return a table of one row; what cannot be measured is empty."""
        row = self._row()
        return Table(tuple(row), iter([csv_columns(*row.values())]))

    def arrays(self) -> list[Array]:
        """Return an array of one number for each column."""
        return [
            Array(f"quality_{name}", iter([cell]), "<f4", 1) for name, cell in self._row().items()
        ]

    def values(self) -> Mapping[str, float | None]:
        """Return the row."""
        n = max(1, self._n_samples * len(self._sums))
        share, level = self._activity.result() if self._activity else (None, None)
        return {
            "clipped_share": self._n_clipped / n,
            "dc_offset": float(self._sums[np.abs(self._sums).argmax()]) / max(1, self._n_samples),
            "silent_share": self._n_silent / n,
            "speech_share": share,
            "speech_level_dbfs": level,
            "snr_db": self._amplitudes.snr_db(),
            "bandwidth_hz": rolloff(
                self._power,
                bin_hz=self.sr / N_FFT,
                quantile=self._options.bandwidth_quantile,
            ),
        }

    def _row(self) -> dict[str, np.ndarray]:
        return {
            name: np.array([np.nan if value is None else value], np.float32)
            for name, value in self.values().items()
        }

    def _add_power(self, magnitudes: np.ndarray) -> np.ndarray:
        self._power += (magnitudes.astype(np.float64) ** 2).sum(axis=0)
        return magnitudes[:, :1]
