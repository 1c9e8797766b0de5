"""Mel-frequency cepstral coefficients of a signal that arrives in blocks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import numpy as np

from chalicelib.core.dsp.compiled_mel import make_mel_spectrum
from chalicelib.core.dsp.framing import Framer
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.spectra import hann
from chalicelib.core.dsp.spill import SpilledRows
from chalicelib.errors import BeyondFullScaleError

AMIN = 1e-10
TOP_DB = 80.0
DB_PER_NEPER = np.float32(10.0 / np.log(10.0))


class MfccExtractor(AbstractContextManager["MfccExtractor"]):
    """``librosa.feature.mfcc``, block by block, in bounded memory.

    The log-mel spectrum is kept until the end, because librosa raises all of it to 80 dB below the
    loudest value of the recording. Beyond 4 MiB it is spilled to disk (4 bytes for each band, by
    default 512 for each frame).

    Parameters
    ----------
    parameters : FeatureParameters
        the recipe
    sr : int > 0
        sampling rate of the signal in hertz

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(0, 0.1, 22_050).astype(np.float32)
    >>> with MfccExtractor(FeatureParameters(), sr=22_050) as extractor:
    ...     for block in np.split(y, 3):
    ...         extractor.push(block)
    ...     extractor.finish()
    ...     mfcc = np.concatenate(list(extractor.rows()))
    >>> mfcc.shape
    (44, 13)
    """

    def __init__(self, parameters: FeatureParameters, *, sr: int) -> None:
        n_fft = parameters.n_fft
        self._framer = Framer(n_fft, parameters.hop_length)
        window = hann(parameters.win_length or n_fft, n_fft)
        self._mel_spectrum = make_mel_spectrum(parameters, sr=sr, window=window)
        self._dct = _dct_matrix(parameters.n_mels, parameters.n_mfcc, parameters.lifter)
        self._loudest_db = -np.inf
        self._spilled = SpilledRows(parameters.n_mels)

    def __exit__(self, *exception: object) -> None:
        self._spilled.close()

    @property
    def n_frames(self) -> int:
        """Number of complete frames."""
        return self._spilled.n_rows

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, of shape (n,), for any n."""
        self._keep(self._framer.push(y))

    def finish(self) -> None:
        """Take the end of the signal; no samples may be pushed after it."""
        self._keep(self._framer.finish())

    def rows(self, watch: Callable[[np.ndarray], None] | None = None) -> Iterator[np.ndarray]:
        """Yield the coefficients, after the end of the signal.

        Parameters
        ----------
        watch : callable or None
            called with the log-mel spectrum of each block, in decibels, of shape (n, n_mels)

        Yields
        ------
        mfcc : np.ndarray [shape=(n, n_mfcc)]
            float32, one row for each frame, at most 256 rows at once
        """
        floor = np.float32(self._loudest_db - TOP_DB)
        for log_mel in self._spilled.rows():
            # In float32 this product would have an error of 1e-3 for silence.
            lifted = np.maximum(log_mel, floor).astype(np.float64)
            if watch:
                watch(lifted)
            yield (lifted @ self._dct).astype(np.float32)

    def _keep(self, frames: np.ndarray) -> None:
        if not len(frames):
            return
        log_mel = self._mel_spectrum(frames)
        np.maximum(log_mel, AMIN, out=log_mel)
        np.log(log_mel, out=log_mel)
        log_mel *= DB_PER_NEPER
        self._loudest_db = max(self._loudest_db, float(log_mel.max()))
        if not np.isfinite(self._loudest_db):
            raise BeyondFullScaleError
        self._spilled.append(log_mel)


def _dct_matrix(n_mels: int, n_mfcc: int, lifter: float) -> np.ndarray:
    """Return the orthonormal DCT-II times the lifter, shape (n_mels, n_mfcc), float64."""
    k = np.arange(n_mfcc)
    n = np.arange(n_mels)[:, np.newaxis]
    dct = np.cos(np.pi * k * (2 * n + 1) / (2 * n_mels)) * np.sqrt(2.0 / n_mels)
    dct[:, 0] = np.sqrt(1.0 / n_mels)
    if lifter > 0:
        dct *= 1 + (lifter / 2) * np.sin(np.pi * np.arange(1, 1 + n_mfcc) / lifter)
    return np.asarray(dct)
