"""Loudness by ITU-R BS.1770-4 and EBU R 128 (Tech 3341 and 3342), for a stream of all channels."""

import numpy as np

from chalicelib.core.dsp.convolution import Convolution, impulse_response

OFFSET_LUFS = -0.691
STEPS_PER_S = 10
MOMENTARY_STEPS, SHORT_TERM_STEPS = 4, 30
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU, RANGE_GATE_LU = -10.0, -20.0
RANGE_PERCENT = (10, 95)
SILENCE_ENERGY = 1e-12  # -120 LUFS
# After this time the response of the K filter has fallen by 300 dB.
RESPONSE_S = 0.15
SURROUND = 1.41
OVERSAMPLED_BELOW_HZ = 176_400
FRAMES_AT_ONCE = 8192
# BS.1770-4, annex 2: 48 taps for four times the rate; the other two phases mirror these.
PHASES = (
    (
        *(0.001708984375, 0.010986328125, -0.0196533203125, 0.033203125, -0.0594482421875),
        *(0.1373291015625, 0.97216796875, -0.102294921875, 0.047607421875, -0.026611328125),
        *(0.014892578125, -0.00830078125),
    ),
    (
        *(-0.0291748046875, 0.029296875, -0.0517578125, 0.089111328125, -0.16650390625),
        *(0.465087890625, 0.77978515625, -0.2003173828125, 0.1015625, -0.0582275390625),
        *(0.0330810546875, -0.0189208984375),
    ),
)


def channel_weights(n_channels: int) -> np.ndarray:
    """Return the weight of each channel's energy, in the order of WAV files.

    Of four channels, two are behind the listener. Five channels have no subwoofer; six have one,
    which does not count. For any other number, all channels count alike.
    """
    weights = {
        4: [1, 1, SURROUND, SURROUND],
        5: [1, 1, 1, SURROUND, SURROUND],
        6: [1, 1, 1, 0, SURROUND, SURROUND],
    }
    return np.array(weights.get(n_channels, [1] * n_channels), dtype=np.float64)


def k_filter(sr: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the two filters of K weighting: a shelf for the head, and a high pass.

    BS.1770 gives them at 48 kHz. At other rates they are the bilinear transforms of the same
    analogue filters, with the constants of libebur128 and of De Man ("Evaluation of implementations
    of the EBU R128 loudness measurement", 2018).
    """
    f0, gain_db, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k = np.tan(np.pi * f0 / sr)
    high = 10 ** (gain_db / 20)
    middle = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = (
        np.array([high + middle * k / q + k * k, 2 * (k * k - high), high - middle * k / q + k * k])
        / a0,
        np.array([a0, 2 * (k * k - 1), 1 - k / q + k * k]) / a0,
    )
    f0, q = 38.13547087602444, 0.5003270373238773
    k = np.tan(np.pi * f0 / sr)
    a0 = 1 + k / q + k * k
    high_pass = (
        np.array([1.0, -2.0, 1.0]),
        np.array([a0, 2 * (k * k - 1), 1 - k / q + k * k]) / a0,
    )
    return [shelf, high_pass]


class TruePeak:
    """The highest level of a signal, also between its samples, at four times its rate.

    Parameters
    ----------
    sr : int > 0
        sampling rate in hertz; at 176,400 and more the samples themselves are dense enough
    n_channels : int > 0
        signals side by side
    """

    def __init__(self, *, sr: int, n_channels: int) -> None:
        phases = np.array([*PHASES, *(phase[::-1] for phase in PHASES)])
        self._phases = phases[:, ::-1].T if sr < OVERSAMPLED_BELOW_HZ else np.ones((1, 1))
        self._before = np.zeros((n_channels, len(self._phases) - 1))

    def push(self, x: np.ndarray) -> np.ndarray:
        """Take the next samples, (n_channels, n), and return the peak at each, (n,)."""
        peaks = np.empty(x.shape[1])
        n_taps = len(self._phases)
        signal = np.concatenate([self._before, x], axis=1)
        for first in range(0, x.shape[1], FRAMES_AT_ONCE):
            piece = signal[:, first : first + FRAMES_AT_ONCE + n_taps - 1]
            windows = np.lib.stride_tricks.sliding_window_view(piece, n_taps, axis=1)
            between = np.abs(windows @ self._phases).max(axis=2)
            # A sample may be higher than the filter's answer to it.
            between = np.maximum(between, np.abs(piece[:, n_taps - 1 :]))
            peaks[first : first + between.shape[1]] = between.max(axis=0)
        self._before = signal[:, signal.shape[1] - n_taps + 1 :].copy()
        return peaks

    @property
    def n_delayed(self) -> int:
        """Samples by which the peaks come late; as many zeros at the end give the last peaks."""
        return self._before.shape[1]


class LoudnessMeter:
    """Energy after K weighting, and true peak, of each tenth of a second.

    Parameters
    ----------
    sr : int > 0
        sampling rate in hertz
    n_channels : int > 0
        channels of the signal
    """

    def __init__(self, *, sr: int, n_channels: int) -> None:
        self._sr = sr
        self._weights = channel_weights(n_channels)
        response = impulse_response(k_filter(sr), round(RESPONSE_S * sr))
        self._filter = Convolution(response, n_channels=n_channels)
        self._peaks = TruePeak(sr=sr, n_channels=n_channels)
        self._n_samples = self._n_steps = 0
        self._energy = 0.0
        self._peak = 0.0
        self.true_peak = 0.0

    def push(self, x: np.ndarray) -> np.ndarray:
        """Take the next samples, (n_channels, n).

        Returns
        -------
        steps : np.ndarray [shape=(n_steps, 2)]
            for each tenth of a second that is complete its mean energy, over the weighted channels,
            and its true peak
        """
        powers = self._weights @ np.square(self._filter.push(x))
        peaks = self._peaks.push(x)
        self.true_peak = max(self.true_peak, peaks.max(initial=0))
        steps = []
        done = 0
        while done < len(powers):
            end = (self._n_steps + 1) * self._sr // STEPS_PER_S
            n = min(end - self._n_samples, len(powers) - done)
            self._energy += powers[done : done + n].sum()
            self._peak = max(self._peak, peaks[done : done + n].max())
            self._n_samples += n
            done += n
            if self._n_samples == end:
                steps.append((self._energy * STEPS_PER_S / self._sr, self._peak))
                self._n_steps += 1
                self._energy = self._peak = 0.0
        return np.array(steps).reshape(-1, 2)

    def finish(self) -> None:
        """Take the end of the signal, so that ``true_peak`` has its last samples too."""
        zeros = np.zeros((len(self._weights), self._peaks.n_delayed))
        self.true_peak = max(self.true_peak, self._peaks.push(zeros).max(initial=0))


def loudness(energies: np.ndarray) -> np.ndarray:
    """Return energies in LUFS, NaN below -120."""
    heard = energies > SILENCE_ENERGY
    return np.where(heard, OFFSET_LUFS + 10 * np.log10(np.where(heard, energies, 1)), np.nan)


def means(energies: np.ndarray, n_steps: int) -> np.ndarray:
    """Return the mean energy of the last ``n_steps`` of each step, NaN where there are fewer."""
    if len(energies) < n_steps:
        return np.full(len(energies), np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(energies, n_steps)
    return np.concatenate([np.full(n_steps - 1, np.nan), windows.mean(axis=1)])


def highest(peaks: np.ndarray, n_steps: int) -> np.ndarray:
    """Return the highest of the last ``n_steps`` of each step, or of all steps so far."""
    if not len(peaks):
        return peaks
    padded = np.concatenate([np.zeros(n_steps - 1), peaks])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, n_steps).max(axis=1))


def integrated(momentary: np.ndarray) -> float | None:
    """Return the loudness of a whole programme, gated, from the energies of its 400 ms windows."""
    above = momentary[loudness(momentary) > ABSOLUTE_GATE_LUFS]
    if not len(above):
        return None
    gate = loudness(above.mean()) + RELATIVE_GATE_LU
    return float(loudness(above[loudness(above) > gate].mean()))


def loudness_range(short_term: np.ndarray) -> float | None:
    """Return the loudness range (Tech 3342), from the energies of the windows of 3 s."""
    above = short_term[loudness(short_term) > ABSOLUTE_GATE_LUFS]
    if not len(above):
        return None
    gate = loudness(above.mean()) + RANGE_GATE_LU
    levels = np.sort(loudness(above[loudness(above) > gate]))
    low, high = (
        levels[int(np.floor((len(levels) - 1) * percent / 100 + 0.5))] for percent in RANGE_PERCENT
    )
    return float(high - low)
