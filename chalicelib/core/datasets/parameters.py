"""The parameters of a data set, from text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from chalicelib.core.datasets.splits import DEFAULT, SPLIT_BY, parse_splits
from chalicelib.errors import ParameterError

FORMATS = ("parquet", "lhotse", "shar", "webdataset", "kaldi")
FRAMES = ("mfcc", "f0", "voiced", "rms")
DTYPES = ("float32", "float16")
WITH_AUDIO = frozenset({"shar", "webdataset"})
"""Formats that contain the sound itself; the others contain its address."""

SINGLE_PRECISION = frozenset({"kaldi", "lhotse"})
"""Formats whose matrices are Kaldi's, which have no half precision."""

MEGABYTE = 1_000_000
SHARD_MB = range(1, 1001)
LONGEST_S = range(1, 601)


@dataclass(frozen=True, slots=True)
class DatasetParameters:
    """The parameters of a data set.

    Parameters
    ----------
    format : str
        one of ``FORMATS``
    frames : tuple of str
        columns of the frames that each utterance has, of ``FRAMES``; none for functionals alone
    dtype : str
        type of the frames, of ``DTYPES``
    splits : mapping of str to float
        share of each split; they add up to 1
    split_by : str
        ``recording`` or ``speaker``: what is never divided between two splits
    longest_s : int
        seconds; a longer utterance is left out, because it is in memory as a whole
    shard_mb : int
        most megabytes of a file
    """

    format: str
    frames: tuple[str, ...] = ()
    dtype: str = "float32"
    splits: Mapping[str, float] = field(default_factory=lambda: parse_splits(DEFAULT))
    split_by: str = "recording"
    longest_s: int = 60
    shard_mb: int = 250

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "DatasetParameters":
        """Return the parameters with these texts, and the defaults for the rest.

        Raise ParameterError if a name is unknown or a text cannot be used.
        """
        known = [one.name for one in fields(cls)]
        for name in given:
            if name not in known:
                raise ParameterError(
                    name[:100], f"a data set has no such parameter; these are {', '.join(known)}"
                )
        form = _choice(given, "format", FORMATS, "parquet")
        default = "none" if form == "parquet" else "mfcc"
        return cls(
            format=form,
            frames=_frames(given.get("frames") or default),
            dtype=_dtype(form, given),
            splits=parse_splits(given.get("splits") or DEFAULT),
            split_by=_choice(given, "split_by", SPLIT_BY, "recording"),
            longest_s=_number(given, "longest_s", LONGEST_S, 60),
            shard_mb=_number(given, "shard_mb", SHARD_MB, 250),
        )

    @property
    def has_audio(self) -> bool:
        """Return whether the data set contains the sound itself."""
        return self.format in WITH_AUDIO

    @property
    def shard_bytes(self) -> int:
        """Most bytes of a file."""
        return self.shard_mb * MEGABYTE

    def n_columns(self, n_mfcc: int) -> int:
        """Return the number of columns of an utterance's frames."""
        return sum(n_mfcc if name == "mfcc" else 1 for name in self.frames)

    def to_dict(self) -> dict[str, object]:
        """Return the parameters as JSON has them."""
        return {
            one.name: list(value)
            if isinstance(value := getattr(self, one.name), tuple)
            else dict(value)
            if isinstance(value, Mapping)
            else value
            for one in fields(self)
        }

    def to_text(self) -> dict[str, str]:
        """Return the parameters as ``parse`` reads them."""
        splits = ",".join(f"{name}={share:.9g}" for name, share in self.splits.items())
        return {
            "format": self.format,
            "frames": ",".join(self.frames) or "none",
            "dtype": self.dtype,
            "splits": splits,
            "split_by": self.split_by,
            "longest_s": str(self.longest_s),
            "shard_mb": str(self.shard_mb),
        }


def _choice(given: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    value = given.get(name) or default
    if value not in choices:
        raise ParameterError(name, f"{value!r} is none of {', '.join(choices)}")
    return value


def _number(given: Mapping[str, str], name: str, bounds: range, default: int) -> int:
    text = given.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) not in bounds:
        raise ParameterError(name, f"{text!r} is not {bounds[0]} to {bounds[-1]}")
    return int(text)


def _frames(text: str) -> tuple[str, ...]:
    names = () if text == "none" else tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in FRAMES or names.count(name) > 1:
            raise ParameterError(
                "frames", f"{text!r} is neither none nor a list of {', '.join(FRAMES)}"
            )
    return names


def _dtype(form: str, given: Mapping[str, str]) -> str:
    dtype = _choice(given, "dtype", DTYPES, "float32")
    if dtype != "float32" and form in SINGLE_PRECISION:
        raise ParameterError("dtype", f"{dtype!r} does not go with {form}: Kaldi has float32 only")
    return dtype
