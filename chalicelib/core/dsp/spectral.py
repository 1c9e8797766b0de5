"""Descriptors of magnitude spectra, with librosa's numbers: centroid to contrast, and chroma."""

from itertools import pairwise

import numpy as np

AMIN = 1e-10
TOP_DB = 80.0
N_CHROMA = 12
OCTAVE_CENTRE, OCTAVE_WIDTH = 5.0, 2.0  # the octaves that count most, above A0
A4_HZ = 440.0


def centroid_and_bandwidth(
    magnitudes: np.ndarray, frequencies: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean frequency of spectra, and the deviation from it; 0 in silence.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(n, n_bins)]
        float32
    frequencies : np.ndarray [shape=(n_bins,)]
        of the bins, in hertz

    Returns
    -------
    centroid, bandwidth : np.ndarray [shape=(n,)]
        in hertz
    """
    total = magnitudes.sum(axis=1, keepdims=True, dtype=np.float64)
    shares = (magnitudes / np.where(total < np.finfo(np.float32).tiny, 1, total)).astype(np.float32)
    centroid = (frequencies * shares).sum(axis=1)
    deviations = np.abs(frequencies - centroid[:, np.newaxis])
    return centroid, np.sqrt((shares * deviations**2).sum(axis=1))


def rolloff(magnitudes: np.ndarray, frequencies: np.ndarray, roll_percent: float) -> np.ndarray:
    """Return the lowest frequency below which a share of the magnitudes' sum lies, in hertz."""
    # Added in single precision and one by one, as in librosa: otherwise a tie may give another bin.
    sums = np.cumsum(magnitudes, axis=1)
    reached = sums >= roll_percent * sums[:, -1:]
    return np.asarray(frequencies[reached.argmax(axis=1)])


def flatness(magnitudes: np.ndarray) -> np.ndarray:
    """Return the geometric mean of the power over its mean: 1 for noise, 0 for a tone."""
    power = np.maximum(AMIN, magnitudes**2)
    return np.asarray(np.exp(np.mean(np.log(power), axis=1)) / np.mean(power, axis=1))


class ContrastBands:
    """Peaks and valleys of octave bands, in dB (Jiang and others, 2002; librosa's bins).

    Parameters
    ----------
    frequencies : np.ndarray [shape=(n_bins,)]
        of the bins, in hertz
    fmin : float
        upper edge of the lowest band in hertz; each next band is an octave
    n_bands : int
        number of octave bands above it
    quantile : float
        share of the bins that count as peak, and as valley

    Raises
    ------
    ValueError
        if a band has no bin
    """

    def __init__(
        self, frequencies: np.ndarray, *, fmin: float, n_bands: int, quantile: float
    ) -> None:
        edges = np.concatenate([[0.0], fmin * 2.0 ** np.arange(n_bands + 1)])
        self._bands = []
        for k, (low, high) in enumerate(pairwise(edges)):
            (bins,) = np.nonzero((frequencies >= low) & (frequencies <= high))
            if not len(bins):
                raise ValueError(f"there is no bin between {low:g} and {high:g} Hz")
            first = bins[0] - (k > 0)
            end = len(frequencies) if k == n_bands else bins[-1] + 1
            n_counted = max(1, int(np.rint(quantile * (end - first))))
            if k < n_bands:
                end -= 1
            if end <= first:
                raise ValueError(f"there is one bin alone between {low:g} and {high:g} Hz")
            self._bands.append((slice(first, end), n_counted))

    def __call__(self, magnitudes: np.ndarray) -> np.ndarray:
        """Return dB of the peaks, then of the valleys, (n, 2 * (n_bands + 1)), at least -100."""
        peaks, valleys = [], []
        for bins, n in self._bands:
            ranked = np.sort(magnitudes[:, bins], axis=1)
            valleys.append(np.mean(ranked[:, :n], axis=1))
            peaks.append(np.mean(ranked[:, -n:], axis=1))
        levels = np.stack([*peaks, *valleys], axis=1).astype(np.float64)
        return np.asarray(10.0 * np.log10(np.maximum(AMIN, levels)))


def chroma_weights(*, sr: int, n_fft: int, tuning: float) -> np.ndarray:
    """Return the weight of each FFT bin in each of twelve pitch classes, C first.

    Gaussian bumps around each class, by Ellis (``fft2chromamx``, 2007), as ``librosa.filters
    .chroma`` has them.

    Returns
    -------
    weights : np.ndarray [shape=(12, 1 + n_fft // 2)]
        float32
    """
    frequencies = np.arange(1, n_fft) * sr / n_fft
    octaves = np.log2(frequencies / (A4_HZ * 2.0 ** (tuning / N_CHROMA) / 16))
    places = N_CHROMA * octaves
    # A place for 0 Hz: an octave and a half below the first bin, so broad that it counts nowhere.
    places = np.concatenate([[places[0] - 1.5 * N_CHROMA], places])
    widths = np.concatenate([np.maximum(np.diff(places), 1.0), [1]])
    half = N_CHROMA / 2
    distances = np.subtract.outer(np.arange(N_CHROMA), places) * -1.0
    distances = np.remainder(distances + half + 10 * N_CHROMA, N_CHROMA) - half
    weights = np.exp(-0.5 * (2 * distances / widths) ** 2)
    weights /= np.sqrt((weights**2).sum(axis=0))
    weights *= np.exp(-0.5 * ((places / N_CHROMA - OCTAVE_CENTRE) / OCTAVE_WIDTH) ** 2)
    # Turned, so that C is the first class, and not A.
    return np.asarray(np.roll(weights, -3, axis=0)[:, : 1 + n_fft // 2], dtype=np.float32)
