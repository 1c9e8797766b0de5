"""``fbank.csv`` and ``mfcc_kaldi.csv``: Kaldi's features, with its options and their defaults."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chalicelib.core.dsp import kaldi
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.spectra import FrameAnalyser
from chalicelib.core.features.tracks.track import FrameTrack, Source
from chalicelib.core.options import Options, option

FULL_SCALE = 32_768
MOST_LENGTH = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class KaldiOptions(Options):
    """The options that ``compute-fbank-feats`` and ``compute-mfcc-feats`` share.

    ``frame_length`` and ``frame_shift`` are in milliseconds, frequencies in hertz; a ``high_freq``
    or ``vtln_high`` of 0 or less counts from half the sampling rate. ``scale`` multiplies samples
    in [-1, 1]: Kaldi's samples are 16-bit integers, those of Lhotse and icefall are not (``scale``
    1).
    """

    sample_frequency: int = option(16_000, low=1000, high=384_000)
    frame_length: float = option(25.0, low=1, high=1000)
    frame_shift: float = option(10.0, low=1, high=1000)
    preemphasis_coefficient: float = option(0.97, low=0, high=1)
    remove_dc_offset: bool = option(default=True)
    window_type: str = option("povey", choices=kaldi.WINDOWS)
    blackman_coeff: float = option(0.42, low=0, high=1)
    round_to_power_of_two: bool = option(default=True)
    snip_edges: bool = option(default=True)
    num_mel_bins: int = option(23, low=3, high=256)
    low_freq: float = option(20.0, low=0, high=192_000)
    high_freq: float = option(0.0, low=-192_000, high=192_000)
    vtln_low: float = option(100.0, low=0, high=192_000)
    vtln_high: float = option(-500.0, low=-192_000, high=192_000)
    vtln_warp: float = option(1.0, low=0.5, high=2)
    energy_floor: float = option(0.0, low=0, high=1e12)
    raw_energy: bool = option(default=True)
    htk_compat: bool = option(default=False)
    subtract_mean: bool = option(default=False)
    scale: float = option(float(FULL_SCALE), low=1e-3, high=FULL_SCALE)

    @property
    def length(self) -> int:
        """Samples in a frame."""
        return int(self.sample_frequency * 0.001 * self.frame_length)

    @property
    def shift(self) -> int:
        """Samples between successive frames."""
        return int(self.sample_frequency * 0.001 * self.frame_shift)

    @property
    def n_fft(self) -> int:
        """Length of the transform."""
        return 1 << (self.length - 1).bit_length() if self.round_to_power_of_two else self.length

    def mel(self) -> kaldi.MelScale:
        """Return the mel bands; raise ParameterError if the frequencies do not fit."""
        nyquist = self.sample_frequency / 2
        high = self.high_freq + (nyquist if self.high_freq <= 0 else 0)
        if not self.low_freq < high <= nyquist:
            raise self.error(
                "high_freq",
                f"{self.high_freq:g} is no frequency above {self.table}_low_freq, "
                f"{self.low_freq:g} Hz, up to {nyquist:g} Hz",
            )
        vtln_high = self.vtln_high + (nyquist if self.vtln_high < 0 else 0)
        factor = self.vtln_warp
        low, top = self.vtln_low * max(1, factor), vtln_high * min(1, factor)
        if factor != 1 and not self.low_freq < low < top < high:
            raise self.error(
                "vtln_warp",
                f"{factor:g} moves {self.table}_vtln_low and {self.table}_vtln_high to {low:g} and "
                f"{top:g} Hz, and they must be between {self.low_freq:g} and {high:g} Hz",
            )
        return kaldi.MelScale(
            num_mel_bins=self.num_mel_bins,
            low_freq=self.low_freq,
            high_freq=high,
            vtln_low=self.vtln_low,
            vtln_high=vtln_high,
            vtln_warp=factor,
        )

    def spectra(self, *, use_power: bool) -> kaldi.KaldiSpectra:
        """Return an object that measures frames; raise ParameterError if options do not fit."""
        if self.length > MOST_LENGTH:
            raise self.error(
                "frame_length",
                f"{self.frame_length:g} ms are {self.length} samples at "
                f"{self.sample_frequency} Hz, and at most {MOST_LENGTH} are taken",
            )
        if self.n_fft % 2:
            raise self.error(
                "frame_length",
                f"{self.frame_length:g} ms are {self.length} samples at {self.sample_frequency} "
                f"Hz, and without {self.table}_round_to_power_of_two it must be an even number",
            )
        try:
            return kaldi.KaldiSpectra(
                sr=self.sample_frequency,
                length=self.length,
                window_type=self.window_type,
                blackman_coeff=self.blackman_coeff,
                preemphasis_coefficient=self.preemphasis_coefficient,
                remove_dc_offset=self.remove_dc_offset,
                raw_energy=self.raw_energy,
                n_fft=self.n_fft,
                use_power=use_power,
                mel=self.mel(),
            )
        except ValueError as exc:
            raise self.error("num_mel_bins", f"{self.num_mel_bins} are too many: {exc}") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class FbankOptions(KaldiOptions):
    """Options of the table ``fbank``, those of ``compute-fbank-feats``."""

    table: ClassVar[str] = "fbank"

    use_energy: bool = option(default=False)
    use_log_fbank: bool = option(default=True)
    use_power: bool = option(default=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class MfccKaldiOptions(KaldiOptions):
    """Options of the table ``mfcc_kaldi``, those of ``compute-mfcc-feats``."""

    table: ClassVar[str] = "mfcc_kaldi"

    num_ceps: int = option(13, low=1, high=256)
    cepstral_lifter: float = option(22.0, low=0, high=10_000)
    use_energy: bool = option(default=True)


class _KaldiTrack(FrameTrack):
    """Rows of one of Kaldi's features."""

    def __init__(
        self, options: KaldiOptions, columns: tuple[str, ...], stack: ExitStack, *, use_power: bool
    ) -> None:
        self._spectra = options.spectra(use_power=use_power)
        self._kaldi = options
        self._sums = np.zeros(len(columns))
        sr = options.sample_frequency
        first = 0 if options.snip_edges else options.shift // 2 - options.length // 2
        super().__init__(
            FrameAnalyser(
                kaldi.KaldiFramer(options.length, options.shift, snip_edges=options.snip_edges),
                self._measure,
                n_columns=len(columns),
                frame_length=options.n_fft,
            ),
            options.table,
            columns,
            sr=sr,
            frame_s=options.shift / sr,
            first_s=(first + options.length / 2) / sr,
            stack=stack,
            is_matrix=True,
            has_times=True,
        )

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the rows, with their mean subtracted if this was asked for."""
        if not self._kaldi.subtract_mean:
            return super().rows()
        mean = (self._sums / max(1, self.n_frames)).astype(np.float32)
        return (rows - mean for rows in super().rows())

    def _measure(self, frames: np.ndarray) -> np.ndarray:
        energies, bands = self._spectra(frames.astype(np.float64) * self._kaldi.scale)
        if self._kaldi.energy_floor > 0:
            energies = np.maximum(energies, np.log(self._kaldi.energy_floor))
        rows = self._features(energies, bands)
        self._sums += rows.sum(axis=0)
        return kaldi.checked(rows)

    def _features(self, energies: np.ndarray, bands: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class FbankTrack(_KaldiTrack):
    """The mel filterbank of ``compute-fbank-feats``."""

    options = FbankOptions

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:  # noqa: ARG002  # the rate is Kaldi's
        self._own = own = parameters.of(FbankOptions)
        energy = ("energy",) if own.use_energy else ()
        bands = tuple(f"fbank_{band}" for band in range(1, 1 + own.num_mel_bins))
        columns = (*bands, *energy) if own.htk_compat else (*energy, *bands)
        super().__init__(own, columns, stack, use_power=own.use_power)

    def _features(self, energies: np.ndarray, bands: np.ndarray) -> np.ndarray:
        if self._own.use_log_fbank:
            bands = kaldi.log(bands)
        if not self._own.use_energy:
            return bands
        order = (bands, energies) if self._own.htk_compat else (energies, bands)
        return np.column_stack(order)


class MfccKaldiTrack(_KaldiTrack):
    """The coefficients of ``compute-mfcc-feats``."""

    options = MfccKaldiOptions

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:  # noqa: ARG002  # the rate is Kaldi's
        self._own = own = parameters.of(MfccKaldiOptions)
        if own.num_ceps > own.num_mel_bins:
            raise own.error(
                "num_ceps",
                f"{own.num_ceps} is more than mfcc_kaldi_num_mel_bins, {own.num_mel_bins}",
            )
        self._dct = kaldi.dct(own.num_mel_bins, own.num_ceps, own.cepstral_lifter)
        columns = tuple(f"mfcc_{i}" for i in range(1, 1 + own.num_ceps))
        super().__init__(own, columns, stack, use_power=True)

    def _features(self, energies: np.ndarray, bands: np.ndarray) -> np.ndarray:
        rows = kaldi.log(bands) @ self._dct
        if self._own.use_energy:
            rows[:, 0] = energies
        if self._own.htk_compat:
            # HTK has C0, or the energy, at the end, and C0 has another factor.
            rows = np.roll(rows, -1, axis=1)
            rows[:, -1] *= 1 if self._own.use_energy else np.sqrt(2)
        return np.asarray(rows)
