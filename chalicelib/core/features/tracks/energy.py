"""``energy.csv``: RMS and zero-crossing rate."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from chalicelib.core.dsp.energy import EnergyMeter
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.features.tables import Array, csv_columns
from chalicelib.core.features.tracks.track import Source, Table, Track, columns_of, timed

if TYPE_CHECKING:
    from chalicelib.core.features.display import Display

COLUMNS = ("rms", "zero_crossing_rate")


class EnergyTrack(Track):
    """``librosa.feature.rms`` and ``zero_crossing_rate``."""

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:
        self.sr = source.sr
        self._frame_s = parameters.hop_length / self.sr
        self.numbers_per_s = (1 + len(COLUMNS)) / self._frame_s
        self._meter = stack.enter_context(
            EnergyMeter(frame_length=parameters.n_fft, hop_length=parameters.hop_length)
        )

    @property
    def n_frames(self) -> int:
        """Number of complete frames."""
        return self._meter.n_frames

    def push(self, y: np.ndarray) -> None:
        """Take the next samples."""
        self._meter.push(y)

    def finish(self) -> None:
        """Take the end of the signal."""
        self._meter.finish()

    def table(self, display: "Display | None" = None) -> Table:
        """Return a table with the time of each frame."""
        blocks = self._meter.rows()
        if display:
            blocks = display.watch_rms(blocks, self.n_frames)
        lines = (csv_columns(times, *rows.T) for times, rows in timed(blocks, self._frame_s))
        return Table(("time_s", *COLUMNS), lines)

    def arrays(self) -> list[Array]:
        """Return an array of shape (n_frames,) for each column."""
        return [
            Array(name, columns_of(self._meter.rows(), i), "<f4", self.n_frames)
            for i, name in enumerate(COLUMNS)
        ]
