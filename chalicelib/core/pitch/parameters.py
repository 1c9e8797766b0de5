"""pYIN's parameters, checked once, and the sizes that follow from them."""

import math
from dataclasses import dataclass

from chalicelib.errors import ParameterError

MAX_PITCH_BINS = 4096
LEAST_PROB = 1e-300  # a smaller one has the same logarithm as 0
MAX_THRESHOLDS = 1000
MAX_BETA_PARAMETER = 40
MAX_FRAME_LENGTH = 1 << 16
MAX_PERIOD = (
    8192  # the prior over the troughs has a quarter of the square of this many numbers, 134 MB
)
MAX_SR_HZ = 10_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PitchParameters:
    """The parameters of ``librosa.pyin``, with its names and its defaults.

    Parameters
    ----------
    sr : float > 0
        sampling rate in hertz
    fmin, fmax : float > 0
        lowest and highest pitch in hertz
    frame_length : int, a power of two
        samples in a frame; a power of two keeps single precision equal to librosa's
    hop_length : int > 0
        samples between successive frames
    n_thresholds : int > 0
        thresholds that a trough of the difference function is compared with
    beta_parameters : tuple of two int > 0
        shape of the beta distribution over the thresholds
    boltzmann_parameter : float > 0
        how much shorter periods are preferred
    resolution : float in (0, 1)
        width of a pitch bin in semitones
    max_transition_rate : float > 0
        fastest change of pitch in octaves per second
    switch_prob : float in (0, 1)
        probability of going from voiced to unvoiced, and back, from frame to frame
    no_trough_prob : float in (0, 1)
        largest probability given to the deepest trough when it is above a threshold
    transition_min_prob : float in [0, 1)
        moves between states that are less likely are not searched; 0 searches all, as librosa did
        before 1.0; the default of librosa 1.0 is 1e-4
    center : bool
        whether frame ``t`` is centred at sample ``t * hop_length``; if false, it begins there
    pad_mode : "constant"
        padding before the first sample and after the last: zeros

    Raises
    ------
    ParameterError
        if a value cannot be used
    """

    sr: float
    fmin: float = 65.0
    fmax: float = 500.0
    frame_length: int = 2048
    hop_length: int = 512
    n_thresholds: int = 100
    beta_parameters: tuple[float, float] = (2, 18)
    boltzmann_parameter: float = 2.0
    resolution: float = 0.1
    max_transition_rate: float = 35.92
    switch_prob: float = 0.01
    no_trough_prob: float = 0.01
    transition_min_prob: float = 0.0
    center: bool = True
    pad_mode: str = "constant"

    def __post_init__(self) -> None:
        self._check_signal()
        self._check_range()
        self._check_priors()
        self._check_bins()

    def _check_signal(self) -> None:
        if not 0 < self.sr <= MAX_SR_HZ:
            raise ParameterError("sr", f"{self.sr} is not above 0 and up to {MAX_SR_HZ:.0f} Hz")
        if not (2 <= self.frame_length <= MAX_FRAME_LENGTH and self.frame_length.bit_count() == 1):  # noqa: PLR2004  # the smallest power of two with room for a lag
            raise ParameterError(
                "frame_length",
                f"{self.frame_length} is not a power of two up to {MAX_FRAME_LENGTH}",
            )
        if self.hop_length < 1:
            raise ParameterError("hop_length", f"{self.hop_length} is not above 0")
        if self.pad_mode != "constant":
            raise ParameterError("pad_mode", f"{self.pad_mode!r} is not 'constant'")

    def _check_range(self) -> None:
        if not self.fmin > 0:
            raise ParameterError("fmin", f"{self.fmin} is not above 0 Hz")
        if not self.fmin < self.fmax:
            raise ParameterError("fmin", f"{self.fmin} is not below fmax={self.fmax}")
        if not self.fmax <= self.sr / 2:
            raise ParameterError("fmax", f"{self.fmax} is above half of sr={self.sr}")
        if self.sr / self.fmin > MAX_PERIOD:
            raise ParameterError(
                "fmin",
                f"{self.fmin:g} Hz has a period of {self.sr / self.fmin:.0f} samples at"
                f" sr={self.sr:g}, and at most {MAX_PERIOD} are searched: use a lower sr",
            )
        if not self.sr / self.fmin < self.frame_length - 1:
            raise ParameterError(
                "fmin",
                f"{self.fmin} has no whole period in frame_length={self.frame_length}"
                f" at sr={self.sr}",
            )
        if not self.max_period > self.min_period:
            raise ParameterError("fmax", f"{self.fmax} has the same period as fmin={self.fmin}")

    def _check_priors(self) -> None:
        if not 1 <= self.n_thresholds <= MAX_THRESHOLDS:
            raise ParameterError(
                "n_thresholds", f"{self.n_thresholds} is not from 1 to {MAX_THRESHOLDS}"
            )
        for shape in self.beta_parameters:
            if not (1 <= shape <= MAX_BETA_PARAMETER and shape == int(shape)):
                raise ParameterError(
                    "beta_parameters",
                    f"{shape} is not a whole number from 1 to {MAX_BETA_PARAMETER}",
                )
        if not 0 < self.boltzmann_parameter < math.inf:
            raise ParameterError(
                "boltzmann_parameter", f"{self.boltzmann_parameter} is not above 0"
            )
        for name in ("resolution", "switch_prob", "no_trough_prob"):
            if not 0 < getattr(self, name) < 1:
                raise ParameterError(name, f"{getattr(self, name)} is not between 0 and 1")
        least = self.transition_min_prob
        if not (least == 0 or LEAST_PROB <= least < 1):
            raise ParameterError(
                "transition_min_prob", f"{least} is neither 0 nor from {LEAST_PROB:g} to below 1"
            )
        if not 0 < self.max_transition_rate < math.inf:
            raise ParameterError(
                "max_transition_rate", f"{self.max_transition_rate} is not above 0"
            )

    def _check_bins(self) -> None:
        if self.n_pitch_bins > MAX_PITCH_BINS:
            raise ParameterError(
                "resolution", f"{self.resolution} makes more than {MAX_PITCH_BINS} pitch bins"
            )
        if self.transition_width > self.n_pitch_bins:
            raise ParameterError(
                "hop_length",
                f"{self.hop_length} is too long at sr={self.sr:g}: within it pitch may change by"
                f" {self.transition_width} bins, which leaves the range of {self.n_pitch_bins} bins"
                f" between fmin={self.fmin:g} and fmax={self.fmax:g} Hz. Use a hop_length of at"
                f" most {self.longest_hop_length}, or a lower fmin",
            )

    @property
    def min_period(self) -> int:
        """Shortest lag, in samples."""
        return math.floor(self.sr / self.fmax)

    @property
    def max_period(self) -> int:
        """Longest lag, in samples."""
        return min(math.ceil(self.sr / self.fmin), self.frame_length - 1)

    @property
    def bins_per_semitone(self) -> int:
        """Pitch bins in a semitone."""
        return math.ceil(1.0 / self.resolution)

    @property
    def n_pitch_bins(self) -> int:
        """Pitch bins from ``fmin`` to ``fmax``."""
        return math.floor(12 * self.bins_per_semitone * math.log2(self.fmax / self.fmin)) + 1

    @property
    def longest_hop_length(self) -> int:
        """Most samples between frames for which a change of pitch stays within the range."""
        semitones = (self.n_pitch_bins - 1) // self.bins_per_semitone
        # Half a semitone is rounded to an even number, which may be up.
        return math.ceil((semitones + 0.5) * self.sr / (12 * self.max_transition_rate)) - 1

    @property
    def transition_width(self) -> int:
        """Pitch bins that one frame's change of pitch can reach, including the same bin."""
        semitones = round(self.max_transition_rate * 12 * self.hop_length / self.sr)
        return semitones * self.bins_per_semitone + 1
