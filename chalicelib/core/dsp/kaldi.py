"""Kaldi's filterbanks and MFCC (``feature-fbank.cc``, ``feature-mfcc.cc``), for a stream.

Names and numbers are Kaldi's (Povey and others, 2011), samples 16-bit integers; everything is
computed in double precision, where Kaldi has single. There is no dither, so that the same recording
gives the same numbers.
"""

from dataclasses import dataclass

import numpy as np

from chalicelib.core.dsp.framing import Framer
from chalicelib.errors import BeyondFullScaleError

EPSILON = float(np.finfo(np.float32).eps)
WINDOWS = ("povey", "hamming", "hanning", "sine", "rectangular", "blackman")


@dataclass(frozen=True, slots=True, kw_only=True)
class MelScale:
    """The mel bands: Kaldi's options of them, frequencies in hertz."""

    num_mel_bins: int
    low_freq: float
    high_freq: float
    vtln_low: float
    vtln_high: float
    vtln_warp: float


class KaldiFramer:
    """Frames as Kaldi cuts them: whole ones only, or one for each hop, with mirrored edges.

    Parameters
    ----------
    length, shift : int > 0
        samples in a frame; samples between successive frames
    snip_edges : bool
        whether only whole frames count
    """

    def __init__(self, length: int, shift: int, *, snip_edges: bool) -> None:
        self._length, self._shift = length, shift
        self._snip_edges = snip_edges
        self._first = 0 if snip_edges else shift // 2 - length // 2
        self._framer = Framer(length, shift)
        self._framer.pad(np.empty(0, np.float32))
        self._waiting: np.ndarray | None = np.empty(0, np.float32)
        self._tail = np.empty(0, np.float32)
        self._n_samples = self._n_frames = 0

    def push(self, x: np.ndarray) -> np.ndarray:
        """Add samples and return the frames that they complete, (n_frames, length)."""
        self._n_samples += len(x)
        if self._snip_edges:
            return self._framer.push(x)
        self._tail = np.concatenate([self._tail, x])[-self._length :]
        if self._waiting is not None:
            self._waiting = np.concatenate([self._waiting, x])
            if len(self._waiting) < max(self._length, self._shift):
                return self._framer.push(x[:0])
            begin, self._waiting = self._waiting, None
            self._framer.pad(begin[: max(0, -self._first)][::-1])
            x = begin[max(0, self._first) :]
        frames = self._framer.push(x)
        self._n_frames += len(frames)
        return frames

    def finish(self) -> np.ndarray:
        """Return the last frames; no samples may be pushed after it."""
        if self._snip_edges:
            return self._framer.push(np.empty(0, np.float32))
        n_left = (self._n_samples + self._shift // 2) // self._shift - self._n_frames
        if self._waiting is None:
            return self._framer.push(self._tail[::-1])[:n_left]
        # So short that the mirrors may reach over the whole of it.
        begin, n_beyond = max(0, -self._first), self._length + self._shift
        mirrored = np.pad(self._waiting, (begin, n_beyond), mode="symmetric")
        return self._framer.push(mirrored[max(0, self._first) :])[:n_left]


class KaldiSpectra:
    """Log energies and mel bands of frames.

    Parameters
    ----------
    sr : int > 0
        sampling rate in hertz
    length : int > 0
        samples in a frame
    window_type, blackman_coeff, preemphasis_coefficient, remove_dc_offset, raw_energy
        Kaldi's options
    n_fft : int >= length
        length of the transform
    use_power : bool
        sum the squares of magnitudes in the bands, or the magnitudes
    mel : MelScale
        the bands

    Raises
    ------
    ValueError
        if a band has no FFT bin
    """

    def __init__(  # noqa: PLR0913  # Kaldi's options, all keywords
        self,
        *,
        sr: int,
        length: int,
        window_type: str,
        blackman_coeff: float,
        preemphasis_coefficient: float,
        remove_dc_offset: bool,
        raw_energy: bool,
        n_fft: int,
        use_power: bool,
        mel: MelScale,
    ) -> None:
        self._window = window(window_type, length, blackman_coeff)
        self._preemphasis = preemphasis_coefficient
        self._remove_dc_offset = remove_dc_offset
        self._raw_energy = raw_energy
        self._n_fft = n_fft
        self._use_power = use_power
        self._weights = mel_weights(mel, sr=sr, n_fft=n_fft)

    def __call__(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return log energies, (n,), and mel bands, (n, num_mel_bins), of float64 frames."""
        if self._remove_dc_offset:
            frames = frames - frames.mean(axis=1, keepdims=True)
        energies = (frames**2).sum(axis=1)
        emphasised = frames * (1 - self._preemphasis)
        emphasised[:, 1:] = frames[:, 1:] - self._preemphasis * frames[:, :-1]
        emphasised *= self._window
        if not self._raw_energy:
            energies = (emphasised**2).sum(axis=1)
        spectrum = np.fft.rfft(emphasised, self._n_fft)[:, : self._n_fft // 2]
        power = spectrum.real**2 + spectrum.imag**2
        bands = (power if self._use_power else np.sqrt(power)) @ self._weights
        return log(energies), bands


def log(values: np.ndarray) -> np.ndarray:
    """Return logarithms, of at least the single-precision epsilon."""
    return np.asarray(np.log(np.maximum(values, EPSILON)))


def window(kind: str, length: int, blackman_coeff: float) -> np.ndarray:
    """Return one of Kaldi's windows, symmetric, of shape (length,)."""
    phase = 2 * np.pi * np.arange(length) / max(1, length - 1)
    hanning = 0.5 - 0.5 * np.cos(phase)
    windows = {
        "povey": hanning**0.85,
        "hamming": 0.54 - 0.46 * np.cos(phase),
        "hanning": hanning,
        "sine": np.sin(0.5 * phase),
        "rectangular": np.ones(length),
        "blackman": blackman_coeff
        - 0.5 * np.cos(phase)
        + (0.5 - blackman_coeff) * np.cos(2 * phase),
    }
    return np.asarray(windows[kind])


def mel_weights(mel: MelScale, *, sr: int, n_fft: int) -> np.ndarray:
    """Return triangular weights, even in mels, of shape (n_fft // 2, num_mel_bins).

    Frequencies may be warped for the length of a speaker's vocal tract (VTLN).
    """
    edges = np.linspace(_to_mel(mel.low_freq), _to_mel(mel.high_freq), mel.num_mel_bins + 2)
    if mel.vtln_warp != 1:
        edges = _to_mel(warp(_to_hz(edges), mel))
    bins = _to_mel(np.arange(n_fft // 2) * sr / n_fft)[:, np.newaxis]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    up, down = (bins - left) / (centre - left), (right - bins) / (right - centre)
    weights = np.maximum(0, np.minimum(up, down))
    empty = np.flatnonzero(~weights.any(axis=0))
    if len(empty):
        raise ValueError(f"band {empty[0] + 1} has no bin of the transform of {n_fft} samples")
    return np.asarray(weights)


def warp(frequencies: np.ndarray, mel: MelScale) -> np.ndarray:
    """Return frequencies warped by VTLN: scaled in the middle, both ends kept."""
    factor = mel.vtln_warp
    low, high = mel.vtln_low * max(1, factor), mel.vtln_high * min(1, factor)
    points = [mel.low_freq, low, high, mel.high_freq]
    warped = [mel.low_freq, low / factor, high / factor, mel.high_freq]
    return np.asarray(np.interp(frequencies, points, warped))


def dct(n_bands: int, num_ceps: int, cepstral_lifter: float) -> np.ndarray:
    """Return Kaldi's orthonormal DCT times its lifter, of shape (n_bands, num_ceps)."""
    k = np.arange(num_ceps)
    matrix = np.sqrt(2 / n_bands) * np.cos(
        np.pi / n_bands * (np.arange(n_bands)[:, np.newaxis] + 0.5) * k
    )
    matrix[:, 0] = np.sqrt(1 / n_bands)
    if cepstral_lifter:
        matrix *= 1 + 0.5 * cepstral_lifter * np.sin(np.pi * k / cepstral_lifter)
    return np.asarray(matrix)


def checked(rows: np.ndarray) -> np.ndarray:
    """Return rows as float32; raise MediaError if they are too large for it."""
    if np.abs(rows).max(initial=0) > np.finfo(np.float32).max:
        raise BeyondFullScaleError
    return rows.astype(np.float32)


def _to_mel(frequencies: np.ndarray | float) -> np.ndarray:
    return np.asarray(1127.0 * np.log(1.0 + np.asarray(frequencies) / 700.0))


def _to_hz(mels: np.ndarray) -> np.ndarray:
    return np.asarray(700.0 * (np.exp(mels / 1127.0) - 1.0))
