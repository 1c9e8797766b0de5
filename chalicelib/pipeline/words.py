"""The join of the transcript with the tables: rows of words, segments and speakers, a summary."""

import gzip
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, cast

import orjson

from chalicelib.core import keys
from chalicelib.core.registry import TABLES, track_class
from chalicelib.errors import UploadChangedError
from chalicelib.pipeline.transcripts import read_transcript

if TYPE_CHECKING:
    from chalicelib.core.recording import Recording
    from chalicelib.core.results import Measurement
    from chalicelib.core.transcripts.models import Transcript
    from chalicelib.services import Services


def join_words(recording: "Recording", services: "Services") -> "Recording":
    """Write a recording's words, segments and speakers with the features of each.

    If transcript and tables are not both there, do nothing. Safe to repeat, even at the same time,
    because the same files are written.
    """
    return write_word_tables(recording, services) if recording.awaits_words else recording


def write_word_tables(recording: "Recording", services: "Services") -> "Recording":
    """Write the tables of words, even if they are there. Safe to repeat.

    If the transcript is corrected meanwhile, they are written once more.
    """
    while True:
        reading = read_transcript(recording, services)
        if reading is None:
            return recording  # removed meanwhile, together with the recording
        written = _write_tables(recording, reading.transcript, services)
        if services.corrections.read(recording.id).etag == reading.etag:
            return services.recordings.write_words(recording, written)


def _write_tables(
    recording: "Recording", transcript: "Transcript", services: "Services"
) -> dict[str, str]:
    """Write the tables of a transcript's words; return their keys by name."""
    measurement = recording.measurement
    if measurement is None:
        raise TypeError(recording)
    # numpy takes longer to import than most events take to handle.
    from chalicelib.core.features.frames import read_frames  # noqa: PLC0415  # needs numpy, which most events do not
    from chalicelib.core.features.recording_summary import write_summary  # noqa: PLC0415  # needs numpy, which most events do not
    from chalicelib.core.features.words import join_voices, write_voices  # noqa: PLC0415  # needs numpy, which most events do not

    with ExitStack() as stack:
        frames = read_frames(
            *(open_table(measurement, name, stack, services) for name in keys.JOINED_TABLES),
            frame_s=measurement.frame_s,
        )
        further = {
            name: open_table(measurement, name, stack, services)
            for name in measurement.feature_keys
            if name in TABLES and name not in keys.JOINED_TABLES and track_class(name).word_columns
        }
        voices = join_voices(transcript, frames, further, frame_s=measurement.frame_s)
    written = {}
    for name, label, rows in (
        ("words", "word", voices.words),
        ("segments", "segment", voices.segments),
        ("speakers", "words", voices.speakers),
    ):
        written[name] = keys.features(recording.id, f"{name}.csv")
        with services.results.create(written[name]) as table:
            table.write(write_voices(label, rows, recording.id, voices.measured).encode())
    known = recording.transcript.language_code if recording.transcript else None
    written["summary"] = keys.features(recording.id, "summary.json")
    with services.results.create(written["summary"]) as summary:
        summary.write(
            write_summary(
                voices,
                recording_id=recording.id,
                facts={
                    "owner": recording.owner,
                    "source_key": recording.source_key,
                    "language_code": transcript.language_code or known,
                },
                duration_s=measurement.duration_s,
                values=_whole_values(recording, services),
            )
        )
    return written


def _whole_values(recording: "Recording", services: "Services") -> dict[str, float | None]:
    """Return the values of the recording as a whole, as in ``features.json``."""
    from chalicelib.core.features.measures import whole_values  # noqa: PLC0415  # needs numpy, which most events do not

    made = services.results.read(keys.features(recording.id, "features.json"))
    return whole_values(orjson.loads(made).get("values", {})) if made else {}


def open_table(
    measurement: "Measurement", name: str, stack: ExitStack, services: "Services"
) -> BinaryIO:
    """Open a recording's table, decompressed; raise UploadChangedError if it is gone."""
    key = measurement.feature_keys[name]
    table = services.results.find(key)
    if table is None:
        raise UploadChangedError(key)
    opened = stack.enter_context(services.results.open(table))
    if key.endswith(".gz"):
        return cast("BinaryIO", stack.enter_context(gzip.open(opened)))
    return opened
