"""Measures of a recording's quality: clipping, activity, noise and bandwidth, in one pass."""

import numpy as np

from chalicelib.core.dsp.convolution import Convolution

WADA_DB = np.arange(-20, 101)
# The log of the mean amplitude less the mean of its log, at each of these ratios, by numerical
# integration. The amplitudes of the speech have a gamma distribution of shape 0.4, and the noise is
# Gaussian. The paper's own table is a simulation, and differs by at most 0.004.
WADA_G = (
    *(0.40943, 0.40946, 0.4095, 0.40956, 0.40964, 0.40978, 0.40997, 0.41026, 0.41069, 0.41129),
    *(0.41215, 0.41334, 0.41497, 0.41716, 0.42007, 0.42384, 0.42865, 0.43469, 0.44213, 0.45113),
    *(0.46184, 0.47437, 0.4888, 0.50515, 0.52342, 0.54355, 0.56543, 0.58893, 0.61388, 0.64009),
    *(0.66735, 0.69545, 0.72419, 0.75337, 0.78278, 0.81227, 0.84167, 0.87084, 0.89965, 0.92801),
    *(0.95582, 0.98302, 1.00954, 1.03534, 1.06039, 1.08466, 1.10814, 1.13081, 1.15269, 1.17377),
    *(1.19406, 1.21358, 1.23234, 1.25035, 1.26763, 1.28421, 1.3001, 1.31533, 1.32992, 1.34389),
    *(1.35727, 1.37006, 1.38231, 1.39403, 1.40523, 1.41595, 1.42619, 1.43598, 1.44534, 1.45429),
    *(1.46284, 1.47102, 1.47882, 1.48629, 1.49341, 1.50022, 1.50673, 1.51295, 1.51888, 1.52456),
    *(1.52997, 1.53515, 1.54009, 1.54481, 1.54932, 1.55363, 1.55774, 1.56167, 1.56543, 1.56901),
    *(1.57243, 1.5757, 1.57882, 1.58181, 1.58465, 1.58737, 1.58997, 1.59245, 1.59482, 1.59708),
    *(1.59924, 1.60131, 1.60328, 1.60516, 1.60696, 1.60867, 1.61031, 1.61188, 1.61337, 1.6148),
    *(1.61616, 1.61747, 1.61871, 1.6199, 1.62103, 1.62211, 1.62315, 1.62414, 1.62508, 1.62598),
    *(1.62684,),
)
WADA_FLOOR = 1e-10
STEPS_PER_S = 1000
SMOOTHING_S = 0.03
HANGOVER_STEPS = 200
MARGIN_DB = 15.9
THRESHOLDS = 2.0 ** np.arange(-15, 0)


class Amplitudes:
    """Distribution of a signal's amplitudes, for the signal-to-noise ratio by WADA.

    Kim and Stern, "Robust signal-to-noise ratio estimation based on waveform amplitude distribution
    analysis" (Interspeech 2008).
    """

    def __init__(self) -> None:
        self._sum = self._sum_of_logs = 0.0
        self._n = self._n_silent = 0
        self._peak = 0.0

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, of shape (n,)."""
        amplitudes = np.abs(y.astype(np.float64))
        heard = amplitudes[amplitudes > WADA_FLOOR]
        self._n += len(amplitudes)
        self._n_silent += len(amplitudes) - len(heard)
        self._sum += heard.sum()
        self._sum_of_logs += np.log(heard).sum()
        self._peak = max(self._peak, amplitudes.max(initial=0))

    def snr_db(self) -> float | None:
        """Return the ratio in dB, from -20 to 100; None in silence."""
        if not self._sum:
            return None
        # A sample of digital silence counts as 200 dB below the peak.
        logs = self._sum_of_logs + self._n_silent * np.log(WADA_FLOOR * self._peak)
        g = np.log(self._sum / self._n) - logs / self._n
        return float(np.interp(g, WADA_G, WADA_DB))


class Activity:
    """Share of the time in which there is speech, and its level: ITU-T P.56, method B.

    The envelope is taken a thousand times a second, which P.56 allows from 694.

    Parameters
    ----------
    sr : int > 0
        sampling rate in hertz, at least 1000
    """

    def __init__(self, *, sr: int) -> None:
        self._sr = sr
        decay = np.exp(-1 / (SMOOTHING_S * STEPS_PER_S))
        n = np.arange(STEPS_PER_S)
        self._smooth = Convolution((1 - decay) ** 2 * (n + 1) * decay**n)
        self._rest = np.empty(0)
        self._n_samples = self._n_steps = 0
        self._energy = 0.0
        self._recent = np.zeros(HANGOVER_STEPS - 1)
        self._n_active = np.zeros(len(THRESHOLDS), dtype=np.int64)

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, of shape (n,)."""
        y = y.astype(np.float64)
        self._energy += float(y @ y)
        first = self._n_samples - len(self._rest)
        self._n_samples += len(y)
        y = np.concatenate([self._rest, np.abs(y)])
        last_step = self._n_samples * STEPS_PER_S // self._sr
        while (last_step + 1) * self._sr // STEPS_PER_S <= self._n_samples:
            last_step += 1
        steps = np.arange(self._n_steps, last_step + 1)
        edges = steps * self._sr // STEPS_PER_S - first
        self._rest = y[edges[-1] :]
        if len(steps) > 1:
            means = np.add.reduceat(y[: edges[-1]], edges[:-1]) / np.diff(edges)
            self._count(self._smooth.push(means[np.newaxis])[0])
            self._n_steps = last_step

    def _count(self, envelope: np.ndarray) -> None:
        envelope = np.concatenate([self._recent, envelope])
        windows = np.lib.stride_tricks.sliding_window_view(envelope, HANGOVER_STEPS)
        highest = np.sort(windows.max(axis=1))
        self._n_active += len(highest) - np.searchsorted(highest, THRESHOLDS)
        self._recent = envelope[1 - HANGOVER_STEPS :]

    def result(self) -> tuple[float | None, float | None]:
        """Return the share of the time, and the level in dB of full scale; None in silence."""
        active = self._n_active > 0
        if not active.any() or not self._energy:
            return None, None
        samples = self._n_active[active] * self._sr / STEPS_PER_S
        levels = 10 * np.log10(self._energy / samples)
        margins = levels - 20 * np.log10(THRESHOLDS[active])
        # Margins fall as thresholds rise; the level is where they cross 15.9 dB.
        level = float(np.interp(-MARGIN_DB, -margins, levels))
        whole = 10 * np.log10(self._energy / self._n_samples)
        return min(1.0, float(10 ** ((whole - level) / 10))), level


def rolloff(power: np.ndarray, *, bin_hz: float, quantile: float) -> float | None:
    """Return the frequency below which a share of the power lies, None in silence.

    Parameters
    ----------
    power : np.ndarray [shape=(n_bins,)]
        mean power of the spectra of a whole recording
    bin_hz : float > 0
        from one bin to the next
    quantile : float in (0, 1]
        the share
    """
    sums = np.cumsum(power)
    if not sums[-1] > 0:
        return None
    return float(np.searchsorted(sums, quantile * sums[-1]) * bin_hz)
