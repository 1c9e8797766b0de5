"""``loudness.csv``: momentary and short-term loudness and true peak, by EBU R 128."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import numpy as np

from chalicelib.core.dsp import loudness
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.spill import SpilledRows
from chalicelib.core.features.tracks.track import Source, TableTrack
from chalicelib.errors import BeyondFullScaleError, ParameterError

SR_HZ = (4_000, 384_000)
STEP_S = 1 / loudness.STEPS_PER_S
MOST_SAMPLE = 1e9
COLUMNS = ("momentary_lufs", "short_term_lufs", "true_peak_dbtp")


class LoudnessTrack(TableTrack):
    """Loudness of all channels together, as they are in the recording, ten times a second.

    A row is one window of 400 ms, and its time the window's centre. Keeps 16 bytes for each tenth
    of a second. At the end, all of them are in memory: 2.3 MB for four hours.
    """

    word_columns = ("momentary_lufs",)
    apart = True

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:  # noqa: ARG002  # the standard leaves nothing to choose
        low, high = SR_HZ
        if not low <= source.native_sr <= high:
            raise ParameterError(
                "tables",
                f"loudness is measured at {low} to {high} samples a second, and the recording has "
                f"{source.native_sr}",
            )
        self._meter = loudness.LoudnessMeter(sr=source.native_sr, n_channels=source.n_channels)
        super().__init__(
            "loudness",
            COLUMNS,
            sr=source.native_sr,
            frame_s=STEP_S,
            first_s=loudness.MOMENTARY_STEPS / 2 * STEP_S,
            has_times=True,
        )
        self._steps = stack.enter_context(SpilledRows(2, dtype=np.float64))
        self._rows = np.empty((0, len(COLUMNS)), np.float32)
        self._values: dict[str, float | None] = {}

    @property
    def n_frames(self) -> int:
        """Number of whole windows of 400 ms."""
        return max(0, self._steps.n_rows - loudness.MOMENTARY_STEPS + 1)

    def push(self, y: np.ndarray) -> None:
        """Take the next samples of all channels."""
        if np.abs(y).max(initial=0) > MOST_SAMPLE:
            raise BeyondFullScaleError
        self._steps.append(self._meter.push(y))

    def finish(self) -> None:
        """Take the end of the signal, and measure it as a whole."""
        self._meter.finish()
        energies, peaks = np.concatenate([np.empty((0, 2)), *self._steps.rows()]).T
        momentary = loudness.means(energies, loudness.MOMENTARY_STEPS)
        short_term = loudness.means(energies, loudness.SHORT_TERM_STEPS)
        self._rows = np.column_stack(
            [
                loudness.loudness(momentary),
                loudness.loudness(short_term),
                _decibels(loudness.highest(peaks, loudness.MOMENTARY_STEPS)),
            ]
        )[loudness.MOMENTARY_STEPS - 1 :].astype(np.float32)
        self._values = {
            "integrated_lufs": loudness.integrated(momentary),
            "loudness_range_lu": loudness.loudness_range(short_term),
            "true_peak_dbtp": _known(_decibels(np.array([self._meter.true_peak]))),
            "highest_momentary_lufs": _known(self._rows[:, 0]),
            "highest_short_term_lufs": _known(self._rows[:, 1]),
        }

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the rows, after the end of the signal."""
        yield self._rows

    def values(self) -> Mapping[str, float | None]:
        """Return the loudness of the recording as a whole."""
        return self._values


def _decibels(peaks: np.ndarray) -> np.ndarray:
    return np.where(peaks > 0, 20 * np.log10(np.where(peaks > 0, peaks, 1)), np.nan)


def _known(levels: np.ndarray) -> float | None:
    known = levels[~np.isnan(levels)]
    return float(known.max()) if len(known) else None
