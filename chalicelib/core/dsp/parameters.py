"""Parameters of a recording's features, with librosa's names and defaults."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar

from chalicelib.core.options import Options, choice, names, number, or_none, switch, whole
from chalicelib.core.registry import DEFAULT_TABLES, TABLES, track_class
from chalicelib.errors import ParameterError

NATIVE = {"native", "none", "0"}
CHANNELS = ("mix", "each")
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


_Options = TypeVar("_Options", bound=Options)


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
        which are made; ``chalicelib.core.registry`` has all
    gzip, npz : bool
        compress the tables; write NumPy archives beside them
    options : mapping of str to Options
        a table's own options, by its name; those left out have their defaults

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
    tables: tuple[str, ...] = DEFAULT_TABLES
    gzip: bool = False
    npz: bool = False
    options: Mapping[str, Options] = field(default_factory=dict, hash=False)

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

    def of(self, options: type[_Options]) -> _Options:
        """Return a table's own options, by their class."""
        found = self.options.get(options.table)
        return found if isinstance(found, options) else options()

    def n_frames(self, n_samples: int) -> int:
        """Return the number of complete frames: centred, half a frame of padding at each end."""
        return 1 + (n_samples - self.n_fft % 2) // self.hop_length

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, with the own options of the tables that are made."""
        found = {name: getattr(self, name) for name in _READERS}
        for table in self.tables:
            if options := track_class(table).options:
                found |= self.of(options).to_dict()
        return found

    @classmethod
    def names(cls, *near: str) -> tuple[str, ...]:
        """Return the names of all parameters, and of the options of the tables that ``near`` names.

        Parameters
        ----------
        *near : str
            possible names of options, such as ``logmel_n_mels`` of the table ``logmel``
        """
        named = [options.names() for options in options_of(near)]
        return (*_READERS, *(name for group in named for name in group))

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
        known = cls.names(_plain(name))
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
        values = {name: read(name, texts[name]) for name, read in _READERS.items() if name in texts}
        values["options"] = {one.table: one.read(texts) for one in options_of(texts)}
        return cls(**values)


def options_of(names: Iterable[str]) -> Iterator[type[Options]]:
    """Yield the options of each table whose name, with an underscore, begins one of the names."""
    for table in TABLES:
        if any(name.startswith(f"{table}_") for name in names):
            options = track_class(table).options
            if options:
                yield options


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


_READERS: dict[str, Callable[[str, str], Any]] = {
    "sr": or_none(whole, NATIVE),
    "n_mfcc": whole,
    "n_fft": whole,
    "hop_length": whole,
    "win_length": or_none(whole, {"none"}),
    "n_mels": whole,
    "fmin": number,
    "fmax": or_none(number, {"none"}),
    "htk": switch,
    "lifter": number,
    "deltas": whole,
    "f0_min": number,
    "f0_max": number,
    "transition_min_prob": number,
    "channels": choice,
    "tables": names,
    "gzip": switch,
    "npz": switch,
}
