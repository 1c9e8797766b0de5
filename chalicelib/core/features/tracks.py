"""Tracks: each computes one table of a signal, and the arrays of the archive."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from chalicelib.core.dsp.deltas import WIDTH, append_deltas
from chalicelib.core.dsp.energy import EnergyMeter
from chalicelib.core.dsp.mfcc import MfccExtractor
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.spill import SpilledRows
from chalicelib.core.features.tables import Array, csv_columns, csv_rows
from chalicelib.errors import MediaError, ParameterError

if TYPE_CHECKING:
    from chalicelib.core.features.display import Display
    from chalicelib.core.pitch.tracker import PitchFrames

MFCC_GROUPS = ("mfcc", "delta", "delta2")
ENERGY_COLUMNS = ("rms", "zero_crossing_rate")
PITCH_COLUMNS = ("f0_hz", "voiced", "voiced_prob")
# pYIN's names, which in the tables' parameters are the range of the mel bands.
PITCH_RANGE = re.compile(r"\bf(min|max)\b")
PITCH_FRAME_LENGTH = 2048
TIME_DECIMALS = 6
TIMES_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file to write: its name without a suffix, its header, and its lines."""

    name: str
    columns: tuple[str, ...]
    lines: Iterator[bytes]


class Track(Protocol):
    """A track: one kind of feature of one signal."""

    @property
    def n_frames(self) -> int:
        """Number of frames, after the end of the signal."""

    def push(self, y: np.ndarray) -> None:
        """Take the next float32 samples, of shape (n,), for any n."""

    def finish(self) -> None:
        """Take the end of the signal; no samples may be pushed after it."""

    def table(self, display: "Display | None" = None) -> Table:
        """Return the table, after the end of the signal; a display takes rows from it."""

    def arrays(self) -> list[Array]:
        """Return the same as arrays, with librosa's names and shapes."""


class MfccTrack:
    """``mfcc.csv``: the coefficients, and their deltas on request."""

    def __init__(self, parameters: FeatureParameters, *, sr: int, stack: ExitStack) -> None:
        self._n_mfcc = parameters.n_mfcc
        self._n_mels = parameters.n_mels
        self._deltas = parameters.deltas
        self._groups = MFCC_GROUPS[: 1 + parameters.deltas]
        self._extractor = stack.enter_context(MfccExtractor(parameters, sr=sr))

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
        """Return a table with the original recipe's columns."""
        numbers = range(1, 1 + self._n_mfcc)
        columns = tuple(f"{group}_{i}" for group in self._groups for i in numbers)
        if display:
            rows = self._rows(display.watch_mel(self.n_frames, self._n_mels))
            rows = display.watch_mfcc(rows, self.n_frames, self._n_mfcc)
        else:
            rows = self._rows()
        return Table("mfcc", columns, map(csv_rows, rows))

    def arrays(self) -> list[Array]:
        """Return an array of shape (n_mfcc, n_frames) for the coefficients and each delta."""
        n = self._n_mfcc
        return [
            Array(name, _columns(self._rows(), slice(i * n, (i + 1) * n)), "<f4", n_rows=n)
            for i, name in enumerate(self._groups)
        ]

    def _rows(self, watch: Callable[[np.ndarray], None] | None = None) -> Iterator[np.ndarray]:
        return append_deltas(self._extractor.rows(watch), self._deltas)


class EnergyTrack:
    """``energy.csv``: RMS and zero-crossing rate."""

    def __init__(self, parameters: FeatureParameters, *, sr: int, stack: ExitStack) -> None:
        self._frame_s = parameters.hop_length / sr
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
        lines = (csv_columns(times, *rows.T) for times, rows in _timed(blocks, self._frame_s))
        return Table("energy", ("time_s", *ENERGY_COLUMNS), lines)

    def arrays(self) -> list[Array]:
        """Return an array of shape (n_frames,) for each column."""
        return [
            Array(name, _columns(self._meter.rows(), i), "<f4")
            for i, name in enumerate(ENERGY_COLUMNS)
        ]


class PitchTrack:
    """``pitch.csv``: f0 by pYIN, with its voicing. Keeps 24 bytes for each frame."""

    def __init__(self, parameters: FeatureParameters, *, sr: int, stack: ExitStack) -> None:
        # Importing this takes a tenth of the time to the first MFCC, so it is done only for pitch.
        from chalicelib.core.pitch.tracker import PitchTracker  # noqa: PLC0415  # see above

        self._hop_length = parameters.hop_length
        self._frame_s = parameters.hop_length / sr
        # An odd n_fft has half a sample less of padding at each end.
        self._n_missing = parameters.n_fft % 2
        self._n_samples = 0
        try:
            self._tracker = PitchTracker(
                sr=sr,
                fmin=parameters.f0_min,
                fmax=parameters.f0_max,
                frame_length=pitch_frame_length(parameters, sr=sr),
                hop_length=parameters.hop_length,
                transition_min_prob=parameters.transition_min_prob,
            )
        except ParameterError as exc:
            name, message = (PITCH_RANGE.sub(r"f0_\1", text) for text in (exc.name, f"{exc}"))
            raise ParameterError(name, message.removeprefix(f"{name}: ")) from exc
        self._spilled = stack.enter_context(SpilledRows(3, dtype=np.float64))

    @property
    def n_frames(self) -> int:
        """Number of frames, after the end of the signal: the same as of MFCC."""
        return 1 + (self._n_samples - self._n_missing) // self._hop_length

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
                (times, rows.T) for times, rows in _timed(blocks, self._frame_s)
            )
        )
        return Table("pitch", ("time_s", *PITCH_COLUMNS), lines)

    def arrays(self) -> list[Array]:
        """Return the arrays of ``librosa.pyin``, of shape (n_frames,)."""
        kinds = (("f0", "<f8"), ("voiced_flag", "|b1"), ("voiced_prob", "<f8"))
        return [
            Array(name, _columns(self._rows(), i), dtype) for i, (name, dtype) in enumerate(kinds)
        ]

    def _keep(self, frames: "PitchFrames") -> None:
        columns = (frames.f0, frames.voiced_flag, frames.voiced_prob)
        self._spilled.append(np.stack(columns, axis=1))

    def _rows(self) -> Iterator[np.ndarray]:
        n_before = 0
        for rows in self._spilled.rows():
            yield rows[: self.n_frames - n_before]
            n_before += len(rows)


TRACKS: dict[str, type[MfccTrack | EnergyTrack | PitchTrack]] = {
    "mfcc": MfccTrack,
    "energy": EnergyTrack,
    "pitch": PitchTrack,
}


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
    frame_length = PITCH_FRAME_LENGTH
    while frame_length < 2 * sr / parameters.f0_min:
        frame_length *= 2
    return frame_length


def make_tracks(
    parameters: FeatureParameters, *, sr: int, stack: ExitStack
) -> tuple[dict[str, Track], str | None]:
    """Make the tracks of one signal; if one table cannot be made, the others still are.

    Parameters
    ----------
    parameters : FeatureParameters
        the recipe
    sr : int > 0
        sampling rate of the signal in hertz
    stack : ExitStack
        closes the tracks' temporary files

    Returns
    -------
    tracks : dict of str to Track
        by the name of the table, in the order of ``tables``
    remark : str or None
        a sentence about a table that is not made, and the reason

    Raises
    ------
    ParameterError
        if no table can be made
    """
    tracks: dict[str, Track] = {}
    remark = None
    for name in parameters.tables:
        try:
            tracks[name] = TRACKS[name](parameters, sr=sr, stack=stack)
        except ParameterError as exc:
            if len(parameters.tables) == 1:
                raise
            remark = f"There is no {name} table. {exc}."
    return tracks, remark


def frame_times(n_frames: int, frame_s: float) -> Iterator[np.ndarray]:
    """Yield the centres of the frames in seconds, to the microsecond, 65,536 at once."""
    for first in range(0, n_frames, TIMES_AT_ONCE):
        yield _times(first, min(TIMES_AT_ONCE, n_frames - first), frame_s)


def _times(first: int, n: int, frame_s: float) -> np.ndarray:
    return np.round(np.arange(first, first + n) * frame_s, TIME_DECIMALS)


def _timed(blocks: Iterator[np.ndarray], frame_s: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    n_before = 0
    for block in blocks:
        if len(block):
            yield _times(n_before, len(block), frame_s), block
        n_before += len(block)


def _columns(blocks: Iterator[np.ndarray], wanted: int | slice) -> Iterator[np.ndarray]:
    return (block[:, wanted] for block in blocks)
