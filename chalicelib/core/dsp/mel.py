"""The mel scale and its filterbank, with librosa's numbers."""

import numpy as np

from chalicelib.core.dsp.parameters import FeatureParameters

# Slaney's scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above.
LINEAR_HZ_PER_MEL = 200.0 / 3
LOG_START_HZ = 1000.0
LOG_START_MEL = LOG_START_HZ / LINEAR_HZ_PER_MEL
LOG_STEP = np.log(6.4) / 27.0
BANDS_IN_A_SLAB = 16


def hz_to_mel(hz: float, *, htk: bool) -> float:
    """Convert a frequency in hertz to mels.

    Examples
    --------
    >>> round(hz_to_mel(1000.0, htk=False), 6)
    15.0
    """
    if htk:
        return float(2595.0 * np.log10(1.0 + hz / 700.0))
    if hz < LOG_START_HZ:
        return hz / LINEAR_HZ_PER_MEL
    return float(LOG_START_MEL + np.log(hz / LOG_START_HZ) / LOG_STEP)


def mel_to_hz(mels: np.ndarray, *, htk: bool) -> np.ndarray:
    """Convert mels to frequencies in hertz, of the same shape.

    Examples
    --------
    >>> mel_to_hz(np.array([0.0, 15.0]), htk=False).round(6).tolist()
    [0.0, 1000.0]
    """
    if htk:
        return np.asarray(700.0 * (10.0 ** (mels / 2595.0) - 1.0))
    linear = LINEAR_HZ_PER_MEL * mels
    logarithmic = LOG_START_HZ * np.exp(LOG_STEP * (mels - LOG_START_MEL))
    return np.where(mels >= LOG_START_MEL, logarithmic, linear)


def mel_slabs(
    parameters: FeatureParameters, *, sr: int, n_fft: int
) -> list[tuple[slice, slice, np.ndarray]]:
    """Make triangular filters of equal area, evenly spaced in mels.

    Most of the filterbank is zeros, so it is returned in slabs, never as one matrix.

    Parameters
    ----------
    parameters : FeatureParameters
        number of filters, lowest and highest frequency, and the mel scale
    sr : int > 0
        sampling rate in hertz
    n_fft : int > 0
        length of the FFT in samples

    Returns
    -------
    slabs : list of (slice, slice, np.ndarray [shape=(n_bands, n_bins)])
        some bands, their FFT bins, and the float32 weight of each bin in each band
    """
    n_mels, htk = parameters.n_mels, parameters.htk
    fmax = sr / 2 if parameters.fmax is None else parameters.fmax
    lowest, highest = hz_to_mel(parameters.fmin, htk=htk), hz_to_mel(fmax, htk=htk)
    mels = np.linspace(lowest, highest, n_mels + 2)
    edges = mel_to_hz(mels, htk=htk)
    frequencies = np.fft.rfftfreq(n_fft, 1.0 / sr)
    slabs = []
    for start in range(0, n_mels, BANDS_IN_A_SLAB):
        stop = min(start + BANDS_IN_A_SLAB, n_mels)
        first, last = np.searchsorted(frequencies, edges[[start, stop + 1]])
        bins = slice(int(first), max(int(last), int(first) + 1))
        weights = _triangles(edges[start : stop + 2], frequencies[bins])
        slabs.append((slice(start, stop), bins, weights))
    return slabs


def _triangles(edges: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    ramps = edges[:, np.newaxis] - frequencies
    widths = np.diff(edges)[:, np.newaxis]
    rising, falling = -ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]
    np.minimum(rising, falling, out=rising)
    # librosa rounds before scaling and again after it.
    weights = np.maximum(rising, 0, out=rising).astype(np.float32)
    weights *= (2.0 / (edges[2:] - edges[:-2]))[:, np.newaxis]
    return np.asarray(weights)


class MelBands:
    """Power in mel bands from magnitude spectra, in the precision of the weights.

    Parameters
    ----------
    parameters, sr, n_fft
        as for `mel_slabs`
    power : float > 0
        power of the magnitudes: 1 for amplitudes, 2 for energies
    """

    def __init__(
        self, parameters: FeatureParameters, *, sr: int, n_fft: int, power: float = 2.0
    ) -> None:
        self._n_mels = parameters.n_mels
        self._slabs = mel_slabs(parameters, sr=sr, n_fft=n_fft)
        self._power = power

    def __call__(self, magnitudes: np.ndarray) -> np.ndarray:
        """Return bands of shape (n, n_mels) for magnitudes of shape (n, 1 + n_fft // 2)."""
        mel = np.empty((len(magnitudes), self._n_mels), np.float32)
        for bands, bins, weights in self._slabs:
            mel[:, bands] = magnitudes[:, bins] ** self._power @ weights.T
        return mel
