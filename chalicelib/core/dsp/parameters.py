"""Parameters of a recording's features, with librosa's names and defaults."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from chalicelib.errors import ParameterError

NATIVE = {"native", "none", "0"}
YES = {"true", "yes", "on", "1"}
NO = {"false", "no", "off", "0"}
CHANNELS = ("mix", "each")
TABLES = ("mfcc", "energy", "pitch")
MAX_SR_HZ = 384_000
NEARLY = 0.85  # nmfcc and n_mfcc, table and tables are this similar; filter and lifter are not

# Bounds that limit memory and the rows on disk, far outside of usual values.
RANGES: dict[str, tuple[float, float]] = {
    "sr": (1_000, MAX_SR_HZ),
    "n_mfcc": (1, 512),
    "n_fft": (16, 32_768),
    "hop_length": (16, 65_536),
    "win_length": (1, 32_768),
    "n_mels": (1, 512),
    "fmin": (0.0, MAX_SR_HZ / 2),
    "fmax": (0.0, MAX_SR_HZ / 2),
    "lifter": (0.0, 10_000.0),
    "deltas": (0, 2),
    "f0_min": (20.0, 10_000.0),
    "f0_max": (20.0, 10_000.0),
    "transition_min_prob": (0.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class FeatureParameters:
    """The parameters, checked when the object is created.

    Parameters
    ----------
    sr : int or None
        sampling rate in hertz after resampling; None keeps the recording's rate
    n_mfcc : int
        number of coefficients
    n_fft, hop_length : int
        samples in a frame, and between two frames
    win_length : int or None
        samples under the window; None is ``n_fft``
    n_mels : int
        mel bands
    fmin, fmax : float
        range of the mel bands in hertz; None is half the sampling rate
    htk : bool
        use HTK's mel scale instead of Slaney's
    lifter : float
        cepstral liftering; 0 is none
    deltas : int
        0, 1 for deltas, 2 for delta-deltas too
    f0_min, f0_max : float
        range of pitch in hertz
    transition_min_prob : float
        less likely moves of pitch are not searched; 0 searches all, and 1e-4 gives the frames of
        librosa 1.0's default
    channels : str
        ``mix`` them to one, or measure ``each``
    tables : tuple of str
        which of ``mfcc``, ``energy`` and ``pitch`` are made
    gzip, npz : bool
        compress the tables; write NumPy archives beside them

    Raises
    ------
    ParameterError
        if a value is out of range, or does not fit another value
    """

    sr: int | None = 22_050
    n_mfcc: int = 13
    n_fft: int = 2048
    hop_length: int = 512
    win_length: int | None = None
    n_mels: int = 128
    fmin: float = 0.0
    fmax: float | None = None
    htk: bool = False
    lifter: float = 0.0
    deltas: int = 0
    f0_min: float = 65.0
    f0_max: float = 500.0
    transition_min_prob: float = 0.0
    channels: str = "mix"
    tables: tuple[str, ...] = TABLES
    gzip: bool = False
    npz: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ParameterError(name, f"{value} is not between {low:g} and {high:g}")
        if self.channels not in CHANNELS:
            raise ParameterError("channels", f"{self.channels!r} is neither 'mix' nor 'each'")
        if not self.tables or not set(self.tables) <= set(TABLES):
            raise ParameterError(
                "tables", f"{','.join(self.tables)!r} is not some of {', '.join(TABLES)}"
            )
        if self.win_length is not None and self.win_length > self.n_fft:
            raise ParameterError(
                "win_length", f"{self.win_length} is more than n_fft, which is {self.n_fft}"
            )
        if self.n_mfcc > self.n_mels:
            raise ParameterError(
                "n_mfcc", f"{self.n_mfcc} is more than n_mels, which is {self.n_mels}"
            )
        highest = self.fmax if self.fmax is not None else (self.sr or MAX_SR_HZ) / 2
        if self.fmin >= highest:
            raise ParameterError("fmin", f"{self.fmin:g} Hz is not below fmax, {highest:g} Hz")
        if self.f0_min >= self.f0_max:
            raise ParameterError(
                "f0_min", f"{self.f0_min:g} Hz is not below f0_max, {self.f0_max:g} Hz"
            )

    @classmethod
    def misspelt(cls, names: Iterable[str]) -> tuple[str, ...]:
        """Return a sentence for each name that is similar to a parameter's name."""
        return tuple(
            f"{name} is no parameter; did you mean {meant}?"
            for name in names
            if (meant := cls.nearest(name)) not in (None, _plain(name))
        )

    @classmethod
    def nearest(cls, name: str) -> str | None:
        """Return the parameter with this name, or with a similar name."""
        known = [field.name for field in fields(cls)]
        return next(iter(get_close_matches(_plain(name), known, n=1, cutoff=NEARLY)), None)

    @classmethod
    def parse(cls, *sources: Mapping[str, str]) -> "FeatureParameters":
        """Read settings from text; a later source replaces an earlier one.

        Names are librosa's, with ``-`` or ``_``. Other names are ignored, because a recording's
        metadata may contain anything; see `misspelt`.

        Raises
        ------
        ParameterError
            if a value cannot be read or used
        """
        texts = {_plain(name): text.strip() for source in sources for name, text in source.items()}
        return cls(
            **{
                field.name: _READERS[field.name](field.name, texts[field.name])
                for field in fields(cls)
                if field.name in texts
            }
        )


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as exc:
        raise ParameterError(name, f"{text!r} is not a whole number") from exc


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError as exc:
        raise ParameterError(name, f"{text!r} is not a number") from exc
    if not math.isfinite(value):
        raise ParameterError(name, f"{text!r} is not a finite number")
    return value


def _switch(name: str, text: str) -> bool:
    if text.lower() in YES:
        return True
    if text.lower() in NO:
        return False
    raise ParameterError(name, f"{text!r} is neither 'true' nor 'false'")


def _choice(_name: str, text: str) -> str:
    return text.lower()


def _names(_name: str, text: str) -> tuple[str, ...]:
    named = {part.strip().lower(): None for part in text.split(",") if part.strip()}
    return tuple(named)


def _or_none(read: Callable[[str, str], Any], nones: set[str]) -> Callable[[str, str], Any]:
    return lambda name, text: None if text.lower() in nones else read(name, text)


_READERS: dict[str, Callable[[str, str], Any]] = {
    "sr": _or_none(_whole, NATIVE),
    "n_mfcc": _whole,
    "n_fft": _whole,
    "hop_length": _whole,
    "win_length": _or_none(_whole, {"none"}),
    "n_mels": _whole,
    "fmin": _number,
    "fmax": _or_none(_number, {"none"}),
    "htk": _switch,
    "lifter": _number,
    "deltas": _whole,
    "f0_min": _number,
    "f0_max": _number,
    "transition_min_prob": _number,
    "channels": _choice,
    "tables": _names,
    "gzip": _switch,
    "npz": _switch,
}
