"""``voice.csv``: how regular a voice is, as Praat measures it: HNR, jitter, shimmer and CPP."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.spill import SpilledRows
from chalicelib.core.features.tracks.track import Source, TableTrack
from chalicelib.core.options import Options, option
from chalicelib.core.voice.cepstrum import SR_HZ, CepstralAnalyser
from chalicelib.core.voice.harmonicity import HarmonicityAnalyser, hnr_db
from chalicelib.core.voice.perturbation import NAMES
from chalicelib.core.voice.regularity import RegularityAnalyser
from chalicelib.core.voice.resampling import SincResampler

RATES_HZ = (4_000, 192_000)
COLUMNS = ("hnr_db", "cpp_db", *NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceOptions(Options):
    """Options of the table ``voice``, in hertz and seconds."""

    table: ClassVar[str] = "voice"

    min_pitch: float = option(75.0, low=40, high=500)
    max_pitch: float = option(600.0, low=100, high=1500)
    window: float = option(0.3, low=0.05, high=10)
    time_step: float = option(0.01, low=0.005, high=10)


class VoiceTrack(TableTrack):
    """Regularity of the voice in the mix, or in each channel, at their own step.

    HNR and CPP are of a frame, jitter and shimmer of the pulses in a window around it.
    """

    options = VoiceOptions
    word_columns = COLUMNS
    words_voiced = True

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:
        own = parameters.of(VoiceOptions)
        sr = source.native_sr
        if own.min_pitch >= own.max_pitch:
            raise own.error(
                "min_pitch", f"{own.min_pitch:g} is not below voice_max_pitch, {own.max_pitch:g} Hz"
            )
        low, high = RATES_HZ
        low = max(low, int(4 * own.max_pitch))
        if not low <= sr <= high:
            raise own.error(
                "max_pitch",
                f"up to {own.max_pitch:g} Hz, voices are measured at {low} to {high} samples a "
                f"second, and the recording has {sr}",
            )
        super().__init__("voice", COLUMNS, sr=sr, frame_s=own.time_step, has_times=True)
        step = own.time_step
        self._harmonicity = HarmonicityAnalyser(sr=sr, step_s=step, lowest_hz=own.min_pitch)
        self._resampler = SincResampler(sr, SR_HZ)
        self._cepstrum = CepstralAnalyser(step_s=step)
        self._regularity = RegularityAnalyser(
            sr=sr,
            step_s=step,
            window_s=own.window,
            lowest_hz=own.min_pitch,
            highest_hz=own.max_pitch,
        )
        self._kept = [
            stack.enter_context(SpilledRows(n, dtype=np.float64)) for n in (2, 1, len(NAMES))
        ]

    @property
    def n_frames(self) -> int:
        """Number of frames, after the end of the signal."""
        return self._kept[0].n_rows

    def push(self, y: np.ndarray) -> None:
        """Take the next samples."""
        self._keep(
            self._harmonicity.push(y),
            self._cepstrum.push(self._resampler.push(y)),
            self._regularity.push(y),
        )

    def finish(self) -> None:
        """Take the end of the signal."""
        cepstral = self._cepstrum.push(self._resampler.finish())
        self._keep(
            self._harmonicity.finish(),
            np.concatenate([cepstral, self._cepstrum.finish()]),
            self._regularity.finish(),
        )

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the rows, the harmonicity relative to the loudest sample."""
        for correlations, cepstral, regular in self._blocks():
            ratios = hnr_db(correlations, self._harmonicity.global_peak)
            yield np.column_stack([ratios, cepstral, regular]).astype(np.float32)

    def values(self) -> Mapping[str, float | None]:
        """Return means of HNR and CPP in periodic frames, and jitter and shimmer of all pulses."""
        sums, n = np.zeros(2), np.zeros(2)
        for rows in self.rows():
            voiced = rows[~np.isnan(rows[:, 0]), :2].astype(np.float64)
            sums += np.nansum(voiced, axis=0)
            n += (~np.isnan(voiced)).sum(axis=0)
        means = np.divide(sums, n, out=np.full(2, np.nan), where=n > 0)
        found = zip(COLUMNS, [*means, *self._regularity.whole()], strict=True)
        return {name: None if np.isnan(value) else float(value) for name, value in found}

    def _keep(self, *rows: np.ndarray) -> None:
        for kept, some in zip(self._kept, rows, strict=True):
            kept.append(some)

    def _blocks(self) -> Iterator[list[np.ndarray]]:
        """Yield blocks of all three, side by side; resampling may give a frame more or fewer."""
        first, *others = self._kept
        waiting = [kept.rows() for kept in others]
        for block in first.rows():
            found = [block]
            for kept, rows in zip(others, waiting, strict=True):
                some = next(rows, np.empty((0, kept.n_columns)))[: len(block)]
                n_missing = len(block) - len(some)
                found.append(np.pad(some, ((0, n_missing), (0, 0)), constant_values=np.nan))
            yield found
