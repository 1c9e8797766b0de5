"""All tables of a recording, in one pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import BinaryIO

import orjson

from chalicelib.core.audio.decoding import DecodedAudio
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.features import display as displays
from chalicelib.core.features import spectrogram
from chalicelib.core.features.bounds import OpenTable, check_n_numbers, timed
from chalicelib.core.features.summary import FeatureSummary, versions
from chalicelib.core.features.tables import Array, write_csv, write_npz
from chalicelib.core.features.tracks.making import Tracks, make_tracks
from chalicelib.core.features.tracks.track import Source, frame_times
from chalicelib.core.probe import limits
from chalicelib.core.probe.contents import Contents
from chalicelib.errors import MediaError

__all__ = ["FeatureParameters", "FeatureSummary", "extract"]

SUMMARY_NAME = "features.json"
ARCHIVE_NAME = "features"
# Each channel needs buffers and rows on disk.
MAX_CHANNELS_APART = 16


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

    The files are ``mfcc.csv`` and so on for each table that is asked for, with ``.gz`` after the
    name if they are compressed; ``mfcc.ch1.csv`` and so on if each channel is measured; on request
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
        kind = Source(
            sr=sr,
            native_sr=recording.sample_rate_hz,
            n_channels=1 if each_channel else recording.channels,
        )
        signals = [
            make_tracks(parameters, kind, stack, channel=channel if each_channel else None)
            for channel in range(n_signals)
        ]
        tracks = list(chain.from_iterable(signals))
        check_size = partial(
            check_n_numbers,
            sum(track.numbers_per_s for track in tracks) * (2 if parameters.npz else 1),
            hop_length_s=parameters.hop_length / sr,
        )
        check_size(recording.promised_s or 0)
        n_samples = 0
        display = displays.Display(sr=sr, hop_length=parameters.hop_length)
        for block in recording.blocks_at(
            list(dict.fromkeys([sr, *(track.sr for track in tracks if not track.apart)])),
            each_channel=each_channel,
            apart=any(track.apart for track in tracks),
        ):
            if longest_s is not None and recording.duration_s > longest_s:
                raise MediaError(f"The recording is longer than {longest_s / 3600:g} h")
            if is_late is not None and is_late():
                raise MediaError(
                    "The recording takes too long to decode: "
                    f"only {recording.duration_s:.1f} s of it could be read in the time there is"
                )
            check_size(recording.duration_s)
            display.push(block.at[sr][0])
            n_samples += len(block.at[sr][0])
            for some in signals:
                some.push(block)
        for track in tracks:
            track.finish()
        n_frames = parameters.n_frames(n_samples)
        tables = [
            name
            for some in signals
            for name in _write(
                some,
                parameters,
                timed(open_table, is_late),
                sr=sr,
                n_frames=n_frames,
                display=display if some is signals[0] else None,
            )
        ]
        values = {
            f"{table}{some.suffix}": found
            for some in signals
            for table, track in some.by_table.items()
            if (found := track.values())
        }
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
        f0_frame_length=_f0_frame_length(signals[0], parameters, sr=sr),
        values=values,
        tables=tuple(tables),
        display=displays.NAME,
        spectrogram=spectrogram.NAME if display.spectrogram else None,
        remark=" ".join(filter(None, [*remarks, signals[0].remark, recording.remark])) or None,
        versions=versions() | dict([recording.decoder] if recording.decoder else []),
    )
    with open_table(SUMMARY_NAME) as stream:
        stream.write(orjson.dumps(summary.to_dict(provenance), option=orjson.OPT_INDENT_2))
    return summary


def _write(
    tracks: Tracks,
    parameters: FeatureParameters,
    open_table: OpenTable,
    *,
    sr: int,
    n_frames: int,
    display: displays.Display | None,
) -> Iterator[str]:
    """Write the tables of one signal, and yield their names."""
    for table, track in tracks.by_table.items():
        made = track.table(display)
        name = f"{table}{tracks.suffix}.csv" + (".gz" if parameters.gzip else "")
        with open_table(name) as stream:
            write_csv(stream, made.columns, made.lines, compress=parameters.gzip)
        yield name
    if parameters.npz:
        name = f"{ARCHIVE_NAME}{tracks.suffix}.npz"
        arrays = list(chain.from_iterable(track.arrays() for track in tracks))
        times = Array("times", frame_times(n_frames, parameters.hop_length / sr), "<f8", n_frames)
        with open_table(name) as stream:
            write_npz(stream, [times, *arrays], compress=parameters.gzip)
        yield name


def _f0_frame_length(tracks: Tracks, parameters: FeatureParameters, *, sr: int) -> int | None:
    if "pitch" not in tracks.by_table:
        return None
    from chalicelib.core.features.tracks.pitch import pitch_frame_length  # noqa: PLC0415  # needs numpy's FFT, for pitch alone

    return pitch_frame_length(parameters, sr=sr)
