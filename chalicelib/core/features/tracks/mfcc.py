"""``mfcc.csv``: the coefficients, and their deltas on request."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from chalicelib.core.dsp.deltas import WIDTH, append_deltas
from chalicelib.core.dsp.mfcc import MfccExtractor
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.features.tables import Array, csv_columns, csv_rows
from chalicelib.core.features.tracks.track import Source, Table, Track, columns_of, timed
from chalicelib.core.options import Options, option
from chalicelib.errors import MediaError

if TYPE_CHECKING:
    from chalicelib.core.features.display import Display

GROUPS = ("mfcc", "delta", "delta2")


@dataclass(frozen=True, slots=True, kw_only=True)
class MfccOptions(Options):
    """Options of the table ``mfcc``: ``times`` puts a column ``time_s`` in front."""

    table: ClassVar[str] = "mfcc"

    # Programs read the original recipe's table as a matrix, so its columns stay as they are.
    times: bool = option(False)


class MfccTrack(Track):
    """``librosa.feature.mfcc``, with the columns of the original recipe: times on request only."""

    options = MfccOptions

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:
        self.sr = source.sr
        self._n_mfcc = parameters.n_mfcc
        self._n_mels = parameters.n_mels
        self._deltas = parameters.deltas
        self._groups = GROUPS[: 1 + parameters.deltas]
        self._frame_s = parameters.hop_length / self.sr
        self._has_times = parameters.of(MfccOptions).times
        n_columns = self._n_mfcc * len(self._groups) + self._has_times
        self.numbers_per_s = n_columns / self._frame_s
        self._extractor = stack.enter_context(MfccExtractor(parameters, sr=self.sr))

    @property
    def n_frames(self) -> int:
        """Number of complete frames."""
        return self._extractor.n_frames

    def push(self, y: np.ndarray) -> None:
        """Take the next samples."""
        self._extractor.push(y)

    def finish(self) -> None:
        """Take the end of the signal; raise MediaError if it is too short for deltas."""
        self._extractor.finish()
        if self._deltas and self.n_frames < WIDTH:
            raise MediaError(
                f"The recording is too short for deltas: they need {WIDTH} frames, "
                f"it has {self.n_frames}"
            )

    def table(self, display: "Display | None" = None) -> Table:
        """Return a table with the original recipe's columns, after the times if asked for."""
        numbers = range(1, 1 + self._n_mfcc)
        columns = tuple(f"{group}_{i}" for group in self._groups for i in numbers)
        if display:
            rows = self._rows(display.watch_mel(self.n_frames, self._n_mels))
            rows = display.watch_mfcc(rows, self.n_frames, self._n_mfcc)
        else:
            rows = self._rows()
        if not self._has_times:
            return Table(columns, map(csv_rows, rows))
        timed_rows = timed(rows, self._frame_s)
        lines = (csv_columns(times, *rows.T) for times, rows in timed_rows)
        return Table(("time_s", *columns), lines)

    def arrays(self) -> list[Array]:
        """Return an array of shape (n_mfcc, n_frames) for the coefficients and each delta."""
        n = self._n_mfcc
        return [
            Array(
                name,
                columns_of(self._rows(), slice(i * n, (i + 1) * n)),
                "<f4",
                self.n_frames,
                n_rows=n,
            )
            for i, name in enumerate(self._groups)
        ]

    def _rows(self, watch: Callable[[np.ndarray], None] | None = None) -> Iterator[np.ndarray]:
        return append_deltas(self._extractor.rows(watch), self._deltas)
