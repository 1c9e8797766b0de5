"""``pitch.csv``: f0 by pYIN, with its voicing."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.spill import SpilledRows
from chalicelib.core.features.tables import Array, csv_columns
from chalicelib.core.features.tracks.track import Source, Table, Track, columns_of, timed
from chalicelib.core.pitch.tracker import PitchTracker
from chalicelib.errors import ParameterError

if TYPE_CHECKING:
    from chalicelib.core.features.display import Display
    from chalicelib.core.pitch.tracker import PitchFrames

COLUMNS = ("f0_hz", "voiced", "voiced_prob")
# pYIN's names, which in the tables' parameters are the range of the mel bands.
RANGE = re.compile(r"\bf(min|max)\b")
FRAME_LENGTH = 2048


class PitchTrack(Track):
    """``librosa.pyin``. Keeps 24 bytes for each frame."""

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:
        self.sr = source.sr
        self._parameters = parameters
        self._frame_s = parameters.hop_length / self.sr
        self.numbers_per_s = (1 + len(COLUMNS)) / self._frame_s
        self._n_samples = 0
        try:
            self._tracker = PitchTracker(
                sr=self.sr,
                fmin=parameters.f0_min,
                fmax=parameters.f0_max,
                frame_length=pitch_frame_length(parameters, sr=self.sr),
                hop_length=parameters.hop_length,
                transition_min_prob=parameters.transition_min_prob,
            )
        except ParameterError as exc:
            name, message = (RANGE.sub(r"f0_\1", text) for text in (exc.name, f"{exc}"))
            raise ParameterError(name, message.removeprefix(f"{name}: ")) from exc
        self._spilled = stack.enter_context(SpilledRows(3, dtype=np.float64))

    @property
    def n_frames(self) -> int:
        """Number of frames, after the end of the signal: the same as of MFCC."""
        return self._parameters.n_frames(self._n_samples)

    def push(self, y: np.ndarray) -> None:
        """Take the next samples."""
        self._n_samples += len(y)
        self._keep(self._tracker.push(y))

    def finish(self) -> None:
        """Take the end of the signal."""
        self._keep(self._tracker.finish())

    def table(self, display: "Display | None" = None) -> Table:
        """Return a table with the time of each frame; f0 is empty in unvoiced frames."""
        blocks = self._rows()
        if display:
            blocks = display.watch_f0(blocks, self.n_frames)
        lines = (
            csv_columns(
                times,
                f0.astype(np.float32),
                voiced.astype(np.int8),
                voiced_prob.astype(np.float32),
            )
            for times, (f0, voiced, voiced_prob) in (
                (times, rows.T) for times, rows in timed(blocks, self._frame_s)
            )
        )
        return Table(("time_s", *COLUMNS), lines)

    def arrays(self) -> list[Array]:
        """Return the arrays of ``librosa.pyin``, of shape (n_frames,)."""
        kinds = (("f0", "<f8"), ("voiced_flag", "|b1"), ("voiced_prob", "<f8"))
        return [
            Array(name, columns_of(self._rows(), i), dtype, self.n_frames)
            for i, (name, dtype) in enumerate(kinds)
        ]

    def _keep(self, frames: "PitchFrames") -> None:
        columns = (frames.f0, frames.voiced_flag, frames.voiced_prob)
        self._spilled.append(np.stack(columns, axis=1))

    def _rows(self) -> Iterator[np.ndarray]:
        n_before = 0
        for rows in self._spilled.rows():
            yield rows[: self.n_frames - n_before]
            n_before += len(rows)


def pitch_frame_length(parameters: FeatureParameters, *, sr: int) -> int:
    """Return the ``frame_length`` of pYIN: 2048 as in librosa, or more to fit two periods.

    Parameters
    ----------
    parameters : FeatureParameters
        the recipe, whose ``f0_min`` has the longest period
    sr : int > 0
        sampling rate of the signal in hertz

    Returns
    -------
    frame_length : int
        the smallest power of two, at least 2048, that fits two periods of ``f0_min``
    """
    frame_length = FRAME_LENGTH
    while frame_length < 2 * sr / parameters.f0_min:
        frame_length *= 2
    return frame_length
