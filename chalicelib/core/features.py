"""One pass over a recording gives all of its tables."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import BinaryIO

import numpy as np
import orjson

import chalicelib
from chalicelib.core.audio import Recording
from chalicelib.core.mfcc import MfccExtractor
from chalicelib.core.parameters import FeatureParameters
from chalicelib.core.tables import write_csv

__all__ = ["FeatureParameters", "FeatureSummary", "extract"]

SUMMARY_NAME = "features.json"
OpenTable = Callable[[str], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """What was measured, and with what."""

    parameters: FeatureParameters
    sample_rate_hz: int
    source_sample_rate_hz: int
    channels: int
    duration_s: float
    n_frames: int
    tables: tuple[str, ...]
    remark: str | None
    versions: Mapping[str, str]


def extract(
    source: BinaryIO,
    parameters: FeatureParameters,
    open_table: OpenTable,
    *,
    provenance: Mapping[str, str] | None = None,
) -> FeatureSummary:
    """Measure a recording and write its tables and ``features.json``.

    Memory is bounded whatever the length: see `Recording` for what is read and decoded at once,
    and `MfccExtractor` for what is parked in a temporary file.

    Parameters
    ----------
    source : BinaryIO
        any seekable binary file object
    parameters : FeatureParameters
        the recipe
    open_table : callable
        gives a writable binary stream for a file name, as a context manager; one that is left
        by an exception is to be thrown away
    provenance : mapping of str to str
        written into ``features.json`` beside the rest, such as the upload's ETag

    Returns
    -------
    summary : FeatureSummary
        what ``features.json`` holds, without the provenance

    Raises
    ------
    MediaError
        if the recording cannot be decoded or measured; no table is complete then
    """
    recording = Recording(source)
    sr = parameters.sr or recording.sample_rate_hz
    with ExitStack() as stack:
        mfcc = stack.enter_context(MfccExtractor(parameters, sr=sr))
        for (y,) in recording.blocks(sr):
            mfcc.push(y)
        mfcc.finish()
        with open_table("mfcc.csv") as table:
            write_csv(table, _mfcc_columns(parameters), mfcc.rows())
        n_frames = mfcc.n_frames
    summary = FeatureSummary(
        parameters=parameters,
        sample_rate_hz=sr,
        source_sample_rate_hz=recording.sample_rate_hz,
        channels=recording.channels,
        duration_s=recording.duration_s,
        n_frames=n_frames,
        tables=("mfcc.csv",),
        remark=recording.remark,
        versions=_versions(),
    )
    with open_table(SUMMARY_NAME) as stream:
        stream.write(
            orjson.dumps(asdict(summary) | dict(provenance or {}), option=orjson.OPT_INDENT_2)
        )
    return summary


def _mfcc_columns(parameters: FeatureParameters) -> Iterator[str]:
    return (f"mfcc_{i}" for i in range(1, 1 + parameters.n_mfcc))


def _versions() -> dict[str, str]:
    return {
        "earshot": chalicelib.__version__,
        "numpy": np.__version__,
        "soxr": version("soxr"),
    }
