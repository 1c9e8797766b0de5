"""A recording's transcript as people read it: with its corrections."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.core.recording import Recording
from chalicelib.core.transcripts.correcting import CorrectedTranscript, correct
from chalicelib.core.transcripts.corrections import Correction, load_corrections
from chalicelib.core.transcripts.models import Transcript
from chalicelib.core.transcripts.parsing import load_transcript

if TYPE_CHECKING:
    from chalicelib.services import Services

DOCUMENT_BYTES = 32_000_000
"""Largest document to read; four hours of speech have 10 MB, and 32 MB need 300 MB of memory."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A transcript as it was recognised, its corrections, and the two together.

    ``etag`` is that of the corrections; None if there are none.
    """

    original: Transcript
    corrections: tuple[Correction, ...]
    etag: str | None
    corrected: CorrectedTranscript

    @property
    def transcript(self) -> Transcript:
        """The transcript with its corrections."""
        return self.corrected.transcript


def read_transcript(recording: Recording, services: "Services") -> Reading | None:
    """Return a recording's transcript with its corrections, or None if it is not there."""
    summary = recording.transcript
    document = (
        services.results.read(summary.transcript_key, most=DOCUMENT_BYTES) if summary else None
    )
    return with_corrections(recording, document, services) if document else None


def with_corrections(recording: Recording, document: bytes, services: "Services") -> Reading:
    """Return a transcript of a recording with its corrections."""
    original = load_transcript(document)
    stored = services.corrections.read(recording.id)
    corrections = tuple(load_corrections(stored.body))
    return Reading(original, corrections, stored.etag, correct(original, corrections))
