"""Features of a recording as arrays."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from os import PathLike
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import numpy as np

from chalicelib.core.dsp.parameters import options_of
from chalicelib.core.features.extract import ARCHIVE_NAME, FeatureParameters, FeatureSummary
from chalicelib.core.features.extract import extract as write_tables
from chalicelib.errors import MediaError, ParameterError

OF_FILES = {"tables", "gzip", "npz"}
"""Parameters that `extract` does not take as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Features(Mapping[str, np.ndarray]):
    """The features of a recording: arrays by name, as librosa names and shapes them.

    ``features["mfcc"]`` has the shape (n_mfcc, n_frames), ``features["f0"]`` (n_frames,). If each
    channel was measured, every array but those of times has the channels as its first axis.

    Attributes
    ----------
    times : np.ndarray [shape=(n_frames,)]
        centre of each frame in seconds; a table with other frames has an array of its own times
    arrays : mapping of str to np.ndarray
        the arrays; the object itself is a mapping too
    summary : FeatureSummary
        what was measured and with which versions: the contents of ``features.json``
    """

    times: np.ndarray
    arrays: Mapping[str, np.ndarray]
    summary: FeatureSummary

    def __getitem__(self, name: str) -> np.ndarray:
        """Return an array by its name."""
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the arrays."""
        return iter(self.arrays)

    def __len__(self) -> int:
        """Return the number of arrays."""
        return len(self.arrays)

    def __repr__(self) -> str:
        """Return the length and the arrays' shapes."""
        shapes = ", ".join(f"{name}: {array.shape}" for name, array in self.arrays.items())
        return f"<Features of {self.summary.duration_s:.2f} s: {shapes}>"


def extract(
    recording: str | PathLike[str] | BinaryIO,
    tables: str | Sequence[str] = FeatureParameters().tables,
    **parameters: Any,
) -> Features:
    """Measure a recording, and return its tables as arrays.

    The numbers are those of the files that Earshot writes, in one pass. Memory holds the arrays;
    for a moment it holds them twice.

    Parameters
    ----------
    recording : str, path or binary file object
        an audio or video file; a file object must be seekable
    tables : str or sequence of str
        the tables, such as ``"mfcc,pitch"`` or ``["mfcc", "pitch"]``
    **parameters
        the recipe: the fields of `FeatureParameters`, such as ``n_mfcc=20`` or ``sr=16000``, and
        a table's own options after its name, such as ``logmel_n_mels=128``

    Returns
    -------
    features : Features
        the arrays of every table, and the times of their frames

    Raises
    ------
    ParameterError
        if a parameter is unknown, or has an unusable value
    MediaError
        if the recording cannot be read, decoded or measured
    """
    options = recipe(tables, parameters)
    with ExitStack() as stack:
        archives: list[BinaryIO] = []

        @contextmanager
        def open_table(name: str) -> Iterator[BinaryIO]:
            if name.startswith(ARCHIVE_NAME) and name.endswith(".npz"):
                archives.append(stack.enter_context(TemporaryFile()))
                yield archives[-1]
            else:
                yield _Nowhere()

        summary = write_tables(stack.enter_context(opened(recording)), options, open_table)
        found = [_arrays(archive) for archive in archives]
    arrays = found[0]
    times = arrays.pop("times")
    if options.channels == "each":
        arrays = {
            name: array if name.endswith("_times") else np.stack([each[name] for each in found])
            for name, array in arrays.items()
        }
    return Features(times, arrays, summary)


def recipe(tables: str | Sequence[str], parameters: Mapping[str, Any]) -> FeatureParameters:
    """Return the parameters of an extraction; raise ParameterError for one that is unknown."""
    common = [name for name in FeatureParameters.names() if name not in OF_FILES]
    own = {one: one.names() for one in options_of(parameters)}
    for name in parameters:
        if name not in {*common, *chain.from_iterable(own.values())}:
            nearest = FeatureParameters.nearest(name)
            known = ", ".join(common)
            hint = f"use {known}" if nearest in (None, name) else f"did you mean {nearest}?"
            raise ParameterError(name, f"it is no parameter; {hint}")
    split = tables.split(",") if isinstance(tables, str) else tables
    return FeatureParameters(
        **{name: value for name, value in parameters.items() if name in common},
        tables=tuple(dict.fromkeys(name.strip() for name in split)),
        npz=True,
        options={
            one.table: one(
                **{
                    name.removeprefix(f"{one.table}_"): parameters[name]
                    for name in names
                    if name in parameters
                }
            )
            for one, names in own.items()
        },
    )


@contextmanager
def opened(recording: str | PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """Open a recording, or take one that is open; raise MediaError if there is none."""
    if not isinstance(recording, str | PathLike):
        yield recording
        return
    try:
        with Path(recording).open("rb") as stream:
            yield stream
    except OSError as exc:
        raise MediaError(f"The file cannot be read: {exc.strerror or exc}.") from exc


def _arrays(archive: BinaryIO) -> dict[str, np.ndarray]:
    archive.seek(0)
    with np.load(archive) as arrays:
        return dict(arrays)


class _Nowhere(io.BytesIO):
    """A stream that keeps nothing, for the tables as text, which nobody asked for."""

    def write(self, data: Any) -> int:
        return len(data)
