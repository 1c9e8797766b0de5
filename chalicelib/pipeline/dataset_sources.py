"""The recordings of a stage, as a data set reads them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from chalicelib.core import keys
from chalicelib.core.datasets.candidates import source_of
from chalicelib.core.datasets.models import LeftOut, Source
from chalicelib.core.features.frames import Frames, read_frames
from chalicelib.core.recording import Recording
from chalicelib.core.transcripts.models import Transcript
from chalicelib.errors import UploadChangedError
from chalicelib.pipeline.transcripts import read_transcript
from chalicelib.pipeline.words import open_table

if TYPE_CHECKING:
    from chalicelib.services import Services

GONE = "It was removed meanwhile."


@dataclass(slots=True)
class StageReader:
    """Reads recordings one after the other, each part with a function of its own.

    The functions are given where the reader is made, so the code there shows what a reader needs.
    """

    find: Callable[[str], Recording | None]
    locate: Callable[[Recording], str]
    read_text: Callable[[Recording], Transcript]
    read_table: Callable[[Recording], bytes]
    open_frames: Callable[[Recording], AbstractContextManager[Iterator[Frames]]]
    open_sound: Callable[[Recording], AbstractContextManager[BinaryIO]]
    _read: Recording | None = None

    def source(self, recording_id: str) -> Source | LeftOut:
        """Return a recording, or the reason why it cannot be in a data set."""
        self._read = self.find(recording_id)
        if self._read is None:
            return LeftOut(recording_id, GONE)
        return source_of(self._read, audio=self.locate(self._read))

    def transcript(self, source: Source) -> Transcript:
        """Return the transcript with its corrections."""
        return self.read_text(self._recording(source))

    def segments(self, source: Source) -> bytes:
        """Return ``segments.csv``."""
        return self.read_table(self._recording(source))

    def frames(self, source: Source) -> AbstractContextManager[Iterator[Frames]]:
        """Open the tables as frames."""
        return self.open_frames(self._recording(source))

    def audio(self, source: Source) -> AbstractContextManager[BinaryIO]:
        """Open the upload, or the audio track if the recording was measured from that."""
        return self.open_sound(self._recording(source))

    def _recording(self, source: Source) -> Recording:
        if self._read is None or self._read.id != source.recording_id:
            raise ValueError(f"{source.recording_id} is not the recording that was read last")
        return self._read


def stage_reader(services: "Services") -> StageReader:
    """Return a reader of a stage's recordings."""
    return StageReader(
        services.recordings.find,
        partial(address_of, services=services),
        partial(read_spoken, services=services),
        partial(read_segments, services=services),
        partial(open_frames, services=services),
        partial(open_sound, services=services),
    )


def address_of(recording: Recording, services: "Services") -> str:
    """Return the address of what a recording was measured from."""
    track = _track_of(recording)
    return services.results.uri(track) if track else services.media.uri(recording.source_key)


def read_spoken(recording: Recording, services: "Services") -> Transcript:
    """Return the transcript with its corrections; raise UploadChangedError if it is gone."""
    reading = read_transcript(recording, services)
    if reading is None:
        raise UploadChangedError(recording.source_key)
    return reading.transcript


def read_segments(recording: Recording, services: "Services") -> bytes:
    """Return ``segments.csv``; raise UploadChangedError if it is gone."""
    key = recording.word_table_keys["segments"]
    table = services.results.read(key)
    if table is None:
        raise UploadChangedError(key)
    return table


@contextmanager
def open_frames(recording: Recording, services: "Services") -> Iterator[Iterator[Frames]]:
    """Open the tables as frames; raise UploadChangedError if one is gone."""
    measurement = recording.measurement
    if measurement is None:
        raise TypeError(recording)
    with ExitStack() as stack:
        tables = [open_table(measurement, name, stack, services) for name in keys.JOINED_TABLES]
        yield read_frames(*tables, frame_s=measurement.frame_s)


@contextmanager
def open_sound(recording: Recording, services: "Services") -> Iterator[BinaryIO]:
    """Open what a recording was measured from; raise UploadChangedError if it is gone."""
    track = _track_of(recording)
    upload = services.results.find(track) if track else services.media.find_source(recording)
    if upload is None:
        raise UploadChangedError(track or recording.source_key)
    with services.results.open(upload) if track else services.media.open(upload) as stream:
        yield stream


def _track_of(recording: Recording) -> str | None:
    return recording.measurement.measured_key if recording.measurement else None


def stamp_of(recording: Recording) -> str:
    """Return a text that changes with the transcript and the tables of a recording."""
    etag = recording.transcript.corrections_etag if recording.transcript else None
    return f"{recording.transcription.attempt} {recording.features.attempt} {etag}"
