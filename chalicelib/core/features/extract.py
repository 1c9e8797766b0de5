"""All tables of a recording, in one pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain
from typing import BinaryIO

import numpy as np
import orjson
import soxr

import chalicelib
from chalicelib.core.audio.decoding import DecodedAudio
from chalicelib.core.dsp import kernels
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.features import display as displays
from chalicelib.core.features import spectrogram
from chalicelib.core.features.bounds import OpenTable, check_n_numbers, timed
from chalicelib.core.features.tables import Array, write_csv, write_npz
from chalicelib.core.features.tracks import Track, frame_times, make_tracks, pitch_frame_length
from chalicelib.core.probe import limits
from chalicelib.core.probe.contents import Contents
from chalicelib.errors import MediaError

__all__ = ["FeatureParameters", "FeatureSummary", "extract"]

SUMMARY_NAME = "features.json"
ARCHIVE_NAME = "features"
# Each channel needs buffers and rows on disk.
MAX_CHANNELS_APART = 16


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """Summary of the tables: what was measured, and the versions used.

    ``duration_s`` is the decoded duration; ``n_frames`` is the number of rows in every table;
    ``f0_frame_length`` is the ``frame_length`` of pYIN, None without a pitch table;
    ``tables`` are the names of the files beside ``features.json``; ``display`` and ``spectrogram``
    are those that a page draws, the second None without the coefficients; ``remark`` tells
    the owner which part could not be decoded or measured, and which parameter may be misspelt;
    ``versions`` has None for kernels if numpy did everything.
    """

    parameters: FeatureParameters
    sample_rate_hz: int
    source_sample_rate_hz: int
    channels: int
    duration_s: float
    n_frames: int
    f0_frame_length: int | None
    tables: tuple[str, ...]
    display: str
    spectrogram: str | None
    remark: str | None
    versions: Mapping[str, str | None]


def extract(
    source: BinaryIO,
    parameters: FeatureParameters,
    open_table: OpenTable,
    *,
    provenance: Mapping[str, str] | None = None,
    remarks: Sequence[str] = (),
    longest_s: float | None = None,
    is_late: Callable[[], bool] | None = None,
) -> FeatureSummary:
    """Measure a recording and write its tables and ``features.json``.

    The files are ``mfcc.csv``, ``energy.csv`` and ``pitch.csv``, with ``.gz`` after the name if
    they are compressed; ``mfcc.ch1.csv`` and so on if each channel is measured; on request
    ``features.npz`` with the same as arrays; and ``display.json`` and
    ``spectrogram.json``, of the first channel if each is measured.

    Memory is bounded for any length: see `DecodedAudio` for the buffers, and `MfccExtractor` for
    the rows that are spilled to disk. The tables are written one after the other when the recording
    has been read, so only one is open at a time.

    Parameters
    ----------
    source : BinaryIO
        any seekable binary file object, read in pieces of 1 MiB
    parameters : FeatureParameters
        the recipe
    open_table : callable
        returns a writable binary stream for a file name, as a context manager; a stream that is
        left by an exception must be discarded
    provenance : mapping of str to str
        written into ``features.json`` beside the rest, such as the upload's ETag
    remarks : sequence of str
        sentences for the owner, at the start of ``remark``
    longest_s : float
        longest recording in seconds; a longer one is refused
    is_late : callable
        called after each block and every few rows; if it returns true, reading or writing ends with
        an error

    Returns
    -------
    summary : FeatureSummary
        the contents of ``features.json``, without the provenance

    Raises
    ------
    MediaError
        if the recording cannot be decoded or measured; then no table is written. Also if writing
        takes too long; then the tables that are complete are kept.
    """
    recording = DecodedAudio(source)
    if reason := limits.refusal(0, Contents(sample_rate_hz=recording.sample_rate_hz)):
        raise MediaError(reason)
    sr = parameters.sr or recording.sample_rate_hz
    each_channel = parameters.channels == "each"
    if each_channel and recording.channels > MAX_CHANNELS_APART:
        raise MediaError(
            f"The recording has {recording.channels} channels: "
            f"at most {MAX_CHANNELS_APART} can be measured apart"
        )
    with ExitStack() as stack:
        n_signals = recording.channels if each_channel else 1
        check_n_numbers(parameters, (recording.promised_s or 0) * sr, n_signals=n_signals)
        made = [make_tracks(parameters, sr=sr, stack=stack) for _ in range(n_signals)]
        signals = [list(tracks.values()) for tracks, _ in made]
        display = displays.Display(sr=sr, hop_length=parameters.hop_length)
        for block in recording.blocks(sr, each_channel=each_channel):
            if longest_s is not None and recording.duration_s > longest_s:
                raise MediaError(f"The recording is longer than {longest_s / 3600:g} h")
            if is_late is not None and is_late():
                raise MediaError(
                    "The recording takes too long to decode: "
                    f"only {recording.duration_s:.1f} s of it could be read in the time there is"
                )
            check_n_numbers(parameters, recording.duration_s * sr, n_signals=n_signals)
            display.push(block[0])
            for tracks, y in zip(signals, block, strict=True):
                for track in tracks:
                    track.push(y)
        for track in chain.from_iterable(signals):
            track.finish()
        tables = [
            name
            for number, tracks in enumerate(signals, start=1)
            for name in _write(
                tracks,
                f".ch{number}" if each_channel else "",
                parameters,
                timed(open_table, is_late),
                sr=sr,
                display=display if number == 1 else None,
            )
        ]
        n_frames = signals[0][0].n_frames
    with open_table(displays.NAME) as stream:
        stream.write(orjson.dumps(display.to_dict(duration_s=recording.duration_s)))
    if display.spectrogram:
        with open_table(spectrogram.NAME) as stream:
            stream.write(orjson.dumps(display.spectrogram.to_dict()))
    summary = FeatureSummary(
        parameters=parameters,
        sample_rate_hz=sr,
        source_sample_rate_hz=recording.sample_rate_hz,
        channels=recording.channels,
        duration_s=recording.duration_s,
        n_frames=n_frames,
        f0_frame_length=pitch_frame_length(parameters, sr=sr) if "pitch" in made[0][0] else None,
        tables=tuple(tables),
        display=displays.NAME,
        spectrogram=spectrogram.NAME if display.spectrogram else None,
        remark=" ".join(filter(None, [*remarks, made[0][1], recording.remark])) or None,
        versions=_versions() | dict([recording.decoder] if recording.decoder else []),
    )
    with open_table(SUMMARY_NAME) as stream:
        written = asdict(summary) | dict(provenance or {})
        stream.write(orjson.dumps(written, option=orjson.OPT_INDENT_2))
    return summary


def _write(
    tracks: list[Track],
    channel: str,
    parameters: FeatureParameters,
    open_table: OpenTable,
    *,
    sr: int,
    display: displays.Display | None,
) -> Iterator[str]:
    """Write the tables of one signal, and yield their names."""
    for table in (track.table(display) for track in tracks):
        name = f"{table.name}{channel}.csv" + (".gz" if parameters.gzip else "")
        with open_table(name) as stream:
            write_csv(stream, table.columns, table.lines, compress=parameters.gzip)
        yield name
    if parameters.npz:
        n_frames = tracks[0].n_frames
        times = Array("times", frame_times(n_frames, parameters.hop_length / sr), "<f8")
        arrays = [times, *chain.from_iterable(track.arrays() for track in tracks)]
        name = f"{ARCHIVE_NAME}{channel}.npz"
        with open_table(name) as stream:
            write_npz(stream, arrays, n_frames=n_frames, compress=parameters.gzip)
        yield name


def _versions() -> dict[str, str | None]:
    return {
        "earshot": chalicelib.__version__,
        "kernels": kernels.version(),
        "numpy": np.__version__,
        "soxr": soxr.__version__,
    }
